"""The README's first use is real: its commands are run, and what they print is compared with what it shows."""

from __future__ import annotations

import contextlib
import io
import os
import random
import re
import shlex
import string
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from contextd.cli.main import main

ROOT = Path(__file__).parents[2]
PRINCIPAL = "you@example.org"

README = "# Orders\n\nTakes orders and works out their totals.\n\nHow a total is rounded is in `src/money.py`.\n"
MONEY = '''"""Amounts in minor units."""


def round_total(lines: list[float]) -> int:
    """Round the order total once, at the end: rounding each line loses cents."""
    return round(sum(lines) * 100)
'''
SETTINGS = 'GATEWAY = "https://gateway.example.org"\nKEY = "{key}"\n'

FIRST = {"README.md": README, "src/money.py": MONEY, "deploy/prod.env": "MODE=live\n"}
MOVED = ("src/money.py", "src/orders/money.py")

SHORT = (
    (re.compile(r"(ctx1|rcpt1|fnd1|bnd1|ed25519):[0-9a-f]+"), r"\1:…"),
    (re.compile(r"(git|at|by commit|broke at|now; since) [0-9a-f]{7}\b"), r"\1 …"),
    (re.compile(r"\b[0-9a-f]{7} \(\d{4}-\d\d-\d\d\)"), "…"),
    (re.compile(r"\b\d{4}-\d\d-\d\d(?: \d\d:\d\d:\d\d UTC)?"), "…"),
    (re.compile(r"\b[0-9a-f]{7}(?:[0-9a-f]{33})?\b"), "…"),
    (re.compile(r"\b\d+(?:\.\d+)?(?:ms|s|m| s)\b(?: ago)?|\bnow\b"), "…"),
    (re.compile(r"\b\d+(?:\.\d+)? (?:B|KB|MB|GB)\b"), "…"),
    (re.compile(r" {2,}"), "  "),
)


def build_orders(place: Path, now: datetime) -> None:
    """A small repository of two commits: a secret, a file for the boundary, and a README that time has overtaken."""
    place.mkdir(parents=True)
    git(place, now, "init", "-q", "-b", "main")
    for path, text in FIRST.items():
        (place / path).parent.mkdir(parents=True, exist_ok=True)
        (place / path).write_text(text)
    git(place, now - timedelta(days=40), "add", "-A", "-f")
    git(place, now - timedelta(days=40), "commit", "-q", "-m", "Round totals once")
    old, new = MOVED
    (place / new).parent.mkdir(parents=True)
    git(place, now, "mv", old, new)
    drawn = "".join(random.Random(7).choices(string.ascii_letters + string.digits, k=24))  # noqa: S311 - nobody's key
    key = "sk_" + "live_" + drawn
    (place / "src/orders/settings.py").write_text(SETTINGS.format(key=key))
    git(place, now - timedelta(days=9), "add", "-A", "-f")
    git(place, now - timedelta(days=9), "commit", "-q", "-m", "Move into a package")


def git(place: Path, time: datetime, *words: str) -> None:
    """Run git as a fixed author at a fixed time."""
    who = {"NAME": "Sample Author", "EMAIL": "author@example.org", "DATE": f"{time:%Y-%m-%dT%H:%M:%SZ}"}
    names = {f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in who.items()}
    settings = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "PATH": os.environ["PATH"]}
    subprocess.run(["git", *words], cwd=place, check=True, capture_output=True, env={**names, **settings})


def transcript(readme: str) -> list[tuple[int, str, list[str]]]:
    """The commands of the README's ``console`` blocks with their line numbers, and the lines shown below each."""
    found: list[tuple[int, str, list[str]]] = []
    inside = False
    for number, line in enumerate(readme.splitlines(), 1):
        if line.startswith("```"):
            inside = line == "```console"
        elif inside and line.startswith("$ contextd "):
            found.append((number, line.removeprefix("$ "), []))
        elif inside and line.startswith("$ "):
            inside = False
        elif inside and found:
            found[-1][2].append(line)
    return found


def plain(text: str) -> list[str]:
    """What is compared: lines without what differs from run to run (ids, commits, ages, sizes) and without blank ends."""
    for pattern, instead in SHORT:
        text = pattern.sub(instead, text)
    return [line.rstrip() for line in text.splitlines() if line.strip()]


def test_what_the_readme_shows_is_what_the_product_prints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    orders = tmp_path / "orders"
    build_orders(orders, datetime.now(UTC))
    home = tmp_path / "home"
    for name in [name for name in os.environ if name.startswith("CONTEXTD_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("CONTEXTD_HOME", str(home))
    monkeypatch.chdir(tmp_path)
    steps = transcript((ROOT / "README.md").read_text(encoding="utf-8"))
    assert len(steps) >= 10
    known: dict[str, str] = {}
    for number, command, shown in steps:
        for short, whole in known.items():
            command = command.replace(short, whole)  # noqa: PLW2901 - an id of the README becomes the one of this run
        words = [word.replace("~/src/orders", str(orders)) for word in shlex.split(command)]
        said = io.StringIO()
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            main(words[1:])
        printed = said.getvalue().replace(str(orders), "~/src/orders").replace(str(home), "~/.contextd")
        assert plain(printed) == plain("\n".join(shown)), f"README.md:{number} shows something else for {command}"
        known |= dict(zip(ids("\n".join(shown)), ids(printed), strict=True))


def ids(text: str) -> list[str]:
    """Short and whole ids that a later command may name, in the order in which they stand."""
    return re.findall(r"(?:rcpt1|fnd1):[0-9a-f]+", text)
