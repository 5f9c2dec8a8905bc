from __future__ import annotations

import hashlib
import itertools
import pickle
import struct
import zlib
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contextd.index import segments, tokens
from contextd.index.segments import IndexedChunk, PackedSegment, Segment, SegmentCorrupt, merge, pack
from contextd.model.errors import InvalidInput

VOCABULARY = ["retry", "policy", "refund", "ledger", "orderTotal", "parse_args", "größe", "the", "sha256", "x"]
CHUNKS = st.builds(
    IndexedChunk,
    path=st.sampled_from(["src/retry.py", "docs/größe.md", "tests/test_a.py", ""]),
    symbol=st.sampled_from(["", "Ledger.total", "parse_args"]),
    text=st.lists(st.sampled_from(VOCABULARY), max_size=12).map(lambda words: " ".join(words).encode()),
    is_test=st.booleans(),
)


def opened(packed: PackedSegment) -> Segment:
    return Segment(packed.header, packed.blocks.__getitem__, np.arange(packed.count))


def postings(segment: Segment, word: str) -> dict[int, int]:
    pieces = segment.find(tokens.part_key(word.encode()))
    return {int(o): int(f) for piece in pieces for o, f in zip(piece.ordinals, piece.frequencies, strict=True)}


def test_postings_count_text_once_and_path_and_symbol_three_times() -> None:
    chunks = [
        IndexedChunk("src/retry.py", "backoff", b"retry with backoff, retried"),
        IndexedChunk("src/other.py", "", b"nothing of it"),
        IndexedChunk("README.md", "Retries", b""),
    ]
    segment = opened(pack(chunks))
    assert postings(segment, "retry") == {0: 2 + 3, 2: 3}
    assert postings(segment, "backoff") == {0: 1 + 3}
    assert postings(segment, "absent") == {}
    assert segment.lengths.tolist() == [3 + 9 + 3, 1 + 9, 6 + 3]  # retry backoff retried, src retry py, backoff; …
    assert not segment.tests.any()


def test_an_empty_segment_and_empty_chunks_are_segments() -> None:
    nothing = pack([])
    assert nothing.count == 0
    assert opened(nothing).find(1) == []
    blank = opened(pack([IndexedChunk("", "", b"")] * 9))
    assert blank.count == 9
    assert blank.lengths.tolist() == [0] * 9
    assert blank.find(1) == []
    assert merge([], []) == nothing == merge([nothing, nothing], [np.ones(0, bool)] * 2)


def test_frequencies_and_lengths_saturate() -> None:
    segment = opened(pack([IndexedChunk("", "", b"retry " * 70_000)]))
    assert postings(segment, "retry") == {0: 255}
    assert segment.lengths.tolist() == [65_535]


@settings(max_examples=60)
@given(st.lists(st.tuples(CHUNKS, st.booleans()), max_size=24), st.lists(st.integers(0, 24), max_size=4))
def test_merging_equals_packing_what_is_kept(flagged: list[tuple[IndexedChunk, bool]], cuts: list[int]) -> None:
    bounds = [0, *sorted(min(cut, len(flagged)) for cut in cuts), len(flagged)]
    parts = [flagged[low:high] for low, high in itertools.pairwise(bounds)]
    packed = [pack([chunk for chunk, _ in part]) for part in parts]
    keep = [np.array([kept for _, kept in part], dtype=bool) for part in parts]
    assert merge(packed, keep) == pack([chunk for chunk, kept in flagged if kept])


def test_a_dropped_chunk_leaves_no_trace() -> None:
    secret = IndexedChunk("src/salary.py", "salary", b"salary of everyone")
    other = IndexedChunk("src/a.py", "", b"retry")
    merged = opened(merge([pack([secret, other])], [np.array([False, True])]))
    assert postings(merged, "salary") == {}
    assert merged.postings == opened(pack([other])).postings


def test_a_batch_border_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    chunks = [IndexedChunk(f"src/{n}.py", "f", b"retry policy number%d " % (n % 7) * 3) for n in range(50)]
    whole = pack(chunks)
    monkeypatch.setattr(segments, "_BATCH_BYTES", 200)
    assert pack(chunks) == whole


