r"""Other readings of a text in which a secret may stand: folded, joined, unescaped, decoded.

A view is made by edits, each of which reads ``text[start:end]`` as something else, and keeps only the lines around them: it
costs what its candidates cost. It maps what was found in it back to the text: exactly where the text was taken over, to the
whole of the edit where it was not. Every view is one step deep.

Tables are our own and fixed: what a view reads must not depend on the interpreter's Unicode version.
"""

from __future__ import annotations

import re
from binascii import a2b_base64
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import re2

Edit = tuple[int, int, bytes]

_LATIN1 = re2.Options()
_LATIN1.encoding = re2.Options.Encoding.LATIN1
_LATIN1.log_errors = False


def _finder(pattern: bytes) -> re2._Regexp[bytes]:
    return re2.compile(pattern, _LATIN1)


@dataclass(frozen=True, slots=True)
class View:
    """One reading of a text. ``_pieces`` are (start here, start there, end there, taken over as it is), in order."""

    name: str
    data: bytes
    _pieces: tuple[tuple[int, int, int, bool], ...] = ()

    def origin(self, start: int, end: int) -> tuple[int, int]:
        """The bytes of the text that ``start:end`` of the view was read from."""
        if not self._pieces:
            return start, end
        here, there, _, exact = self._piece(start)
        first = there + (start - here) if exact else there
        here, there, stop, exact = self._piece(max(start, end - 1))
        return first, (there + (end - here) if exact else stop)

    def _piece(self, at: int) -> tuple[int, int, int, bool]:
        return self._pieces[max(0, bisect_right(self._pieces, at, key=lambda piece: piece[0]) - 1)]


def views(data: bytes) -> Iterator[View]:
    """Yield the text as it is, then each other reading for which it holds a candidate."""
    yield View("as it is", data)
    if not data.isascii() and (edits := list(_fold_edits(data))):
        yield _view("folded", data, edits, whole=True)
    for name, edits in (*_literal_readings(data), ("base64", _base64_edits(data)), ("percent", _percent_edits(data))):
        if edits:
            yield _view(name, data, edits)


def _view(name: str, data: bytes, edits: Iterable[Edit], *, whole: bool = False) -> View:
    """Apply edits (in order, apart from each other) and keep the lines they are on, or the ``whole`` text."""
    out: list[bytes] = []
    pieces: list[tuple[int, int, int, bool]] = []
    length = 0

    def add(piece: bytes, start: int, end: int, *, exact: bool) -> None:
        nonlocal length
        if piece:
            pieces.append((length, start, end, exact))
            out.append(piece)
            length += len(piece)

    at = stop = 0 if whole else -1
    for start, end, piece in edits:
        if start > stop:  # past the last line that is kept: finish it, begin anew
            if stop >= 0 and not whole:
                add(data[at:stop], at, stop, exact=True)
                add(b"\n", stop, stop, exact=False)
            if not whole:
                at = data.rfind(b"\n", 0, start) + 1
        add(data[at:start], at, start, exact=True)
        add(piece, start, end, exact=False)
        at = end
        if not whole and end > stop:
            stop = data.find(b"\n", end)
            stop = len(data) if stop < 0 else stop
    stop = len(data) if whole else stop
    add(data[at:stop], at, stop, exact=True)
    return View(name, b"".join(out), tuple(pieces))


# Folded: characters that print nothing are dropped, full-width forms become ASCII.
_INVISIBLE = (
    rb"\xc2\xad|\xcd\x8f|\xe1\xa0\x8e"  # soft hyphen, grapheme joiner, Mongolian vowel separator
    rb"|\xe2\x80[\x8b-\x8f\xaa-\xae]|\xe2\x81[\xa0-\xaf]"  # zero-width characters, joiners, directional marks and isolates
    rb"|\xef\xb8[\x80-\x8f]|\xef\xbb\xbf"  # variation selectors, byte order mark
    rb"|\xf3\xa0[\x80-\x87][\x80-\xbf]"  # tags and variation selectors of plane 14
)
_FULL_WIDTH = rb"\xef\xbc[\x81-\xbf]|\xef\xbd[\x80-\x9e]"  # U+FF01-U+FF5E
_FULL_WIDTH_WORD = rb"\xef\xbc[\x90-\x99\xa1-\xba]|\xef\xbd[\x81-\x9a]"
_FOLDS_SOMETHING = _finder(_INVISIBLE + b"|" + _FULL_WIDTH_WORD)  # full-width punctuation alone is everyday Chinese
_FOLDED = re.compile(b"(" + _INVISIBLE + b")|" + _FULL_WIDTH)
_FULL_WIDTH_OFFSET = 0xFEE0


def _fold_edits(data: bytes) -> Iterator[Edit]:
    if _FOLDS_SOMETHING.search(data) is None:
        return
    for match in _FOLDED.finditer(data):
        start, end = match.span()
        yield start, end, b"" if match[1] else bytes((ord(match[0].decode()) - _FULL_WIDTH_OFFSET,))


