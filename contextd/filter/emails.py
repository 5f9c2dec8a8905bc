"""E-mail addresses as they stand in code and prose, told apart from what only has an ``@``.

Not addresses: user parts of URLs, ``git@host:path``, ``pkg@1.2.3``, unit names (``getty@tty1.service``), images
(``icon@2x.png``), matrix products, labelled ``this@Outer.name``. Names that nobody reads (``noreply@…``) are nobody's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import re2

_LATIN1 = re2.Options()
_LATIN1.encoding = re2.Options.Encoding.LATIN1

# Two-byte UTF-8 from U+00C0 to U+053F: Latin, Greek and Cyrillic letters; ideographs are written next to addresses.
_LETTER = rb"[A-Za-z0-9]|[\xc3-\xd4][\x80-\xbf]"
_LOCAL = re.compile(rb"(?:" + _LETTER + rb"|[._%+\-]|(?<=[A-Za-z])'(?=[A-Za-z]))+\Z")
_LABEL = rb"(?:" + _LETTER + rb"|[\-])+"
_DOMAIN = re.compile(_LABEL + rb"(?:\." + _LABEL + rb")*\.(?:[A-Za-z]|[\xc3-\xd4][\x80-\xbf]|xn--[A-Za-z0-9]){2,}")
_CANDIDATE = re2.compile(
    rb"[A-Za-z0-9._%+\-\x80-\xff]@[A-Za-z0-9\x80-\xff][A-Za-z0-9\-\x80-\xff]*\.[A-Za-z0-9.\-\x80-\xff]*[A-Za-z\x80-\xff]",
    _LATIN1,
)
_USER_OF_URL = re.compile(rb"[A-Za-z][A-Za-z0-9+.\-]*://[^\s/@\"'<>]*\Z")
_HOST = re.compile(rb":(?:[~./0-9]|[\w.\-]+/|[\w.\-]+\.git\b)")  # a port, or a path as scp writes it
_MESSAGE = re.compile(rb"[0-9a-f.\-]{20,}\Z")  # the number of a message, not the name of a person
_CALL = re.compile(rb"\s?\(|\[")
_LONGEST_LOCAL = 64  # RFC 5321, 4.5.3.1.1
_LONGEST_SCHEME = 80

_LABELLED = frozenset({b"this", b"super", b"return", b"break", b"continue"})
_NOBODY = frozenset({b"noreply", b"no-reply", b"no_reply", b"donotreply", b"do-not-reply"})
# Last labels that are no top-level domain: reserved names (RFC 2606, 6762), systemd units, and endings of file names.
_NOT_A_DOMAIN = frozenset(
    b"example test invalid localhost local localdomain internal lan home service socket target timer mount slice scope path "
    b"device swap automount png jpg jpeg gif svg webp avif ico css js mjs ts tsx jsx json html htm xml yaml yml txt".split()
)


def emails(data: bytes, allow_domains: tuple[str, ...] = ()) -> Iterator[tuple[int, int]]:
    """Yield the bytes ``start:end`` of what looks like a person's address.

    Args:
        data: text as UTF-8.
        allow_domains: domains that are left alone, with those under them; a leading ``*.`` changes nothing.
    """
    if b"@" not in data:
        return
    allowed = tuple(domain.removeprefix("*").lstrip(".").lower().encode() for domain in allow_domains)
    for match in _CANDIDATE.finditer(data):
        at = data.index(b"@", match.start())
        span = _around(data, at)
        if span is None:
            continue
        start, end = span
        domain = data[at + 1 : end].lower()
        if any(domain == name or domain.endswith(b"." + name) for name in allowed):
            continue
        if not _is_something_else(data, start, at, end):
            yield start, end


def _around(data: bytes, at: int) -> tuple[int, int] | None:
    """The local part and domain around the ``@``, or None when one of them is not there."""
    local = _LOCAL.search(data, max(0, at - _LONGEST_LOCAL), at)
    domain = _DOMAIN.match(data, at + 1)
    if local is None or domain is None:
        return None
    start, end = local.start(), domain.end()
    if data[end : end + 1] == b"'":
        start = max(start, data.rfind(b"'", start, at) + 1)  # a quoted address, not an O'Brien
    if data[start - 1 : start] == b"\\" and data[start : start + 1] in (b"n", b"r", b"t"):
        start += 1  # the letter belongs to an escape
    while data[start : start + 1] in (b".", b"-", b"+", b"%"):
        start += 1
    return (start, end) if start < at else None


def _is_something_else(data: bytes, start: int, at: int, end: int) -> bool:
    local, domain = data[start:at].lower(), data[at + 1 : end].lower()
    if local in _NOBODY or local in _LABELLED or _MESSAGE.match(local):
        return True
    if domain.startswith(b"www.") or domain.rpartition(b".")[2] in _NOT_A_DOMAIN:
        return True
    if _CALL.match(data, end) or _HOST.match(data, end):
        return True
    url = _USER_OF_URL.search(data, max(0, start - _LONGEST_SCHEME), start)
    return url is not None and not url[0].lower().startswith(b"mailto:")
