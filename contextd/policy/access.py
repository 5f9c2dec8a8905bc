"""The permit function: the one place where access is decided. Pure, total, and a no unless Cedar says yes without an error."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

from contextd.model.access import AccessRequest, Action, Decision, Role
from contextd.policy.bundle import Bundle
from contextd.policy.cedar import Call, Engine, Verdict
from contextd.policy.facts import HOME, Facts, Raisable, gather
from contextd.policy.refusals import NOT_FOUND, UNDECIDED, Refusal, words

_REASONS = {
    Raisable.ROLE: "ROLE_MISSING",
    Raisable.PATHWAY: "PATHWAY_NOT_APPROVED",
    Raisable.WORKFLOW: "WORKFLOW_NOT_ALLOWED",
    Raisable.ELIGIBILITY: "NOT_ELIGIBLE",
}
_KEPT = 4096
_LEAST_FIRST = (
    Role.READER,
    Role.ELEVATED_READER,
    Role.AUDITOR,
    Role.SERVICE_OWNER,
    Role.MEASUREMENT_OWNER,
    Role.GATE_OWNER,
    Role.EXCEPTION_OWNER,
    Role.CONTEXT_STEWARD,
    Role.SECURITY_PARTNER,
    Role.AI_ARCHITECT,
)


def not_found(source: str) -> Decision:
    """The refusal of a source that does not exist, or that the caller may not know of: the same in every field."""
    return Decision(
        allowed=False,
        reason=NOT_FOUND,
        message=f'no source "{source}" that you can read',
        hint="contextd source list",
        policies=(),
        discoverable=False,
    )


class Permit:
    """Decides access under one bundle. Policies and schema are parsed once, here.

    Safe to share between threads. What Cedar said of the last 4,096 different sets of facts is kept: it is a function of the
    facts, and they are gathered anew for each request, so a grant that ends is felt at once.
    """

    def __init__(self, bundle: Bundle) -> None:
        self._tiers = bundle.tiers
        self._pathways = bundle.pathways
        self._engine = Engine(bundle.access)
        self._ask = lru_cache(maxsize=_KEPT)(self._evaluate)

    def decide(self, request: AccessRequest) -> Decision:
        """Decide ``request`` at the instant it names.

        Allowed only when a permit applies, no forbid does, and nothing erred. ``facts`` of the decision are what it was
        decided on; ``facts["flags"]`` names what was served although it is unapproved. A refusal is explained only to
        those who may discover the target: anyone else gets what ``not_found`` gives.
        """
        tier = self._tiers.get(request.target.tier)
        if tier is None:
            return _undecided(f"tier {request.target.tier} is none that tiers.yaml describes; it has 1 to 4.")
        facts = gather(request, tier, self._pathways)
        verdict = self._ask(request.principal, request.action, request.target.source, facts)
        names = tuple(policy.id for policy in verdict.policies)
        if verdict.allowed:
            return Decision(True, "", "", "", names, discoverable=True, facts=facts.recorded())
        if hidden := self._hidden(request):
            return hidden
        pathway = self._pathways.by_name.get(request.use.pathway)
        reason = self._reason(request, facts, verdict)
        refusal = Refusal(request, facts, tier, pathway)
        if verdict.errors:
            names = ()
        elif verdict.policies:
            refusal = replace(refusal, policy=verdict.policies[0])
        elif reason == _REASONS[Raisable.ROLE]:
            refusal = replace(refusal, suffice=self._suffice(request, facts))
        message, hint = words(refusal, reason)
        recorded = facts.recorded() | {"open": ",".join(refusal.open_now)}
        if verdict.errors:
            recorded["errors"] = "; ".join(verdict.errors)
        return Decision(False, reason, message, hint, names, discoverable=True, facts=recorded)

    def _hidden(self, request: AccessRequest) -> Decision | None:
        """The refusal for a caller who may not know that the target exists; None where it may be explained."""
        if not request.target.source:
            return None
        asked = replace(request, action=Action.DISCOVER)
        facts = gather(asked, self._tiers[request.target.tier], self._pathways)
        verdict = self._ask(asked.principal, asked.action, asked.target.source, facts)
        if verdict.allowed:
            return None
        if verdict.errors and facts.roles:
            return _undecided("the policy could not decide this; what cannot be decided is refused.")
        return not_found(request.target.source)

    def _reason(self, request: AccessRequest, facts: Facts, verdict: Verdict) -> str:
        """The @reason of the first determining forbid, else the first fact that had to be raised for a yes.

        A fact had to be raised when all the others raised are not enough. Where any of several would have done, it is the
        one with which raising them in order first gives a yes.
        """
        if verdict.errors:
            return UNDECIDED
        if verdict.policies:
            return verdict.policies[0].reason
        if not self._allows(request, facts.raised(*Raisable)):
            return UNDECIDED
        for fact in Raisable:
            if not self._allows(request, facts.raised(*(other for other in Raisable if other is not fact))):
                return _REASONS[fact]
        order = list(Raisable)
        return next(_REASONS[fact] for i, fact in enumerate(order) if self._allows(request, facts.raised(*order[: i + 1])))

    def _suffice(self, request: AccessRequest, facts: Facts) -> tuple[Role, ...]:
        """The roles of which any one would be enough, all else raised; the least powerful first."""
        raised = facts.raised(*Raisable)
        return tuple(role for role in _LEAST_FIRST if self._allows(request, replace(raised, roles=(role,))))

    def _allows(self, request: AccessRequest, facts: Facts) -> bool:
        return self._ask(request.principal, request.action, request.target.source, facts).allowed

    def _evaluate(self, principal: str, action: Action, source: str, facts: Facts) -> Verdict:
        return self._engine.ask(Call(principal, action.value, ("Source", source) if source else HOME, facts.context()))


def _undecided(message: str) -> Decision:
    return Decision(False, UNDECIDED, message, "", (), discoverable=False)
