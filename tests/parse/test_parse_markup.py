"""Headings and chunks of prose in the cases that simple scanners get wrong."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from contextd.parse.anchors import Anchors, plain
from contextd.parse.markdown import front_matter, sections
from contextd.parse.parsing import parse


def titles(text: bytes) -> list[tuple[int, str]]:
    return [(section.level, section.title) for section in sections(text) if section.level]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"#no heading\n", []),
        (b"####### seven\n", []),
        (b"    # code\n", []),
        (b"   ### three blanks ###  \n", [(3, "three blanks")]),
        (b"## C#\n", [(2, "C#")]),
        (b"#\n", [(1, "")]),
        (b"# a\r\n## b\r\n", [(1, "a"), (2, "b")]),
        (b"two\nlines\n---\n", [(2, "two lines")]),
        (b"text\n\n---\n\ntext\n", []),
        (b"- item\n---\n", []),
        (b"> quote\n---\n", []),
        (b"| a | b |\n|---|---|\n", []),
        (b"1. one\n===\n", []),
        (b"***\n===\n", []),
        (b"~~~\n# a\n```\n# b\n~~~\n# c\n", [(1, "c")]),
        (b"````\n```\n# a\n````\n# b\n", [(1, "b")]),
        (b"- item\n\n  ```sh\n  # comment\n  ```\n\n# after\n", [(1, "after")]),
        (b"```\n# never closed\n", []),
        (b"``` a`b\n# not in a fence\n", [(1, "not in a fence")]),
        (b"<!-- one line -->\n# a\n", [(1, "a")]),
        (b"<!--\n# hidden\n\n# hidden\n-->\n# shown\n", [(1, "shown")]),
        (b"\xef\xbb\xbf---\ntitle: x\n---\n# a\n", [(1, "a")]),
        (b"+++\n# toml\n+++\n# a\n", [(1, "a")]),
        (b"# \xff\n", [(1, "\ufffd")]),
        (b"a\x0c\n# b\n", [(1, "b")]),
    ],
)
def test_headings_as_commonmark_has_them(text: bytes, expected: list[tuple[int, str]]) -> None:
    assert titles(text) == expected


@pytest.mark.parametrize(
    ("heading", "text"),
    [
        ("**Bold** and _it_ and `a_b*c`", "Bold and it and a_b*c"),
        ("snake_case_name", "snake_case_name"),
        ("[text](https://example.org/a 'title') [ref][id]", "text ref"),
        ("![badge](b.svg) Name", "Name"),
        ("[![badge](b.svg)](x) Name", "Name"),
        ("a <br> b</sub>", "a b"),
        (r"\*not\* bold", "*not* bold"),
        ("a &amp; b", "a & b"),
        ("~~gone~~ ***both***", "gone both"),
        ("*" * 2000, "*" * 2000),
    ],
)
def test_titles_are_plain_text(heading: str, text: str) -> None:
    assert plain(heading) == text


def test_anchors_are_never_given_twice() -> None:
    anchors = Anchors()
    assert [anchors.of(title) for title in ("Foo", "foo", "Foo 1", "foo", "", "!")] == [
        "foo",
        "foo-1",
        "foo-1-1",
        "foo-2",
        "",
        "-1",
    ]


def test_anchors_keep_letters_marks_and_numbers_of_every_script() -> None:
    anchors = Anchors()
    assert anchors.of("हिन्दी भाषा 2") == "हिन्दी-भाषा-2"
    assert anchors.of("日本語、テスト") == "日本語テスト"
    assert anchors.of(":rocket: Start—now") == "rocket-startnow"


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.sampled_from(["# a", "## b", "a", "===", "---", "```", "", "+++", "> q", "<!--", "-->", "- i"]), max_size=30)
)
@example(["---", "a", "---", "# a", "a", "---"])
def test_sections_are_flat_in_order_and_tile_what_follows_the_front_matter(parts: list[str]) -> None:
    text = "\n".join(parts).encode()
    found = sections(text)
    front = front_matter(text)
    body = front[1] if front else 0
    assert all(one.span.end_byte == other.span.start_byte for one, other in pairwise(found))
    if found:
        assert not text[body : found[0].span.start_byte].strip()
        assert found[-1].span.end_byte == len(text)
    else:
        assert not text[body:].strip()
    anchors = [section.anchor for section in found if section.level]
    assert len(set(anchors)) == len(anchors)


def test_front_matter_is_in_the_first_chunk_with_its_section() -> None:
    text = b"---\nowner: team\n---\n\n# Runbook\n\n" + b"A step.\n" * 12 + b"\n# Other\n\n" + b"A step.\n" * 12
    first, second = parse("a.md", text).chunks
    assert (first.span.start_byte, first.symbol, second.symbol) == (0, "Runbook", "Other")


def test_tiny_sections_join_their_sisters_and_never_their_aunts() -> None:
    text = b"# Doc\n\n## A\n\n### A1\n\nx\n\n### A2\n\nx\n\n## B\n\n" + b"long\n" * 20 + b"\n### B1\n\nx\n\n## C\n\nx\n"
    cuts = [text[chunk.span.start_byte :].split(b"\n")[0] for chunk in parse("a.md", text).chunks]
    assert b"## B" in cuts  # A2 is tiny, but B is not its sister
    assert b"## C" in cuts  # likewise B1 and C
    assert b"### A2" not in cuts


def test_a_title_of_any_length_names_its_chunk_briefly() -> None:
    (chunk,) = parse("a.md", b"# " + b"word " * 1000 + b"\n\ntext\n").chunks
    assert 0 < len(chunk.symbol) <= 200


RST = b"""\
=====
Title
=====

Intro.

Part one
--------

%(body)s

Sub
~~~

%(body)s

::

    Literal
    -------

========  =====
a table   here
========  =====

Part two
--------

%(body)s
""" % {b"body": b"prose\n" * 20}


def test_restructuredtext_styles_and_what_is_no_title() -> None:
    assert [chunk.symbol for chunk in parse("a.rst", RST).chunks] == ["Title", "Part one", "Sub", "Part two"]


@pytest.mark.parametrize(
    "text",
    [b"Too long a title\n---\n", b"a\nb\n---\n", b"-----\n-----\n", b"====\n\n", b"----\n", b" indented\n----------\n"],
)
def test_restructuredtext_adornments_that_underline_nothing(text: bytes) -> None:
    assert {chunk.symbol for chunk in parse("a.rst", text).chunks} <= {""}


def test_asciidoc_blocks_hide_titles() -> None:
    body = b"prose\n" * 20
    text = b"= Doc\n\n" + body + b"\n----\n== no\n----\n\n== Part\n\n" + body + b"\n....\n== never closed\n" + body
    assert [chunk.symbol for chunk in parse("a.adoc", text).chunks] == ["Doc", "Part"]
