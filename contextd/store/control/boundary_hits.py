"""What the boundary did: which files it excluded and which spans it redacted, since when and until when. Never a value."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import astuple, dataclass, fields
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from contextd.store.control import schema
from contextd.store.control.database import Database

_TABLE = schema.boundary_hits
_CHUNK = 500


@dataclass(frozen=True, slots=True)
class BoundaryHit:
    """What a rule did at a path.

    ``kind`` is exclusion, secret, pii or zone. ``code`` is the ``EXCL-*`` code of an exclusion, empty for a redaction; ``rule``
    names the rule and ``where`` the place in the bundle where it stands. ``line`` is 0 for a whole file, ``count`` how many
    there are on it, ``fingerprint`` the keyed one of what was cut out.
    """

    path: str
    kind: str
    rule: str
    code: str = ""
    where: str = ""
    line: int = 0
    count: int = 1
    fingerprint: str = ""
    component: str = ""


@dataclass(frozen=True, slots=True)
class RecordedHit:
    """A hit of one ref with the snapshots and instants between which it stood; no end while it still does.

    ``bundle`` is the digest of the bundle under which it was first seen.
    """

    source: str
    ref: str
    hit: BoundaryHit
    bundle: str
    since_sequence: int
    since: datetime
    until_sequence: int | None
    until: datetime | None


_HIT = tuple(field.name for field in fields(BoundaryHit))


class BoundaryHits:
    """Hits as intervals over the snapshots of a ref: a crawl that changed one file writes that file's rows only."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def record(
        self,
        source: str,
        ref: str,
        sequence: int,
        hits: Iterable[BoundaryHit],
        *,
        bundle: str,
        at: datetime,
        paths: Collection[str] | None = None,
    ) -> tuple[int, int]:
        """Take over the hits of snapshot ``sequence``; how many began and how many ended with it.

        ``paths`` are those that were looked at (removed ones included); hits elsewhere stand as they
        were. Without it, all were.
        """
        wanted = {astuple(hit) for hit in hits}
        with self._database.write(decides=False) as connection:
            known = _standing(connection, source, ref, paths)
            begun = sorted(wanted - known.keys())
            ended = sorted(row_id for hit, row_ids in known.items() for row_id in row_ids if hit not in wanted)
            if ended:
                over = sa.update(_TABLE).where(_TABLE.c.row_id == sa.bindparam("key"))
                connection.execute(over.values(until_sequence=sequence, until=at), [{"key": row_id} for row_id in ended])
            if begun:
                fixed = {"source": source, "ref": ref, "bundle": bundle, "since_sequence": sequence, "since": at}
                connection.execute(sa.insert(_TABLE), [{**dict(zip(_HIT, hit, strict=True)), **fixed} for hit in begun])
        return len(begun), len(ended)

    def find(
        self,
        source: str = "",
        ref: str = "",
        *,
        kinds: Collection[str] = (),
        rules: Collection[str] = (),
        since: datetime | None = None,
        standing: bool = True,
        limit: int | None = None,
    ) -> tuple[RecordedHit, ...]:
        """Hits by source, ref, path and line; narrowed only by what is given, and to those that still stand unless told not to.

        ``since`` leaves out what began before it.
        """
        columns = _TABLE.c
        query = sa.select(_TABLE).order_by(columns.source, columns.ref, columns.path, columns.line, columns.row_id).limit(limit)
        if source:
            query = query.where(columns.source == source)
        if ref:
            query = query.where(columns.ref == ref)
        if kinds:
            query = query.where(columns.kind.in_(sorted(kinds)))
        if rules:
            query = query.where(columns.rule.in_(sorted(rules)))
        if since is not None:
            query = query.where(columns.since >= since)
        if standing:
            query = query.where(columns.until_sequence.is_(None))
        kept = [name for name in RecordedHit.__slots__ if name != "hit"]
        with self._database.read() as connection:
            rows = connection.execute(query).mappings().all()
        return tuple(
            RecordedHit(hit=BoundaryHit(**{name: row[name] for name in _HIT}), **{name: row[name] for name in kept})
            for row in rows
        )


def _standing(
    connection: sa.Connection, source: str, ref: str, paths: Collection[str] | None
) -> dict[tuple[Any, ...], list[int]]:
    """Rows of the hits that have no end yet, by hit; of some paths only if they are given."""
    query = sa.select(*(_TABLE.c[name] for name in _HIT), _TABLE.c.row_id).where(
        _TABLE.c.source == source, _TABLE.c.ref == ref, _TABLE.c.until_sequence.is_(None)
    )
    standing: dict[tuple[Any, ...], list[int]] = {}
    ordered = None if paths is None else sorted(paths)
    chunks = [query] if ordered is None else [
        query.where(_TABLE.c.path.in_(ordered[start : start + _CHUNK])) for start in range(0, len(ordered), _CHUNK)
    ]  # fmt: skip
    for chunk in chunks:
        for *hit, row_id in connection.execute(chunk):
            standing.setdefault(tuple(hit), []).append(row_id)
    return standing
