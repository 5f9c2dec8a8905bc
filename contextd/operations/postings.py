"""Postings of a shelf: packed as documents arrive, merged when the small segments become many, opened for searching."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from contextd.index.segments import IndexedChunk, PackedSegment, Segment, merge, pack
from contextd.model.snapshot import Prepared
from contextd.parse.kinds import is_test
from contextd.store.shelf.publish import Publication
from contextd.store.shelf.rows import StoredSegment
from contextd.store.shelf.shelf import Shelf

SEGMENT_CHUNKS = 8_192
"""Chunks that are packed into one segment while a crawl runs."""

MOST_SEGMENTS = 8
"""With more segments than this, the small ones are merged into one."""

TAG_BITS = 40

_SMALL = 8 * SEGMENT_CHUNKS
_IDS = np.dtype("<i8")


class Indexer:
    """Gathers the chunks of new documents and hands them to the publication as packed segments.

    Full segments are packed beside the crawl, in a thread: numpy lets go of the interpreter while it sorts. Use as a context
    manager, so that the thread ends with the crawl.
    """

    def __init__(self, publication: Publication) -> None:
        self._publication = publication
        self._pending: list[IndexedChunk] = []
        self._ids: list[int] = []
        self._packing: list[tuple[Future[PackedSegment], list[int]]] = []
        self._beside = ThreadPoolExecutor(1, "pack")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self._beside.shutdown(cancel_futures=True)

    def add(self, prepared: Prepared, first_chunk: int) -> None:
        """Index a document whose chunks are numbered from ``first_chunk``."""
        text, path = prepared.admitted.text, prepared.admitted.path
        test = is_test(path)
        for number, chunk in enumerate(prepared.parsed.chunks):
            span = chunk.span
            self._pending.append(IndexedChunk(path, chunk.symbol, text[span.start_byte : span.end_byte], test))
            self._ids.append(first_chunk + number)
        if len(self._pending) >= SEGMENT_CHUNKS:
            self._packing.append((self._beside.submit(pack, self._pending), self._ids))
            self._pending, self._ids = [], []

    def settle(self) -> None:
        """Keep all segments, the last one packed now, and merge the smallest when there are too many."""
        for packed, numbers in self._packing:
            _keep(self._publication, packed.result(), np.array(numbers, dtype=_IDS))
        if self._pending:
            _keep(self._publication, pack(self._pending), np.array(self._ids, dtype=_IDS))
        self._packing, self._pending, self._ids = [], [], []
        shelf = self._publication.shelf
        segments = sorted(shelf.segments(), key=lambda s: (s.chunk_count, s.id))
        if len(segments) <= MOST_SEGMENTS:
            return
        chosen = _smallest(segments)
        opened = [_packed(shelf, segment) for segment in chosen]
        merged = merge(opened, [np.ones(segment.chunk_count, dtype=bool) for segment in chosen])
        ids = np.concatenate([np.frombuffer(segment.chunk_ids, dtype=_IDS) for segment in chosen])
        self._publication.drop_segments([segment.id for segment in chosen])
        _keep(self._publication, merged, ids)


@dataclass(frozen=True, slots=True, eq=False)
class Postings:
    """All postings of one shelf, opened, and the chunk ids of each segment.

    Within the segments a chunk id carries ``tag`` above its lower 40 bits, so that shelves can be searched as one.
    """

    tag: int
    segments: tuple[Segment, ...]
    chunk_ids: tuple[NDArray[np.int64], ...]


def open_postings(shelf: Shelf, tag: int) -> Postings:
    """The postings of a shelf as they are now; blocks are read when a question needs them."""
    stored = shelf.segments()
    ids = tuple(np.frombuffer(segment.chunk_ids, dtype=_IDS) for segment in stored)
    opened = (_opened(shelf, segment, numbers + (tag << TAG_BITS)) for segment, numbers in zip(stored, ids, strict=True))
    return Postings(tag, tuple(opened), ids)


def untagged(chunk_id: int) -> tuple[int, int]:
    """The tag of a chunk id as a search returns it, and the id within its shelf."""
    return chunk_id >> TAG_BITS, chunk_id & ((1 << TAG_BITS) - 1)


def _opened(shelf: Shelf, segment: StoredSegment, ids: NDArray[np.int64]) -> Segment:
    return Segment(segment.header, lambda number: shelf.block(segment.id, number), ids)


def _packed(shelf: Shelf, segment: StoredSegment) -> PackedSegment:
    return PackedSegment(segment.chunk_count, segment.header, tuple(shelf.blocks(segment.id)))


def _keep(publication: Publication, packed: PackedSegment, ids: NDArray[np.int64]) -> None:
    publication.add_segment(packed.header, packed.blocks, ids.astype(_IDS).tobytes())


def _smallest(segments: Sequence[StoredSegment]) -> list[StoredSegment]:
    """The smallest segments that fit into one: merging them again costs each chunk a logarithmic number of moves."""
    chosen: list[StoredSegment] = []
    total = 0
    for segment in segments:
        if len(chosen) > 1 and (total + segment.chunk_count > _SMALL or segment.chunk_count > 2 * max(total, 64)):
            break
        chosen.append(segment)
        total += segment.chunk_count
    return chosen
