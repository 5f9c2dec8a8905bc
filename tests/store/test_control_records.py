"""Receipts, events and jobs: what was done is kept, found again and replayed where it was lost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from contextd.store.control.errors import ControlUnavailable, RecordUnknown
from contextd.store.control.events import Event
from contextd.store.control.jobs import JobState
from contextd.store.control.plane import Control
from contextd.store.control.receipts import ReceiptRow

NOW = datetime(2026, 11, 23, 18, 40, 2, 123456, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def control(tmp_path: Path) -> Iterator[Control]:
    with Control.open(tmp_path / "control.db") as opened:
        yield opened


def receipt(index: int, session: str = "s1", principal: str = "dev@example.org") -> ReceiptRow:
    created = NOW + index * timedelta(seconds=1)
    snapshots = ("ctx1:" + "a" * 64,)
    return ReceiptRow(
        f"rcpt1:{index:064x}", index, principal, "terminal", session, created, snapshots, "ed25519:1f77", b"\x00\xff"
    )


def test_an_answer_is_indexed_with_its_decision(control: Control) -> None:
    control.record_answer(receipt(4), Event(NOW, "decision", "payments", "rest", 3, {"allowed": True}))
    control.record_answer(None, Event(NOW, "decision", "payments", "rest", 3, {"allowed": False}))
    assert control.receipts.get(f"rcpt1:{4:064x}") == receipt(4)
    assert [event.body["allowed"] for event in control.events.find("decision")] == [True, False]


def test_what_the_index_lost_can_be_found_and_replayed(control: Control) -> None:
    assert control.receipts.last_audit_index() == -1
    for index in (3, 5, 9):
        control.record_answer(receipt(index))
    assert control.receipts.last_audit_index() == 9
    assert control.receipts.absent([3, 4, 5, 9, 12]) == (4, 12)
    assert control.receipts.absent([]) == ()
    control.receipts.record([receipt(index) for index in (3, 4, 5)])
    assert control.receipts.absent([3, 4, 5, 9]) == ()
    assert [row.audit_index for row in control.receipts.find()] == [9, 5, 4, 3]


def test_two_receipts_cannot_have_one_audit_entry(control: Control) -> None:
    control.record_answer(receipt(3))
    with pytest.raises(ControlUnavailable, match="contradicts"):
        control.record_answer(replace(receipt(3), id="rcpt1:" + "f" * 64), Event(NOW, "decision"))
    assert control.events.count() == {}


def test_receipts_are_found_by_session_principal_and_time(control: Control) -> None:
    control.receipts.record([receipt(1), receipt(2, "s2"), receipt(3, "s2", "other@example.org")])
    assert [r.audit_index for r in control.receipts.find(session="s2")] == [3, 2]
    assert [r.audit_index for r in control.receipts.find(principal="dev@example.org")] == [2, 1]
    assert [r.audit_index for r in control.receipts.find(since=NOW + timedelta(seconds=3))] == [3]
    assert [r.audit_index for r in control.receipts.find(limit=1)] == [3]


def test_events_are_counted_within_half_open_bounds(control: Control) -> None:
    control.events.record([])
    control.events.record(
        [
            Event(NOW, "exclusion", "payments", "rest", 3, {"path": "a\u2028b"}),
            Event(NOW + DAY, "exclusion", "payments", "ui", 1),
            Event(NOW + 2 * DAY, "crawl", "handbook", tier=1),
        ]
    )
    assert control.events.count() == {("exclusion", "rest", 3): 1, ("exclusion", "ui", 1): 1, ("crawl", "", 1): 1}
    assert control.events.count("exclusion", since=NOW, until=NOW + DAY) == {("exclusion", "rest", 3): 1}
    assert [e.kind for e in control.events.find(source="handbook")] == ["crawl"]
    assert [e.time for e in control.events.find(since=NOW + DAY)] == [NOW + DAY, NOW + 2 * DAY]
    assert next(control.events.find(limit=1)).body == {"path": "a\u2028b"}


def test_jobs_end_once_and_survivors_of_a_crash_are_marked(control: Control) -> None:
    begun = control.jobs.begin("job-9c1x0p", "crawl", "payments", NOW)
    assert control.jobs.get("job-9c1x0p") == begun
    ended = control.jobs.end("job-9c1x0p", JobState.DONE, NOW + DAY, {"files": 530})
    assert (ended.state, ended.ended_at, ended.counts) == (JobState.DONE, NOW + DAY, {"files": 530})
    with pytest.raises(RecordUnknown):
        control.jobs.end("job-9c1x0p", JobState.FAILED, NOW)
    with pytest.raises(RecordUnknown):
        control.jobs.get("job-none00")
    with pytest.raises(ControlUnavailable):
        control.jobs.begin("job-9c1x0p", "crawl", "payments", NOW)
    control.jobs.begin("job-aaaaaa", "crawl", "handbook", NOW + DAY)
    assert [job.id for job in control.jobs.interrupt_running(NOW + 2 * DAY)] == ["job-aaaaaa"]
    assert control.jobs.interrupt_running(NOW + 3 * DAY) == ()
    assert [(job.id, job.state) for job in control.jobs.find()] == [
        ("job-aaaaaa", JobState.INTERRUPTED),
        ("job-9c1x0p", JobState.DONE),
    ]
    assert [job.id for job in control.jobs.find("payments", [JobState.DONE])] == ["job-9c1x0p"]
