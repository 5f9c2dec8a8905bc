"""A file that is not what it should be is refused: no database, torn, another one, of a newer format, or not there."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from contextd.store.audit.errors import AuditDamaged, AuditUnavailable
from contextd.store.audit.log import AuditLog
from contextd.store.audit.verification import verify_log
from contextd.store.keys import SigningKey, create_signing_key

ORIGIN = "contextd.test/audit"


@pytest.fixture
def key(tmp_path: Path) -> SigningKey:
    return create_signing_key(tmp_path / "keys", lambda count: b"\x01" * count)


@pytest.fixture
def closed(tmp_path: Path, key: SigningKey) -> Path:
    with AuditLog.open(tmp_path / "audit.db", key, ORIGIN) as log:
        for number in range(5):
            log.append({"kind": "answer", "time": "2026-11-23T18:40:02.000000Z", "principal": "dev", "subject": str(number)})
        log.sign_head()
    return tmp_path / "audit.db"


@pytest.mark.parametrize("end", [16, 100, 5000])
def test_a_file_that_is_no_database_is_damage(closed: Path, key: SigningKey, end: int) -> None:
    closed.write_bytes(bytes([7]) * end)
    with pytest.raises(AuditDamaged, match="damaged or not a database"):
        AuditLog.open(closed, key, ORIGIN)
    with pytest.raises(AuditDamaged):
        verify_log(closed, ORIGIN, [key])


def test_torn_pages_are_damage(closed: Path, key: SigningKey) -> None:
    data = closed.read_bytes()
    closed.write_bytes(data[:4096] + bytes(len(data) - 4096))
    with pytest.raises(AuditDamaged):
        AuditLog.open(closed, key, ORIGIN)


def test_other_databases_and_newer_formats_are_refused(tmp_path: Path, closed: Path, key: SigningKey) -> None:
    other = tmp_path / "other.db"
    with closing(sqlite3.connect(other)) as db:
        db.execute("CREATE TABLE t (a)")
    with pytest.raises(AuditDamaged, match="not an audit log"):
        AuditLog.open(other, key, ORIGIN)
    with closing(sqlite3.connect(closed)) as db:
        db.execute("PRAGMA user_version = 2")
    with pytest.raises(AuditDamaged, match="has format 2"):
        AuditLog.open(closed, key, ORIGIN)


def test_a_log_that_is_not_there_cannot_be_verified(tmp_path: Path, closed: Path, key: SigningKey) -> None:
    with pytest.raises(AuditUnavailable):
        verify_log(tmp_path / "none.db", ORIGIN, [key])
    assert not (tmp_path / "none.db").exists()
