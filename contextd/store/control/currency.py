"""What is known of the newest snapshot of each ref: how current its documents are, and its context packages."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from contextd.model.finding import Freshness, FreshnessState, Package
from contextd.store.control import schema
from contextd.store.control.database import Database
from contextd.store.control.finding_json import package_body, package_of

_COLUMNS = tuple(field.name for field in fields(Freshness))


class Currency:
    """Freshness by path and packages by component, of one ref of one source each time. Only the newest state is kept."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def record_freshness(self, source: str, ref: str, states: Iterable[tuple[str, Freshness]]) -> int:
        """Take over the states of all documents that have one, each with its component; how many rows that changed.

        A path that is not among them has no state any more.
        """
        table = schema.freshness
        wanted = {state.path: _freshness_row(component, state) for component, state in states}
        here = (table.c.source == source, table.c.ref == ref)
        with self._database.write() as connection:
            query = sa.select(table.c.component, *(table.c[name] for name in _COLUMNS)).where(*here)
            known = {row["path"]: dict(row) for row in connection.execute(query).mappings()}
            stale = [path for path, row in known.items() if wanted.get(path) != row]
            fresh = [row for path, row in wanted.items() if known.get(path) != row]
            if stale:
                gone = sa.delete(table).where(*here, table.c.path == sa.bindparam("key"))
                connection.execute(gone, [{"key": path} for path in stale])
            if fresh:
                connection.execute(sa.insert(table), [{"source": source, "ref": ref, **row} for row in fresh])
        return len({*stale, *(row["path"] for row in fresh)})

    def freshness(self, source: str, ref: str) -> dict[str, Freshness]:
        """States by path."""
        table = schema.freshness
        columns = [table.c[name] for name in _COLUMNS]
        query = sa.select(*columns).where(table.c.source == source, table.c.ref == ref).order_by(table.c.path)
        with self._database.read() as connection:
            rows = connection.execute(query).mappings().all()
        return {row["path"]: Freshness(**{**row, "state": FreshnessState(row["state"])}) for row in rows}

    def record_packages(self, source: str, ref: str, packages: Iterable[Package], at: datetime) -> None:
        """Take over the packages of all components as they were judged at ``at``."""
        table = schema.packages
        rows = [
            {
                "source": source,
                "ref": ref,
                "component": package.component,
                "tier": package.tier,
                "eligible": package.eligible,
                "body": package_body(package),
                "checked_at": at,
            }
            for package in packages
        ]
        with self._database.write() as connection:
            connection.execute(sa.delete(table).where(table.c.source == source, table.c.ref == ref))
            if rows:
                connection.execute(sa.insert(table), rows)

    def checked_at(self, source: str, ref: str) -> datetime | None:
        """When detectors last looked at a ref; None when they never did."""
        table = schema.packages
        query = sa.select(sa.func.max(table.c.checked_at)).where(table.c.source == source, table.c.ref == ref)
        with self._database.read() as connection:
            found: datetime | None = connection.execute(query).scalar_one()
        return found

    def packages(self, source: str, ref: str) -> dict[str, Package]:
        """Packages by component."""
        table = schema.packages
        query = sa.select(table.c.component, table.c.body).where(table.c.source == source, table.c.ref == ref)
        with self._database.read() as connection:
            return {row.component: package_of(row.body) for row in connection.execute(query.order_by(table.c.component))}


def _freshness_row(component: str, state: Freshness) -> dict[str, Any]:
    row = {name: getattr(state, name) for name in _COLUMNS}
    row["state"] = state.state.value
    return {"component": component, **row}
