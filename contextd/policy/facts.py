"""What is true of one access request, as the facts that ``access.cedar`` judges. Nothing is decided here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from contextd.model.access import AccessRequest, Action, Grant, Role, Target, Workflow
from contextd.model.source import REST
from contextd.policy.cedar import Call
from contextd.policy.pathways import Assurance, Pathway, Pathways, Unapproved
from contextd.policy.tiers import Standing, TierRules

HOME = ("Home", "home")
"""The resource of a request that is about no source."""

_GIVEN_ASSURANCE = Assurance.USER  # credentials are local tokens, which are given to people


class Raisable(StrEnum):
    """The facts that are raised to find out why something is refused, in this order."""

    ROLE = "role"
    PATHWAY = "pathway"
    WORKFLOW = "workflow"
    ELIGIBILITY = "eligibility"


@dataclass(frozen=True, slots=True)
class Facts:
    """The context of one request. ``roles`` are those of live grants whose scope covers the target, sorted.

    ``client_listed`` is true of an unknown pathway too, which has no list; ``assured`` says whether the credential is of the
    kind that the pathway wants; ``requester`` whether the caller proposed what is to be approved.
    """

    roles: tuple[Role, ...]
    component: str
    owner: str
    tier: int
    state: str
    review_overdue: bool
    eligible: bool
    pathway: str
    pathway_kind: str
    pathway_standing: Standing
    unapproved: Unapproved
    client_listed: bool
    assured: bool
    workflow: Workflow
    workflow_standing: Standing
    intent_given: bool
    intent_required: bool
    approvers: tuple[Role, ...]
    own_approval: bool
    requester: bool

    def context(self) -> dict[str, object]:
        """The facts as Cedar's context: text, whole numbers, booleans and sets of text under the names above."""
        return {name: getattr(self, name) for name in self.__slots__}

    def raised(self, *facts: Raisable) -> Facts:
        """The same request if ``facts`` were as good as they can be: every role, a listed way, an allowed workflow, eligible.

        A way or workflow that is not listed becomes one for eligible components, so that eligibility is its own question.
        """
        return replace(
            self,
            roles=tuple(sorted(Role)) if Raisable.ROLE in facts else self.roles,
            pathway_standing=_lifted(self.pathway_standing) if Raisable.PATHWAY in facts else self.pathway_standing,
            workflow_standing=_lifted(self.workflow_standing) if Raisable.WORKFLOW in facts else self.workflow_standing,
            eligible=self.eligible or Raisable.ELIGIBILITY in facts,
        )

    def recorded(self) -> dict[str, str]:
        """What a decision keeps of them. ``flags`` names what is served although it is unapproved: pathway, client."""
        flags = (
            ("pathway", self.pathway_standing is Standing.NEVER),
            ("client", not self.client_listed),
        )
        return {
            "tier": str(self.tier),
            "roles": ",".join(self.roles),
            "state": self.state,
            "eligible": str(self.eligible).lower(),
            "pathway": self.pathway,
            "pathway_standing": self.pathway_standing.value,
            "workflow": self.workflow.value,
            "workflow_standing": self.workflow_standing.value,
            "flags": ",".join(name for name, raised in flags if raised),
        }


def _lifted(standing: Standing) -> Standing:
    return Standing.WHEN_ELIGIBLE if standing is Standing.NEVER else standing


def gather(request: AccessRequest, tier: TierRules, pathways: Pathways) -> Facts:
    """Return the facts of ``request``, whose target is of ``tier``, at the instant that the request names."""
    target, use = request.target, request.use
    pathway: Pathway | None = pathways.by_name.get(use.pathway)
    intent_from = pathway.intent_from_tier if pathway else None
    return Facts(
        roles=roles_in_scope(request),
        component=target.component,
        owner=target.owner,
        tier=target.tier,
        state=target.state,
        review_overdue=target.review_overdue,
        eligible=target.eligible or not tier.package.required,
        pathway=use.pathway,
        pathway_kind=pathway.kind if pathway else "",
        pathway_standing=tier.pathway(use.pathway),
        unapproved=pathways.unapproved[target.tier],
        client_listed=pathway is None or pathway.lists(use.client, use.client_version),
        assured=pathway is None or pathway.assurance is _GIVEN_ASSURANCE,
        workflow=use.workflow,
        workflow_standing=tier.workflow(use.workflow),
        intent_given=bool(use.intent.strip()),
        intent_required=intent_from is not None and target.tier >= intent_from,
        approvers=tier.approval.by,
        own_approval=tier.approval.own,
        requester=bool(target.requested_by) and target.requested_by == request.principal,
    )


def roles_in_scope(request: AccessRequest) -> tuple[Role, ...]:
    """The roles that the principal's live grants give over the target, sorted.

    On the home only the scope ``all`` reaches; proposing a source is open to a role in any scope, since what is proposed
    lies in none yet. A source as a whole can be discovered by a role in any of its components.
    """
    return tuple(
        sorted(
            {
                grant.role
                for grant in request.grants
                if grant.principal == request.principal
                and _alive(grant, request.at)
                and (request.action is Action.PROPOSE or _covers(grant.scope, request.target, request.action))
            }
        )
    )


def _alive(grant: Grant, at: datetime) -> bool:
    """Whether the grant holds at ``at``: begun, not revoked, its review still to come. A clock that went back closes it."""
    try:
        return grant.revoked_at is None and grant.created_at <= at < grant.review_by
    except TypeError:  # a time without a zone compares with none that has one
        return False


def _covers(scope: str, target: Target, action: Action) -> bool:
    kind, _, name = scope.partition(":")
    if scope == "all" or not target.source:
        return scope == "all"
    if kind == "tier":
        return name == str(target.tier)
    if kind == "source":
        return name == target.source
    source, _, part = name.partition("/")
    if kind != "component" or source != target.source or not part:
        return False
    whole = action is Action.DISCOVER and not target.component
    return whole or part == (target.component or REST)


def usual_calls() -> tuple[Call, ...]:
    """A request of every action, on a source and on the home: what a schema must admit."""
    facts = Facts(
        roles=(Role.READER,),
        component=REST,
        owner="",
        tier=1,
        state="approved",
        review_overdue=False,
        eligible=True,
        pathway="terminal",
        pathway_kind="cli",
        pathway_standing=Standing.ALWAYS,
        unapproved=Unapproved.REFUSE,
        client_listed=True,
        assured=True,
        workflow=Workflow.EXPLAIN,
        workflow_standing=Standing.ALWAYS,
        intent_given=False,
        intent_required=False,
        approvers=(Role.CONTEXT_STEWARD,),
        own_approval=False,
        requester=False,
    )
    context: Mapping[str, object] = facts.context()
    resources = (("Source", "payments"), HOME)
    return tuple(Call("dev@example.org", action.value, resource, context) for action in Action for resource in resources)
