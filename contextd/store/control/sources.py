"""The registry: sources as they are now, and what happened to them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from typing import Any

import sqlalchemy as sa

from contextd.model.source import Component, ContentKind, Descriptor, Sensitivity, Source, SourceKind, SourceState
from contextd.store.control import schema
from contextd.store.control.database import Database, to_json
from contextd.store.control.errors import EtagMismatch, SourceExists, SourceUnknown

_ETAG = 16


@dataclass(frozen=True, slots=True)
class SourceEvent:
    """A step in the life of a source: what was done, the state it led to, by whom and why."""

    source: str
    at: datetime
    action: str
    state: SourceState
    principal: str
    reason: str


class Sources:
    """Registered sources. Whether a step is allowed is decided elsewhere; here it is kept, with its history."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, source: Source) -> Source:
        """Keep a new source and return it with its etag. SourceExists when the name is taken."""
        row = _row(source)
        with self._database.write() as connection:
            if connection.execute(sa.select(schema.sources.c.name).where(schema.sources.c.name == source.name)).first():
                raise SourceExists(f"there is a source {source.name} already", hint=f"contextd source show {source.name}")
            connection.execute(sa.insert(schema.sources), row)
            _record(connection, source, "propose", source.requested_by, source.created_at)
        return replace(source, etag=row["etag"])

    def get(self, name: str) -> Source:
        """The source of this name; SourceUnknown when there is none."""
        with self._database.read() as connection:
            return _get(connection, name)

    def find(self, states: Collection[SourceState] = (), tiers: Collection[int] = ()) -> tuple[Source, ...]:
        """Sources by name, of some states and tiers only if any are named."""
        query = sa.select(schema.sources).order_by(schema.sources.c.name)
        if states:
            query = query.where(schema.sources.c.state.in_(sorted(states)))
        if tiers:
            query = query.where(schema.sources.c.tier.in_(sorted(tiers)))
        with self._database.read() as connection:
            return tuple(_source(row) for row in connection.execute(query).mappings())

    def update(self, source: Source, *, action: str, by: str, at: datetime, reason: str = "") -> Source:
        """Keep ``source`` as it now is, and the step that led there (``approve``, ``suspend``…); return it with its new etag.

        ``source.etag`` is that of the source as it was read: EtagMismatch when it was changed since, SourceUnknown when it is
        not registered.
        """
        row = _row(source)
        with self._database.write() as connection:
            if _get(connection, source.name).etag != source.etag:
                raise EtagMismatch(
                    f"source {source.name} was changed since it was read",
                    hint=f"contextd source show {source.name}, then again",
                )
            connection.execute(sa.update(schema.sources).where(schema.sources.c.name == source.name).values(row))
            _record(connection, source, action, by, at, reason)
        return replace(source, etag=row["etag"])

    def life(self, name: str) -> tuple[SourceEvent, ...]:
        """What happened to a source, oldest first; empty when it was never registered."""
        table = schema.source_events
        query = sa.select(table).where(table.c.source == name).order_by(table.c.row_id)
        with self._database.read() as connection:
            rows = connection.execute(query).mappings().all()
        return tuple(
            SourceEvent(r["source"], r["at"], r["action"], SourceState(r["state"]), r["principal"], r["reason"]) for r in rows
        )


def _get(connection: sa.Connection, name: str) -> Source:
    row = connection.execute(sa.select(schema.sources).where(schema.sources.c.name == name)).mappings().first()
    if row is None:
        raise SourceUnknown(f'there is no source "{name}"', hint="contextd source list")
    return _source(row)


def _record(connection: sa.Connection, source: Source, action: str, by: str, at: datetime, reason: str = "") -> None:
    row = {"source": source.name, "at": at, "action": action, "state": source.state.value, "principal": by, "reason": reason}
    connection.execute(sa.insert(schema.source_events), row)


def _row(source: Source) -> dict[str, Any]:
    """The row of a source, with the etag that its other columns make."""
    descriptor = source.descriptor
    row: dict[str, Any] = {
        "name": source.name,
        "kind": descriptor.kind.value,
        "content": descriptor.content.value,
        "tier": descriptor.tier,
        "components": [[c.name, list(c.paths), c.tier, c.owner] for c in descriptor.components],
        "location": source.location,
        "owner": source.owner,
        "maintainer": source.maintainer,
        "sensitivity": source.sensitivity.value,
        "refs": list(source.refs),
        "every": source.every,
        "state": source.state.value,
        "requested_by": source.requested_by,
        "created_at": source.created_at,
        "decided_by": source.decided_by,
        "decided_at": source.decided_at,
        "reason": source.reason,
        "review_by": source.review_by,
    }
    plain = {name: schema.micros(value) if isinstance(value, datetime) else value for name, value in row.items()}
    return {**row, "etag": sha256(to_json(plain).encode()).hexdigest()[:_ETAG]}


def _source(row: sa.RowMapping) -> Source:
    components = tuple(Component(name, tuple(paths), tier, owner) for name, paths, tier, owner in row["components"])
    return Source(
        descriptor=Descriptor(row["name"], SourceKind(row["kind"]), ContentKind(row["content"]), row["tier"], components),
        location=row["location"],
        owner=row["owner"],
        maintainer=row["maintainer"],
        sensitivity=Sensitivity(row["sensitivity"]),
        refs=tuple(row["refs"]),
        state=SourceState(row["state"]),
        requested_by=row["requested_by"],
        created_at=row["created_at"],
        every=row["every"],
        decided_by=row["decided_by"],
        decided_at=row["decided_at"],
        reason=row["reason"],
        review_by=row["review_by"],
        etag=row["etag"],
    )
