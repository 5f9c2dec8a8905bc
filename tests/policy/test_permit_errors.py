"""Policies that err, contradict themselves or have reasons of their own: an error is a no, and every no has a reason."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from contextd.model.access import AccessRequest, Action, Decision, Grant, Target, Use, Workflow
from contextd.policy.access import Permit, not_found
from contextd.policy.bundle import Bundle, load_bundle
from contextd.policy.cedar import Call, Engine

Grants = Callable[..., Grant]
OPEN = '@id("open")\npermit (principal, action, resource);\n'
OVERFLOWS = "context.tier + 9223372036854775807 > 0"


def under(bundle: Bundle, policies: str) -> Permit:
    return Permit(load_bundle({**bundle.files, "access.cedar": policies.encode()}))


@pytest.fixture
def request_of(grant: Grants, now: datetime) -> AccessRequest:
    target = Target(source="payments", component="rest", tier=2, state="approved")
    return AccessRequest("dev@example.org", Action.SEARCH, target, Use(), (grant(),), now)


def undecided(decision: Decision) -> bool:
    return not decision.allowed and decision.reason == "POLICY_UNDECIDED"


@pytest.mark.parametrize("effect", ['@id("errs")\n@reason("ERRS_NOW")\nforbid', '@id("errs")\npermit'])
def test_a_policy_that_errs_is_a_no_although_another_permits(bundle: Bundle, request_of: AccessRequest, effect: str) -> None:
    permit = under(bundle, f"{OPEN}{effect} (principal, action, resource) when {{ {OVERFLOWS} }};\n")
    decision = permit.decide(request_of)
    assert undecided(decision)
    assert not decision.discoverable
    assert "payments" not in decision.message
    assert permit.decide(replace(request_of, grants=())) == not_found("payments")
    home = permit.decide(replace(request_of, target=Target(), action=Action.GRANT))
    assert undecided(home)
    assert "errs" in home.facts["errors"]
    assert home.policies == ()


def test_an_error_in_one_action_is_told_to_those_who_may_know(bundle: Bundle, request_of: AccessRequest) -> None:
    errs = (
        f'@id("errs")\n@reason("ERRS_NOW")\nforbid (principal, action == Action::"search", resource) when {{ {OVERFLOWS} }};\n'
    )
    permit = under(bundle, OPEN + errs)
    decision = permit.decide(request_of)
    assert undecided(decision)
    assert decision.discoverable
    assert decision.message == "the policy could not decide search on payments; what cannot be decided is refused."
    assert permit.decide(replace(request_of, action=Action.FETCH)).allowed


def test_an_error_while_the_reason_is_sought_stays_a_no(bundle: Bundle, request_of: AccessRequest) -> None:
    errs = f'@id("errs")\npermit (principal, action, resource) when {{ context.roles.contains("auditor") && {OVERFLOWS} }};\n'
    discover = '@id("discover")\npermit (principal, action == Action::"discover", resource);\n'
    assert undecided(under(bundle, discover + errs).decide(request_of))


def test_a_request_that_does_not_fit_the_schema_is_undecided(bundle: Bundle) -> None:
    engine = Engine(bundle.access)
    for context in ({}, {"tier": "2"}, {"tier": object()}, {"tier": float("nan")}):
        verdict = engine.ask(Call("dev", "search", ("Source", "payments"), context))
        assert not verdict.allowed
        assert verdict.errors
    assert engine.ask(Call("dev", "steal", ("Source", "payments"), {})).errors
    assert engine.ask(Call("dev", "search", ("Planet", "mars"), {})).errors


def test_a_policy_that_permits_nothing_is_undecided_about_everything(bundle: Bundle, request_of: AccessRequest) -> None:
    permit = under(bundle, OPEN.replace("action,", 'action == Action::"discover",'))
    for action in set(Action) - {Action.DISCOVER}:
        decision = permit.decide(replace(request_of, action=action))
        assert undecided(decision)
        assert decision.hint.startswith("tell a steward")


def test_the_first_forbid_of_the_file_is_the_reason(bundle: Bundle, request_of: AccessRequest) -> None:
    discover = '@id("discover")\npermit (principal, action == Action::"discover", resource);\n'
    noise = "".join(
        f'@id("noise-{n}")\npermit (principal, action, resource) when {{ context.tier > {n} }};\n' for n in range(5, 25)
    )
    forbids = "".join(
        f'@id("stop-{n}")\n@reason("STOP_{n}")\nforbid (principal, action == Action::"search", resource);\n'
        for n in (7, 3, 11, 1)
    )
    decision = under(bundle, discover + noise + forbids).decide(request_of)
    assert decision.reason == "STOP_7"
    assert decision.policies == ("stop-7", "stop-3", "stop-11", "stop-1")
    assert decision.message == "search on payments is refused by policy stop-7."
    assert decision.hint == "see access.cedar:43"


@pytest.mark.parametrize(
    ("condition", "workflow", "reason"),
    [
        ('context.roles.contains("auditor")', "explain", "ROLE_MISSING"),
        ('context.roles.contains("auditor") || context.eligible', "explain", "ROLE_MISSING"),
        ('context.roles.contains("auditor") && context.eligible', "explain", "ROLE_MISSING"),
        ('context.workflow_standing != "never" && context.eligible', "autonomous", "WORKFLOW_NOT_ALLOWED"),
        ('context.workflow_standing != "never" || context.eligible', "autonomous", "WORKFLOW_NOT_ALLOWED"),
        ("context.eligible", "explain", "NOT_ELIGIBLE"),
        ('context.pathway_standing == "when-eligible" && context.eligible', "explain", "POLICY_UNDECIDED"),
        ("context.tier > 3", "explain", "POLICY_UNDECIDED"),
    ],
)
def test_the_reason_is_the_first_fact_that_had_to_be_raised(
    bundle: Bundle, request_of: AccessRequest, condition: str, workflow: str, reason: str
) -> None:
    discover = '@id("discover")\npermit (principal, action == Action::"discover", resource);\n'
    permit = under(
        bundle, f'{discover}@id("only")\npermit (principal, action == Action::"search", resource) when {{ {condition} }};\n'
    )
    asked = replace(request_of, target=replace(request_of.target, tier=3), use=Use(workflow=Workflow(workflow)))
    assert permit.decide(asked).reason == reason


def test_a_role_is_named_only_if_it_would_have_been_enough(bundle: Bundle, request_of: AccessRequest) -> None:
    discover = '@id("discover")\npermit (principal, action == Action::"discover", resource);\n'
    both = 'context.roles.contains("auditor") && context.roles.contains("gate-owner")'
    decision = under(bundle, f'{discover}@id("both")\npermit (principal, action, resource) when {{ {both} }};\n').decide(
        request_of
    )
    assert (decision.reason, decision.message) == ("ROLE_MISSING", "no role reaches search on payments.")


def test_a_grant_that_ends_is_felt_at_the_next_question(permit: Permit, request_of: AccessRequest, now: datetime) -> None:
    assert permit.decide(request_of).allowed
    revoked = replace(request_of.grants[0], revoked_at=now)
    assert not permit.decide(replace(request_of, grants=(revoked,))).allowed
    assert not permit.decide(replace(request_of, at=now + timedelta(days=30))).allowed
    assert permit.decide(request_of).allowed


def test_policies_may_speak_of_one_source_and_of_one_person(bundle: Bundle, request_of: AccessRequest) -> None:
    closed = '@id("closed")\n@reason("CLOSED_FOR_AUDIT")\nforbid (principal, action, resource == Source::"payments");\n'
    person = '@id("person")\n@reason("PERSON_AWAY")\nforbid (principal == Principal::"eve@example.org", action, resource);\n'
    permit = under(bundle, bundle.files["access.cedar"].decode() + closed + person)
    assert permit.decide(request_of) == not_found("payments")
    other = replace(request_of, target=replace(request_of.target, source="ledger"))
    assert permit.decide(other).allowed
    eve = replace(other, principal="eve@example.org", grants=(replace(request_of.grants[0], principal="eve@example.org"),))
    assert not permit.decide(eve).allowed
