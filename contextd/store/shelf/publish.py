"""Publishing: everything a crawl brings to a shelf in one transaction, whose last act moves the head."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from types import TracebackType
from typing import Self

from contextd.merkle.pathtree import Entry, Fork, Node, build, edit
from contextd.merkle.rfc6962 import EMPTY
from contextd.model.content import Excluded
from contextd.model.snapshot import Prepared, Snapshot
from contextd.store.shelf.rows import descriptor_json, micros
from contextd.store.shelf.schema import unusable
from contextd.store.shelf.shelf import Shelf

_REBUILD_SHARE = 8
"""Above one changed document in this many, building the tree anew is cheaper than editing it."""

_NOT_A_NAME = "EXCL-PATH"
"""The code of files whose name no document can have. Such a name may be shown like one that a document has: both are kept."""

_NAMED, _UNNAMED = f"AND code <> '{_NOT_A_NAME}'", f"AND code = '{_NOT_A_NAME}'"


class Publication:
    """One crawl of one ref being written. Use as a context manager: leaving it without ``publish`` leaves no trace.

    Documents, exclusions and removals are given as they are found; what was alive before and is not mentioned again lives on,
    unless ``close_listing`` says that the listing was full. ``changed`` tells whether anything differs from the head so far,
    ``paths_changed`` whether a path came or went.

    ``pipeline`` is the version of what took the documents apart: chunks and symbols of another version are not used again.

    Raises (every method):
        ShelfUnusable: the disk is full or the file is damaged; the old head still serves.
    """

    def __init__(self, shelf: Shelf, ref: str, pipeline: str = "") -> None:
        self.shelf = shelf
        self._pipeline = pipeline
        self.ref = ref
        self._db = shelf.connection
        self._seen: dict[str, set[str]] = {"documents": set(), "exclusions": set()}
        self._changes: dict[bytes, bytes | None] = {}
        self.changed = False
        self.paths_changed = False

    def __enter__(self) -> Self:
        self._run("BEGIN IMMEDIATE")
        self._run("INSERT INTO refs (name) VALUES (?) ON CONFLICT (name) DO NOTHING", self.ref)
        self.ref_id, self.sequence = self._run("SELECT id, sequence + 1 FROM refs WHERE name = ?", self.ref).fetchone()
        self.next_chunk = self.shelf.highest_chunk() + 1
        self._first = self.sequence == 1
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")

    def put(self, prepared: Prepared) -> int | None:
        """Keep a document. Returns the id of its first chunk when the text is new at this path, and so is to be indexed."""
        admitted = prepared.admitted
        path = admitted.path
        self._seen["documents"].add(path)
        known = not self._first and self._bury("exclusions", path, _NAMED)
        unit, first = self._unit(prepared)
        alive = None if self._first else self._alive(path)
        self.paths_changed |= not (known or alive)
        if alive and alive[1:] == (prepared.digest, admitted.component, unit):
            document: int | None = alive[0]
            self._run("DELETE FROM redactions WHERE document_id = ?", document)
        else:
            if alive:
                self._bury("documents", path)
            document = self._run(
                "INSERT INTO documents (ref_id, path, unit_id, mode, component, labels, digest, born)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                *(self.ref_id, path, unit, admitted.mode, admitted.component, "\n".join(admitted.labels), prepared.digest),
                self.sequence,
            ).lastrowid
            self._changes[path.encode()] = prepared.digest
            self.changed = True
        if admitted.redactions:
            rows = [(document, r.rule, r.kind.value, r.line, r.start, r.end, r.fingerprint) for r in admitted.redactions]
            self._many("INSERT INTO redactions VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
        return first

    def exclude(self, excluded: Excluded) -> None:
        """Record that a file was kept out, and why."""
        self._seen["exclusions"].add(excluded.path)
        known = excluded.code != _NOT_A_NAME and self._remove_document(excluded.path)
        row = (excluded.code, excluded.rule, excluded.where, excluded.pattern, excluded.size, excluded.component)
        alive = self._run(
            "SELECT code, rule, rule_at, pattern, size, component FROM exclusions"
            " WHERE ref_id = ? AND path = ? AND died IS NULL",
            *(self.ref_id, excluded.path),
        ).fetchone()
        if alive == row:
            return
        self._bury("exclusions", excluded.path)
        self.changed = True
        self.paths_changed |= not (known or alive)
        self._run(
            "INSERT INTO exclusions (ref_id, path, code, rule, rule_at, pattern, size, component, born)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            *(self.ref_id, excluded.path, *row, self.sequence),
        )

    def remove(self, path: str, *, named: bool = True) -> None:
        """Take a path out that the listing no longer has; ``named`` is False for a name that no document can have."""
        gone = named and self._remove_document(path)
        self.paths_changed |= self._bury("exclusions", path, _NAMED if named else _UNNAMED) or gone

    def close_listing(self) -> None:
        """Say that everything the ref holds was given: what was not is gone."""
        for table in ("documents", "exclusions"):
            rows = self._run(f"SELECT path FROM {table} WHERE ref_id = ? AND died IS NULL", self.ref_id).fetchall()
            for (path,) in rows:
                if path not in self._seen[table] and self._bury(table, path) and table == "documents":
                    self._changes[path.encode()] = None

    def set_ignores(self, files: Sequence[tuple[str, bytes]]) -> None:
        """Keep the source-supplied ignore files, redacted, that the ref was filtered with."""
        self._run("DELETE FROM ignore_files WHERE ref_id = ?", self.ref_id)
        self._many("INSERT INTO ignore_files VALUES (?, ?, ?)", [(self.ref_id, path, body) for path, body in files])

    def add_segment(self, header: bytes, blocks: Sequence[bytes], chunk_ids: bytes) -> None:
        """Keep a postings segment; ``chunk_ids`` are little-endian int64, in the segment's own order."""
        segment = self._run(
            "INSERT INTO segments (chunk_count, header, chunk_ids) VALUES (?, ?, ?)", len(chunk_ids) // 8, header, chunk_ids
        ).lastrowid
        self._many("INSERT INTO blocks VALUES (?, ?, ?)", [(segment, number, body) for number, body in enumerate(blocks)])

    def drop_segments(self, ids: Sequence[int]) -> None:
        """Take segments out that others have taken the place of."""
        self._many("DELETE FROM blocks WHERE segment_id = ?", [(i,) for i in ids])
        self._many("DELETE FROM segments WHERE id = ?", [(i,) for i in ids])

    def root(self) -> bytes:
        """The root of the path tree over the documents as they are now; its nodes are kept for the next crawl."""
        before = self._run(
            "SELECT root FROM snapshots WHERE ref_id = ? AND sequence = ?", self.ref_id, self.sequence - 1
        ).fetchone()
        (count,) = self._run("SELECT count(*) FROM documents WHERE ref_id = ? AND died IS NULL", self.ref_id).fetchone()
        old_root = before[0] if before else EMPTY
        if len(self._changes) * _REBUILD_SHARE > count:
            rows = self._run("SELECT path, digest FROM documents WHERE ref_id = ? AND died IS NULL", self.ref_id)
            nodes: dict[bytes, Node] = {}
            root = build(((path.encode(), digest) for path, digest in rows), nodes)
            self._run("DELETE FROM nodes WHERE ref_id = ?", self.ref_id)
            self._keep(nodes)
            return root
        result = edit(old_root, sorted(self._changes.items()), self._load)
        self._many("DELETE FROM nodes WHERE ref_id = ? AND hash = ?", [(self.ref_id, digest) for digest in result.dropped])
        self._keep(result.added)
        return result.root

    def counts(self) -> tuple[int, int, int, int, int]:
        """Documents, chunks, exclusions, redactions and bytes of text as they are now."""
        documents, chunks, size = self._run(
            "SELECT count(*), coalesce(sum(u.chunk_count), 0), coalesce(sum(length(t.body)), 0) FROM documents d"
            " JOIN units u ON u.id = d.unit_id JOIN texts t ON t.id = u.text_id WHERE d.ref_id = ? AND d.died IS NULL",
            self.ref_id,
        ).fetchone()
        (excluded,) = self._run("SELECT count(*) FROM exclusions WHERE ref_id = ? AND died IS NULL", self.ref_id).fetchone()
        (redacted,) = self._run(
            "SELECT count(*) FROM redactions x JOIN documents d ON d.id = x.document_id WHERE d.ref_id = ? AND d.died IS NULL",
            self.ref_id,
        ).fetchone()
        return documents, chunks, excluded, redacted, size

    def publish(self, snapshot: Snapshot) -> None:
        """Move the head to this snapshot, durably. Its sequence must be the publication's."""
        s = snapshot
        self._run(
            "INSERT INTO snapshots VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            *(self.ref_id, s.sequence, s.id, s.commit, s.root, descriptor_json(s.descriptor), s.ingest_digest, s.pipeline),
            *(
                micros(s.as_of),
                micros(s.built_at),
                micros(s.content_time),
                s.documents,
                s.chunks,
                s.excluded,
                s.redacted,
                s.bytes,
            ),
        )
        self._run("UPDATE refs SET sequence = ?, listed_at = ? WHERE id = ?", s.sequence, micros(s.built_at), self.ref_id)
        self._run("COMMIT")
        self.shelf.moved()

    def touch(self, listed_at: datetime) -> None:
        """Record that the ref was listed and nothing had changed; nothing else that was given is kept."""
        self._run("ROLLBACK")
        self._run("UPDATE refs SET listed_at = ? WHERE name = ?", micros(listed_at), self.ref)
        self.shelf.moved()

    def _unit(self, prepared: Prepared) -> tuple[int, int | None]:
        admitted, parsed = prepared.admitted, prepared.parsed
        digest = sha256(admitted.text).digest()
        found = self._run(
            "SELECT u.id FROM texts t JOIN units u ON u.text_id = t.id AND u.path = ? AND u.pipeline = ? WHERE t.hash = ?",
            *(admitted.path, self._pipeline, digest),
        ).fetchone()
        if found:
            return found[0], None
        text = self._run("SELECT id FROM texts WHERE hash = ?", digest).fetchone()
        text_id = (
            text[0] if text else self._run("INSERT INTO texts (hash, body) VALUES (?, ?)", digest, admitted.text).lastrowid
        )
        first = self.next_chunk
        self.next_chunk += len(parsed.chunks)
        unit = self._run(
            "INSERT INTO units (path, text_id, language, content_class, first_chunk, chunk_count, pipeline)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            *(admitted.path, text_id, parsed.language, parsed.content_class.value, first, len(parsed.chunks), self._pipeline),
        ).lastrowid
        unit = int(unit or 0)
        self._many(
            "INSERT INTO chunks VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                (first + i, unit, c.span.start_line, c.span.end_line, c.span.start_byte, c.span.end_byte, c.symbol)
                for i, c in enumerate(parsed.chunks)
            ],
        )
        if parsed.symbols:
            self._many(
                "INSERT INTO symbols VALUES (?, ?, ?, ?, ?, ?)",
                [(unit, s.name, s.qualified, s.kind, s.span.start_line, s.span.end_line) for s in parsed.symbols],
            )
        return unit, first

    def _alive(self, path: str) -> tuple[int, bytes, str, int] | None:
        """Row id, digest, component and unit of the document that is alive at a path."""
        sql = "SELECT id, digest, component, unit_id FROM documents WHERE ref_id = ? AND path = ? AND died IS NULL"
        found: tuple[int, bytes, str, int] | None = self._run(sql, self.ref_id, path).fetchone()
        return found

    def _remove_document(self, path: str) -> bool:
        buried = self._bury("documents", path)
        if buried:
            self._changes[path.encode()] = None
        return buried

    def _bury(self, table: str, path: str, which: str = "") -> bool:
        """End the interval of what is alive at a path, if it is one of ``which``; whether anything was."""
        sql = f"UPDATE {table} SET died = ? WHERE ref_id = ? AND path = ? AND died IS NULL {which}"
        buried = self._run(sql, self.sequence, self.ref_id, path).rowcount > 0
        self.changed |= buried
        return buried

    def _keep(self, nodes: dict[bytes, Node]) -> None:
        rows = [
            (self.ref_id, digest, node.bits, node.prefix, node.left, node.right)
            if isinstance(node, Fork)
            else (self.ref_id, digest, None, node.path, node.document, None)
            for digest, node in nodes.items()
        ]
        self._many("INSERT INTO nodes VALUES (?, ?, ?, ?, ?, ?)", rows)

    def _load(self, digest: bytes) -> Node:
        sql = "SELECT bits, prefix, left, right FROM nodes WHERE ref_id = ? AND hash = ?"
        bits, prefix, left, right = self._run(sql, self.ref_id, digest).fetchone()
        return Entry(prefix, left) if bits is None else Fork(bits, prefix, left, right)

    def _run(self, sql: str, *values: object) -> sqlite3.Cursor:
        try:
            return self._db.execute(sql, values)
        except sqlite3.DatabaseError as error:
            raise unusable(self.shelf.path, error) from error

    def _many(self, sql: str, rows: Sequence[tuple[object, ...]]) -> None:
        try:
            self._db.executemany(sql, rows)
        except sqlite3.DatabaseError as error:
            raise unusable(self.shelf.path, error) from error
