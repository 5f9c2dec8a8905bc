from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contextd.detect.prose import Markup, markup_of, read


def prose(text: str, markup: Markup = Markup.MARKDOWN) -> dict[int, str]:
    return {line.number: line.text.strip() for line in read("x", markup, text.encode()).prose}


@pytest.mark.parametrize(
    ("path", "markup"),
    [
        ("README.md", Markup.MARKDOWN),
        ("docs/a.MD", Markup.MARKDOWN),
        ("a.rst", Markup.RST),
        ("a.adoc", Markup.ASCIIDOC),
        ("src/a.py", None),
        ("notes.txt", None),
        ("md", None),
    ],
)
def test_documents_are_told_by_their_suffix(path: str, markup: Markup | None) -> None:
    assert markup_of(path) is markup


def test_fences_are_code_however_they_are_written() -> None:
    text = "one\n```sh\n`a`\n~~~\n```\ntwo\n~~~~\nx\n~~~\n~~~~\nthree\n- item\n  ```\n  x\n  ```\n> ```\n> x\n> ```\nfour\n"
    assert list(prose(text).values()) == ["one", "two", "three", "- item", "four"]


def test_a_fence_that_is_never_closed_makes_no_claim() -> None:
    assert prose("one\n```\nlives in `a.py`\n") == {1: "one"}


def test_comments_and_indented_code_are_not_prose() -> None:
    text = "one <!-- `a` --> end\n<!-- two\n`b`\n--> three\n\n    code\n\n- item\n\n    still the item\n"
    assert list(prose(text).values()) == ["one  end", "three", "- item", "still the item"]


def test_line_numbers_count_line_feeds_only() -> None:
    document = read("x.md", Markup.MARKDOWN, "\ufeffa\r\nb\x0bc\u2028d\r\n\r\ne".encode())
    assert document.lines == ("a", "b\x0bc\u2028d", "", "e")
    assert [line.number for line in document.prose] == [1, 2, 4]


def test_headings_of_both_kinds_name_what_follows() -> None:
    lines = read("x.md", Markup.MARKDOWN, b"Title\n=====\ntext\n\n## Usage ##\nmore\n\nSub\n---\nlast\n").prose
    assert [(line.text.strip(), line.heading, line.level) for line in lines] == [
        ("Title", "Title", 1),
        ("text", "Title", 0),
        ("## Usage ##", "Usage", 2),
        ("more", "Usage", 0),
        ("Sub", "Sub", 2),
        ("last", "Sub", 0),
    ]


def test_neighbours_are_lines_of_the_same_paragraph() -> None:
    lines = read("x.md", Markup.MARKDOWN, b"# T\none\ntwo\n\nthree\n").prose
    assert [(line.before, line.text, line.after) for line in lines[1:]] == [
        ("", "one", "two"),
        ("one", "two", ""),
        ("", "three", ""),
    ]


def test_front_matter_is_not_prose_and_a_lone_rule_is_not_front_matter() -> None:
    document = read("x.md", Markup.MARKDOWN, b"---\ntitle: a\n---\ntext\n")
    assert document.front_matter == 3
    assert [line.number for line in document.prose] == [4]
    assert read("x.md", Markup.MARKDOWN, b"---\ntext\n").front_matter == 0
    assert read("x.md", Markup.MARKDOWN, b"+++\nt = 1\n+++\ntext\n").front_matter == 3


def test_restructuredtext_code_comments_and_headings() -> None:
    text = (
        "Title\n=====\n\nRun this::\n\n    make ``a``\n\nafter\n\n.. code-block:: sh\n\n   x\n\n.. a comment\n   goes on\n\n"
        ".. note::\n   noted\n\nSub\n---\nlast\n"
    )
    kept = prose(text, Markup.RST)
    assert list(kept.values()) == ["Title", "Run this::", "after", ".. note::", "noted", "Sub", "last"]
    assert [line.heading for line in read("x", Markup.RST, text.encode()).prose][-1] == "Sub"


def test_asciidoc_blocks_and_headings() -> None:
    text = "= Title\n\ntext\n\n----\ncode\n----\n\n// comment\n literal\n== Next\nlast\n"
    assert list(prose(text, Markup.ASCIIDOC).values()) == ["= Title", "text", "== Next", "last"]
    assert read("x", Markup.ASCIIDOC, text.encode()).prose[-1].heading == "Next"


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=200) | st.text("`~-=#>* <!ab\n\t:.+", max_size=120).map(str.encode), st.sampled_from(list(Markup)))
def test_any_text_is_read_and_lines_stay_in_order(text: bytes, markup: Markup) -> None:
    document = read("x", markup, text)
    numbers = [line.number for line in document.prose]
    assert numbers == sorted(set(numbers))
    assert all(0 < number <= len(document.lines) for number in numbers)
