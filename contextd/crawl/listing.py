"""What every kind of source gives a crawl: a full listing, what changed since, and readers for the bytes."""

from __future__ import annotations

import builtins
import itertools
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Protocol

from contextd.model.content import Observed, Reader
from contextd.model.errors import InvalidInput, Unavailable
from contextd.model.finding import History

NOT_GIT = "-"
"""What stands for the ref, the commit and the tree of a source that has none."""


class CrawlFailed(Unavailable):
    """A source could not be listed whole. What was crawled before keeps serving; nothing is taken as removed."""

    default_reason: ClassVar[str] = "CRAWL_FAILED"


class BadLocation(InvalidInput):
    """A location cannot be read as the kind of source it is said to be."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message, hint=hint, field="location")


@dataclass(frozen=True, slots=True)
class Listing:
    """Everything at one state of a source.

    ``commit`` and ``tree`` are git object ids in hex, ``-`` where the source is not git. ``content_time`` is UTC: the commit's
    (the committer's clock), or the newest modification time of a folder's files or of an export. ``entries`` are in byte order
    of path, no path twice; a listing that goes with a ``Delta`` carries none.
    """

    ref: str
    commit: str
    tree: str
    content_time: datetime
    entries: tuple[Observed, ...]


@dataclass(frozen=True, slots=True)
class Delta:
    """What differs from an older listing: entries that are new or changed, and paths that are gone, in byte order of path."""

    changed: tuple[Observed, ...]
    removed: tuple[bytes, ...]


class ReaderSpec(Protocol):
    """How to make a reader; it pickles, so that a worker process can make its own."""

    def open(self) -> AbstractContextManager[Reader]:
        """Return a fresh reader; what it holds (a process, a descriptor) is let go when the context ends."""
        ...


class Crawler(Protocol):
    """One source, looked at from outside. It holds no process and no open file between calls."""

    @property
    def reader_spec(self) -> ReaderSpec:
        """How to make a reader for entries of this source."""
        ...

    def refs(self) -> builtins.list[str]:
        """The refs that the source follows now, patterns resolved, in byte order; ``["-"]`` where it is not git."""
        ...

    def list(self, ref: str) -> Listing:
        """The full listing of ``ref``; CrawlFailed when it cannot be had whole, never a part of it."""
        ...

    def delta(self, old_commit: str, ref: str) -> tuple[Listing, Delta] | None:
        """The listing of ``ref`` without its entries, and what differs from ``old_commit``.

        None when that cannot be said (the old commit is gone, the source is not git): then ``list`` it.
        """
        ...

    def reader(self) -> AbstractContextManager[Reader]:
        """A fresh reader, the same as ``reader_spec.open()``."""
        ...

    def history(self, commit: str, redact: Callable[[str], str]) -> AbstractContextManager[History]:
        """The first-parent history up to ``commit``; ``redact`` is applied to subjects of commits."""
        ...


def in_byte_order(entries: builtins.list[Observed], place: str, mend: str) -> tuple[Observed, ...]:
    """Return ``entries`` in byte order of path; CrawlFailed naming ``place`` and its ``mend`` when a path stands twice."""
    entries.sort(key=lambda entry: entry.path)
    for one, other in itertools.pairwise(entries):
        if one.path == other.path:
            name = one.path.decode("utf-8", "backslashreplace")
            raise CrawlFailed(f"{place} lists {name!r} twice; nothing was changed", hint=mend)
    return tuple(entries)
