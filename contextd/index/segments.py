"""Immutable postings of up to 65,536 chunks: packed by workers, merged, opened for reading.

A segment is a header and blocks of postings. Only hashes of terms are kept, never a term: no text can be read back out of a
segment. The hash has no key, so who holds a segment can test a guessed word; only redacted text is ever packed.

All numbers are little-endian. Keys ascend, and ordinals within a key. A term lies in one block, or, when it has more postings
than a block holds, has blocks of its own.

    header   "ctxi", version byte, 3 zero bytes, u32 chunks, u32 blocks, u64 postings, then for each block: u64 first key;
             for each block: u32 CRC-32; for each chunk: u16 length in terms (fields weighted, saturating); for each chunk: one
             bit, set for tests, lowest first; u32 CRC-32 of all that
    block    u32 terms, u32 postings, then for each term: u32 key >> 16; for each term: u16 key & 0xFFFF; for each term: u16
             postings; for each posting: u16 ordinal; for each posting: u8 frequency (saturating)
"""

from __future__ import annotations

import zlib
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from struct import Struct
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from contextd.index import bulk
from contextd.model.errors import InvalidInput, Unavailable

MAX_CHUNKS = 1 << bulk.ORDINAL_BITS
BLOCK_POSTINGS = 1 << 14
FIELD_WEIGHT = 3
"""How many times a term of the path or the symbol counts against one of the text."""

_BATCH_BYTES = 1 << 20
_MAGIC, _VERSION = b"ctxi", 1
_HEADER, _BLOCK, _CRC = Struct("<4sB3xIIQ"), Struct("<II"), Struct("<I")
_ORDINAL = np.uint64(MAX_CHUNKS - 1)
_SHIFT = np.uint64(bulk.ORDINAL_BITS)


