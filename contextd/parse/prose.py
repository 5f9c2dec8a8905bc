"""Sectioned prose into chunks, whatever marks its headings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from contextd.model.document import Chunk
from contextd.parse.lines import MOST_BYTES, MOST_LINES, Lines

SMALL: Final = 8
"""A section of fewer lines is joined to its neighbour of the same level, so that both stand under the same parent."""
BARE: Final = 4
"""A section of fewer lines is little but its heading: it is joined to its first subsection."""

LONGEST_TITLE: Final = 200
"""A chunk is called by so many characters of a title."""


@dataclass(slots=True)
class Heading:
    """A heading: its level (from 1), its title as plain text, and the line it begins on, from 0."""

    level: int
    title: str
    first: int


@dataclass(slots=True)
class Scan:
    """What one pass over a text finds: the line its body starts on, its headings in order, and the lines inside fences."""

    body: int = 0
    headings: list[Heading] = field(default_factory=list)
    fenced: set[int] = field(default_factory=set)


def prose_chunks(scan: Scan, lines: Lines) -> tuple[Chunk, ...]:
    """A chunk a section with the heading in it; tiny neighbours joined, long ones cut at blank lines outside of fences.

    What stands before the body (front matter) is in the first chunk. A chunk is called by the title of its longest section.
    """
    runs: list[list[tuple[Heading, int]]] = []
    for section in _sections(scan, lines):
        if runs and _joins(runs[-1], *section, lines):
            runs[-1].append(section)
        else:
            runs.append([section])
    keep = frozenset(scan.fenced)
    found: list[Chunk] = []
    for run in runs:
        title = max(run, key=lambda section: section[1] - section[0].first)[0].title[:LONGEST_TITLE]
        first, end = lines.trimmed(run[0][0].first, run[-1][1])
        whole = end - first <= MOST_LINES and lines.size(first, end) <= MOST_BYTES
        ranges = [(first, end)] if whole else lines.windows(first, end, keep)
        found.extend(Chunk(lines.span(low, high), title) for low, high in ranges)
    return tuple(found)


def _sections(scan: Scan, lines: Lines) -> Iterator[tuple[Heading, int]]:
    """Flat sections that are not blank, as heading and the line after; the first begins with the text."""
    bounds = [heading.first for heading in scan.headings] + [lines.count]
    preamble = lines.trimmed(0, bounds[0])
    fronted = bool(scan.headings) and lines.trimmed(scan.body, bounds[0])[0] >= bounds[0]
    if preamble[0] < preamble[1] and not fronted:
        yield Heading(0, "", 0), bounds[0]
    for number, (heading, end) in enumerate(zip(scan.headings, bounds[1:], strict=True)):
        first = 0 if fronted and not number else heading.first
        yield Heading(heading.level, heading.title, first), end


def _joins(run: list[tuple[Heading, int]], heading: Heading, end: int, lines: Lines) -> bool:
    """Whether a section goes into the chunk before it."""
    first, last = run[0][0].first, run[-1][0]
    if end - first > MOST_LINES or lines.size(first, end) > MOST_BYTES:
        return False
    if heading.level > last.level > 0:
        return len(run) == 1 and heading.first - first < BARE
    return heading.level == last.level and (heading.first - first < SMALL or end - heading.first < BARE)
