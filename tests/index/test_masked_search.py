from __future__ import annotations

import itertools
import math
import threading
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from contextd.index import rank, tokens
from contextd.index.query import parse_query
from contextd.index.rank import Mask, Scored, Searcher
from contextd.index.segments import FIELD_WEIGHT, IndexedChunk, Segment, SegmentCorrupt, pack
from contextd.model.errors import InvalidInput

VOCABULARY = [
    "retry",
    "retries",
    "policy",
    "refund",
    "ledger",
    "orderTotal",
    "order_total",
    "parse",
    "größe",
    "中文",
    "the",
    "x",
    "9",
]
TEXTS = st.lists(st.sampled_from(VOCABULARY), max_size=10).map(lambda words: " ".join(words).encode())
CHUNKS = st.builds(
    IndexedChunk,
    path=st.sampled_from(["src/retry.py", "src/ledger.py", "tests/test_a.py", "README.md"]),
    symbol=st.sampled_from(["", "", "Ledger.total", "parse"]),
    text=TEXTS,
    is_test=st.booleans(),
)
QUESTIONS = st.lists(
    st.sampled_from([*VOCABULARY, '"retry policy"', '"the"', '"order_total"', "absent", "src"]), max_size=5
).map(" ".join)


def searcher_of(groups: Sequence[Sequence[IndexedChunk]], ids: Sequence[int] | None = None) -> Searcher:
    segments = []
    base = 0
    for group in groups:
        packed = pack(group)
        own = range(base, base + len(group)) if ids is None else ids[base : base + len(group)]
        segments.append(Segment(packed.header, packed.blocks.__getitem__, np.array(own, dtype=np.int64)))
        base += len(group)
    return Searcher(segments)


def everything(searcher: Searcher) -> Mask:
    return searcher.mask([np.ones(count, bool) for count in searcher._counts])


def ask(chunks: Sequence[IndexedChunk], question: str, limit: int = 10) -> list[Scored]:
    searcher = searcher_of([chunks])
    return searcher.search(parse_query(question), everything(searcher), limit, lambda chunk: chunks[chunk].text)


def texts(*bodies: str) -> list[IndexedChunk]:
    return [IndexedChunk("", "", body.encode()) for body in bodies]


def terms_of(chunk: IndexedChunk) -> Counter[int]:
    counted: Counter[int] = Counter()
    for text, weight in ((chunk.text, 1), (f"{chunk.path}\n{chunk.symbol}".encode(), FIELD_WEIGHT)):
        for word in tokens.words(tokens.fold(text)):
            whole, parts = tokens.analyse(word)
            for key in parts if whole is None else (whole, *parts):
                counted[key] += weight
    return counted


def textbook(chunks: dict[int, IndexedChunk], question: str) -> list[tuple[int, float]]:
    """BM25 as written in the papers, over exactly these chunks, without any index."""
    query = parse_query(question)
    counted = {ordinal: terms_of(chunk) for ordinal, chunk in chunks.items()}
    holders = {key: sum(1 for terms in counted.values() if key in terms) for key in query.terms}
    known = [key for key in query.terms if holders[key]]
    scoring = [key for key in known if holders[key] <= max(rank.COMMON * len(chunks), rank.FEW)] or known
    average = sum(sum(terms.values()) for terms in counted.values()) / max(len(chunks), 1)
    found = []
    for ordinal, terms in counted.items():
        if not all(
            phrase.occurs(chunks[ordinal].text) and all(key in terms for key in phrase.keys) for phrase in query.phrases
        ):
            continue
        if not query.phrases and not any(key in terms for key in scoring):
            continue
        score = 0.0
        for key in scoring:
            rarity = math.log(1 + (len(chunks) - holders[key] + 0.5) / (holders[key] + 0.5))
            norm = rank.K1 * (1 - rank.B + rank.B * sum(terms.values()) / average)
            score += rarity * terms[key] * (rank.K1 + 1) / (terms[key] + norm) if terms[key] else 0.0
        found.append((ordinal, score * (rank.TEST_FACTOR if chunks[ordinal].is_test else 1.0)))
    return sorted(found, key=lambda hit: (-hit[1], hit[0]))


