"""Findings: where what AI is told has left reality, with the evidence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from contextd.model.source import Descriptor


class Severity(StrEnum):
    """How bad, in rising order: info, warn, error."""

    INFO = "info"
    WARN = "warn"
    ERROR = "error"


class FindingState(StrEnum):
    """A finding's life: open, acknowledged, then resolved by evidence, suppressed or judged false."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"
    SUPPRESSED = "suppressed"
    FALSE_POSITIVE = "false-positive"


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit of the history, as evidence shows it. The time is the committer's, UTC."""

    id: str
    time: datetime
    subject: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One claim that does not hold. Everything a person needs to judge it, nothing that only a machine could follow.

    ``claim`` is the normalized thing that was claimed (a path, ``httpx>=0.27``): with source, component, code, path and quote
    it makes the id. ``quote`` is the text as it stands, ``observed`` the reality against it with its own file and line.
    ``history`` tells since when and until when the claim held. ``confidence`` is 0-1.
    """

    code: str
    severity: Severity
    path: str
    line: int
    quote: str
    claim: str
    observed: str
    remediation: str
    component: str = ""
    history: str = ""
    last_valid_commit: str = ""
    breaking: Commit | None = None
    rename_target: str = ""
    confidence: float = 1.0


@dataclass(frozen=True, slots=True)
class Removal:
    """A path that left the tree: in which commit, to where (empty when it was deleted), and how alike they are (0-100)."""

    commit: Commit
    target: str
    similarity: int


class History(Protocol):
    """The first-parent history of one ref up to the commit that is looked at, read lazily.

    Where it is not complete (shallow, or none at all) absence from it proves nothing.
    Subjects of commits come redacted.
    """

    @property
    def complete(self) -> bool:
        """Whether the whole history is here."""
        ...

    def last_change(self, path: str) -> Commit | None:
        """The newest commit that changed ``path``; None when history does not show one."""
        ...

    def removal(self, path: str) -> Removal | None:
        """The newest commit that removed ``path``; None when it never existed."""
        ...

    def said_since(self, path: str, words: str) -> Commit | None:
        """The commit since which ``path`` has held ``words`` without a break; None when history does not show it."""
        ...

    def existed_at(self, path: str, commit: str) -> bool:
        """Whether ``path`` was in the tree of ``commit``."""
        ...

    def line_change(self, path: str, line: int) -> Commit | None:
        """The commit that last changed line ``line`` (from 1) of ``path`` as it stands at the commit looked at."""
        ...


class Corpus(Protocol):
    """What detectors look at: one snapshot's admitted documents, and every path that was listed, excluded ones included."""

    descriptor: Descriptor

    def paths(self) -> Sequence[str]:
        """Every listed path, admitted or excluded, in byte order."""
        ...

    def admitted(self) -> Iterator[str]:
        """Paths of admitted documents, in byte order."""
        ...

    def text(self, path: str) -> bytes | None:
        """Redacted text of an admitted document; None when it is not one."""
        ...

    def component(self, path: str) -> str:
        """The component that has ``path``."""
        ...


class FreshnessState(StrEnum):
    """How current a document is, best first; exempt stands beside fresh. Unknown is never fresh."""

    EXEMPT = "exempt"
    FRESH = "fresh"
    DUE = "due"
    STALE = "stale"
    INVALIDATED = "invalidated"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Freshness:
    """The state of one document, with the clock it was judged by and why (``reviewed 212d ago; tier 3 allows 180d``)."""

    path: str
    state: FreshnessState
    cause: str
    reviewed_at: datetime | None = None
    changed_at: datetime | None = None
    warn_at: datetime | None = None
    error_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class PackageElement:
    """One element of a context package, its ``state`` being ok, missing, weak or stale.

    ``evidence`` says where it is stated, or why not; ``lacks`` what to add; ``path`` and ``line`` point at the evidence if any.
    """

    name: str
    state: str
    evidence: str
    lacks: str = ""
    path: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True)
class Package:
    """The context package of a component as its documents state it, and whether that makes it eligible at its tier."""

    component: str
    tier: int
    elements: tuple[PackageElement, ...]
    required: bool
    eligible: bool
    reviewed_at: datetime | None = None
    facts: Mapping[str, tuple[str, ...]] | None = None

    @property
    def lacking(self) -> tuple[str, ...]:
        """Names of the elements that keep it from being eligible."""
        return tuple(e.name for e in self.elements if e.state != "ok")
