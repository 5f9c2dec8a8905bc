from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contextd.detect.prose import Markup, read
from contextd.detect.review_date import Review, is_decision, stated_review


def review(text: str, path: str = "docs/a.md") -> Review | None:
    return stated_review(read(path, Markup.MARKDOWN, text.encode()))


MAY = datetime(2026, 5, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("---\ntitle: x\nlast_reviewed: 2026-05-01\n---\n", 3),
        ("---\nLast_Reviewed: '2026-05-01'\n---\n", 2),
        ("---\nreviewed: 2026-05-01T10:00:00Z\n---\n", 2),
        ("---\ntags: [a, {last_reviewed: 1999-01-01}]\nreviewed: 2026-05-01\n---\n", 3),
        ('+++\ntitle = "x"\nlast_reviewed = 2026-05-01\n+++\n', 3),
        ("# T\n\nLast reviewed: 2026-05-01\n", 3),
        ("# T\n\n**Last reviewed:** 2026-05-01 by team-payments\n", 3),
        ("# T\n\n| Last reviewed | 2026-05-01 |\n", 3),
        ("> Last-Reviewed: 1 May 2026\n", 1),
        ("_Reviewed on May 1st, 2026_\n", 1),
        ("x\n" * 100 + "\nLast review: 2026-05-01\n", 102),
    ],
)
def test_a_review_is_read_where_people_write_it(text: str, line: int) -> None:
    assert review(text) == Review(MAY, line)


@pytest.mark.parametrize(
    "text",
    [
        "# T\n\ntext\n",
        "Nobody has reviewed this since 2020.\n",
        "x\n" * 60 + "Last reviewed: 2026-05-01\n" + "x\n" * 60,
        "---\ndate: 2026-05-01\n---\n",
    ],
)
def test_what_states_no_review_has_none(text: str) -> None:
    assert review(text) is None


@pytest.mark.parametrize("date", ["05/01/2026", "2026-13-01", "1 Floreal 2026", "in May 26", "2026-02-30"])
def test_a_date_that_cannot_be_read_is_a_problem_with_its_line(date: str) -> None:
    found = review(f"# T\n\nLast reviewed: {date}\n")
    assert found
    assert found.at is None
    assert found.problem == f'line 3: "Last reviewed: {date}" states no date that can be read; write 2026-05-01'


def test_the_date_of_a_decision_is_its_review() -> None:
    assert is_decision("docs/adr/0001-use-x.md")
    assert not is_decision("docs/adr.md")
    assert review("# 1. Use x\n\nDate: 2026-05-01\n", "docs/adr/0001.md") == Review(MAY, 3)
    assert review("---\ndate: 2026-05-01\n---\n", "docs/decisions/1.md") == Review(MAY, 2)
    assert review("# 1. Use x\n\nDate: 2026-05-01\n", "docs/notes/0001.md") is None


def test_broken_front_matter_is_a_problem_even_when_a_line_below_states_a_review() -> None:
    text = "---\ntitle: a: b\nlast_reviewed: 2026-05-01\n---\nLast reviewed: 2026-05-01\n"
    found = review(text)
    assert found
    assert (found.at, found.line, found.problem, found.broken) == (None, 2, "line 2: front matter is not YAML", True)


def test_two_rules_around_text_are_no_front_matter() -> None:
    document = read("a.md", Markup.MARKDOWN, b"---\njust text\n---\nLast reviewed: 2026-05-01\n")
    assert stated_review(document) == Review(MAY, 4)


def test_huge_and_nested_front_matter_is_bounded() -> None:
    found = review("---\nx: " + "[" * 5000 + "]" * 5000 + "\n---\n")
    assert found
    assert found.at is None
    huge = review("---\nx: " + "y" * 20_000 + "\n---\n")
    assert huge
    assert huge.problem == "front matter of 20,003 characters"


@settings(max_examples=60, deadline=None)
@given(st.text("ab:-{}[]&*!|>'\"#%@` \n\t0123456789", max_size=80))
def test_no_front_matter_raises(body: str) -> None:
    review(f"---\n{body}\n---\nlast_reviewed: 2026-05-01\n")
