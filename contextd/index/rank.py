"""Masked BM25: chunks scored by the statistics of exactly the chunks that the caller may see.

Robertson and Zaragoza (2009) with the +1 inside the logarithm that keeps weights positive. The number of chunks, the document
frequency of each term and the average length are counted under the mask, so that scores and order are those of an index that
holds nothing else: what may not be seen, and what is no longer there, changes nothing.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from contextd.index.query import Phrase, Query
from contextd.index.segments import Segment
from contextd.model.errors import InvalidInput

K1 = 1.2
B = 0.4
TEST_FACTOR = 0.6
"""Scores of chunks of tests are multiplied by this: what tests use is rarely asked for by the words of the question."""
COMMON = 0.3
"""Terms in more than this share of the visible chunks do not score where a rarer one does (and a few chunks are never many)."""
FEW = 50
MAX_TEXT_CHECKS = 4096
"""How many candidates a phrase is looked up in, best first."""

Index = NDArray[np.intp]
Floats = NDArray[np.float32]


class Scored(NamedTuple):
    """A chunk found, and its score (comparable within one answer only)."""

    chunk_id: int
    score: float


@dataclass(frozen=True, slots=True, eq=False)
class Mask:
    """What one caller may see of one ``Searcher``, with its statistics; keep it as long as both stay the same.

    ``permitted`` flags chunks over all segments, ``count`` of them are set; ``saturation`` is BM25's denominator without the
    frequency, infinite for chunks that may not be seen.
    """

    permitted: NDArray[np.bool_]
    count: int
    saturation: Floats


class _Matches(NamedTuple):
    """Chunks that hold a term, over all segments, ascending, visible or not; ``visible`` of them may be seen."""

    ordinals: Index
    frequencies: Floats
    visible: int

    def among(self, chosen: Index) -> _Matches:
        """Return the same with only those of some ascending ordinals; the statistics stay."""
        if not len(self.ordinals):
            return self
        at = self.ordinals.searchsorted(chosen)
        held = at[self.ordinals.take(at, mode="clip") == chosen]
        return _Matches(self.ordinals[held], self.frequencies[held], self.visible)


class Searcher:
    """Segments searched as one, from any number of threads. Ordinals run over the segments in order and break ties."""

    def __init__(self, segments: Sequence[Segment]) -> None:
        self._segments = tuple(segments)
        counts = [segment.count for segment in self._segments]
        self._bases = [sum(counts[:number]) for number in range(len(counts))]
        self._counts = counts
        self.count = sum(counts)
        self._lengths = np.concatenate([np.empty(0, np.uint16), *(s.lengths for s in self._segments)])
        self._chunk_ids = np.concatenate([np.empty(0, np.int64), *(s.chunk_ids for s in self._segments)])
        tests = np.concatenate([np.empty(0, bool), *(s.tests for s in self._segments)])
        self._factors = np.where(tests, np.float32(TEST_FACTOR), np.float32(1.0))
        self._of_thread = threading.local()

    def mask(self, permitted: Sequence[NDArray[np.bool_]]) -> Mask:
        """Prepare searching what is permitted.

        Args:
            permitted: for each segment a flag by ordinal: in the snapshot and visible to the caller.

        Raises:
            InvalidInput: the flags do not fit the segments.
        """
        if [len(flags) for flags in permitted] != self._counts:
            raise InvalidInput("mask: permitted must hold one flag for each chunk of each segment of this searcher")
        flags = np.concatenate([np.empty(0, bool), *permitted])
        count = int(np.count_nonzero(flags))
        total = int(np.sum(self._lengths * flags, dtype=np.int64))
        saturation = self._lengths.astype(np.float32)
        saturation *= np.float32(K1 * B * count / total if total else 0.0)
        saturation += np.float32(K1 * (1.0 - B))
        np.putmask(saturation, ~flags, np.float32(np.inf))
        return Mask(flags, count, saturation)

    def search(self, query: Query, mask: Mask, limit: int, text: Callable[[int], bytes] | None = None) -> list[Scored]:
        """Return the best visible chunks, best first, equal scores by ordinal.

        Args:
            query: parsed.
            mask: made by this searcher.
            limit: how many at most.
            text: gives the text of a chunk by id; phrases are checked in it. Without it a phrase asks only that its words
                are all there.

        Raises:
            InvalidInput: the mask is of another searcher.
            SegmentCorrupt: a block cannot be read.
        """
        if len(mask.permitted) != self.count:
            raise InvalidInput("search: the mask was made by another searcher")
        if limit < 1 or not mask.count:
            return []
        matches = {key: self._match(key, mask) for key in query.terms}
        if query.phrases:
            candidates = self._holding(query.phrases, matches, mask)
            ordinals, scores, repeats = candidates, self._score(matches, mask, candidates)[1], 1
        else:
            ordinals, scores = self._score(matches, mask, None)
            repeats = len(matches)
        found: list[Scored] = []
        checks = 0
        last = -1
        for ordinal, score in _best_first(ordinals, scores, limit * repeats):
            if ordinal == last or not mask.permitted[ordinal]:
                continue
            last = ordinal
            chunk_id = int(self._chunk_ids[ordinal])
            if query.phrases and text is not None:
                checks += 1
                if checks > MAX_TEXT_CHECKS:
                    break
                content = text(chunk_id)
                if not all(phrase.occurs(content) for phrase in query.phrases):
                    continue
            found.append(Scored(chunk_id, score))
            if len(found) == limit:
                break
        return found

    def _score(self, matches: Mapping[int, _Matches], mask: Mask, among: Index | None) -> tuple[Index, Floats]:
        """Return chunks and their scores.

        The chunks are those in ``among``, or, where that is None, those that hold a scoring term: some of them repeated, some
        not visible.
        """
        most = max(COMMON * mask.count, FEW)
        seen = [match for match in matches.values() if match.visible]
        scoring = [match for match in seen if match.visible <= most] or seen
        if among is not None:
            scoring = [match.among(among) for match in scoring]
        asked = np.concatenate([np.empty(0, np.intp), *(match.ordinals for match in scoring)]) if among is None else among
        buffer = self._buffer()
        try:
            for match in scoring:
                rarity = math.log1p((mask.count - match.visible + 0.5) / (match.visible + 0.5))
                gain = mask.saturation.take(match.ordinals)
                gain += match.frequencies
                np.divide(match.frequencies, gain, out=gain)
                gain *= np.float32(rarity * (K1 + 1.0))
                buffer[match.ordinals] += gain
            scores = buffer.take(asked)
        finally:
            buffer[asked] = 0.0
        scores *= self._factors.take(asked)
        return asked, scores

    def _match(self, key: int, mask: Mask) -> _Matches:
        ordinals = []
        frequencies = []
        for base, segment in zip(self._bases, self._segments, strict=True):
            for piece in segment.find(key):
                ordinals.append(piece.ordinals + np.intp(base))
                frequencies.append(piece.frequencies)
        if not ordinals:
            return _NO_MATCH
        places = ordinals[0] if len(ordinals) == 1 else np.concatenate(ordinals)
        counts = (frequencies[0] if len(frequencies) == 1 else np.concatenate(frequencies)).astype(np.float32)
        return _Matches(places, counts, int(np.count_nonzero(mask.permitted.take(places))))

    def _holding(self, phrases: Sequence[Phrase], matches: Mapping[int, _Matches], mask: Mask) -> Index:
        """Return the visible chunks, ascending, that hold every term of every phrase; phrases without terms ask for nothing."""
        keys = {key for phrase in phrases for key in phrase.keys}
        needed = sorted((matches.get(key) or self._match(key, mask) for key in keys), key=lambda match: match.visible)
        if not needed:
            return np.flatnonzero(mask.permitted)
        held = needed[0].ordinals[mask.permitted.take(needed[0].ordinals)]
        for match in needed[1:]:
            held = match.among(held).ordinals
        return held

    def _buffer(self) -> Floats:
        """Return this thread's score by chunk, all zero between searches."""
        buffer: Floats | None = getattr(self._of_thread, "buffer", None)
        if buffer is None:
            buffer = self._of_thread.buffer = np.zeros(self.count, np.float32)
        return buffer


_NO_MATCH = _Matches(np.empty(0, np.intp), np.empty(0, np.float32), 0)


def _best_first(ordinals: Index, scores: Floats, first: int) -> Iterator[tuple[int, float]]:
    """Yield (ordinal, score), best first, equal scores by ordinal; only what comes after the ``first`` costs a full sort."""
    if len(scores) > first:
        threshold = np.partition(scores, -first)[-first]
        yield from _in_order(ordinals, scores, np.flatnonzero(scores >= threshold))
        yield from _in_order(ordinals, scores, np.flatnonzero(scores < threshold))
    else:
        yield from _in_order(ordinals, scores, np.arange(len(scores)))


def _in_order(ordinals: Index, scores: Floats, chosen: Index) -> Iterator[tuple[int, float]]:
    order = chosen[np.lexsort((ordinals[chosen], -scores[chosen]))]
    return zip(ordinals[order].tolist(), scores[order].tolist(), strict=True)
