r"""The identity of a snapshot: pure functions from redacted documents to an id.

    block    = leaf(tlv("block/v1", up to 64 lines of the redacted text, cut after LF))
    document = leaf(tlv("document/v1", path, mode, SHA256(text), block count, MTH(blocks), tlv(labels, unique, byte order)))
    id       = "ctx1:" ‖ hex SHA256("contextd.dev/snapshot/v1\n" ‖ tlv(source name, tree(documents)))

Leaf, MTH: RFC 6962. Tree: ``contextd.merkle.pathtree``. No clock, host, grammar or row id has a part in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from hashlib import sha256

from contextd.merkle.pathtree import build
from contextd.merkle.rfc6962 import leaf, mth
from contextd.merkle.tlv import tlv

BLOCK_LINES = 64
MAX_PATH = 1024

_BLOCK = re.compile(rb"(?:[^\n]*\n){%d}|.+" % BLOCK_LINES, re.DOTALL)


def blocks(text: bytes) -> list[bytes]:
    """The leaf hashes of a text's blocks, in order; none for empty text. Only LF ends a line."""
    return [leaf(tlv("block/v1", match.group())) for match in _BLOCK.finditer(text)]


def document(path: str, mode: str, text: bytes, labels: Iterable[str] = ()) -> bytes:
    """The 32-byte hash of a document. ``text`` is redacted UTF-8, ``mode`` six ASCII digits, ``labels`` in any order."""
    parts = blocks(text)
    marks = tlv(*sorted({label.encode() for label in labels}))
    return leaf(tlv("document/v1", path, mode, sha256(text).digest(), len(parts), mth(parts), marks))


def tree(documents: Iterable[tuple[str, bytes]]) -> bytes:
    """The root over ``(path, document hash)`` pairs with distinct paths."""
    return build((path.encode(), digest) for path, digest in documents)


def snapshot_id(source: str, root: bytes) -> str:
    """``ctx1:<64 hex>`` of a source by name and the root of its documents."""
    return "ctx1:" + sha256(b"contextd.dev/snapshot/v1\n" + tlv(source, root)).hexdigest()
