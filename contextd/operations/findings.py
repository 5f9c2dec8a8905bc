"""Findings and context packages, as those who may look into a source see them."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from contextd.model.access import Action
from contextd.model.errors import NotFound
from contextd.model.finding import FindingState, Package, Severity
from contextd.model.source import Source
from contextd.operations.plane import Caller, Plane, parts_of, target_of
from contextd.operations.registry import visible_sources
from contextd.operations.restricted import closed_to
from contextd.policy.tiers import Standing
from contextd.store.control.errors import RecordUnknown
from contextd.store.control.findings import FindingRecord

ACTIVE = (FindingState.OPEN, FindingState.ACKNOWLEDGED)


@dataclass(frozen=True, slots=True)
class PackageReport:
    """The package of one component, and what that means: pathways open now, and those that wait for eligibility."""

    source: str
    package: Package
    open_now: tuple[str, ...]
    waiting: tuple[str, ...]
    max_age: timedelta | None
    checked_at: datetime | None


def list_findings(
    plane: Plane,
    caller: Caller,
    source: str = "",
    codes: Collection[str] = (),
    severities: Collection[Severity] = (),
    states: Collection[FindingState] = ACTIVE,
) -> list[FindingRecord]:
    """Findings of a source, or of every source that the caller may look into, by source, path and line.

    Raises:
        NotFound, Refused: the named source is not one that the caller may look into.
    """
    sources = [plane.source(caller, source, Action.INSPECT)] if source else _inspectable(plane, caller)
    found = plane.control.findings.find(source, codes=codes, severities=severities, states=states)
    concerned = {record.source for record in found}
    closed = {one.name: closed_to(plane, caller, one) for one in sources if one.name in concerned}
    return [record for record in found if record.source in closed and not closed[record.source](record.finding.path)]


def show_finding(plane: Plane, caller: Caller, value: str) -> FindingRecord:
    """A finding by its id or a unique prefix, on the first ref that has it.

    Raises:
        InvalidInput, NotFound: no such id, or of a source or document that the caller may not look into.
    """
    sources = {source.name: source for source in _inspectable(plane, caller)}
    with suppress(RecordUnknown):
        for record in plane.control.findings.get(value):
            source = sources.get(record.source)
            if source and not closed_to(plane, caller, source)(record.finding.path):
                return record
    raise NotFound(f"no finding {value} that you can read", hint="contextd findings list")


def check_package(plane: Plane, caller: Caller, name: str) -> list[PackageReport]:
    """The context packages of a source as its head has them, one for each component.

    Raises:
        NotFound, Refused: the source is not one that the caller may look into, or was never crawled.
    """
    source = plane.source(caller, name, Action.INSPECT)
    heads = plane.shelf(name).heads()
    ref = next((ref for ref in source.refs if ref in heads), next(iter(heads), ""))
    if not ref:
        raise NotFound(f"{name} was never crawled", reason="NO_HEAD", hint=f"contextd crawl {name}")
    packages = plane.control.currency.packages(name, ref)
    at = heads[ref].built_at
    return [report(plane, source, part, packages[part], at) for part in parts_of(source) if part in packages]


def report(plane: Plane, source: Source, component: str, package: Package, at: datetime | None) -> PackageReport:
    """What a package means for the pathways of its tier."""
    tier = plane.bundle.tiers[source.descriptor.tier_of(component)]
    always = tuple(name for name, standing in tier.pathways.items() if standing is Standing.ALWAYS)
    waiting = tuple(name for name, standing in tier.pathways.items() if standing is Standing.WHEN_ELIGIBLE)
    open_now = always + waiting if package.eligible else always
    return PackageReport(source.name, package, open_now, () if package.eligible else waiting, tier.package.max_age, at)


def _inspectable(plane: Plane, caller: Caller) -> list[Source]:
    """The sources that the caller may look into. Nothing is recorded: nothing was asked for by name."""
    sources = visible_sources(plane, caller)
    return [source for source in sources if plane.decide(caller, Action.INSPECT, target_of(source)).allowed]
