"""What the log holds: events as canonical JSON, and the proofs about them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import rfc8785

from contextd.merkle import rfc6962
from contextd.model.errors import InvalidInput
from contextd.store.audit.head import TreeHead

_REQUIRED = ("kind", "time", "principal", "subject")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z")


_LARGEST = 2**53 - 1


@dataclass(frozen=True, slots=True)
class Entry:
    """One recorded event: its index from 0, and the bytes (RFC 8785 JSON) that the tree commits to."""

    index: int
    data: bytes

    @property
    def event(self) -> dict[str, Any]:
        """The event as it was appended."""
        event: dict[str, Any] = json.loads(self.data)
        return event

    @property
    def leaf(self) -> bytes:
        """The hash of the leaf that this entry is."""
        return rfc6962.leaf(self.data)


@dataclass(frozen=True, slots=True)
class InclusionProof:
    """That ``leaf`` (a leaf hash) is entry ``index`` of the log when it held ``size`` entries: RFC 6962 section 2.1.1."""

    index: int
    size: int
    leaf: bytes
    path: tuple[bytes, ...]

    def holds(self, head: TreeHead) -> bool:
        """Whether the proof leads to the root of ``head``. The head's signature is the caller's to check."""
        return head.size == self.size and rfc6962.verify_inclusion(self.leaf, self.index, self.size, self.path, head.root)


@dataclass(frozen=True, slots=True)
class ConsistencyProof:
    """That the log of ``second`` entries extends the one of ``first``, nothing changed: RFC 6962 section 2.1.2."""

    first: int
    second: int
    path: tuple[bytes, ...]

    def holds(self, older: TreeHead, newer: TreeHead) -> bool:
        """Whether the proof leads from the root of ``older`` to that of ``newer``. Signatures are the caller's to check."""
        sizes_fit = (older.size, newer.size) == (self.first, self.second)
        return sizes_fit and rfc6962.verify_consistency(self.first, self.second, older.root, newer.root, self.path)


def canonical(event: Mapping[str, object]) -> bytes:
    """The bytes that an event is recorded as: RFC 8785 JSON.

    It has ``kind`` (not empty), ``time`` (RFC 3339, UTC, microseconds: ``2026-11-23T18:40:02.000000Z``), ``principal`` and
    ``subject``, all text, and whatever else JSON can say. InvalidInput otherwise.
    """
    for name in _REQUIRED:
        if not isinstance(event.get(name), str):
            raise InvalidInput(f"an audit event needs {name} as text; this one has {event.get(name)!r}", field=name)
    if not event["kind"]:
        raise InvalidInput("an audit event needs a kind that is not empty", field="kind")
    if not _TIME.fullmatch(str(event["time"])):
        raise InvalidInput(
            f"the time of an audit event is not RFC 3339 in UTC with microseconds: {event['time']!r}",
            hint="for example: 2026-11-23T18:40:02.000000Z",
            field="time",
        )
    try:
        if _is_plain(event):
            return json.dumps(event, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
        return rfc8785.dumps(dict(event))  # type: ignore[arg-type]  # its own check is what tells JSON from the rest
    except (rfc8785.CanonicalizationError, UnicodeEncodeError, RecursionError) as error:
        raise InvalidInput(f"audit event {event['kind']} cannot be written as JSON: {error}", field="event") from error


def _is_plain(value: object) -> bool:
    """Whether the standard library writes a value as RFC 8785 does: ASCII names, no floats, integers that JSON can carry."""
    if isinstance(value, str) or value is None or isinstance(value, bool):
        return True
    if isinstance(value, int):
        return -_LARGEST <= value <= _LARGEST
    if isinstance(value, dict):
        return all(isinstance(name, str) and name.isascii() and _is_plain(item) for name, item in value.items())
    return isinstance(value, list) and all(map(_is_plain, value))
