"""The index of receipts: which audit entry holds which. The audit log is the truth, this can be made again from it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert

from contextd.store.control import events, schema
from contextd.store.control.database import Database
from contextd.store.control.events import Event
from contextd.store.control.lookup import whole_id


@dataclass(frozen=True, slots=True)
class ReceiptRow:
    """Where a receipt is: its whole id, the audit entry that names it, and its signature, which the entry cannot hold."""

    id: str
    audit_index: int
    principal: str
    pathway: str
    session: str
    created_at: datetime
    snapshots: tuple[str, ...]
    key_id: str
    signature: bytes


class Receipts:
    """Receipts by id, session and principal."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def record(self, receipts: Collection[ReceiptRow], decisions: Sequence[Event] = ()) -> None:
        """Keep receipts, and with them the events of their decisions, in one transaction. A receipt that is there stays."""
        with self._database.write(decides=False) as connection:
            if receipts:
                connection.execute(_INSERT, [_row(receipt) for receipt in receipts])
            if decisions:
                connection.execute(_INSERT_EVENT, [events.row_of(event) for event in decisions])

    def get(self, value: str) -> ReceiptRow:
        """The receipt with this id, or with the only one that begins so (8 hex digits or more).

        InvalidInput when it is no such id, RecordUnknown when there is none, IdAmbiguous when there are several.
        """
        with self._database.read() as connection:
            found = whole_id(connection, schema.receipts.c.id, value, "rcpt1", "receipt")
            row = connection.execute(sa.select(schema.receipts).where(schema.receipts.c.id == found)).mappings().one()
        return _receipt(row)

    def find(
        self, principal: str = "", session: str = "", since: datetime | None = None, limit: int = 50
    ) -> tuple[ReceiptRow, ...]:
        """Receipts, newest first; of one principal or session only if it is named."""
        table = schema.receipts
        query = sa.select(table).order_by(table.c.audit_index.desc()).limit(limit)
        if principal:
            query = query.where(table.c.principal == principal)
        if session:
            query = query.where(table.c.session == session)
        if since is not None:
            query = query.where(table.c.created_at >= since)
        with self._database.read() as connection:
            return tuple(_receipt(row) for row in connection.execute(query).mappings())

    def last_audit_index(self) -> int:
        """The largest audit index that is here; -1 when there is none. What the audit log has beyond it is to be replayed."""
        with self._database.read() as connection:
            found = connection.execute(sa.select(sa.func.max(schema.receipts.c.audit_index))).scalar_one()
        return -1 if found is None else int(found)

    def absent(self, indexes: Collection[int]) -> tuple[int, ...]:
        """Those of some audit indexes that are not here, in order: threads may leave gaps when the process dies."""
        if not indexes:
            return ()
        column = schema.receipts.c.audit_index
        query = sa.select(column).where(column.between(min(indexes), max(indexes)))
        with self._database.read() as connection:
            present = set(connection.execute(query).scalars())
        return tuple(sorted(set(indexes) - present))


_INSERT = insert(schema.receipts).on_conflict_do_nothing(index_elements=["id"])
_FIELDS = tuple(field.name for field in fields(ReceiptRow))
_INSERT_EVENT = sa.insert(schema.events)


def _row(receipt: ReceiptRow) -> dict[str, Any]:
    row = {name: getattr(receipt, name) for name in _FIELDS}
    row["snapshots"] = list(receipt.snapshots)
    return row


def _receipt(row: sa.RowMapping) -> ReceiptRow:
    return ReceiptRow(**{**row, "snapshots": tuple(row["snapshots"])})
