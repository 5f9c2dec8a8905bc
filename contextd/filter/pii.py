"""Personal data: candidates by shape, confirmed by Presidio, decided by policy.

A candidate passes cheap gates first; then the recognizer of exactly that entity is asked about the part of the line around it,
and its score decides against the rule's ``min_score``. Text without candidates never loads Presidio.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import re2

from contextd.filter.emails import emails
from contextd.filter.presidio import RECOGNIZERS, Recognized, recognize
from contextd.filter.shapes import SHAPES, Shape
from contextd.model.errors import BundleInvalid
from contextd.policy.rules import PiiAction, PiiRule

FILE = "pii.yaml"
_EMAIL = "EMAIL_ADDRESS"
_PHONE = "PHONE_NUMBER"
_WORD_BEFORE = 80  # bytes: how far after a context word a number may stand
_WORD_AFTER = 40  # and how far before it
_LEFT, _RIGHT = 160, 80  # bytes of the line that a recognizer sees around a candidate
_CONTINUATION = 0b10
_QUESTIONS = 1_000  # a text with more candidates of one kind is a list of them: the rest count without being asked about

_LATIN1 = re2.Options()
_LATIN1.encoding = re2.Options.Encoding.LATIN1


@dataclass(frozen=True, slots=True)
class PersonalHit:
    """Bytes ``start:end`` hold an entity; ``rule`` says what to do with it."""

    start: int
    end: int
    rule: PiiRule


@dataclass(frozen=True, slots=True)
class _Sought:
    rule: PiiRule
    shape: Shape
    finder: re2._Regexp[bytes]


@dataclass(frozen=True, slots=True)
class _Candidate:
    start: int
    end: int
    rule: PiiRule
    words: tuple[str, ...] = ()


class PersonalData:
    """Finds what the rules redact or exclude in one tier and content kind; entities that are kept are not looked for.

    Raises:
        BundleInvalid: a rule redacts an entity that cannot be recognized without a language model.
    """

    def __init__(self, rules: tuple[PiiRule, ...], tier: int, content: str) -> None:
        deciding: dict[str, PiiRule] = {}
        for rule in rules:
            if (not rule.tiers or tier in rule.tiers) and (not rule.contents or content in rule.contents):
                deciding.setdefault(rule.entity, rule)
        active = [rule for rule in deciding.values() if rule.action is not PiiAction.KEEP]
        unknown = [rule for rule in active if rule.entity not in RECOGNIZERS]
        if unknown:
            known = ", ".join(sorted(RECOGNIZERS))
            raise BundleInvalid(
                [f"{FILE}:{rule.line}: {rule.entity} is not recognized without a language model" for rule in unknown],
                hint=f"keep it, or name one of {known}",
            )
        self._email = next((rule for rule in active if rule.entity == _EMAIL), None)
        sought = [
            (_Sought(rule, shape, re2.compile(shape.pattern, _LATIN1)), rule.context or shape.words)
            for rule in active
            for shape in SHAPES.get(rule.entity, ())
        ]
        self._free = [s for s, words in sought if not words]
        self._any_free = _either([s.shape.pattern for s in self._free])
        groups: dict[tuple[str, ...], list[_Sought]] = {}
        for s, words in sought:
            if words:
                groups.setdefault(words, []).append(s)
        self._by_words = [(_word_finder(words), _parts(words), members) for words, members in groups.items()]
        self._any_word = _either(sorted({_word_pattern(word) for words in groups for word in words}))

    def find(self, data: bytes) -> list[PersonalHit]:
        """What of ``data`` (UTF-8, or any bytes) is personal, sorted by start."""
        hits: dict[tuple[int, int, str], PersonalHit] = {}
        asked: Counter[str] = Counter()
        for candidate in self._candidates(data):
            entity = candidate.rule.entity
            asked[entity] += 1
            span = _confirmed(data, candidate) if asked[entity] <= _QUESTIONS else (candidate.start, candidate.end)
            if span is not None:
                hits.setdefault((*span, entity), PersonalHit(*span, candidate.rule))
        return [hits[key] for key in sorted(hits)]

    def _candidates(self, data: bytes) -> Iterator[_Candidate]:
        if self._email is not None:
            yield from _addresses(data, self._email)
        if self._any_free is not None and self._any_free.search(data) is not None:
            for sought in self._free:
                yield from _shaped(data, 0, len(data), sought, ())
        if self._any_word is None:
            return
        for match in self._any_word.finditer(data):
            word = match.group()  # with a character on either side, which may be a line end
            first = match.start() + word.startswith(b"\n")
            start, end = _line(data, first, match.end() - word.endswith(b"\n"), _WORD_AFTER, _WORD_BEFORE)
            for finder, words, members in self._by_words:
                if finder.search(word) is not None:
                    for sought in members:
                        yield from _shaped(data, start, end, sought, words)


def _addresses(data: bytes, rule: PiiRule) -> Iterator[_Candidate]:
    for start, end in emails(data, rule.allow_domains):
        if not rule.context or _near(data, start, end, rule.context):
            yield _Candidate(start, end, rule)


def _shaped(data: bytes, start: int, end: int, sought: _Sought, words: tuple[str, ...]) -> Iterator[_Candidate]:
    part = data if (start, end) == (0, len(data)) else data[start:end]
    for match in sought.finder.finditer(part):
        span = sought.shape.gate(data, start + match.start(), start + match.end())
        if span is not None:
            yield _Candidate(*span, sought.rule, words)


def _confirmed(data: bytes, candidate: _Candidate) -> tuple[int, int] | None:
    """The bytes that the recognizer confirms, or None. A phone number is as long as the recognizer says."""
    start, end = _line(data, candidate.start, candidate.end, _LEFT, _RIGHT)
    text, encoding = _decoded(data[start:end])
    found = recognize(candidate.rule.entity, text, candidate.words)
    for result in found:
        first, last = _bytes_of(text, result, start, encoding)
        if first < candidate.end and last > candidate.start and result.score >= candidate.rule.min_score:
            return (first, last) if candidate.rule.entity == _PHONE else (candidate.start, candidate.end)
    return None


def _line(data: bytes, start: int, end: int, left: int, right: int) -> tuple[int, int]:
    """The part of the line around ``start:end``, at most ``left`` bytes before and ``right`` after, cut between characters."""
    first = max(data.rfind(b"\n", 0, start) + 1, start - left)
    last = data.find(b"\n", end, end + right)
    last = min(len(data), end + right) if last < 0 else last
    while first < start and data[first] >> 6 == _CONTINUATION:
        first += 1
    while end < last < len(data) and data[last] >> 6 == _CONTINUATION:
        last -= 1
    return first, last


def _decoded(raw: bytes) -> tuple[str, str]:
    try:
        return raw.decode(), "utf-8"
    except UnicodeDecodeError:
        return raw.decode("latin-1"), "latin-1"


def _bytes_of(text: str, result: Recognized, offset: int, encoding: str) -> tuple[int, int]:
    first = offset + len(text[: result.start].encode(encoding))
    return first, first + len(text[result.start : result.end].encode(encoding))


def _parts(words: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted({part for word in words for part in re.findall(r"[a-z0-9]+", word.lower())}))


def _word_pattern(word: str) -> bytes:
    """A whole word in prose or in a name (``phone_number``, ``customerPhone``), its blanks also ``_``, ``-`` or nothing."""
    joined = r"(?:(?:'|\xe2\x80\x99)?s)?[ _\-]{0,2}".join(re.findall(r"[a-z0-9]+", word.lower()))
    hump = joined[:1].upper() + "(?i:" + joined[1:] + ")"
    return rf"(?:(?:^|[^A-Za-z])(?i:{joined})|[a-z]{hump})(?:'?s)?(?:[^a-z]|$)".encode()


def _word_finder(words: tuple[str, ...]) -> re2._Regexp[bytes]:
    return re2.compile(b"|".join(_word_pattern(word) for word in words), _LATIN1)


def _near(data: bytes, start: int, end: int, words: tuple[str, ...]) -> bool:
    first, last = _line(data, start, end, _WORD_BEFORE, _WORD_AFTER)
    return _word_finder(words).search(data[first:last]) is not None


def _either(patterns: list[bytes]) -> re2._Regexp[bytes] | None:
    return re2.compile(b"|".join(b"(?:" + p + b")" for p in patterns), _LATIN1) if patterns else None