@settings(max_examples=150)
@given(st.lists(st.tuples(CHUNKS, st.booleans()), max_size=20), st.lists(st.integers(0, 20), max_size=3), QUESTIONS)
def test_answers_equal_an_index_of_only_what_is_permitted(
    flagged: list[tuple[IndexedChunk, bool]], cuts: list[int], question: str
) -> None:
    bounds = [0, *sorted(min(cut, len(flagged)) for cut in cuts), len(flagged)]
    parts = [flagged[low:high] for low, high in itertools.pairwise(bounds)]
    masked = searcher_of([[chunk for chunk, _ in part] for part in parts])
    mask = masked.mask([np.array([seen for _, seen in part], dtype=bool) for part in parts])
    permitted = {number: chunk for number, (chunk, seen) in enumerate(flagged) if seen}
    alone = searcher_of([list(permitted.values())], list(permitted))

    def text(chunk: int) -> bytes:
        assert chunk in permitted, "a text that may not be seen was asked for"
        return permitted[chunk].text

    query = parse_query(question)
    for limit in (1, 3, 100):
        assert masked.search(query, mask, limit, text) == alone.search(query, everything(alone), limit, text)
    expected = textbook(permitted, question)
    got = masked.search(query, mask, 100, text)
    assert [score for _, score in got] == pytest.approx([score for _, score in expected], rel=1e-5)
    assert dict(got) == pytest.approx(dict(expected), rel=1e-5)


def test_masks_over_large_segments_equal_an_index_of_only_what_is_permitted() -> None:
    rng = np.random.default_rng(7)
    words = np.array([f"word{n}" for n in range(400)])
    chosen = np.minimum(rng.zipf(1.3, (6000, 12)) - 1, 399)
    chunks = [IndexedChunk(f"src/m{n % 90}.py", "", " ".join(words[row]).encode(), n % 11 == 0) for n, row in enumerate(chosen)]
    masked = searcher_of([chunks[:5500], chunks[5500:5900], chunks[5900:]])
    for share in (0.02, 0.5, 0.97):
        flags = rng.random(6000) < share
        mask = masked.mask([flags[:5500], flags[5500:5900], flags[5900:]])
        permitted = np.flatnonzero(flags).tolist()
        alone = searcher_of([[chunks[number] for number in permitted]], permitted)
        full = everything(alone)
        for question in (
            "word0",
            "word0 word1 word7",
            "word3 word50 word399",
            "m3 word",
            '"word1 word2"',
            '"word0 word0" word9',
            "py",
        ):
            query = parse_query(question)
            got = masked.search(query, mask, 20, lambda chunk: chunks[chunk].text)
            assert got == alone.search(query, full, 20, lambda chunk: chunks[chunk].text)
            assert {hit.chunk_id for hit in got} <= set(permitted)


def test_what_is_hidden_changes_neither_scores_nor_the_terms_that_count() -> None:
    """Hidden chunks make a word common, the visible ones keep it rare: its weight must be that of a rare word."""
    visible = texts("retry once", *(f"filler{n} other" for n in range(99)))
    hidden = texts(*("retry again" for _ in range(400)))
    both = searcher_of([visible, hidden])
    mask = both.mask([np.ones(100, bool), np.zeros(400, bool)])
    assert both.search(parse_query("retry other"), mask, 5) == ask(visible, "retry other", 5)
    assert both.search(parse_query("again"), mask, 5) == []


def test_equal_scores_come_in_the_order_of_ordinals_not_of_ids() -> None:
    searcher = searcher_of([texts("retry", "retry"), texts("retry")], [30, 20, 10])
    found = searcher.search(parse_query("retry"), everything(searcher), 2)
    assert [hit.chunk_id for hit in found] == [30, 20]


def test_ties_at_the_limit_are_cut_by_ordinal() -> None:
    chunks = texts(*["retry policy"] * 500)
    assert [hit.chunk_id for hit in ask(chunks, "retry policy", 7)] == list(range(7))


