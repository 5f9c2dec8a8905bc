"""What each role may do, and what a refusal says, under the default access policy."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from contextd.model.access import AccessRequest, Action, Decision, Grant, Role, Target, Use, Workflow
from contextd.policy.access import Permit, not_found
from contextd.policy.bundle import load_bundle

Grants = Callable[..., Grant]
DEV = "dev@example.org"

READERS = {"reader", "elevated-reader", "ai-architect", "context-steward", "security-partner", "service-owner"}
EVERYONE = {role.value for role in Role}
MAY: dict[str, set[str]] = {
    "discover": EVERYONE,
    "search": READERS,
    "fetch": READERS,
    "read-restricted": {"elevated-reader", "context-steward", "security-partner"},
    "inspect": EVERYONE,
    "propose": {"ai-architect", "context-steward", "security-partner", "service-owner"},
    "approve": {"context-steward"},
    "suspend": {"ai-architect", "context-steward", "security-partner", "service-owner"},
    "crawl": {"context-steward", "service-owner"},
    "grant": {"ai-architect", "context-steward"},
    "audit": {"auditor", "context-steward", "security-partner"},
}
ON_HOME = {"propose", "grant", "audit"}


class Asker:
    """Asks the permit function; what is not said is a reader's search over the terminal in an approved tier-2 source."""

    def __init__(self, permit: Permit, now: datetime) -> None:
        self.permit, self.now = permit, now

    def __call__(self, action: str, grants: Iterable[Grant], use: Use | None = None, /, **target: object) -> Decision:
        usual = Target(source="payments", component="rest", tier=2, state="approved")
        about = replace(usual, **target)  # type: ignore[arg-type]  # keywords of a test
        return self.permit.decide(AccessRequest(DEV, Action(action), about, use or Use(), tuple(grants), self.now))


@pytest.fixture
def ask(permit: Permit, now: datetime) -> Asker:
    return Asker(permit, now)


@pytest.mark.parametrize("role", sorted(Role))
@pytest.mark.parametrize("action", sorted(Action))
def test_who_may_do_what(ask: Asker, grant: Grants, action: str, role: Role) -> None:
    source: dict[str, object] = {"source": "", "state": ""} if action in ON_HOME else {}
    decision = ask(action, [grant(role)], **source)
    assert decision.allowed is (role in MAY[action])
    assert decision.discoverable
    if not decision.allowed:
        assert decision.reason == "ROLE_MISSING"
        assert all(name in decision.message for name in MAY[action])
        assert f"contextd grant approve {DEV} " in decision.hint
    else:
        assert (decision.reason, decision.message, decision.hint) == ("", "", "")
        assert decision.policies


@pytest.mark.parametrize("action", sorted(set(Action) - {"propose"}))
@pytest.mark.parametrize(
    ("scope", "target", "reaches"),
    [
        ("all", {}, True),
        ("tier:2", {}, True),
        ("tier:3", {}, False),
        ("tier:02", {}, False),
        ("source:payments", {}, True),
        ("source:payments2", {}, False),
        ("component:payments/rest", {}, True),
        ("component:payments/rest", {"component": ""}, True),
        ("component:payments/core", {"component": "core"}, True),
        ("component:payments/core", {}, False),
        ("component:ledger/rest", {}, False),
        ("component:payments", {}, False),
        ("component:payments/", {"component": ""}, False),
        ("source:", {}, False),
        ("", {}, False),
        ("ALL", {}, False),
        ("all:payments", {}, False),
    ],
)
def test_a_role_reaches_as_far_as_its_scope(
    ask: Asker, grant: Grants, action: str, scope: str, target: dict[str, object], *, reaches: bool
) -> None:
    if action in ON_HOME:
        decision = ask(action, [grant("context-steward", scope)], source="", state="", tier=2)
        assert decision.allowed is (scope == "all")
    else:
        decision = ask(action, [grant("context-steward", scope)], **target)
        assert decision.allowed is reaches
        if not reaches:
            assert decision == not_found("payments")


def test_a_role_in_one_component_discovers_the_whole_source_but_reads_nothing_else(ask: Asker, grant: Grants) -> None:
    held = [grant("reader", "component:payments/core")]
    assert ask("discover", held, component="").allowed
    assert ask("search", held, component="core").allowed
    whole = ask("search", held, component="")
    assert (whole.allowed, whole.reason) == (False, "ROLE_MISSING")


