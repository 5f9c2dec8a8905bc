"""The shelf's schema: tables by sqlite-utils migrations, so that an older shelf opens under newer code.

refs        a followed ref and its head                       snapshots   one row for each published state of a ref
texts       redacted text by hash, once                       units       a text at a path, as one pipeline version parsed it
chunks      slices of a unit, ids contiguous within it        symbols     definitions of a unit
documents   (ref, path, unit) with the half-open interval of sequences [born, died) in which it was part of the ref
redactions  what was cut out of a document                    exclusions  what the filter kept out, by the same intervals
nodes       the path tree under each ref's head               segments, blocks   immutable postings over chunks
"""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from pathlib import Path

from contextd.model.errors import Unavailable
from contextd.store.faults import explain, is_damage

VERSION = 1
"""The schema that this code writes, kept in ``PRAGMA user_version``: a shelf with a larger one is refused."""

PAGE_SIZE = 16384

_TABLES = """
CREATE TABLE refs (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, sequence INTEGER NOT NULL DEFAULT 0, listed_at INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE texts (id INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE, body BLOB NOT NULL);
CREATE TABLE units (
    id INTEGER PRIMARY KEY, path TEXT NOT NULL, text_id INTEGER NOT NULL REFERENCES texts, language TEXT NOT NULL,
    content_class TEXT NOT NULL, first_chunk INTEGER NOT NULL, chunk_count INTEGER NOT NULL, pipeline TEXT NOT NULL,
    UNIQUE (path, text_id, pipeline)
);
CREATE TABLE chunks (
    id INTEGER PRIMARY KEY, unit_id INTEGER NOT NULL REFERENCES units, start_line INTEGER NOT NULL, end_line INTEGER NOT NULL,
    start_byte INTEGER NOT NULL, end_byte INTEGER NOT NULL, symbol TEXT NOT NULL
);
CREATE TABLE symbols (
    unit_id INTEGER NOT NULL REFERENCES units, name TEXT NOT NULL, qualified TEXT NOT NULL, kind TEXT NOT NULL,
    start_line INTEGER NOT NULL, end_line INTEGER NOT NULL
);
CREATE INDEX symbols_name ON symbols (name);
CREATE INDEX symbols_unit ON symbols (unit_id);
CREATE TABLE documents (
    id INTEGER PRIMARY KEY, ref_id INTEGER NOT NULL REFERENCES refs, path TEXT NOT NULL,
    unit_id INTEGER NOT NULL REFERENCES units, mode TEXT NOT NULL,
    component TEXT NOT NULL, labels TEXT NOT NULL, digest BLOB NOT NULL, born INTEGER NOT NULL, died INTEGER
);
CREATE UNIQUE INDEX documents_alive ON documents (ref_id, path) WHERE died IS NULL;
CREATE INDEX documents_unit ON documents (unit_id);
CREATE INDEX documents_path ON documents (ref_id, path, born);
CREATE TABLE redactions (
    document_id INTEGER NOT NULL REFERENCES documents, rule TEXT NOT NULL, kind TEXT NOT NULL, line INTEGER NOT NULL,
    start_byte INTEGER NOT NULL, end_byte INTEGER NOT NULL, fingerprint TEXT NOT NULL
);
CREATE INDEX redactions_document ON redactions (document_id);
CREATE TABLE exclusions (
    id INTEGER PRIMARY KEY, ref_id INTEGER NOT NULL REFERENCES refs, path TEXT NOT NULL, code TEXT NOT NULL, rule TEXT NOT NULL,
    rule_at TEXT NOT NULL, pattern TEXT NOT NULL, size INTEGER NOT NULL, component TEXT NOT NULL, born INTEGER NOT NULL,
    died INTEGER
);
CREATE UNIQUE INDEX exclusions_alive ON exclusions (ref_id, path) WHERE died IS NULL;
CREATE TABLE snapshots (
    ref_id INTEGER NOT NULL REFERENCES refs, sequence INTEGER NOT NULL, id TEXT NOT NULL, commit_id TEXT NOT NULL,
    root BLOB NOT NULL, descriptor TEXT NOT NULL, ingest_digest TEXT NOT NULL, pipeline TEXT NOT NULL, as_of INTEGER NOT NULL,
    built_at INTEGER NOT NULL, content_time INTEGER NOT NULL,
    documents INTEGER NOT NULL, chunks INTEGER NOT NULL, excluded INTEGER NOT NULL,
    redacted INTEGER NOT NULL, bytes INTEGER NOT NULL, PRIMARY KEY (ref_id, sequence)
);
CREATE INDEX snapshots_id ON snapshots (id);
CREATE TABLE ignore_files (
    ref_id INTEGER NOT NULL REFERENCES refs, path TEXT NOT NULL, body BLOB NOT NULL, PRIMARY KEY (ref_id, path)
);
CREATE TABLE nodes (
    ref_id INTEGER NOT NULL REFERENCES refs, hash BLOB NOT NULL, bits INTEGER, prefix BLOB NOT NULL, left BLOB NOT NULL,
    right BLOB, PRIMARY KEY (ref_id, hash)
) WITHOUT ROWID;
CREATE TABLE segments (id INTEGER PRIMARY KEY, chunk_count INTEGER NOT NULL, header BLOB NOT NULL, chunk_ids BLOB NOT NULL);
CREATE TABLE blocks (
    segment_id INTEGER NOT NULL REFERENCES segments, number INTEGER NOT NULL, body BLOB NOT NULL,
    PRIMARY KEY (segment_id, number)
);
"""


