"""An export gives one document a ticket, with everything the ticket says; a line that is no ticket fails the listing."""

from __future__ import annotations

import json
import os
import pickle
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contextd.crawl.listing import BadLocation, CrawlFailed, Listing
from contextd.crawl.opening import open_source
from contextd.crawl.ticketrecord import document_path, parse_record, render
from contextd.model.content import EntryKind, Unreadable
from contextd.model.source import SourceKind

TICKET = {
    "id": "PAY-104",
    "title": "Refund fails\nfor partial captures",
    "status": {"name": "Open", "id": 3},
    "created": "2026-01-02T10:00:00Z",
    "labels": ["refund", {"name": "bug", "color": "f00"}],
    "body": "First line.\r\n\r\n    code\r\n",
    "comments": [
        {"id": 7, "author": {"login": "ana", "site": "x"}, "created_at": "2026-01-03", "body": "Seen too."},
        "Just words",
        {"text": ""},
    ],
    "assignee": None,
    "points": 3.50,
    "urgent": True,
    "custom": {"nested": [1, {"deep": "yes"}]},
    "log": "two\nlines",
}
DOCUMENT = """\
# PAY-104: Refund fails for partial captures

- status: Open
- created: 2026-01-02T10:00:00Z
- labels: refund, bug

## Description

First line.

    code

## Comments

### ana, 2026-01-03

Seen too.

### Comment 2

Just words

### Comment 3

## Fields

comments.0.author.site: x
comments.0.id: 7
custom.nested.0: 1
custom.nested.1.deep: yes
labels.1.color: f00
points: 3.5
status.id: 3
urgent: true

### log

two
lines
"""


def export_of(folder: Path, *lines: object) -> Path:
    file = folder / "export.jsonl"
    file.write_bytes(b"".join((line if isinstance(line, bytes) else json.dumps(line).encode()) + b"\n" for line in lines))
    return file


def listed(file: Path) -> Listing:
    return open_source(SourceKind.TICKETS, str(file), ()).list("-")


def documents(file: Path, listing: Listing) -> list[bytes | Unreadable]:
    with open_source(SourceKind.TICKETS, str(file), ()).reader() as reader:
        return list(reader.read(listing.entries))


def test_a_ticket_as_a_document(tmp_path: Path) -> None:
    file = export_of(tmp_path, TICKET, {"key": "A-1", "id": 10002, "fields": {"summary": "Jira's way", "description": "Words"}})
    os.utime(file, (1_500_000_000, 1_500_000_000))
    listing = listed(file)
    assert [(entry.path, entry.mode, entry.kind) for entry in listing.entries] == [
        (b"A-1.ticket.md", "100644", EntryKind.FILE),
        (b"PAY-104.ticket.md", "100644", EntryKind.FILE),
    ]
    assert (listing.ref, listing.commit, listing.content_time) == ("-", "-", datetime.fromtimestamp(1_500_000_000, UTC))
    jira, ticket = documents(file, listing)
    assert isinstance(ticket, bytes)
    assert ticket.decode() == DOCUMENT
    assert jira == b"# A-1: Jira's way\n\n## Description\n\nWords\n\n## Fields\n\nid: 10002\n"
    assert [entry.size for entry in listing.entries] == [len(jira), len(ticket)]


def test_a_ticket_of_nothing_but_an_id() -> None:
    assert render(parse_record(b'{"id": 7}')) == b"# 7\n"
    assert render(parse_record(b'{"key": " ", "id": "x", "title": ""}')) == b"# x\n"
    assert render(parse_record(b'{"key": {"kind": "k"}, "id": "x"}')) == b"# x\n\n## Fields\n\nkey.kind: k\n"
    assert (
        render(parse_record(b'{"id": "x", "comment": {"comments": [], "total": 0}}'))
        == b"# x\n\n## Fields\n\ncomment.total: 0\n"
    )


def test_numbers_stay_as_they_were_written() -> None:
    text = render(parse_record(b'{"id": 7e1, "price": 1.10, "big": 1e400}'))
    assert text == b"# 7e1\n\n## Fields\n\nbig: 1e400\nprice: 1.10\n"


def test_lines_that_are_blank_and_a_byte_order_mark_are_passed_over(tmp_path: Path) -> None:
    file = export_of(tmp_path, b'\xef\xbb\xbf{"id": "a"}\r', b"", b"  ", b'{"id": "b"}')
    assert documents(file, listed(file)) == [b"# a\n", b"# b\n"]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b'{"id": "b"', "is not JSON: "),
        (b"[1]", "is not a JSON object but an array"),
        (b'"x"', "is not a JSON object but a single value"),
        (b'{"title": "x"}', "has no id"),
        (b'{"id": true}', "has no id"),
        (b'{"id": "  "}', "has no id"),
        (b'{"id": "a"}', "has the id of line 1: a"),
        (b'{"id": "b", "id": "c"}', "gives the field 'id' twice"),
        (b'{"id": "b", "n": NaN}', "is not JSON: NaN is no number"),
        (b'{"id": "\xff"}', "is not UTF-8 at byte 8"),
        (b'{"id": "\\ud800"}', "has an id that is not Unicode text"),
        (b'{"id": "' + b"x" * 256 + b'"}', "has an id longer than 255 bytes"),
        (b'{"id": "b", "x": ' + b"[" * 200 + b"]" * 200 + b"}", "nests deeper than 100"),
        (b'{"id": "b", "x": ' + b"[" * 99_999 + b"]" * 99_999 + b"}", "nests deeper than 100"),
    ],
)
def test_a_line_that_is_no_ticket_fails_the_listing_and_is_named(tmp_path: Path, line: bytes, words: str) -> None:
    file = export_of(tmp_path, {"id": "a"}, line, {"id": "z"})
    with pytest.raises(CrawlFailed, match="nothing was changed") as failed:
        listed(file)
    assert failed.value.message.startswith(f"{file}:2: {words}")
    assert (failed.value.reason, failed.value.hint) == ("CRAWL_FAILED", "write one JSON object with an id a line")


