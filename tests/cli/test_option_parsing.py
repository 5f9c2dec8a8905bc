"""Where global options may stand, what of the environment is refused, and lines that cannot be meant and still ask for JSON."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contextd.cli.options import FLAGS, UsageProblem, asks_for_json, split_globals

HOME = {"HOME": "/home/dev"}


@pytest.mark.parametrize("at", range(3))
def test_options_are_taken_before_between_and_after_the_verb(at: int) -> None:
    words = ["source", "list"]
    words[at:at] = ["--format", "json", "--home=/h", "-q", "--timeout", "500ms", "-o", "out.json", "-vv"]
    found, rest = split_globals(words, HOME)
    assert rest == ["source", "list"]
    assert (found.home, found.format, found.output) == (Path("/h"), "json", Path("out.json"))
    assert (found.quiet, found.verbose, found.debug) == (True, True, True)
    assert found.timeout == timedelta(milliseconds=500)


def test_a_relative_home_is_that_of_the_working_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert split_globals(["--home", "h"], HOME)[0].home == tmp_path / "h"


def test_a_bad_format_of_the_environment_is_refused_too() -> None:
    with pytest.raises(UsageProblem, match="--format xml"):
        split_globals(["x"], {**HOME, "CONTEXTD_FORMAT": "xml"})


@pytest.mark.parametrize(
    ("words", "json"),
    [
        (["--format", "json", "--timeout", "x"], True),
        (["--format=jsonl"], True),
        (["--format", "text"], False),
        (["json"], False),
        ([], False),
    ],
)
def test_a_line_that_cannot_be_meant_may_still_ask_for_json(words: list[str], *, json: bool) -> None:
    assert asks_for_json(words) is json


@settings(max_examples=60)
@given(st.lists(st.sampled_from(["a", "--source", "b c", "-x", "--limit=3", "é", *FLAGS]), max_size=8), st.integers(0, 8))
def test_nothing_else_is_touched_wherever_the_options_stand(words: list[str], at: int) -> None:
    plain = [word for word in words if word not in FLAGS]
    given_words = [*words[:at], "--home", "/h", *words[at:]]
    found, rest = split_globals(given_words, HOME)
    assert rest == plain
    assert found.home == Path("/h")
    assert found.quiet is bool({"-q", "--quiet"} & set(words))
