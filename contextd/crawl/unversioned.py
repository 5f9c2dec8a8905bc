"""What sources without versions have in common: one state, no history, nothing to compare with."""

from __future__ import annotations

import builtins
from collections.abc import Callable
from types import TracebackType
from typing import Self

from contextd.crawl.listing import NOT_GIT, CrawlFailed, Delta, Listing
from contextd.model.finding import Commit, Removal


class Unversioned:
    """The part of a crawler that says there is nothing but the present."""

    def refs(self) -> builtins.list[str]:
        """The one state there is: ``-``."""
        return [NOT_GIT]

    def delta(self, old_commit: str, ref: str) -> tuple[Listing, Delta] | None:
        """None: such a source does not say what changed."""

    def history(self, commit: str, redact: Callable[[str], str]) -> NoHistory:  # noqa: ARG002 - there is none to look at
        """A history that shows nothing."""
        return NoHistory()

    @staticmethod
    def checked(ref: str) -> None:
        """CrawlFailed when a ref is asked for."""
        if ref != NOT_GIT:
            raise CrawlFailed(f"the source is not git and has no ref {ref}; nothing was changed", hint="leave out --ref")


class NoHistory:
    """The history of a source that has none: it shows nothing, and absence from it proves nothing."""

    complete = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        return

    def last_change(self, path: str) -> Commit | None:
        """None."""

    def removal(self, path: str) -> Removal | None:
        """None."""

    def said_since(self, path: str, words: str) -> Commit | None:
        """None."""

    def existed_at(self, path: str, commit: str) -> bool:  # noqa: ARG002 - what is asked makes no difference
        """False."""
        return False

    def line_change(self, path: str, line: int) -> Commit | None:
        """None."""
