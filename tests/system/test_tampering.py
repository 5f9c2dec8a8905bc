"""Receipts and the audit log hold, and whoever changes a store behind the product's back is told on."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from contextd.home import ORIGIN
from contextd.store.audit.log import AuditLog
from contextd.store.keys import load_signing_key
from tests.conftest import Clock, House, Repository, RunCli, new_house

QUESTION = "how is a refund retried"


@pytest.fixture(scope="module")
def asked_once(made_home: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A home that answered one question, made once, and the receipt's id."""
    place = tmp_path_factory.mktemp("asked")
    repository = Repository(place / "code")
    repository.commit({"src/refund.py": "def refund(amount):\n    return -amount\n", "docs/a.md": "# Refund\n\nIs retried.\n"})
    with new_house(made_home, place / "home") as house:
        house.add("code", repository.place)
        house.crawl("code")
        return house.home, str(house.ask("search", QUESTION)["receipt"]["id"])


@pytest.fixture
def asked(asked_once: tuple[Path, str], tmp_path: Path, run_cli: RunCli, clock: Clock) -> tuple[House, str]:
    """A copy of the home that answered one question, and the receipt's id."""
    home, receipt = asked_once
    shutil.copytree(home, tmp_path / "home")
    return House(tmp_path / "home", clock, run_cli), receipt


def alter(file: Path, statement: str, *values: object) -> None:
    """Edit a store behind the product's back."""
    with closing(sqlite3.connect(file)) as db:
        assert db.execute(statement, values).rowcount != 0
        db.commit()


def untrigger(house: House) -> None:
    """Take the triggers away that keep the audit log append-only."""
    for table in ("entries", "heads"):
        for what in ("stay", "last"):
            alter(house.home / "audit.db", f"DROP TRIGGER {table}_{what}")


def checks(house: House, receipt: str, code: int) -> dict[str, bool]:
    """The checks of a receipt, which must end with this code."""
    answer = house.ask("receipt", "verify", receipt, expect=(code,))
    assert answer["holds"] is (code == 0)
    return {check["name"]: check["holds"] for check in answer["checks"]}


def test_an_untouched_receipt_holds_in_every_check(asked: tuple[House, str]) -> None:
    house, receipt = asked
    assert checks(house, receipt, 0) == {"id": True, "signature": True, "served": True, "audit": True}
    shown = house.run("receipt", "verify", receipt[:14])
    assert (shown.code, shown.stdout.splitlines()[-1]) == (0, f"pass  {receipt}")
    body = house.ask("receipt", "show", receipt)
    assert {hit["path"] for hit in body["served"]} == {"src/refund.py", "docs/a.md"}
    assert body["principal"] == "steward@example.org"


def test_the_question_is_kept_as_a_keyed_digest_unless_the_home_says_otherwise(asked: tuple[House, str]) -> None:
    house, _ = asked
    (event,) = house.audited("served")
    assert "query" not in event
    assert QUESTION not in str(event)
    settings = house.home / "contextd.toml"
    settings.write_text(settings.read_text().replace("keep_query_text = false", "keep_query_text = true"))
    house.ask("search", QUESTION)
    one, other = house.audited("served")
    assert other["query"] == QUESTION
    assert one["query_key"] == other["query_key"]


@pytest.mark.parametrize("column", ["body", "digest of the whole"])
def test_a_text_that_was_changed_in_the_shelf_fails_the_receipt(asked: tuple[House, str], column: str) -> None:
    house, receipt = asked
    shelf = house.home / "shelves" / "code.db"
    if column == "body":
        alter(shelf, "UPDATE texts SET body = CAST(replace(CAST(body AS TEXT), 'retried', 'dropped') AS BLOB)")
    else:
        alter(shelf, "UPDATE snapshots SET id = 'ctx1:' || substr(id, 6, 63) || 'g'")
    assert checks(house, receipt, 1) == {"id": True, "signature": True, "served": False, "audit": True}
    assert "FAIL  served" in house.run("receipt", "verify", receipt).stdout


def test_a_signature_that_was_changed_in_the_control_plane_fails_the_receipt(asked: tuple[House, str]) -> None:
    house, receipt = asked
    alter(house.home / "control.db", "UPDATE receipts SET signature = zeroblob(64)")
    assert checks(house, receipt, 1) == {"id": True, "signature": False, "served": True, "audit": True}


def test_a_receipt_that_is_pointed_at_another_audit_entry_is_told(asked: tuple[House, str]) -> None:
    house, receipt = asked
    other = house.ask("search", "amount")["receipt"]["id"]
    with house.opened() as plane:
        indexes = {row.id: row.audit_index for row in map(plane.control.receipts.get, (receipt, other))}
    point = "UPDATE receipts SET audit_index = ? WHERE id = ?"
    alter(house.home / "control.db", point, -1, other)
    alter(house.home / "control.db", point, indexes[other], receipt)
    assert checks(house, receipt, 1)["signature"] is False
    alter(house.home / "control.db", point, 0, receipt)
    assert checks(house, receipt, 1) == {"audit": False}
    assert "does not hold receipt" in house.run("receipt", "verify", receipt).stdout
    assert house.reason("receipt", "show", receipt, code=3) == "AUDIT_UNAVAILABLE"


