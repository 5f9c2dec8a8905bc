from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from contextd.filter.presidio import RECOGNIZERS
from contextd.model.access import Role, Workflow
from contextd.model.finding import FreshnessState, Severity
from contextd.model.source import ContentKind
from contextd.policy.boundaryfile import PII_ENTITIES
from contextd.policy.bundle import Bundle, load_bundle
from contextd.policy.detection import INHERIT, Clock, FreshnessRule, PackageRequirement
from contextd.policy.pathways import Assurance, Client, PathwayKind, Unapproved
from contextd.policy.rules import Admit, Allow, Limits, PiiAction, PiiRule, Zone, ZoneAction
from contextd.policy.tiers import Standing


def test_the_boundary_is_read_as_it_is_written(bundle: Bundle) -> None:
    boundary = bundle.ingest.boundary
    assert boundary.limits == Limits(1 << 20, 64 << 10, 8 << 20)
    assert boundary.zones == (
        Zone("credentials", ZoneAction.NEVER_INGEST, ("*.env", "*.pem"), 4, reason="Keys are never context."),
        Zone("generated", ZoneAction.NEVER_INGEST, ("vendor/",), 5, code="EXCL-GENERATED"),
        Zone("fixtures", ZoneAction.REDACT, ("tests/fixtures/",), 6, tiers=(1, 2), kinds=("git",)),
        Zone(
            "incidents",
            ZoneAction.RESTRICT,
            ("docs/incidents/",),
            7,
            labels=("incident",),
            contents=("repo",),
            components=("core",),
        ),
    )
    assert boundary.admit == (Admit(("*",), 9, ("git", "directory")),)
    assert boundary.allow == (Allow("acme-token", ("tests/data/",), "team-platform", "Published samples", 11),)
    assert boundary.export_ignore
    assert [rule.id for rule in bundle.ingest.secrets.rules] == ["acme-token"]


def test_personal_data_rules_are_read_in_order(bundle: Bundle) -> None:
    assert bundle.ingest.pii == (
        PiiRule("EMAIL_ADDRESS", PiiAction.KEEP, 3, tiers=(1,), contents=("docs",)),
        PiiRule("EMAIL_ADDRESS", PiiAction.REDACT, 4, allow_domains=("example.org",), min_score=0.5),
        PiiRule("US_SSN", PiiAction.EXCLUDE, 5, context=("ssn", "social")),
    )


def test_an_entity_that_may_be_named_is_one_that_is_recognized() -> None:
    assert set(PII_ENTITIES) == set(RECOGNIZERS)


def test_tiers_are_read_as_the_interface_writes_them(bundle_files: dict[str, bytes]) -> None:
    head = b"schema: contextd.dev/tiers/v1\ntiers:\n"
    third = b"""\
  3: {approval: {by: [context-steward, security-partner], self: false, review_every: 90d},
      package: {required: true, max_age: 90d},
      min_freshness: due, pathways: {always: [terminal], when_eligible: [ide-assistant, ci-review, coding-agent]},
      workflows: {always: [explain], when_eligible: [generate, test, review, refactor], never: [autonomous]},
      exception: {longest: 30d, approved_by: [exception-owner]}, redaction: locked}
"""
    others = b"".join(
        b"  %d: {approval: {by: [context-steward], self: true}, min_freshness: stale, pathways: {always: [terminal]}}\n" % tier
        for tier in (1, 2, 4)
    )
    bundle_files["tiers.yaml"] = head + third + others
    tiers = load_bundle(bundle_files).tiers
    assert sorted(tiers) == [1, 2, 3, 4]
    tier = tiers[3]
    assert (tier.line, tier.approval.by, tier.approval.own) == (3, (Role.CONTEXT_STEWARD, Role.SECURITY_PARTNER), False)
    assert tier.approval.review_every == timedelta(days=90)
    assert tier.package == PackageRequirement(required=True, max_age=timedelta(days=90))
    assert tier.min_freshness is FreshnessState.DUE
    assert (tier.pathway("terminal"), tier.pathway("ci-review"), tier.pathway("fax")) == (
        Standing.ALWAYS,
        Standing.WHEN_ELIGIBLE,
        Standing.NEVER,
    )
    assert (tier.workflow(Workflow.EXPLAIN), tier.workflow(Workflow.TEST), tier.workflow(Workflow.AUTONOMOUS)) == (
        Standing.ALWAYS,
        Standing.WHEN_ELIGIBLE,
        Standing.NEVER,
    )
    assert (tier.exception.longest, tier.exception.approved_by) == (timedelta(days=30), (Role.EXCEPTION_OWNER,))
    assert [tiers[n].redaction_locked for n in (1, 2, 3, 4)] == [False, False, True, True]
    assert tiers[2].approval.own
    assert set(tiers[2].workflows.values()) == {Standing.ALWAYS}
    assert tiers[2].exception.longest is None


