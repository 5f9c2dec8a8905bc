"""Snapshots: what was context, at which state of a source, under which rules."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from contextd.model.content import Admitted
from contextd.model.document import Parsed
from contextd.model.source import Descriptor


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One immutable state of one ref of a source. ``commit`` is a git commit id, or ``-`` where the source is not git.

    ``content_time`` is when the content was last changed at its origin (the commit's time), ``built_at`` when it was crawled.
    ``pipeline`` names the versions that built it; ``as_of`` is the instant at which dated rules were judged.
    """

    id: str
    source: str
    ref: str
    sequence: int
    commit: str
    root: bytes
    descriptor: Descriptor
    ingest_digest: str
    pipeline: str
    as_of: datetime
    built_at: datetime
    content_time: datetime
    documents: int
    chunks: int
    excluded: int
    redacted: int
    bytes: int


@dataclass(frozen=True, slots=True)
class DocumentChange:
    """One path that differs between two snapshots: ``kind`` is added, removed or changed; lines are counts.

    ``why`` is content, policy or pipeline.
    """

    path: str
    kind: str
    why: str
    lines_added: int
    lines_removed: int


@dataclass(frozen=True, slots=True)
class Prepared:
    """A document ready to be kept: admitted, taken apart, and with the 32-byte hash that stands for it in the path tree."""

    admitted: Admitted
    parsed: Parsed
    digest: bytes
