"""A fault is told, never a silent loss: full disks, locks, commits that fail before or after they are kept, and kill -9."""

from __future__ import annotations

import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from contextd.store.audit.errors import AuditUnavailable
from contextd.store.audit.log import AuditLog
from contextd.store.keys import SigningKey, create_signing_key, load_signing_key

ORIGIN = "contextd.test/audit"


def event(number: int, size: int = 0) -> dict[str, object]:
    return {
        "kind": "answer",
        "time": f"2026-11-23T18:40:02.{number:06d}Z",
        "principal": "dev@example.org",
        "subject": f"rcpt1:{number:064x}",
        "number": number,
        "filler": "x" * size,
    }


@pytest.fixture
def key(tmp_path: Path) -> SigningKey:
    return create_signing_key(tmp_path / "keys", lambda count: b"\x01" * count)


@pytest.fixture
def log(tmp_path: Path, key: SigningKey) -> Iterator[AuditLog]:
    with AuditLog.open(tmp_path / "audit.db", key, ORIGIN) as opened:
        opened.append_many([event(i) for i in range(5)])
        opened.sign_head()
        yield opened


class FailingCommit:
    """The log's connection, whose next COMMIT reports a failing disk: before it was kept, or after."""

    def __init__(self, db: sqlite3.Connection, *, kept: bool) -> None:
        self._db = db
        self._kept = kept
        self._armed = True

    def __getattr__(self, name: str) -> object:
        return getattr(self._db, name)

    def execute(self, sql: str, *parameters: tuple[str | int, ...]) -> sqlite3.Cursor:
        if sql == "COMMIT" and self._armed:
            self._armed = False
            if self._kept:
                self._db.execute(sql)
            error = sqlite3.OperationalError("disk I/O error")
            error.sqlite_errorcode = sqlite3.SQLITE_IOERR
            raise error
        return self._db.execute(sql, *parameters)


@pytest.mark.parametrize("kept", [False, True])
def test_a_commit_that_fails_is_told_and_the_log_goes_on(log: AuditLog, *, kept: bool) -> None:
    log._db = FailingCommit(log._db, kept=kept)  # type: ignore[assignment]  # stands in for the connection
    with pytest.raises(AuditUnavailable, match="disk reports an error") as told:
        log.append_many([event(5), event(6)])
    assert told.value.reason == "AUDIT_UNAVAILABLE"
    assert log.size == (7 if kept else 5)
    assert log.append(event(7)) == log.size - 1
    numbers = [entry.event["number"] for entry in log.entries()]
    assert numbers == [0, 1, 2, 3, 4, *([5, 6] if kept else []), 7]
    log.sign_head()
    assert log.verify().ok


@pytest.mark.parametrize("kept", [False, True])
def test_a_head_that_fails_is_told_and_signed_the_next_time(log: AuditLog, *, kept: bool) -> None:
    log.append(event(5))
    log._db = FailingCommit(log._db, kept=kept)  # type: ignore[assignment]  # stands in for the connection
    with pytest.raises(AuditUnavailable, match="cannot sign"):
        log.sign_head()
    assert log.sign_head().size == 6
    assert [head.size for head in log.heads()] == [5, 6]
    assert log.verify().ok


def test_a_full_disk_is_told_and_nothing_of_the_batch_is_kept(log: AuditLog) -> None:
    (pages,) = log._db.execute("PRAGMA page_count").fetchone()
    log._db.execute(f"PRAGMA max_page_count = {pages + 4}")
    with pytest.raises(AuditUnavailable, match="disk is full") as told:
        log.append_many([event(i, size=2000) for i in range(5, 40)])
    assert "df -h" in told.value.hint
    assert log.size == 5
    assert log.append(event(5)) == 5
    log._db.execute("PRAGMA max_page_count = 1000000")
    assert log.append_many([event(i, size=2000) for i in range(6, 40)])[-1] == 39
    assert log.verify().ok


def test_a_read_only_file_is_told(log: AuditLog) -> None:
    log._db.execute("PRAGMA query_only = ON")
    with pytest.raises(AuditUnavailable, match="cannot be written") as told:
        log.append(event(5))
    assert "chmod 600" in told.value.hint
    assert log.verify().ok
    log._db.execute("PRAGMA query_only = OFF")
    assert log.append(event(5)) == 5


