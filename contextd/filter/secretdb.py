"""The compiled database that says which secret rules can match a text at all, and its cache on disk.

hyperscan runs all patterns in one pass and reports each rule at most once; google-re2 then decides (see ``secrets``). The pass
may only err towards too many rules: patterns whose meaning differs between the two engines, that hyperscan refuses or that are
too large for it are reported for every text, so no rule is ever lost.

A cached database is used only when it lies in a directory of ours that nobody else can write, and its digest, its key and
hyperscan's own checks hold; otherwise it is compiled anew. Deleting the cache loses nothing but half a second.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import stat
import threading
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import hyperscan

_VERSION = version("hyperscan")
_MAGIC = b"contextd secret database 1\n"
_LOADED_MOST = 8
_FLAGS = hyperscan.HS_FLAG_SINGLEMATCH
_OPTIONAL_PREFIX = re.compile(r"\A((?:\(\?[ims]+\))?)\[(?:\\.|[^\]\\])+\](?:\{0,\d+\}|\*)\??(?=.)", re.DOTALL)
# \p and \x80 and above fold and class differently; \v is one character to RE2 and several to PCRE; \Q hides brackets.
_DIFFERS = re.compile(r"\\(?:[pPvCQ0-7]|x\{|x[89a-fA-F])")
# RE2's white space; PCRE's has the vertical tab as well.
_SPACES = {r"\s": r"\t\n\f\r ", r"\S": r"\x00-\x08\x0b\x0e-\x1f\x21-\xff"}
_OUTSIDE = re.compile(r"[^\\\[{]+|\\.|\[\^?\]?|\{\d+,\d+\}", re.DOTALL)  # a "]" right after "[" or "[^" is a member
_IN_CLASS = re.compile(r"[^\\\[\]]+|\\.|\[:\^?\w+:\]", re.DOTALL)
_BOUNDS = re.compile(r"\{(\d+),(\d+)\}")
_WIDE = 8


def candidate_pattern(regex: str) -> bytes | None:
    r"""A pattern for hyperscan that matches in every text where RE2 finds ``regex``; None when that cannot be promised.

    A leading optional class such as ``[\w.-]{0,50}?`` is dropped: it changes where a match starts, not whether there is one.
    A wide repetition loses its upper bound: the automaton shrinks, and what matches too much is for re2 to refuse.
    """
    if not regex.isascii() or _DIFFERS.search(regex):
        return None
    return "".join(_translated(_OPTIONAL_PREFIX.sub(r"\1", regex, count=1))).encode("ascii")


def _translated(regex: str) -> Iterator[str]:
    r"""The pattern piece by piece, ``\s`` and ``\S`` spelled out as RE2 reads them and wide repetitions opened."""
    in_class = False
    place = 0
    while place < len(regex):
        piece = _IN_CLASS.match(regex, place) if in_class else _OUTSIDE.match(regex, place)
        text = piece.group() if piece else regex[place]
        place += len(text)
        if text in _SPACES:
            yield _SPACES[text] if in_class else f"[{_SPACES[text]}]"
        elif not in_class and (bounds := _BOUNDS.fullmatch(text)) and int(bounds[2]) - int(bounds[1]) > _WIDE:
            yield f"{{{bounds[1]},}}"
        else:
            yield text
            in_class = text != "]" if in_class else text[0] == "["


class CandidateDatabase:
    """Databases over a list of patterns, with the indexes of those that must be tried on every text.

    Safe for use by several threads at once: each has its own scratch space.
    """

    def __init__(self, parts: Sequence[Any], always: frozenset[int]) -> None:
        self._parts = tuple(parts)
        self._always = always
        self._local = threading.local()

    @property
    def always(self) -> frozenset[int]:
        """Indexes of the patterns that no database holds."""
        return self._always

    def serialized(self) -> list[bytes]:
        """The databases as hyperscan writes them."""
        return [hyperscan.dumpb(part) for part in self._parts]

    def indexes(self, data: bytes) -> set[int]:
        """Indexes of the patterns that may match somewhere in ``data``, and of all that are always tried.

        Raises:
            hyperscan.error: the text cannot be scanned (longer than 4 GiB).
        """
        found = set(self._always)
        if data:
            scratches = self._scratches()
            for part, scratch in zip(self._parts, scratches, strict=True):
                part.scan(data, match_event_handler=_note, context=found, scratch=scratch)
        return found

    def _scratches(self) -> list[Any]:
        scratches: list[Any] | None = getattr(self._local, "scratches", None)
        if scratches is None:
            scratches = [hyperscan.Scratch(part) for part in self._parts]
            self._local.scratches = scratches
        return scratches


def _note(index: int, _start: int, _end: int, _flags: int, found: set[int]) -> None:
    found.add(index)


_loaded: dict[str, CandidateDatabase] = {}
_lock = threading.Lock()


def candidate_database(regexes: Sequence[str], cache_dir: Path | None = None) -> CandidateDatabase:
    """The database for ``regexes`` (RE2 syntax; an empty one matches nothing), from this process, the cache, or compiled.

    Args:
        regexes: what the reported indexes count, from 0.
        cache_dir: a directory for the compiled form, made with mode 0700 when absent; None keeps nothing on disk.
    """
    patterns = [candidate_pattern(regex) if regex else b"" for regex in regexes]
    key = _digest(
        json.dumps([_VERSION, _FLAGS, [None if pattern is None else pattern.decode("ascii") for pattern in patterns]]).encode(
            "ascii"
        )
    )
    with _lock:
        database = _loaded.get(key)
        if database is None:
            cache = cache_dir / f"secrets-{key[:32]}.hsdb" if cache_dir is not None and _is_ours(cache_dir) else None
            database = _read(cache, key, len(patterns)) if cache is not None else None
            if database is None:
                database = _compile(patterns)
                if cache is not None:
                    _write(cache, key, database)
            if len(_loaded) >= _LOADED_MOST:
                del _loaded[next(iter(_loaded))]
            _loaded[key] = database
    return database


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _compile(patterns: Sequence[bytes | None]) -> CandidateDatabase:
    always = {index for index, pattern in enumerate(patterns) if pattern is None}
    todo = [(index, pattern, _FLAGS) for index, pattern in enumerate(patterns) if pattern]
    try:
        return CandidateDatabase([_database(todo)] if todo else [], frozenset(always))
    except hyperscan.error:  # one of them, or all together: find out which
        pass
    good = []
    for index, pattern, flags in todo:
        for attempt in (flags, flags | hyperscan.HS_FLAG_PREFILTER):
            try:
                _database([(index, pattern, attempt)])
            except hyperscan.error:
                continue
            good.append((index, pattern, attempt))
            break
        else:
            always.add(index)
    return CandidateDatabase(_halved(good), frozenset(always))


def _halved(patterns: list[tuple[int, bytes, int]]) -> list[Any]:
    """As few databases as hyperscan's size limits allow; each pattern compiles when alone."""
    if not patterns:
        return []
    try:
        return [_database(patterns)]
    except hyperscan.error:
        middle = len(patterns) // 2
        return _halved(patterns[:middle]) + _halved(patterns[middle:])