def test_a_workflow_that_a_tier_does_not_name_is_never_open(bundle_files: dict[str, bytes]) -> None:
    given = b"workflows: {always: [explain], when_eligible: [generate, test, review, refactor], never: [autonomous]}"
    bundle_files["tiers.yaml"] = bundle_files["tiers.yaml"].replace(given, b"workflows: {always: [explain]}", 1)
    assert load_bundle(bundle_files).tiers[3].workflow(Workflow.TEST) is Standing.NEVER


def test_a_lower_tier_may_lock_redaction_too(bundle_files: dict[str, bytes]) -> None:
    bundle_files["tiers.yaml"] = bundle_files["tiers.yaml"].replace(
        b"exception: {longest: 60d, approved_by: [exception-owner]}", b"redaction: locked"
    )
    assert load_bundle(bundle_files).tiers[2].redaction_locked


def test_pathways_are_read_as_the_interface_writes_them(bundle_files: dict[str, bytes]) -> None:
    bundle_files["pathways.yaml"] = b"""\
schema: contextd.dev/pathways/v1
pathways:
  - {name: ide-assistant, kind: ide, clients: ["acme-ide >=2.1"], assurance: user, intent_from_tier: 3, guide: docs/ide.md}
  - {name: coding-agent, kind: agent, clients: ["acme-agent"], assurance: workload, intent_from_tier: 2, guide: docs/agent.md}
  - {name: terminal, kind: cli, clients: ["*"], intent_from_tier: null}
  - {name: ci-review, kind: ci, clients: ["*"]}
unapproved: {1: flag, 2: flag, 4: refuse}
"""
    pathways = load_bundle(bundle_files).pathways
    agent, ide = pathways.by_name["coding-agent"], pathways.by_name["ide-assistant"]
    assert (agent.kind, agent.assurance, agent.intent_from_tier, agent.line) == (PathwayKind.AGENT, Assurance.WORKLOAD, 2, 4)
    assert (ide.clients, ide.guide) == ((Client("acme-ide", ">=2.1"),), "docs/ide.md")
    assert pathways.by_name["terminal"].intent_from_tier is None
    assert pathways.unapproved == {1: Unapproved.FLAG, 2: Unapproved.FLAG, 3: Unapproved.REFUSE, 4: Unapproved.REFUSE}


@pytest.mark.parametrize(
    ("entry", "client", "version", "listed"),
    [
        (Client("*"), "", "", True),
        (Client("acme-ide"), "acme-ide", "", True),
        (Client("acme-ide"), "acme-ide2", "", False),
        (Client("acme-ide", ">=2.1"), "acme-ide", "2.1", True),
        (Client("acme-ide", ">=2.1"), "acme-ide", "2.10", True),
        (Client("acme-ide", ">=2.1"), "acme-ide", "2.0.9", False),
        (Client("acme-ide", ">=2.1"), "acme-ide", "2.2rc1", True),
        (Client("acme-ide", ">=2.1"), "acme-ide", "2.1rc1", False),
        (Client("acme-ide", ">=2.1,<3"), "acme-ide", "3.0", False),
        (Client("acme-ide", ">=2.1"), "acme-ide", "", False),
        (Client("acme-ide", ">=2.1"), "acme-ide", "latest", False),
    ],
)
def test_clients_are_matched_by_name_and_version(entry: Client, client: str, version: str, *, listed: bool) -> None:
    assert entry.admits(client, version) is listed


def test_freshness_rules_keep_what_is_left_out_apart_from_null(bundle_files: dict[str, bytes]) -> None:
    bundle_files["freshness.yaml"] = b"""\
schema: contextd.dev/freshness/v1
rules:
  - {selector: {content: [runbooks, docs], tiers: [4, 3]}, clock: reviewed, warn_after: 120d, error_after: null}
  - {selector: {paths: ["docs/archive/"]}, suppress_until: 2027-01-31, reason: Being rewritten (DOC-88)}
"""
    first, second = load_bundle(bundle_files).freshness.rules
    assert first == FreshnessRule(
        line=3,
        contents=(ContentKind.RUNBOOKS, ContentKind.DOCS),
        tiers=(3, 4),
        clock=Clock.REVIEWED,
        warn_after=timedelta(days=120),
        error_after=None,
    )
    assert (second.clock, second.warn_after, second.error_after) == (INHERIT, INHERIT, INHERIT)
    assert (second.paths, second.suppress_until) == (("docs/archive/",), datetime(2027, 1, 31, tzinfo=UTC))


def test_drift_detectors_are_read(bundle_files: dict[str, bytes]) -> None:
    bundle_files["drift.yaml"] = b"""\
schema: contextd.dev/drift/v1
detectors:
  - {code: DRIFT-PATH-GONE, enabled: false, severity: warn, ignore_paths: ["vendor/"]}
  - {code: DRIFT-VERSION-CLAIM}
"""
    drift = load_bundle(bundle_files).drift
    rule = drift.of("DRIFT-PATH-GONE")
    assert (rule.enabled, rule.severity, rule.ignore_paths, rule.line) == (False, Severity.WARN, ("vendor/",), 3)
    assert drift.of("DRIFT-VERSION-CLAIM").enabled
