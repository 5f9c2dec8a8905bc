"""Real git repositories, made commit by commit through ``git fast-import``."""

from __future__ import annotations

import itertools
import os
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

EPOCH = 1_700_000_000
"""Committer time of the first commit a test makes; each later one is a minute later."""


@pytest.fixture
def git_in() -> Callable[..., str]:
    """``git_in(repository, *arguments, stdin=b"") -> what git prints, stripped``; no configuration but the repository's own."""

    def run(repository: Path, *arguments: str, stdin: bytes = b"") -> str:
        environment = {
            "PATH": os.environ["PATH"],
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_AUTHOR_DATE": f"{EPOCH} +0000",
            "GIT_COMMITTER_DATE": f"{EPOCH} +0000",
        }
        identity = ("-c", "user.name=A U Thor", "-c", "user.email=author@example.org", "-c", "protocol.file.allow=always")
        command = ["git", "-C", str(repository), *identity, *arguments]
        done = subprocess.run(command, input=stdin, capture_output=True, env=environment, check=False)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode("utf-8", "replace").strip()

    return run


@pytest.fixture
def git_repository(tmp_path: Path, git_in: Callable[..., str]) -> Path:
    """A repository without commits, on branch main."""
    place = tmp_path / "repository"
    place.mkdir()
    git_in(place, "init", "-q", "-b", "main")
    return place


@pytest.fixture
def git_commit(git_in: Callable[..., str]) -> Callable[..., str]:
    """``git_commit(repository, {path: content}, message=…, branch=…, merge=…, mode=…) -> id``.

    A content of None removes the path; a pair gives mode and content (``160000``: the id of a commit).
    """
    minutes = itertools.count()

    def commit(
        repository: Path,
        changes: Mapping[bytes, bytes | tuple[str, bytes] | None],
        message: str = "change",
        branch: str = "refs/heads/main",
        merge: str = "",
    ) -> str:
        said = message.encode()
        lines = [f"commit {branch}\ncommitter A U Thor <author@example.org> {EPOCH + 60 * next(minutes)} +0000\n".encode()]
        lines.append(b"data %d\n%s\n" % (len(said), said))
        if git_in(repository, "for-each-ref", branch):
            lines.append(f"from {branch}^0\n".encode())
        if merge:
            lines.append(f"merge {merge}\n".encode())
        for path, content in changes.items():
            quoted = b'"' + b"".join(b"\\%03o" % byte for byte in path) + b'"'
            mode, data = content if isinstance(content, tuple) else ("100644", content)
            if data is None:
                lines.append(b"D %s\n" % quoted)
            elif mode == "160000":
                lines.append(b"M 160000 %s %s\n" % (data, quoted))
            else:
                lines.append(b"M %s inline %s\ndata %d\n%s\n" % (mode.encode(), quoted, len(data), data))
        git_in(repository, "fast-import", "--quiet", "--force", stdin=b"".join(lines))
        return git_in(repository, "rev-parse", branch)

    return commit
