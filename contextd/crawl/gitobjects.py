"""Reading git objects through one ``git cat-file --batch`` that stays open.

Requests are written ahead in windows that fit the smallest pipe there is, so neither side can block the other. A git that dies
on a damaged object is replaced, and the objects after it are read all the same.

Source: git-cat-file(1), pipe(7).
"""

from __future__ import annotations

import fcntl
import os
import re
import select
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from contextd.crawl.gitcommand import QUICK, Git
from contextd.crawl.listing import CrawlFailed

_AHEAD = 4096
"""Bytes of requests that may be unanswered: what the smallest pipe holds (PIPE_BUF), so that writing them never waits."""
_PIPE = 1 << 20
_CHUNK = 1 << 20
_WORDS_KEPT = 1 << 16
_PATIENCE = 20
"""Deaths of git in a row before the repository is given up."""
_TIME = re.compile(rb"^committer .*?(-?\d+) [+-]\d+$", re.MULTILINE)
_ENCODING = re.compile(rb"^encoding (.+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class GitObject:
    """One object: its id in hex, type (blob, tree, commit, tag), size in bytes, and content (empty when only checked)."""

    id: str
    type: str
    size: int
    content: bytes


@dataclass(frozen=True, slots=True)
class Absent:
    """An object that cannot be had: ``why`` completes the sentence "the object …"; ``damaged`` when git failed on it."""

    why: str
    damaged: bool


@dataclass(frozen=True, slots=True)
class CommitObject:
    """What is needed of a commit. The time is the committer's, UTC; the subject the first paragraph on one line (git's %s)."""

    id: str
    tree: str
    time: datetime
    subject: str


class ObjectPipe:
    """A ``git cat-file`` process, started on first use. ``check`` asks for type and size only. Close it after use.

    ``patience`` is how many seconds git may say nothing.
    """

    def __init__(self, git: Git, *, check: bool = False, patience: float = QUICK) -> None:
        self._git = git
        self._check = check
        self._patience = patience
        self._process: subprocess.Popen[bytes] | None = None
        self._said = b""
        self._buffer = bytearray()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()

    def close(self) -> None:
        """Let the process go. The pipe can be used again; it then starts another."""
        process, self._process = self._process, None
        self._buffer.clear()
        self._said = b""
        if process is not None:
            process.kill()
            for stream in (process.stdin, process.stdout, process.stderr):
                if stream is not None:
                    stream.close()
            process.wait()

    def get(self, names: Sequence[bytes]) -> Iterator[GitObject | Absent]:
        """Yield the object of each name (an id, ``ref^{commit}``; no newline), or why it cannot be had, in order.

        Raises:
            CrawlFailed: git does not answer in time, or keeps dying.
        """
        done, deaths = 0, 0
        try:
            while done < len(names):
                for answer in self._answers(names, done):
                    done += 1
                    yield answer
                    deaths = deaths + 1 if isinstance(answer, Absent) and answer.damaged else 0
                    if deaths == _PATIENCE:
                        why = f"git cat-file keeps failing: the object {answer_why(answer)}"
                        raise CrawlFailed(f"{self._git.location}: {why}; nothing was changed", hint=self._git.mend())
        finally:
            if done < len(names):
                self.close()  # answers nobody will read are still under way

    def one(self, name: bytes) -> GitObject | Absent:
        """The object of one name."""
        return next(iter(list(self.get((name,)))))

    def _answers(self, names: Sequence[bytes], start: int) -> Iterator[GitObject | Absent]:
        """Answers from ``start`` on, up to the end or to the first that git died on."""
        process = self._running()
        sent, unanswered = start, 0
        for index in range(start, len(names)):
            if sent == index or unanswered < _AHEAD // 2:
                lines = []
                while sent < len(names) and (sent == index or unanswered + len(names[sent]) < _AHEAD):
                    lines.append(names[sent] + b"\n")
                    unanswered += len(lines[-1])
                    sent += 1
                if not _written(process, b"".join(lines)):
                    yield self._died()
                    return
            answer = self._answer()
            if answer is None:
                yield self._died()
                return
            unanswered -= len(names[index]) + 1
            yield answer

    def _answer(self) -> GitObject | Absent | None:
        """The next answer; None when git ended within it."""
        header = self._line()
        if header is None:
            return None
        if header.endswith((b" missing", b" ambiguous")):
            return Absent("is missing", damaged=False)
        name, kind, size = header.decode("ascii").split(" ")
        if self._check:
            return GitObject(name, kind, int(size), b"")
        content = self._exactly(int(size))
        end = self._exactly(1)
        return None if content is None or end is None else GitObject(name, kind, int(size), content)

    def _line(self) -> bytes | None:
        start = 0
        while (end := self._buffer.find(b"\n", start)) < 0:
            start = len(self._buffer)
            if not self._filled():
                return None
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        return line

    def _exactly(self, count: int) -> bytes | None:
        while len(self._buffer) < count:
            if not self._filled():
                return None
        taken = bytes(memoryview(self._buffer)[:count])
        del self._buffer[:count]
        return taken

    def _filled(self) -> bool:
        """Read what there is; False at the end of the output."""
        _, output, said = _pipes(self._running())
        poll = select.poll()
        poll.register(output, select.POLLIN)
        poll.register(said, select.POLLIN)
        while ready := dict(poll.poll(self._patience * 1000)):
            if said in ready:
                words = os.read(said, _CHUNK)
                self._said = (self._said + words)[-_WORDS_KEPT:]
                if not words:
                    poll.unregister(said)
            if output in ready:
                data = os.read(output, _CHUNK)
                self._buffer += data
                return bool(data)
        self.close()
        raise CrawlFailed(
            f"{self._git.location}: git cat-file said nothing for {self._patience:g} s; nothing was changed",
            hint=f"see whether the disk answers: {self._git.mend()}",
        )

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            self._process = self._git.start("cat-file", "--batch-check" if self._check else "--batch")
            if not self._check:
                _widen(self._process)
        return self._process

    def _died(self) -> Absent:
        """What git said at its end; the next request starts another."""
        process = self._running()
        while words := os.read(_pipes(process)[2], _CHUNK):
            self._said = (self._said + words)[-_WORDS_KEPT:]
        lines, status = self._said.decode("utf-8", "replace").splitlines(), process.wait()
        self.close()
        failures = [line for line in lines if line.startswith("fatal:")] or lines
        return Absent(f"is damaged: {failures[-1] if failures else f'git exited with {status}'}", damaged=True)


def answer_why(answer: GitObject | Absent) -> str:
    """Why an answer is not what was asked for."""
    return answer.why if isinstance(answer, Absent) else f"is a {answer.type}"


def commit_of(answer: GitObject | Absent) -> CommitObject | None:
    """Read a commit object (git-commit-tree(1)); None when it is not one, or breaks the format."""
    if isinstance(answer, Absent) or answer.type != "commit":
        return None
    header, _, message = answer.content.partition(b"\n\n")
    time = _TIME.search(header)
    tree = header.partition(b"\n")[0]
    if time is None or not tree.startswith(b"tree "):
        return None
    try:
        when = datetime.fromtimestamp(int(time[1]), UTC)
    except (OverflowError, ValueError, OSError):
        return None
    encoding = _ENCODING.search(header)
    subject = message.lstrip(b"\n").partition(b"\n\n")[0]
    return CommitObject(
        answer.id, tree[5:].decode("ascii", "replace"), when, _decoded(subject, encoding[1] if encoding else b"")
    )


def _decoded(subject: bytes, encoding: bytes) -> str:
    try:
        text = subject.decode(encoding.decode("ascii", "replace") or "utf-8", "replace")
    except LookupError:
        text = subject.decode("utf-8", "replace")
    return " ".join(line.strip() for line in text.split("\n")).strip()


def _written(process: subprocess.Popen[bytes], data: bytes) -> bool:
    try:
        os.write(_pipes(process)[0], data)
    except BrokenPipeError:
        return False
    return True


def _widen(process: subprocess.Popen[bytes]) -> None:
    """Ask for a larger pipe, where the system has that: fewer turns for large blobs."""
    if hasattr(fcntl, "F_SETPIPE_SZ"):
        with suppress(OSError):
            fcntl.fcntl(_pipes(process)[1], fcntl.F_SETPIPE_SZ, _PIPE)


def _pipes(process: subprocess.Popen[bytes]) -> tuple[int, int, int]:
    """Descriptors of its input, its output and what it says."""
    streams = (process.stdin, process.stdout, process.stderr)
    written, read, said = (-1 if stream is None else stream.fileno() for stream in streams)
    return written, read, said
