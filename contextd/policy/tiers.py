"""``tiers.yaml``: what serving needs at each of the tiers 1-4, from tools that harm nobody to those that may."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from contextd.model.access import Role, Workflow
from contextd.model.finding import FreshnessState
from contextd.policy.detection import PackageRequirement
from contextd.policy.pathways import TIERS, Pathways
from contextd.yamlfile import Fields, Node

LOCKED_FROM = 3
"""From this tier on redaction cannot be switched off, whatever a bundle says."""

_MINIMA = ("fresh", "due", "stale", "invalidated", "unknown")
_REVIEW = timedelta(days=180)


class Standing(StrEnum):
    """How a pathway or a workflow stands at a tier."""

    ALWAYS = "always"
    WHEN_ELIGIBLE = "when-eligible"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Approval:
    """Who approves a source: any one of the roles ``by``. ``own`` lets that be who proposed it; it lasts ``review_every``."""

    by: tuple[Role, ...]
    own: bool = False
    review_every: timedelta = _REVIEW


@dataclass(frozen=True, slots=True)
class ExceptionLimit:
    """How long an exception may last at a tier (None: there are none), and the roles that may approve one."""

    longest: timedelta | None = None
    approved_by: tuple[Role, ...] = ()


@dataclass(frozen=True, slots=True)
class TierRules:
    """One tier. What ``pathways`` and ``workflows`` do not name is NEVER; ``line`` is in tiers.yaml, from 1."""

    tier: int
    line: int
    approval: Approval
    package: PackageRequirement
    min_freshness: FreshnessState
    pathways: Mapping[str, Standing]
    workflows: Mapping[Workflow, Standing]
    exception: ExceptionLimit = ExceptionLimit()
    redaction_locked: bool = False

    def pathway(self, name: str) -> Standing:
        """How the pathway ``name`` stands at this tier."""
        return self.pathways.get(name, Standing.NEVER)

    def workflow(self, workflow: Workflow) -> Standing:
        """How ``workflow`` stands at this tier."""
        return self.workflows.get(workflow, Standing.NEVER)


def read_tiers(root: Node, pathways: Pathways | None) -> Mapping[int, TierRules]:
    """Read ``tiers.yaml`` into the rules of tiers 1-4; problems go to ``root.problems``.

    ``pathways`` are those that may be named; None when they could not be read, which is then the problem to mend first.
    """
    fields = root.document("tiers/v1", {"tiers"}, {"tiers"})
    names = {str(tier) for tier in TIERS}
    tiers = fields["tiers"].mapping(names, names)
    return {tier: _tier(tier, tiers[str(tier)], pathways) for tier in TIERS if str(tier) in tiers}


def _tier(tier: int, node: Node, pathways: Pathways | None) -> TierRules:
    known = {"approval", "package", "min_freshness", "pathways", "workflows", "exception", "redaction"}
    fields = node.mapping(known, {"approval", "min_freshness", "pathways"})
    fields["redaction"].one_of(["locked"])
    return TierRules(
        tier=tier,
        line=node.line,
        approval=_approval(fields),
        package=_package(fields),
        min_freshness=FreshnessState(fields["min_freshness"].one_of(_MINIMA, "fresh")),
        pathways=_pathways(fields, pathways),
        workflows=_workflows(fields),
        exception=_exception(fields),
        redaction_locked=tier >= LOCKED_FROM or "redaction" in fields,
    )


def _approval(fields: Fields) -> Approval:
    approval = fields["approval"].mapping({"by", "self", "review_every"}, {"by"})
    return Approval(
        by=tuple(Role(role) for role in approval["by"].some_of(list(Role))),
        own=approval["self"].boolean(),
        review_every=approval["review_every"].duration(_REVIEW),
    )


def _package(fields: Fields) -> PackageRequirement:
    package = fields["package"].mapping({"required", "max_age"}, {"required"})
    required = package["required"].boolean()
    if "max_age" in package and not required:
        package["max_age"].problem("max_age limits a package that is not required; write required: true or leave it out")
    return PackageRequirement(required=required, max_age=package["max_age"].duration() if "max_age" in package else None)


def _pathways(fields: Fields, pathways: Pathways | None) -> Mapping[str, Standing]:
    given = fields["pathways"].mapping({"always", "when_eligible"})
    found = _standings(
        {Standing.ALWAYS: given["always"], Standing.WHEN_ELIGIBLE: given["when_eligible"]},
        list(pathways.by_name) if pathways else None,
    )
    if "pathways" in fields and not (given["always"].given or given["when_eligible"].given):
        fields["pathways"].problem("pathways names no way at all; give always or when_eligible")
    return found


def _workflows(fields: Fields) -> Mapping[Workflow, Standing]:
    if "workflows" not in fields:
        return dict.fromkeys(Workflow, Standing.ALWAYS)
    given = fields["workflows"].mapping({"always", "when_eligible", "never"})
    lists = {
        Standing.ALWAYS: given["always"],
        Standing.WHEN_ELIGIBLE: given["when_eligible"],
        Standing.NEVER: given["never"],
    }
    return {Workflow(name): standing for name, standing in _standings(lists, list(Workflow)).items()}


def _standings(lists: Mapping[Standing, Node], known: Iterable[str] | None) -> dict[str, Standing]:
    found: dict[str, Standing] = {}
    for standing, node in lists.items():
        for item in node.items(empty=True):
            name = item.text() if known is None else item.one_of(list(known))
            if found.get(name, standing) is not standing:
                item.problem(f"{name} is {found[name]} already; keep one of them")
            elif name:
                found[name] = standing
    return found


def _exception(fields: Fields) -> ExceptionLimit:
    if "exception" not in fields:
        return ExceptionLimit()
    limit = fields["exception"].mapping({"longest", "approved_by"}, {"longest"})
    approvers = limit["approved_by"].some_of(list(Role)) if "approved_by" in limit else (Role.EXCEPTION_OWNER,)
    return ExceptionLimit(limit["longest"].duration() if "longest" in limit else None, tuple(Role(role) for role in approvers))
