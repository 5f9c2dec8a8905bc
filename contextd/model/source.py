"""Sources: what is registered, its components and its life."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

REST = "rest"
"""The name of the component that covers what no other component of a source claims."""


class SourceKind(StrEnum):
    """How a source is read."""

    GIT = "git"
    DIRECTORY = "directory"
    TICKETS = "tickets"


class ContentKind(StrEnum):
    """What a source is."""

    REPO = "repo"
    DOCS = "docs"
    ADRS = "adrs"
    TICKETS = "tickets"
    RUNBOOKS = "runbooks"
    LOGS = "logs"


class SourceState(StrEnum):
    """A source's life: proposed, reviewed, approved, suspended, retired; or rejected."""

    PROPOSED = "proposed"
    REVIEWED = "reviewed"
    APPROVED = "approved"
    SUSPENDED = "suspended"
    RETIRED = "retired"
    REJECTED = "rejected"


class Sensitivity(StrEnum):
    """Whether sensitive data is present; unknown is treated as present."""

    PRESENT = "present"
    ABSENT = "absent"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Component:
    """A named path scope of a source with its own tier (1-4) and owner. ``paths`` are gitignore patterns."""

    name: str
    paths: tuple[str, ...]
    tier: int
    owner: str


@dataclass(frozen=True, slots=True)
class Descriptor:
    """What of a source decides its snapshots: everything a recomputation must be told besides the files themselves.

    ``components`` are in the order in which they claim paths: the first that matches has the file, ``REST`` has the others.
    """

    name: str
    kind: SourceKind
    content: ContentKind
    tier: int
    components: tuple[Component, ...] = ()

    def tier_of(self, component: str) -> int:
        """The tier of a component by name; the source's own tier for the rest."""
        return next((c.tier for c in self.components if c.name == component), self.tier)


@dataclass(frozen=True, slots=True)
class Source:
    """A registered source as the control plane knows it. Times are UTC."""

    descriptor: Descriptor
    location: str
    owner: str
    maintainer: str
    sensitivity: Sensitivity
    refs: tuple[str, ...]
    state: SourceState
    requested_by: str
    created_at: datetime
    every: str = "24h"
    decided_by: str = ""
    decided_at: datetime | None = None
    reason: str = ""
    review_by: datetime | None = None
    etag: str = ""

    @property
    def name(self) -> str:
        """The source's name."""
        return self.descriptor.name
