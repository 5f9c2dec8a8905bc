"""Bad input gets a clear error with its mend, and loses nothing: what was served before is served still."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import time
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from contextd.home import Home
from contextd.store.audit.errors import AuditUnavailable
from contextd.store.shelf import schema
from tests.conftest import DEV, ON_A_SOURCE, OWNER, Files, House, Repository

PYTHON: Files = {"src/refund.py": "def refund(amount):\n    return -amount\n"}


@pytest.fixture
def crawled(house: House, repository: Repository) -> House:
    """A home with one crawled repository, ``code``, and one open finding on it."""
    repository.commit(
        {"src/retry.py": "def retry(): ...\n", **PYTHON, "README.md": "# Code\n\nThe backoff is in `src/retry.py`.\n"}
    )
    repository.commit({"src/retry.py": None, "src/backoff.py": "def retry(): ...\n"}, "Move the backoff")
    house.add("code", repository.place)
    house.crawl("code")
    assert [f["code"] for f in house.ask("findings", "list", "--source", "code")["findings"]] == ["DRIFT-PATH-GONE"]
    return house


def still_serves(house: House, name: str = "code") -> bool:
    """Whether the head that was crawled first is still the one that is served."""
    return [hit["path"] for hit in house.search("refund amount", "--source", name)][:1] == ["src/refund.py"]


@pytest.mark.parametrize("words", ON_A_SOURCE, ids=lambda words: " ".join(words[:2]))
def test_an_unknown_source_is_told_with_where_to_look(house: House, words: list[str]) -> None:
    answer = house.run(*[word.replace("NAME", "nowhere") for word in words])
    assert answer.code == 1
    assert "SOURCE_NOT_FOUND" in answer.stdout
    assert 'no source "nowhere" that you can read' in answer.stdout
    assert "contextd source list" in answer.stdout
    refusals = house.audited("refused")
    assert [(event["subject"], event["reason"]) for event in refusals] == [("sources/nowhere", "SOURCE_NOT_FOUND")]


@pytest.mark.parametrize(
    "path", ["../../etc/passwd", "/etc/passwd", "src/../../../etc/passwd", "..", "", ".", "src/./refund.py"]
)
def test_a_path_outside_the_root_is_no_document(crawled: House, path: str) -> None:
    refused = crawled.ask("fetch", "code", path, expect=(1,))
    assert refused["reason"] == "NOT_FOUND"
    assert "contextd explain code" in refused["hint"]
    assert "root:" not in str(refused)
    assert crawled.audited("refused")[-1]["reason"] == "NOT_FOUND"
    assert still_serves(crawled)


def test_a_link_out_of_the_root_is_excluded_and_never_followed(house: House, repository: Repository, tmp_path: Path) -> None:
    outside = tmp_path / "outside.txt"
    outside.write_text("what lies outside: quagga\n")
    repository.commit({**PYTHON, "leak.txt": ("120000", str(outside)), "deep/up.txt": ("120000", "../../../outside.txt")})
    folder = tmp_path / "folder"
    (folder / "docs").mkdir(parents=True)
    (folder / "docs" / "a.md").write_text("# Inside\n")
    (folder / "leak.txt").symlink_to(outside)
    (folder / "up").symlink_to(tmp_path)
    house.add("code", repository.place)
    house.add("folder", folder, kind="directory")
    for name in ("code", "folder"):
        house.crawl(name)
        excluded = {e["path"]: e["code"] for e in house.ask("boundary", "check", name)["excluded"]}
        assert excluded["leak.txt"] == "EXCL-LINK"
        assert set(excluded.values()) == {"EXCL-LINK"}
        explained = house.ask("explain", name, "leak.txt", expect=(0, 1))
        assert explained["then"].startswith("EXCL-LINK")
        assert house.reason("fetch", name, "leak.txt") == "NOT_FOUND"
    assert house.search("quagga") == []
    assert not any(b"quagga" in file.read_bytes() for file in (house.home / "shelves").iterdir())


def test_a_location_that_is_a_link_is_not_registered(house: House, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    words = ("source", "add", "folder", str(tmp_path / "link"), "--kind", "directory", "--tier", "1", "--owner", OWNER)
    refused = house.ask(*words, expect=(3,))
    assert refused["reason"] == "FIELD_INVALID"
    assert refused["hint"] == f"register {tmp_path / 'real'}"
    assert house.ask("source", "list")["sources"] == []


def test_a_repository_without_commits_is_told_and_crawled_once_it_has_one(house: House, repository: Repository) -> None:
    house.add("code", repository.place)
    failed = house.ask("crawl", "code", expect=(3,))
    assert failed["reason"] == "CRAWL_FAILED"
    assert "has no commits" in failed["message"]
    assert "commit" in failed["hint"]
    assert house.reason("search", "refund", "--source", "code") == "NO_HEAD"
    repository.commit(PYTHON)
    house.crawl("code")
    assert still_serves(house)


@pytest.mark.parametrize("damage", ["damaged", "missing"])
def test_a_corrupt_object_fails_the_crawl_and_the_old_head_and_its_finding_stay(
    crawled: House, repository: Repository, damage: str
) -> None:
    head = crawled.ask("snapshot", "show", "code")["id"]
    repository.commit({"src/new.py": "x = 1\n" * 40, "README.md": "# Code\n\nAll is said.\n"})
    blob = repository.git("rev-parse", "main:src/new.py")
    repository.git("unpack-objects", "-q", stdin=_packs(repository))
    loose = repository.place / ".git" / "objects" / blob[:2] / blob[2:]
    loose.chmod(0o644)
    if damage == "damaged":
        loose.write_bytes(zlib.compress(b"blob 240\0" + b"y = 2\n" * 40))
    else:
        loose.unlink()
    failed = crawled.ask("crawl", "code", expect=(3,))
    assert failed["reason"] == "CRAWL_FAILED"
    assert "src/new.py" in failed["message"]
    assert damage in failed["message"]
    assert "crawl again" in failed["hint"] or "fsck" in failed["message"]
    assert crawled.ask("snapshot", "show", "code")["id"] == head
    assert [f["code"] for f in crawled.ask("findings", "list")["findings"]] == ["DRIFT-PATH-GONE"]
    assert still_serves(crawled)
    warned = [check for check in crawled.ask("doctor")["checks"] if check["state"] == "warn"]
    assert any("the last crawl failed" in check["found"] and "src/new.py" in check["found"] for check in warned)
    assert crawled.audited("crawl-failed")[-1]["reason"] == "CRAWL_FAILED"


def _packs(repository: Repository) -> bytes:
    """All objects as one pack, the packs themselves gone: what follows is loose objects, which can be damaged one by one."""
    everything = repository.git("rev-list", "--objects", "--all").encode()
    command = ["git", "-C", str(repository.place), "pack-objects", "-q", "--stdout", "--no-reuse-delta", "--window=0"]
    ids = b"\n".join(line.split(b" ")[0] for line in everything.splitlines()) + b"\n"
    pack = subprocess.run(command, input=ids, capture_output=True, check=True).stdout
    for file in (repository.place / ".git" / "objects" / "pack").iterdir():
        file.unlink()
    return pack


def test_a_missing_ref_is_told_with_those_that_are_there(house: House, repository: Repository) -> None:
    repository.commit(PYTHON)
    house.add("code", repository.place, "--ref", "refs/heads/mian")
    failed = house.ask("crawl", "code", expect=(3,))
    assert failed["reason"] == "CRAWL_FAILED"
    assert "no ref refs/heads/mian" in failed["message"]
    assert "refs/heads/main" in failed["hint"]


def test_a_ref_that_vanished_keeps_its_old_head(crawled: House, repository: Repository) -> None:
    repository.git("update-ref", "refs/heads/other", "main")
    repository.git("symbolic-ref", "HEAD", "refs/heads/other")
    repository.git("update-ref", "-d", "refs/heads/main")
    assert crawled.reason("crawl", "code", code=3) == "CRAWL_FAILED"
    assert still_serves(crawled)


def test_a_question_about_a_ref_that_is_not_followed_says_which_are(crawled: House) -> None:
    refused = crawled.ask("search", "refund", "--source", "code", "--ref", "nope", expect=(1,))
    assert refused["reason"] == "SNAPSHOT_NOT_FOUND"
    assert "refs/heads/main" in refused["hint"]


@pytest.mark.parametrize(
    ("what", "words"),
    [("shelf", ["crawl", "code"]), ("temporary", ["crawl", "code"])],
)
def test_a_full_disk_stops_a_crawl_and_loses_nothing(
    crawled: House, repository: Repository, monkeypatch: pytest.MonkeyPatch, what: str, words: list[str]
) -> None:
    head = crawled.ask("snapshot", "show", "code")["id"]
    repository.commit({f"src/many{n}.py": f"value_{n} = {n}\n" * 2000 for n in range(20)})
    connect = schema.connect

    def full(path: Path) -> sqlite3.Connection:
        connection = connect(path)
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages + (2 if what == 'shelf' else 30)}")
        return connection

    with monkeypatch.context() as patch:
        patch.setattr("contextd.store.shelf.shelf.connect", full)
        failed = crawled.ask(*words, expect=(3,))
        assert failed["reason"] == "SHELF_UNUSABLE"
        assert "the disk is full" in failed["message"]
        assert "df -h" in failed["hint"]
        assert still_serves(crawled)
    assert crawled.ask("snapshot", "show", "code")["id"] == head
    assert crawled.crawl("code")["document_count"] == 23
    assert crawled.ask("audit", "verify")["holds"]


def test_without_room_for_the_audit_entry_no_answer_leaves(crawled: House, monkeypatch: pytest.MonkeyPatch) -> None:
    entered = Home.__enter__

    def full(home: Home) -> Home:
        opened = entered(home)
        log = opened.plane.audit
        (pages,) = log._db.execute("PRAGMA page_count").fetchone()
        log._db.execute(f"PRAGMA max_page_count = {pages}")
        filler = {"kind": "filler", "time": "2026-11-24T12:00:00.000000Z", "principal": "test", "subject": "x" * 9000}
        with suppress(AuditUnavailable):
            for _ in range(100):
                log.append(filler)
        return opened

    with monkeypatch.context() as patch:
        patch.setattr(Home, "__enter__", full)
        for words in (["search", "refund amount"], ["fetch", "code", "src/refund.py"]):
            told = crawled.run("--format", "json", *words)
            assert told.code == 3
            assert told.json["reason"] == "AUDIT_UNAVAILABLE"
            assert "df -h" in told.json["hint"]
            assert "return -amount" not in told.stdout + told.stderr
    assert still_serves(crawled)
    assert crawled.ask("audit", "verify")["holds"]


def test_huge_and_binary_files_are_excluded_and_never_stop_a_crawl(house: House, repository: Repository) -> None:
    repository.commit(
        {
            **PYTHON,
            "data/huge.txt": "quagga\n" * 400_000,
            "data/line.json": '["' + "quagga" * 20_000 + '"]',
            "data/image.png": b"\x89PNG\r\n\x1a\n\0\0quagga",
            "data/archive.zip": b"PK\x03\x04quagga",
            "data/utf16.txt": "quagga".encode("utf-16"),
            "empty.txt": b"",
        }
    )
    house.add("code", repository.place)
    snapshot = house.crawl("code")
    assert (snapshot["document_count"], snapshot["excluded_count"]) == (2, 5)
    codes = {e["path"]: e["code"] for e in house.ask("boundary", "check", "code")["excluded"]}
    assert codes == {
        "data/huge.txt": "EXCL-TOO-LARGE",
        "data/line.json": "EXCL-TOO-LARGE",
        "data/image.png": "EXCL-BINARY",
        "data/archive.zip": "EXCL-BINARY",
        "data/utf16.txt": "EXCL-ENCODING",
    }
    assert house.search("quagga") == []
    assert still_serves(house)


def test_invalid_utf8_in_names_and_texts_is_excluded_and_named(house: House, repository: Repository) -> None:
    repository.commit(
        {
            **PYTHON,
            b"bad\xff.py": b"x = 1\n",
            b"src/caf\xe9/mod.py": b"x = 1\n",
            "latin.txt": b"caf\xe9\n",
            "good/café.md": "# Café\n",
        }
    )
    house.add("code", repository.place)
    snapshot = house.crawl("code")
    assert snapshot["document_count"] == 2
    excluded = {e["path"]: e["code"] for e in house.ask("boundary", "check", "code")["excluded"]}
    assert excluded == {"bad\\xff.py": "EXCL-PATH", "src/caf\\xe9/mod.py": "EXCL-PATH", "latin.txt": "EXCL-ENCODING"}
    assert [hit["path"] for hit in house.search("café")] == ["good/café.md"]
    repository.commit({b"bad\xff.py": None, "other.py": "y = 2\n"})
    assert house.crawl("code")["excluded_count"] == 2


def test_a_name_that_reads_like_an_undecodable_one_is_not_mistaken_for_it(house: House, repository: Repository) -> None:
    repository.commit({**PYTHON, b"bad\\xff.py": b"literal = 1\n", b"bad\xff.py": b"raw = 1\n"})
    house.add("code", repository.place)
    first = house.crawl("code")
    assert first["document_count"] == 2
    assert first["id"] == house.ask("snapshot", "build", str(repository.place), "--source", "code", "--tier", "1")["id"]
    repository.commit({b"bad\xff.py": None})
    second = house.crawl("code")
    assert (second["document_count"], second["excluded_count"]) == (2, 0)
    assert second["id"] == first["id"]


def test_a_second_process_waits_and_then_says_who_holds_the_home(crawled: House, tmp_path: Path) -> None:
    hold = (
        "import sys, time, secrets; from datetime import timedelta; from pathlib import Path\n"
        "from contextd.cli.session import Session; from contextd.home import Home\n"
        f"with Home(Path({str(crawled.home)!r}), Session.world()):\n"
        "    print('held', flush=True); sys.stdin.read()\n"
    )
    environment = {**os.environ, "HOME": str(tmp_path)}
    with subprocess.Popen(
        [sys.executable, "-c", hold], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        started = time.monotonic()
        locked = crawled.ask("--timeout", "300ms", "search", "refund amount", expect=(3,))
        waited = time.monotonic() - started
        holder.communicate("", timeout=20)
    assert locked["reason"] == "HOME_LOCKED"
    assert f"pid {holder.pid}" in locked["message"]
    assert locked["metadata"]["pid"] == str(holder.pid)
    assert "--timeout" in locked["hint"]
    assert 0.2 < waited < 10
    assert still_serves(crawled)


def test_a_damaged_shelf_is_told_with_its_mend_and_stops_no_other_source(
    crawled: House, new_repository: Callable[[str], Repository]
) -> None:
    other = new_repository("other")
    other.commit(PYTHON)
    crawled.add("other", other.place)
    crawled.crawl("other")
    shelf = crawled.home / "shelves" / "code.db"
    shelf.write_bytes(b"not a database at all, and long enough to be looked at" * 50)
    assert still_serves(crawled, "other")
    failed = crawled.ask("search", "refund", "--source", "code", expect=(3,))
    assert failed["reason"] == "SHELF_UNUSABLE"
    assert str(shelf) in failed["hint"]
    assert crawled.ask("search", "refund", expect=(3,))["reason"] == "SHELF_UNUSABLE"
    doctor = crawled.ask("doctor", expect=(1,))
    assert [check["name"] for check in doctor["checks"] if check["state"] == "FAIL"] == ["shelf"]
    shelf.unlink()
    crawled.crawl("code")
    assert still_serves(crawled)
    assert crawled.ask("doctor")["failed"] == 0


def test_a_reader_cannot_change_what_a_steward_may(crawled: House) -> None:
    assert crawled.reason("source", "suspend", "code", "--reason", "mine now", who=DEV) == "ROLE_MISSING"
    assert crawled.reason("crawl", "code", who=DEV) == "ROLE_MISSING"
    assert still_serves(crawled)
