"""Sources, people, policy history, snapshots, currency and boundary hits: what goes in comes back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contextd.model.access import Grant, Role
from contextd.model.errors import InvalidInput
from contextd.model.finding import Freshness, FreshnessState, Package, PackageElement
from contextd.model.source import Component, ContentKind, Descriptor, Sensitivity, Source, SourceKind, SourceState
from contextd.store.control.boundary_hits import BoundaryHit
from contextd.store.control.errors import (
    ControlUnavailable,
    EtagMismatch,
    IdAmbiguous,
    RecordUnknown,
    SourceExists,
    SourceUnknown,
)
from contextd.store.control.plane import Control
from contextd.store.control.snapshots import SnapshotRow

NOW = datetime(2026, 11, 23, 18, 40, 2, 123456, tzinfo=UTC)
DAY = timedelta(days=1)
MAIN = "refs/heads/main"


@pytest.fixture
def control(tmp_path: Path) -> Iterator[Control]:
    with Control.open(tmp_path / "control.db") as opened:
        yield opened


def source(name: str = "payments", tier: int = 3) -> Source:
    components = (Component("admin-ui", ("ui/", "*.é"), 1, "team-ui"),)
    return Source(
        descriptor=Descriptor(name, SourceKind.GIT, ContentKind.REPO, tier, components),
        location="/srv/payments.git",
        owner="team-payments",
        maintainer="team-payments",
        sensitivity=Sensitivity.UNKNOWN,
        refs=(MAIN, "refs/heads/release/*"),
        state=SourceState.PROPOSED,
        requested_by="dev@example.org",
        created_at=NOW,
    )


def test_a_source_comes_back_as_it_was_given(control: Control) -> None:
    added = control.sources.add(source())
    assert added.etag
    assert control.sources.get("payments") == added
    assert replace(added, etag="") == source()


def test_a_name_is_taken_once(control: Control) -> None:
    control.sources.add(source())
    with pytest.raises(SourceExists) as refused:
        control.sources.add(source())
    assert refused.value.reason == "SOURCE_EXISTS"
    assert len(control.sources.life("payments")) == 1


def test_an_unknown_source_is_told(control: Control) -> None:
    with pytest.raises(SourceUnknown) as told:
        control.sources.get("ledger")
    assert told.value.reason == "SOURCE_NOT_FOUND"
    with pytest.raises(SourceUnknown):
        control.sources.update(source(), action="approve", by="steward", at=NOW)
    assert control.sources.life("ledger") == ()


def test_the_life_of_a_source_is_kept(control: Control) -> None:
    added = control.sources.add(source())
    approved = control.sources.update(
        replace(added, state=SourceState.APPROVED, decided_by="steward", decided_at=NOW + DAY, review_by=NOW + 90 * DAY),
        action="approve",
        by="steward",
        at=NOW + DAY,
        reason="boundary check read",
    )
    assert approved.etag != added.etag
    assert control.sources.get("payments") == approved
    life = [(step.action, step.state, step.principal, step.at, step.reason) for step in control.sources.life("payments")]
    assert life == [
        ("propose", SourceState.PROPOSED, "dev@example.org", NOW, ""),
        ("approve", SourceState.APPROVED, "steward", NOW + DAY, "boundary check read"),
    ]


def test_a_change_on_top_of_an_unseen_change_is_refused(control: Control) -> None:
    added = control.sources.add(source())
    control.sources.update(replace(added, owner="team-a"), action="update", by="a", at=NOW)
    with pytest.raises(EtagMismatch) as refused:
        control.sources.update(replace(added, owner="team-b"), action="update", by="b", at=NOW)
    assert refused.value.reason == "ETAG_MISMATCH"
    assert control.sources.get("payments").owner == "team-a"
    assert len(control.sources.life("payments")) == 2


def test_sources_are_listed_by_state_and_tier(control: Control) -> None:
    for name, tier in (("payments", 3), ("handbook", 1), ("checkout", 3)):
        control.sources.add(source(name, tier))
    handbook = control.sources.get("handbook")
    control.sources.update(replace(handbook, state=SourceState.APPROVED), action="approve", by="steward", at=NOW)
    assert [s.name for s in control.sources.find()] == ["checkout", "handbook", "payments"]
    assert [s.name for s in control.sources.find(tiers=[3])] == ["checkout", "payments"]
    assert [s.name for s in control.sources.find(states=[SourceState.APPROVED])] == ["handbook"]
    assert control.sources.find([SourceState.APPROVED], [3]) == ()


def test_a_token_is_its_principals_until_it_is_revoked(control: Control) -> None:
    assert control.people.add("dev@example.org", by="steward", at=NOW)
    assert not control.people.add("dev@example.org", by="other", at=NOW + DAY)
    assert control.people.known("dev@example.org")
    control.people.add_token("dev@example.org", "a" * 64, by="steward", at=NOW)
    control.people.add_token("dev@example.org", "b" * 64, by="steward", at=NOW + DAY)
    assert control.people.principal_of("a" * 64) == "dev@example.org"
    assert control.people.principal_of("c" * 64) is None
    assert control.people.revoke_tokens("dev@example.org", by="steward", at=NOW + 2 * DAY) == 2
    assert control.people.revoke_tokens("dev@example.org", by="steward", at=NOW + 3 * DAY) == 0
    assert control.people.principal_of("a" * 64) is None
    tokens = control.people.tokens("dev@example.org")
    assert [(t.sha256[0], t.revoked_at, t.revoked_by) for t in tokens] == [
        ("a", NOW + 2 * DAY, "steward"),
        ("b", NOW + 2 * DAY, "steward"),
    ]
    assert control.people.tokens() == tokens


def test_tokens_and_grants_need_a_principal(control: Control) -> None:
    with pytest.raises(RecordUnknown):
        control.people.add_token("ghost", "a" * 64, by="steward", at=NOW)
    with pytest.raises(RecordUnknown):
        control.people.add_grant(grant("ghost"))
    with pytest.raises(InvalidInput):
        control.people.add("Not A Principal", by="steward", at=NOW)
    assert control.people.names() == ()


def test_one_token_cannot_be_two_principals(control: Control) -> None:
    for name in ("dev@example.org", "other@example.org"):
        control.people.add(name, by="steward", at=NOW)
    control.people.add_token("dev@example.org", "a" * 64, by="steward", at=NOW)
    with pytest.raises(ControlUnavailable, match="contradicts"):
        control.people.add_token("other@example.org", "a" * 64, by="steward", at=NOW)
    assert control.people.principal_of("a" * 64) == "dev@example.org"


def grant(principal: str, role: Role = Role.READER, scope: str = "source:payments") -> Grant:
    return Grant(principal, role, scope, "lead", "on call", "steward", NOW, NOW + 90 * DAY)


def test_a_grant_holds_until_it_is_revoked(control: Control) -> None:
    control.people.add("dev@example.org", by="steward", at=NOW)
    control.people.add("other@example.org", by="steward", at=NOW)
    given_ = [grant("dev@example.org"), grant("dev@example.org", Role.AUDITOR, "all"), grant("other@example.org")]
    for each in given_:
        control.people.add_grant(each)
    assert control.people.grants("dev@example.org") == tuple(given_[:2])
    assert control.people.grants() == tuple(given_)
    assert control.people.revoke_grant("dev@example.org", Role.READER, "source:payments", by="steward", at=NOW + DAY) == 1
    assert control.people.grants("dev@example.org") == (replace(given_[0], revoked_at=NOW + DAY), given_[1])
    assert control.people.grants("other@example.org") == (given_[2],)
    with pytest.raises(RecordUnknown):
        control.people.revoke_grant("dev@example.org", Role.READER, "source:payments", by="steward", at=NOW + DAY)


def test_bundles_are_kept_once_and_their_periods_each_time(control: Control) -> None:
    assert control.bundles.in_force() is None
    first = {"access.cedar": b"\xff raw", "boundary.yaml": b'{"a":1}'}
    assert control.bundles.take_effect("bnd1:a", "bnd1:ia", first, by="steward", at=NOW)
    assert not control.bundles.take_effect("bnd1:a", "bnd1:ia", first, by="steward", at=NOW + DAY)
    assert control.bundles.take_effect("bnd1:b", "bnd1:ib", {}, by="steward", at=NOW + DAY, reason="INC-4")
    assert control.bundles.take_effect("bnd1:a", "bnd1:ia", first, by="steward", at=NOW + 2 * DAY, reason="back")
    periods = [(p.digest, p.ingest_digest, p.effective_at, p.reason) for p in control.bundles.periods()]
    assert periods == [
        ("bnd1:a", "bnd1:ia", NOW + 2 * DAY, "back"),
        ("bnd1:b", "bnd1:ib", NOW + DAY, "INC-4"),
        ("bnd1:a", "bnd1:ia", NOW, ""),
    ]
    assert control.bundles.in_force() == control.bundles.periods(1)[0]
    assert control.bundles.files("bnd1:a") == first
    assert control.bundles.files("bnd1:b") == {}
    with pytest.raises(RecordUnknown):
        control.bundles.files("bnd1:c")


def snapshot(sequence: int, digits: str, ref: str = MAIN) -> SnapshotRow:
    return SnapshotRow("payments", ref, sequence, f"ctx1:{digits:0<64}", "4b7e1c9", "bnd1:i", NOW + sequence * DAY)


def test_snapshots_follow_the_shelf_however_often_they_are_replayed(control: Control) -> None:
    rows = [snapshot(1, "aaaaaaaa1"), snapshot(2, "aaaaaaaa2"), snapshot(1, "aaaaaaaa1", "refs/heads/release/1")]
    control.snapshots.record(rows)
    control.snapshots.record(rows)
    control.snapshots.record([])
    assert control.snapshots.find("payments", MAIN) == (rows[1], rows[0])
    assert control.snapshots.head("payments", MAIN) == rows[1]
    assert control.snapshots.head("payments", "refs/heads/other") is None
    assert control.snapshots.get("ctx1:aaaaaaaa1") == (rows[0], rows[2])
    assert control.snapshots.get("aaaaaaaa2") == (rows[1],)
    rebuilt = snapshot(2, "bbbbbbbb")
    control.snapshots.record([rebuilt])
    assert control.snapshots.head("payments", MAIN) == rebuilt
    assert len(control.snapshots.find()) == 3


def test_ids_are_found_by_a_beginning_that_fits_one(control: Control) -> None:
    control.snapshots.record([snapshot(1, "aaaaaaaa1"), snapshot(2, "aaaaaaaa2")])
    with pytest.raises(IdAmbiguous, match="more than one snapshot"):
        control.snapshots.get("aaaaaaaa")
    with pytest.raises(RecordUnknown, match="no snapshot"):
        control.snapshots.get("cccccccc")
    for bad in ("aaaa", "fnd1:aaaaaaaa1", "zzzzzzzz"):
        with pytest.raises(InvalidInput):
            control.snapshots.get(bad)


def freshness(path: str, state: FreshnessState = FreshnessState.FRESH) -> Freshness:
    return Freshness(path, state, "reviewed 12d ago", reviewed_at=NOW - 12 * DAY, error_at=NOW + 168 * DAY)


def test_freshness_is_that_of_the_newest_snapshot(control: Control) -> None:
    rows = [("rest", freshness("README.md")), ("rest", freshness("docs/a.md"))]
    assert control.currency.record_freshness("payments", MAIN, rows) == 2
    assert control.currency.record_freshness("payments", MAIN, rows) == 0
    control.currency.record_freshness("handbook", MAIN, [("rest", freshness("other.md"))])
    changed = [("rest", freshness("README.md", FreshnessState.STALE)), ("ui", freshness("docs/b.md"))]
    assert control.currency.record_freshness("payments", MAIN, changed) == 3
    assert control.currency.freshness("payments", MAIN) == {state.path: state for _, state in changed}
    assert list(control.currency.freshness("handbook", MAIN)) == ["other.md"]
    assert control.currency.freshness("payments", "refs/heads/other") == {}


def test_packages_come_back_as_they_were_judged(control: Control) -> None:
    elements = (
        PackageElement("tests", "missing", "nowhere stated", "coverage"),
        PackageElement("purpose", "ok", "README.md", "", "R", 3),
    )
    packages = [
        Package("rest", 3, elements, required=True, eligible=False, reviewed_at=NOW, facts={"invariants": ("A", "B")}),
        Package("admin-ui", 1, (), required=False, eligible=True),
    ]
    control.currency.record_packages("payments", MAIN, packages, NOW)
    assert control.currency.packages("payments", MAIN) == {package.component: package for package in packages}
    control.currency.record_packages("payments", MAIN, packages[:1], NOW + DAY)
    assert list(control.currency.packages("payments", MAIN)) == ["rest"]
    control.currency.record_packages("payments", MAIN, [], NOW + DAY)
    assert control.currency.packages("payments", MAIN) == {}


def hit(path: str, rule: str = "stripe-secret-key", line: int = 3) -> BoundaryHit:
    return BoundaryHit(path, "secret", rule, line=line, fingerprint="f" * 64, component="rest")


def test_boundary_hits_stand_from_one_snapshot_until_another(control: Control) -> None:
    excluded = BoundaryHit("deploy/prod.env", "exclusion", "zone credentials", "EXCL-NEVER-INGEST", "boundary.yaml:9")
    first = [hit("a.py"), hit("b.py"), excluded]
    assert control.boundary_hits.record("payments", MAIN, 1, first, bundle="bnd1:a", at=NOW) == (3, 0)
    assert control.boundary_hits.record("payments", MAIN, 1, first, bundle="bnd1:a", at=NOW) == (0, 0)
    assert control.boundary_hits.record(
        "payments", MAIN, 2, [hit("a.py", line=4), excluded], bundle="bnd1:b", at=NOW + DAY
    ) == (1, 2)
    standing = control.boundary_hits.find("payments", MAIN)
    assert [(r.hit.path, r.hit.line, r.since_sequence, r.bundle) for r in standing] == [
        ("a.py", 4, 2, "bnd1:b"),
        ("deploy/prod.env", 0, 1, "bnd1:a"),
    ]
    assert standing[1].hit == excluded
    ended = [r for r in control.boundary_hits.find(standing=False) if r.until is not None]
    assert [(r.hit.path, r.until_sequence, r.until) for r in ended] == [("a.py", 2, NOW + DAY), ("b.py", 2, NOW + DAY)]
    assert control.boundary_hits.find(kinds=["exclusion"]) == (standing[1],)
    assert control.boundary_hits.find(rules=["stripe-secret-key"], limit=1) == (standing[0],)
    assert control.boundary_hits.find(since=NOW + DAY) == (standing[0],)
    assert control.boundary_hits.find("handbook") == ()


def test_a_crawl_of_some_paths_leaves_the_hits_of_others(control: Control) -> None:
    everything = [hit(f"src/{number}.py") for number in range(1200)]
    control.boundary_hits.record("payments", MAIN, 1, everything, bundle="b", at=NOW)
    looked_at = ["src/7.py", "src/8.py", *(f"src/{number}.py" for number in range(600, 1200))]
    still = [hit(path) for path in looked_at[1:]]
    assert control.boundary_hits.record(
        "payments", MAIN, 2, [*still, hit("new.py")], bundle="b", at=NOW, paths=[*looked_at, "new.py"]
    ) == (1, 1)
    assert len(control.boundary_hits.find("payments")) == 1200


@settings(max_examples=10, deadline=None)
@given(st.lists(st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 3)), max_size=5), min_size=1, max_size=5))
def test_intervals_of_hits_give_each_snapshot_its_own(
    tmp_path_factory: pytest.TempPathFactory, snapshots: list[list[tuple[str, int]]]
) -> None:
    with Control.open(tmp_path_factory.mktemp("hits") / "control.db") as control:
        for sequence, wanted in enumerate(snapshots, 1):
            hits = [hit(path, line=line) for path, line in wanted]
            control.boundary_hits.record("s", MAIN, sequence, hits, bundle="b", at=NOW)
        rows = control.boundary_hits.find(standing=False)
        for sequence, wanted in enumerate(snapshots, 1):
            then = {
                (row.hit.path, row.hit.line)
                for row in rows
                if row.since_sequence <= sequence and (row.until_sequence is None or sequence < row.until_sequence)
            }
            assert then == set(wanted)
