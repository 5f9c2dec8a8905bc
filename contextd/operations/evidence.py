"""What follows a published snapshot downstream: the control plane's index, boundary hits, events, and the audit entry.

The shelf is the truth. Each step here can be made again from it, and is, when a process died in between: see ``catch_up``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from contextd.model.snapshot import Snapshot
from contextd.operations.plane import Caller, Plane, stamp
from contextd.operations.serving import receipt_from, row_of
from contextd.snapshot.receipt import signed_bytes
from contextd.store.control.boundary_hits import BoundaryHit
from contextd.store.control.events import Event
from contextd.store.control.snapshots import SnapshotRow
from contextd.store.shelf.schema import ShelfUnusable
from contextd.store.shelf.shelf import Shelf

DAEMON = Caller("contextd", ())
"""Who acts when nobody asked: recovery after a crash."""


def record_snapshot(
    plane: Plane, caller: Caller, snapshot: Snapshot, shelf: Shelf, paths: Collection[str] | None = None
) -> None:
    """Record a published snapshot: hits and events, then the audit entry, then the index row that says all of it is done.

    ``paths`` are those that the crawl looked at; without it, all were.
    """
    hits = list(_hits(snapshot, shelf, paths))
    plane.control.boundary_hits.record(
        snapshot.source,
        snapshot.ref,
        snapshot.sequence,
        hits,
        bundle=snapshot.ingest_digest,
        at=snapshot.built_at,
        paths=paths,
    )
    plane.control.events.record(_events(snapshot, hits))
    plane.record(
        "snapshot-published",
        caller,
        snapshot.id,
        source=snapshot.source,
        ref=snapshot.ref,
        sequence=snapshot.sequence,
        commit=snapshot.commit,
        ingest_digest=snapshot.ingest_digest,
        pipeline=snapshot.pipeline,
        as_of=stamp(snapshot.as_of),
        documents=snapshot.documents,
        excluded=snapshot.excluded,
        redacted=snapshot.redacted,
    )
    plane.control.snapshots.record([_index_row(snapshot)])


def catch_up(plane: Plane) -> int:
    """Record what a process that died left unrecorded, and return how many things that were.

    Published snapshots that the control plane does not know are recorded; answers that the audit log holds and the index of
    receipts does not get their row, with the signature made again.
    """
    done = 0
    for source in plane.sources():
        known = set(plane.control.snapshots.find(source.name))
        try:
            shelf = plane.shelf(source.name)
            missing = [snapshot for snapshot in shelf.snapshots() if _index_row(snapshot) not in known]
        except ShelfUnusable:
            continue  # told to whoever wants something of this source; the others are not stopped by it
        for snapshot in sorted(missing, key=lambda s: (s.ref, s.sequence)):
            if _audited(plane, snapshot):
                plane.control.snapshots.record([_index_row(snapshot)])
            else:
                record_snapshot(plane, DAEMON, snapshot, shelf)
            done += 1
    rows = []
    for entry in plane.audit.entries(plane.control.receipts.last_audit_index() + 1, kinds=("served",)):
        event = entry.event
        signature = plane.signer.sign(signed_bytes(event["subject"], entry.index))
        rows.append(row_of(receipt_from(event, entry.index, plane.signer.key_id, signature)))
    plane.control.receipts.record(rows)
    return done + len(rows)


def _index_row(snapshot: Snapshot) -> SnapshotRow:
    s = snapshot
    return SnapshotRow(s.source, s.ref, s.sequence, s.id, s.commit, s.ingest_digest, s.built_at)


def _audited(plane: Plane, snapshot: Snapshot) -> bool:
    """Whether the audit log has this publication already, so that only the index row is missing."""
    wanted = (snapshot.ref, snapshot.sequence, stamp(snapshot.as_of))
    events = (plane.audit.entry(index).event for index in plane.audit.find(snapshot.id, "snapshot-published"))
    return any((event["ref"], event["sequence"], event["as_of"]) == wanted for event in events)


def _hits(snapshot: Snapshot, shelf: Shelf, paths: Collection[str] | None) -> Iterator[BoundaryHit]:
    for excluded in shelf.exclusions(snapshot.ref, snapshot.sequence, paths):
        rule, where = excluded.rule, excluded.where
        yield BoundaryHit(excluded.path, "exclusion", rule, excluded.code, where, component=excluded.component)
    for path, component, redaction in shelf.redactions(snapshot.ref, snapshot.sequence, paths):
        kind, line = redaction.kind.value, redaction.line
        yield BoundaryHit(path, kind, redaction.rule, line=line, fingerprint=redaction.fingerprint, component=component)


def _events(snapshot: Snapshot, hits: list[BoundaryHit]) -> Iterator[Event]:
    """One event for the crawl, one for each rule that acted, counted by component."""
    tier = snapshot.descriptor.tier_of
    body = {
        "ref": snapshot.ref,
        "snapshot": snapshot.id,
        "documents": snapshot.documents,
        "excluded": snapshot.excluded,
        "redacted": snapshot.redacted,
        "bytes": snapshot.bytes,
    }
    yield Event(snapshot.built_at, "crawl", snapshot.source, "", snapshot.descriptor.tier, body)
    counts: dict[tuple[str, str, str], int] = {}
    for hit in hits:
        key = ("exclusion" if hit.kind == "exclusion" else "redaction", hit.component, hit.code or hit.rule)
        counts[key] = counts.get(key, 0) + hit.count
    for (kind, component, rule), count in sorted(counts.items()):
        yield Event(snapshot.built_at, kind, snapshot.source, component, tier(component), {"rule": rule, "count": count})