def test_whoever_has_a_role_anywhere_may_propose(ask: Asker, grant: Grants) -> None:
    assert ask("propose", [grant("service-owner", "source:ledger")], source="", state="").allowed
    assert not ask("propose", [grant("reader", "all")], source="", state="").allowed


@pytest.mark.parametrize(
    "changes",
    [
        {"revoked_at": datetime(2026, 11, 24, 11, 59)},  # noqa: DTZ001  (any time of revocation counts)
        {"review_by": "now"},
        {"review_by": "before"},
        {"created_at": "after"},
        {"principal": "eve@example.org"},
        {"review_by": datetime(2027, 1, 1)},  # noqa: DTZ001  (a time without a zone is no time)
    ],
)
def test_a_grant_that_is_over_not_begun_or_anothers_is_nothing(
    ask: Asker, grant: Grants, now: datetime, changes: dict[str, object]
) -> None:
    times = {"now": now, "before": now - timedelta(microseconds=1), "after": now + timedelta(microseconds=1)}
    given = {key: times.get(str(value), value) for key, value in changes.items()}
    dead = grant("context-steward", **given)
    for action in Action:
        target: dict[str, object] = {"source": "", "state": ""} if action in ON_HOME else {}
        assert ask(action, [dead], **target) == ask(action, [], **target)
        assert not ask(action, [dead], **target).allowed


def test_a_grant_holds_until_just_before_its_review(ask: Asker, grant: Grants, now: datetime) -> None:
    assert ask("search", [grant(review_by=now + timedelta(microseconds=1), created_at=now)]).allowed


@pytest.mark.parametrize("state", ["", "proposed", "reviewed", "suspended", "retired", "rejected"])
@pytest.mark.parametrize("action", ["search", "fetch", "read-restricted", "crawl"])
def test_only_an_approved_source_is_read_or_crawled(ask: Asker, grant: Grants, action: str, state: str) -> None:
    decision = ask(action, [grant("context-steward")], state=state)
    assert (decision.allowed, decision.reason, decision.policies) == (False, "SOURCE_NOT_APPROVED", ("not-approved",))
    assert state in decision.message
    assert "payments" in decision.hint


def test_an_approval_lapses_with_its_review(ask: Asker, grant: Grants) -> None:
    decision = ask("search", [grant()], review_overdue=True)
    assert (decision.reason, decision.message) == (
        "SOURCE_NOT_APPROVED",
        "the approval of payments has lapsed: its review is overdue.",
    )
    assert decision.hint.startswith("contextd source approve payments ")
    assert ask("approve", [grant("context-steward")], review_overdue=True).allowed


@pytest.mark.parametrize("state", ["proposed", "suspended"])
@pytest.mark.parametrize("role", sorted(Role))
def test_before_and_after_approval_only_those_who_judge_a_source_look_into_it(
    ask: Asker, grant: Grants, role: Role, state: str
) -> None:
    sees = role in {"ai-architect", "context-steward", "security-partner", "service-owner", "auditor"}
    decision = ask("inspect", [grant(role)], state=state)
    assert (decision.allowed, decision.reason) == ((True, "") if sees else (False, "SOURCE_NOT_APPROVED"))


@pytest.mark.parametrize("role", sorted(Role))
def test_who_may_inspect_the_home_itself(ask: Asker, grant: Grants, role: Role) -> None:
    sees = role in {"ai-architect", "context-steward", "security-partner", "measurement-owner", "auditor"}
    decision = ask("inspect", [grant(role)], source="", state="")
    assert (decision.allowed, decision.reason) == ((True, "") if sees else (False, "ROLE_MISSING"))


@pytest.mark.parametrize("action", ["search", "fetch", "read-restricted"])
@pytest.mark.parametrize(
    ("pathway", "workflow"), [("ide-assistant", "explain"), ("terminal", "test"), ("ide-assistant", "test")]
)
def test_what_is_kept_for_eligible_components(ask: Asker, grant: Grants, action: str, pathway: str, workflow: str) -> None:
    held, use = [grant("elevated-reader")], Use(pathway=pathway, workflow=Workflow(workflow))
    assert ask(action, held, use, tier=3, eligible=True).allowed
    assert ask(action, held, use, tier=3).reason == "NOT_ELIGIBLE"


