"""The same snapshot ids under every Python 3.11 or newer that is found here (``make test-pythons``).

Each gets an environment of its own under ``scratch/pythons`` with what ``requirements/runtime.txt`` locks, and works out the
ids of the samples. Exit 1 when two differ, 3 when fewer than two could be asked.
"""

from __future__ import annotations

import json
import os
import re
import runpy
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PLACE = ROOT / "scratch" / "pythons"
SAMPLES = {"payments": 3, "checkout": 3, "release-notes": 1, "handbook": 2}
OLDEST = (3, 11)


def say(text: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def candidates() -> Iterator[str]:
    """Programs that may be a Python: this one, those on PATH, and those that pyenv keeps behind its shims."""
    yield sys.executable
    folders = [Path(folder) for folder in os.environ.get("PATH", "").split(os.pathsep) if folder]
    folders += sorted(Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")).glob("versions/*/bin"))
    for folder in folders:
        if folder.is_dir() and folder.name != "shims":
            yield from (str(path) for path in sorted(folder.iterdir()) if re.fullmatch(r"python3\.\d+", path.name))


def pythons() -> dict[tuple[int, int], str]:
    """A Python for each minor version that is new enough, the first that was found."""
    found: dict[tuple[int, int], str] = {}
    for program in candidates():
        code = "import json, sys, venv; print(json.dumps(sys.version_info[:2]))"
        done = subprocess.run([program, "-c", code], capture_output=True, text=True, check=False)
        if done.returncode:
            say(f"SKIPPED  {program}: {(done.stderr.strip().splitlines() or ['it does not run'])[-1]}")
            continue
        major, minor = json.loads(done.stdout)
        if (major, minor) >= OLDEST:
            found.setdefault((major, minor), program)
    return found


def environment(version: tuple[int, int], python: str) -> Path:
    """The Python of an environment that holds the project and what it runs on; made when it is not there yet."""
    place = PLACE / f"{version[0]}.{version[1]}"
    inside = place / "bin" / "python"
    if not (place / "ready").exists():
        shutil.rmtree(place, ignore_errors=True)
        _run([python, "-m", "venv", str(place)])
        pip = [str(inside), "-m", "pip", "install", "-q", "--disable-pip-version-check"]
        locked = [str(ROOT / "requirements" / f"{name}.txt") for name in ("build", "runtime")]
        _run([*pip, "--require-hashes", *(word for file in locked for word in ("-r", file))])
        _run([*pip, "--no-build-isolation", "--no-deps", "-e", str(ROOT)])
        (place / "ready").touch()
    return inside


def ids(python: Path, sources: Path) -> dict[str, str]:
    """The id of each sample, as this Python works it out."""
    found = {}
    for name, tier in SAMPLES.items():
        words = ["snapshot", "build", str(sources / name), "--source", name, "--tier", str(tier), "-q"]
        found[name] = _run([str(python), "-m", "contextd.cli.main", *words]).strip()
    return found


def _run(words: list[str]) -> str:
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=PLACE)
    if done.returncode:
        raise RuntimeError((done.stderr.strip() or done.stdout.strip() or "it said nothing").splitlines()[-1])
    return done.stdout


def main() -> int:
    """Ask every Python, say what each answers, and return the exit code."""
    PLACE.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(PLACE / "sources", ignore_errors=True)
    runpy.run_path(str(ROOT / "sample_repos" / "build.py"))["build_samples"](PLACE / "sources", datetime.now(UTC))
    answers: dict[str, dict[str, str]] = {}
    for version, program in sorted(pythons().items()):
        name = f"Python {version[0]}.{version[1]}"
        try:
            answers[name] = ids(environment(version, program), PLACE / "sources")
        except (RuntimeError, OSError) as error:
            say(f"SKIPPED  {name} ({program}): {error}")
            continue
        say(f"{name}  " + "  ".join(f"{source} {identity[:17]}" for source, identity in answers[name].items()))
    if len(answers) < 2:
        say("NOTHING COMPARED: fewer than two Pythons could be asked; install another, for example python3.12 with venv")
        return 3
    differing = {source for source in SAMPLES if len({answer[source] for answer in answers.values()}) > 1}
    for source in sorted(differing):
        say(f"FAIL     {source} has another id under another Python")
    if not differing:
        say(f"ok       the same ids under {', '.join(answers)}")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
