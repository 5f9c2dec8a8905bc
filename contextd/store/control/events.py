"""Measurement events: decisions, verdicts, exclusions, redactions and crawls as they happened, for counting later."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from contextd.store.control import schema
from contextd.store.control.database import Database


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened: when, what (``decision``, ``exclusion``, ``crawl``…), where and at which tier; the rest is JSON.

    ``source``, ``component`` and ``tier`` are empty, empty and 0 for what concerns the home itself.
    """

    time: datetime
    kind: str
    source: str = ""
    component: str = ""
    tier: int = 0
    body: Mapping[str, Any] = field(default_factory=dict)


class Events:
    """Events in the order in which they were recorded. They are never changed."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def record(self, events: Iterable[Event]) -> None:
        """Keep events, all or none; made for thousands at a time."""
        rows = [row_of(event) for event in events]
        if rows:
            with self._database.write(decides=False) as connection:
                connection.execute(sa.insert(schema.events), rows)

    def find(
        self,
        kind: str = "",
        source: str = "",
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int | None = None,
    ) -> Iterator[Event]:
        """Events from ``since`` until before ``until``, oldest first; those of one kind or source only if it is named."""
        query = self._narrowed(sa.select(schema.events), kind, source, since, until)
        query = query.order_by(schema.events.c.time, schema.events.c.row_id).limit(limit)
        with self._database.read() as connection:
            rows = connection.execute(query).mappings().all()
        for row in rows:
            yield Event(row["time"], row["kind"], row["source"], row["component"], row["tier"], row["body"])

    def count(
        self, kind: str = "", source: str = "", since: datetime | None = None, until: datetime | None = None
    ) -> dict[tuple[str, str, int], int]:
        """How many there are by (kind, component, tier), within the same bounds as ``find``."""
        columns = (schema.events.c.kind, schema.events.c.component, schema.events.c.tier)
        query = self._narrowed(sa.select(*columns, sa.func.count()), kind, source, since, until).group_by(*columns)
        with self._database.read() as connection:
            return {(kind, component, tier): number for kind, component, tier, number in connection.execute(query)}

    @staticmethod
    def _narrowed(
        query: sa.Select[Any], kind: str, source: str, since: datetime | None, until: datetime | None
    ) -> sa.Select[Any]:
        table = schema.events
        if kind:
            query = query.where(table.c.kind == kind)
        if source:
            query = query.where(table.c.source == source)
        if since is not None:
            query = query.where(table.c.time >= since)
        if until is not None:
            query = query.where(table.c.time < until)
        return query


def row_of(event: Event) -> dict[str, Any]:
    """The row of an event."""
    return {
        "time": event.time,
        "kind": event.kind,
        "source": event.source,
        "component": event.component,
        "tier": event.tier,
        "body": dict(event.body),
    }