def test_the_story_of_the_demo(ask: Asker, grant: Grants) -> None:
    held = [grant()]
    asked = ask("search", held, Use(pathway="ide-assistant"), tier=3, eligible=True)
    assert (asked.allowed, asked.policies) == (True, ("read",))
    refused = ask("search", held, Use(pathway="coding-agent"), source="checkout", tier=3)
    assert (refused.allowed, refused.reason) == (False, "NOT_ELIGIBLE")
    assert refused.message == "checkout is tier 3 and not eligible for coding-agent."
    assert refused.hint == "contextd package check checkout"
    assert refused.facts["open"] == "terminal"
    assert ask("search", held, source="checkout", tier=3).allowed


@pytest.mark.parametrize(
    ("tier", "eligible", "pathway", "workflow", "reason"),
    [
        (1, False, "coding-agent", "autonomous", ""),
        (2, False, "ci-review", "refactor", ""),
        (3, False, "terminal", "explain", ""),
        (3, False, "terminal", "test", "NOT_ELIGIBLE"),
        (3, True, "terminal", "test", ""),
        (3, True, "coding-agent", "generate", ""),
        (3, True, "coding-agent", "autonomous", "WORKFLOW_NOT_ALLOWED"),
        (3, False, "coding-agent", "autonomous", "WORKFLOW_NOT_ALLOWED"),
        (3, True, "fax", "explain", "PATHWAY_NOT_APPROVED"),
        (3, False, "fax", "autonomous", "PATHWAY_NOT_APPROVED"),
        (4, True, "coding-agent", "explain", "PATHWAY_NOT_APPROVED"),
        (4, True, "ci-review", "review", ""),
        (4, False, "ci-review", "review", "NOT_ELIGIBLE"),
        (4, True, "terminal", "generate", "WORKFLOW_NOT_ALLOWED"),
        (4, True, "ide-assistant", "explain", "INTENT_REQUIRED"),
    ],
)
def test_ways_and_workflows_by_tier(
    ask: Asker, grant: Grants, tier: int, pathway: str, workflow: str, reason: str, *, eligible: bool
) -> None:
    use = Use(pathway=pathway, workflow=Workflow(workflow))
    decision = ask("search", [grant()], use, tier=tier, eligible=eligible)
    assert (decision.allowed, decision.reason) == (not reason, reason)
    if reason:
        assert "payments" in decision.message or reason == "INTENT_REQUIRED"
        assert decision.hint


def test_refusals_name_the_rule_and_what_is_open(ask: Asker, grant: Grants) -> None:
    held = [grant()]
    way = ask("fetch", held, Use(pathway="fax"), tier=3, component="core")
    assert way.message == "fax is not an approved way at tier 3, which payments/core has."
    assert way.hint == "--pathway terminal"
    workflow = ask("fetch", held, Use(workflow=Workflow.AUTONOMOUS), tier=3)
    assert (workflow.message, workflow.hint) == (
        "autonomous is not a workflow for tier 3, which payments has.",
        "--workflow explain",
    )
    test = ask("fetch", held, Use(workflow=Workflow.TEST), tier=3)
    assert test.message == "payments is tier 3 and not eligible for test."
    intent = ask("fetch", held, Use(pathway="ide-assistant"), tier=4, eligible=True)
    assert intent.hint == "--intent ID"
    assert ask("fetch", held, Use(pathway="ide-assistant", intent="INT-7"), tier=4, eligible=True).allowed
    assert not ask("fetch", held, Use(pathway="ide-assistant", intent=" "), tier=4, eligible=True).allowed


def test_an_unapproved_way_is_flagged_where_it_is_not_refused(ask: Asker, grant: Grants) -> None:
    decision = ask("search", [grant()], Use(pathway="fax"))
    assert (decision.allowed, decision.facts["flags"]) == (True, "pathway")
    assert ask("search", [grant()]).facts["flags"] == ""
    assert ask("read-restricted", [grant("elevated-reader")], Use(pathway="fax")).reason == "PATHWAY_NOT_APPROVED"


