"""A shelf's file: made for its owner alone, migrated whole or not at all, and told on when it is not what it should be."""

from __future__ import annotations

import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from contextd.model.content import Excluded
from contextd.store.shelf import schema
from contextd.store.shelf.publish import Publication
from contextd.store.shelf.schema import PAGE_SIZE, VERSION, ShelfUnusable, connect
from contextd.store.shelf.shelf import Shelf

TABLES = {
    "refs", "texts", "units", "chunks", "symbols", "documents", "redactions", "exclusions", "snapshots", "ignore_files",
    "nodes", "segments", "blocks",
}  # fmt: skip


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "code.db"


@pytest.fixture
def shelf(file: Path) -> Iterator[Shelf]:
    opened = Shelf(file, "code")
    yield opened
    opened.close()


def tables(file: Path) -> set[str]:
    with closing(sqlite3.connect(file)) as db:
        return {row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def test_a_new_shelf_is_its_owners_alone_and_set_up_to_survive(shelf: Shelf, file: Path) -> None:
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    pragmas = {
        name: shelf.rows(f"PRAGMA {name}")[0][0]
        for name in ("page_size", "journal_mode", "synchronous", "secure_delete", "user_version")
    }
    assert pragmas == {
        "page_size": PAGE_SIZE,
        "journal_mode": "wal",
        "synchronous": 2,
        "secure_delete": 1,
        "user_version": VERSION,
    }
    assert tables(file) >= TABLES
    assert (shelf.heads(), shelf.snapshots(), shelf.segments(), shelf.highest_chunk()) == ({}, [], [], 0)


def test_it_opens_again_as_it_was(shelf: Shelf, file: Path) -> None:
    with Publication(shelf, "-") as publication:
        publication.exclude(Excluded("a", "EXCL-BINARY", "built in"))
        publication.add_segment(b"h", [b"one", b"two"], b"\1" + b"\0" * 7)
        publication._run("COMMIT")
    shelf.close()
    with closing(connect(file)) as db:
        assert db.execute("SELECT count(*) FROM exclusions").fetchone() == (1,)
    again = Shelf(file, "code")
    (segment,) = again.segments()
    assert (segment.chunk_count, segment.header, again.blocks(segment.id), again.block(segment.id, 1)) == (
        1,
        b"h",
        [b"one", b"two"],
        b"two",
    )
    with Publication(again, "-") as publication:
        publication.drop_segments([segment.id])
        publication._run("COMMIT")
    assert (again.segments(), again.rows("SELECT * FROM blocks")) == ([], [])
    again.close()


def test_a_migration_that_dies_leaves_nothing_and_is_made_the_next_time(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    statements = schema._TABLES
    with monkeypatch.context() as patch:
        patch.setattr(schema, "_TABLES", statements + ";\nCREATE TABLE refs (x);\n")
        with pytest.raises(ShelfUnusable):
            connect(file)
    assert tables(file) & TABLES == set()
    with closing(connect(file)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (VERSION,)
        assert db.execute("PRAGMA page_size").fetchone() == (PAGE_SIZE,)
    assert tables(file) >= TABLES


def test_an_empty_file_becomes_a_shelf(file: Path) -> None:
    file.touch(mode=0o600)
    with closing(connect(file)) as db:
        assert db.execute("PRAGMA page_size").fetchone() == (PAGE_SIZE,)


def test_a_shelf_of_a_newer_version_is_left_alone(shelf: Shelf, file: Path) -> None:
    shelf.rows(f"PRAGMA user_version = {VERSION + 1}")
    shelf.close()
    before = file.read_bytes()
    with pytest.raises(ShelfUnusable, match=f"shelf version {VERSION + 1}, this one knows {VERSION}") as told:
        connect(file)
    assert "newer contextd" in told.value.hint
    assert file.read_bytes() == before


@pytest.mark.parametrize("damage", ["not a database", "header", "root page"])
def test_damage_is_told_with_the_file_and_what_rebuilds_it(shelf: Shelf, file: Path, damage: str) -> None:
    with Publication(shelf, "-") as publication:
        for n in range(300):
            publication.exclude(Excluded(f"path/number/{n}", "EXCL-BINARY", "built in"))
        publication._run("COMMIT")
    shelf.rows("PRAGMA wal_checkpoint(TRUNCATE)")
    shelf.close()
    data = bytearray(file.read_bytes())
    if damage == "not a database":
        data[:] = b"rubbish " * 4000
    elif damage == "header":
        data[:16] = b"\0" * 16
    else:
        for page in range(1, len(data) // PAGE_SIZE):
            data[page * PAGE_SIZE : page * PAGE_SIZE + 400] = b"\xff" * 400
    file.write_bytes(data)

    def use() -> None:
        opened = Shelf(file, "code")
        try:
            assert opened.check() == []
            opened.exclusions("-", 1)
        finally:
            opened.close()

    if damage == "root page":
        with pytest.raises((ShelfUnusable, AssertionError)):
            use()
        return
    with pytest.raises(ShelfUnusable, match="is damaged or not a database") as told:
        use()
    assert told.value.reason == "SHELF_UNUSABLE"
    assert f"move {file} away and crawl the source again" in told.value.hint
    assert "still stands" in told.value.message


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ShelfUnusable, match="cannot be opened") as told:
        connect(tmp_path / "none" / "code.db")
    assert "ls -la" in told.value.hint
    with pytest.raises(ShelfUnusable):
        connect(tmp_path)


def test_a_lock_of_another_process_is_told(shelf: Shelf, file: Path) -> None:
    shelf.rows("PRAGMA busy_timeout = 20")
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(ShelfUnusable, match="locked by another process"), Publication(shelf, "-"):
            pass
        other.execute("ROLLBACK")
    with Publication(shelf, "-"):
        pass


def test_a_disk_that_fills_up_is_told_at_once_and_keeps_the_head(shelf: Shelf) -> None:
    (pages,) = shelf.rows("PRAGMA page_count")[0]
    shelf.rows(f"PRAGMA max_page_count = {pages + 1}")

    def fill() -> None:
        with Publication(shelf, "-") as publication:
            for n in range(100):
                publication.add_segment(b"h" * 9000, [b"b" * 9000], bytes(8 * n))

    with pytest.raises(ShelfUnusable, match="the disk is full"):
        fill()
    assert not shelf.connection.in_transaction
    assert shelf.segments() == []
    shelf.rows("PRAGMA max_page_count = 1000000")
    with Publication(shelf, "-") as publication:
        publication.add_segment(b"h" * 9000, [b"b" * 9000], bytes(8))
        publication._run("COMMIT")
    assert len(shelf.segments()) == 1
