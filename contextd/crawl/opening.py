"""The one door: a crawler for a source of any kind."""

from __future__ import annotations

from contextd.crawl.directory import open_directory
from contextd.crawl.git import open_git
from contextd.crawl.listing import Crawler
from contextd.crawl.tickets import open_tickets
from contextd.model.errors import InvalidInput
from contextd.model.source import SourceKind


def open_source(kind: SourceKind, location: str, refs: tuple[str, ...]) -> Crawler:
    """Return the crawler of a source.

    Args:
        kind: how it is read.
        location: a path on this machine; an absolute one unless the caller means the working folder.
        refs: which refs to follow, as full names, short names or patterns (``refs/heads/release/*``); none means the default
            branch. Only git has refs.

    Raises:
        BadLocation: it is not there, or not what ``kind`` says.
        InvalidInput: a ref cannot be meant.
    """
    if "\0" in location or not location:
        raise InvalidInput(
            "the location is empty or holds a NUL", hint="give the path of a repository, folder or export", field="location"
        )
    if kind is SourceKind.GIT:
        return open_git(location, refs)
    if refs:
        raise InvalidInput(
            f"a source of kind {kind} has no refs, but {refs[0]} was given", hint="leave out --ref", field="refs"
        )
    return open_directory(location) if kind is SourceKind.DIRECTORY else open_tickets(location)