def test_a_source_is_inspected_over_approved_ways_whether_eligible_or_not(ask: Asker, grant: Grants) -> None:
    assert ask("inspect", [grant()], Use(pathway="coding-agent"), tier=3).allowed
    assert ask("inspect", [grant()], Use(pathway="coding-agent"), tier=4).reason == "PATHWAY_NOT_APPROVED"


@pytest.mark.parametrize("tier", [1, 2, 3, 4])
def test_nobody_approves_their_own_unless_the_tier_lets_them(ask: Asker, grant: Grants, tier: int) -> None:
    role = "security-partner" if tier == 4 else "context-steward"
    own = ask("approve", [grant(role)], tier=tier, state="proposed", requested_by=DEV)
    assert own.allowed is (tier <= 2)
    if tier > 2:
        assert (own.reason, own.policies) == ("APPROVER_IS_REQUESTER", ("four-eyes",))
        assert own.message == f"whoever proposed payments may not approve it at tier {tier}."
        assert own.hint.endswith("not you: contextd source approve payments --reason TEXT")
    assert ask("approve", [grant(role)], tier=tier, state="proposed", requested_by="eve@example.org").allowed
    assert ask("approve", [grant(role)], tier=tier, state="proposed").allowed


def test_who_may_not_know_of_a_source_learns_nothing(ask: Asker, grant: Grants) -> None:
    for action in set(Action) - ON_HOME:
        for target in ({}, {"state": "retired"}, {"tier": 4, "requested_by": DEV}):
            decision = ask(action, [grant("reader", "source:ledger")], Use(pathway="fax"), **target)
            assert decision == not_found("payments")
            assert decision.message == 'no source "payments" that you can read'
            assert (decision.facts, decision.policies, decision.discoverable) == ({}, (), False)


def test_clients_and_credentials_that_a_pathway_does_not_list(
    bundle_files: dict[str, bytes], grant: Grants, now: datetime
) -> None:
    bundle_files["pathways.yaml"] = b"""\
schema: contextd.dev/pathways/v1
pathways:
  - {name: terminal, kind: cli, clients: ["contextd-cli"]}
  - {name: ide-assistant, kind: ide, clients: ["acme-ide >=2.1"]}
  - {name: coding-agent, kind: agent, clients: ["*"], assurance: workload}
  - {name: ci-review, kind: ci, clients: ["*"]}
unapproved: {1: flag}
"""
    ask = Asker(Permit(load_bundle(bundle_files)), now)
    ide = Use(pathway="ide-assistant", client="acme-ide", client_version="2.0")
    old = ask("search", [grant()], ide)
    assert (old.reason, old.policies) == ("CLIENT_UNKNOWN", ("client-unknown",))
    assert old.message == "ide-assistant does not list the client acme-ide 2.0."
    assert old.hint.endswith("acme-ide >=2.1")
    assert ask("inspect", [grant()], ide).reason == "CLIENT_UNKNOWN"
    assert ask("search", [grant()], replace(ide, client_version="2.1")).allowed
    assert "without a name" in ask("search", [grant()], replace(ide, client="", client_version="")).message
    flagged = ask("search", [grant()], ide, tier=1)
    assert (flagged.allowed, flagged.facts["flags"]) == (True, "client")
    agent = ask("search", [grant()], Use(pathway="coding-agent"))
    assert (agent.reason, agent.hint) == ("ASSURANCE_TOO_LOW", "--pathway terminal")
    assert agent.message == "coding-agent needs a workload credential; a local token is a user's."


def test_a_request_about_no_source_where_one_is_needed_is_refused(ask: Asker, grant: Grants) -> None:
    decision = ask("search", [grant("context-steward")], source="", state="")
    assert (decision.reason, decision.hint) == ("SOURCE_NOT_APPROVED", "--source NAME")
    assert ask("approve", [grant("context-steward")], source="", state="").reason == "POLICY_UNDECIDED"


@pytest.mark.parametrize("tier", [0, 5, -1])
def test_a_tier_that_is_none_is_undecided(ask: Asker, grant: Grants, tier: int) -> None:
    decision = ask("search", [grant("context-steward")], tier=tier)
    assert (decision.allowed, decision.reason) == (False, "POLICY_UNDECIDED")
