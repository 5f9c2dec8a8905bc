"""Running the detectors over a published snapshot, and keeping what they say."""

from __future__ import annotations

from contextd.detect.detection import detect
from contextd.model.finding import History
from contextd.model.snapshot import Snapshot
from contextd.model.source import REST, Source
from contextd.operations.corpus import ShelfCorpus
from contextd.operations.plane import Plane
from contextd.store.control.events import Event
from contextd.store.shelf.shelf import Shelf


def run_detectors(plane: Plane, source: Source, snapshot: Snapshot, shelf: Shelf, history: History) -> tuple[int, int]:
    """Look for what is stale, gone, wrong or missing; returns how many findings opened (again) and how many were resolved."""
    now = plane.now()
    corpus = ShelfCorpus(shelf, snapshot)
    requirements = {tier: rules.package for tier, rules in plane.bundle.tiers.items()}
    found = detect(corpus, history, plane.bundle.freshness, plane.bundle.drift, requirements, now)
    recorded = plane.control.findings.record(source.name, snapshot.ref, snapshot.id, found.findings, now)
    states = [(corpus.component(state.path), state) for state in found.freshness]
    plane.control.currency.record_freshness(source.name, snapshot.ref, states)
    plane.control.currency.record_packages(source.name, snapshot.ref, found.packages, now)
    tier = snapshot.descriptor.tier_of
    plane.control.events.record(
        Event(
            now,
            "verdict",
            source.name,
            package.component or REST,
            tier(package.component),
            {"package": "eligible" if package.eligible else "not-eligible", "lacks": list(package.lacking)},
        )
        for package in found.packages
    )
    body = {"opened": len(recorded.opened), "reopened": len(recorded.reopened), "resolved": len(recorded.resolved)}
    plane.control.events.record([Event(now, "detection", source.name, "", snapshot.descriptor.tier, body)])
    return len(recorded.opened) + len(recorded.reopened), len(recorded.resolved)
