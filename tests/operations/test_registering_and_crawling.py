"""Sources and people come and go by decisions that are recorded; crawls leave jobs, events and hits behind them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from contextd.detect.detection import Detected, NotChecked, detect
from contextd.model.access import Action, Role
from contextd.model.errors import InvalidInput, NotFound, Refused
from contextd.model.source import Component, ContentKind, SourceKind, SourceState
from contextd.operations import detection
from contextd.operations.ingest import Progress, crawl
from contextd.operations.people import create_token, give_role, grants, take_role
from contextd.operations.registry import Proposal, approve, propose, suspend, visible_sources
from contextd.store.control.errors import RecordUnknown, SourceExists
from contextd.store.control.jobs import JobState
from tests.conftest import DEV, OUTSIDER, OWNER, STEWARD, Files, House, Repository

FILES: Files = {"src/a.py": "quagga = 1\n", "README.md": "# R\n", "deploy/x.env": "A=1\n"}


def proposal(place: Path, **changes: object) -> Proposal:
    given = Proposal("code", str(place), SourceKind.GIT, ContentKind.REPO, 2, OWNER)
    return replace(given, **changes)  # type: ignore[arg-type]  # keywords of a test


def test_a_proposal_is_kept_with_its_default_branch_and_recorded(house: House, repository: Repository) -> None:
    repository.commit(FILES)
    with house.acting(OWNER) as (plane, caller):
        dry = propose(plane, caller, proposal(repository.place), dry_run=True)
        assert plane.registered("code") is None
        kept = propose(plane, caller, proposal(repository.place))
        assert replace(dry, created_at=kept.created_at, etag=kept.etag) == kept
        assert (kept.state, kept.refs, kept.maintainer, kept.requested_by) == (
            SourceState.PROPOSED,
            ("refs/heads/main",),
            OWNER,
            OWNER,
        )
        with pytest.raises(SourceExists, match="there is a source code already"):
            propose(plane, caller, proposal(repository.place))
    (event,) = house.audited("source-proposed")
    assert (event["subject"], event["principal"], event["tier"]) == ("sources/code", OWNER, 2)


NO_SOURCES: list[tuple[dict[str, object], str]] = [
    ({"name": "Code"}, "is not a name"),
    ({"tier": 0}, "tier 0 is none"),
    ({"owner": "a b"}, "is not a principal"),
    ({"maintainer": "?"}, "is not a principal"),
    ({"location": "/no/such"}, "does not exist"),
    ({"location": ""}, "the location is empty"),
    ({"refs": ("a..b",)}, "is not the name of a ref"),
    ({"kind": SourceKind.TICKETS}, "is not a file"),
    ({"components": (Component("web", ("a/",), 1, OWNER), Component("web", ("b/",), 1, OWNER))}, "is named twice"),
    ({"components": (Component("Web", ("a/",), 1, OWNER),)}, "is not a name"),
    ({"components": (Component("web", ("a/",), 5, OWNER),)}, "tier 5 is none"),
    ({"components": (Component("rest", ("a/",), 1, OWNER),)}, "needs paths, and a name other than rest"),
]


def test_what_cannot_be_a_source_is_refused_and_not_kept(house: House, repository: Repository) -> None:
    with house.acting() as (plane, caller):
        for changes, said in NO_SOURCES:
            with pytest.raises(InvalidInput) as told:
                propose(plane, caller, proposal(repository.place, **changes))
            assert said in told.value.message, changes
        assert plane.sources() == ()


def test_a_reader_proposes_nothing(house: House, repository: Repository) -> None:
    with house.acting(DEV) as (plane, caller), pytest.raises(Refused) as told:
        propose(plane, caller, proposal(repository.place))
    assert told.value.reason == "ROLE_MISSING"
    assert house.audited("refused")[-1]["action"] == "propose"


def test_an_approval_ends_by_the_shortest_review_of_its_tiers(house: House, repository: Repository) -> None:
    with house.acting() as (plane, caller):
        component = Component("core", ("core/",), 4, OWNER)
        propose(plane, plane.caller(OWNER), proposal(repository.place, components=(component,)))
        for wrong in (timedelta(days=91), timedelta(days=-1)):
            with pytest.raises(InvalidInput, match="not within the 90 days"):
                approve(plane, caller, "code", "fine", plane.now() + wrong)
        dry = approve(plane, caller, "code", "fine", dry_run=True)
        assert (dry.state, plane.registered("code").state) == (SourceState.APPROVED, SourceState.PROPOSED)  # type: ignore[union-attr]  # it is there
        kept = approve(plane, caller, "code", "fine")
        assert kept.review_by is not None
        assert timedelta(days=89) < kept.review_by - plane.now() <= timedelta(days=90)
        assert [event.action for event in plane.control.sources.life("code")] == ["propose", "approve"]
        with pytest.raises(Refused):
            suspend(plane, plane.caller(DEV), "code", "mine")
        suspend(plane, caller, "code", "stop", dry_run=True)
        suspend(plane, caller, "code", "stop")
        with pytest.raises(Refused, match="only an approved source can be suspended"):
            suspend(plane, caller, "code", "again")
        gone = replace(plane.control.sources.get("code"), state=SourceState.RETIRED)
        plane.control.sources.update(gone, action="retire", by=STEWARD, at=plane.now())
        with pytest.raises(Refused, match="retired and cannot be approved"):
            approve(plane, caller, "code", "back")
        assert [source.name for source in visible_sources(plane, plane.caller(DEV))] == ["code"]
        assert visible_sources(plane, plane.caller(OUTSIDER)) == []


def test_people_get_tokens_and_roles_from_others_only(house: House) -> None:
    folder = house.home / "keys" / "tokens"
    with house.acting() as (plane, caller):
        path = create_token(plane, caller, "new@example.org", folder)
        assert path.stat().st_mode & 0o777 == 0o600
        for act in (
            lambda: create_token(plane, plane.caller(DEV), "x@example.org", folder),
            lambda: give_role(plane, plane.caller(DEV), OUTSIDER, Role.READER, "all", "why"),
            lambda: take_role(plane, plane.caller(DEV), DEV, Role.READER, "all", "why"),
            lambda: grants(plane, plane.caller(DEV)),
            lambda: grants(plane, plane.caller(DEV), STEWARD),
        ):
            with pytest.raises(Refused) as told:
                act()
            assert told.value.reason == "ROLE_MISSING"
        assert len(grants(plane, plane.caller(DEV), DEV)) == 1
        with pytest.raises(RecordUnknown):
            give_role(plane, caller, "nobody@example.org", Role.READER, "all", "why")
        for scope in ("moon", "tier:9", "source:X!", "component:a", "component:a/b/c", ""):
            with pytest.raises(InvalidInput):
                give_role(plane, caller, DEV, Role.AUDITOR, scope, "why")
        for scope in ("tier:3", "source:code", "component:code/web"):
            give_role(plane, caller, DEV, Role.AUDITOR, scope, "why")
            assert take_role(plane, caller, DEV, Role.AUDITOR, scope, "done") == 1
        assert sum(grant.revoked_at is not None for grant in grants(plane, caller, DEV)) == 3
    assert [event["scope"] for event in house.audited("role-granted")][-3:] == ["tier:3", "source:code", "component:code/web"]
    assert [event["reason"] for event in house.audited("role-revoked")] == ["done"] * 3


def test_a_crawl_leaves_a_job_events_hits_and_tells_how_far_it_is(house: House, repository: Repository) -> None:
    repository.commit({**FILES, **{f"many/{n}.txt": f"{n}\n" for n in range(450)}})
    house.add("code", repository.place, tier=2)
    seen: list[Progress] = []
    with house.acting() as (plane, caller):
        (done,) = crawl(plane, caller, "code", seen.append)
        assert (done.changed, done.files) == (True, 453)
        assert [(p.done, p.total) for p in seen][-1] == (453, 453)
        assert len(seen) >= 2
        assert seen[-1].excluded == 1
        (job,) = plane.control.jobs.find("code")
        assert (job.state, job.counts) == (JobState.DONE, {"refs/heads/main": 453})
        (hit,) = plane.control.boundary_hits.find("code")
        assert (hit.hit.path, hit.hit.code, hit.since_sequence) == ("deploy/x.env", "EXCL-NEVER-INGEST", 1)
        crawls = list(plane.control.events.find("crawl", "code"))
        assert [(event.tier, event.body["documents"], event.body["excluded"]) for event in crawls] == [(2, 452, 1)]
        exclusions = list(plane.control.events.find("exclusion", "code"))
        assert [(event.component, event.body) for event in exclusions] == [("rest", {"rule": "EXCL-NEVER-INGEST", "count": 1})]
        verdicts = list(plane.control.events.find("verdict", "code"))
        assert [(event.component, event.tier, event.body["package"]) for event in verdicts] == [("rest", 2, "eligible")]
        repository.commit({"deploy/x.env": None})
        crawl(plane, caller, "code")
        assert plane.control.boundary_hits.find("code") == ()
        (ended,) = plane.control.boundary_hits.find("code", standing=False)
        assert ended.until_sequence == 2


def test_what_a_detector_could_not_check_stays_open(
    house: House, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.commit({"src/a.py": "x = 1\n", "README.md": "# R\n\nIn `src/a.py`.\n"})
    repository.commit({"src/a.py": None})
    house.add("code", repository.place)
    house.crawl("code")
    assert [f["code"] for f in house.ask("findings", "list")["findings"]] == ["DRIFT-PATH-GONE"]

    def failing(*args: object, **words: object) -> Detected:
        found = detect(*args, **words)  # type: ignore[arg-type]  # handed on
        return replace(found, findings=(), not_checked=(NotChecked(("DRIFT-PATH-GONE",), "README.md", "ValueError: no"),))

    with monkeypatch.context() as patch:
        patch.setattr(detection, "detect", failing)
        house.crawl("code")
    assert [f["code"] for f in house.ask("findings", "list")["findings"]] == ["DRIFT-PATH-GONE"]
    with house.opened() as plane:
        assert list(plane.control.events.find("detection"))[-1].body["not_checked"] == [
            "DRIFT-PATH-GONE README.md: ValueError: no"
        ]
    repository.commit({"README.md": "# R\n"})
    house.crawl("code")
    assert house.ask("findings", "list")["findings"] == []
    assert house.ask("findings", "list", "--state", "resolved")["findings"][0]["resolve_time"]


def test_a_folder_that_is_suddenly_empty_is_not_taken_for_deleted(house: House, tmp_path: Path) -> None:
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "a.md").write_text("# Quagga\n")
    house.add("docs", folder, kind="directory")
    house.crawl("docs")
    shutil.move(folder, tmp_path / "elsewhere")
    folder.mkdir()
    assert house.reason("crawl", "docs", code=3) == "CRAWL_FAILED"
    assert house.search("quagga")
    folder.rmdir()
    assert house.reason("crawl", "docs", code=3) == "FIELD_INVALID"
    assert house.search("quagga")


def test_an_error_of_our_own_in_a_crawl_is_a_failure_that_keeps_the_head(
    house: House, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.commit(FILES)
    house.add("code", repository.place)
    house.crawl("code")
    repository.commit({"src/b.py": "zorilla = 1\n"})

    def fail(*_: object) -> None:
        raise RuntimeError("no idea")

    with monkeypatch.context() as patch:
        patch.setattr("contextd.pipeline.parse", fail)
        assert house.reason("crawl", "code", code=3) == "CRAWL_FAILED"
    assert house.search("quagga")
    with house.opened() as plane:
        assert plane.control.jobs.find("code")[0].state is JobState.FAILED
    house.crawl("code")
    assert house.search("zorilla")


def test_a_job_that_never_ended_is_told_as_interrupted(house: House, repository: Repository) -> None:
    repository.commit(FILES)
    house.add("code", repository.place)
    with house.opened() as plane:
        plane.control.jobs.begin("job-abc123", "crawl", "code", plane.now())
    with house.opened() as plane:
        assert plane.control.jobs.find("code")[0].state is JobState.INTERRUPTED
    house.crawl("code")


def test_documents_age_without_a_change(house: House, repository: Repository) -> None:
    repository.commit({"docs/runbook.md": "---\nlast_reviewed: 2026-11-20\n---\n# Run\n"})
    house.add("code", repository.place, tier=1)
    house.crawl("code")
    assert house.ask("findings", "list")["findings"] == []
    house.clock.move(days=177)
    answer = house.run("crawl", "code")
    assert "nothing changed  findings +1 -0" in answer.stdout
    assert [f["code"] for f in house.ask("findings", "list")["findings"]] == ["FRESH-DUE"]


def test_eligibility_lapses_with_the_age_of_the_package_and_with_the_rules(
    house: House, new_repository: Callable[[str], Repository]
) -> None:
    repository = new_repository("pay")
    package = (
        "schema: contextd.dev/context/v1\n"
        "purpose: {is: Takes and refunds card payments for the shop and its partners., is_not: [invoicing, fraud scoring]}\n"
        "ownership: {owner: team-payments, escalation: ['#payments-oncall', payments-oncall@example.org]}\n"
        "architecture: {invariants: [A refund never exceeds its charge.], constraints: [docs/adr/0002.md]}\n"
        "dependencies: {lock: uv.lock, alignment: ['pkg:pypi/httpx vers:pypi/>=0.25|<0.26']}\n"
        "tests: {critical_paths: [src/refund.py], coverage: 85 on critical paths, integration: [tests/integration/]}\n"
        "release: {release: docs/release.md, rollback: docs/release.md#rollback}\n"
        "reviewed: {date: 2026-11-01, by: team-payments}\n"
    )
    files: Files = {
        "context.yaml": package,
        "docs/adr/0002.md": "# 2. Retries\n\nStatus: accepted\n\nRefunds are retried with the same key.\n",
        "docs/release.md": "# Release\n\nMerge to main; it deploys.\n\n## Rollback\n\nDeploy the previous tag: make deploy.\n",
        "uv.lock": 'version = 1\n\n[[package]]\nname = "httpx"\nversion = "0.25.2"\n',
        "src/refund.py": "quagga = 1\n",
        "tests/integration/test_a.py": "def test_a(): ...\n",
    }
    repository.commit(files)
    house.add("pay", repository.place, tier=3)
    house.crawl("pay")
    over = ["search", "quagga", "--source", "pay", "--pathway", "coding-agent", "--intent", "INT-1"]
    assert house.ask("package", "check", "pay")["packages"][0]["eligible"]
    assert house.ask(*over)["hits"]
    house.clock.move(days=66)
    assert house.ask(*over)["hits"]
    house.clock.move(days=3)
    assert house.reason(*over) == "NOT_ELIGIBLE"
    house.rewrite("tiers.yaml", "max_age: 90d", "max_age: 95d")
    assert house.ask(*over)["hits"]
    assert house.ask("search", "quagga", "--source", "pay")["hits"]


def test_nobody_knows_of_a_source_that_is_not_registered(house: House) -> None:
    with house.acting() as (plane, caller):
        for act in (Action.DISCOVER, Action.INSPECT, Action.CRAWL):
            with pytest.raises(NotFound) as told:
                plane.source(caller, "nowhere", act)
            assert told.value.reason == "SOURCE_NOT_FOUND"
