"""The life of sources: proposed, approved, suspended; each step decided by the permit function and recorded."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from contextd.crawl.opening import open_source
from contextd.model.access import Action, Target
from contextd.model.errors import InvalidInput, Refused
from contextd.model.names import checked_name, checked_principal
from contextd.model.source import REST, Component, ContentKind, Descriptor, Sensitivity, Source, SourceKind, SourceState
from contextd.operations.plane import Caller, Plane

_COMPONENT = "--component admin-ui=ui/,web/:1:team-ui"
_OPEN_TO_APPROVAL = {SourceState.PROPOSED, SourceState.REVIEWED, SourceState.SUSPENDED, SourceState.APPROVED}


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a person says of a source that they want registered."""

    name: str
    location: str
    kind: SourceKind
    content: ContentKind
    tier: int
    owner: str
    maintainer: str = ""
    refs: tuple[str, ...] = ()
    components: tuple[Component, ...] = ()
    sensitivity: Sensitivity = Sensitivity.UNKNOWN
    every: str = "24h"


def propose(plane: Plane, caller: Caller, proposal: Proposal, *, dry_run: bool = False) -> Source:
    """Register a source as proposed. Its location is looked at once, so that what cannot be read is not registered.

    Raises:
        InvalidInput: a name, tier, component or location that cannot be meant, or the name is taken.
        Refused: the caller may not propose sources; recorded.
    """
    plane.require(caller, Action.PROPOSE, Target(tier=_checked_tier(proposal.tier), owner=proposal.owner))
    descriptor = Descriptor(
        checked_name(proposal.name),
        proposal.kind,
        proposal.content,
        proposal.tier,
        _checked(proposal.components),
    )
    crawler = open_source(proposal.kind, proposal.location, proposal.refs)
    source = Source(
        descriptor=descriptor,
        location=proposal.location,
        owner=checked_principal(proposal.owner),
        maintainer=checked_principal(proposal.maintainer or proposal.owner),
        sensitivity=proposal.sensitivity,
        refs=proposal.refs or (tuple(crawler.refs()) if proposal.kind is SourceKind.GIT else ()),
        state=SourceState.PROPOSED,
        requested_by=caller.principal,
        created_at=plane.now(),
        every=proposal.every,
    )
    if dry_run:
        return source
    source = plane.control.sources.add(source)
    facts = {"tier": source.descriptor.tier, "location": source.location, "owner": source.owner, "etag": source.etag}
    plane.record("source-proposed", caller, f"sources/{source.name}", state=source.state.value, **facts)
    return source


def approve(
    plane: Plane, caller: Caller, name: str, reason: str, review_by: datetime | None = None, *, dry_run: bool = False
) -> Source:
    """Approve a source until its review. Where its tier wants four eyes, who proposed it may not.

    Raises:
        NotFound: there is no such source, or the caller may not know of it.
        Refused: the caller may not approve it (recorded), or it is retired or rejected.
        InvalidInput: the review would be in the past, or later than the tier allows.
    """
    source = plane.source(caller, name, Action.APPROVE)
    if source.state not in _OPEN_TO_APPROVAL:
        raise Refused(
            f"{name} is {source.state.value} and cannot be approved",
            reason="SOURCE_NOT_APPROVED",
            hint="propose it under a new name",
        )
    now = plane.now()
    longest = min(_review_every(plane, tier) for tier in _tiers(source))
    until = review_by or now + longest
    if not now < until <= now + longest:
        raise InvalidInput(
            f"a review by {until:%Y-%m-%d} is not within the {longest.days} days that tier {max(_tiers(source))} allows",
            hint=f"--review-by {longest.days}d or less",
            field="review_by",
        )
    moved = replace(source, state=SourceState.APPROVED, review_by=until, reason=plane.redact(reason))
    return moved if dry_run else _move(plane, caller, source, moved, "approve")


def suspend(plane: Plane, caller: Caller, name: str, reason: str, *, dry_run: bool = False) -> Source:
    """Stop serving and crawling a source at once; what was crawled stays, and approving it again opens it again.

    Raises:
        NotFound, Refused: there is no such source, or the caller may not suspend it; or it is not approved.
    """
    source = plane.source(caller, name, Action.SUSPEND)
    if source.state is not SourceState.APPROVED:
        raise Refused(
            f"{name} is {source.state.value}; only an approved source can be suspended",
            reason="SOURCE_NOT_APPROVED",
            hint=f"contextd source show {name}",
        )
    moved = replace(source, state=SourceState.SUSPENDED, reason=plane.redact(reason))
    return moved if dry_run else _move(plane, caller, source, moved, "suspend")


def visible_sources(plane: Plane, caller: Caller) -> list[Source]:
    """The sources that the caller may know of, by name. Nothing is recorded."""
    return [source for source in plane.sources() if plane.may_know(caller, source)]


def own_request(source: Source) -> bool:
    """Whether who approved a source also proposed it."""
    return source.decided_by == source.requested_by


def _move(plane: Plane, caller: Caller, source: Source, moved: Source, action: str) -> Source:
    now, by = plane.now(), caller.principal
    moved = replace(moved, decided_by=by, decided_at=now)
    moved = plane.control.sources.update(moved, action=action, by=by, at=now, reason=moved.reason)
    until = "" if moved.review_by is None else f"{moved.review_by:%Y-%m-%dT%H:%M:%SZ}"
    facts = {"before": source.state.value, "after": moved.state.value, "reason": moved.reason, "tier": moved.descriptor.tier}
    plane.record(f"source-{action}", caller, f"sources/{source.name}", review_by=until, **facts)
    return moved


def _review_every(plane: Plane, tier: int) -> timedelta:
    return plane.bundle.tiers[tier].approval.review_every


def _tiers(source: Source) -> set[int]:
    return {source.descriptor.tier, *(component.tier for component in source.descriptor.components)}


def _checked_tier(tier: int) -> int:
    if tier not in range(1, 5):
        raise InvalidInput(f"tier {tier} is none: 1 is the least risk, 4 the most", hint="--tier 1..4", field="tier")
    return tier


def _checked(components: tuple[Component, ...]) -> tuple[Component, ...]:
    seen: set[str] = set()
    for component in components:
        checked_name(component.name, "component")
        _checked_tier(component.tier)
        checked_principal(component.owner)
        if component.name in seen:
            raise InvalidInput(f"component {component.name} is named twice", hint=_COMPONENT, field="component")
        if component.name == REST or not component.paths:
            message = f"component {component.name} needs paths, and a name other than {REST}"
            raise InvalidInput(message, hint=_COMPONENT, field="component")
        seen.add(component.name)
    return components
