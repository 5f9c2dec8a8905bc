from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contextd.index import bulk, tokens


def part(text: str) -> int:
    return tokens.part_key(text.encode())


def keys_of(text: str | bytes) -> Counter[int]:
    """Count the terms of a text one word at a time."""
    raw = text if isinstance(text, bytes) else text.encode()
    counted: Counter[int] = Counter()
    for word in tokens.words(tokens.fold(raw)):
        whole, parts = tokens.analyse(word)
        counted.update(parts)
        if whole is not None:
            counted[whole] += 1
    return counted


def bulk_keys(texts: list[bytes], first: int = 0) -> list[Counter[int]]:
    counted: list[Counter[int]] = [Counter() for _ in texts]
    for place in bulk.occurrences(texts, first).tolist():
        counted[(place & 0xFFFF) - first][place >> 16] += 1
    return counted


@pytest.mark.parametrize(
    ("word", "parts"),
    [
        ("fooBar", ["foo", "bar"]),
        ("foo_bar", ["foo", "bar"]),
        ("__init__", ["init"]),
        ("HTTPServer", ["http", "server"]),
        ("parseHTTP", ["parse", "http"]),
        ("SHA256Digest", ["sha", "256", "digest"]),
        ("MAX_SIZE2", ["max", "size", "2"]),
        ("a__b", ["a", "b"]),
        ("naïveParser", ["naïve", "parser"]),
        ("ÉtatCivil", ["état", "civil"]),
    ],
)
def test_identifiers_are_split_where_a_reader_would(word: str, parts: list[str]) -> None:
    (only,) = tokens.words(tokens.fold(word.encode()))
    assert [part.decode() for part in tokens.split(only)] == parts


def test_one_name_in_any_style_is_one_whole_and_another_order_is_not() -> None:
    wholes = {
        tokens.analyse(word).whole for word in (b"fooBarBaz", b"foo_bar_baz", b"FOO_BAR_BAZ", b"FooBarBaz", b"foo__barBaz")
    }
    assert len(wholes) == 1
    assert tokens.analyse(b"bar_foo_baz").whole not in wholes
    assert tokens.analyse(b"foobarbaz").whole is None


@pytest.mark.parametrize(
    "family",
    [
        "query queries querying queried",
        "run runs running",
        "map maps mapped mapping",
        "configure configures configured configuring configuration configurations",
        "validate validated validates validating validation validator validators",
        "template templates templating templated",
        "process processes processed processing processor",
        "class classes",
        "handle handler handlers handled handling",
        "connect connects connected connecting connection connections connector",
        "deploy deploys deployed deployment deployments",
        "call calls called calling callable",
        "box boxes boxed",
        "copy copies copied copying",
    ],
)
def test_inflections_share_a_stem(family: str) -> None:
    assert len({part(word) for word in family.split()}) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("string", "str"),
        ("status", "statu"),
        ("user", "us"),
        ("speed", "spe"),
        ("vector", "vect"),
        ("form", "format"),
        ("use", "us"),
    ],
)
def test_conservative_rules_leave_short_or_different_words_apart(one: str, other: str) -> None:
    assert part(one) != part(other)


def test_stop_words_and_single_letters_have_no_term_of_their_own_but_make_up_wholes() -> None:
    assert keys_of("the of is x 7") == {}
    assert keys_of("is_in") == {tokens.whole_key([b"is", b"in"]): 1}


def test_encoded_data_does_not_fill_the_vocabulary_with_fragments() -> None:
    digest = "9f2c41d07be3a8441e7f"
    assert len(keys_of(digest)) == 1
    assert keys_of("Q" * (tokens.MAX_WORD + 1)) == {}
    assert len(keys_of("Q" * tokens.MAX_WORD)) == 1


