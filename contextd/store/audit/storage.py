"""How the log lies in SQLite.

Row ``idx`` of ``entries`` holds the event and, in ``hashes``, those of the perfect subtrees that it completes: its own leaf
hash, then one for each level that ends with it, 32 bytes each. So the subtree at level ``l`` and position ``p`` stands in row
``(p + 1)·2^l - 1`` at byte ``32·l``; proofs and the frontier are read from O(log n) rows, and an append writes one row.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock

from contextd.merkle import rfc6962
from contextd.model.errors import InvalidInput
from contextd.store import faults
from contextd.store.audit.errors import AuditDamaged, AuditUnavailable
from contextd.store.audit.head import TreeHead, parse_head

HASH = 32
_APPLICATION = int.from_bytes(b"ctxa", "big")
_FORMAT = 1
_BUSY_SECONDS = 5.0
_CHECKPOINT_PAGES = 4000
_SCHEMA = """
CREATE TABLE entries (
    idx INTEGER PRIMARY KEY, kind TEXT NOT NULL, subject TEXT NOT NULL, data BLOB NOT NULL, hashes BLOB NOT NULL
);
CREATE INDEX entries_by_kind ON entries (kind, idx);
CREATE INDEX entries_by_subject ON entries (subject, idx);
CREATE TABLE heads (size INTEGER PRIMARY KEY, note TEXT NOT NULL);
CREATE TRIGGER entries_stay BEFORE UPDATE ON entries BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER entries_last BEFORE DELETE ON entries BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER heads_stay BEFORE UPDATE ON heads BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER heads_last BEFORE DELETE ON heads BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
"""


def create_if_absent(path: Path) -> None:
    """Make an empty file with mode 0600 unless there is one, so that SQLite gives its companions the same mode."""
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        return
    os.close(descriptor)


def connect(path: Path) -> sqlite3.Connection:
    """Open the file for autocommit, usable from any thread, each transaction begun by hand. Raises sqlite3.Error."""
    db = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    db.execute("PRAGMA synchronous = FULL")
    db.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
    return db


def prepare(db: sqlite3.Connection, path: Path) -> None:
    """Make the tables of a new file; check those of another. AuditDamaged when it is not an audit log, or a newer one."""
    application, found = (db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version"))
    if (application, found) == (_APPLICATION, _FORMAT):
        return
    if application == _APPLICATION and found > _FORMAT:
        raise AuditDamaged(
            f"{path} has format {found}; this contextd knows {_FORMAT}", hint="install the version of contextd that wrote it"
        )
    if application or found or db.execute("SELECT 1 FROM sqlite_master").fetchone():
        raise AuditDamaged(
            f"{path} is a database, but not an audit log", hint=f"move it away, or restore {path.name} from a backup"
        )
    db.execute("PRAGMA journal_mode = WAL")
    db.executescript(f"BEGIN IMMEDIATE;{_SCHEMA}PRAGMA application_id = {_APPLICATION};PRAGMA user_version = {_FORMAT};COMMIT;")
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def size_of(db: sqlite3.Connection) -> int:
    """One more than the largest index."""
    (largest,) = db.execute("SELECT max(idx) FROM entries").fetchone()
    return 0 if largest is None else int(largest) + 1


def subtrees_of(db: sqlite3.Connection) -> rfc6962.Subtree:
    """The perfect subtrees as recorded. Reading one raises AuditDamaged when its row is gone or cut short."""

    def subtree(level: int, position: int) -> bytes:
        index = ((position + 1) << level) - 1
        row = db.execute("SELECT substr(hashes, ?, ?) FROM entries WHERE idx = ?", (HASH * level + 1, HASH, index)).fetchone()
        if row is None or not isinstance(row[0], bytes) or len(row[0]) != HASH:
            raise AuditDamaged(f"audit entry {index} is missing or cut short", hint="contextd audit verify")
        return row[0]

    return subtree


def newest_head(db: sqlite3.Connection) -> TreeHead | None:
    """The signed head over the most entries; None when there is none. AuditDamaged when it cannot be read."""
    return next(iter(_heads(db, "ORDER BY size DESC LIMIT 1")), None)


def signed_heads(db: sqlite3.Connection) -> list[TreeHead]:
    """Every signed head, oldest first. AuditDamaged when one cannot be read."""
    return _heads(db, "ORDER BY size")


def _heads(db: sqlite3.Connection, order: str) -> list[TreeHead]:
    try:
        return [parse_head(note) for (note,) in db.execute(f"SELECT note FROM heads {order}")]
    except InvalidInput as error:
        raise AuditDamaged(f"a signed tree head cannot be read: {error.message}", hint="contextd audit verify") from error


def load_frontier(db: sqlite3.Connection) -> rfc6962.Frontier:
    """The state from which the log goes on. AuditDamaged when the last entry is not the one whose hash was recorded."""
    size = size_of(db)
    subtree = subtrees_of(db)
    if size:
        (data,) = db.execute("SELECT data FROM entries WHERE idx = ?", (size - 1,)).fetchone()
        if subtree(0, size - 1) != rfc6962.leaf(data):
            raise AuditDamaged(f"audit entry {size - 1} was edited", hint="contextd audit verify")
    return rfc6962.Frontier(size, [subtree(level, position) for level, position in rfc6962.peaks(size)])


@contextmanager
def told(path: Path, doing: str) -> Iterator[None]:
    """Turn what SQLite raises into AuditUnavailable, or AuditDamaged where the file itself is broken."""
    try:
        yield
    except sqlite3.Error as error:
        why, hint = faults.explain(error, path)
        kind = AuditDamaged if faults.is_damage(error) else AuditUnavailable
        raise kind(f"cannot {doing}: {path} {why}", hint=hint, path=str(path)) from error


class Readers:
    """Connections for reading, one for each thread that reads at the same time. They never wait for a writer."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._mutex = Lock()
        self._idle: list[sqlite3.Connection] = []
        self._closed = False

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection in a read transaction: everything read through it is of one moment."""
        with told(self._path, "read the audit log"):
            with self._mutex:
                if self._closed:
                    raise AuditUnavailable(f"{self._path} was closed")
                db = self._idle.pop() if self._idle else None
            if db is None:
                db = connect(self._path)
                db.execute("PRAGMA query_only = ON")
            try:
                db.execute("BEGIN")
                yield db
            finally:
                if db.in_transaction:
                    db.execute("ROLLBACK")
                self._give_back(db)

    def checkpoint(self) -> None:
        """Move what the write-ahead log holds into the file, so that no append has to. Nothing is lost if it cannot be."""
        with suppress(AuditUnavailable), self.reading() as db:
            db.execute("ROLLBACK")
            db.execute("PRAGMA wal_checkpoint(PASSIVE)")

    def close(self) -> None:
        """Close every connection; those in use when they are given back."""
        with self._mutex:
            self._closed = True
            idle, self._idle = self._idle, []
        for db in idle:
            db.close()

    def _give_back(self, db: sqlite3.Connection) -> None:
        with self._mutex:
            if not self._closed:
                self._idle.append(db)
                return
        db.close()
