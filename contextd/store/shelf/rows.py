"""What a shelf hands out."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from contextd.model.snapshot import Snapshot
from contextd.model.source import Component, ContentKind, Descriptor, SourceKind

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """A document of a ref. ``chunks`` is the half-open range of its chunk ids."""

    path: str
    mode: str
    component: str
    labels: tuple[str, ...]
    digest: bytes
    language: str
    content_class: str
    chunks: range
    text_id: int


@dataclass(frozen=True, slots=True)
class StoredChunk:
    """A chunk with its text and the document that it belongs to at the sequence that was asked for."""

    id: int
    path: str
    component: str
    labels: tuple[str, ...]
    language: str
    content_class: str
    symbol: str
    start_line: int
    end_line: int
    start_byte: int
    end_byte: int
    text: bytes


@dataclass(frozen=True, slots=True)
class StoredSegment:
    """A postings segment: its header, and the ids of the chunks that it numbers from 0 (little-endian int64)."""

    id: int
    chunk_count: int
    header: bytes
    chunk_ids: bytes


def micros(time: datetime) -> int:
    """Microseconds since 1970 of an aware time: how shelves keep time."""
    return (time - _EPOCH) // timedelta(microseconds=1)


def moment(value: int) -> datetime:
    """The UTC time of microseconds since 1970."""
    return _EPOCH + timedelta(microseconds=value)


def descriptor_json(descriptor: Descriptor) -> str:
    """A descriptor as JSON with sorted keys."""
    return json.dumps(asdict(descriptor), sort_keys=True)


def descriptor_from(text: str) -> Descriptor:
    """The descriptor that ``descriptor_json`` wrote."""
    data: dict[str, Any] = json.loads(text)
    components = tuple(Component(c["name"], tuple(c["paths"]), c["tier"], c["owner"]) for c in data["components"])
    return Descriptor(data["name"], SourceKind(data["kind"]), ContentKind(data["content"]), data["tier"], components)


SNAPSHOT_COLUMNS = (
    "s.id, r.name, s.sequence, s.commit_id, s.root, s.descriptor, s.ingest_digest, s.pipeline, s.as_of, s.built_at,"
    " s.content_time, s.documents, s.chunks, s.excluded, s.redacted, s.bytes"
)


def snapshot_from(source: str, row: tuple[Any, ...]) -> Snapshot:
    """A snapshot from a row of SNAPSHOT_COLUMNS."""
    (id_, ref, sequence, commit, root, descriptor, ingest, pipeline, as_of, built, content, *counts) = row
    times = (moment(as_of), moment(built), moment(content))
    return Snapshot(id_, source, ref, sequence, commit, root, descriptor_from(descriptor), ingest, pipeline, *times, *counts)
