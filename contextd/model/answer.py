"""Questions to the context plane, answers and their receipts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from contextd.model.access import Use
from contextd.model.content import ContentClass
from contextd.model.document import Span
from contextd.model.finding import Freshness


@dataclass(frozen=True, slots=True)
class Filter:
    """Narrows a search. ``paths`` are gitignore patterns; empty tuples do not narrow."""

    paths: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    symbols: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: words for a search, or a path and lines for a fetch. ``budget`` is in tokens of about four bytes."""

    text: str
    sources: tuple[str, ...]
    use: Use
    filter: Filter = Filter()
    ref: str = ""
    commit: str = ""
    snapshot: str = ""
    budget: int = 4000
    limit: int = 10


@dataclass(frozen=True, slots=True)
class OpenFinding:
    """A finding that stands open on what is served: its id and its code."""

    id: str
    code: str


@dataclass(frozen=True, slots=True)
class Hit:
    """One served slice with where it comes from. ``text`` is redacted; ``tokens`` estimates its size."""

    source: str
    component: str
    path: str
    symbol: str
    language: str
    content_class: ContentClass
    span: Span
    text: str
    snapshot: str
    commit: str
    rank: int
    score: float
    tokens: int
    labels: tuple[str, ...]
    freshness: Freshness
    open_findings: tuple[OpenFinding, ...]


@dataclass(frozen=True, slots=True)
class Watermarks:
    """How current the answer is, by part; ``oldest`` decides.

    ``snapshots_behind`` counts the snapshots published on the ref since the oldest one that was served from.
    """

    content: datetime
    access: datetime
    boundary: datetime
    drift: datetime
    snapshots_behind: int = 0

    @property
    def oldest(self) -> datetime:
        """The oldest of the four."""
        return min(self.content, self.access, self.boundary, self.drift)


@dataclass(frozen=True, slots=True)
class Served:
    """What a receipt commits to for one hit: never the text, only its place and digest (SHA-256, raw)."""

    source: str
    path: str
    snapshot: str
    start_byte: int
    end_byte: int
    text_sha256: bytes


@dataclass(frozen=True, slots=True)
class Receipt:
    """Evidence of one decision and what was served on it. ``query_key`` is a keyed digest of the question's text."""

    id: str
    principal: str
    created_at: datetime
    use: Use
    served: tuple[Served, ...]
    served_root: bytes
    snapshots: tuple[str, ...]
    ingest_digest: str
    query_digest: str
    decision: str
    exceptions: tuple[str, ...]
    query_key: str
    audit_index: int
    key_id: str
    signature: bytes


@dataclass(frozen=True, slots=True)
class Permitted:
    """An answer that policy allowed and the audit log holds. Made by ``contextd.operations.ask`` alone."""

    hits: tuple[Hit, ...]
    watermarks: Watermarks
    withheld: int
    receipt: Receipt
    budget: int
    tokens: int
    truncated: bool
