"""The life of findings, and their ids."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contextd.model.errors import InvalidInput
from contextd.model.finding import Commit, Finding, FindingState, Severity
from contextd.store.control.errors import IdAmbiguous, RecordUnknown
from contextd.store.control.finding_id import finding_id
from contextd.store.control.findings import FindingRecord
from contextd.store.control.plane import Control

NOW = datetime(2026, 11, 23, 18, 40, 2, 123456, tzinfo=UTC)
DAY = timedelta(days=1)
MAIN, RELEASE = "refs/heads/main", "refs/heads/release/1"

GONE = Finding(
    code="DRIFT-PATH-GONE",
    severity=Severity.ERROR,
    path="README.md",
    line=18,
    quote="The backoff lives in `src/retry.py`",
    claim="src/retry.py",
    observed="no such path at 4b7e1c9",
    remediation="write `src/payments/retry.py`",
    component="rest",
    history="the README said so since 1a90c3e, while the file existed",
    last_valid_commit="1a90c3e",
    breaking=Commit("c31f0aa", NOW - 3 * DAY, "Move into a package"),
    rename_target="src/payments/retry.py",
    confidence=0.97,
)
VERSION = replace(
    GONE, code="DRIFT-VERSION-CLAIM", line=7, quote="Needs httpx 0.27 or newer", claim="httpx>=0.27", breaking=None,
    severity=Severity.WARN,
)  # fmt: skip


@pytest.fixture
def control(tmp_path: Path) -> Iterator[Control]:
    with Control.open(tmp_path / "control.db") as opened:
        yield opened


def only(control: Control, finding: Finding, ref: str = MAIN) -> FindingRecord:
    (record,) = (r for r in control.findings.get(finding_id("payments", finding)) if r.ref == ref)
    return record


def test_the_id_is_that_of_the_design() -> None:
    def part(text: str) -> bytes:
        return len(text.encode()).to_bytes(8, "big") + text.encode()

    parts = ("payments", "rest", "DRIFT-PATH-GONE", "README.md", "The backoff lives in `src/retry.py`", "src/retry.py")
    data = b"contextd.dev/finding/v1\n" + (6).to_bytes(8, "big") + b"".join(part(text) for text in parts)
    assert finding_id("payments", GONE) == f"fnd1:{sha256(data).hexdigest()}"


@given(st.integers(1, 10**6), st.text(" \t\r\n", min_size=1, max_size=5), st.text())
def test_the_id_survives_moved_and_rewrapped_lines(line: int, space: str, observed: str) -> None:
    moved = replace(GONE, line=line, quote=space + GONE.quote.replace(" ", space) + space, observed=observed, confidence=0.1)
    assert finding_id("payments", moved) == finding_id("payments", GONE)


@pytest.mark.parametrize("field", ["component", "code", "path", "quote", "claim"])
def test_what_makes_another_finding_makes_another_id(field: str) -> None:
    assert finding_id("payments", replace(GONE, **{field: "other"})) != finding_id("payments", GONE)  # type: ignore[arg-type]  # all are text
    assert finding_id("other", GONE) != finding_id("payments", GONE)


def test_only_ascii_space_is_folded_in_a_quote() -> None:
    assert finding_id("payments", replace(GONE, quote="a\u00a0b")) != finding_id("payments", replace(GONE, quote="a b"))


def test_a_finding_comes_back_whole(control: Control) -> None:
    recorded = control.findings.record("payments", MAIN, "ctx1:a", [GONE, VERSION], NOW)
    assert set(recorded.opened) == {finding_id("payments", GONE), finding_id("payments", VERSION)}
    record = only(control, GONE)
    assert record.finding == GONE
    assert (record.state, record.first_seen, record.first_snapshot, record.resolved_at) == (
        FindingState.OPEN,
        NOW,
        "ctx1:a",
        None,
    )
    assert only(control, VERSION).finding == VERSION


def test_a_finding_that_stays_is_touched_and_one_that_went_is_resolved_by_the_snapshot(control: Control) -> None:
    control.findings.record("payments", MAIN, "ctx1:a", [GONE, VERSION], NOW)
    moved = replace(GONE, line=21)
    recorded = control.findings.record("payments", MAIN, "ctx1:b", [moved], NOW + DAY)
    assert recorded.seen == (finding_id("payments", GONE),)
    assert recorded.resolved == (finding_id("payments", VERSION),)
    assert recorded.opened == recorded.reopened == ()
    stayed, went = only(control, GONE), only(control, VERSION)
    assert (stayed.finding.line, stayed.first_seen, stayed.last_seen) == (21, NOW, NOW + DAY)
    assert (stayed.first_snapshot, stayed.last_snapshot) == ("ctx1:a", "ctx1:b")
    assert (went.state, went.resolved_at, went.resolved_by) == (FindingState.RESOLVED, NOW + DAY, "ctx1:b")
    assert (went.last_seen, went.last_snapshot) == (NOW, "ctx1:a")
    assert control.findings.record("payments", MAIN, "ctx1:c", [moved], NOW + 2 * DAY).resolved == ()


def test_a_resolved_finding_that_returns_opens_again(control: Control) -> None:
    control.findings.record("payments", MAIN, "ctx1:a", [GONE], NOW)
    control.findings.record("payments", MAIN, "ctx1:b", [], NOW + DAY)
    recorded = control.findings.record("payments", MAIN, "ctx1:c", [GONE], NOW + 2 * DAY)
    assert recorded.reopened == (finding_id("payments", GONE),)
    record = only(control, GONE)
    assert (record.state, record.resolved_at, record.resolved_by, record.first_seen) == (FindingState.OPEN, None, "", NOW)


def test_refs_and_sources_do_not_resolve_each_others_findings(control: Control) -> None:
    control.findings.record("payments", MAIN, "ctx1:a", [GONE], NOW)
    control.findings.record("payments", RELEASE, "ctx1:b", [GONE], NOW)
    control.findings.record("handbook", MAIN, "ctx1:c", [GONE], NOW)
    control.findings.record("payments", MAIN, "ctx1:d", [], NOW + DAY)
    assert only(control, GONE).state is FindingState.RESOLVED
    assert only(control, GONE, RELEASE).state is FindingState.OPEN
    assert [r.source for r in control.findings.find(states=[FindingState.OPEN])] == ["handbook", "payments"]


def test_the_first_of_two_findings_with_one_id_counts(control: Control) -> None:
    recorded = control.findings.record("payments", MAIN, "ctx1:a", [GONE, replace(GONE, line=40)], NOW)
    assert len(recorded.opened) == 1
    assert only(control, GONE).finding.line == 18


def test_an_acknowledged_finding_stays_so_until_it_is_resolved(control: Control) -> None:
    control.findings.record("payments", MAIN, "ctx1:a", [GONE], NOW)
    identity = finding_id("payments", GONE)
    (record,) = control.findings.judge(identity, FindingState.ACKNOWLEDGED, by="dev", at=NOW, reason="mine")
    assert (record.state, record.judged_by, record.judged_at, record.judged_reason) == (
        FindingState.ACKNOWLEDGED,
        "dev",
        NOW,
        "mine",
    )
    assert control.findings.record("payments", MAIN, "ctx1:b", [GONE], NOW + DAY).seen == (identity,)
    assert only(control, GONE).state is FindingState.ACKNOWLEDGED
    assert control.findings.record("payments", MAIN, "ctx1:c", [], NOW + DAY).resolved == (identity,)


def test_a_suppression_ends_at_its_instant(control: Control) -> None:
    identity = finding_id("payments", GONE)
    control.findings.record("payments", MAIN, "ctx1:a", [GONE], NOW)
    control.findings.judge(identity, FindingState.SUPPRESSED, by="dev", at=NOW, reason="rewriting", until=NOW + 2 * DAY)
    assert control.findings.record("payments", MAIN, "ctx1:b", [GONE], NOW + 2 * DAY - timedelta(microseconds=1)).seen == (
        identity,
    )
    assert only(control, GONE).state is FindingState.SUPPRESSED
    assert control.findings.record("payments", MAIN, "ctx1:c", [GONE], NOW + 2 * DAY).reopened == (identity,)
    assert only(control, GONE).state is FindingState.OPEN


def test_a_suppressed_finding_that_went_and_returned_is_still_suppressed(control: Control) -> None:
    identity = finding_id("payments", GONE)
    control.findings.record("payments", MAIN, "ctx1:a", [GONE], NOW)
    control.findings.judge(identity, FindingState.SUPPRESSED, by="dev", at=NOW, reason="rewriting", until=NOW + 9 * DAY)
    control.findings.record("payments", MAIN, "ctx1:b", [], NOW + DAY)
    assert only(control, GONE).state is FindingState.RESOLVED
    control.findings.record("payments", MAIN, "ctx1:c", [GONE], NOW + 2 * DAY)
    assert only(control, GONE).state is FindingState.SUPPRESSED


def test_a_false_positive_stays_one_whatever_the_snapshots_say(control: Control) -> None:
    identity = finding_id("payments", GONE)
    control.findings.record("payments", MAIN, "ctx1:a", [GONE], NOW)
    control.findings.judge(identity, FindingState.FALSE_POSITIVE, by="dev", at=NOW, reason="an example")
    assert control.findings.record("payments", MAIN, "ctx1:b", [], NOW + DAY).resolved == ()
    assert control.findings.record("payments", MAIN, "ctx1:c", [GONE], NOW + DAY).seen == (identity,)
    assert only(control, GONE).state is FindingState.FALSE_POSITIVE


@pytest.mark.parametrize("state", [FindingState.ACKNOWLEDGED, FindingState.FALSE_POSITIVE, FindingState.SUPPRESSED])
def test_a_judgement_is_taken_over_by_other_refs(control: Control, state: FindingState) -> None:
    control.findings.record("payments", MAIN, "ctx1:a", [GONE], NOW)
    until = NOW + 5 * DAY if state is FindingState.SUPPRESSED else None
    control.findings.judge(finding_id("payments", GONE), state, by="dev", at=NOW, reason="why", until=until)
    control.findings.record("payments", RELEASE, "ctx1:b", [GONE], NOW + DAY)
    record = only(control, GONE, RELEASE)
    assert (record.state, record.judged_by, record.suppressed_until) == (state, "dev", until)


def test_a_suppression_that_is_over_is_not_taken_over(control: Control) -> None:
    control.findings.record("payments", MAIN, "ctx1:a", [GONE], NOW)
    identity = finding_id("payments", GONE)
    control.findings.judge(identity, FindingState.SUPPRESSED, by="dev", at=NOW, reason="why", until=NOW + DAY)
    control.findings.record("payments", RELEASE, "ctx1:b", [GONE], NOW + DAY)
    assert only(control, GONE, RELEASE).state is FindingState.OPEN


def test_judgements_that_cannot_be_meant_are_refused(control: Control) -> None:
    control.findings.record("payments", MAIN, "ctx1:a", [GONE], NOW)
    identity = finding_id("payments", GONE)
    for state, until in (
        (FindingState.RESOLVED, None),
        (FindingState.SUPPRESSED, None),
        (FindingState.SUPPRESSED, NOW),
        (FindingState.ACKNOWLEDGED, NOW + DAY),
    ):
        with pytest.raises(InvalidInput):
            control.findings.judge(identity, state, by="dev", at=NOW, reason="", until=until)
    assert only(control, GONE).state is FindingState.OPEN
    control.findings.record("payments", MAIN, "ctx1:b", [], NOW + DAY)
    with pytest.raises(InvalidInput, match="is resolved"):
        control.findings.judge(identity, FindingState.ACKNOWLEDGED, by="dev", at=NOW, reason="")
    (record,) = control.findings.judge(identity, FindingState.FALSE_POSITIVE, by="dev", at=NOW, reason="")
    assert record.state is FindingState.FALSE_POSITIVE


def test_findings_are_found_by_what_they_are(control: Control) -> None:
    control.findings.record("payments", MAIN, "ctx1:a", [GONE, VERSION], NOW)
    control.findings.record("handbook", MAIN, "ctx1:b", [GONE], NOW)
    assert [(r.source, r.finding.line) for r in control.findings.find()] == [
        ("handbook", 18),
        ("payments", 7),
        ("payments", 18),
    ]
    assert [r.finding.code for r in control.findings.find("payments", MAIN, codes=["DRIFT-VERSION-CLAIM"])] == [
        "DRIFT-VERSION-CLAIM"
    ]
    assert [r.source for r in control.findings.find(severities=[Severity.WARN])] == ["payments"]
    assert control.findings.find(states=[FindingState.RESOLVED]) == ()
    assert len(control.findings.find(limit=2)) == 2
    with pytest.raises(RecordUnknown):
        control.findings.get("fnd1:" + "0" * 64)


def test_one_beginning_of_two_ids_is_ambiguous(control: Control, monkeypatch: pytest.MonkeyPatch) -> None:
    def numbered(_: str, finding: Finding) -> str:
        return f"fnd1:{finding.line:0>64}"

    monkeypatch.setattr("contextd.store.control.findings.finding_id", numbered)
    control.findings.record("payments", MAIN, "ctx1:a", [GONE, VERSION], NOW)
    with pytest.raises(IdAmbiguous):
        control.findings.get("00000000")


def test_answers_learn_which_findings_are_active(control: Control) -> None:
    other = replace(GONE, path="docs/a.md")
    control.findings.record("payments", MAIN, "ctx1:a", [GONE, VERSION, other], NOW)
    control.findings.judge(finding_id("payments", VERSION), FindingState.FALSE_POSITIVE, by="dev", at=NOW, reason="")
    control.findings.judge(finding_id("payments", other), FindingState.ACKNOWLEDGED, by="dev", at=NOW, reason="")
    active = control.findings.active("payments", MAIN)
    ids = {path: tuple(found.id for found in here) for path, here in active.items()}
    assert ids == {"README.md": (finding_id("payments", GONE),), "docs/a.md": (finding_id("payments", other),)}
    assert active["README.md"][0].code == GONE.code
    assert control.findings.active("payments", RELEASE) == {}
