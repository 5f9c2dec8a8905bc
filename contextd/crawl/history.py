"""The first-parent history of a git commit as evidence: what changed a path last, what became of it, since when words stand."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator
from functools import cached_property
from itertools import takewhile
from types import TracebackType
from typing import Self

from contextd.crawl.firstparent import Touch, Touches, read_touches
from contextd.crawl.gitcommand import LONG, Git
from contextd.crawl.gitobjects import GitObject, ObjectPipe, commit_of
from contextd.crawl.listing import CrawlFailed
from contextd.model.finding import Commit, Removal

_RENAME_LIMIT = 1000
"""Above this many removed or added files in one commit only exact renames and those that keep their name are seen."""
_NO_SUCH_LINE = re.compile(rb"^fatal: (file .* has only \d+ lines?|no such path )", re.MULTILINE | re.DOTALL)
_COMMIT_ID = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?\Z")
_FOLDER, _SUBMODULE = b"40000", b"160000"
_TREES_KEPT = 5_000


class GitHistory:
    """Implements ``contextd.model.finding.History`` over one commit.

    Read lazily and kept: one pass over the history (see ``firstparent``) answers ``last_change`` and ``removal``; one git
    process stays open for objects until it is closed. Renames are looked for only in the commits that are asked about.
    Not for two threads at once. Everything raises CrawlFailed when git fails.

    Args:
        git: the repository.
        commit: id of the commit that is looked at.
        redact: applied to subjects of commits before they leave.
    """

    def __init__(self, git: Git, commit: str, redact: Callable[[str], str]) -> None:
        self._git = git
        self._commit = commit
        self._redact = redact
        self._objects = ObjectPipe(git)
        self._commits: dict[str, Commit | None] = {}
        self._trees: dict[str, dict[bytes, tuple[bytes, str]]] = {}
        self._renames: dict[int, dict[bytes, tuple[bytes, int]]] = {}
        self._lines: dict[tuple[str, int], Commit | None] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Let git go. Asking again starts it again."""
        self._objects.close()

    @property
    def complete(self) -> bool:
        """False for a shallow clone, and where the history is longer than what is looked at."""
        return self._touches.complete

    def last_change(self, path: str) -> Commit | None:
        """The newest commit that changed ``path``, or brought the change in by a merge; None when history does not show one."""
        newest = next(self._touches.of(_raw(path)), None)
        return None if newest is None else self._shown(newest[0])

    def removal(self, path: str) -> Removal | None:
        """The newest commit that removed ``path``, and where it went; None when none did.

        A folder is removed with the last file under it; it went where all the files of that commit went that kept their names.
        """
        raw = _raw(path)
        index = next((index for index, touch in self._touches.of(raw) if touch is Touch.REMOVED), None)
        if index is None:
            return self._folder_removal(raw.rstrip(b"/") + b"/")
        commit = self._shown(index)
        target, similarity = self._renamed(index).get(raw, (b"", 0))
        return None if commit is None else Removal(commit, _text(target), similarity)

    def said_since(self, path: str, words: str) -> Commit | None:
        """The commit since which ``path`` has held ``words`` (as they stand, byte for byte) without a break.

        Renames of the file are followed. None when it does not hold them, or the history is cut before it shows since when.
        """
        wanted = words.encode("utf-8", "surrogateescape")
        since, name = -1, b""
        for index, at in self._versions(_raw(path)):
            if wanted not in self._content(self._touches.commits[index], at):
                return None if since < 0 else self._shown(since)
            since, name = index, at
        if since < 0:
            return None
        before = self._touches.parents[since]
        said_before = before and wanted in self._content(before, self._origin(since, name) or name)
        return None if said_before else self._shown(since)  # said before, by a version that lies beyond a cut

    def existed_at(self, path: str, commit: str) -> bool:
        """Whether ``path``, a file, link, submodule or folder, was in the tree of ``commit`` (a commit id)."""
        return bool(_COMMIT_ID.match(commit)) and self._entry(commit, _raw(path)) is not None

    def line_change(self, path: str, line: int) -> Commit | None:
        """The commit that last changed line ``line`` (from 1) of ``path``, or brought the change in by a merge.

        None when there is no such line, or when the history is cut before it shows the change.
        """
        key = (path, line)
        if key not in self._lines:
            self._lines[key] = self._blamed(_raw(path), line) if line > 0 and "\0" not in path else None
        return self._lines[key]

    @cached_property
    def _touches(self) -> Touches:
        return read_touches(self._git, self._commit)

    @cached_property
    def _removed(self) -> list[bytes]:
        """Every path that was ever removed, in byte order."""
        return sorted(path for path, codes in self._touches.paths.items() if any(code % 3 == Touch.REMOVED for code in codes))

    def _folder_removal(self, prefix: bytes) -> Removal | None:
        start = bisect_left(self._removed, prefix)
        under = list(takewhile(lambda path: path.startswith(prefix), self._removed[start:]))
        newest = {path: next(index for index, touch in self._touches.of(path) if touch is Touch.REMOVED) for path in under}
        if not newest:
            return None
        index = min(newest.values())
        commit = self._shown(index)
        renames = self._renamed(index)
        gone = [path for path in under if newest[path] == index]
        targets = {self._moved_folder(path[len(prefix) :], renames.get(path, (b"", 0))[0]) for path in gone}
        target = targets.pop() if len(targets) == 1 else b""
        similarity = min(renames[path][1] for path in gone) if target else 0
        return None if commit is None else Removal(commit, _text(target), similarity)

    @staticmethod
    def _moved_folder(tail: bytes, target: bytes) -> bytes:
        """The folder that a file went to with everything after the old folder's name unchanged; empty when it did not."""
        return target[: -len(tail) - 1] if target.endswith(b"/" + tail) else b""

    def _versions(self, path: bytes) -> Iterator[tuple[int, bytes]]:
        """What touched a file, newest first, by commit and by the name it had then, through renames, until it did not exist."""
        last, name = -1, path
        while True:
            for index, touch in self._touches.of(name):
                if index > last:
                    yield index, name
                    last = index
                    if touch is not Touch.CHANGED:
                        break
            else:
                return
            origin = self._origin(last, name)
            if origin is None:
                return
            name = origin

    def _renamed(self, index: int) -> dict[bytes, tuple[bytes, int]]:
        """Renames in one commit against its first parent: old path to new path and similarity (0-100)."""
        if index not in self._renames:
            commit, parent = self._touches.commits[index], self._touches.parents[index]
            found: dict[bytes, tuple[bytes, int]] = {}
            if parent:
                arguments = ("-r", "-z", "--raw", "-M", f"-l{_RENAME_LIMIT}", "--diff-filter=R")
                tokens = iter(self._git.output("diff-tree", *arguments, parent, commit, limit=LONG).split(b"\0")[:-1])
                for raw in tokens:
                    old, new = next(tokens), next(tokens)
                    found[old] = (new, int(raw.rpartition(b" R")[2]))
            self._renames[index] = found
        return self._renames[index]

    def _origin(self, index: int, path: bytes) -> bytes | None:
        return next((old for old, (new, _) in self._renamed(index).items() if new == path), None)

    def _shown(self, index: int) -> Commit | None:
        return self._commit_by_id(self._touches.commits[index])

    def _commit_by_id(self, commit: str) -> Commit | None:
        if commit not in self._commits:
            answer = self._object(commit)
            found = commit_of(answer) if answer else None
            self._commits[commit] = None if found is None else Commit(found.id, found.time, self._redact(found.subject))
        return self._commits[commit]

    def _content(self, commit: str, path: bytes) -> bytes:
        """The bytes of a file at a commit; none when they cannot be had."""
        mode, address = self._entry(commit, path) or (_SUBMODULE, "")
        return b"" if mode == _SUBMODULE else self._needed(address).content

    def _needed(self, name: str) -> GitObject:
        """An object that something here refers to; CrawlFailed when it is not here."""
        answer = self._object(name)
        if answer is None:
            raise CrawlFailed(f"{self._git.location}: the object {name} is missing", hint=self._git.mend())
        return answer

    def _object(self, name: str) -> GitObject | None:
        """An object that is here; CrawlFailed when it is damaged, for then nothing can be said about it."""
        answer = self._objects.one(name.encode("ascii"))
        if isinstance(answer, GitObject):
            return answer
        if answer.damaged:
            raise CrawlFailed(f"{self._git.location}: the object {name} {answer.why}", hint=self._git.mend())
        return None

    def _entry(self, commit: str, path: bytes) -> tuple[bytes, str] | None:
        """Mode and object id at ``path`` in the tree of ``commit``; None when nothing is there, or no such commit."""
        root = self._object(f"{commit}^{{tree}}")
        found = (_FOLDER, root.id) if root else None
        for name in path.rstrip(b"/").split(b"/"):
            if found is None or found[0] != _FOLDER:
                return None
            found = self._tree(found[1]).get(name)
        return found

    def _tree(self, address: str) -> dict[bytes, tuple[bytes, str]]:
        """Mode and object id of every name in a tree (gitformat-pack(5))."""
        if address not in self._trees:
            tree = self._needed(address).content
            found: dict[bytes, tuple[bytes, str]] = {}
            at, width = 0, len(address) // 2
            while at < len(tree):
                end = tree.index(b"\0", at)
                mode, _, name = tree[at:end].partition(b" ")
                at = end + 1 + width
                found[name] = (mode, tree[end + 1 : at].hex())
            if len(self._trees) == _TREES_KEPT:
                self._trees.clear()
            self._trees[address] = found
        return self._trees[address]

    def _blamed(self, path: bytes, line: int) -> Commit | None:
        neutral = ("--no-textconv", "--ignore-revs-file=")  # the last empties what blame.ignoreRevsFile lists
        arguments = ("--porcelain", "--first-parent", *neutral, "-L", f"{line},{line}", self._commit, "--", path)
        done = self._git.run("blame", *arguments, limit=LONG)
        if done.returncode != 0:
            if _NO_SUCH_LINE.search(done.stderr):
                return None
            raise self._git.failure("blame", done.returncode, done.stderr)
        commit = done.stdout.partition(b" ")[0].decode("ascii")
        return None if commit in self._git.shallow() else self._commit_by_id(commit)


def _raw(path: str) -> bytes:
    return path.encode("utf-8", "surrogateescape")


def _text(path: bytes) -> str:
    return path.decode("utf-8", "surrogateescape")
