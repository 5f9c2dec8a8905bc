"""What a term is: folding, words, identifier parts, stems and the 48-bit keys that stand for them.

This is the definition, one word at a time, and what queries use. ``bulk`` does the same to megabytes with numpy; a property
test holds the two together. Nothing here asks the interpreter's Unicode tables about anything but the case of old letters,
so a text has the same terms under every Python.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

MAX_WORD = 128
"""Longest word in folded bytes; longer ones are encoded data and have no terms."""
MANY_PARTS = 4
"""A word of more parts than this, which have fewer than three bytes on average, is encoded data: its parts have no terms."""
MIN_STEM = 3
HIGH = 0x80
ROUND_BYTES = 8
KEY_BITS = 48
MASK64 = (1 << 64) - 1
LENGTH, ROUND, FINISH, PLACE = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB, 0xD6E8FEB86659FD93
"""Odd multipliers of the key hash: for the length, a round, the finish, and the place of a part in its word."""

STOP_WORDS = frozenset(
    b"an and are as at be been being but by can could did do does doing don done for from had has have having he her here his"
    b" how if in into is isn it its just ll may me might more most must my no nor not now of off on once only or our out over"
    b" own re same shall she should so some such than that the their them then there these they this those through to too until"
    b" up ve very was we were what when where which while who whom why will with would you your".split()
)
"""English function words; as parts they are not indexed, whole identifiers made of them are."""

_RUN = re.compile(rb"[\x80-\xff][A-Za-z\x80-\xff]*")
_WORD = re.compile(rb"[0-9A-Za-z\x80-\xff]+(?:__?[0-9A-Za-z\x80-\xff]+)*")
_PART = re.compile(rb"[A-Z]+(?![a-z\x80-\xff])|[A-Z]?[a-z\x80-\xff]+|[0-9]+")

_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3041-\u30fa\u30fc-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3"
    "\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff"
)
_CASED = "\u00c0-\u058f\u1e00-\u1fff"
_INVISIBLE = "\u00ad\u200b-\u200d\u2060\ufeff"
_PIECE = re.compile(
    f"(?P<unspaced>[{_UNSPACED}]+)|(?P<invisible>[{_INVISIBLE}]+)|(?P<wide>[\uff10-\uff19\uff21-\uff3a\uff41-\uff5a]+)"
    "|(?P<other>[\u0080-\u00a9\u00ab-\u00b4\u00b6-\u00b9\u00bb-\u00bf\u00d7\u00f7\u037e\u0387\u0589\u05be\u060c\u061b\u061f"
    "\u066a-\u066d\u06d4\u0964\u0965\u0f0b-\u0f12\u1361-\u1368\u2000-\u2bff\u2e00-\u2e7f\u3000-\u303f"
    "\ud800-\uf8ff\ufe10-\ufe1f\ufe30-\ufe6f\uff00-\uffff\U0001f000-\U0001faff\u30fb\U000e0000-\U0010ffff])"
    f"|(?P<cased>[{_CASED}]+)"
)
_WIDE = {code: code - 0xFEE0 for code in range(0xFF10, 0xFF5B)}


def fold(text: bytes) -> bytes:
    """Make every byte from 0x80 a letter.

    Lower-cases non-ASCII letters, turns other non-ASCII signs into spaces, writes full-width forms as ASCII, drops soft hyphens
    and zero-width signs, and cuts scripts written without spaces into overlapping pairs. ASCII keeps its case, which marks
    the parts of identifiers, unless non-ASCII letters stand among capitals only. Bytes that are not UTF-8 become spaces.
    """
    if text.isascii():
        return text
    pieces = []
    at = 0
    for match in _RUN.finditer(text):
        start, end = match.span()
        while start > at and text[start - 1 : start].isupper():
            start -= 1
        run = text[start:end]
        pieces.append(text[at:start])
        pieces.append(_fold_run(run) if len(run) <= MAX_WORD else _fold_run.__wrapped__(run))
        at = end
    pieces.append(text[at:])
    return b"".join(pieces)


@lru_cache(maxsize=1 << 15)
def _fold_run(run: bytes) -> bytes:
    return _PIECE.sub(_fold_piece, (run.lower() if run.isupper() else run).decode("utf-8", "replace")).encode()


def _fold_piece(match: re.Match[str]) -> str:
    piece = match.group()
    match match.lastgroup:
        case "unspaced":
            return f" {' '.join(piece[i : i + 2] for i in range(max(len(piece) - 1, 1)))} "
        case "invisible":
            return ""
        case "wide":
            return piece.translate(_WIDE)
        case "cased":
            return piece.lower()
        case _:
            return " "


class Word(NamedTuple):
    """The terms of one word: the key of the whole where it has several parts (else None), and the keys of its parts."""

    whole: int | None
    parts: tuple[int, ...]


def words(folded: bytes) -> Iterator[bytes]:
    """Yield the words of folded text as they stand: runs of letters and digits, joined by one or two underscores."""
    return (m.group() for m in _WORD.finditer(folded))


def split(word: bytes) -> list[bytes]:
    """Split a word into lower-case parts: at underscores, before a capital that starts a part, between letters and digits."""
    return [part.lower() for part in _PART.findall(word)]


def analyse(word: bytes) -> Word:
    """Return the terms of one word of folded text.

    ``fooBar``, ``foo_bar`` and ``FOO_BAR`` have the same whole. Parts of one byte and stop words have no term; a word that
    looks like encoded data has none for its parts.
    """
    if len(word) > MAX_WORD:
        return Word(None, ())
    parts = split(word)
    whole = whole_key(parts) if len(parts) > 1 else None
    if len(parts) > MANY_PARTS and len(word) < MIN_STEM * len(parts):
        return Word(whole, ())
    return Word(whole, tuple(part_key(part) for part in parts if len(part) > 1 and part not in STOP_WORDS))


def part_key(part: bytes) -> int:
    """Return the key of a lower-case part: the upper 48 bits of the hash of its stem."""
    return _hash(part[: stem_length(part)]) >> (64 - KEY_BITS)


def whole_key(parts: list[bytes]) -> int:
    """Return the key of a word of several lower-case parts, which depends on the unstemmed parts and their order."""
    total, place = 0, 1
    for part in parts:
        place = place * PLACE & MASK64
        total += _hash(part) * place
    return _finish(total & MASK64) >> (64 - KEY_BITS)


def _hash(part: bytes) -> int:
    value = len(part) * LENGTH & MASK64
    for at in range(0, len(part), ROUND_BYTES):
        value = (value ^ int.from_bytes(part[at : at + ROUND_BYTES], "little")) * ROUND & MASK64
        value ^= value >> 32
    return _finish(value)


def _finish(value: int) -> int:
    value = (value ^ value >> 29) * FINISH & MASK64
    return value ^ value >> 32


def stem_length(part: bytes) -> int:  # noqa: C901 - a table of suffix rules; the vector form follows it step by step
    """Return how many bytes of a lower-case part its stem keeps; stems only ever cut, so that any prefix hash is a stem hash.

    Conservative suffix rules in the order of Porter (1980), without his replacements: plural, -ed and -ing, one of -er -or
    -ion -able -ment, final -e or -y, -at, then a doubled consonant. A stem has at least three bytes.
    """
    n = len(part)
    if n <= MIN_STEM:
        return n
    if part.endswith(b"s"):
        if part.endswith(b"ies") and n >= MIN_STEM + 3:
            n -= 3
        elif part.endswith(b"sses"):
            n -= 2
        elif not part.endswith((b"ss", b"us", b"is")):
            n -= 1
    if (part.endswith(b"ing", 0, n) and _has_vowel(part, n - 3)) or (part.endswith(b"ied", 0, n) and n >= MIN_STEM + 3):
        n -= 3
    elif part.endswith(b"ed", 0, n) and not part.endswith((b"eed", b"ied"), 0, n) and _has_vowel(part, n - 2):
        n -= 2
    for suffix, kept, before in DERIVED:
        rest = n - len(suffix)
        if rest >= kept and part.endswith(suffix, 0, n) and (not before or part[rest - 1] in before):
            n = rest
            break
    if n > MIN_STEM and part.endswith((b"e", b"y"), 0, n):
        n -= 1
    if n >= MIN_STEM + 4 and part.endswith(b"at", 0, n):
        n -= 2
    if n > MIN_STEM and part[n - 1] == part[n - 2] and part[n - 1] in CONSONANTS:
        n -= 1
    return n


VOWELS = frozenset(b"aeiouy") | frozenset(range(HIGH, 0x100))
CONSONANTS = frozenset(b"bcdfghjklmnpqrstvwxz")
DERIVED: tuple[tuple[bytes, int, bytes], ...] = (
    (b"er", 4, b""),
    (b"or", 5, b"st"),
    (b"ion", 4, b"st"),
    (b"able", 4, b""),
    (b"ment", 5, b""),
)
"""Derivational suffixes: the suffix, the bytes that must be left, the bytes one of which must stand before it (empty: any)."""


def _has_vowel(part: bytes, end: int) -> bool:
    """Say whether a long enough stem would end here with a vowel among its last five bytes."""
    return end >= MIN_STEM and any(byte in VOWELS for byte in part[max(end - 5, 0) : end])
