"""The two vectors of the format, and what the id must and must not depend on."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from contextd.snapshot.identity import blocks, document, snapshot_id, tree


def test_vector_one_document() -> None:
    root = tree([("a.py", document("a.py", "100644", b"x = 1\n"))])
    assert snapshot_id("payments", root) == "ctx1:7a41cd9630d81b8afa1932f6714599925e4fb2904f35c126a9fc71bb06619fe5"


def test_vector_three_documents_with_blocks_modes_and_an_empty_text() -> None:
    files = [
        ("a.py", "100644", b"x = 1\n"),
        ("bin/run", "100755", b"#!/bin/sh\n" * 100),
        ("docs/é.md", "100644", b""),
    ]
    root = tree((path, document(path, mode, text)) for path, mode, text in files)
    assert snapshot_id("payments", root) == "ctx1:3b42ce804da377c810d786307c6995ff2f93736b5f2cee7a6e61bcb4a4e80984"


@given(st.binary(max_size=2000).map(lambda b: b.replace(b"\x00", b"\n")))
def test_blocks_hold_at_most_64_lines_and_only_lf_ends_a_line(text: bytes) -> None:
    lines = text.split(b"\n")
    count = len(lines) - (lines[-1] == b"")
    assert len(blocks(text)) == -(-count // 64)


def test_labels_are_a_set_and_every_part_counts() -> None:
    base = document("a", "100644", b"t", ["x", "y"])
    assert base == document("a", "100644", b"t", ["y", "x", "y"])
    others = {
        document("b", "100644", b"t", ["x", "y"]),
        document("a", "100755", b"t", ["x", "y"]),
        document("a", "100644", b"u", ["x", "y"]),
        document("a", "100644", b"t", ["x"]),
        document("a", "100644", b"t\n", ["x", "y"]),
    }
    assert base not in others
    assert len(others) == 5


def test_the_source_name_is_part_of_the_id() -> None:
    root = tree([])
    assert snapshot_id("one", root) != snapshot_id("two", root)
