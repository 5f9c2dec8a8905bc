"""Built-in limits: what is never context whatever the policy says, decided by name, size or bytes.

They come before every rule. Text is UTF-8 without NUL, in lines that a person could read.
"""

from __future__ import annotations

from contextd.model.content import EntryKind, Observed
from contextd.policy.rules import Limits

BUILT_IN = "built in"
_MAX_PATH = 1_024
_NOT_A_NAME = frozenset({b"", b".", b".."})
_POINTER = b"version https://git-lfs.github.com/spec/"
_MAX_POINTER = 1_024
# Containers that can, if rarely, hold no NUL byte in all their length, by how they begin.
_CONTAINERS = (
    b"PK\x03\x04",
    b"PK\x05\x06",
    b"\x1f\x8b",
    b"BZh",
    b"\xfd7zXZ\x00",
    b"7z\xbc\xaf'\x1c",
    b"\x28\xb5\x2f\xfd",
    b"Rar!\x1a\x07",
    b"%PDF-",
)
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


def printable(path: bytes) -> str:
    r"""Write a path for people: UTF-8, with undecodable bytes as ``\xNN``."""
    return path.decode("utf-8", "backslashreplace")


def raw_path(path: str) -> bytes:
    """The bytes of a path given as a string; lone surrogates, which no UTF-8 holds, stay invalid."""
    try:
        return path.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return path.encode("utf-8", "surrogatepass")


def path_fault(path: bytes) -> str:
    """Return ``EXCL-PATH`` for a name that cannot be in a snapshot, else nothing.

    Snapshot paths are UTF-8 of at most 1,024 bytes, relative, without NUL and without an empty, ``.`` or ``..`` part.
    """
    if len(path) > _MAX_PATH or b"\0" in path or not _NOT_A_NAME.isdisjoint(path.split(b"/")):
        return "EXCL-PATH"
    try:
        path.decode()
    except UnicodeDecodeError:
        return "EXCL-PATH"
    return ""


def entry_fault(entry: Observed, limits: Limits) -> str:
    """Return the code of the built-in limit that an entry breaks before its bytes are read, else nothing."""
    fault = path_fault(entry.path)
    if not fault and entry.kind is not EntryKind.FILE:
        fault = "EXCL-LINK"
    return fault or size_fault(entry.size, limits)


def size_fault(size: int, limits: Limits) -> str:
    """Return ``EXCL-TOO-LARGE`` for a size in bytes over the file limit, else nothing."""
    return "EXCL-TOO-LARGE" if size > limits.file else ""


def content_fault(data: bytes, limits: Limits) -> str:
    """Return the code of the built-in limit that a file's bytes break, else nothing."""
    if fault := size_fault(len(data), limits):
        return fault
    if data.startswith(_POINTER) and len(data) <= _MAX_POINTER:
        return "EXCL-LINK"
    if data.startswith(_UTF16):
        return "EXCL-ENCODING"
    if data.startswith(_CONTAINERS) or b"\0" in data:
        return "EXCL-BINARY"
    if not data.isascii():
        try:
            data.decode()
        except UnicodeDecodeError:
            return "EXCL-ENCODING"
    return "EXCL-TOO-LARGE" if _has_line_over(data, limits.line) else ""


def _has_line_over(data: bytes, limit: int) -> bool:
    """Whether a line, its line feed not counted, is longer than ``limit`` bytes; looks at one place a window of that size."""
    start = 0
    while len(data) - start > limit:
        end = data.rfind(b"\n", start, start + limit + 1)
        if end < 0:
            return True
        start = end + 1
    return False
