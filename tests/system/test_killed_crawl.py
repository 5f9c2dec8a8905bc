"""A crawl that is killed at any moment leaves the old head serving; the next one finishes, and every store agrees."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from contextd.operations.ingest import crawl
from contextd.store.control.jobs import JobState
from tests.conftest import Files, House, Repository

TRIALS = 6
MANY = 300


def generated(number: int) -> Files:
    """A lot of small files, each with a word of this state."""
    return {f"src/part{n % 20}/mod{n}.py": f"def state{number}_{n}():\n    return {n * number}\n" * 12 for n in range(MANY)}


def start_crawl(house: House, tmp_path: Path) -> subprocess.Popen[bytes]:
    """A crawl in a process of its own, by the true clock: it says when it began."""
    words = ["--home", str(house.home), "crawl", "code"]
    code = f"from contextd.cli.main import main; print('begun', flush=True); raise SystemExit(main({words!r}))"
    environment = {**os.environ, "HOME": str(tmp_path), "CONTEXTD_TOKEN_FILE": str(house.token("steward@example.org"))}
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment)
    assert process.stdout is not None
    assert process.stdout.readline() == b"begun\n"
    return process


@pytest.mark.slow
def test_a_crawl_killed_at_any_moment_leaves_the_old_head_and_no_half_of_a_new_one(
    house: House, repository: Repository, tmp_path: Path
) -> None:
    repository.commit(generated(1))
    house.add("code", repository.place)
    house.crawl("code")
    commits = {house.ask("snapshot", "show", "code")["commit"]}
    started = time.monotonic()
    repository.commit(generated(2))
    with start_crawl(house, tmp_path) as process:
        assert process.wait(60) == 0
    whole = time.monotonic() - started
    commits.add(house.ask("snapshot", "show", "code")["commit"])
    moments = random.Random(17)  # noqa: S311 - the same moments in every run
    killed = 0
    for trial in range(3, 3 + TRIALS):
        commits.add(repository.commit(generated(trial)))
        with start_crawl(house, tmp_path) as process:
            time.sleep(moments.uniform(0.05, whole))
            process.send_signal(signal.SIGKILL)
            killed += process.wait(60) == -signal.SIGKILL
        head = house.ask("snapshot", "show", "code")
        assert head["commit"] in commits
        known = {
            trial: f"state{trial}_7" in str(house.ask("search", f"state{trial}_7", "--limit", "1")["hits"])
            for trial in range(1, trial + 1)
        }
        assert sum(known.values()) == 1, known
        built = house.ask(
            "snapshot", "build", str(repository.place), "--source", "code", "--tier", "1", "--ref", head["commit"]
        )
        assert built["id"] == head["id"]
        agreed(house)
    assert killed >= TRIALS // 2
    assert house.crawl("code")["commit"] == repository.git("rev-parse", "main")
    assert house.search(f"state{2 + TRIALS}_7")[0]["path"] == "src/part7/mod7.py"
    agreed(house)


def agreed(house: House) -> None:
    """Shelf, control plane and audit log tell of the same snapshots, and every store is sound."""
    with house.opened() as plane:
        shelf = plane.shelf("code")
        published = {(s.ref, s.sequence, s.id) for s in shelf.snapshots()}
        assert {(row.ref, row.sequence, row.id) for row in plane.control.snapshots.find("code")} == published
        events = [entry.event for entry in plane.audit.entries(kinds=("snapshot-published",))]
        assert sorted((event["ref"], event["sequence"], event["subject"]) for event in events) == sorted(published)
        assert not plane.control.jobs.find("code", states=[JobState.RUNNING])
        assert shelf.check() == []
        assert plane.audit.verify().ok


class _Killed(BaseException):
    """Stands for the end of the process."""


PLACES = [
    "contextd.store.shelf.publish.Publication.put",
    "contextd.store.shelf.publish.Publication.add_segment",
    "contextd.store.shelf.publish.Publication.publish",
    "contextd.operations.ingest.record_snapshot",
    "contextd.store.control.boundary_hits.BoundaryHits.record",
    "contextd.store.audit.log.AuditLog.append",
    "contextd.store.control.snapshots.Snapshots.record",
    "contextd.operations.ingest.run_detectors",
    "contextd.store.control.currency.Currency.record_freshness",
    "contextd.store.control.jobs.Jobs.end",
]


@pytest.mark.parametrize("place", PLACES)
def test_dying_at_each_step_of_publishing_is_caught_up_with_by_the_next_home(
    house: House, repository: Repository, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    before: Files = {"src/a.py": "quagga = 1\n", "README.md": "# R\n\nThe backoff is in `src/a.py`.\n"}
    repository.commit(before)
    house.add("code", repository.place)
    house.crawl("code")
    repository.commit({"src/a.py": None, "src/b.py": "zorilla = 1\n"})

    def die(*_: object, **__: object) -> None:
        raise _Killed

    with monkeypatch.context() as patch, house.acting() as (plane, caller):
        patch.setattr(place, die)
        with pytest.raises(_Killed):
            crawl(plane, caller, "code")
    head = house.ask("snapshot", "show", "code")
    published = head["sequence"] == 2
    assert published is (PLACES.index(place) >= PLACES.index("contextd.operations.ingest.record_snapshot"))
    assert bool(house.search("zorilla")) is published
    assert bool(house.search("quagga")) is not published
    agreed(house)
    assert house.crawl("code")["sequence"] == 2
    findings = house.ask("findings", "list", "--source", "code")["findings"]
    assert [finding["code"] for finding in findings] == ["DRIFT-PATH-GONE"]
    agreed(house)