class SegmentCorrupt(Unavailable):
    """The bytes of a search segment are not what was packed: cut short, altered, exchanged or of another version."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"search segment: {what}; nothing was answered from it",
            hint="move the file of the source away from shelves/ and crawl it again: contextd crawl NAME",
        )


@dataclass(frozen=True, slots=True)
class IndexedChunk:
    """What is indexed of a chunk: the path of its document, its symbol, its redacted text, and whether it belongs to tests."""

    path: str
    symbol: str
    text: bytes
    is_test: bool = False


@dataclass(frozen=True, slots=True)
class PackedSegment:
    """A segment at rest: ``count`` chunks with ordinals from 0. It pickles; the bytes are what a store keeps."""

    count: int
    header: bytes
    blocks: tuple[bytes, ...]


class Postings(NamedTuple):
    """Chunks that hold a term, by ascending ordinal, and how often (fields weighted, at most 255)."""

    ordinals: NDArray[np.uint16]
    frequencies: NDArray[np.uint8]


class _Contents(NamedTuple):
    """Postings and chunks in memory: ``key << 16 | ordinal`` ascending, its frequency; length and test flag by chunk."""

    places: bulk.U64
    frequencies: NDArray[np.uint8]
    lengths: NDArray[np.uint16]
    tests: NDArray[np.bool_]


def pack(chunks: Sequence[IndexedChunk]) -> PackedSegment:
    """Index chunks in the given order; the ordinal of a chunk is its position.

    Raises:
        InvalidInput: more than 65,536 chunks.
    """
    _check_count(len(chunks))
    return _encode(_join([_tally(chunks[start:stop], start) for start, stop in _batches(chunks)]))


def merge(segments: Sequence[PackedSegment], keep: Sequence[NDArray[np.bool_]]) -> PackedSegment:
    """Put segments together and drop what is gone.

    Args:
        segments: in the order in which their chunks are to stand.
        keep: for each segment a flag by chunk. Chunks that are not kept leave no posting, key or length behind. Ordinals are
            compacted: the kept chunks are numbered from 0, segment after segment, in their old order, so that the ids of
            the result are those of the kept chunks put together in that order.

    Returns:
        Byte for byte what ``pack`` makes of the kept chunks.

    Raises:
        InvalidInput: more than 65,536 chunks would be kept, or the flags do not fit the segments.
        SegmentCorrupt: a segment cannot be read.
    """
    if [len(flags) for flags in keep] != [segment.count for segment in segments]:
        raise InvalidInput("merge of search segments: keep must hold one flag for each chunk of each segment")
    _check_count(sum(int(np.count_nonzero(flags)) for flags in keep))
    runs = []
    base = 0
    for segment, flags in zip(segments, keep, strict=True):
        contents = _decode(segment)
        old = (contents.places & _ORDINAL).astype(np.intp)
        new = np.cumsum(flags, dtype=np.uint64) + np.uint64(base) - np.uint64(1)
        kept = np.flatnonzero(flags[old])
        places = contents.places[kept] & ~_ORDINAL | new[old[kept]]
        runs.append(_Contents(places, contents.frequencies[kept], contents.lengths[flags], contents.tests[flags]))
        base += int(np.count_nonzero(flags))
    return _encode(_join(runs))


def _join(runs: Sequence[_Contents]) -> _Contents:
    """Put contents with ordinals of their own together; each is sorted, which the stable sort makes use of."""
    places = np.concatenate([np.empty(0, np.uint64), *(run.places for run in runs)])
    frequencies = np.concatenate([np.empty(0, np.uint8), *(run.frequencies for run in runs)])
    lengths = np.concatenate([np.empty(0, np.uint16), *(run.lengths for run in runs)])
    tests = np.concatenate([np.empty(0, bool), *(run.tests for run in runs)])
    if len(runs) > 1:
        order = np.argsort(places, kind="stable")
        places, frequencies = places[order], frequencies[order]
    return _Contents(places, frequencies, lengths, tests)


def _check_count(count: int) -> None:
    if count > MAX_CHUNKS:
        raise InvalidInput(f"{count:,} chunks for one search segment, which holds {MAX_CHUNKS:,}; split them")


def _batches(chunks: Sequence[IndexedChunk]) -> Iterator[tuple[int, int]]:
    """Cut chunks into ranges of about a megabyte of text, which bounds memory and stays near the caches."""
    start = size = 0
    for position, chunk in enumerate(chunks):
        size += len(chunk.text)
        if size >= _BATCH_BYTES:
            yield start, position + 1
            start, size = position + 1, 0
    if start < len(chunks):
        yield start, len(chunks)


def _tally(chunks: Sequence[IndexedChunk], first: int) -> _Contents:
    """Count the terms of a batch whose first chunk has the ordinal ``first``."""
    body = bulk.occurrences([chunk.text for chunk in chunks], first)
    fields = bulk.occurrences([f"{chunk.path}\n{chunk.symbol}".encode("utf-8", "replace") for chunk in chunks], first)
    every = np.concatenate((body, np.repeat(fields, FIELD_WEIGHT)))
    every.sort()
    begins = _begins(every)
    frequencies = np.minimum(np.diff(begins, append=len(every)), 0xFF).astype(np.uint8)
    lengths = np.bincount((every & _ORDINAL).astype(np.intp) - first, minlength=len(chunks))
    tests = np.array([chunk.is_test for chunk in chunks], dtype=bool)
    return _Contents(every[begins], frequencies, np.minimum(lengths, 0xFFFF).astype(np.uint16), tests)


def _begins(ascending: bulk.U64) -> NDArray[np.intp]:
    """Return where each run of equal values begins."""
    return np.flatnonzero(np.concatenate((np.ones(min(1, len(ascending)), bool), ascending[1:] != ascending[:-1])))


def _encode(contents: _Contents) -> PackedSegment:
    keys = contents.places >> _SHIFT
    ordinals = (contents.places & _ORDINAL).astype("<u2")
    firsts: list[int] = []
    blocks: list[bytes] = []
    for bounds in _blocks(np.append(_begins(keys), len(keys))):
        low, high = int(bounds[0]), int(bounds[-1])
        own = keys[bounds[:-1]]
        firsts.append(int(own[0]))
        upper, lower = (own >> np.uint64(16)).astype("<u4"), (own & np.uint64(0xFFFF)).astype("<u2")
        columns = (upper, lower, np.diff(bounds).astype("<u2"), ordinals[low:high], contents.frequencies[low:high])
        blocks.append(_BLOCK.pack(len(own), high - low) + b"".join(column.tobytes() for column in columns))
    count = len(contents.lengths)
    header = _HEADER.pack(_MAGIC, _VERSION, count, len(blocks), len(keys))
    header += np.array(firsts, dtype="<u8").tobytes() + np.array([zlib.crc32(b) for b in blocks], dtype="<u4").tobytes()
    header += contents.lengths.astype("<u2").tobytes() + np.packbits(contents.tests, bitorder="little").tobytes()
    return PackedSegment(count, header + _CRC.pack(zlib.crc32(header)), tuple(blocks))


def _blocks(bounds: NDArray[np.intp]) -> Iterator[NDArray[np.intp]]:
    """Cut the ascending bounds of terms (where postings of each begin, and the end) into those of blocks."""
    last, start = len(bounds) - 1, 0
    while start < last:
        stop = int(np.searchsorted(bounds, bounds[start] + BLOCK_POSTINGS, side="right")) - 1
        if stop > start:
            yield bounds[start : stop + 1]
        else:
            stop = start + 1
            pieces = np.append(np.arange(bounds[start], bounds[stop], BLOCK_POSTINGS), bounds[stop])
            yield from (pieces[at : at + 2] for at in range(len(pieces) - 1))
        start = stop


def _decode(segment: PackedSegment) -> _Contents:
    """Read a whole segment back."""
    reader = Segment(segment.header, segment.blocks.__getitem__, np.arange(segment.count))
    blocks = [reader.block(number) for number in range(reader.blocks)]
    places = [np.empty(0, np.uint64), *(np.repeat(b.keys << _SHIFT, np.diff(b.bounds)) | b.ordinals for b in blocks)]
    frequencies = [np.empty(0, np.uint8), *(b.frequencies for b in blocks)]
    return _Contents(np.concatenate(places), np.concatenate(frequencies), reader.lengths, reader.tests)


class _Block(NamedTuple):
    keys: bulk.U64
    bounds: NDArray[np.intp]
    ordinals: NDArray[np.uint16]
    frequencies: NDArray[np.uint8]


class Segment:
    """A segment opened for reading; safe to use from many threads if ``block`` is.

    Args:
        header: as packed.
        block: gives the bytes of a block by number from 0; called once for each block that a query touches. Blocks are
            kept, so that memory grows to the size of the segment at most.
        chunk_ids: int64, the id of each chunk by ordinal.

    Raises:
        SegmentCorrupt: here for the header, in ``find`` and ``block`` for a block.
    """

    def __init__(self, header: bytes, block: Callable[[int], bytes], chunk_ids: NDArray[np.int64]) -> None:
        if len(header) < _HEADER.size + _CRC.size or not header.startswith(_MAGIC):
            raise SegmentCorrupt("the header is cut short or not a header")
        _, version, self.count, self.blocks, postings = _HEADER.unpack_from(header)
        if version != _VERSION:
            raise SegmentCorrupt(f"version {version} is not the one this program reads ({_VERSION})")
        if _CRC.unpack_from(header, len(header) - _CRC.size)[0] != zlib.crc32(header[: -_CRC.size]):
            raise SegmentCorrupt("the header does not match its checksum")
        sizes = (8 * self.blocks, 4 * self.blocks, 2 * self.count, (self.count + 7) // 8)
        if len(header) != _HEADER.size + sum(sizes) + _CRC.size or self.count > MAX_CHUNKS:
            raise SegmentCorrupt("the header is not as long as its counts say")
        if len(chunk_ids) != self.count:
            raise SegmentCorrupt(f"it has {self.count} chunks, but {len(chunk_ids)} ids were given for them")
        at = _HEADER.size
        self._firsts: list[int] = np.frombuffer(header, "<u8", self.blocks, at).tolist()
        self._checksums = np.frombuffer(header, "<u4", self.blocks, at + sizes[0])
        self.lengths: NDArray[np.uint16] = np.frombuffer(header, "<u2", self.count, at + sizes[0] + sizes[1])
        bits = np.frombuffer(header, np.uint8, sizes[3], at + sum(sizes[:3]))
        self.tests: NDArray[np.bool_] = np.unpackbits(bits, count=self.count, bitorder="little").view(bool)
        self.postings = int(postings)
        self.chunk_ids = np.asarray(chunk_ids, dtype=np.int64)
        self._read = block
        self._opened: dict[int, _Block] = {}

    def find(self, key: int) -> list[Postings]:
        """Return the postings of a term in pieces of ascending ordinals; an empty list when no chunk holds it."""
        high = bisect_right(self._firsts, key)
        low = high - 1
        while low > 0 and self._firsts[low - 1] == key:
            low -= 1
        wanted = np.uint64(key)
        found = []
        for number in range(max(low, 0), high):
            keys, bounds, ordinals, frequencies = self._opened.get(number) or self.block(number)
            term = int(keys.searchsorted(wanted))
            if term < len(keys) and keys[term] == wanted:
                start, stop = bounds[term], bounds[term + 1]
                found.append(Postings(ordinals[start:stop], frequencies[start:stop]))
        return found

    def block(self, number: int) -> _Block:
        """Read, check and keep a block."""
        data = self._read(number)
        if zlib.crc32(data) != self._checksums[number]:
            raise SegmentCorrupt(f"block {number} does not match its checksum")
        terms, postings = _BLOCK.unpack_from(data) if len(data) >= _BLOCK.size else (0, 0)
        at = _BLOCK.size
        if len(data) != at + 8 * terms + 3 * postings:
            raise SegmentCorrupt(f"block {number} is not as long as its counts say")
        upper, lower = np.frombuffer(data, "<u4", terms, at), np.frombuffer(data, "<u2", terms, at + 4 * terms)
        counts = np.frombuffer(data, "<u2", terms, at + 6 * terms)
        at += 8 * terms
        ordinals = np.frombuffer(data, "<u2", postings, at)
        frequencies = np.frombuffer(data, np.uint8, postings, at + 2 * postings)
        keys = upper.astype(np.uint64) << np.uint64(16) | lower
        bounds = np.concatenate((np.zeros(1, np.intp), np.cumsum(counts, dtype=np.intp)))
        if bounds[-1] != postings or np.any(ordinals >= self.count):
            raise SegmentCorrupt(f"block {number} contradicts itself")
        self._opened[number] = opened = _Block(keys, bounds, ordinals, frequencies)
        return opened