def test_non_ascii_text_is_folded_by_fixed_rules() -> None:
    assert keys_of("Größe ÉCOLE Ωμέγα ПРИВЕТ GRÖßE") == keys_of("größe école ωμέγα привет größe")
    assert keys_of("one—two… “three” four\u00a0five") == keys_of("one two three four five")
    assert keys_of("pass\u00adword zero\u200bwidth") == keys_of("password zerowidth")
    assert keys_of("ＡＰＩ　ｋｅｙ１２") == keys_of("API key12")  # noqa: RUF001 - full-width forms are what is tested
    assert keys_of("中文分词") == keys_of("中文 文分 分词")
    assert keys_of("使用API接口") == keys_of("使用 API 接口")
    assert keys_of("ジョン・スミス") == keys_of("ジョン スミス")
    assert keys_of(b"caf\xff\xfe bar\x80") == keys_of("caf bar")


def test_ascii_text_is_not_touched_by_folding() -> None:
    text = b"Mixed_Case \x00 \x7f text"
    assert tokens.fold(text) is text


def test_keys_are_fixed_for_ever() -> None:
    """Segments on disk hold these; a change of any of them needs another version of the format."""
    assert [f"{part(word):012x}" for word in ("retry", "retries", "snapshot", "größe", "中文")] == VECTORS[:5]
    assert f"{tokens.whole_key([b'retry', b'policy']):012x}" == VECTORS[5]
    assert f"{part('internationalization'):012x}" == VECTORS[6]


VECTORS = ["2aff2a24becd", "2aff2a24becd", "c78d465fab4d", "2b6344758673", "b6e7becba576", "a1c47ec75f5d", "711ade8b5641"]

WORDISH = st.text(alphabet="abeginrstyzABZ019_ .-\n", max_size=60)
SUFFIXED = st.tuples(
    st.text(alphabet="abdelrstu", min_size=0, max_size=7),
    st.sampled_from(
        [
            "s",
            "ss",
            "es",
            "ies",
            "sses",
            "us",
            "ing",
            "ed",
            "eed",
            "ied",
            "er",
            "or",
            "ion",
            "able",
            "ment",
            "at",
            "e",
            "y",
            "ll",
        ]
    ),
    st.sampled_from(["", "s", "ed", "ing", "e"]),
).map("".join)


@settings(max_examples=150)
@given(st.lists(st.one_of(WORDISH, st.text(max_size=40), st.lists(SUFFIXED, max_size=8).map(" ".join)), max_size=6))
def test_bulk_terms_are_the_terms_of_the_definition(texts: list[str]) -> None:
    raw = [text.encode("utf-8", "replace") for text in texts]
    assert bulk_keys(raw, 7) == [keys_of(text) for text in raw]


@settings(max_examples=60)
@given(st.lists(st.binary(max_size=60), max_size=4))
def test_bulk_terms_are_the_terms_of_the_definition_for_any_bytes(texts: list[bytes]) -> None:
    assert bulk_keys(texts) == [keys_of(text) for text in texts]


def test_bulk_terms_of_long_words_and_many_parts() -> None:
    texts = [b"A1" * n + b" " + b"ab_" * n + b"x" + b" " + b"q" * n for n in (1, 3, 8, 9, 16, 40, 62, 64, 65, 127, 128, 129)]
    assert bulk_keys(texts) == [keys_of(text) for text in texts]


def test_bulk_stems_do_not_look_before_their_part() -> None:
    texts = [b"a_brring", b"eaBrrring", b"io brred", b"uu_sing", b"e_sses", b"i_es", b"aer b_er", b"conn ection", b"bb_b"]
    assert bulk_keys(texts) == [keys_of(text) for text in texts]


def test_every_stop_word_is_known_to_both() -> None:
    texts = [word + b" " + word + b"x" for word in sorted(tokens.STOP_WORDS)]
    assert bulk_keys(texts) == [keys_of(text) for text in texts]
    assert all(len(word) <= 8 for word in tokens.STOP_WORDS), "bulk compares the first eight bytes"


def test_terms_do_not_run_across_texts() -> None:
    assert bulk_keys([b"foo", b"bar", b"", b"_baz"]) == [keys_of("foo"), keys_of("bar"), Counter(), keys_of("baz")]
    assert bulk.occurrences([]).dtype == np.uint64
