"""Whoever edits, deletes, moves or cuts what was signed is found, and the first place that was touched is named."""

from __future__ import annotations

import json
import random
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from contextd.merkle import rfc6962
from contextd.store.audit.errors import AuditDamaged
from contextd.store.audit.head import TreeHead, sign_head
from contextd.store.audit.log import AuditLog
from contextd.store.audit.verification import AuditVerification, verify_log
from contextd.store.keys import create_signing_key

ORIGIN = "contextd.test/audit"
HEADS = (7, 20, 32)
ENTRIES = 35


def event(number: int) -> dict[str, object]:
    return {
        "kind": "answer",
        "time": f"2026-11-23T18:40:02.{number:06d}Z",
        "principal": "dev@example.org",
        "subject": f"rcpt1:{number:064x}",
    }


class Signed:
    """A log of 35 entries with heads over 7, 20 and 32 of them, closed, and an attacker's way in."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "audit.db"
        self.key = create_signing_key(folder / "keys", lambda count: b"\x01" * count)
        self.heads: list[TreeHead] = []

    def fill(self) -> None:
        with AuditLog.open(self.path, self.key, ORIGIN) as log:
            for start, end in zip((0, *HEADS), (*HEADS, ENTRIES), strict=True):
                log.append_many([event(i) for i in range(start, end)])
                if end in HEADS:
                    log.sign_head()
            self.heads = log.heads()

    @contextmanager
    def editing(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self.path)) as db, db:
            for (trigger,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
                db.execute(f"DROP TRIGGER {trigger}")
            yield db

    def verify(self, **more: object) -> AuditVerification:
        return verify_log(self.path, ORIGIN, [self.key], **more)  # type: ignore[arg-type]  # anchors only

    def rebuild(self, db: sqlite3.Connection) -> None:
        """Make every hash fit the texts again, as a careful attacker would."""
        frontier = rfc6962.Frontier()
        for index, data in db.execute("SELECT idx, data FROM entries ORDER BY idx").fetchall():
            db.execute("UPDATE entries SET hashes = ? WHERE idx = ?", (b"".join(frontier.append(rfc6962.leaf(data))), index))


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Signed:
    original = Signed(tmp_path_factory.mktemp("original"))
    original.fill()
    return original


@pytest.fixture
def signed(tmp_path: Path, template: Signed) -> Signed:
    copy = Signed(tmp_path)
    copy.path.write_bytes(template.path.read_bytes())
    copy.heads = template.heads
    return copy


def _edited(index: int) -> bytes:
    return json.dumps({**event(index), "principal": "someone@example.org"}, sort_keys=True, separators=(",", ":")).encode()


def test_an_untouched_log_is_whole(signed: Signed) -> None:
    report = signed.verify()
    assert report.ok
    assert report.problems == ()
    assert report.first_bad is None
    assert (report.entries, report.heads, report.heads_broken, report.covered, report.tail) == (35, 3, 0, 32, 3)


def test_the_database_itself_refuses_changes_by_mistake(signed: Signed) -> None:
    with closing(sqlite3.connect(signed.path)) as db:
        for statement in (
            "UPDATE entries SET data = x''",
            "DELETE FROM entries",
            "UPDATE heads SET note = ''",
            "DELETE FROM heads",
        ):
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                db.execute(statement)


@pytest.mark.parametrize("index", [0, 6, 7, 19, 31, 34])
def test_an_edited_text_is_found_where_it_is(signed: Signed, index: int) -> None:
    with signed.editing() as db:
        db.execute("UPDATE entries SET data = ? WHERE idx = ?", (_edited(index), index))
    report = signed.verify()
    assert not report.ok
    assert (report.edited, report.first_bad, report.heads_broken) == (1, index, 0)
    assert f"entry {index} " in report.problems[0]


@pytest.mark.parametrize("index", [0, 6, 15, 31])
def test_a_deleted_entry_is_found_where_it_was(signed: Signed, index: int) -> None:
    with signed.editing() as db:
        db.execute("DELETE FROM entries WHERE idx = ?", (index,))
    report = signed.verify()
    assert not report.ok
    assert (report.missing, report.edited, report.reordered, report.first_bad) == (1 if index < 34 else 0, 0, 0, index)


def test_a_hole_at_the_beginning_and_a_far_stranger_are_told(signed: Signed) -> None:
    with signed.editing() as db:
        db.execute("DELETE FROM entries WHERE idx < 3")
        db.execute("UPDATE entries SET idx = 1000000000000 WHERE idx = 34")
        db.execute("UPDATE entries SET idx = -5 WHERE idx = 33")
    report = signed.verify()
    assert not report.ok
    assert report.missing == 3 + 1000000000000 - 33
    assert report.misplaced >= 1
    assert report.first_bad == 0


@pytest.mark.parametrize(("one", "two"), [(2, 3), (4, 9), (0, 31)])
def test_texts_that_changed_places_are_found_as_such(signed: Signed, one: int, two: int) -> None:
    with signed.editing() as db:
        rows = dict(db.execute("SELECT idx, data FROM entries WHERE idx IN (?, ?)", (one, two)).fetchall())
        db.execute("UPDATE entries SET data = ? WHERE idx = ?", (rows[one], two))
        db.execute("UPDATE entries SET data = ? WHERE idx = ?", (rows[two], one))
    report = signed.verify()
    assert (report.reordered, report.edited, report.first_bad) == (2, 0, one)


@pytest.mark.parametrize(("one", "two"), [(2, 3), (4, 8), (3, 7), (16, 30)])
def test_rows_that_changed_places_are_found(signed: Signed, one: int, two: int) -> None:
    with signed.editing() as db:
        for old, new in ((one, 1000), (two, one), (1000, two)):
            db.execute("UPDATE entries SET idx = ? WHERE idx = ?", (new, old))
    report = signed.verify()
    assert not report.ok
    assert report.misplaced >= 1
    assert report.first_bad is not None
    assert report.first_bad <= one


def test_entries_renumbered_over_a_deleted_one_are_found(signed: Signed) -> None:
    with signed.editing() as db:
        db.execute("DELETE FROM entries WHERE idx = 10")
        for index in range(11, 35):
            db.execute("UPDATE entries SET idx = ? WHERE idx = ?", (index - 1, index))
    report = signed.verify()
    assert report.first_bad == 10
    assert report.misplaced > 0


@pytest.mark.parametrize("left", [0, 6, 20, 31])
def test_a_cut_below_a_signed_head_is_counted(signed: Signed, left: int) -> None:
    with signed.editing() as db:
        db.execute("DELETE FROM entries WHERE idx >= ?", (left,))
    report = signed.verify()
    assert not report.ok
    assert (report.truncated, report.first_bad) == (32 - left, left)
    with pytest.raises(AuditDamaged, match=f"{left} entries, but 32 were signed") as damaged:
        AuditLog.open(signed.path, signed.key, ORIGIN)
    assert damaged.value.reason == "AUDIT_UNAVAILABLE"
    assert damaged.value.hint == "contextd audit verify"


def test_a_cut_with_its_heads_is_found_by_a_head_kept_elsewhere_and_by_what_others_recorded(signed: Signed) -> None:
    with signed.editing() as db:
        db.execute("DELETE FROM entries WHERE idx >= 20")
        db.execute("DELETE FROM heads WHERE size > 20")
    assert signed.verify().ok  # nothing here can tell
    report = signed.verify(anchors=[signed.heads[-1]])
    assert (report.truncated, report.heads_broken, report.ok) == (12, 1, False)
    with pytest.raises(AuditDamaged, match="20 entries, but 35 were recorded"):
        AuditLog.open(signed.path, signed.key, ORIGIN, expected=35)
    AuditLog.open(signed.path, signed.key, ORIGIN, expected=20).close()


@pytest.mark.parametrize(("index", "bounds"), [(0, (0, 6)), (8, (7, 19)), (25, (20, 31))])
def test_a_rewritten_history_does_not_fit_the_heads(signed: Signed, index: int, bounds: tuple[int, int]) -> None:
    with signed.editing() as db:
        db.execute("UPDATE entries SET data = ? WHERE idx = ?", (_edited(index), index))
        signed.rebuild(db)
    report = signed.verify()
    assert not report.ok
    assert report.first_bad == bounds[0]
    assert f"somewhere from {bounds[0]} to {bounds[1]}" in report.problems[0]
    assert report.heads_broken == sum(size > index for size in HEADS)
    with pytest.raises(AuditDamaged, match="was changed"):
        AuditLog.open(signed.path, signed.key, ORIGIN)


def test_a_rewritten_history_with_heads_of_another_key_is_found(signed: Signed, tmp_path: Path) -> None:
    thief = create_signing_key(tmp_path / "thief", lambda count: b"\x02" * count)
    with signed.editing() as db:
        db.execute("UPDATE entries SET data = ? WHERE idx = 3", (_edited(3),))
        signed.rebuild(db)
        db.execute("DELETE FROM heads")
        root = rfc6962.mth([rfc6962.leaf(data) for (data,) in db.execute("SELECT data FROM entries ORDER BY idx LIMIT 32")])
        db.execute("INSERT INTO heads VALUES (32, ?)", (sign_head(ORIGIN, 32, root, thief).note,))
    report = signed.verify()
    assert "no known key" in report.problems[0]
    assert (report.heads_broken, report.covered, report.tail) == (1, 0, 35)
    with pytest.raises(AuditDamaged, match="no known key"):
        AuditLog.open(signed.path, signed.key, ORIGIN)


def test_two_histories_signed_by_the_same_key_are_found(signed: Signed) -> None:
    with signed.editing() as db:
        root = rfc6962.mth([rfc6962.leaf(b"%d" % i) for i in range(25)])
        db.execute("INSERT INTO heads VALUES (25, ?)", (sign_head(ORIGIN, 25, root, signed.key).note,))
    report = signed.verify()
    assert (report.heads, report.heads_broken, report.first_bad) == (4, 1, 20)


@pytest.mark.parametrize(
    "edit",
    [
        "UPDATE heads SET note = 'nothing' WHERE size = 20",
        "UPDATE heads SET note = x'ff00' WHERE size = 20",
        "UPDATE heads SET size = 21 WHERE size = 20",
        "UPDATE heads SET note = replace(note, char(10) || '20' || char(10), char(10) || '19' || char(10)) WHERE size = 20",
        "UPDATE entries SET kind = 'refusal' WHERE idx = 9",
        "UPDATE entries SET subject = 'rcpt1:other' WHERE idx = 9",
        "UPDATE entries SET kind = x'ff' WHERE idx = 9",
        "UPDATE entries SET hashes = x'' WHERE idx = 9",
        "UPDATE entries SET hashes = substr(hashes, 1, 40) WHERE idx = 9",
        "UPDATE entries SET hashes = hashes || zeroblob(32) WHERE idx = 9",
        "UPDATE entries SET hashes = 'text' WHERE idx = 9",
        "UPDATE entries SET data = 'text' WHERE idx = 9",
        "UPDATE entries SET data = x'' WHERE idx = 9",
    ],
)
def test_whatever_else_is_edited_is_found_without_falling_over(signed: Signed, edit: str) -> None:
    with signed.editing() as db:
        assert db.execute(edit).rowcount == 1
    assert not signed.verify().ok


def test_a_text_that_is_no_event_is_found_even_with_its_hash(signed: Signed) -> None:
    with signed.editing() as db:
        db.execute("UPDATE entries SET data = x'5b5d', hashes = ? WHERE idx = 34", (rfc6962.leaf(b"[]"),))
    report = signed.verify()
    assert (report.edited, report.first_bad) == (1, 34)


def test_many_random_changes_are_all_found(signed: Signed) -> None:
    chance = random.Random(7)  # noqa: S311 - which entry to touch
    attacks: list[Callable[[sqlite3.Connection, int], object]] = [
        lambda db, i: db.execute("UPDATE entries SET data = ? WHERE idx = ?", (_edited(i), i)),
        lambda db, i: db.execute("DELETE FROM entries WHERE idx = ?", (i,)),
        lambda db, i: db.execute("UPDATE entries SET hashes = zeroblob(length(hashes)) WHERE idx = ?", (i,)),
        lambda db, i: db.execute("DELETE FROM entries WHERE idx >= ?", (i,)),
        lambda db, i: db.execute(
            "UPDATE entries SET data = (SELECT data FROM entries WHERE idx = ?) WHERE idx = ?", ((i + 5) % 32, i)
        ),
    ]
    original = signed.path.read_bytes()
    for _ in range(40):
        signed.path.write_bytes(original)
        index = chance.randrange(32)
        with signed.editing() as db:
            chance.choice(attacks)(db, index)
        report = signed.verify()
        assert not report.ok
        assert report.first_bad is not None
        assert report.first_bad <= index


def test_long_reports_say_how_much_they_leave_out(signed: Signed) -> None:
    with signed.editing() as db:
        db.execute("UPDATE entries SET data = x'00'")
    report = signed.verify()
    assert report.edited == 35
    assert len(report.problems) == 21
    assert report.problems[-1] == "and 15 more"


def test_an_edited_end_is_refused_on_opening(signed: Signed) -> None:
    with signed.editing() as db:
        db.execute("UPDATE entries SET data = ? WHERE idx = 34", (_edited(34),))
    with pytest.raises(AuditDamaged, match="entry 34 was edited"):
        AuditLog.open(signed.path, signed.key, ORIGIN)


def test_a_missing_peak_is_refused_on_opening(signed: Signed) -> None:
    with signed.editing() as db:
        db.execute("DELETE FROM entries WHERE idx = 31")
    with pytest.raises(AuditDamaged, match="entry 31 is missing"):
        AuditLog.open(signed.path, signed.key, ORIGIN)


def test_an_unreadable_head_is_refused_on_opening(signed: Signed) -> None:
    with signed.editing() as db:
        db.execute("UPDATE heads SET note = 'nothing' WHERE size = 32")
    with pytest.raises(AuditDamaged, match="cannot be read"):
        AuditLog.open(signed.path, signed.key, ORIGIN)


def test_a_log_is_not_opened_under_another_name(signed: Signed) -> None:
    with pytest.raises(AuditDamaged, match="another log"):
        AuditLog.open(signed.path, signed.key, "contextd.test/other")
