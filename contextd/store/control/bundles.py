"""Policy bundles as they took effect: the changelog of policy is a comparison of what is kept here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from contextd.store.control import schema
from contextd.store.control.database import Database
from contextd.store.control.errors import RecordUnknown


@dataclass(frozen=True, slots=True)
class BundlePeriod:
    """From when on a bundle was in force, by whom and why. It ended when the next period began."""

    digest: str
    ingest_digest: str
    effective_at: datetime
    by: str
    reason: str


class Bundles:
    """Bundles by digest, and the periods in which they were in force."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def take_effect(
        self, digest: str, ingest_digest: str, files: Mapping[str, bytes], *, by: str, at: datetime, reason: str = ""
    ) -> bool:
        """Record that the bundle with these canonical files (by name) is in force from ``at`` on.

        False, and nothing recorded, when it is the one in force already.
        """
        with self._database.write() as connection:
            last = _periods(connection, 1)
            if last and last[0].digest == digest:
                return False
            known = connection.execute(sa.select(schema.bundles.c.digest).where(schema.bundles.c.digest == digest)).first()
            if known is None:
                connection.execute(sa.insert(schema.bundles), {"digest": digest, "ingest_digest": ingest_digest})
                rows = [{"digest": digest, "name": name, "canonical": form} for name, form in sorted(files.items())]
                if rows:
                    connection.execute(sa.insert(schema.bundle_files), rows)
            period = {"digest": digest, "effective_at": at, "by": by, "reason": reason}
            connection.execute(sa.insert(schema.bundle_periods), period)
        return True

    def in_force(self) -> BundlePeriod | None:
        """The period that has not ended; None when no bundle ever took effect."""
        with self._database.read() as connection:
            return next(iter(_periods(connection, 1)), None)

    def periods(self, limit: int | None = None) -> tuple[BundlePeriod, ...]:
        """Periods, newest first."""
        with self._database.read() as connection:
            return _periods(connection, limit)

    def files(self, digest: str) -> dict[str, bytes]:
        """Canonical files of a bundle by name; RecordUnknown when it never took effect here."""
        table = schema.bundle_files
        with self._database.read() as connection:
            known = connection.execute(sa.select(schema.bundles.c.digest).where(schema.bundles.c.digest == digest)).first()
            if known is None:
                raise RecordUnknown(f"bundle {digest} never took effect here", hint="contextd doctor")
            query = sa.select(table.c.name, table.c.canonical).where(table.c.digest == digest).order_by(table.c.name)
            return {name: bytes(form) for name, form in connection.execute(query)}


def _periods(connection: sa.Connection, limit: int | None) -> tuple[BundlePeriod, ...]:
    periods, bundles = schema.bundle_periods.c, schema.bundles.c
    query = (
        sa.select(periods.digest, bundles.ingest_digest, periods.effective_at, periods.by, periods.reason)
        .join_from(schema.bundle_periods, schema.bundles, periods.digest == bundles.digest)
        .order_by(periods.row_id.desc())
        .limit(limit)
    )
    return tuple(BundlePeriod(**row) for row in connection.execute(query).mappings())