def _database(patterns: list[tuple[int, bytes, int]]) -> Any:  # noqa: ANN401  (hyperscan publishes no types)
    indexes, expressions, flags = zip(*patterns, strict=True)
    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    database.compile(expressions=list(expressions), ids=list(indexes), elements=len(patterns), flags=list(flags))
    return database


def _is_ours(directory: Path) -> bool:
    """Make the directory when it is absent; whether it is a directory of this user that nobody else can write."""
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = directory.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid() and not status.st_mode & 0o022


def _read(path: Path, key: str, patterns: int) -> CandidateDatabase | None:
    """The cached database; None when it is missing, is not the one asked for, or was changed."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    magic, digest, body = content[: len(_MAGIC)], content[len(_MAGIC) :][:64], content[len(_MAGIC) + 64 :]
    if magic != _MAGIC or digest != _digest(body).encode("ascii"):
        return None
    head, _, blobs = body.partition(b"\n")
    try:
        said = json.loads(head)
        if said["key"] != key or not all(0 <= index < patterns for index in said["always"]):
            return None
        parts = []
        for size in said["sizes"]:
            part = hyperscan.loadb(blobs[:size], mode=hyperscan.HS_MODE_BLOCK)
            part.scratch = hyperscan.Scratch(part)  # loadb leaves it unset
            parts.append(part)
            blobs = blobs[size:]
        return CandidateDatabase(parts, frozenset(said["always"]))
    except (ValueError, KeyError, TypeError, hyperscan.error):
        return None


def _write(path: Path, key: str, database: CandidateDatabase) -> None:
    """Put the database into the cache in one step. A cache that cannot be written is done without."""
    blobs = database.serialized()
    head = json.dumps({"key": key, "always": sorted(database.always), "sizes": [len(blob) for blob in blobs]})
    body = head.encode("ascii") + b"\n" + b"".join(blobs)
    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    try:
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(_MAGIC + _digest(body).encode("ascii") + body)
        temporary.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            temporary.unlink()
