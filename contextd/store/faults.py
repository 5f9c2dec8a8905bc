"""What SQLite says when it cannot work, in words for people."""

from __future__ import annotations

import sqlite3
from pathlib import Path

_LOCKED = ("is locked by another process", "see which process has it open: fuser {path}")
_READONLY = ("cannot be written", "chmod 600 {path}; if that is not it, its file system is mounted read-only")
_DAMAGED = ("is damaged or not a database", "keep a copy of {path} and restore it from a backup")
_TOLD = {
    sqlite3.SQLITE_BUSY: _LOCKED,
    sqlite3.SQLITE_LOCKED: _LOCKED,
    sqlite3.SQLITE_READONLY: _READONLY,
    sqlite3.SQLITE_PERM: _READONLY,
    sqlite3.SQLITE_CORRUPT: _DAMAGED,
    sqlite3.SQLITE_NOTADB: _DAMAGED,
    sqlite3.SQLITE_CONSTRAINT: ("already holds something that contradicts this", "contextd doctor"),
    sqlite3.SQLITE_FULL: ("cannot grow: the disk is full", "free space on this disk: df -h {folder}"),
    sqlite3.SQLITE_CANTOPEN: ("cannot be opened", "check that it and its folder are yours: ls -la {folder}"),
    sqlite3.SQLITE_IOERR: (
        "cannot be read or written: the disk reports an error",
        "check the disk and its space: df -h {folder}",
    ),
}


def is_damage(error: BaseException | None) -> bool:
    """Whether the file itself is not what it should be, so that trying again cannot help."""
    return _primary(error) in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


def explain(error: BaseException | None, path: Path) -> tuple[str, str]:
    """Say why the database at ``path`` did not do what was asked, and how to mend it.

    Returns a clause that follows the file's name (``is locked by another process``) and a hint, which may be empty.
    """
    why, hint = _TOLD.get(_primary(error), (f"failed: {error}", ""))
    return why, hint.format(path=path, folder=path.parent)


def _primary(error: BaseException | None) -> int:
    """The primary result code: the low byte of an extended one; -1 where the error did not come from SQLite itself."""
    code: int = getattr(error, "sqlite_errorcode", -1)
    return code & 0xFF if code >= 0 else -1