def test_paths_and_symbols_weigh_more_than_text_and_tests_come_last() -> None:
    chunks = [
        IndexedChunk("tests/a.py", "", b"refund of an order", is_test=True),
        IndexedChunk("src/a.py", "", b"refund of an order"),
        IndexedChunk("src/refund.py", "", b"anything of an order"),
        IndexedChunk("src/b.py", "", b"unrelated to an order"),
    ]
    assert [hit.chunk_id for hit in ask(chunks, "refund")] == [2, 1, 0]


def test_an_identifier_is_found_in_any_style_and_best_as_a_whole() -> None:
    chunks = texts("total of the order", "def order_total(lines):", "orderTotal = 3", "order = total")
    for question in ("orderTotal", "order_total", "OrderTotal", "ORDER_TOTAL", "shop.order_total", "shop::orderTotal()"):
        assert {hit.chunk_id for hit in ask(chunks, question)[:2]} == {1, 2}


def test_words_match_by_stem() -> None:
    assert [hit.chunk_id for hit in ask(texts("how validation works", "nothing"), "validated")] == [0]


def test_words_of_other_scripts_are_found() -> None:
    chunks = texts("Die Größe der Datei", "使用中文分词算法", "плохой запрос", "ascii only")
    assert [hit.chunk_id for hit in ask(chunks, "GRÖSSE größe")] == [0]
    assert [hit.chunk_id for hit in ask(chunks, "分词 API")] == [1]
    assert [hit.chunk_id for hit in ask(chunks, "Запрос server")] == [2]
    assert [hit.chunk_id for hit in ask(chunks, '"中文分词"')] == [1]


def test_common_words_do_not_score_beside_rarer_ones_but_do_alone() -> None:
    chunks = texts("refund value", *["value"] * 300)
    assert [hit.chunk_id for hit in ask(chunks, "refund value")] == [0]
    assert len(ask(chunks, "value", 1000)) == 301


def test_a_phrase_must_stand_in_the_text_in_order() -> None:
    chunks = texts(
        "policy to retry", "the Retry\n# policy", "retry_policy", "retry a policy", "retrying policies", "xretry policy"
    )
    assert [hit.chunk_id for hit in ask(chunks, '"retry policy"')] == [1]
    assert [hit.chunk_id for hit in ask(chunks, '"retry_policy"')] == [2]
    assert ask(chunks, '"policy retry"') == []
    assert ask(chunks, '"retry absent"') == [] == ask(chunks, '"missing absent" retry')
    assert {hit.chunk_id for hit in ask(chunks, '"retry" "policy"')} == {0, 1, 3}


def test_a_phrase_narrows_and_the_other_words_rank() -> None:
    chunks = texts("retry policy", "retry policy for refund", "refund")
    assert [hit.chunk_id for hit in ask(chunks, 'refund "retry policy"')] == [1, 0]


def test_a_phrase_without_terms_is_looked_up_in_the_text() -> None:
    chunks = texts("to be or not to be", "refund is as it was", "to do")
    assert [hit.chunk_id for hit in ask(chunks, '"not to be"')] == [0]
    assert [hit.chunk_id for hit in ask(chunks, 'refund "as it was"')] == [1]
    assert ask(chunks, '"to go"') == []


def test_without_texts_a_phrase_asks_that_its_words_are_there() -> None:
    searcher = searcher_of([texts("policy to retry", "retry", "retry policy")])
    found = searcher.search(parse_query('"retry policy"'), everything(searcher), 10)
    assert {hit.chunk_id for hit in found} == {0, 2}


def test_texts_are_read_best_first_and_no_more_than_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    chunks = texts(
        *["retry policy and a good deal more of text to make it longer"] * 40, *["policy retry"] * 4, *["retry policy"] * 5
    )
    searcher = searcher_of([chunks])
    read: list[int] = []

    def text(chunk: int) -> bytes:
        read.append(chunk)
        return chunks[chunk].text

    found = searcher.search(parse_query('"retry policy"'), everything(searcher), 3, text)
    assert [hit.chunk_id for hit in found] == [44, 45, 46]
    assert read == [40, 41, 42, 43, 44, 45, 46]
    monkeypatch.setattr(rank, "MAX_TEXT_CHECKS", 5)
    assert [hit.chunk_id for hit in searcher.search(parse_query('"retry policy"'), everything(searcher), 3, text)] == [44]


