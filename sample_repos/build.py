"""Turns the sample folders into real sources: git repositories with history, a folder of documents, a ticket export.

Files hold marks that are filled in here, so that ages stay true and nothing that looks like a credential is ever committed:
``@DATE:212@`` becomes the date that many days ago, ``@SECRET:stripe@`` and ``@PII:email@`` values synthesized for this run.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import string
import subprocess
import tomllib
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

SAMPLES = Path(__file__).parent
_MARK = re.compile(r"@(DATE|SECRET|PII):([a-z0-9]+)@")


@dataclass
class Planted:
    """What was synthesized for one run, by the name in its mark; no file of the project ever holds these."""

    values: dict[str, str] = field(default_factory=dict)

    def value(self, kind: str, name: str) -> str:
        """The value behind a mark, made when it is first asked for."""
        key = f"{kind}:{name}"
        if key not in self.values:
            self.values[key] = _synthesize(kind, name)
        return self.values[key]


def build_samples(target: Path, now: datetime, samples: Path = SAMPLES) -> Planted:
    """Build every sample below ``target``; returns what was planted. Needs git."""
    planted = Planted()
    for source in sorted(path for path in samples.iterdir() if path.is_dir() and not path.name.startswith("__")):
        place = target / source.name
        if (source / "history.toml").exists():
            _build_repository(source, place, now, planted)
        else:
            _lay_over(source, place, now, planted)
    return planted


def _build_repository(source: Path, place: Path, now: datetime, planted: Planted) -> None:
    place.mkdir(parents=True)
    _git(place, now, "init", "-q", "-b", "main")
    for commit in tomllib.loads((source / "history.toml").read_text())["commit"]:
        time = now - timedelta(days=commit["days_ago"])
        for old, new in commit.get("move", []):
            (place / new).parent.mkdir(parents=True, exist_ok=True)
            shutil.move(place / old, place / new)
        _lay_over(source / commit["folder"], place, now, planted)
        _git(place, time, "add", "-A", "--force")
        _git(place, time, "commit", "-q", "-m", commit["message"])


def _lay_over(folder: Path, place: Path, now: datetime, planted: Planted) -> None:
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        target = place / file.relative_to(folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(_fill(file.read_text(encoding="utf-8"), now, planted), encoding="utf-8")


def _fill(text: str, now: datetime, planted: Planted) -> str:
    def replace(mark: re.Match[str]) -> str:
        kind, name = mark.groups()
        if kind == "DATE":
            return (now - timedelta(days=int(name))).date().isoformat()
        return planted.value(kind, name)

    return _MARK.sub(replace, text)


def _synthesize(kind: str, name: str) -> str:
    letters = string.ascii_letters + string.digits
    drawn = "".join(secrets.choice(letters) for _ in range(24))
    if kind == "PII":
        return f"{drawn[:8].lower()}@contoso.com"
    return {"stripe": "sk_" + "live_" + drawn, "password": drawn}[name]


def _git(place: Path, time: datetime, *words: str) -> None:
    stamp = time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    who = {"NAME": "Sample Author", "EMAIL": "author@example.org", "DATE": stamp}
    environment = {f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in who.items()}
    nowhere = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    subprocess.run(["git", *words], cwd=place, env={**os.environ, **environment, **nowhere}, check=True)