@pytest.mark.parametrize("newest", [False, True])
@pytest.mark.parametrize(
    ("old", "new"), [("docs/a.md", "docs/b.md"), ("steward@example.org", "someone@example.org"), ("query_key", "query_kez")]
)
def test_an_audit_entry_that_was_edited_fails_receipt_and_log(
    asked: tuple[House, str], old: str, new: str, *, newest: bool
) -> None:
    house, receipt = asked
    if not newest:
        house.reason("fetch", "code", "nope")
    untrigger(house)
    edit = "UPDATE entries SET data = CAST(replace(CAST(data AS TEXT), ?, ?) AS BLOB) WHERE kind = 'served'"
    alter(house.home / "audit.db", edit, old, new)
    assert checks(house, receipt, 1)["audit"] is False
    told = house.ask("audit", "verify", expect=(1,))
    assert (told["holds"], told["edited"]) == (False, 1)
    shown = house.run("audit", "verify")
    assert shown.code == 1
    assert "FAIL  entry" in shown.stdout
    assert shown.stdout.splitlines()[-1] == f"FAIL  the first entry that cannot be trusted is {told['first_bad']}"


def test_a_log_that_is_whole_passes_and_says_what_it_did_not_check(asked: tuple[House, str]) -> None:
    house, _ = asked
    shown = house.run("audit", "verify")
    assert shown.code == 0
    assert shown.stdout.splitlines()[-1].startswith("pass  nothing edited, removed or reordered up to entry")
    assert "warn  anchor" in shown.stdout
    assert house.ask("audit", "verify")["problems"] == []


def cut_tail(house: House) -> None:
    alter(house.home / "audit.db", "DELETE FROM entries WHERE idx >= (SELECT max(idx) - 1 FROM entries)")


def cut_tail_and_heads(house: House) -> None:
    cut_tail(house)
    alter(house.home / "audit.db", "DELETE FROM heads WHERE size > (SELECT count(*) FROM entries)")


def rewrite_hashes(house: House) -> None:
    alter(house.home / "audit.db", "UPDATE entries SET hashes = zeroblob(length(hashes)) WHERE idx = 1")


def forge_head(house: House) -> None:
    alter(house.home / "audit.db", "UPDATE heads SET note = replace(note, 'contextd.dev/audit', 'other.example/log')")


@pytest.mark.parametrize("tamper", [cut_tail, cut_tail_and_heads, rewrite_hashes, forge_head])
def test_a_log_that_does_not_open_any_more_is_still_verified(asked: tuple[House, str], tamper: Callable[[House], None]) -> None:
    house, _ = asked
    house.ask("search", "amount")
    untrigger(house)
    tamper(house)
    told = house.ask("audit", "verify", expect=(1,))
    assert told["holds"] is False
    assert told["problems"]
    assert house.run("audit", "verify").stdout.splitlines()[-1].startswith("FAIL  the first entry that cannot be trusted is")
    refused = house.run("search", QUESTION)
    if refused.code:
        assert refused.code == 3
        assert "AUDIT_UNAVAILABLE" in refused.stderr
        doctor = house.ask("doctor", expect=(1,))
        assert any(check["mend"] == "contextd audit verify" or "backup" in check["mend"] for check in doctor["checks"])


def test_a_log_that_was_taken_away_is_told_and_not_begun_anew(asked: tuple[House, str]) -> None:
    house, _ = asked
    (house.home / "audit.db").unlink()
    for words in (["search", QUESTION], ["audit", "verify"]):
        assert house.reason(*words, code=3) == "HOME_INCOMPLETE"
    assert not (house.home / "audit.db").exists()


def test_a_log_that_was_exchanged_for_a_new_one_is_told(asked: tuple[House, str]) -> None:
    house, receipt = asked
    (house.home / "audit.db").unlink()
    with AuditLog.open(house.home / "audit.db", load_signing_key(house.home / "keys"), ORIGIN):
        pass
    assert house.reason("search", QUESTION, code=3) == "AUDIT_UNAVAILABLE"
    assert "entries, but" in house.ask("audit", "verify", expect=(1,))["problems"][0]
    assert checks(house, receipt, 1) == {"audit": False}


def test_a_lost_control_plane_row_of_a_receipt_is_made_again_from_the_log(asked: tuple[House, str]) -> None:
    house, receipt = asked
    alter(house.home / "control.db", "DELETE FROM receipts WHERE id = ?", receipt)
    assert checks(house, receipt, 0)
