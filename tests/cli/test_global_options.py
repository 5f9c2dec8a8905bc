"""Global options: anywhere before ``--``, from the environment, and refused with words when they cannot be meant."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contextd.cli.options import UsageProblem, split_globals


def test_they_are_taken_out_wherever_they_stand() -> None:
    options, rest = split_globals(["--home", "/h", "search", "-q", "text", "--format=json", "--limit", "3"], {})
    assert rest == ["search", "text", "--limit", "3"]
    assert (options.home, options.format, options.quiet) == (Path("/h"), "json", True)


def test_what_follows_a_double_dash_is_left_alone() -> None:
    options, rest = split_globals(["search", "--", "-q", "--format"], {})
    assert rest == ["search", "--", "-q", "--format"]
    assert not options.quiet


def test_an_option_beats_the_environment_and_that_beats_the_default() -> None:
    environ = {"CONTEXTD_HOME": "/e", "HOME": "/me", "CONTEXTD_FORMAT": "json", "CONTEXTD_TOKEN_FILE": "/t"}
    assert split_globals([], environ)[0].home == Path("/e")
    assert split_globals(["--home", "/o"], environ)[0].home == Path("/o")
    assert split_globals([], {"HOME": "/me"})[0].home == Path("/me/.contextd")
    assert split_globals([], environ)[0].format == "json"
    assert split_globals([], environ)[0].token_file == Path("/t")


def test_very_verbose_is_verbose_too() -> None:
    options, _ = split_globals(["-vv"], {})
    assert options.verbose
    assert options.debug


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--format", "xml"], "--format xml: it takes text, json"),
        (["--color", "pink"], "auto, always or never"),
        (["--timeout", "soon"], "a duration such as"),
        (["--home"], "--home needs a value"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_words(words: list[str], says: str) -> None:
    with pytest.raises(UsageProblem, match=says):
        split_globals(words, {})


def test_a_timeout_is_a_duration() -> None:
    assert split_globals(["--timeout", "500ms"], {})[0].timeout == timedelta(milliseconds=500)


@given(st.lists(st.text(min_size=1, max_size=8).filter(lambda word: not word.startswith("-")), max_size=6))
def test_words_that_are_no_options_pass_through_in_order(words: list[str]) -> None:
    assert split_globals(words, {})[1] == words
