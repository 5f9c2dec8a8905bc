"""A whole house to test in: a home of its own for each test, people with tokens, a clock that moves when it is told to."""

from __future__ import annotations

import contextlib
import functools
import gc
import io
import itertools
import json
import os
import random
import shutil
import string
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import typer
from hypothesis import settings

import contextd.cli.main
import contextd.home
from contextd.cli.main import build_app, main
from contextd.cli.session import Session
from contextd.filter.filtering import Filter
from contextd.home import Home, World
from contextd.operations.plane import Caller, Plane
from contextd.pipeline import Recipe
from contextd.policy.bundle import Bundle, load_bundle

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
FIRST_COMMIT = NOW - timedelta(days=20)
STEWARD, OWNER, DEV, OUTSIDER = "steward@example.org", "team-payments", "dev@example.org", "outsider@example.org"

ON_A_SOURCE = [
    ["search", "refund", "--source", "NAME"],
    ["search", "refund", "--source", "NAME", "--ref", "nope"],
    ["search", "refund", "--source", "NAME", "--snapshot", "ctx1:0123456789ab"],
    ["search", "refund", "--source", "NAME", "--pathway", "coding-agent"],
    ["fetch", "NAME", "src/refund.py"],
    ["fetch", "NAME", "no/such/file.py"],
    ["explain", "NAME", "src/refund.py"],
    ["crawl", "NAME"],
    ["source", "show", "NAME"],
    ["source", "approve", "NAME", "--reason", "fine"],
    ["source", "suspend", "NAME", "--reason", "fine"],
    ["boundary", "check", "NAME"],
    ["snapshot", "list", "NAME"],
    ["snapshot", "show", "NAME"],
    ["snapshot", "diff", "NAME"],
    ["findings", "list", "--source", "NAME"],
    ["package", "check", "NAME"],
]

"""Every command that takes the name of a source, NAME standing for it."""

Content = str | bytes | tuple[str, str | bytes] | None
Files = Mapping[str | bytes, Content]
RunCli = Callable[..., tuple[int, str, str]]


# Timings belong into `make bench`: no example fails for being slow on a busy machine. In CI the same examples run every time.
settings.register_profile("house", deadline=None, derandomize=bool(os.environ.get("CI")))
settings.load_profile("house")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--run-wheel", action="store_true", help="build the wheel and use it alone in an empty environment (needs a registry)"
    )


class Clock:
    """The time, which stands still except for a microsecond at each look: no two events share an instant."""

    def __init__(self, now: datetime = NOW) -> None:
        self.now = now

    def __call__(self) -> datetime:
        self.now += timedelta(microseconds=1)
        return self.now

    def move(self, **by: float) -> None:
        """Move on by ``days=``, ``hours=``, ``seconds=``…"""
        self.now += timedelta(**by)


class Answer(NamedTuple):
    """What one command line came to."""

    code: int
    stdout: str
    stderr: str

    @property
    def json(self) -> dict[str, Any]:
        """The one JSON document on stdout."""
        document: dict[str, Any] = json.loads(self.stdout)
        return document


