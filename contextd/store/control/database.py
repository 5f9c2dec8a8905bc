"""Connections and transactions of the control plane, and its errors in words."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

import sqlalchemy as sa
from sqlalchemy import event, exc

from contextd.store import faults
from contextd.store.control import migrate
from contextd.store.control.errors import ControlUnavailable

_BUSY_SECONDS = 5.0
_CACHE_KIB = 8192


class Database:
    """The control plane's database: read by anyone at any time, written by one thread at a time.

    ``generation`` grows with every change made here that decides something: who keeps what was read drops it when it moves.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.generation = 0
        self._writing = Lock()
        self._engine = sa.create_engine(
            sa.URL.create("sqlite", database=str(path)),
            connect_args={"timeout": _BUSY_SECONDS},
            max_overflow=-1,  # a connection is cheap, waiting for one is not
            json_serializer=to_json,
        )
        event.listen(self._engine, "connect", _configure)
        event.listen(self._engine, "begin", _begin)

    @classmethod
    def open(cls, path: Path) -> Database:
        """Open the database at ``path``, make it (0600) where there is none, and bring its tables up to date.

        ControlUnavailable when it is locked, damaged, not a control plane, on a full disk or cannot be opened; ControlTooNew
        when a newer contextd wrote it.
        """
        try:
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o600))
        except OSError as error:
            raise ControlUnavailable(
                f"cannot open the control plane {path}: {error.strerror}", hint=f"check its folder: ls -la {path.parent}"
            ) from error
        database = cls(path)
        try:
            with database.read() as connection:
                ready = migrate.is_current(connection, path)
            if not ready:
                with database.write() as connection:
                    migrate.upgrade(connection, path)
        except BaseException:
            database.close()
            raise
        return database

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """A transaction that only reads: all of one moment."""
        with self._told("read"), self._engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def write(self, *, decides: bool = True) -> Iterator[sa.Connection]:
        """A transaction that writes: kept as a whole when the block ends, undone when it raises.

        ``decides`` says whether it can change a decision or an answer, as opposed to a record of what was done.
        """
        with self._told("write"), self._writing, self._engine.connect() as connection:
            writer = connection.execution_options(contextd_writes=True)
            with writer.begin():
                yield writer
            self.generation += decides

    @contextmanager
    def _told(self, doing: str) -> Iterator[None]:
        """Turn what the database raises into ControlUnavailable."""
        try:
            yield
        except exc.DBAPIError as error:
            why, hint = faults.explain(error.orig, self.path)
            raise ControlUnavailable(f"cannot {doing} the control plane: {self.path} {why}", hint=hint) from error


def to_json(value: object) -> str:
    """JSON as it is kept: keys in order, no needless space, text as it is."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _configure(connection: sqlite3.Connection, record: object) -> None:  # noqa: ARG001 - SQLAlchemy's signature
    # Transactions are begun below, not by the driver's guess at what writes.
    connection.isolation_level = None
    cursor = connection.cursor()
    # NORMAL: the audit log is what must survive a power cut; this file is then whole, if a moment old, and replayed from it.
    for pragma in ("journal_mode = WAL", "synchronous = NORMAL", f"cache_size = -{_CACHE_KIB}"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(connection: sa.Connection) -> None:
    # A writer takes the lock at once: one that turns into a writer later can be refused without waiting.
    writes = connection.get_execution_options().get("contextd_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
