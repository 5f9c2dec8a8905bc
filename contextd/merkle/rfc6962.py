"""Merkle trees as RFC 6962 section 2 defines them, over SHA-256."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

EMPTY = sha256(b"").digest()
"""The root of a tree without leaves."""


def leaf(data: bytes) -> bytes:
    """The hash of a leaf: SHA-256(00 ‖ data); 32 bytes."""
    return sha256(b"\x00" + data).digest()


def node(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node: SHA-256(01 ‖ left ‖ right); 32 bytes."""
    return sha256(b"\x01" + left + right).digest()


def mth(leaves: Sequence[bytes]) -> bytes:
    """The Merkle tree hash over leaf hashes, in order; EMPTY for none.

    Level by level: an odd last node is carried up, which gives the same tree as the RFC's split at the largest power of two.
    """
    level = list(leaves)
    if not level:
        return EMPTY
    while len(level) > 1:
        paired = [node(level[i], level[i + 1]) for i in range(0, len(level) - 1, 2)]
        if len(level) % 2:
            paired.append(level[-1])
        level = paired
    return level[0]
