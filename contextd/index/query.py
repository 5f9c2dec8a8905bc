"""What is asked: words, "quoted phrases" and identifiers become term keys and patterns."""

from __future__ import annotations

import re
from dataclasses import dataclass

from contextd.index import tokens

MAX_CHARACTERS = 8192
MAX_TERMS = 64
"""What is longer is cut: the first characters and the first terms count."""

_QUOTES = str.maketrans({"\u201c": '"', "\u201d": '"', "\u201e": '"'})
_LETTER, _BETWEEN = rb"[0-9a-z_\x80-\xff]", rb"[^0-9a-z_\x80-\xff]+"
_EXACT = re.compile(_LETTER + rb"+")


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words that must follow each other: ``keys`` must all be in a chunk, and ``pattern`` in its folded lower-case text."""

    keys: tuple[int, ...]
    pattern: re.Pattern[bytes]

    def occurs(self, text: bytes) -> bool:
        """Say whether the words stand in this UTF-8 text one after the other, whatever signs, spaces and case are between."""
        return self.pattern.search(tokens.fold(text).lower()) is not None


@dataclass(frozen=True, slots=True)
class Query:
    """A parsed question: keys of the ``terms`` that score, ``phrases`` that must be there. Without either it finds nothing."""

    terms: tuple[int, ...] = ()
    phrases: tuple[Phrase, ...] = ()


def parse_query(text: str) -> Query:
    """Parse any text as a query; nothing is an error.

    Words are stemmed and any may match. Identifiers (``foo.bar``, ``foo::bar``, ``fooBar``, ``foo_bar``) count as wholes and by
    their parts. Words between double quotes must stand in a chunk in that order, whole and unstemmed; signs between them do
    not count, nor does case unless it splits an identifier (``"fooBar"`` is not ``foobar``). A quote that is never closed is
    ignored.
    """
    pieces = [tokens.fold(piece.encode("utf-8", "replace")) for piece in text[:MAX_CHARACTERS].translate(_QUOTES).split('"')]
    terms: dict[int, None] = {}
    for piece in pieces:
        for word in tokens.words(piece):
            whole, parts = tokens.analyse(word)
            terms.update(dict.fromkeys(parts if whole is None else (whole, *parts)))
    quoted = pieces[1::2] if len(pieces) % 2 else pieces[1:-1:2]
    phrases = [phrase for phrase in map(_phrase, quoted) if phrase is not None]
    return Query(tuple(terms)[:MAX_TERMS], tuple(phrases[:MAX_TERMS]))


def _phrase(folded: bytes) -> Phrase | None:
    """Return what quoted words ask for, or None where there is no word."""
    exact = _EXACT.findall(folded.lower())
    if not exact:
        return None
    keys: dict[int, None] = {}
    for word in tokens.words(folded):
        whole, parts = tokens.analyse(word)
        keys.update(dict.fromkeys(parts if whole is None else (whole,)))
    pattern = rb"(?<!" + _LETTER + rb")" + _BETWEEN.join(map(re.escape, exact)) + rb"(?!" + _LETTER + rb")"
    return Phrase(tuple(keys), re.compile(pattern))
