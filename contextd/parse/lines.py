"""A text as numbered lines: the one place where bytes become line numbers.

Only LF ends a line, as in the snapshot's identity: CR, form feed and U+2028 are ordinary bytes. A line that holds nothing but
ASCII white space is blank. Line numbers inside this package count from 0 and ranges are half-open; spans that leave it are
those of :class:`contextd.model.document.Span`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator

import numpy as np

from contextd.model.document import Span

MOST_LINES = 60
"""A window of a longer text has at most so many lines."""
FEWEST_LINES = 40
"""A window is cut no earlier than after so many lines, while there is more."""
MOST_BYTES = 6 << 10
"""A window has at most so many bytes, unless a single line is longer."""

_LF = 10
_BLANKS = b" \t\r\x0b\x0c"


class Lines:
    """The lines of one text: ``raw[i]`` is line ``i`` without its LF, ``starts[i]`` its first byte, ``starts[-1]`` the end.

    ``head`` is the first line that is not blank, or ``count``.
    """

    __slots__ = ("count", "head", "raw", "starts")

    def __init__(self, text: bytes) -> None:
        raw = text.split(b"\n")
        if not raw[-1]:
            raw.pop()
        self.raw = raw
        self.count = len(raw)
        ends = np.flatnonzero(np.frombuffer(text, np.uint8) == _LF)
        self.starts = [0, *(ends + 1).tolist()]
        if self.starts[-1] != len(text):
            self.starts.append(len(text))
        self.head = next((line for line in range(self.count) if not self.blank(line)), self.count)

    def blank(self, line: int) -> bool:
        """Whether a line holds nothing but ASCII white space."""
        return not self.raw[line].strip(_BLANKS)

    def at(self, byte: int) -> int:
        """The line that holds a byte offset; for the end of the text the last line."""
        line = bisect_right(self.starts, byte) - 1
        return line if line < self.count else self.count - 1

    def size(self, first: int, end: int) -> int:
        """Bytes of the lines ``first`` to ``end - 1`` with their LFs."""
        return self.starts[end] - self.starts[first]

    def trimmed(self, first: int, end: int) -> tuple[int, int]:
        """The range without blank lines at its ends; empty (``first == end``) when all are blank."""
        raw = self.raw
        while first < end and not raw[first].strip(_BLANKS):
            first += 1
        while end > first and not raw[end - 1].strip(_BLANKS):
            end -= 1
        return first, end

    def span(self, first: int, end: int) -> Span:
        """The span of the whole lines ``first`` to ``end - 1``, which must not be an empty range."""
        return Span(first + 1, end, self.starts[first], self.starts[end])

    def span_of_bytes(self, start: int, end: int) -> Span:
        """The span of the bytes ``start`` to ``end - 1``, which must not be an empty range."""
        return Span(self.at(start) + 1, self.at(end - 1) + 1, start, end)

    def windows(self, first: int, end: int, keep: frozenset[int] = frozenset()) -> Iterator[tuple[int, int]]:
        """Cut a range into trimmed windows of 40 to 60 lines and at most 6 KB.

        A cut falls at the last blank line that is far enough down, else before the line with the smallest indentation. ``keep``
        are blank lines that are no place to cut (inside a code fence). Blank windows are left out.
        """
        while first < end:
            cut = self._cut(first, end, keep)
            low, high = self.trimmed(first, cut)
            if low < high:
                yield low, high
            first = cut

    def _cut(self, first: int, end: int, keep: frozenset[int]) -> int:
        """Where a window that starts at ``first`` ends."""
        last = min(bisect_right(self.starts, self.starts[first] + MOST_BYTES) - 1, first + MOST_LINES, end)
        last = max(last, first + 1)
        if last >= end:
            return end
        least = first + max(1, min(FEWEST_LINES, (last - first) * FEWEST_LINES // MOST_LINES))
        lowest = first if keep else least - 1  # a short window before a fence is better than a cut inside it
        for line in range(last, lowest, -1):
            if self.blank(line) and line not in keep:
                return line
        return min(range(last, least - 1, -1), key=self._indentation)

    def _indentation(self, line: int) -> int:
        """How many bytes of white space a line starts with; more than any other where it is blank."""
        raw = self.raw[line]
        stripped = len(raw.lstrip(_BLANKS))
        return len(raw) - stripped if stripped else MOST_BYTES
