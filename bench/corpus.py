"""Real text that every machine has: the interpreter's standard library and the installed packages, as a git repository."""

from __future__ import annotations

import os
import shutil
import subprocess
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

TEXT = {
    *(".py", ".pyi", ".pyx", ".pxd", ".c", ".h", ".cpp", ".js", ".ts", ".css", ".html"),
    *(".md", ".rst", ".txt", ".json", ".csv", ".toml", ".yaml", ".yml", ".cfg", ".ini", ".xml", ".decTest"),
}
LARGEST = 1 << 20


@dataclass(frozen=True)
class Corpus:
    """A git repository of real text: where it is, how many files, how many bytes."""

    place: Path
    files: int
    size: int

    def read(self) -> list[tuple[str, bytes]]:
        """Every file as ``(path, bytes)``, by path."""
        listed = [path for path in self.place.rglob("*") if path.is_file() and ".git" not in path.parts]
        return [(str(path.relative_to(self.place)), path.read_bytes()) for path in sorted(listed)]


def make_corpus(target: Path, most_bytes: int) -> Corpus:
    """Copy text, spread evenly over all there is, up to about ``most_bytes``, and commit it. An existing one is made anew."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    every = list(_candidates())
    wanted = max(1.0, sum(path.stat().st_size for _, path in every) / most_bytes)
    files = size = 0
    for number in range(int(len(every) / wanted)):
        name, path = every[int(number * wanted)]
        data = path.read_bytes()
        place = target / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
        files, size = files + 1, size + len(data)
    (target / "README.md").write_text("# Corpus\n\nA sample of what is installed here.\n")
    (target / "part.py").write_text('"""A module that benchmarks change."""\n\n\ndef part() -> int:\n    return 1\n')
    git(target, "init", "-q", "-b", "main")
    commit(target, "The corpus")
    return Corpus(target, files, size)


def commit(place: Path, message: str) -> None:
    """Commit everything as it is."""
    git(place, "add", "-A", "--force")
    git(place, "commit", "-q", "-m", message)


def git(place: Path, *words: str) -> str:
    """Run git there, with no configuration but its own."""
    who = {
        f"GIT_{role}_{key}": value
        for role in ("AUTHOR", "COMMITTER")
        for key, value in (("NAME", "b"), ("EMAIL", "b@example.org"))
    }
    environment = {**os.environ, **who, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    done = subprocess.run(["git", *words], cwd=place, env=environment, check=True, capture_output=True, text=True)
    return done.stdout


def _candidates() -> Iterator[tuple[str, Path]]:
    roots = {"stdlib": Path(sysconfig.get_path("stdlib")), "packages": Path(sysconfig.get_path("purelib"))}
    for name, root in roots.items():
        for path in sorted(root.rglob("*")):
            inside = path.relative_to(root)
            if name == "stdlib" and "site-packages" in inside.parts:
                continue
            if path.suffix in TEXT and path.is_file() and path.stat().st_size <= LARGEST and "__pycache__" not in inside.parts:
                yield f"{name}/{inside}", path
