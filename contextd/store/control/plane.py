"""The control plane of a home: one database, and a repository for each thing that is kept in it."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Self

from contextd.store.control.boundary_hits import BoundaryHits
from contextd.store.control.bundles import Bundles
from contextd.store.control.currency import Currency
from contextd.store.control.database import Database
from contextd.store.control.events import Event, Events
from contextd.store.control.findings import Findings
from contextd.store.control.jobs import Jobs
from contextd.store.control.people import People
from contextd.store.control.receipts import ReceiptRow, Receipts
from contextd.store.control.snapshots import Snapshots
from contextd.store.control.sources import Sources


class Control:
    """Registry, people, policy history, findings, events and indexes. Any thread may call anything.

    Open it with ``Control.open`` and close it when done (it is a context manager).
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self.sources = Sources(database)
        self.people = People(database)
        self.bundles = Bundles(database)
        self.snapshots = Snapshots(database)
        self.findings = Findings(database)
        self.currency = Currency(database)
        self.events = Events(database)
        self.boundary_hits = BoundaryHits(database)
        self.receipts = Receipts(database)
        self.jobs = Jobs(database)

    @classmethod
    def open(cls, path: Path) -> Control:
        """Open the control plane at ``path``, make it (0600) where there is none, and bring its tables up to date.

        ControlUnavailable when the database is locked, damaged, something else or cannot be opened; ControlTooNew when a newer
        contextd wrote it.
        """
        return cls(Database.open(path))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close every connection."""
        self._database.close()

    @property
    def generation(self) -> int:
        """A number that grows with every change made through this object that can change a decision or an answer.

        Until it does, what was read of sources, people, policy, findings and currency holds.
        """
        return self._database.generation

    def record_answer(self, receipt: ReceiptRow | None, *decisions: Event) -> None:
        """Keep the receipt of an answer (none for a refusal) and the events of its decisions, in one transaction.

        Durable against a crash of the process, not against a power cut: what is lost then is replayed from the audit log.
        """
        self.receipts.record([receipt] if receipt is not None else [], decisions)
