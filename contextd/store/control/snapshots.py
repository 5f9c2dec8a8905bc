"""The index of snapshots. The shelves are the truth; this follows them and can be made again."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert

from contextd.store.control import schema
from contextd.store.control.database import Database
from contextd.store.control.lookup import whole_id


@dataclass(frozen=True, slots=True)
class SnapshotRow:
    """One snapshot of one ref: its place in the ref's sequence, its id, and what it was made from and under."""

    source: str
    ref: str
    sequence: int
    id: str
    commit: str
    ingest_digest: str
    built_at: datetime


class Snapshots:
    """Snapshots by source, ref and sequence."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def record(self, rows: Collection[SnapshotRow]) -> None:
        """Keep rows as the shelf has them; one that is there already for the same source, ref and sequence is replaced."""
        if not rows:
            return
        statement = insert(schema.snapshots)
        keys = list(schema.snapshots.primary_key.columns)
        changed = {c.name: statement.excluded[c.name] for c in schema.snapshots.columns if c not in keys}
        with self._database.write() as connection:
            connection.execute(
                statement.on_conflict_do_update(index_elements=keys, set_=changed), [asdict(row) for row in rows]
            )

    def head(self, source: str, ref: str) -> SnapshotRow | None:
        """The newest snapshot of a ref; None when there is none."""
        return next(iter(self.find(source, ref, limit=1)), None)

    def find(self, source: str = "", ref: str = "", limit: int | None = None) -> tuple[SnapshotRow, ...]:
        """Snapshots, newest first within each ref; of one source or ref only if it is named."""
        table = schema.snapshots
        query = sa.select(table).order_by(table.c.source, table.c.ref, table.c.sequence.desc()).limit(limit)
        if source:
            query = query.where(table.c.source == source)
        if ref:
            query = query.where(table.c.ref == ref)
        with self._database.read() as connection:
            return tuple(SnapshotRow(**row) for row in connection.execute(query).mappings())

    def get(self, value: str) -> tuple[SnapshotRow, ...]:
        """Where a snapshot stands: every ref and sequence with this id, or with the only one that begins so.

        InvalidInput when it is no such id, RecordUnknown when there is none, IdAmbiguous when there are several ids.
        """
        table = schema.snapshots
        with self._database.read() as connection:
            found = whole_id(connection, table.c.id, value, "ctx1", "snapshot")
            query = sa.select(table).where(table.c.id == found).order_by(table.c.source, table.c.ref, table.c.sequence)
            return tuple(SnapshotRow(**row) for row in connection.execute(query).mappings())
