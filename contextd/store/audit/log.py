"""The audit log: every decision is an entry, and no entry can be changed unseen once a signed head covers it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Self

from contextd.merkle import rfc6962
from contextd.store.audit import storage, verification
from contextd.store.audit.entry import ConsistencyProof, Entry, InclusionProof, canonical
from contextd.store.audit.errors import AuditDamaged, AuditUnavailable, EntryNotFound
from contextd.store.audit.group import GroupCommit
from contextd.store.audit.head import Signer, TreeHead, Verifier, checked_origin, sign_head

_PAGE = 256


class _Batch:
    """Events of one call on their way into the log, and the index that the first of them got."""

    __slots__ = ("first", "rows")

    def __init__(self, rows: list[tuple[str, str, bytes]]) -> None:
        self.rows = rows
        self.first = -1


class AuditLog:
    """An append-only RFC 6962 log in one SQLite file. Any thread may call anything; readers never wait for the disk.

    Open it with ``AuditLog.open`` and close it when done (it is a context manager).
    """

    def __init__(self, path: Path, db: sqlite3.Connection, signer: Signer, origin: str, known: Sequence[Verifier]) -> None:
        self.path = path
        self.origin = origin
        self._signer = signer
        self._keys: tuple[Verifier, ...] = (signer, *known)
        self._db = db
        self._writing = Lock()
        self._frontier = rfc6962.Frontier()
        self._group = GroupCommit(self._commit)
        self._readers = storage.Readers(path)

    @classmethod
    def open(cls, path: Path, signer: Signer, origin: str, *, known: Sequence[Verifier] = (), expected: int = 0) -> AuditLog:
        """Open the log at ``path``; make it (0600) where there is none.

        Args:
            path: the file; its folder exists.
            signer: signs new heads and checks old ones.
            origin: names this log in its heads: printable ASCII without space or plus.
            known: further keys whose heads are accepted, such as those that were rotated away.
            expected: how many entries are known to have been recorded (what other stores refer to): fewer is damage.

        Raises AuditDamaged when the newest signed head is not of this log or not by a known key, when its end was edited or
        cut; AuditUnavailable when the file cannot be opened; InvalidInput for an origin that cannot be used. This looks at the
        end only: ``verify`` looks at everything.
        """
        checked_origin(origin)
        with storage.told(path, "open the audit log"):
            try:
                storage.create_if_absent(path)
            except OSError as error:
                raise AuditUnavailable(
                    f"cannot make the audit log {path}: {error.strerror}", hint=f"check its folder: ls -la {path.parent}"
                ) from error
            db = storage.connect(path)
            try:
                storage.prepare(db, path)
                log = cls(path, db, signer, origin, known)
                log._frontier = log._load(expected)
            except BaseException:
                db.close()
                raise
        return log

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close the file. Whoever calls afterwards gets AuditUnavailable."""
        with self._writing:
            self._db.close()
        self._readers.close()

    @property
    def size(self) -> int:
        """How many entries there are."""
        with self._readers.reading() as db:
            return storage.size_of(db)

    def append(self, event: Mapping[str, object]) -> int:
        """Record one event durably and return its index (from 0). See ``append_many``."""
        return self.append_many([event])[0]

    def append_many(self, events: Iterable[Mapping[str, object]]) -> list[int]:
        """Record events in one commit, side by side, and return their indexes. They are on disk when this returns.

        An event is what ``canonical`` asks for (InvalidInput otherwise, and none is recorded). Raises AuditUnavailable when
        they could not be recorded; then act as if they were not, though after a failing disk they may turn out to be there.
        """
        batch = _Batch([_row(event) for event in events])
        if not batch.rows:
            return []
        self._group.submit(batch)
        return list(range(batch.first, batch.first + len(batch.rows)))

    def entry(self, index: int) -> Entry:
        """The entry at ``index``; EntryNotFound when there is none."""
        with self._readers.reading() as db:
            row = db.execute("SELECT data FROM entries WHERE idx = ?", (index,)).fetchone()
        if row is None:
            raise EntryNotFound(f"there is no audit entry {index}", hint="contextd audit verify")
        return Entry(index, row[0])

    def entries(self, start: int = 0, limit: int | None = None, kinds: Sequence[str] = ()) -> Iterator[Entry]:
        """Entries from index ``start`` on, at most ``limit``, of some ``kinds`` only if any are named, in order.

        Read page by page: entries appended meanwhile come along.
        """
        chosen = f"AND kind IN ({','.join('?' * len(kinds))})" if kinds else ""
        left = limit
        while left is None or left > 0:
            page = _PAGE if left is None else min(_PAGE, left)
            with self._readers.reading() as db:
                rows = db.execute(
                    f"SELECT idx, data FROM entries WHERE idx >= ? {chosen} ORDER BY idx LIMIT ?",
                    (start, *kinds, page),
                ).fetchall()
            for index, data in rows:
                yield Entry(index, data)
            if len(rows) < page:
                return
            start = rows[-1][0] + 1
            left = None if left is None else left - len(rows)

    def find(self, subject: str, kind: str = "") -> list[int]:
        """Indexes of the entries about ``subject`` (a receipt's id, say), of one ``kind`` if it is named, in order."""
        with self._readers.reading() as db:
            if kind:
                rows = db.execute("SELECT idx FROM entries WHERE subject = ? AND kind = ? ORDER BY idx", (subject, kind))
            else:
                rows = db.execute("SELECT idx FROM entries WHERE subject = ? ORDER BY idx", (subject,))
            return [index for (index,) in rows]

    def sign_head(self) -> TreeHead:
        """Sign what the log is now, keep the head and return it; the last one when nothing was appended since."""
        with storage.told(self.path, "sign the audit log"), self._writing, self._transaction():
            frontier = self._current()
            last = storage.newest_head(self._db)
            if last is not None and last.size == frontier.size:
                return last
            head = sign_head(self.origin, frontier.size, frontier.root(), self._signer)
            self._db.execute("INSERT INTO heads (size, note) VALUES (?, ?)", (head.size, head.note))
        self._readers.checkpoint()
        return head

    def head(self) -> TreeHead | None:
        """The newest signed head; None when none was signed yet."""
        with self._readers.reading() as db:
            return storage.newest_head(db)

    def heads(self) -> list[TreeHead]:
        """Every signed head, oldest first."""
        with self._readers.reading() as db:
            return storage.signed_heads(db)

    def prove(self, index: int, size: int | None = None) -> InclusionProof:
        """That entry ``index`` is in the log of ``size`` entries (all there are, by default).

        Give the size of a signed head for a proof that someone else can check. EntryNotFound when there is no such entry or
        size.
        """
        with self._readers.reading() as db:
            size = self._existing_size(db, size)
            if not 0 <= index < size:
                raise EntryNotFound(f"there is no audit entry {index} among the first {size}", hint="contextd audit verify")
            subtree = storage.subtrees_of(db)
            return InclusionProof(index, size, subtree(0, index), tuple(rfc6962.inclusion_path(index, size, subtree)))

    def prove_consistency(self, first: int, second: int | None = None) -> ConsistencyProof:
        """That the log of ``second`` entries (all there are, by default) extends the one of ``first``.

        EntryNotFound unless ``first <= second`` and both sizes are there.
        """
        with self._readers.reading() as db:
            second = self._existing_size(db, second)
            if not 0 <= first <= second:
                raise EntryNotFound(f"the log of {second} audit entries does not extend one of {first}")
            return ConsistencyProof(first, second, tuple(rfc6962.consistency_path(first, second, storage.subtrees_of(db))))

    def verify(self, anchors: Sequence[TreeHead] = ()) -> verification.AuditVerification:
        """Recompute everything and compare it with every signed head, and with ``anchors``: heads kept elsewhere."""
        return verification.verify_log(self.path, self.origin, self._keys, anchors)

    def _existing_size(self, db: sqlite3.Connection, size: int | None) -> int:
        there = storage.size_of(db)
        if size is None:
            return there
        if not 0 <= size <= there:
            raise EntryNotFound(f"the audit log has {there} entries, not {size}")
        return size

    def _commit(self, batches: list[_Batch]) -> None:
        """Record all batches in one transaction, in order."""
        with storage.told(self.path, "record to the audit log"), self._writing:
            with self._transaction():
                frontier = self._current().copy()
                rows = []
                for batch in batches:
                    batch.first = frontier.size
                    for kind, subject, data in batch.rows:
                        index = frontier.size
                        rows.append((index, kind, subject, data, b"".join(frontier.append(rfc6962.leaf(data)))))
                self._db.executemany("INSERT INTO entries (idx, kind, subject, data, hashes) VALUES (?, ?, ?, ?, ?)", rows)
            self._frontier = frontier

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """Write in one transaction."""
        try:
            self._db.execute("BEGIN IMMEDIATE")
            yield
            self._db.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):
                self._db.execute("ROLLBACK")
            raise

    def _current(self) -> rfc6962.Frontier:
        """The state to go on from, within a transaction.

        The file decides: another process may have appended, and a commit that was reported as failed may have been kept.
        """
        if self._frontier.size != storage.size_of(self._db):
            self._frontier = self._load()
        return self._frontier

    def _load(self, expected: int = 0) -> rfc6962.Frontier:
        """Read the state from the file; AuditDamaged when it does not extend the newest signed head or is too short."""
        frontier = storage.load_frontier(self._db)
        if frontier.size < expected:
            raise AuditDamaged(
                f"{self.path} has {frontier.size} entries, but {expected} were recorded: it was cut short or replaced",
                hint="restore it from a backup, and find out who cut it",
            )
        head = storage.newest_head(self._db)
        if head is not None:
            problem = verification.head_problem(head, self.origin, self._keys)
            if not problem and head.size > frontier.size:
                problem = f"has {frontier.size} entries, but {head.size} were signed: its end was cut off"
            elif not problem and rfc6962.root_at(head.size, storage.subtrees_of(self._db)) != head.root:
                problem = f"was changed: its first {head.size} entries are not those that were signed"
            if problem:
                raise AuditDamaged(f"{self.path} {problem}", hint="contextd audit verify")
        return frontier


def _row(event: Mapping[str, object]) -> tuple[str, str, bytes]:
    """What is stored of an event: its kind and subject to find it by, and its bytes."""
    data = canonical(event)
    return str(event["kind"]), str(event["subject"]), data