class Repository:
    """A git repository that is made commit by commit through ``git fast-import``, a minute apart; nothing is checked out."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self._minutes = itertools.count()
        place.mkdir(parents=True)
        self.git("init", "-q", "-b", "main", ".")

    def git(self, *words: str, stdin: bytes = b"", cwd: Path | None = None, **environ: str) -> str:
        """What git prints, without the configuration of this machine."""
        environment = {
            "PATH": os.environ["PATH"],
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_AUTHOR_NAME": "A U Thor",
            "GIT_AUTHOR_EMAIL": "author@example.org",
            "GIT_COMMITTER_NAME": "A U Thor",
            "GIT_COMMITTER_EMAIL": "author@example.org",
            "GIT_ALLOW_PROTOCOL": "file",
            **environ,
        }
        command = ["git", *words]
        done = subprocess.run(command, cwd=cwd or self.place, input=stdin, capture_output=True, env=environment, check=False)
        assert done.returncode == 0, done.stderr.decode(errors="replace")
        return done.stdout.decode(errors="replace").strip()

    def commit(
        self,
        changes: Files,
        message: str = "change",
        branch: str = "refs/heads/main",
    ) -> str:
        """Commit and return the id. None removes a path; a pair gives mode and content (``120000`` for a link)."""
        time = int(FIRST_COMMIT.timestamp()) + 60 * next(self._minutes)
        said = message.encode()
        lines = [f"commit {branch}\ncommitter A U Thor <author@example.org> {time} +0000\n".encode()]
        lines.append(b"data %d\n%s\n" % (len(said), said))
        if self.git("for-each-ref", branch):
            lines.append(f"from {branch}^0\n".encode())
        for path, content in changes.items():
            raw = path.encode() if isinstance(path, str) else path
            quoted = b'"' + b"".join(b"\\%03o" % byte for byte in raw) + b'"'
            if content is None:
                lines.append(b"D %s\n" % quoted)
                continue
            mode, body = content if isinstance(content, tuple) else ("100644", content)
            data = body.encode() if isinstance(body, str) else body
            if mode == "160000":
                lines.append(b"M 160000 %s %s\n" % (data, quoted))
            else:
                lines.append(b"M %s inline %s\ndata %d\n%s\n" % (mode.encode(), quoted, len(data), data))
        self.git("fast-import", "--quiet", "--force", stdin=b"".join(lines))
        return self.git("rev-parse", branch)


class House:
    """One home, its people, and the command line over it."""

    def __init__(self, home: Path, clock: Clock, run_cli: RunCli) -> None:
        self.home = home
        self.clock = clock
        self._run = run_cli
        self.entropy = random.Random(11).randbytes  # noqa: S311 - the same in every run, on purpose

    def token(self, who: str) -> Path:
        """The file that holds somebody's token."""
        return self.home / "keys" / "tokens" / who

    def run(self, *words: str, who: str = STEWARD) -> Answer:
        """Run one command as somebody."""
        return Answer(*self._run("--home", str(self.home), "--token-file", str(self.token(who)), *words))

    def ask(self, *words: str, who: str = STEWARD, expect: Sequence[int] = (0,)) -> dict[str, Any]:
        """The JSON answer of a command, which must end with one of these codes."""
        answer = self.run("--format", "json", *words, who=who)
        assert answer.code in expect, (answer.code, answer.stdout, answer.stderr)
        return answer.json

    def add(self, name: str, location: Path, *words: str, tier: int = 1, kind: str = "git") -> None:
        """Register a source as its owner and approve it as the steward."""
        self.ask("source", "add", name, str(location), "--kind", kind, "--tier", str(tier), "--owner", OWNER, *words, who=OWNER)
        self.ask("source", "approve", name, "--reason", "boundary check read")

    def crawl(self, name: str) -> dict[str, Any]:
        """Crawl a source and return its new head."""
        (crawl, *_) = self.ask("crawl", name)["crawls"]
        snapshot: dict[str, Any] = crawl["snapshot"]
        return snapshot

    def search(self, text: str, *words: str, who: str = STEWARD) -> list[dict[str, Any]]:
        """The hits of an allowed search."""
        hits: list[dict[str, Any]] = self.ask("search", text, *words, who=who)["hits"]
        return hits

    def reason(self, *words: str, who: str = STEWARD, code: int = 1) -> str:
        """The reason by which a command fails."""
        return str(self.ask(*words, who=who, expect=(code,))["reason"])

    @contextlib.contextmanager
    def opened(self) -> Iterator[Plane]:
        """The plane of the opened home."""
        with Home(self.home, World(self.clock, self.entropy, {}), timedelta(0)) as home:
            yield home.plane

    @contextlib.contextmanager
    def acting(self, who: str = STEWARD) -> Iterator[tuple[Plane, Caller]]:
        """The plane, and somebody who calls."""
        with self.opened() as plane:
            yield plane, plane.caller(who)

    def audited(self, kind: str = "") -> list[dict[str, Any]]:
        """The events of the audit log, of one kind if it is named."""
        with self.opened() as plane:
            return [entry.event for entry in plane.audit.entries(kinds=(kind,) if kind else ())]

    def rewrite(self, name: str, old: str, new: str) -> None:
        """Change a file of the home's own bundle."""
        file = self.home / "boundaries" / name
        text = file.read_text(encoding="utf-8")
        assert old in text
        file.write_text(text.replace(old, new, 1), encoding="utf-8")


@functools.lru_cache(maxsize=64)
def _loaded(files: tuple[tuple[str, bytes], ...]) -> Bundle:
    return load_bundle(dict(files))


def _load_once(files: Mapping[str, bytes]) -> Bundle:
    """A bundle, which follows from its files alone."""
    return _loaded(tuple(sorted(files.items())))


_compile = Recipe.boundary
_filters: dict[tuple[object, ...], Filter] = {}


def _compile_once(recipe: Recipe) -> Filter:
    """A filter, which follows from its recipe alone."""
    key = (recipe.rules.digest, recipe.descriptor, recipe.ignores, recipe.fingerprint_key)
    if key not in _filters:
        if len(_filters) > 50:
            _filters.clear()
        _filters[key] = _compile(recipe)
    return _filters[key]


