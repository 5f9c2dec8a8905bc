"""What a refusal says: one sentence that names the rule, and what mends it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from contextd.model.access import AccessRequest, Action, Role, Workflow
from contextd.model.source import REST
from contextd.policy.cedar import POLICIES, Policy
from contextd.policy.facts import Facts
from contextd.policy.pathways import Pathway
from contextd.policy.tiers import Standing, TierRules

UNDECIDED = "POLICY_UNDECIDED"
NOT_FOUND = "SOURCE_NOT_FOUND"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Everything that the words are made of. ``suffice`` are the roles of which any one would have been enough.

    ``policy`` is the forbid that determined it, None where a permit was missing; ``pathway`` is None where it is unknown.
    """

    request: AccessRequest
    facts: Facts
    tier: TierRules
    pathway: Pathway | None
    policy: Policy | None = None
    suffice: Sequence[Role] = ()

    @property
    def name(self) -> str:
        """The source, with the component where it is a named one."""
        target = self.request.target
        if not target.source:
            return "this home"
        return target.source if target.component in {"", REST} else f"{target.source}/{target.component}"

    @property
    def open_now(self) -> tuple[str, ...]:
        """The pathways that stand open at this tier as the target is now."""
        open_as = {Standing.ALWAYS, Standing.WHEN_ELIGIBLE} if self.facts.eligible else {Standing.ALWAYS}
        return tuple(name for name, standing in self.tier.pathways.items() if standing in open_as)

    @property
    def at_tier(self) -> str:
        """The tier and whose it is, to end a sentence."""
        return f"tier {self.tier.tier}, which {self.name} has"


Words = tuple[str, str]
"""Message and hint."""


def _role(refusal: Refusal) -> Words:
    request = refusal.request
    if not refusal.suffice:
        return f"no role reaches {request.action} on {refusal.name}.", f"{POLICIES} has the rules"
    one_of = ", ".join(refusal.suffice)
    message = f"{request.action} on {refusal.name} needs one of these roles, live and in scope: {one_of}."
    scope = f"source:{request.target.source}" if request.target.source and request.action is not Action.PROPOSE else "all"
    command = f"contextd grant approve {request.principal} {refusal.suffice[0]} --scope {scope} --rationale TEXT"
    return message, f"a steward gives it: {command}"


def _pathway(refusal: Refusal) -> Words:
    message = f"{refusal.request.use.pathway} is not an approved way at {refusal.at_tier}."
    return message, f"--pathway {refusal.open_now[0]}" if refusal.open_now else f"tiers.yaml:{refusal.tier.line} opens no way"


def _workflow(refusal: Refusal) -> Words:
    message = f"{refusal.request.use.workflow} is not a workflow for {refusal.at_tier}."
    always = [name for name in Workflow if refusal.tier.workflow(name) is Standing.ALWAYS]
    return message, f"--workflow {always[0]}" if always else f"tiers.yaml:{refusal.tier.line} opens no workflow"


def _eligibility(refusal: Refusal) -> Words:
    use = refusal.request.use
    what = use.pathway if refusal.facts.pathway_standing is Standing.WHEN_ELIGIBLE else use.workflow
    message = f"{refusal.name} is tier {refusal.tier.tier} and not eligible for {what}."
    return message, f"contextd package check {refusal.request.target.source}"


def _state(refusal: Refusal) -> Words:
    source, state = refusal.request.target.source, refusal.facts.state
    if not source:
        return f"{refusal.request.action} asks for a source and none is named.", "--source NAME"
    if state == "approved":
        approve = f'contextd source approve {source} --reason "reviewed again"'
        return f"the approval of {source} has lapsed: its review is overdue.", approve
    if state in {"proposed", "reviewed"}:
        return f"{source} is {state}, not yet approved.", f'contextd source approve {source} --reason "boundary check read"'
    return f"{source} is {state or 'in no state'}, not approved.", f"contextd source show {source}"


def _client(refusal: Refusal) -> Words:
    use = refusal.request.use
    listed = ", ".join(map(str, refusal.pathway.clients)) if refusal.pathway else "none"
    client = " ".join(part for part in (use.client, use.client_version) if part) or "without a name"
    return f"{use.pathway} does not list the client {client}.", f"clients that pathways.yaml lists for it: {listed}"


def _assurance(refusal: Refusal) -> Words:
    wanted = refusal.pathway.assurance if refusal.pathway else "stronger"
    message = f"{refusal.request.use.pathway} needs a {wanted} credential; a local token is a user's."
    return message, f"--pathway {refusal.open_now[0]}" if refusal.open_now else "sign in as pathways.yaml asks"


def _intent(refusal: Refusal) -> Words:
    return f"{refusal.request.use.pathway} needs an intent at {refusal.at_tier}.", "--intent ID"


def _four_eyes(refusal: Refusal) -> Words:
    message = f"whoever proposed {refusal.name} may not approve it at tier {refusal.tier.tier}."
    others = ", ".join(refusal.tier.approval.by)
    return message, f"one of {others}, not you: contextd source approve {refusal.request.target.source} --reason TEXT"


def _undecided(refusal: Refusal) -> Words:
    message = f"the policy could not decide {refusal.request.action} on {refusal.name}; what cannot be decided is refused."
    return message, f"tell a steward: {POLICIES} errs or contradicts itself"


def _own_reason(refusal: Refusal) -> Words:
    policy = refusal.policy
    message = f"{refusal.request.action} on {refusal.name} is refused by policy {policy.id if policy else 'unknown'}."
    return message, f"see {POLICIES}:{policy.line if policy else 1}"


_WORDS: dict[str, Callable[[Refusal], Words]] = {
    "ROLE_MISSING": _role,
    "PATHWAY_NOT_APPROVED": _pathway,
    "WORKFLOW_NOT_ALLOWED": _workflow,
    "NOT_ELIGIBLE": _eligibility,
    "SOURCE_NOT_APPROVED": _state,
    "CLIENT_UNKNOWN": _client,
    "ASSURANCE_TOO_LOW": _assurance,
    "INTENT_REQUIRED": _intent,
    "APPROVER_IS_REQUESTER": _four_eyes,
    UNDECIDED: _undecided,
}


def words(refusal: Refusal, reason: str) -> Words:
    """Message and hint for ``reason``; a reason of the organization's own names its policy and line."""
    return _WORDS.get(reason, _own_reason)(refusal)
