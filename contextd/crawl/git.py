"""A local git repository as a source: the objects of its commits, never its work tree."""

from __future__ import annotations

import builtins
import difflib
import hashlib
import re
import shlex
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from contextd.crawl.gitcommand import LONG, Git
from contextd.crawl.gitobjects import Absent, CommitObject, GitObject, ObjectPipe, answer_why, commit_of
from contextd.crawl.gitplace import locate
from contextd.crawl.history import GitHistory
from contextd.crawl.listing import CrawlFailed, Delta, Listing, in_byte_order
from contextd.model.content import EXECUTABLE, REGULAR, EntryKind, Observed, Reader, Unreadable
from contextd.model.errors import InvalidInput
from contextd.model.finding import History

_SHORT = 12
_COMMIT_ID = re.compile(r"[0-9a-f]{7,64}\Z")
_NOT_IN_A_PATTERN = re.compile(r"[\x00-\x20\x7f~^:\\]|\.\.|@\{|//|\A[-/.]|[/.]\Z|\.lock\Z|\A\Z")
_NOT_A_NAME = re.compile(rf"{_NOT_IN_A_PATTERN.pattern}|[*?\[]")
_GLOB = re.compile(r"[*?\[]")


@dataclass(frozen=True, slots=True)
class GitReaderSpec:
    """Where to read blobs; pickles."""

    git: Git

    def open(self) -> GitReader:
        """A reader with a git process of its own, started on first use."""
        return GitReader(self.git)


class GitReader:
    """Reads blobs by id and checks that they are what the id says. Not for two threads at once."""

    def __init__(self, git: Git) -> None:
        self._git = git
        self._pipe = ObjectPipe(git)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._pipe.close()

    def read(self, entries: Sequence[Observed]) -> Iterator[bytes | Unreadable]:
        """Yield the bytes of each entry, or why they cannot be had, in order.

        A missing or damaged object, and one whose content does not hash to its id, is Unreadable with what mends it.
        CrawlFailed when git does not answer within a minute or fails on everything.
        """
        answers = self._pipe.get([entry.address.encode("ascii") for entry in entries])
        for entry, answer in zip(entries, answers, strict=True):
            yield self._checked(entry, answer)

    def _checked(self, entry: Observed, answer: GitObject | Absent) -> bytes | Unreadable:
        path = entry.path.decode("utf-8", "backslashreplace")
        if entry.kind is EntryKind.SUBMODULE:
            return Unreadable(f"{path} is a submodule: its content is in another repository, to be registered by itself")
        if isinstance(answer, Absent) or answer.type != "blob":
            return self._unreadable(path, entry, answer_why(answer))
        digest = hashlib.sha1 if len(entry.address) == 40 else hashlib.sha256  # noqa: PLR2004 - hex digits of git's two formats
        header = f"blob {answer.size}\0".encode("ascii")
        if digest(header + answer.content, usedforsecurity=False).hexdigest() != entry.address:
            return self._unreadable(path, entry, "is damaged: its content is not what its id says")
        return answer.content

    def _unreadable(self, path: str, entry: Observed, why: str) -> Unreadable:
        return Unreadable(f"{path}: object {entry.address[:_SHORT]} {why}; mend: {self._git.mend()}")