@functools.cache
def _command() -> Callable[..., object]:
    """The application, put together once."""
    return typer.main.get_command(build_app())


def quicken(patch: pytest.MonkeyPatch) -> None:
    """Leave out what every command does again and what cannot come out differently: it would be most of a test's time."""
    patch.setattr(contextd.home, "load_bundle", _load_once)
    patch.setattr(contextd.cli.main, "build_app", _command)
    patch.setattr(Recipe, "boundary", _compile_once)
    patch.setattr(gc, "freeze", lambda: None)  # made for one home in a process; here a hundred come and go


def _runner(clock: Callable[[], datetime], entropy: Callable[[int], bytes], patch: pytest.MonkeyPatch) -> RunCli:
    """``run_cli(*words) -> (code, stdout, stderr)``: the command line in this process, by a clock and randomness of ours."""
    for name in [name for name in os.environ if name.startswith("CONTEXTD_")] + ["NO_COLOR"]:
        patch.delenv(name, raising=False)
    for name, module in list(sys.modules.items()):
        if name.startswith("contextd.cli") and hasattr(module, "utc_now"):
            patch.setattr(module, "utc_now", clock)
    patch.setattr(Session, "world", staticmethod(lambda: World(clock, entropy, os.environ)))
    quicken(patch)

    def run(*words: str) -> tuple[int, str, str]:
        streams = [io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline="") for _ in range(2)]
        with contextlib.redirect_stdout(streams[0]), contextlib.redirect_stderr(streams[1]):
            code = main(list(words))
        texts = []
        for stream in streams:
            stream.flush()
            stream.seek(0)
            texts.append(stream.read())
        return code, texts[0], texts[1]

    return run


@contextlib.contextmanager
def new_house(made: Path | None, home: Path) -> Iterator[House]:
    """A house at ``home``, shortly before tests begin: a copy of one that was made, or nothing yet."""
    clock = Clock(NOW - timedelta(minutes=30 if made else 60))
    if made is not None:
        shutil.copytree(made, home)
    with pytest.MonkeyPatch.context() as patch:
        yield House(home, clock, _runner(clock, random.Random(3).randbytes, patch))  # noqa: S311 - the same in every run


@pytest.fixture(scope="session")
def made_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with its people, made once: the steward of ``init``, an owner, a reader, and somebody without any grant."""
    home = tmp_path_factory.mktemp("made") / "home"
    with new_house(None, home) as house:
        assert house._run("--home", str(home), "init", "--as", STEWARD)[0] == 0
        for principal in (OWNER, DEV, OUTSIDER):
            house.ask("token", "create", principal)
        for principal, role in ((OWNER, "service-owner"), (DEV, "reader")):
            house.ask("grant", "approve", principal, role, "--scope", "all", "--rationale", "works on it")
    return home


@pytest.fixture
def clock() -> Clock:
    """The time of the test."""
    return Clock()


@pytest.fixture
def run_cli(clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunCli:
    """``run_cli(*words) -> (code, stdout, stderr)``, on no home but the one that the words name."""
    monkeypatch.setenv("HOME", str(tmp_path / "nobody"))
    return _runner(clock, random.Random(7).randbytes, monkeypatch)  # noqa: S311 - the same in every run, on purpose


@pytest.fixture
def house(made_home: Path, tmp_path: Path, clock: Clock, run_cli: RunCli) -> House:
    """A home of this test's own."""
    home = tmp_path / "home"
    shutil.copytree(made_home, home)
    return House(home, clock, run_cli)


@pytest.fixture
def new_repository(tmp_path: Path) -> Callable[[str], Repository]:
    """``new_repository(name)``: an empty git repository below the test's folder."""
    return lambda name: Repository(tmp_path / "repositories" / name)


@pytest.fixture
def repository(new_repository: Callable[[str], Repository]) -> Repository:
    """An empty git repository."""
    return new_repository("code")


@pytest.fixture
def planted() -> Callable[[str], str]:
    """``planted(kind)``: a secret or personal datum that is synthesized here and stands in no file of the project."""
    letters = string.ascii_letters + string.digits
    chosen = random.Random(5)  # noqa: S311 - the same in every run, on purpose

    def synthesize(kind: str) -> str:
        drawn = "".join(chosen.choice(letters) for _ in range(36))
        return {
            "stripe": "sk_" + "live_" + drawn[:24],
            "github": "ghp" + "_" + drawn,
            "email": f"{drawn[:8].lower()}@contoso.com",
            "plain": drawn,
        }[kind]

    return synthesize
