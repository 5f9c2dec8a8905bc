"""What happens when a store of the home is gone, or when somebody edits a shelf."""

from __future__ import annotations

import sqlite3

import pytest

from tests.conftest import House, Repository


@pytest.mark.parametrize("name", ["control.db", "audit.db"])
def test_a_lost_store_is_not_begun_anew_in_silence(house: House, name: str) -> None:
    for file in house.home.glob(f"{name}*"):
        file.rename(file.with_suffix(".moved"))
    answer = house.run("source", "list")
    assert answer.code == 3
    assert "HOME_INCOMPLETE" in answer.stderr
    assert name in answer.stderr
    assert "restore" in answer.stderr
    assert not (house.home / name).exists()


def test_an_edited_text_is_found_by_working_the_id_out_again(house: House, repository: Repository) -> None:
    repository.commit({"a.py": "x = 1\n", "b.py": "y = 2\n"})
    house.add("code", repository.place)
    house.crawl("code")
    assert house.run("doctor", "--deep").code == 0
    with sqlite3.connect(house.home / "shelves" / "code.db") as shelf:
        shelf.execute("UPDATE texts SET body = ? WHERE body = ?", (b"x = 9\n", b"x = 1\n"))
    shelf.close()
    answer = house.run("doctor", "--deep")
    assert answer.code == 1
    assert "a.py is not the text that was published" in answer.stdout
    assert house.run("doctor").code == 0


def test_one_damaged_shelf_does_not_hide_the_others(house: House, repository: Repository) -> None:
    repository.commit({"a.py": "def apple(): pass\n"})
    for name in ("one", "two"):
        house.add(name, repository.place)
        house.crawl(name)
    (house.home / "shelves" / "one.db").write_bytes(b"no database" * 2000)
    for rest in (house.home / "shelves").glob("one.db-*"):
        rest.unlink()
    listed = house.run("source", "list")
    assert listed.code == 0
    assert "unreadable" in listed.stdout
    assert "two" in house.run("search", "apple", "--source", "two").stdout
    unscoped = house.run("search", "apple")
    assert (unscoped.code, unscoped.stdout) == (3, "")
    assert "SHELF_UNUSABLE" in unscoped.stderr
    assert "crawl" in unscoped.stderr
