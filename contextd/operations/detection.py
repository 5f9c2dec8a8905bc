"""Running the detectors over a published snapshot, and keeping what they say."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import timedelta

from contextd.crawl.listing import NOT_GIT
from contextd.detect.detection import NotChecked, detect
from contextd.model.finding import Finding, FindingState, History
from contextd.model.snapshot import Snapshot
from contextd.model.source import REST, Source
from contextd.operations.corpus import Looked, ShelfCorpus
from contextd.operations.plane import Plane
from contextd.store.control.events import Event
from contextd.store.shelf.shelf import Shelf

LOOK_AGAIN = timedelta(hours=1)
"""What time alone can turn (a document falls due) is looked at again after this long, whatever changed."""


def still_holds(plane: Plane, snapshot: Snapshot, touched: Collection[str] | None, *, paths_changed: bool) -> bool:
    """Whether a crawl left everything alone that detectors look at, so that what they said of the ref still holds.

    ``touched`` are the paths that changed, None when everything was looked at; ``paths_changed`` whether any came or went.
    """
    last = plane.looked.get((snapshot.source, snapshot.ref))
    if last is None or touched is None or paths_changed:
        return False
    same = (last.rules, last.descriptor) == (plane.bundle.digest, snapshot.descriptor)
    return same and plane.now() - last.at < LOOK_AGAIN and last.asked.isdisjoint(touched)


def run_detectors(plane: Plane, source: Source, snapshot: Snapshot, shelf: Shelf, history: History) -> tuple[int, int]:
    """Look for what is stale, gone, wrong or missing; returns how many findings opened (again) and how many were resolved."""
    now = plane.now()
    corpus = ShelfCorpus(shelf, snapshot)
    requirements = {tier: rules.package for tier, rules in plane.bundle.tiers.items()}
    commit = "" if snapshot.commit == NOT_GIT else snapshot.commit
    found = detect(corpus, history, plane.bundle.freshness, plane.bundle.drift, requirements, now, commit=commit)
    plane.looked[source.name, snapshot.ref] = Looked(now, plane.bundle.digest, snapshot.descriptor, frozenset(corpus.asked))
    kept = _unchecked(plane, source.name, snapshot.ref, found.not_checked)
    recorded = plane.control.findings.record(source.name, snapshot.ref, snapshot.id, [*found.findings, *kept], now)
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
    body = {
        "opened": len(recorded.opened),
        "reopened": len(recorded.reopened),
        "resolved": len(recorded.resolved),
        "not_checked": [f"{', '.join(one.codes)} {one.path}: {plane.redact(one.why)}" for one in found.not_checked],
    }
    plane.control.events.record([Event(now, "detection", source.name, "", snapshot.descriptor.tier, body)])
    return len(recorded.opened) + len(recorded.reopened), len(recorded.resolved)


def _unchecked(plane: Plane, source: str, ref: str, not_checked: Sequence[NotChecked]) -> Iterator[Finding]:
    """What was found before where a detector now failed: it could not say that anything is mended."""
    for one in not_checked:
        for record in plane.control.findings.find(source, ref, codes=one.codes):
            if record.finding.path == one.path and record.state is not FindingState.RESOLVED:
                yield record.finding
