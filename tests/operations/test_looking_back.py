"""Snapshots and what differs between them; a home that opens, says who calls, and catches up with what died before."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from contextd.home import Home, HomeLocked, World
from contextd.model.answer import Question
from contextd.model.errors import InvalidInput, NotFound, Refused
from contextd.model.source import Component
from contextd.operations import history
from contextd.operations.ask import search
from contextd.operations.evidence import catch_up
from contextd.operations.history import diff_snapshots, list_snapshots, show_receipt, show_snapshot, verify_audit
from contextd.operations.ingest import crawl
from contextd.operations.plane import TERMINAL, Plane
from contextd.store.keys import KeysUnavailable
from tests.conftest import DEV, OUTSIDER, STEWARD, Files, House, Repository

FILES: Files = {"src/a.py": "one\ntwo\nthree\n", "docs/a.md": "# A\n", "deploy/x.txt": "quagga\n"}


@pytest.fixture
def crawled(house: House, repository: Repository) -> House:
    repository.commit(FILES)
    house.add("code", repository.place)
    house.crawl("code")
    return house


def changes(plane: Plane, *between: str) -> list[tuple[str, str, str, int, int]]:
    found = diff_snapshots(plane, plane.caller(STEWARD), "code", *between)
    return [(c.path, c.kind, c.why, c.lines_added, c.lines_removed) for c in found]


def test_a_difference_says_lines_and_whether_content_policy_or_pipeline_made_it(
    crawled: House, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.commit({"src/a.py": "one\n2\nthree\nfour\n", "docs/a.md": None, "new.py": "x\ny\n"})
    crawled.crawl("code")
    with crawled.opened() as plane:
        assert changes(plane) == [
            ("docs/a.md", "removed", "content", 0, 1),
            ("new.py", "added", "content", 2, 0),
            ("src/a.py", "changed", "content", 2, 1),
        ]
    never = '  - {name: deploys, action: never-ingest, paths: ["deploy/"], reason: No.}\n'
    crawled.rewrite("boundary.yaml", "zones:\n", f"zones:\n{never}")
    (crawled.home / "boundaries" / "secrets" / "h.toml").write_text(
        "[[rules]]\nid = \"thr\"\ndescription = \"d\"\nregex = '''three'''\n"
    )
    crawled.crawl("code")
    with crawled.opened() as plane:
        assert changes(plane) == [("deploy/x.txt", "removed", "policy", 0, 1), ("src/a.py", "changed", "policy", 1, 1)]
    crawled.rewrite("boundary.yaml", never, "")
    crawled.crawl("code")
    with crawled.opened() as plane:
        assert changes(plane) == [("deploy/x.txt", "added", "policy", 1, 0)]
        (head,) = plane.shelf("code").heads().values()
        same = replace(head, pipeline="filter/9")
        assert history._why(same, head) == "pipeline"
        moved = replace(head, descriptor=replace(head.descriptor, components=(Component("x", ("a/",), 1, "team-x"),)))
        assert history._why(moved, head) == "policy"


def test_a_snapshot_is_found_by_id_prefix_commit_or_as_the_newest(crawled: House, repository: Repository) -> None:
    second = repository.commit({"src/b.py": "1\n"})
    crawled.crawl("code")
    with crawled.acting() as (plane, caller):
        new, old = list_snapshots(plane, caller, "code")
        assert list_snapshots(plane, caller, "code", 1) == [new]
        assert show_snapshot(plane, caller, "code") == new
        for value in (old.id, old.id[:14], old.id[5:15], old.commit, old.commit[:7]):
            assert show_snapshot(plane, caller, "code", value) == old
        assert show_snapshot(plane, caller, "code", second[:9]) == new
        with pytest.raises(NotFound, match="no snapshot before"):
            diff_snapshots(plane, caller, "code", "", old.id)
        with pytest.raises(NotFound, match="has no snapshot"):
            show_snapshot(plane, caller, "code", "0123456789")
        with pytest.raises(InvalidInput):
            show_snapshot(plane, caller, "code", "master")
        repository.git("update-ref", "refs/heads/main", old.commit)
        crawl(plane, caller, "code")
        assert show_snapshot(plane, caller, "code", old.id).sequence == 3
        real = plane.shelf("code").snapshots
        plane.shelf("code").snapshots = lambda ref=None: [replace(s, id=f"ctx1:{'a' * 60}{s.sequence:04}") for s in real(ref)]  # type: ignore[method-assign]  # ids that share a beginning
        with pytest.raises(NotFound, match="could be 3 snapshots"):
            show_snapshot(plane, caller, "code", "a" * 10)


def test_a_source_that_was_never_crawled_has_no_snapshot(house: House, repository: Repository) -> None:
    house.add("code", repository.place)
    with house.acting() as (plane, caller):
        assert list_snapshots(plane, caller, "code") == []
        with pytest.raises(NotFound) as told:
            show_snapshot(plane, caller, "code")
        assert told.value.reason == "NO_HEAD"
    assert house.reason("package", "check", "code") == "NO_HEAD"
    explained = house.ask("explain", "code", "src/a.py")
    assert (explained["then"], explained["snapshot"], explained["admitted"]) == ("", "", True)


def test_only_auditors_verify_the_log_and_see_receipts_of_others(crawled: House) -> None:
    with crawled.acting() as (plane, caller):
        receipt = search(plane, caller, Question("quagga", (), TERMINAL)).receipt.id
        assert verify_audit(plane, caller).ok
        for who in (DEV, OUTSIDER):
            with pytest.raises(Refused):
                verify_audit(plane, plane.caller(who))
            with pytest.raises(NotFound):
                show_receipt(plane, plane.caller(who), receipt)


def test_a_shelf_that_was_lost_is_rebuilt_and_receipts_say_what_they_cannot_show(
    crawled: House, repository: Repository
) -> None:
    receipt = crawled.ask("search", "quagga")["receipt"]["id"]
    (crawled.home / "shelves" / "code.db").unlink()
    lost = {check["name"]: check["holds"] for check in crawled.ask("receipt", "verify", receipt, expect=(1,))["checks"]}
    assert lost == {"id": True, "signature": True, "served": False, "audit": True}
    repository.commit({"src/more.py": "1\n"})
    crawled.crawl("code")
    with crawled.opened() as plane:
        rows = {(row.sequence, row.id) for row in plane.control.snapshots.find("code")}
        assert rows == {(s.sequence, s.id) for s in plane.shelf("code").snapshots()}
    repository.git("update-ref", "refs/heads/main", "main~1")
    crawled.crawl("code")
    assert crawled.ask("receipt", "verify", receipt)["holds"]


def test_catching_up_finds_nothing_to_do_on_a_home_that_is_whole(crawled: House) -> None:
    crawled.ask("search", "quagga")
    with crawled.opened() as plane:
        size = plane.audit.size
        assert catch_up(plane) == 0
        assert plane.audit.size == size


def test_catching_up_records_lost_rows_once(crawled: House) -> None:
    receipt = crawled.ask("search", "quagga")["receipt"]["id"]
    with crawled.opened() as plane:
        published = len(list(plane.audit.entries(kinds=("snapshot-published",))))
        kept = plane.control.receipts.get(receipt)
        with plane.control._database.write() as connection:
            connection.exec_driver_sql("DELETE FROM receipts")
            connection.exec_driver_sql("DELETE FROM snapshots")
        assert catch_up(plane) == 2
        assert catch_up(plane) == 0
        assert plane.control.receipts.get(receipt) == kept
        assert len(list(plane.audit.entries(kinds=("snapshot-published",)))) == published


def test_a_home_is_held_by_one_at_a_time_and_let_go(house: House) -> None:
    world = World(house.clock, house.entropy)
    with Home(house.home, world) as held:
        with pytest.raises(HomeLocked, match=f"pid {os.getpid()}"), Home(house.home, world, timedelta(milliseconds=120)):
            pass
        assert held.plane.sources() == ()
    with Home(house.home, world, timedelta(0)):
        pass
    (house.home / "boundaries" / "pii.yaml").unlink()
    for _ in range(2):
        with pytest.raises(InvalidInput), Home(house.home, world, timedelta(0)):
            pass


def test_who_calls_is_whose_token_it_is(house: House, tmp_path: Path) -> None:
    with Home(house.home, World(house.clock, house.entropy)) as home:
        assert home.caller().principal == STEWARD
        assert home.caller(house.token(DEV)).principal == DEV
        assert [grant.role.value for grant in home.caller(house.token(DEV)).grants] == ["reader"]
        with pytest.raises(KeysUnavailable):
            home.caller(tmp_path / "none")
    with Home(house.home, World(house.clock, house.entropy, {"CONTEXTD_PRINCIPAL": DEV})) as home:
        assert home.caller().principal == DEV
    settings = house.home / "contextd.toml"
    settings.write_text(settings.read_text().replace(f'principal = "{STEWARD}"\n', ""))
    with Home(house.home, World(house.clock, house.entropy)) as home, pytest.raises(InvalidInput, match="no principal is set"):
        home.caller()


@pytest.mark.parametrize("file", ["control.db", "audit.db", "keys/fingerprint"])
def test_a_home_whose_files_are_rubbish_says_which_and_changes_nothing(house: House, file: str) -> None:
    place = house.home / file
    place.write_bytes(b"rubbish " * 2000)
    before = place.read_bytes()
    told = house.ask("source", "list", expect=(3,))
    assert file.rpartition("/")[2] in told["message"]
    assert told["hint"]
    assert place.read_bytes() == before
    assert house.ask("doctor", expect=(1,))["failed"] == 1


def test_what_is_kept_is_read_again_when_something_changed(crawled: House) -> None:
    with crawled.acting() as (plane, caller):
        calls: list[int] = []

        def make() -> int:
            calls.append(1)
            return len(calls)

        assert (plane.kept(("x",), make), plane.kept(("x",), make)) == (1, 1)
        search(plane, caller, Question("quagga", (), TERMINAL))
        assert plane.kept(("x",), make) == 1
        plane.control.people.add("somebody@example.org", by=STEWARD, at=plane.now())
        assert plane.kept(("x",), make) == 2


def test_offline_looks_need_no_home(
    repository: Repository, run_cli: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    repository.commit({"README.md": "# Code\n", "deploy/x.env": "A=1\n"})
    for words in (["package", "check", str(repository.place), "--tier", "1"], ["boundary", "check", str(repository.place)]):
        assert run_cli("--home", str(tmp_path / "none"), *words)[0] == 0
    assert not (tmp_path / "none").exists()
