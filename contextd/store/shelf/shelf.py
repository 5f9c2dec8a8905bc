"""One source's content: heads, snapshots, documents at a sequence, chunks and postings. Reading only; see publish.py."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar, cast

from contextd.model.content import Excluded, Redaction, RedactionKind
from contextd.model.snapshot import Snapshot
from contextd.store.shelf.rows import (
    SNAPSHOT_COLUMNS,
    StoredChunk,
    StoredDocument,
    StoredSegment,
    moment,
    snapshot_from,
)
from contextd.store.shelf.schema import connect, unusable

_ALIVE = "d.ref_id = (SELECT id FROM refs WHERE name = ?) AND d.born <= ? AND (d.died IS NULL OR d.died > ?)"
_AT_PATHS = "AND (? IS NULL OR d.path IN (SELECT value FROM json_each(?)))"
_DOCUMENT = (
    "SELECT d.path, d.mode, d.component, d.labels, d.digest, u.language, u.content_class, u.first_chunk, u.chunk_count,"
    " u.text_id FROM documents d JOIN units u ON u.id = d.unit_id WHERE "
)
_CHUNK = (
    "SELECT c.id, d.path, d.component, d.labels, u.language, u.content_class, c.symbol, c.start_line, c.end_line, c.start_byte,"
    " c.end_byte, substr(t.body, c.start_byte + 1, c.end_byte - c.start_byte)"
    " FROM chunks c JOIN units u ON u.id = c.unit_id JOIN texts t ON t.id = u.text_id"
    " JOIN documents d ON d.unit_id = u.id WHERE "
)


T = TypeVar("T")


class Shelf:
    """The content plane of one source, in one SQLite file.

    Args:
        path: the file; made when it does not exist.
        source: the name of the source, which the shelf itself does not keep.

    Raises:
        ShelfUnusable: see ``schema.connect``.
    """

    def __init__(self, path: Path, source: str) -> None:
        self.path = path
        self.source = source
        self.connection = connect(path)
        self.generation = 0
        self._kept: dict[object, object] = {}

    def close(self) -> None:
        """Close the file; the shelf is not usable afterwards."""
        self.connection.close()

    def rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """All rows of a query; ShelfUnusable when the file turns out to be damaged."""
        try:
            return self.connection.execute(sql, values).fetchall()
        except sqlite3.DatabaseError as error:
            raise unusable(self.path, error) from error

    def moved(self) -> None:
        """Forget what was kept of heads and postings: something was published. ``generation`` counts how often."""
        self.generation += 1
        self._kept.clear()

    def heads(self) -> dict[str, Snapshot]:
        """The head of each ref that has one, by ref name."""
        return dict(self._keep("heads", self._read_heads))

    def _read_heads(self) -> dict[str, Snapshot]:
        rows = self.rows(
            f"SELECT {SNAPSHOT_COLUMNS} FROM refs r JOIN snapshots s ON s.ref_id = r.id AND s.sequence = r.sequence"
            " ORDER BY r.name"
        )
        snapshots = (snapshot_from(self.source, row) for row in rows)
        return {snapshot.ref: snapshot for snapshot in snapshots}

    def listed_at(self, ref: str) -> datetime | None:
        """When the ref was last listed in full, whether or not anything had changed."""
        rows = self._keep(("listed", ref), lambda: self.rows("SELECT listed_at FROM refs WHERE name = ?", ref))
        return moment(rows[0][0]) if rows and rows[0][0] else None

    def snapshots(self, ref: str | None = None) -> list[Snapshot]:
        """All snapshots, newest first; of one ref when it is named."""
        rows = self.rows(
            f"SELECT {SNAPSHOT_COLUMNS} FROM refs r JOIN snapshots s ON s.ref_id = r.id WHERE ?1 IS NULL OR r.name = ?1"
            " ORDER BY s.built_at DESC, s.sequence DESC",
            ref,
        )
        return [snapshot_from(self.source, row) for row in rows]

    def find_snapshots(self, prefix: str) -> list[Snapshot]:
        """Snapshots whose id begins with ``prefix`` (``ctx1:…``), newest first."""
        return [snapshot for snapshot in self.snapshots() if snapshot.id.startswith(prefix)]

    def documents(self, ref: str, sequence: int) -> Iterator[StoredDocument]:
        """Documents of a ref at a sequence, in byte order of path."""
        for row in self.rows(_DOCUMENT + _ALIVE + " ORDER BY d.path", ref, sequence, sequence):
            yield _document(row)

    def document(self, ref: str, sequence: int, path: str) -> StoredDocument | None:
        """The document at a path, or None."""
        rows = self.rows(_DOCUMENT + _ALIVE + " AND d.path = ?", ref, sequence, sequence, path)
        return _document(rows[0]) if rows else None

    def labelled_paths(self) -> list[tuple[str, str]]:
        """``(path, component)`` of every document that carries a label in some snapshot."""
        return [(row[0], row[1]) for row in self.rows("SELECT DISTINCT path, component FROM documents WHERE labels <> ''")]

    def text(self, document: StoredDocument) -> bytes:
        """The redacted text of a document."""
        body: bytes = self.rows("SELECT body FROM texts WHERE id = ?", document.text_id)[0][0]
        return body

    def ignores(self, ref: str) -> list[tuple[str, bytes]]:
        """``(path, bytes)`` of the source-supplied ignore files as the head of a ref was crawled with them."""
        return self.rows(
            "SELECT path, body FROM ignore_files WHERE ref_id = (SELECT id FROM refs WHERE name = ?) ORDER BY path", ref
        )

    def exclusions(self, ref: str, sequence: int, paths: Collection[str] | None = None) -> list[Excluded]:
        """What the filter kept out at a sequence, in byte order of path; at some paths only if they are given."""
        sql = (
            "SELECT d.path, d.code, d.rule, d.rule_at, d.pattern, d.size, d.component FROM exclusions d"
            f" WHERE {_ALIVE} {_AT_PATHS} ORDER BY d.path"
        )
        return [Excluded(*row) for row in self.rows(sql, ref, sequence, sequence, *_path_values(paths))]

    def redactions(self, ref: str, sequence: int, paths: Collection[str] | None = None) -> list[tuple[str, str, Redaction]]:
        """``(path, component, redaction)`` of a sequence, by path and position; at some paths only if they are given."""
        sql = (
            "SELECT d.path, d.component, x.rule, x.kind, x.line, x.start_byte, x.end_byte, x.fingerprint"
            " FROM documents d JOIN redactions x ON x.document_id = d.id"
            f" WHERE {_ALIVE} {_AT_PATHS} ORDER BY d.path, x.start_byte"
        )
        rows = self.rows(sql, ref, sequence, sequence, *_path_values(paths))
        return [(row[0], row[1], Redaction(row[2], RedactionKind(row[3]), *row[4:])) for row in rows]

    def chunks(self, ref: str, sequence: int, ids: Sequence[int]) -> dict[int, StoredChunk]:
        """The chunks of these ids that belong to a document of the ref at the sequence, by id."""
        marks = ",".join("?" * len(ids))
        rows = self.rows(f"{_CHUNK} c.id IN ({marks}) AND {_ALIVE}", *ids, ref, sequence, sequence)
        return {row[0]: _chunk(row) for row in rows}

    def chunk_text(self, chunk_id: int) -> bytes:
        """The text of a chunk, whatever documents hold it."""
        rows = self.rows(
            "SELECT substr(t.body, c.start_byte + 1, c.end_byte - c.start_byte) FROM chunks c JOIN units u ON u.id = c.unit_id"
            " JOIN texts t ON t.id = u.text_id WHERE c.id = ?",
            chunk_id,
        )
        return rows[0][0] if rows else b""

    def chunks_of_symbol(self, name: str) -> list[int]:
        """Ids of chunks that hold a part of a definition of this name, dotted or not, or that carry it as their symbol."""
        sql = (
            "SELECT c.id FROM symbols s JOIN chunks c ON c.unit_id = s.unit_id AND c.start_line <= s.end_line"
            " AND c.end_line >= s.start_line WHERE s.name = ?1 OR s.qualified = ?1"
            " UNION SELECT id FROM chunks WHERE symbol = ?1"
        )
        return [row[0] for row in self.rows(sql, name)]

    def highest_chunk(self) -> int:
        """The largest chunk id in use; 0 for none."""
        return self._keep("highest", lambda: int(self.rows("SELECT coalesce(max(id), 0) FROM chunks")[0][0]))

    def segments(self) -> list[StoredSegment]:
        """All postings segments, oldest first, without their blocks."""
        return [StoredSegment(*row) for row in self.rows("SELECT id, chunk_count, header, chunk_ids FROM segments ORDER BY id")]

    def block(self, segment: int, number: int) -> bytes:
        """One block of postings."""
        body: bytes = self.rows("SELECT body FROM blocks WHERE segment_id = ? AND number = ?", segment, number)[0][0]
        return body

    def blocks(self, segment: int) -> list[bytes]:
        """All blocks of a segment, in order."""
        return [row[0] for row in self.rows("SELECT body FROM blocks WHERE segment_id = ? ORDER BY number", segment)]

    def _keep(self, key: object, make: Callable[[], T]) -> T:
        if key not in self._kept:
            self._kept[key] = make()
        return cast("T", self._kept[key])

    def check(self) -> list[str]:
        """What SQLite finds wrong with the file; empty when nothing is."""
        return [row[0] for row in self.rows("PRAGMA quick_check") if row[0] != "ok"]


def _path_values(paths: Collection[str] | None) -> tuple[str | None, str | None]:
    listed = None if paths is None else json.dumps(sorted(paths))
    return listed, listed


def _labels(text: str) -> tuple[str, ...]:
    return tuple(text.split("\n")) if text else ()


def _document(row: tuple[Any, ...]) -> StoredDocument:
    path, mode, component, labels, digest, language, content_class, first, count, text_id = row
    chunks = range(first, first + count)
    return StoredDocument(path, mode, component, _labels(labels), digest, language, content_class, chunks, text_id)


def _chunk(row: tuple[Any, ...]) -> StoredChunk:
    return StoredChunk(row[0], row[1], row[2], _labels(row[3]), *row[4:])
