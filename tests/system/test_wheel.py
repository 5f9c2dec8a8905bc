"""The built wheel, alone in an empty environment, works from ``contextd init`` on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from tests.conftest import Repository

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def asked(request: pytest.FixtureRequest) -> None:
    """Skips, and says why, unless the test was asked for."""
    if not request.config.getoption("--run-wheel"):
        pytest.skip("NOT RUN: building and installing the wheel needs a package registry; run it with: make test-wheel")


def run(*words: str, cwd: Path, **environ: str) -> str:
    """Run a program that must end well, without anything of this environment, and return what it printed."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "CONTEXTD", "VIRTUAL_ENV"))}
    done = subprocess.run(words, cwd=cwd, env={**kept, **environ}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(asked: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from this checkout by the build tools that it is installed with."""
    place = tmp_path_factory.mktemp("wheel")
    build = ["-m", "pip", "wheel", "-q", "--disable-pip-version-check", "--no-deps", "--no-build-isolation", "-w", str(place)]
    if subprocess.run([sys.executable, "-m", "pip", "--version"], capture_output=True, check=False).returncode:
        run(
            "uv",
            "build",
            "-q",
            "--wheel",
            "--no-build-isolation",
            "--python",
            sys.executable,
            "-o",
            str(place),
            str(ROOT),
            cwd=place,
        )
    else:
        run(sys.executable, *build, str(ROOT), cwd=place)
    (built,) = place.glob("contextd-*.whl")
    return built


@pytest.fixture(scope="module")
def alone(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment that holds the wheel and what it depends on, by locked hashes, and nothing else."""
    place = tmp_path_factory.mktemp("alone")
    run(sys.executable, "-m", "venv", str(place / "venv"), cwd=place)
    pip = [str(place / "venv" / "bin" / "python"), "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    run(*pip, "--require-hashes", "-r", str(ROOT / "requirements" / "runtime.txt"), cwd=place)
    run(*pip, "--no-deps", str(wheel), cwd=place)
    return place / "venv" / "bin"


def test_the_wheel_carries_the_bundle_and_nothing_of_the_checkout(wheel: Path) -> None:
    names = ZipFile(wheel).namelist()
    bundle = {name.removeprefix("contextd/_bundle/") for name in names if name.startswith("contextd/_bundle/")}
    assert bundle == {str(path.relative_to(ROOT / "boundaries")) for path in (ROOT / "boundaries").rglob("*") if path.is_file()}
    folders = {name.split("/")[0] for name in names}
    assert {folder for folder in folders if not folder.endswith(".dist-info")} == {"contextd"}


def test_alone_it_works_from_init_on(alone: Path, new_repository: Callable[[str], Repository], tmp_path: Path) -> None:
    repository = new_repository("code")
    repository.commit(
        {"src/refund.py": "def refund(amount):\n    return -amount\n", "deploy/x.env": "A=1\n", "docs/a.md": "# A\n"}
    )
    contextd = [str(alone / "contextd"), "--home", str(tmp_path / "home"), "--format", "json"]

    def ask(*words: str) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(run(*contextd, *words, cwd=tmp_path, HOME=str(tmp_path)))
        return answer

    where = run(str(alone / "python"), "-c", "import contextd; print(contextd.__file__)", cwd=tmp_path).strip()
    assert Path(where).is_relative_to(alone.parent)
    assert ask("init", "--as", "steward@example.org")["bundle"].startswith("bnd1:")
    ask("source", "add", "code", str(repository.place), "--tier", "2", "--owner", "team-code")
    ask("source", "approve", "code", "--reason", "boundary check read")
    head = ask("crawl", "code")["crawls"][0]["snapshot"]
    assert (head["document_count"], head["excluded_count"]) == (2, 1)
    answer = ask("search", "refund amount", "--source", "code")
    assert answer["hits"][0]["path"] == "src/refund.py"
    assert ask("receipt", "verify", answer["receipt"]["id"])["holds"]
    assert ask("fetch", "code", "src/refund.py:1")["hits"][0]["text"] == "def refund(amount):\n"
    assert ask("snapshot", "build", str(repository.place), "--source", "code", "--tier", "2")["id"] == head["id"]
    assert ask("audit", "verify")["holds"]
    assert ask("doctor", "--deep")["failed"] == 0
    assert "Usage: contextd" in run(str(alone / "contextd"), "--help", cwd=tmp_path)
