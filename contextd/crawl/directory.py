"""A folder as a source: regular files under it, reached without following a link anywhere below its root.

Every folder and file is opened relative to the folder above it with O_NOFOLLOW, so a link that is put in the way while the
crawl runs leads nowhere.

Source: openat(2).
"""

from __future__ import annotations

import os
import shlex
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from contextd.crawl.listing import NOT_GIT, BadLocation, CrawlFailed, Listing, in_byte_order
from contextd.crawl.unversioned import NoHistory, Unversioned
from contextd.model.content import REGULAR, EntryKind, Observed, Reader, Unreadable
from contextd.model.finding import Commit

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_TRIES = 3
_GROWTH = 1 << 20
"""Bytes by which a file may have grown since it was listed and still be read."""
_SKIPPED = ".git"


class _Vanished(Exception):
    """Something was renamed or removed while the folder was listed."""


@dataclass(frozen=True, slots=True)
class DirectoryReaderSpec:
    """Which folder to read from; pickles."""

    root: str

    @contextmanager
    def open(self) -> Iterator[DirectoryReader]:
        """A reader that holds the folder open."""
        descriptor = _opened_root(self.root)
        try:
            yield DirectoryReader(self.root, descriptor)
        finally:
            os.close(descriptor)


class DirectoryReader:
    """Reads files below an open folder."""

    def __init__(self, root: str, descriptor: int) -> None:
        self._root = root
        self._descriptor = descriptor

    def read(self, entries: Sequence[Observed]) -> Iterator[bytes | Unreadable]:
        """Yield the bytes of each file as they are now, or why they cannot be had, in order.

        A file that changed since it was listed is read as it is; it may be longer than was listed, by up to 1 MiB. One that
        grew more, vanished, became something else, or changes while it is read is Unreadable.
        """
        return map(self._read, entries)

    def _read(self, entry: Observed) -> bytes | Unreadable:
        path = os.path.join(self._root, os.fsdecode(entry.path))  # noqa: PTH118 - only to be shown
        if entry.kind is not EntryKind.FILE:
            return Unreadable(f"{path} is a link or a special file; it is not read")
        *folders, name = parts = entry.path.split(b"/")
        if any(part in {b"", b".", b".."} for part in parts):
            return Unreadable(f"{path} would lead out of the folder; it is not read")
        try:
            with _descended(self._descriptor, folders) as folder:
                descriptor = os.open(name, _FILE, dir_fd=folder)
        except OSError as error:
            return Unreadable(f"{path} cannot be opened: {error.strerror}; mend: make it readable, then crawl again")
        try:
            return _stable(descriptor, path, entry.size + _GROWTH)
        except OSError as error:
            return Unreadable(f"{path} cannot be read: {error.strerror}; mend: see whether the disk answers, then crawl again")
        finally:
            os.close(descriptor)