def test_a_lock_of_another_process_is_told(log: AuditLog) -> None:
    log._db.execute("PRAGMA busy_timeout = 20")
    with closing(sqlite3.connect(log.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(AuditUnavailable, match="locked by another process"):
            log.append(event(5))
        assert log.entry(4).index == 4
        other.execute("ROLLBACK")
    assert log.append(event(5)) == 5


def test_everyone_in_a_failed_commit_is_told_and_later_ones_succeed(log: AuditLog) -> None:
    log._db.execute("PRAGMA query_only = ON")
    outcomes: list[object] = []

    def work(number: int) -> None:
        try:
            outcomes.append(log.append(event(number)))
        except AuditUnavailable as error:
            outcomes.append(error.reason)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(5, 15)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes == ["AUDIT_UNAVAILABLE"] * 10
    log._db.execute("PRAGMA query_only = OFF")
    assert log.append(event(5)) == 5


def test_every_commit_waits_for_the_disk(log: AuditLog) -> None:
    assert log._db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert log._db.execute("PRAGMA synchronous").fetchone() == (2,)


def test_a_log_in_a_missing_folder_is_told(tmp_path: Path, key: SigningKey) -> None:
    with pytest.raises(AuditUnavailable, match="cannot make"):
        AuditLog.open(tmp_path / "none" / "audit.db", key, ORIGIN)
    with pytest.raises(AuditUnavailable, match="cannot be opened"):
        AuditLog.open(tmp_path / "keys", key, ORIGIN)


def test_a_file_that_died_before_its_tables_is_made_anew(tmp_path: Path, key: SigningKey) -> None:
    (tmp_path / "audit.db").touch(mode=0o600)
    with AuditLog.open(tmp_path / "audit.db", key, ORIGIN) as log:
        assert log.append(event(0)) == 0


CHILD = """
import sys, threading
from pathlib import Path
from contextd.store.audit.log import AuditLog
from contextd.store.keys import load_signing_key

folder = Path(sys.argv[1])
log = AuditLog.open(folder / "audit.db", load_signing_key(folder / "keys"), "contextd.test/audit")
told = threading.Lock()

def work(worker):
    for number in range(100000):
        index = log.append({
            "kind": "answer", "time": "2026-11-23T18:40:02.000000Z", "principal": "dev@example.org",
            "subject": f"{worker}:{number}",
        })
        if worker == 0 and number % 10 == 9:
            log.sign_head()
        with told:
            sys.stdout.write(f"{index} {worker}:{number}\\n")
            sys.stdout.flush()

for worker in range(3):
    threading.Thread(target=work, args=(worker,), daemon=True).start()
threading.Event().wait()
"""


def test_kill_9_loses_no_acknowledged_entry(tmp_path: Path) -> None:
    create_signing_key(tmp_path / "keys", lambda count: b"\x01" * count)
    chance = random.Random(3)  # noqa: S311 - when to kill
    acknowledged: dict[int, str] = {}
    for _ in range(4):
        child = subprocess.Popen([sys.executable, "-c", CHILD, str(tmp_path)], stdout=subprocess.PIPE, text=True)
        with child:
            assert child.stdout is not None
            lines = [child.stdout.readline()]
            time.sleep(chance.uniform(0.01, 0.15))
            child.send_signal(signal.SIGKILL)
            lines += child.stdout.readlines()
        for line in lines:
            if line.endswith("\n"):
                index, subject = line.split()
                assert int(index) not in acknowledged
                acknowledged[int(index)] = subject
        with AuditLog.open(tmp_path / "audit.db", load_signing_key(tmp_path / "keys"), ORIGIN) as log:
            assert log.verify().ok
            for number, subject in acknowledged.items():
                assert log.entry(number).event["subject"] == subject
    assert len(acknowledged) > 20


FULL = """
import resource, sys
from pathlib import Path
from contextd.store.audit.errors import AuditUnavailable
from contextd.store.audit.log import AuditLog
from contextd.store.keys import load_signing_key

folder = Path(sys.argv[1])
log = AuditLog.open(folder / "audit.db", load_signing_key(folder / "keys"), "contextd.test/audit")
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
kept = 0
try:
    for number in range(1000):
        log.append({
            "kind": "answer", "time": "2026-11-23T18:40:02.000000Z", "principal": "dev@example.org",
            "subject": str(number), "filler": "x" * 1000,
        })
        kept += 1
except AuditUnavailable as error:
    print(kept, error.reason, error.message)
"""


def test_a_file_that_the_system_lets_grow_no_further_is_told(tmp_path: Path) -> None:
    create_signing_key(tmp_path / "keys", lambda count: b"\x01" * count)
    child = subprocess.run([sys.executable, "-c", FULL, str(tmp_path)], capture_output=True, text=True, check=True)
    kept, reason, message = child.stdout.split(maxsplit=2)
    assert reason == "AUDIT_UNAVAILABLE"
    assert "disk" in message
    with AuditLog.open(tmp_path / "audit.db", load_signing_key(tmp_path / "keys"), ORIGIN, expected=int(kept)) as log:
        assert log.verify().ok
        assert [entry.event["subject"] for entry in log.entries()][: int(kept)] == [str(n) for n in range(int(kept))]