def test_blocks_are_bounded_and_a_common_term_spans_several() -> None:
    chunks = [IndexedChunk("", "", b"retry word%d" % (n % 3000)) for n in range(40_000)]
    packed = pack(chunks)
    sizes = [struct.unpack_from("<II", block)[1] for block in packed.blocks]
    assert max(sizes) == segments.BLOCK_POSTINGS
    assert len(sizes) > 5
    segment = opened(packed)
    found = segment.find(tokens.part_key(b"retry"))
    assert len(found) == 3
    assert np.concatenate([piece.ordinals for piece in found]).tolist() == list(range(40_000))
    everything = [int(key) for number in range(segment.blocks) for key in segment.block(number).keys]
    assert everything == sorted(everything)
    for number in (0, 1, 1499, 2999):
        (piece,) = segment.find(tokens.analyse(b"word%d" % number).whole or 0)
        assert piece.ordinals.tolist() == list(range(number, 40_000, 3000))


def test_only_the_blocks_of_a_term_are_read_and_each_once() -> None:
    packed = pack([IndexedChunk("", "", b"retry word%d" % n) for n in range(40_000)])
    read: list[int] = []

    def block(number: int) -> bytes:
        read.append(number)
        return packed.blocks[number]

    segment = Segment(packed.header, block, np.arange(packed.count))
    assert read == []
    key = tokens.analyse(b"word17").whole or 0
    assert segment.find(key)[0].ordinals.tolist() == [17]
    assert segment.find(key)[0].ordinals.tolist() == [17]
    assert len(read) == 1


def test_no_term_can_be_read_in_the_bytes() -> None:
    words = [b"salary", b"Kennwort", b"orderTotal", b"backoff"]
    packed = pack([IndexedChunk("src/salary.py", "orderTotal", b" ".join(words))])
    everything = packed.header + b"".join(packed.blocks)
    for word in [*words, b"salar", b"order", b"total"]:
        for form in (word, word.lower(), word[::-1], word.decode().encode("utf-16-le")):
            assert form[:4] not in everything


def test_more_chunks_than_a_segment_holds_are_refused() -> None:
    chunk = IndexedChunk("", "", b"")
    full = pack([chunk] * segments.MAX_CHUNKS)
    assert opened(full).count == 65_536
    with pytest.raises(InvalidInput, match="65,537 chunks"):
        pack([chunk] * (segments.MAX_CHUNKS + 1))
    with pytest.raises(InvalidInput, match="65,537 chunks"):
        merge([full, pack([chunk])], [np.ones(65_536, bool), np.ones(1, bool)])
    assert merge([full, pack([chunk])], [np.arange(65_536) > 0, np.ones(1, bool)]).count == 65_536


def test_flags_that_do_not_fit_are_refused() -> None:
    packed = pack([IndexedChunk("", "", b"a")])
    with pytest.raises(InvalidInput, match="one flag for each chunk"):
        merge([packed], [np.ones(2, bool)])
    with pytest.raises(InvalidInput, match="one flag for each chunk"):
        merge([packed], [])


def test_packed_segments_pickle() -> None:
    packed = pack([IndexedChunk("a.py", "f", b"retry")])
    assert pickle.loads(pickle.dumps(packed)) == packed  # noqa: S301 - our own bytes: how workers return them


def test_the_format_of_version_1_is_fixed() -> None:
    """Shelves on disk hold it: other bytes need another version and a reader for both."""
    packed = pack(
        [
            IndexedChunk(
                "src/payments/retry.py", "RetryPolicy.backoff", "def backoff(self): # Wartezeit größer, 中文\n".encode()
            ),
            IndexedChunk("tests/test_retry.py", "test_cap", b"assert RetryPolicy(3).cap == 3\n", is_test=True),
        ]
    )
    assert packed.header[:24] == struct.pack("<4sB3xIIQ", b"ctxi", 1, 2, 1, 21)
    digest = hashlib.sha256(packed.header + b"".join(packed.blocks)).hexdigest()
    assert digest == "c8d537675f71b61d2a05db0de77f7c1874ba2aa2c5d9fcfba2a3cdf9804a9e4d"


