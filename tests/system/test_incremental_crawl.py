"""A crawl of what changed comes to what a crawl of everything comes to: ids, kept and excluded files, answers and scores."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from contextd import pipeline
from contextd.crawl.opening import open_source
from contextd.model.access import Use
from contextd.model.answer import Question
from contextd.operations.ask import search
from contextd.operations.ingest import crawl
from contextd.operations.plane import Plane
from tests.conftest import STEWARD, Clock, Content, Files, House, Repository, RunCli

STEPS = 21
FOLDERS = ["", "src/", "src/deep/", "docs/", "docs/incidents/", "a/", "vendor/", "é/"]
NAMES = ["a.py", "b.py", "c.md", "README.md", "x.env", "img.png", "notes.txt", "a", "deep", "mod.gen.py", "z\\xff.py"]
WORDS = ["quagga", "zorilla", "okapi", "refund", "retry", "backoff", "ledger", "gateway"]
QUESTIONS = ["quagga", "refund retry", '"okapi ledger"', "gateway zorilla backoff"]


class Random(random.Random):
    """Random edits, the same in every run of the same seed."""

    def content(self) -> Content:
        """What may stand at a path: text, a text with a secret, binary data, an executable, a link."""
        text = "".join(f"{' '.join(self.choices(WORDS, k=4))}\n" for _ in range(self.randint(0, 6)))
        kinds: list[Content] = [text, text, text, "# Head\n\n" + text, b"\0" + text.encode(), ("100755", text)]
        kinds += [
            b"\xff\xfe" + text.encode(),
            ("120000", "src/a.py"),
            text + "key: ghp_" + "".join(self.choices("aB3dE6gH", k=36)) + "\n",
        ]
        return self.choice(kinds)

    def edit(self, there: set[str | bytes]) -> Files:
        """A few changes to a tree: new and changed files, removals, renames, and now and then an ignore file."""
        changes: dict[str | bytes, Content] = {}
        for _ in range(self.randint(1, 4)):
            path: str | bytes = self.choice(FOLDERS) + self.choice(NAMES)
            what = self.random()
            if what < 0.15 and there:
                changes[self.choice(sorted(there, key=str))] = None
            elif what < 0.25:
                changes[self.choice(FOLDERS) + ".aiexclude"] = self.choice(["*.txt\n", "docs/\n", "", "a.py\n# x\n", None])
            elif what < 0.32:
                changes[".gitattributes"] = self.choice(["*.gen.py linguist-generated\n", "docs/** linguist-vendored\n", None])
            elif what < 0.37:
                changes[b"raw\xfe.py"] = self.choice([b"x = 1\n", None])
            else:
                changes[path] = self.content()
        return changes


class State(NamedTuple):
    """Everything that a crawl came to that anybody can see."""

    id: str
    counts: tuple[int, ...]
    documents: list[tuple[str, str, str, tuple[str, ...], bytes]]
    excluded: list[tuple[str, str, str, str]]
    answers: list[list[tuple[str, int, int, str, float]]]
    findings: list[tuple[str, str, int]]


def state(plane: Plane) -> State:
    """The state of source ``code``."""
    shelf = plane.shelf("code")
    (head,) = shelf.heads().values()
    at = (head.ref, head.sequence)
    caller = plane.caller(STEWARD)
    answers = []
    for words in QUESTIONS:
        hits = search(plane, caller, Question(words, ("code",), Use(), limit=100)).hits
        answers.append(sorted((h.path, h.span.start_line, h.span.end_line, h.text, round(h.score, 4)) for h in hits))
    return State(
        head.id,
        (head.documents, head.chunks, head.excluded, head.redacted, head.bytes),
        [(d.path, d.mode, d.component, d.labels, d.digest) for d in shelf.documents(*at)],
        [(e.path, e.code, e.rule, e.where) for e in shelf.exclusions(*at)],
        answers,
        sorted(
            (r.finding.code, r.finding.path, r.finding.line) for r in plane.control.findings.find("code") if r.state == "open"
        ),
    )


def rebuilt(plane: Plane) -> str:
    """The id worked out from the repository alone."""
    source = plane.registered("code")
    assert source is not None
    crawler = open_source(source.descriptor.kind, source.location, source.refs)
    listing = crawler.list(crawler.refs()[0])
    with crawler.reader() as reader:
        recipe = pipeline.recipe_for(plane.bundle.ingest, source.descriptor, listing.entries, reader, plane.cache_dir)
        return pipeline.recompute(listing.entries, reader, recipe).id


@pytest.fixture
def cold(made_home: Path, tmp_path: Path, clock: Clock, run_cli: RunCli) -> Callable[[Repository], State]:
    """``cold(repository) -> State`` of a crawl in a new home."""

    def run(repository: Repository) -> State:
        home = tmp_path / "cold"
        shutil.rmtree(home, ignore_errors=True)
        shutil.copytree(made_home, home)
        house = House(home, clock, run_cli)
        house.add("code", repository.place, "--component", "deep=src/deep/:1:team-deep", tier=2)
        with house.acting() as (plane, caller):
            crawl(plane, caller, "code")
            return state(plane)

    return run


@contextmanager
def followed(house: House, repository: Repository) -> Iterator[Callable[[], State]]:
    """A home that stays open and crawls the same source again and again."""
    house.add("code", repository.place, "--component", "deep=src/deep/:1:team-deep", tier=2)
    with house.acting() as (plane, caller):

        def again() -> State:
            crawl(plane, caller, "code")
            now = state(plane)
            assert rebuilt(plane) == now.id
            assert plane.shelf("code").check() == []
            return now

        yield again


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_any_sequence_of_edits_comes_to_what_a_cold_crawl_comes_to(
    house: House, repository: Repository, cold: Callable[[Repository], State], seed: int
) -> None:
    chosen = Random(seed)
    there: set[str | bytes] = set()
    with followed(house, repository) as crawl_again:
        for step in range(STEPS):
            edit = chosen.edit(there)
            there = {path for path in there | edit.keys() if edit.get(path, "") is not None}
            repository.commit({"keep.md": "# Keep\n\nquagga\n", **edit}, f"step {step}")
            now = crawl_again()
            if step % 7 == 6:
                assert now == cold(repository)


def test_renames_modes_and_reverts_come_to_what_a_cold_crawl_comes_to(
    house: House, repository: Repository, cold: Callable[[Repository], State]
) -> None:
    text = "".join(f"refund line {n}\n" for n in range(80))
    first: Files = {"a.py": text, "b.py": text, "docs/old.md": "# Old\n\nSee `a.py`.\n"}
    repository.commit(first)
    steps: list[Files] = [
        {"a.py": None, "c.py": text},
        {"c.py": ("100755", text)},
        {"c.py": None, "c.py/inner.py": text},
        {"c.py/inner.py": None, "c.py": text, "deploy/x.env": text},
        {"deploy/x.env": None, "deploy/x.txt": text},
        {"docs/old.md": ("120000", "../b.py")},
        first,
    ]
    with followed(house, repository) as crawl_again:
        ids = [crawl_again().id]
        for step in steps:
            repository.commit(step)
            ids.append(crawl_again().id)
        now = crawl_again()
    assert ids[4] == ids[1]
    assert len(set(ids)) == len(ids) - 1
    assert now == cold(repository)
    repository.git("update-ref", "refs/heads/main", "main~7")
    assert house.crawl("code")["id"] == ids[0]


def test_a_rewritten_history_is_crawled_from_its_new_commit(
    house: House, repository: Repository, cold: Callable[[Repository], State]
) -> None:
    repository.commit({"a.py": "quagga = 1\n"})
    repository.commit({"b.py": "zorilla = 1\n"})
    with followed(house, repository) as crawl_again:
        crawl_again()
        lost = repository.git("rev-parse", "main")
        repository.git("update-ref", "-d", "refs/heads/main")
        repository.commit({"c.py": "okapi = 1\n"})
        repository.git("reflog", "expire", "--expire=now", "--all")
        repository.git("gc", "-q", "--prune=now")
        assert repository.git("cat-file", "--batch-check", stdin=lost.encode()).endswith("missing")
        assert crawl_again() == cold(repository)


def test_small_segments_are_merged_and_answers_stay_the_same(
    house: House, repository: Repository, cold: Callable[[Repository], State]
) -> None:
    with followed(house, repository) as crawl_again:
        for step in range(12):
            repository.commit({f"src/part{step}.py": f"refund{step} = 'quagga'\n", "src/shared.py": f"okapi ledger {step}\n"})
            crawl_again()
        now = crawl_again()
    with house.opened() as plane:
        assert len(plane.shelf("code").segments()) <= 8
    assert now == cold(repository)


def test_two_refs_of_one_source_share_a_shelf_and_do_not_mix(house: House, repository: Repository) -> None:
    repository.commit({"a.py": "quagga = 1\n", "shared.py": "okapi = 1\n"})
    repository.commit({"b.py": "zorilla = 1\n"}, branch="refs/heads/next")
    repository.commit({"shared.py": "okapi = 1\n"}, branch="refs/heads/next")
    house.add("code", repository.place, "--ref", "refs/heads/main", "--ref", "refs/heads/next")
    with house.acting() as (plane, caller):
        one, other = crawl(plane, caller, "code")
        assert (one.snapshot.ref, other.snapshot.ref) == ("refs/heads/main", "refs/heads/next")

        def found(words: str, ref: str = "") -> set[str]:
            return {hit.path for hit in search(plane, caller, Question(words, ("code",), Use(), ref=ref)).hits}

        assert (found("quagga"), found("zorilla"), found("okapi")) == ({"a.py"}, set(), {"shared.py"})
        assert (found("quagga", "next"), found("zorilla", "next"), found("okapi", "next")) == (set(), {"b.py"}, {"shared.py"})
        repository.commit({f"more{n}.py": f"zorilla = {n}\n" for n in range(30)}, branch="refs/heads/next")
        crawl(plane, caller, "code")
        assert found("quagga") == {"a.py"}
        assert found("zorilla") == set()
        assert len(found("zorilla", "refs/heads/next")) == 10