@pytest.mark.parametrize("limit", [0, -1])
def test_nothing_is_asked_for(limit: int) -> None:
    assert ask(texts("retry"), "retry", limit) == []


def test_nothing_is_there_or_nothing_is_permitted() -> None:
    empty = Searcher([])
    assert empty.search(parse_query("retry"), empty.mask([]), 5) == []
    searcher = searcher_of([texts("retry", "policy"), []])
    nothing = searcher.mask([np.zeros(2, bool), np.zeros(0, bool)])
    assert searcher.search(parse_query('retry "the"'), nothing, 5) == []
    assert ask([IndexedChunk("", "", b"")] * 3, "retry") == []


@pytest.mark.parametrize("flags", [[], [np.ones(1, bool)], [np.ones(2, bool), np.ones(1, bool)]])
def test_flags_that_do_not_fit_are_refused(flags: list[NDArray[np.bool_]]) -> None:
    with pytest.raises(InvalidInput, match="one flag for each chunk"):
        searcher_of([texts("retry", "policy")]).mask(flags)


def test_a_mask_of_another_searcher_is_refused() -> None:
    searcher = searcher_of([texts("retry")])
    with pytest.raises(InvalidInput, match="another searcher"):
        searcher.search(parse_query("retry"), everything(searcher_of([texts("retry", "retry")])), 5)


def test_a_search_in_the_middle_of_another_disturbs_neither(monkeypatch: pytest.MonkeyPatch) -> None:
    chunks = texts(*(f"retry policy{n % 7} refund{n % 13}" for n in range(200)))
    searcher = searcher_of([chunks])
    mask = everything(searcher)
    outer, inner = parse_query("policy3 refund5"), parse_query("refund5 policy2")
    expected = searcher.search(outer, mask, 10), searcher.search(inner, mask, 10)
    log1p, calls = math.log1p, 0
    between: list[list[Scored]] = []

    def interrupted(value: float) -> float:
        nonlocal calls
        calls += 1
        if calls == 2:  # the outer search has added up its first term
            thread = threading.Thread(target=lambda: between.append(searcher.search(inner, mask, 10)))
            thread.start()
            thread.join()
        return log1p(value)

    monkeypatch.setattr(math, "log1p", interrupted)
    assert searcher.search(outer, mask, 10) == expected[0]
    assert between == [expected[1]]


def test_a_corrupt_block_fails_the_question_and_leaves_the_next_answers_right() -> None:
    chunks = texts("retry policy", "refund")
    packed = pack(chunks)
    healthy = [True]

    def block(number: int) -> bytes:
        return packed.blocks[number] if healthy[0] else b"?"

    searcher = Searcher([Segment(packed.header, block, np.arange(2))])
    healthy[0] = False
    with pytest.raises(SegmentCorrupt, match="checksum"):
        searcher.search(parse_query("retry"), everything(searcher), 5)
    healthy[0] = True
    assert searcher.search(parse_query("retry"), everything(searcher), 5) == ask(chunks, "retry", 5)


def test_a_failing_text_leaves_the_next_answers_right() -> None:
    chunks = texts("retry policy", "retry policy refund")
    searcher = searcher_of([chunks])
    mask = everything(searcher)

    def fail(chunk: int) -> bytes:
        raise OSError(f"text {chunk} cannot be read")

    with pytest.raises(OSError, match="cannot be read"):
        searcher.search(parse_query('"retry policy"'), mask, 5, fail)
    assert searcher.search(parse_query("refund retry"), mask, 5) == ask(chunks, "refund retry", 5)


READ: Callable[[int], bytes] = {0: b"retry"}.__getitem__


def test_what_is_erased_is_no_longer_read() -> None:
    """Chunks that a mask leaves out are never asked for, even by a phrase that is looked up in every text."""
    searcher = searcher_of([texts("retry", "the retry")])
    mask = searcher.mask([np.array([True, False])])
    assert searcher.search(parse_query('"the"'), mask, 5, READ) == []
    assert [hit.chunk_id for hit in searcher.search(parse_query('"retry"'), mask, 5, READ)] == [0]