class DirectoryCrawler(Unversioned):
    """Crawls one folder. Files are 100644 whatever their permissions; links and special files are listed and never followed."""

    def __init__(self, root: str) -> None:
        self._root = root

    @property
    def reader_spec(self) -> DirectoryReaderSpec:
        """How to make a reader; pickles."""
        return DirectoryReaderSpec(self._root)

    def reader(self) -> AbstractContextManager[Reader]:
        """A fresh reader."""
        return self.reader_spec.open()

    def history(self, commit: str, redact: Callable[[str], str]) -> ModifiedTimes:  # noqa: ARG002 - there are no versions
        """When files were last written, and nothing else."""
        return ModifiedTimes(self._root)

    def list(self, ref: str) -> Listing:
        """Everything below the folder except ``.git``; CrawlFailed when a part cannot be listed or it keeps changing."""
        self.checked(ref)
        for _ in range(_TRIES):
            root = _opened_root(self._root)
            try:
                entries, newest = _Walk(root, self._root).everything()
            except _Vanished:
                continue
            finally:
                os.close(root)
            time = datetime.fromtimestamp(newest // 10**9, UTC)
            return Listing(NOT_GIT, NOT_GIT, NOT_GIT, time, in_byte_order(entries, self._root, "look at the folder"))
        raise CrawlFailed(
            f"{self._root} kept changing while it was listed; nothing was changed", hint="crawl again when it is quiet"
        )


class ModifiedTimes(NoHistory):
    """What a folder knows of the past: when each file was last written. A copy or a checkout sets that anew."""

    def __init__(self, root: str) -> None:
        self._root = Path(root)

    def last_change(self, path: str) -> Commit | None:
        """A change without an author at the file's modification time; None when it is not there."""
        try:
            found = (self._root / path).lstat()
        except (OSError, ValueError):
            return None
        return Commit(NOT_GIT, datetime.fromtimestamp(found.st_mtime_ns // 10**9, UTC), "")


class _Walk:
    """One walk below an open folder."""

    def __init__(self, root: int, shown: str) -> None:
        self._root = root
        self._shown = shown
        self._entries: list[Observed] = []
        self._newest = 0

    def everything(self) -> tuple[list[Observed], int]:
        """All entries, and the newest modification time of a file in nanoseconds; the folder's own where it has none."""
        waiting: list[tuple[bytes, ...]] = [()]
        while waiting:
            folders = waiting.pop()
            waiting.extend((*folders, name) for name in self._folder(folders))
        return self._entries, self._newest or os.fstat(self._root).st_mtime_ns

    def _folder(self, folders: tuple[bytes, ...]) -> list[bytes]:
        """List one folder; return the names of the folders in it."""
        inside = []
        prefix = b"".join(name + b"/" for name in folders)
        try:
            with _descended(self._root, folders) as descriptor, os.scandir(descriptor) as found:
                for item in found:
                    name = os.fsencode(item.name)
                    if item.name == _SKIPPED:
                        continue
                    facts = item.stat(follow_symlinks=False)
                    if stat.S_ISDIR(facts.st_mode):
                        inside.append(name)
                    else:
                        self._entries.append(self._entry(prefix + name, facts))
        except (FileNotFoundError, NotADirectoryError) as error:
            raise _Vanished from error
        except OSError as error:
            place = os.path.join(self._shown, os.fsdecode(prefix))  # noqa: PTH118 - only to be shown
            raise CrawlFailed(
                f"{place} cannot be listed: {error.strerror}; nothing was changed",
                hint=f"make it readable: ls -ld {shlex.quote(place)}",
            ) from error
        return inside

    def _entry(self, path: bytes, facts: os.stat_result) -> Observed:
        if stat.S_ISREG(facts.st_mode):
            self._newest = max(self._newest, facts.st_mtime_ns)
            return Observed(path, REGULAR, EntryKind.FILE, facts.st_size, "")
        size = facts.st_size if stat.S_ISLNK(facts.st_mode) else 0
        return Observed(path, "120000", EntryKind.LINK, size, "")


def open_directory(location: str) -> DirectoryCrawler:
    """The crawler of the folder at ``location``; BadLocation when it is not a folder that can be read."""
    root = os.path.abspath(location)  # noqa: PTH100 - resolving would follow the link that is refused here
    os.close(_opened_root(root))
    return DirectoryCrawler(root)


def _opened_root(root: str) -> int:
    try:
        return os.open(root, _FOLDER)
    except FileNotFoundError as error:
        raise BadLocation(f"{root} does not exist", hint=f"ls -d {shlex.quote(str(Path(root).parent))}") from error
    except PermissionError as error:
        raise BadLocation(f"{root} cannot be read: {error.strerror}", hint=f"ls -ld {shlex.quote(root)}") from error
    except OSError as error:
        if Path(root).is_symlink():
            raise BadLocation(
                f"{root} is a link; where it leads can change", hint=f"register {Path(root).resolve()}"
            ) from error
        raise BadLocation(f"{root} is not a folder", hint="for an export of tickets: --kind tickets") from error


@contextmanager
def _descended(root: int, folders: Sequence[bytes]) -> Iterator[int]:
    """An open folder below ``root``; no step follows a link. OSError when a step fails."""
    if not folders:
        yield root
        return
    descriptor = root
    try:
        for name in folders:
            below = os.open(name, _FOLDER, dir_fd=descriptor)
            if descriptor != root:
                os.close(descriptor)
            descriptor = below
        yield descriptor
    finally:
        if descriptor != root:
            os.close(descriptor)


def _stable(descriptor: int, path: str, limit: int) -> bytes | Unreadable:
    """The bytes of an open file that did not change while they were read."""
    for _ in range(_TRIES):
        before = os.fstat(descriptor)
        if not stat.S_ISREG(before.st_mode):
            return Unreadable(f"{path} is no longer a file; mend: crawl again")
        if before.st_size > limit:
            return Unreadable(f"{path} grew to {before.st_size} bytes since it was listed; mend: crawl again")
        data = _whole(descriptor, before.st_size)
        after = os.fstat(descriptor)
        if len(data) == before.st_size and (after.st_size, after.st_mtime_ns) == (before.st_size, before.st_mtime_ns):
            return data
    return Unreadable(f"{path} is being written to; mend: crawl again when it is quiet")


def _whole(descriptor: int, size: int) -> bytes:
    parts, at = [], 0
    while at < size and (part := os.pread(descriptor, size - at, at)):
        parts.append(part)
        at += len(part)
    return b"".join(parts)
