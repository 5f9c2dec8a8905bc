"""Sections of documents: headings, fences, front matter, anchors, and the chunks they make."""

from __future__ import annotations

import pytest

from contextd.parse.markdown import front_matter, sections
from contextd.parse.parsing import parse

TEXT = b"""---
last_reviewed: 2026-05-01
---
Intro.

# One

Text.

```sh
# not a heading
```

Two *words*
===========

## `code` & [link](x.md)

<!--
# hidden
-->

## Twice
## Twice
"""


def test_headings_of_both_kinds_and_nothing_from_fences_or_comments() -> None:
    found = [(section.level, section.title, section.anchor) for section in sections(TEXT)]
    assert found == [
        (0, "", ""),
        (1, "One", "one"),
        (1, "Two words", "two-words"),
        (2, "code & link", "code--link"),
        (2, "Twice", "twice"),
        (2, "Twice", "twice-1"),
    ]


def test_sections_cover_the_text_behind_the_front_matter() -> None:
    span = front_matter(TEXT)
    assert span is not None
    assert TEXT[span[0] : span[1]].endswith(b"2026-05-01\n---\n")
    found = sections(TEXT)
    assert found[0].span.start_byte == span[1]
    assert [one.span.end_byte for one in found[:-1]] == [other.span.start_byte for other in found[1:]]
    assert found[-1].span.end_byte == len(TEXT)


@pytest.mark.parametrize("text", [b"", b"---\nnever: closed\n", b"text\n---\na: b\n---\n", b" ---\na: b\n---\n"])
def test_what_is_not_front_matter(text: bytes) -> None:
    assert front_matter(text) is None


@pytest.mark.parametrize(
    ("heading", "anchor"),
    [
        (b"# A B", "a-b"),
        (b"# What's new?", "whats-new"),
        ("# Größe".encode(), "größe"),
        (b"# a_b-c d", "a_b-c-d"),
        (b"# 1.2 (beta)", "12-beta"),
        (b"# Trailing ##", "trailing"),
        (b"# ![logo](l.png) Name", "name"),
    ],
)
def test_anchors_are_those_that_forges_make(heading: bytes, anchor: str) -> None:
    assert [section.anchor for section in sections(heading + b"\n")] == [anchor]


def test_a_chunk_is_a_section_with_its_heading() -> None:
    text = b"".join(b"# Part %d\n\n%s\n" % (n, b"A line of prose.\n" * 12) for n in range(4))
    parsed = parse("a.md", text)
    assert [chunk.symbol for chunk in parsed.chunks] == ["Part 0", "Part 1", "Part 2", "Part 3"]
    assert all(text[chunk.span.start_byte :].startswith(b"# Part") for chunk in parsed.chunks)


def test_a_long_section_is_not_cut_inside_a_fence() -> None:
    fence = b"```\n" + b"code\n\n" * 20 + b"```\n"
    text = b"# Long\n\n" + b"prose prose\n\n" * 15 + fence + b"prose prose\n\n" * 30
    cuts = {chunk.span.start_byte for chunk in parse("a.md", text).chunks}
    begin = text.index(b"```")
    end = text.index(b"```", begin + 3)
    assert len(cuts) > 1
    assert not any(begin < cut <= end for cut in cuts)


def test_restructuredtext_and_asciidoc_have_sections_too() -> None:
    body = b"Some prose here.\n" * 10
    rst = b"Title\n=====\n\n" + body + b"\nPart\n----\n\n" + body
    assert [chunk.symbol for chunk in parse("a.rst", rst).chunks] == ["Title", "Part"]
    adoc = b"= Title\n\n" + body + b"\n== Part\n\n" + body
    assert [chunk.symbol for chunk in parse("a.adoc", adoc).chunks] == ["Title", "Part"]