# Literals: adjacent or added string literals are joined, a backslash at the end of a line joins, escapes are resolved.
_TOKEN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+/-")
_T = rb"[A-Za-z0-9_+/\-]"
_BLANK = rb"(?:[ \t\r\n]|\\\r?\n)*"
_JOINT = _finder(
    rb"[A-Za-z0-9_+/=\-][\"'`]" + _BLANK + rb"(?:\+\+?|\.{1,2}|&|\|\||<>|~)?" + _BLANK + rb"[bBfFrRuULN@$]{0,2}[\"'`]"
)
_CONTINUED = _finder(_T + rb"\\\r?\n[ \t]*")
_ESCAPED = _finder(
    rb"\\[nrt\"'][A-Za-z0-9+/=_\-]{16}|\\[nr]-----|(?:\\x[2-7][0-9A-Fa-f]){3}|(?:\\u00[2-7][0-9A-Fa-f]){3}"
    rb"|[A-Za-z0-9+_\-]{3}\\/[A-Za-z0-9+_\-]{3}|\\[nrt\"'][^\s\\]{1,64}@"
)
_ESCAPE = re.compile(rb"\\(?:[nrt\"'/]|x[0-9A-Fa-f]{2}|u00[0-9A-Fa-f]{2})")
_SAYS_SO = frozenset(b"+.&|<>~\\")
_PLAIN = {b"n": b"\n", b"r": b"\n", b"t": b"\t"}


def _literal_readings(data: bytes) -> Iterator[tuple[str, list[Edit]]]:
    """Literals joined where the text says so, and, apart from that, also where they only stand side by side.

    Two readings, because joining neighbours that are none would run two values into one.
    """
    joints = _joints(_JOINT, data)
    said = [edit for edit in joints if not _SAYS_SO.isdisjoint(data[edit[0] : edit[1]])]
    if b"\\\n" in data or b"\\\r\n" in data:
        said += _joints(_CONTINUED, data)
    escaped = [_lines(data, *m.span()) for m in _ESCAPED.finditer(data)] if b"\\" in data else []
    yield "literals", _with_escapes(data, said, escaped)
    if any(_SAYS_SO.isdisjoint(data[start:end]) for start, end, _ in joints):
        yield "adjacent literals", _with_escapes(data, joints + said, [])


def _with_escapes(data: bytes, joints: list[Edit], lines: list[tuple[int, int]]) -> list[Edit]:
    """Joints, and the escapes on their lines and on ``lines``."""
    edits = list(joints)
    if b"\\" in data:
        at = 0
        for start, end in sorted(lines + [_lines(data, start, end) for start, end, _ in joints]):
            edits += [(*m.span(), _unescaped(m[0][1:])) for m in _ESCAPE.finditer(data, max(start, at), end)]
            at = max(at, end)
    return _apart(edits)


def _joints(finder: re2._Regexp[bytes], data: bytes) -> list[Edit]:
    """What stands between two halves of a token, the first character of the match being the end of the one."""
    return [
        (match.start() + 1, end, b"")
        for match in finder.finditer(data)
        if (end := match.end()) < len(data) and data[end] in _TOKEN
    ]


def _unescaped(escape: bytes) -> bytes:
    if escape[:1] in b"xu":
        return bytes((int(escape[-2:], 16),))
    return _PLAIN.get(escape, escape)


# Encoded: base64 (RFC 4648, either alphabet, wrapped or not) of text, and percent-encoding (RFC 3986). Of three bytes of ASCII
# text the first sextet is 2, 3 or 8 to 31: C, D, I to Z, a to f. Six quads that begin so are rarely a name.
_SEXTET = rb"[A-Za-z0-9+/_\-]"
_QUAD = rb"(?:[CDI-Za-f]" + _SEXTET + rb"{3})"
_WRAP = rb"\r?\n[ \t]*"
_BASE64 = _finder(
    _QUAD + rb"{6,}(?:" + _WRAP + _QUAD + rb"{6,})*"
    rb"(?:" + _SEXTET + rb"{2,3}={0,2}|" + _WRAP + _QUAD + rb"{0,5}(?:" + _SEXTET + rb"{3}=|" + _SEXTET + rb"{2}==))?"
)
_BLANKS = b" \t\r\n="
_URL_SAFE = bytes.maketrans(b"-_", b"+/")
_MOSTLY = 0.9
_PRINTS = bytes([*range(0x20, 0x7F), 0x09, 0x0A, 0x0D])


def _base64_edits(data: bytes) -> list[Edit]:
    return [(*match.span(), text) for match in _BASE64.finditer(data) if (text := _decoded(match.group())) is not None]


def _decoded(run: bytes) -> bytes | None:
    """The text that a base64 run stands for; None when it stands for none."""
    run = run.translate(_URL_SAFE, _BLANKS)
    text = a2b_base64(run + b"=" * (-len(run) % 4))
    return text if len(text.translate(None, _PRINTS)) <= len(text) * (1 - _MOSTLY) else None


_PERCENT = _finder(rb"[A-Za-z0-9_%.+/=:\-]%[2-7][0-9A-Fa-f][A-Za-z0-9_%.+/=:\-]")
_ENCODED = re.compile(rb"%[2-7][0-9A-Fa-f]")


def _percent_edits(data: bytes) -> list[Edit]:
    if b"%" not in data:
        return []
    edits: list[Edit] = []
    at = 0
    for found in _PERCENT.finditer(data):
        start, end = _lines(data, *found.span())
        edits += [(*m.span(), bytes((int(m[0][1:], 16),))) for m in _ENCODED.finditer(data, max(start, at), end)]
        at = max(at, end)
    return edits


def _lines(data: bytes, start: int, end: int) -> tuple[int, int]:
    stop = data.find(b"\n", end)
    return data.rfind(b"\n", 0, start) + 1, len(data) if stop < 0 else stop


def _apart(edits: list[Edit]) -> list[Edit]:
    """Edits in order, those that begin within an earlier one left out."""
    result: list[Edit] = []
    at = 0
    for edit in sorted(edits):
        if edit[0] >= at:
            result.append(edit)
            at = edit[1]
    return result