class GitCrawler:
    """Crawls refs of one repository. ``refs`` are full names, short names, or patterns such as ``refs/heads/release/*``."""

    def __init__(self, git: Git, refs: tuple[str, ...]) -> None:
        for ref in refs:
            _checked_ref(ref, _NOT_IN_A_PATTERN)
        self._git = git
        self._refs = refs

    @property
    def reader_spec(self) -> GitReaderSpec:
        """How to make a reader; pickles."""
        return GitReaderSpec(self._git)

    def reader(self) -> AbstractContextManager[Reader]:
        """A fresh reader with a process of its own."""
        return self.reader_spec.open()

    def history(self, commit: str, redact: Callable[[str], str]) -> AbstractContextManager[History]:
        """The first-parent history up to ``commit``; close it, or use it in ``with``."""
        return GitHistory(self._git, commit, redact)

    def refs(self) -> builtins.list[str]:
        """Full names of the refs that are followed now: configured ones with patterns resolved, else the default branch.

        A detached HEAD is ``HEAD``. A configured name that does not exist stays in the list, so that listing it says so and the
        others are crawled. CrawlFailed when patterns are all there is and none matches.
        """
        if not self._refs:
            done = self._git.run("symbolic-ref", "-q", "HEAD")
            return [done.stdout.decode("utf-8", "surrogateescape").strip()] if done.returncode == 0 else ["HEAD"]
        followed: set[str] = set()
        for ref in self._refs:
            if _GLOB.search(ref):
                pattern = ref if ref.startswith("refs/") else f"refs/heads/{ref}"
                followed.update(self._existing(pattern))
            else:
                followed.add(self._full(ref))
        if not followed:
            raise CrawlFailed(
                f"{self._git.location} has no ref that matches {', '.join(self._refs)}; nothing was changed",
                hint=self._nearby(""),
            )
        return sorted(followed, key=_bytes)

    def list(self, ref: str) -> Listing:
        """The full listing of the commit that ``ref`` (a ref's name or a commit id) leads to; CrawlFailed if it falls short."""
        ref, commit, _ = self._resolved(ref, "")
        entries = [_listed(record) for record in self._records("ls-tree", "-r", "-z", "-l", "--full-tree", commit.id)]
        return self._listing(
            ref, commit, in_byte_order(entries, f"{self._git.location} at {commit.id[:_SHORT]}", self._git.mend())
        )

    def delta(self, old_commit: str, ref: str) -> tuple[Listing, Delta] | None:
        """The listing of ``ref`` without entries, and what differs from ``old_commit``; None when that commit is gone."""
        ref, commit, old = self._resolved(ref, old_commit)
        if old is None:
            return None
        arguments = ("-r", "-z", "--raw", "--no-renames", "--full-index", old.tree, commit.tree)
        done = self._git.run("diff-tree", *arguments, limit=LONG)
        if done.returncode != 0:
            return None
        parts = done.stdout.split(b"\0")
        changed, removed = [], []
        for raw, path in zip(parts[:-1:2], parts[1::2], strict=True):
            _, mode, _, address, status = raw.split(b" ")
            if status == b"D":
                removed.append(path)
            else:
                changed.append((path, mode, address))
        sizes = self._sizes([address for _, mode, address in changed])
        entries = [_observed(path, mode, address, size) for (path, mode, address), size in zip(changed, sizes, strict=True)]
        ordered = in_byte_order(entries, f"{self._git.location} at {commit.id[:_SHORT]}", self._git.mend())
        return self._listing(ref, commit, ()), Delta(ordered, tuple(sorted(removed)))

    def _listing(self, ref: str, commit: CommitObject, entries: tuple[Observed, ...]) -> Listing:
        return Listing(ref, commit.id, commit.tree, commit.time, entries)

    def _records(self, *arguments: str) -> builtins.list[bytes]:
        return self._git.output(*arguments, limit=LONG).split(b"\0")[:-1]

    def _sizes(self, addresses: builtins.list[bytes]) -> builtins.list[int]:
        """Sizes of objects, 0 for those that are not here (commits of submodules, missing blobs)."""
        if not addresses:
            return []
        with ObjectPipe(self._git, check=True) as pipe:
            return [0 if isinstance(answer, Absent) else answer.size for answer in pipe.get(addresses)]

    def _resolved(self, ref: str, old_commit: str) -> tuple[str, CommitObject, CommitObject | None]:
        """The full name of ``ref``, its commit, and that of ``old_commit`` where it is a commit id and is here."""
        _checked_ref(ref, _NOT_A_NAME)
        name = ref if _COMMIT_ID.match(ref) else self._full(ref)
        names = [name, old_commit] if _COMMIT_ID.match(old_commit) else [name]
        with ObjectPipe(self._git) as pipe:
            new, *old = pipe.get([_bytes(f"{name}^{{commit}}") for name in names])
        commit = commit_of(new)
        if commit is None:
            raise self._no_commit(name, new)
        return name, commit, commit_of(old[0]) if old else None

    def _no_commit(self, ref: str, answer: GitObject | Absent) -> CrawlFailed:
        where = self._git.location
        if isinstance(answer, GitObject) or answer.damaged:
            return CrawlFailed(f"{where}: the commit of {ref} {answer_why(answer)}; nothing was changed", hint=self._git.mend())
        names = self._existing()
        if not names:
            return CrawlFailed(
                f"{where} has no commits: commit something, then crawl", hint=f"git -C {shlex.quote(where)} commit"
            )
        if ref in names:
            return CrawlFailed(f"{where}: {ref} leads to no commit that is here; nothing was changed", hint=self._git.mend())
        return CrawlFailed(f"{where} has no ref {ref}; nothing was changed", hint=self._nearby(ref))

    def _nearby(self, ref: str) -> str:
        names = self._existing()
        near = difflib.get_close_matches(ref, names, n=3, cutoff=0.5) or names[:3]
        return f"there are: {', '.join(near)}" if near else "it has no refs at all: commit something, then crawl"

    def _existing(self, *patterns: str) -> builtins.list[str]:
        output = self._git.output("for-each-ref", "--format=%(refname)", *patterns)
        return output.decode("utf-8", "surrogateescape").splitlines()

    def _full(self, ref: str) -> str:
        """The full name of a configured ref; a branch where it cannot be told."""
        if ref == "HEAD" or ref.startswith("refs/"):
            return ref
        candidates = [f"refs/{kind}/{ref}" for kind in ("heads", "tags", "remotes")]
        existing = set(self._existing(*candidates))
        return next((name for name in candidates if name in existing), candidates[0])


def open_git(location: str, refs: tuple[str, ...]) -> GitCrawler:
    """The crawler of the repository at ``location``; BadLocation or InvalidInput when location or refs cannot be meant."""
    return GitCrawler(locate(location), refs)


def _checked_ref(ref: str, forbidden: re.Pattern[str]) -> None:
    """Refuse what git would take as an expression, not as a name (git-check-ref-format(1))."""
    if forbidden.search(ref):
        raise InvalidInput(
            f"{ref!r} is not the name of a ref", hint="for example: refs/heads/main, refs/heads/release/*, v1.2", field="refs"
        )


def _bytes(name: str) -> bytes:
    return name.encode("utf-8", "surrogateescape")


def _listed(record: bytes) -> Observed:
    """One record of ``git ls-tree -l``: mode, type, id, size (padded; - or BAD where there is none), tab, path."""
    facts, _, path = record.partition(b"\t")
    mode, _, address, size = facts.split()
    return _observed(path, mode, address, int(size) if size.isdigit() else 0)


def _observed(path: bytes, mode: bytes, address: bytes, size: int) -> Observed:
    """An entry; git has already reduced modes to the five it knows."""
    if mode == b"120000":
        kind, shown = EntryKind.LINK, "120000"
    elif mode == b"160000":
        kind, shown, size = EntryKind.SUBMODULE, "160000", 0
    else:
        kind, shown = EntryKind.FILE, EXECUTABLE if mode == b"100755" else REGULAR
    return Observed(path, shown, kind, size, address.decode("ascii"))
