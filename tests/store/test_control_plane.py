"""The control plane's database: made, migrated, refused, and told when it cannot be used."""

from __future__ import annotations

import ast
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, CreateTable

from contextd.store.control import migrate, schema
from contextd.store.control.database import Database
from contextd.store.control.errors import ControlTooNew, ControlUnavailable
from contextd.store.control.events import Event
from contextd.store.control.plane import Control

NOW = datetime(2026, 11, 23, 18, 40, 2, 123456, tzinfo=UTC)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "control.db"


@pytest.fixture
def control(path: Path) -> Iterator[Control]:
    with Control.open(path) as opened:
        yield opened


def test_a_new_control_plane_is_private(control: Control, path: Path) -> None:
    control.events.record([Event(NOW, "crawl")])
    for file in path.parent.glob("control.db*"):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file


def test_the_revisions_lead_to_the_tables_that_the_code_knows(control: Control) -> None:
    with control._database.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, schema.metadata) == []
    config = Config()
    config.set_main_option("script_location", str(migrate._SCRIPTS))
    assert ScriptDirectory.from_config(config).get_heads() == [schema.HEAD]


def test_the_tables_can_be_made_in_postgresql() -> None:
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy leaves it untyped
    for table in schema.metadata.sorted_tables:
        assert "CREATE TABLE" in str(CreateTable(table).compile(dialect=dialect))
        for index in table.indexes:
            assert "CREATE" in str(CreateIndex(index).compile(dialect=dialect))


def test_alembic_is_imported_only_when_there_is_something_to_migrate(path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from contextd.store.control.plane import Control;"
        "Control.open(Path(sys.argv[1])).close(); print('alembic' in sys.modules)"
    )
    runs = [subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=True) for _ in "12"]
    assert [run.stdout.strip() for run in runs] == ["True", "False"]


def test_what_was_kept_is_there_when_it_is_opened_again(path: Path) -> None:
    with Control.open(path) as control:
        control.people.add("dev@example.org", by="steward", at=NOW)
    with Control.open(path) as control:
        assert control.people.names() == ("dev@example.org",)


def test_a_database_of_a_newer_version_is_refused_and_left_alone(path: Path) -> None:
    Control.open(path).close()
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(ControlTooNew, match="revision 9999; this contextd knows 0001") as refused:
        Control.open(path)
    assert "version of contextd" in refused.value.hint
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("SELECT version_num FROM alembic_version").fetchone() == ("9999",)


def test_a_database_that_is_something_else_is_refused(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE t (a)")
    with pytest.raises(ControlUnavailable, match="not a control plane"):
        Control.open(path)


def test_a_migration_that_fails_leaves_nothing_behind(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken(Exception):
        pass

    def fail(connection: sa.Connection, where: Path) -> None:
        upgrade(connection, where)
        raise Broken

    upgrade = migrate.upgrade
    monkeypatch.setattr(migrate, "upgrade", fail)
    with pytest.raises(Broken):
        Control.open(path)
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("SELECT name FROM sqlite_master").fetchall() == []
    monkeypatch.undo()
    Control.open(path).close()


@pytest.mark.parametrize("content", [b"not a database at all, and long enough to have a header" * 20, bytes([7]) * 5000])
def test_a_file_that_is_no_database_is_told(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(ControlUnavailable, match="damaged or not a database") as told:
        Control.open(path)
    assert "backup" in told.value.hint
    assert path.read_bytes() == content


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ControlUnavailable, match="cannot open the control plane"):
        Control.open(tmp_path / "none" / "control.db")


def test_a_full_disk_is_told_and_the_transaction_undone(control: Control) -> None:
    def limit(connection: sqlite3.Connection, record: object, proxy: object) -> None:
        connection.execute("PRAGMA max_page_count = 1")  # rounds up to what the file has

    sa.event.listen(control._database._engine, "checkout", limit)
    with pytest.raises(ControlUnavailable, match="disk is full") as told:
        control.events.record([Event(NOW, "crawl", body={"filler": "x" * 5000})] * 100)
    assert "df -h" in told.value.hint
    assert control.events.count() == {}


def test_a_lock_of_another_process_is_told(control: Control, path: Path) -> None:
    def hurry(connection: sqlite3.Connection, record: object, proxy: object) -> None:
        connection.execute("PRAGMA busy_timeout = 20")

    sa.event.listen(control._database._engine, "checkout", hurry)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(ControlUnavailable, match="locked by another process"):
            control.events.record([Event(NOW, "crawl")])
        assert control.events.count() == {}
        other.execute("ROLLBACK")
    control.events.record([Event(NOW, "crawl")])


def test_what_raises_within_a_transaction_undoes_it(path: Path) -> None:
    database = Database.open(path)
    before = database.generation

    def change_and_raise() -> None:
        with database.write() as connection:
            connection.execute(sa.insert(schema.principals), {"name": "dev", "created_at": NOW, "created_by": "me"})
            raise KeyError

    with pytest.raises(KeyError):
        change_and_raise()
    with database.read() as connection:
        assert connection.execute(sa.select(schema.principals)).all() == []
    assert database.generation == before
    database.close()


def test_the_generation_moves_with_what_decides_and_not_with_what_records(control: Control) -> None:
    before = control.generation
    control.events.record([Event(NOW, "crawl")])
    control.record_answer(None, Event(NOW, "decision"))
    assert control.generation == before
    control.people.add("dev@example.org", by="steward", at=NOW)
    assert control.generation > before


def test_many_threads_write_and_read_at_once(control: Control) -> None:
    failures: list[BaseException] = []

    def work(worker: int) -> None:
        try:
            for number in range(15):
                control.record_answer(None, Event(NOW, "decision", tier=worker, body={"number": number}))
                control.events.count("decision")
        except BaseException as error:  # noqa: BLE001 - any failure fails the test
            failures.append(error)

    threads = [threading.Thread(target=work, args=(worker,)) for worker in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert control.events.count() == {("decision", "", worker): 15 for worker in range(16)}


@given(st.datetimes(timezones=st.just(UTC)))
def test_instants_keep_their_microseconds(instant: datetime) -> None:
    assert schema.instant_of(schema.micros(instant)) == instant


def test_instants_of_any_zone_are_kept_and_those_of_none_refused() -> None:
    east = datetime(2026, 11, 23, 20, 40, 2, tzinfo=timezone(timedelta(hours=2)))
    assert schema.instant_of(schema.micros(east)) == east
    assert schema.instant_of(schema.micros(east)).utcoffset() == timedelta(0)
    with pytest.raises(ValueError, match="no time zone"):
        schema.micros(east.replace(tzinfo=None))


def test_a_released_revision_does_not_read_the_tables_of_today() -> None:
    for script in (migrate._SCRIPTS / "versions").glob("r*.py"):
        imported = {node.module for node in ast.walk(ast.parse(script.read_text())) if isinstance(node, ast.ImportFrom)}
        assert imported == {"alembic"}, script