class ShelfUnusable(Unavailable):
    """A shelf cannot be opened or written: damaged, of a newer version, or the disk is full. Says which and what to do."""

    default_reason = "SHELF_UNUSABLE"


def connect(path: Path) -> sqlite3.Connection:
    """Open a shelf, creating and migrating it as needed; autocommit mode, so that transactions are explicit.

    Raises:
        ShelfUnusable: the file is not a shelf, is damaged, or was written by a newer contextd.
    """
    try:
        path.touch(mode=0o600)
        fresh = path.stat().st_size == 0
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=30)
    except (sqlite3.DatabaseError, OSError) as error:
        raise unusable(path, error) from error
    try:
        if fresh:
            connection.execute(f"PRAGMA page_size = {PAGE_SIZE}")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA secure_delete = ON")
        connection.execute("PRAGMA cache_size = -65536")
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version < VERSION:
            _migrate(connection)
    except sqlite3.DatabaseError as error:
        connection.close()
        raise unusable(path, error) from error
    if version > VERSION:
        connection.close()
        raise ShelfUnusable(
            f"{path} was written by a newer contextd (shelf version {version}, this one knows {VERSION})",
            hint="use the newer contextd, or move the file away and crawl again",
        )
    return connection


def unusable(path: Path, error: Exception) -> ShelfUnusable:
    """The error for people behind what SQLite or the file system reported about a shelf."""
    if isinstance(error, sqlite3.Error):
        what, mend = explain(error, path)
        if is_damage(error):
            mend = f"move {path} away and crawl the source again; it is rebuilt from there"
        return ShelfUnusable(f"the shelf {path} {what}; the head that was published last still stands", hint=mend)
    return ShelfUnusable(
        f"the shelf {path} cannot be opened: {error}", hint=f"check that its folder is yours: ls -la {path.parent}"
    )


def _migrate(connection: sqlite3.Connection) -> None:
    import sqlite_utils  # noqa: PLC0415 - 0.2 s that only a new or older shelf pays

    migrations = sqlite_utils.Migrations("contextd.shelf")

    @migrations(name="0001_first")
    def first(db: sqlite_utils.Database) -> None:
        for statement in _TABLES.split(";\n"):
            if statement.strip():
                db.execute(statement)

    # All or nothing: a process that dies here leaves a file without tables, and not one with a few of them.
    connection.execute("BEGIN IMMEDIATE")
    try:
        migrations.apply(sqlite_utils.Database(connection))
        connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        with suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise
