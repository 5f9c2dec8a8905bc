"""``make bench``: what the product costs, on real text, beside peers where they are installed. Writes ``bench/results.json``.

Every figure is a median of several runs on this machine; what matters are the ratios within one run. Absolute figures move by
a third between machines and days. Rows: name, value, unit, against (what it is compared with), ratio (how many times better).
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import secrets
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from bench.corpus import Corpus, commit, git, make_corpus
from contextd.cli.crawl import collect_less
from contextd.cli.session import shipped_bundle
from contextd.crawl.opening import open_source
from contextd.filter.filtering import Filter
from contextd.filter.ignorefiles import RepositoryIgnores
from contextd.filter.secrets import SecretScanner
from contextd.home import World, make_home
from contextd.model.access import Use
from contextd.model.answer import Question
from contextd.model.content import EntryKind, Observed
from contextd.model.source import ContentKind, Descriptor, SourceKind
from contextd.operations.ask import fetch, search
from contextd.operations.ingest import crawl
from contextd.operations.plane import Caller, Plane
from contextd.operations.registry import Proposal, approve, propose
from contextd.policy.bundle import load_bundle, read_bundle
from contextd.policy.rules import IngestRules, SecretRules
from contextd.snapshot import identity

MEGABYTE = 1e6
CORPUS_BYTES = 60_000_000
FILTER_BYTES = 12_000_000
PEER_BYTES = 400_000
CHUNKS = 40_000
STEWARD = "steward@example.org"

IDENTIFIERS = (
    "json.dumps",
    "parse_args",
    "TemporaryDirectory",
    "get_event_loop",
    "urlsplit",
    "OrderedDict",
    "namedtuple",
    "as_completed",
)
PHRASES = (
    '"connection pool"',
    '"context manager"',
    '"regular expression"',
    '"default value"',
    '"file descriptor"',
    '"time zone"',
)
QUESTIONS = (
    "how is a temporary directory removed when the block ends",
    "where are cookies parsed from the response headers",
    "what happens when the event loop is closed while tasks run",
    "decode bytes to text and replace what is malformed",
    "retry a request after the connection was reset",
    "compare two versions and sort the newest first",
)


@dataclass(frozen=True)
class Row:
    """One line of the results; ``ratio`` is None where there is nothing to compare with."""

    name: str
    value: float
    unit: str
    against: str = ""
    ratio: float | None = None


def main() -> None:
    """Measure everything, print it, and write the results."""
    work = HERE.parent / "scratch" / "bench"
    work.mkdir(parents=True, exist_ok=True)
    corpus = make_corpus(work / "corpus", CORPUS_BYTES)
    print(f"corpus: {corpus.files:,} files, {corpus.size / MEGABYTE:.1f} MB of the standard library and the installed packages")
    rows: list[Row] = []
    for part in (_filter, _crawls, _searches, _identity):
        for row in part(corpus, work):
            rows.append(row)
            against = (
                f"   {row.ratio:.1f}x {row.against}" if row.ratio is not None else f"   {row.against}" if row.against else ""
            )
            print(f"{row.name:<32} {row.value:>10.2f} {row.unit:<6}{against}", flush=True)
    results = {"commit": _commit(), "machine": _machine(), "results": [asdict(row) for row in rows]}
    (HERE / "results.json").write_text(json.dumps(results, indent=2) + "\n")


def _filter(corpus: Corpus, work: Path) -> Iterator[Row]:
    rules = load_bundle(read_bundle(shipped_bundle())).ingest
    descriptor = Descriptor("bench", SourceKind.GIT, ContentKind.REPO, 2)
    files = _sample(corpus, FILTER_BYTES)
    size = sum(len(data) for _, data in files)
    nothing = SecretRules((), ())
    whole = _filter_seconds(rules, descriptor, files, work)
    pii = _filter_seconds(replace(rules, secrets=nothing), descriptor, files, work)
    scanner = SecretScanner(rules.secrets, work)
    secret = _median(lambda: [scanner.find(path, data) for path, data in files])
    peer = _sample(corpus, PEER_BYTES)
    peer_rate = _detect_secrets(peer)
    rates = size / whole / MEGABYTE, size / secret / MEGABYTE, size / pii / MEGABYTE
    yield _compared("filter.all", rates[0], "MB/s", "detect-secrets", peer_rate)
    yield _compared("filter.secrets", rates[1], "MB/s", "detect-secrets", peer_rate)
    yield Row("filter.pii", rates[2], "MB/s", "the filter without secret rules")


def _filter_seconds(rules: IngestRules, descriptor: Descriptor, files: list[tuple[str, bytes]], cache: Path) -> float:
    boundary = Filter.compile(rules, descriptor, RepositoryIgnores(()), cache_dir=cache)
    entries = [(Observed(path.encode(), "100644", EntryKind.FILE, len(data), ""), data) for path, data in files]

    def once() -> None:
        for entry, data in entries:
            if boundary.judge(entry) is None:
                boundary.apply(entry, data)

    once()  # what is loaded at the first need (presidio, say) is not throughput
    return _median(once)


def _crawls(corpus: Corpus, work: Path) -> Iterator[Row]:
    peers = {"ctags": _ctags(corpus), "git add && git write-tree": _git_add(corpus, work)}
    first = _first_crawl(work)
    yield Row("crawl.first", _in_new_process(first, work), "s", "two files in a new process: rules compiled, Presidio loaded")
    seconds = statistics.median(_cold(corpus.place, work / f"home-{number}", first) for number in range(3))
    for name, peer in peers.items():
        row = "crawl.cold.1proc" if name == "ctags" else "crawl.cold.beside_git"
        yield _compared(row, corpus.size / seconds / MEGABYTE, "MB/s", name, corpus.size / peer / MEGABYTE if peer else None)
    alone = _in_new_process(corpus.place, work)
    yield Row(
        "crawl.cold.new_process", corpus.size / alone / MEGABYTE, "MB/s", "the same in a new process that loads everything"
    )
    with _fresh_home(work / "home") as (plane, caller):
        _register(plane, caller, "corpus", corpus.place)
        (cold,) = crawl(plane, caller, "corpus")
        yield Row("crawl.cold.documents", cold.snapshot.documents, "")
        for row, name, what in (
            ("crawl.one_file", "part.py", "a file that no detector reads"),
            ("crawl.one_document", "README.md", "a document: all detectors run again"),
        ):
            beyond, total = _one_change(plane, caller, corpus.place / name)
            yield Row(row, beyond, "ms", f"beyond git's own time; {total:.1f} ms in all; {what}")
    yield Row("crawl.ten_files", _ten_files(work), "s", "nothing looks like personal data; process start not counted")


def _cold(place: Path, home: Path, first: Path | None) -> float:
    """Seconds of a first crawl into a new home; ``first`` is crawled before, so that what a process loads once is loaded."""
    with _fresh_home(home) as (plane, caller):
        if first is not None:
            _register(plane, caller, "first", first)
            crawl(plane, caller, "first")
        _register(plane, caller, "corpus", place)
        return _seconds(partial(crawl, plane, caller, "corpus"))


def _in_new_process(place: Path, work: Path) -> float:
    """Seconds of a first crawl in a process that has loaded nothing yet; its start is not counted. The median of three."""
    command = [sys.executable, __file__, "--cold", str(place), str(work / "alone")]
    return statistics.median(
        float(subprocess.run(command, check=True, capture_output=True, text=True).stdout) for _ in range(3)
    )


def _first_crawl(work: Path) -> Path:
    """A repository whose crawl makes a process load everything that it loads once."""
    place = work / "first"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    (place / "a.py").write_text("x = 1\n")
    (place / "b.md").write_text("Ask jane.doe@contoso.com\n")
    git(place, "init", "-q", "-b", "main")
    commit(place, "Two files")
    return place


def _one_change(plane: Plane, caller: Caller, file: Path) -> tuple[float, float]:
    """Milliseconds that the crawl of a commit of one file takes beyond git's own, and in all; medians of nine."""
    place = file.parent
    beyond, total = [], []
    for number in range(9):
        file.write_text(file.read_text() + f"\nBENCH_{number} = {number}\n")
        old = git(place, "rev-parse", "HEAD").strip()
        commit(place, f"Change one file, {number}")
        spent = _seconds(partial(crawl, plane, caller, "corpus"))
        own = _git_time(place, old)
        beyond.append((spent - own) * 1000)
        total.append(spent * 1000)
    return statistics.median(beyond), statistics.median(total)


def _git_time(place: Path, old: str) -> float:
    """What git alone needs to say what changed since ``old`` and to hand out the new bytes."""

    def once() -> None:
        new = git(place, "rev-parse", "HEAD").strip()
        changed = git(place, "diff-tree", "-r", "-z", "--raw", old, new)
        blob = changed.split()[3]
        subprocess.run(["git", "cat-file", "--batch"], cwd=place, input=f"{blob}\n", check=True, capture_output=True, text=True)

    return _median(once, 5)


def _ten_files(work: Path) -> float:
    place = work / "ten"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    for number in range(10):
        (place / f"part{number}.py").write_text(f'"""Part {number}."""\n\n\ndef answer() -> int:\n    return {number}\n')
    git(place, "init", "-q", "-b", "main")
    commit(place, "Ten files")
    times = []
    for number in range(5):
        with _fresh_home(work / f"ten-home-{number}") as (plane, caller):
            _register(plane, caller, "ten", place)
            times.append(_seconds(partial(crawl, plane, caller, "ten")))
    return statistics.median(times)


def _searches(corpus: Corpus, work: Path) -> Iterator[Row]:
    with _fresh_home(work / "search-home") as (plane, caller):
        _register(plane, caller, "corpus", corpus.place)
        (made,) = crawl(plane, caller, "corpus")
        yield Row("search.chunks", made.snapshot.chunks, "", f"at least {CHUNKS:,} are asked for")
        peers = {kind: _git_grep(corpus, words) for kind, words in (("identifier", IDENTIFIERS), ("phrase", PHRASES))}
        for kind, questions in (("identifier", IDENTIFIERS), ("phrase", PHRASES), ("natural", QUESTIONS)):
            value = _ask_all(plane, caller, questions)
            peer = peers.get(kind)
            yield Row(f"search.{kind}.p50", value, "ms", "git grep" if peer else "", peer / value if peer else None)
        read = partial(fetch, plane, caller, _question("part.py"), "part.py", (1, 4))
        yield Row("fetch.p50", statistics.median(_seconds(read) for _ in range(60)) * 1000, "ms")


def _ask_all(plane: Plane, caller: Caller, questions: tuple[str, ...]) -> float:
    """The median of milliseconds for one question: decided, searched, recorded durably, signed."""
    for text in questions:
        search(plane, caller, _question(text))
    times = [_seconds(partial(search, plane, caller, _question(text))) for _ in range(15) for text in questions]
    return statistics.median(times) * 1000


def _question(text: str) -> Question:
    return Question(text, ("corpus",), Use())


def _identity(corpus: Corpus, work: Path) -> Iterator[Row]:
    files = _sample(corpus, FILTER_BYTES)
    seconds = _median(lambda: identity.tree((path, identity.document(path, "100644", data)) for path, data in files))
    yield Row("snapshot.identity", len(files) / seconds, "doc/s", "an already filtered tree")
    del work


@contextlib.contextmanager
def _fresh_home(path: Path) -> Iterator[tuple[Plane, Caller]]:
    shutil.rmtree(path, ignore_errors=True)
    world = World(lambda: datetime.now(UTC), secrets.token_bytes)
    with make_home(path, world, STEWARD, None, shipped_bundle()) as home:
        yield home.plane, home.caller()
    del home


def _register(plane: Plane, caller: Caller, name: str, place: Path) -> None:
    open_source(SourceKind.GIT, str(place), ())
    propose(plane, caller, Proposal(name, str(place), SourceKind.GIT, ContentKind.REPO, 2, "team-bench"))
    approve(plane, caller, name, "benchmark")


def _sample(corpus: Corpus, size: int) -> list[tuple[str, bytes]]:
    """Files spread evenly over the corpus, up to about ``size`` bytes."""
    files = corpus.read()
    step = max(1, corpus.size // size)
    return files[::step]


def _detect_secrets(files: list[tuple[str, bytes]]) -> float | None:
    """MB/s of detect-secrets over these files; None where it is not installed."""
    try:
        from detect_secrets.core.secrets_collection import SecretsCollection
        from detect_secrets.settings import default_settings
    except ImportError:
        print("detect-secrets is not installed: no peer for filter.*")
        return None
    with tempfile.TemporaryDirectory() as folder, default_settings():
        for number, (path, data) in enumerate(files):
            (Path(folder) / f"{number}-{Path(path).name}").write_bytes(data)
        found = SecretsCollection()
        started = time.perf_counter()
        for file in sorted(Path(folder).iterdir()):
            found.scan_file(str(file))
        return sum(len(data) for _, data in files) / (time.perf_counter() - started) / MEGABYTE


def _ctags(corpus: Corpus) -> float | None:
    if shutil.which("ctags") is None:
        print("ctags is not installed: no peer for crawl.cold")
        return None
    command = ["ctags", "-R", "-f", os.devnull, str(corpus.place)]
    return _median(lambda: subprocess.run(command, check=False, capture_output=True), 3)


def _git_add(corpus: Corpus, work: Path) -> float:
    """Seconds of git to take the same tree in, from nothing."""
    place = work / "copy"
    times = []
    for _ in range(2):
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(corpus.place, place, ignore=shutil.ignore_patterns(".git"))
        git(place, "init", "-q")
        times.append(_seconds(lambda: (git(place, "add", "-A", "--force"), git(place, "write-tree"))))
    return statistics.median(times)


def _git_grep(corpus: Corpus, words: tuple[str, ...]) -> float:
    """The median of milliseconds of git grep for the same words."""

    def once(text: str) -> None:
        command = ["git", "grep", "-I", "-l", "-F", text.strip('"')]
        subprocess.run(command, cwd=corpus.place, check=False, capture_output=True)

    return statistics.median(_median(partial(once, text)) for text in words) * 1000


def _compared(name: str, value: float, unit: str, against: str, peer: float | None) -> Row:
    return Row(name, value, unit, against if peer else f"{against} (not installed)", value / peer if peer else None)


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _median(work: Callable[[], object], times: int = 3) -> float:
    return statistics.median(_seconds(work) for _ in range(times))


def _commit() -> str:
    try:
        return git(HERE, "rev-parse", "HEAD").strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def _machine() -> str:
    model = platform.processor() or platform.machine()
    with contextlib.suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), model)
    return f"{model}, {os.cpu_count()} cores, Python {platform.python_version()}, {platform.system()}"


if __name__ == "__main__":
    collect_less()
    if sys.argv[1:2] == ["--cold"]:
        print(_cold(Path(sys.argv[2]), Path(sys.argv[3]), None))
    else:
        main()
