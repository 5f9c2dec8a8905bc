from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from contextd.index import query, tokens
from contextd.index.query import Query, parse_query


def keys(*words: str) -> set[int]:
    return {tokens.part_key(word.encode()) for word in words}


def whole(*parts: str) -> int:
    return tokens.whole_key([part.encode() for part in parts])


def test_words_and_identifiers_become_terms_once_in_their_order() -> None:
    parsed = parse_query("retry the RetryPolicy.backoff retries")
    assert parsed.phrases == ()
    assert parsed.terms == tuple(
        dict.fromkeys(
            [tokens.part_key(b"retry"), whole("retry", "policy"), tokens.part_key(b"policy"), tokens.part_key(b"backoff")]
        )
    )


@pytest.mark.parametrize("text", ["foo.barBaz", "foo::barBaz", "foo->barBaz()", "foo/barBaz", "foo#barBaz", "foo barBaz"])
def test_qualified_names_ask_for_their_members(text: str) -> None:
    assert set(parse_query(text).terms) == keys("foo", "bar", "baz") | {whole("bar", "baz")}


@pytest.mark.parametrize("text", ["", " ", '"', '""', '"" ""', "\0", "the of", '"->"', "!!! ???", "\ud800", "\u200b"])
def test_what_asks_for_nothing_is_empty(text: str) -> None:
    assert parse_query(text).terms == ()
    assert parse_query(text).phrases == ()


def test_phrases_also_score_and_take_typographic_quotes() -> None:
    parsed = parse_query("refund \u201cretry policy\u201d")
    assert set(parsed.terms) == keys("refund", "retry", "policy")
    (phrase,) = parsed.phrases
    assert set(phrase.keys) == keys("retry", "policy")


@pytest.mark.parametrize(
    ("text", "phrases"), [('a "b c" d "e f', 1), ('"a b" "c d"', 2), ('"never closed', 0), ('x"y z"', 1), ('"""', 0)]
)
def test_quotes_that_are_not_closed_are_ignored(text: str, phrases: int) -> None:
    assert len(parse_query(text).phrases) == phrases


@pytest.mark.parametrize(
    ("phrase", "text", "there"),
    [
        ("retry policy", "the RETRY\n  # Policy", True),
        ("retry policy", "retry policyX", False),
        ("retry policy", "retry_policy", False),
        ("__init__(self", "def __init__(self, x):", True),
        ("os.path", "import os.path", True),
        ("größe der", "DIE GRÖßE — der Datei", True),
        ("中文", "我们的中文字", True),
        ("don't", "they don’t know", True),  # noqa: RUF001 - a typographic apostrophe is what is tested
        ("a.c", "abc", False),
        ("(a+)+$ [", "a", True),
    ],
)
def test_phrases_are_whole_words_whatever_stands_between(phrase: str, text: str, there: bool) -> None:  # noqa: FBT001 - a table
    (parsed,) = parse_query(f'"{phrase}"').phrases
    assert parsed.occurs(text.encode()) is there


def test_long_questions_are_cut() -> None:
    parsed = parse_query(" ".join(f"word{n} " + f'"w{n} x"' for n in range(5000)))
    assert len(parsed.terms) == query.MAX_TERMS
    assert len(parsed.phrases) == query.MAX_TERMS
    assert parse_query("x " * query.MAX_CHARACTERS + "retry") == Query()


@settings(max_examples=200)
@example("a" * 100_000)
@example('"' * 9_001)
@example("_" * 9_000)
@given(st.text(max_size=200))
def test_no_input_is_an_error_and_every_phrase_can_be_looked_up(text: str) -> None:
    parsed = parse_query(text)
    assert all(0 <= key < 1 << tokens.KEY_BITS for key in parsed.terms)
    for phrase in parsed.phrases:
        phrase.occurs(text.encode("utf-8", "replace"))
        assert set(phrase.keys) <= set(parsed.terms) or len(parsed.terms) == query.MAX_TERMS
