"""Running git so that nothing but the objects decides the outcome.

A registered repository may belong to someone else and may be hostile. Only plumbing is run, with an environment of ours: no
system or user configuration, no work tree, no index, no grafts, no replace refs, no lazy fetching, no transport of any kind.
Settings in the repository's own ``config`` that could run a program or change an answer are overridden. Naming the git
directory outright is also what lets git read a repository of another owner, and keeps it from climbing to one further up.

Source: git(1), git-config(1), gitattributes(5).
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from contextd.crawl.listing import CrawlFailed

QUICK = 60.0
"""Seconds that one look-up may take."""
LONG = 600.0
"""Seconds that a listing, a comparison or one step through history may take."""
OLDEST = (2, 30)

_NOWHERE = "/nonexistent"
_ENVIRONMENT = {
    "LC_ALL": "C",
    "TZ": "UTC",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_ALLOW_PROTOCOL": "none",  # older git knows no GIT_NO_LAZY_FETCH; without a transport nothing can be fetched either
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_LITERAL_PATHSPECS": "1",
    "GIT_GRAFT_FILE": f"{_NOWHERE}/grafts",
    "GIT_INDEX_FILE": f"{_NOWHERE}/index",  # diff-tree reads the index first, and fails when it is damaged
    "GIT_WORK_TREE": _NOWHERE,  # over core.worktree, which may name a place that is gone
}
_SETTINGS = (
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "core.attributesFile=/dev/null",
    "core.commitGraph=false",  # a cache that can be stale or forged; first-parent walks lose little without it
    "diff.algorithm=myers",  # like the next, read by blame
    "diff.indentHeuristic=true",
)


class GitMissing(CrawlFailed):
    """Git is not installed or too old."""

    default_reason: ClassVar[str] = "CRAWL_FAILED"


@dataclass(frozen=True, slots=True)
class Git:
    """A git directory (absolute path) and the location as people know it, for messages. Pickles."""

    directory: str
    location: str

    def start(self, verb: str, *arguments: str) -> subprocess.Popen[bytes]:
        """Start git with unbuffered pipes for input, output and what it says; GitMissing."""
        return subprocess.Popen(
            self._command(verb, arguments),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            env=_ENVIRONMENT,
            cwd="/",
        )

    def run(
        self, verb: str, *arguments: str | bytes, stdin: bytes = b"", limit: float = QUICK
    ) -> subprocess.CompletedProcess[bytes]:
        """Run git to its end, whatever its exit status; CrawlFailed when it takes longer than ``limit`` seconds."""
        try:
            return subprocess.run(
                self._command(verb, arguments),
                input=stdin,
                capture_output=True,
                env=_ENVIRONMENT,
                cwd="/",
                timeout=limit,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise CrawlFailed(
                f"{self.location}: git {verb} did not finish within {limit:g} s; nothing was changed",
                hint=f"see whether the disk answers: {self.mend()}",
            ) from error

    def output(self, verb: str, *arguments: str | bytes, stdin: bytes = b"", limit: float = QUICK) -> bytes:
        """What git prints; CrawlFailed with git's own words when it fails."""
        done = self.run(verb, *arguments, stdin=stdin, limit=limit)
        if done.returncode != 0:
            raise self.failure(verb, done.returncode, done.stderr)
        return done.stdout

    def failure(self, verb: str, status: int, stderr: bytes) -> CrawlFailed:
        """The error for people about a git that exited with ``status`` after saying ``stderr``."""
        if status == 129:  # noqa: PLR2004 - what git exits with when it does not know an option
            found = installed()
            if found[:2] < OLDEST:
                return GitMissing(
                    f"git {'.'.join(map(str, found))} is too old to read {self.location}",
                    hint=f"install git {'.'.join(map(str, OLDEST))} or newer",
                )
        said = [line for line in stderr.decode("utf-8", "replace").splitlines() if line.startswith(("fatal:", "error:"))]
        why = said[0].partition(": ")[2] if said else f"it exited with {status} and said nothing"
        return CrawlFailed(f"{self.location}: git {verb} failed: {why}; nothing was changed", hint=self.mend())

    def mend(self) -> str:
        """What to run when objects are missing or damaged."""
        place = shlex.quote(self.location)
        if any(Path(self.common(), "objects", "pack").glob("*.promisor")):
            return f"the clone is partial; fetch what it lacks: git -C {place} fetch --refetch --no-filter"
        return f"git -C {place} fsck --full"

    def common(self) -> str:
        """The directory that holds objects and shared refs: the git directory itself, or a linked work tree's main one."""
        try:
            shared = Path(self.directory, "commondir").read_text(encoding="utf-8", errors="surrogateescape").rstrip("\n")
        except OSError:
            return self.directory
        return os.path.normpath(Path(self.directory, shared))

    def shallow(self) -> frozenset[str]:
        """Commits whose parents a shallow clone left out."""
        try:
            return frozenset(Path(self.common(), "shallow").read_text(encoding="ascii", errors="replace").split())
        except OSError:
            return frozenset()

    def _command(self, verb: str, arguments: tuple[str | bytes, ...]) -> list[str | bytes]:
        settings: list[str | bytes] = [part for setting in _SETTINGS for part in ("-c", setting)]
        return [_program(), f"--git-dir={self.directory}", "--no-pager", *settings, verb, *arguments]


def installed() -> tuple[int, ...]:
    """The version of the git on PATH, as numbers; GitMissing when there is none."""
    said = subprocess.run([_program(), "--version"], capture_output=True, env=_ENVIRONMENT, timeout=QUICK, check=False).stdout
    found = re.search(rb"(\d+)\.(\d+)(?:\.(\d+))?", said)
    return tuple(int(part) for part in found.groups(b"0")) if found else (0, 0, 0)


def _program() -> str:
    program = shutil.which("git")
    if program is None:
        raise GitMissing("git is not installed, or not on PATH", hint="install git, for example: apt install git")
    return program