def test_every_bad_line_is_counted(tmp_path: Path) -> None:
    with pytest.raises(CrawlFailed, match=r":1: has no id.* \(and 2 more lines\)"):
        listed(export_of(tmp_path, {}, {"id": "a"}, [], b"{"))


def test_a_line_too_long_to_hold_and_a_file_without_tickets(tmp_path: Path) -> None:
    with pytest.raises(CrawlFailed, match=":2: is longer than 16777216 bytes"):
        listed(export_of(tmp_path, {"id": "a"}, b'{"id": "b", "x": "' + b"x" * (16 << 20) + b'"}'))
    with pytest.raises(CrawlFailed, match="holds no tickets"):
        listed(export_of(tmp_path, b""))


def test_an_export_that_changed_since_it_was_listed_is_unreadable(tmp_path: Path) -> None:
    file = export_of(tmp_path, {"id": "a", "title": "one"})
    listing = listed(file)
    export_of(tmp_path, {"id": "a", "title": "another"})
    assert "changed since it was listed" in str(documents(file, listing)[0])
    listing, state = listed(file), file.stat()
    with file.open("r+b") as export:
        export.write(b"[")
    os.utime(file, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert "cannot be read: is not JSON" in str(documents(file, listing)[0])


def test_an_export_that_is_written_while_it_is_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = export_of(tmp_path, {"id": "a"})
    crawler = open_source(SourceKind.TICKETS, str(file), ())

    def appended(line: bytes) -> dict[str, object]:
        with file.open("ab") as more:
            more.write(b"\n")
        return parse_record(line)

    monkeypatch.setattr("contextd.crawl.tickets.parse_record", appended)
    with pytest.raises(CrawlFailed, match="changed while it was listed"):
        crawler.list("-")


def test_places_that_are_no_export(tmp_path: Path) -> None:
    file = export_of(tmp_path, {"id": "a"})
    (tmp_path / "link").symlink_to(file)
    os.mkfifo(tmp_path / "pipe")
    expected = {
        tmp_path / "gone": "does not exist",
        tmp_path: "is not a file",
        tmp_path / "pipe": "is not a file",
        tmp_path / "link": "is a link",
        file / "below": "cannot be read: Not a directory",
    }
    for place, words in expected.items():
        with pytest.raises(BadLocation, match=words) as failed:
            open_source(SourceKind.TICKETS, str(place), ())
        assert failed.value.hint


def test_a_reader_can_be_made_elsewhere(tmp_path: Path) -> None:
    file = export_of(tmp_path, {"id": "a"})
    spec = pickle.loads(pickle.dumps(open_source(SourceKind.TICKETS, str(file), ()).reader_spec))  # noqa: S301 - our own
    with spec.open() as reader:
        assert list(reader.read(listed(file).entries)) == [b"# a\n"]


WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), min_size=1, max_size=12).filter(
    lambda text: text.strip("\n")
)
VALUES = st.recursive(
    WORDS | st.integers() | st.booleans(), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3)
)
NAMES = st.sampled_from(
    ["title", "summary", "status", "labels", "tags", "body", "description", "comments", "fields", "created", "x", "y"]
)


def leaves(value: object) -> list[str]:
    if isinstance(value, dict):
        return [leaf for inner in value.values() for leaf in leaves(inner)]
    if isinstance(value, list):
        return [leaf for inner in value for leaf in leaves(inner)]
    return [("true" if value else "false") if isinstance(value, bool) else str(value)]


@settings(max_examples=60, deadline=None)
@given(record=st.dictionaries(NAMES, VALUES, max_size=6))
def test_nothing_a_ticket_says_is_lost(record: dict[str, object]) -> None:
    line = json.dumps({"id": "T", **record}).encode()
    text = render(parse_record(line)).decode()
    assert text == render(parse_record(line)).decode()
    shown = "".join(text.split())
    for leaf in leaves(record):
        assert "".join(leaf.split()) in shown


@given(
    one=st.text(st.characters(codec="utf-8"), min_size=1, max_size=20), other=st.text(st.characters(codec="utf-8"), max_size=20)
)
def test_ids_name_legal_paths_and_no_two_the_same(one: str, other: str) -> None:
    path = document_path(one)
    assert not set(path) & set(b"/\\ \0\n")
    assert path.endswith(b".ticket.md")
    assert (path == document_path(other)) == (one == other)