def resealed(header: bytes, change: Callable[[bytearray], None]) -> bytes:
    """Alter a header and make its checksum fit again."""
    body = bytearray(header[:-4])
    change(body)
    return bytes(body) + struct.pack("<I", zlib.crc32(body))


def version_2(body: bytearray) -> None:
    body[4] = 2


def one_chunk_more(body: bytearray) -> None:
    body[8] += 1


PACKED = pack([IndexedChunk("src/retry.py", "f", b"retry policy " * n) for n in range(5)])


@pytest.mark.parametrize(
    ("header", "said"),
    [
        (b"", "cut short"),
        (PACKED.header[:20], "cut short"),
        (b"SQLi" + PACKED.header[4:], "not a header"),
        (PACKED.header[:-5], "checksum"),
        (PACKED.header + b"\0", "checksum"),
        (PACKED.header[:30] + bytes([PACKED.header[30] ^ 1]) + PACKED.header[31:], "checksum"),
        (resealed(PACKED.header, version_2), "version 2"),
        (resealed(PACKED.header, one_chunk_more), "as long as its counts"),
    ],
)
def test_a_damaged_header_is_told(header: bytes, said: str) -> None:
    with pytest.raises(SegmentCorrupt, match=said) as caught:
        Segment(header, PACKED.blocks.__getitem__, np.arange(PACKED.count))
    assert caught.value.reason == "UNAVAILABLE"
    assert "contextd crawl" in caught.value.hint


def test_ids_that_do_not_fit_are_told() -> None:
    with pytest.raises(SegmentCorrupt, match="5 chunks, but 4 ids"):
        Segment(PACKED.header, PACKED.blocks.__getitem__, np.arange(4))


@settings(max_examples=60)
@given(st.integers(0, len(PACKED.blocks[0]) - 1), st.integers(1, 255), st.booleans())
def test_any_damage_to_a_block_is_told(at: int, flip: int, cut: bool) -> None:  # noqa: FBT001 - drawn by hypothesis
    block = PACKED.blocks[0]
    damaged = block[:at] if cut else block[:at] + bytes([block[at] ^ flip]) + block[at + 1 :]
    segment = Segment(PACKED.header, lambda _: damaged, np.arange(PACKED.count))
    with pytest.raises(SegmentCorrupt, match="block 0"):
        segment.find(tokens.part_key(b"retry"))


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda _: b"", "as long as its counts"),
        (lambda block: block + b"\0", "as long as its counts"),
        (lambda block: block[: 8 + 6 * terms(block)] + b"\xff" + block[9 + 6 * terms(block) :], "contradicts itself"),
        (lambda block: block[: 8 + 8 * terms(block)] + b"\xff\xff" + block[10 + 8 * terms(block) :], "contradicts itself"),
    ],
)
def test_a_damaged_block_with_a_fitting_checksum_is_told_too(damage: Callable[[bytes], bytes], said: str) -> None:
    block = damage(PACKED.blocks[0])

    def checksum(body: bytearray) -> None:
        body[32:36] = struct.pack("<I", zlib.crc32(block))

    segment = Segment(resealed(PACKED.header, checksum), lambda _: block, np.arange(PACKED.count))
    with pytest.raises(SegmentCorrupt, match=said):
        segment.find(tokens.part_key(b"retry"))


def terms(block: bytes) -> int:
    return int.from_bytes(block[:4], "little")


def test_exchanged_blocks_are_told() -> None:
    packed = pack([IndexedChunk("", "", b"retry word%d" % n) for n in range(40_000)])
    segment = Segment(packed.header, lambda number: packed.blocks[number ^ 1], np.arange(packed.count))
    with pytest.raises(SegmentCorrupt, match="block 0 does not match"):
        segment.block(0)
