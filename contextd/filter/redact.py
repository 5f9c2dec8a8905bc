"""Cutting spans out of a text and putting typed placeholders there.

A placeholder is ``[REDACTED:<rule or entity>]``. Nothing inside a span survives but its line ends, so that line numbers stay
true; nothing outside changes. Cutting is repeated until the finder has nothing more to say about the result, which makes
filtering idempotent: what it made, it leaves alone.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from hmac import digest

from contextd.model.content import Redaction, RedactionKind

_PLACEHOLDER = re.compile(rb"\[REDACTED:([A-Za-z0-9_.\-]{1,128})\]")
_UNSAFE_IN_ID = re.compile(r"[^A-Za-z0-9_.\-]")
_LINE_END = re.compile(rb"\r?\n")
_ROUNDS = 8
_CONTINUATION = 0b10


@dataclass(frozen=True, slots=True)
class Span:
    """Bytes ``start:end`` of a text that must not stand there, by which rule, and the value itself (what is fingerprinted)."""

    start: int
    end: int
    rule: str
    kind: RedactionKind
    value: bytes = field(repr=False)


class Unsettled(Exception):
    """Redacting a text over and over still leaves something to redact: it cannot be cut out safely."""


def placeholder(rule: str) -> bytes:
    """The text that stands for what ``rule`` found; characters that could end it early are written ``_``."""
    return b"[REDACTED:" + _UNSAFE_IN_ID.sub("_", rule)[:128].encode() + b"]"


def without_placeholders(data: bytes) -> bytes:
    """The text with everything that looks like a placeholder taken out: no longer than what it was redacted from."""
    return _PLACEHOLDER.sub(b"", data)


class Placeholders:
    """Recognizes the placeholders of known rules, which hold no secret, and no others: text that only looks like one is text.

    Args:
        rules: ids of the secret rules and names of the entities in force.
    """

    def __init__(self, rules: Iterable[str]) -> None:
        self._known = frozenset(placeholder(rule) for rule in rules)

    def outside(self, data: bytes, spans: Iterable[Span]) -> list[Span]:
        """Return the spans that hold more than placeholders and blanks."""
        spans = list(spans)
        if not spans or b"[REDACTED:" not in data:
            return spans
        known = [m.span() for m in _PLACEHOLDER.finditer(data) if m[0] in self._known]
        return [span for span in spans if _left_over(data, span, known)]


def _left_over(data: bytes, span: Span, known: list[tuple[int, int]]) -> bytes:
    """What of a span lies outside the placeholders, blanks left out."""
    rest, at = b"", span.start
    for start, end in known[max(0, bisect_right(known, (span.start, 0)) - 1) :]:
        if start >= span.end:
            break
        rest += data[at : max(at, start)]
        at = max(at, min(end, span.end))
    return (rest + data[at : span.end]).strip()


@dataclass(frozen=True, slots=True)
class Cut:
    """A text with spans replaced: where each placeholder stands and which bytes of the original it stands for."""

    text: bytes
    redactions: tuple[Redaction, ...]
    _places: tuple[tuple[int, int, int, int], ...]  # start and end in the result, start and end in the original

    def origin(self, start: int, end: int) -> tuple[int, int]:
        """The bytes of the original that ``start:end`` of the result stands for, whole spans where it touches one."""
        return self._origin(start, last=False), self._origin(end - 1, last=True)

    def _origin(self, at: int, *, last: bool) -> int:
        index = bisect_right(self._places, (at, len(self.text), 0, 0)) - 1
        if index < 0:
            return at + last
        _, end, from_start, from_end = self._places[index]
        if at < end:
            return from_end if last else from_start
        return at - end + from_end + last


def cut(text: bytes, spans: Iterable[Span], key: bytes = b"") -> Cut:
    """Replace spans of ``text`` by placeholders, overlapping ones by one.

    Args:
        text: UTF-8; spans are widened to whole characters and do not take the line end at their edges.
        spans: in any order, within the text.
        key: of the fingerprints (HMAC-SHA256 over the value); empty for none.
    """
    pieces: list[bytes] = []
    redactions: list[Redaction] = []
    places: list[tuple[int, int, int, int]] = []
    at = length = 0
    line = 1
    for span in merged(text, spans):
        before = text[at : span.start]
        length += len(before)
        line += before.count(b"\n")
        mark = placeholder(span.rule)
        ends = b"".join(_LINE_END.findall(text, span.start, span.end))
        fingerprint = digest(key, span.value, "sha256").hex() if key else ""
        redactions.append(Redaction(span.rule, span.kind, line, length, length + len(mark), fingerprint))
        places.append((length, length + len(mark) + len(ends), span.start, span.end))
        pieces += (before, mark, ends)
        length += len(mark) + len(ends)
        line += ends.count(b"\n")
        at = span.end
    pieces.append(text[at:])
    return Cut(b"".join(pieces), tuple(redactions), tuple(places))


def settle(text: bytes, find: Callable[[bytes], list[Span]], key: bytes = b"") -> Cut:
    """Cut until ``find`` says nothing more of the result.

    Args:
        text: the original.
        find: the spans to cut, those that hold only placeholders left out.
        key: of the fingerprints.

    Raises:
        Unsettled: not after eight rounds, each of which cut out more than the one before.
    """
    spans: list[Span] = []
    done = Cut(text, (), ())
    for _ in range(_ROUNDS):
        more = find(done.text)
        if not more:
            return done
        for span in more:
            start, end = done.origin(span.start, span.end)
            spans.append(Span(start, end, span.rule, span.kind, span.value))
        done = cut(text, spans, key)
    raise Unsettled


def merged(text: bytes, spans: Iterable[Span]) -> list[Span]:
    """Spans in order without overlap; of those that overlap the most telling rule names the whole."""
    groups: list[list[Span]] = []
    reach = -1
    for span in sorted((_trimmed(text, span) for span in spans), key=lambda s: (s.start, s.end, s.rule)):
        if span.start >= span.end:
            continue
        if span.start < reach:
            groups[-1].append(span)
            reach = max(reach, span.end)
        else:
            groups.append([span])
            reach = span.end
    result = []
    for group in groups:
        best = min(group, key=_rank)
        result.append(Span(group[0].start, max(s.end for s in group), best.rule, best.kind, best.value))
    return result


def _rank(span: Span) -> tuple[bool, bool, int, str]:
    """Secrets before personal data, known formats before the catch-all (``generic-…`` in gitleaks), then the longer."""
    return span.kind is not RedactionKind.SECRET, span.rule.startswith("generic"), span.start - span.end, span.rule


def _trimmed(text: bytes, span: Span) -> Span:
    start, end = span.start, span.end
    while start < end and text[start] in b"\r\n":
        start += 1
    while end > start and text[end - 1] in b"\r\n":
        end -= 1
    while 0 < start < len(text) and text[start] >> 6 == _CONTINUATION:
        start -= 1
    while end < len(text) and text[end] >> 6 == _CONTINUATION:
        end += 1
    return span if (start, end) == (span.start, span.end) else Span(start, end, span.rule, span.kind, span.value)
