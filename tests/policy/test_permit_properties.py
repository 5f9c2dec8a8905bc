"""Promises of the permit function that hold for every request, against an independent model of the default policy."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from contextd.model.access import AccessRequest, Action, Decision, Grant, Role, Target, Use, Workflow
from contextd.policy.access import Permit, not_found
from contextd.policy.bundle import Bundle, load_bundle

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
DEV = "dev@example.org"
STATES = ("proposed", "reviewed", "approved", "suspended", "retired", "rejected", "")
WAYS = ("terminal", "ide-assistant", "ci-review", "coding-agent", "fax", "")
SCOPES = (
    "all",
    "tier:1",
    "tier:2",
    "tier:3",
    "tier:4",
    "source:payments",
    "source:ledger",
    "component:payments/core",
    "tier:",
    "",
)

NARROW = """\
schema: contextd.dev/pathways/v1
pathways:
  - {name: terminal, kind: cli, clients: ["*"]}
  - {name: ide-assistant, kind: ide, clients: ["acme-ide >=2.1"], intent_from_tier: 4}
  - {name: ci-review, kind: ci, clients: ["acme-ci"]}
  - {name: coding-agent, kind: agent, clients: ["acme-agent", "acme-ide"], intent_from_tier: 2}
unapproved: {1: flag, 2: flag, 3: refuse, 4: refuse}
"""


@pytest.fixture(scope="session")
def strict(bundle: Bundle) -> Permit:
    """The default policy with pathways that list clients and want intents."""
    return Permit(load_bundle({**bundle.files, "pathways.yaml": NARROW.encode()}))


@pytest.fixture(scope="session")
def again(bundle: Bundle) -> Permit:
    """The same policy in an instance that has seen nothing yet."""
    return Permit(load_bundle({**bundle.files, "pathways.yaml": NARROW.encode()}))


times = st.sampled_from([NOW - timedelta(days=1), NOW, NOW + timedelta(seconds=1), NOW + timedelta(days=9)])
dead = st.builds(
    Grant,
    principal=st.sampled_from([DEV, DEV, DEV, "eve@example.org"]),
    role=st.sampled_from(Role),
    scope=st.sampled_from(SCOPES),
    requester=st.just(DEV),
    rationale=st.just(""),
    approver=st.just(""),
    created_at=times,
    review_by=times,
    revoked_at=st.none() | times,
)
live = st.builds(
    Grant,
    principal=st.just(DEV),
    role=st.sampled_from(Role),
    scope=st.sampled_from(("all", "all", "source:payments", "tier:3")),
    requester=st.just(DEV),
    rationale=st.just(""),
    approver=st.just(""),
    created_at=st.just(NOW - timedelta(days=1)),
    review_by=st.just(NOW + timedelta(days=9)),
)
targets = st.builds(
    Target,
    source=st.sampled_from(("payments", "payments", "payments", "")),
    component=st.sampled_from(("", "rest", "core")),
    tier=st.integers(1, 4),
    state=st.sampled_from((*STATES, "approved", "approved", "approved", "approved", "approved")),
    requested_by=st.sampled_from(("", DEV, "eve@example.org")),
    eligible=st.booleans(),
    review_overdue=st.sampled_from((False, False, False, True)),
)
uses = st.builds(
    Use,
    pathway=st.sampled_from((*WAYS, "terminal")),
    workflow=st.sampled_from([*Workflow, Workflow.EXPLAIN]),
    intent=st.sampled_from(("", "INT-7")),
    client=st.sampled_from(("acme-ide", "acme-ci", "acme-agent", "")),
    client_version=st.sampled_from(("", "2.0", "2.1", "x")),
)
requests = st.builds(
    AccessRequest,
    principal=st.just(DEV),
    action=st.sampled_from(Action),
    target=targets,
    use=uses,
    grants=st.lists(live | dead, max_size=3).map(tuple),
    at=st.just(NOW),
)

READ = {Action.SEARCH, Action.FETCH, Action.READ_RESTRICTED}
JUDGES = {"ai-architect", "context-steward", "security-partner", "service-owner"}
REACH: dict[Action, set[str]] = {
    Action.SEARCH: JUDGES | {"reader", "elevated-reader"},
    Action.FETCH: JUDGES | {"reader", "elevated-reader"},
    Action.READ_RESTRICTED: {"elevated-reader", "context-steward", "security-partner"},
    Action.DISCOVER: set(Role),
    Action.INSPECT: set(Role),
    Action.PROPOSE: JUDGES,
    Action.SUSPEND: JUDGES,
    Action.CRAWL: {"context-steward", "service-owner"},
    Action.GRANT: {"ai-architect", "context-steward"},
    Action.AUDIT: {"auditor", "context-steward", "security-partner"},
}
APPROVERS = {
    1: {"context-steward", "service-owner"},
    2: {"context-steward"},
    3: {"context-steward", "security-partner"},
    4: {"security-partner"},
}
CLIENTS = {
    "ide-assistant": {("acme-ide", "2.1")},
    "ci-review": {("acme-ci", version) for version in ("", "2.0", "2.1", "x")},
    "coding-agent": {(name, version) for name in ("acme-agent", "acme-ide") for version in ("", "2.0", "2.1", "x")},
}


def held(request: AccessRequest, action: Action) -> set[str]:
    """The roles that count, in plain Python."""
    found: set[str] = set()
    for grant in request.grants:
        over = grant.revoked_at is not None or not grant.created_at <= request.at < grant.review_by
        if over or grant.principal != request.principal:
            continue
        target = request.target
        part = target.component or "rest"
        reached = (
            {"all"}
            if not target.source
            else {"all", f"tier:{target.tier}", f"source:{target.source}", f"component:{target.source}/{part}"}
        )
        if action is Action.DISCOVER and target.source and not target.component:
            reached |= {scope for scope in SCOPES if scope.startswith(f"component:{target.source}/")}
        if action is Action.PROPOSE or grant.scope in reached:
            found.add(grant.role.value)
    return found


def ways(request: AccessRequest) -> str:
    tier, way = request.target.tier, request.use.pathway
    if way == "terminal" or (tier <= 2 and way in CLIENTS):
        return "always"
    listed = {3: {"ide-assistant", "ci-review", "coding-agent"}, 4: {"ide-assistant", "ci-review"}}.get(tier, set())
    return "eligible" if way in listed else "flag" if tier <= 2 else "never"


def works(request: AccessRequest) -> str:
    tier, workflow = request.target.tier, request.use.workflow
    if tier <= 2 or workflow is Workflow.EXPLAIN:
        return "always"
    eligible = {"test", "review"} | ({"generate", "refactor"} if tier == 3 else set())
    return "eligible" if workflow.value in eligible else "never"


def forbidden(request: AccessRequest, roles: set[str]) -> str:
    """The reason of the first forbid that applies; empty when there is none."""
    action, target, use = request.action, request.target, request.use
    listed = use.pathway not in CLIENTS or (use.client, use.client_version) in CLIENTS[use.pathway]
    wants = {"ide-assistant": 4, "coding-agent": 2}.get(use.pathway, 9)
    rules = [
        ("SOURCE_NOT_APPROVED", action in READ | {Action.CRAWL} and (target.state != "approved" or target.review_overdue)),
        (
            "SOURCE_NOT_APPROVED",
            action is Action.INSPECT
            and bool(target.source)
            and target.state != "approved"
            and not roles & (JUDGES | {"auditor"}),
        ),
        ("CLIENT_UNKNOWN", action in READ | {Action.INSPECT} and not listed and target.tier >= 3),
        ("INTENT_REQUIRED", action in READ and target.tier >= wants and not use.intent),
        ("APPROVER_IS_REQUESTER", action is Action.APPROVE and target.requested_by == DEV and target.tier >= 3),
    ]
    return next((reason for reason, applies in rules if applies), "")


def refusal(request: AccessRequest) -> str:
    """What the default policy answers, in plain Python: empty when it allows, else the reason."""
    action, target = request.action, request.target
    roles = held(request, action)
    proposes = action is Action.PROPOSE and bool(roles & JUDGES)
    if target.source and not held(request, Action.DISCOVER) and not proposes:
        return "SOURCE_NOT_FOUND"
    return forbidden(request, roles) or lacking(request, roles)


def lacking(request: AccessRequest, roles: set[str]) -> str:
    """The first thing that a permit wants and the request has not; empty when it has all."""
    action, target = request.action, request.target
    home_only, source_only = (
        {Action.GRANT, Action.AUDIT},
        {*READ, Action.DISCOVER, Action.APPROVE, Action.SUSPEND, Action.CRAWL},
    )
    enough = APPROVERS[target.tier] if action is Action.APPROVE else REACH[action]
    if action is Action.INSPECT and not target.source:
        enough = {"ai-architect", "context-steward", "security-partner", "measurement-owner", "auditor"}
    way, work = ways(request), works(request)
    looks = action in READ | {Action.INSPECT} and bool(target.source)
    reads = looks and action is not Action.INSPECT
    eligible = target.eligible or target.tier <= 2
    lacks = [
        ("POLICY_UNDECIDED", action in (home_only if target.source else source_only)),
        ("ROLE_MISSING", not roles & enough),
        ("PATHWAY_NOT_APPROVED", looks and (way == "never" or (way == "flag" and action is Action.READ_RESTRICTED))),
        ("WORKFLOW_NOT_ALLOWED", reads and work == "never"),
        ("NOT_ELIGIBLE", reads and not eligible and "eligible" in {way, work}),
    ]
    return next((reason for reason, applies in lacks if applies), "")


@given(request=requests)
@settings(max_examples=700, deadline=None)
def test_the_permit_function_agrees_with_the_model(strict: Permit, request: AccessRequest) -> None:
    decision = strict.decide(request)
    assert (decision.allowed, decision.reason) == (not refusal(request), refusal(request))


@given(request=requests)
@settings(max_examples=150, deadline=None)
def test_without_a_grant_nothing_is_allowed(strict: Permit, request: AccessRequest) -> None:
    over = [replace(grant, revoked_at=NOW - timedelta(days=400)) for grant in request.grants]
    for grants in ((), tuple(over), tuple(replace(grant, principal="eve@example.org") for grant in request.grants)):
        decision = strict.decide(replace(request, grants=grants))
        assert not decision.allowed
        if request.target.source:
            assert decision == not_found(request.target.source)


@given(request=requests, data=st.data())
@settings(max_examples=300, deadline=None)
def test_what_speaks_against_a_request_never_turns_a_no_into_a_yes(
    strict: Permit, request: AccessRequest, data: st.DataObject
) -> None:
    target, use = request.target, request.use
    worse = data.draw(
        st.sampled_from(
            [
                replace(request, target=replace(target, state="suspended")),
                replace(request, target=replace(target, review_overdue=True)),
                replace(request, target=replace(target, eligible=False)),
                replace(request, target=replace(target, requested_by=DEV)),
                replace(request, use=replace(use, intent="")),
                replace(request, use=replace(use, client="", client_version="")),
                replace(request, use=replace(use, workflow=Workflow.AUTONOMOUS)),
                replace(request, grants=request.grants[:-1]),
                replace(request, at=NOW + timedelta(days=99)),
            ]
        )
    )
    assert strict.decide(request).allowed or not strict.decide(worse).allowed


@given(request=requests)
@settings(max_examples=150, deadline=None)
def test_a_decision_is_a_function_of_the_request(again: Permit, strict: Permit, request: AccessRequest) -> None:
    reordered = replace(request, grants=tuple(reversed(request.grants)))
    assert strict.decide(request) == again.decide(reordered)


@given(request=requests)
@settings(max_examples=200, deadline=None)
def test_a_refusal_says_why_and_what_mends_it_to_those_who_may_know(strict: Permit, request: AccessRequest) -> None:
    decision = strict.decide(request)
    assume(not decision.allowed)
    assert decision.message
    assert decision.hint
    if not decision.discoverable:
        assert decision == not_found(request.target.source)
    assert all(isinstance(value, str) for value in decision.facts.values())


HOSTILE = st.text(max_size=6) | st.sampled_from(["\udc80", "\x00", '"', "\\", "a" * 70000, 'Action::"search"', "\u202e"])


@given(
    principal=HOSTILE,
    source=HOSTILE,
    component=HOSTILE,
    state=HOSTILE,
    pathway=HOSTILE,
    client=HOSTILE,
    tier=st.integers(-1, 6) | st.integers(),
    scope=HOSTILE,
    action=st.sampled_from(Action),
)
@settings(max_examples=150, deadline=None)
def test_it_is_total_whatever_it_is_given(  # noqa: PLR0917  (drawn)
    permit: Permit,
    principal: str,
    source: str,
    component: str,
    state: str,
    pathway: str,
    client: str,
    tier: int,
    scope: str,
    action: Action,
) -> None:
    grant = Grant(principal, Role.CONTEXT_STEWARD, scope, "", "", "", NOW, NOW + timedelta(days=1))
    target = Target(source=source, component=component, tier=tier, state=state, owner=component)
    use = Use(pathway=pathway, client=client, client_version=component, intent=component)
    decision = permit.decide(AccessRequest(principal, action, target, use, (grant,), NOW))
    assert isinstance(decision, Decision)
    assert decision.allowed or decision.reason
