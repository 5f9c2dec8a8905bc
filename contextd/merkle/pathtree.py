"""The path tree: a Patricia tree over path bytes whose root commits to every (path, document) pair.

    key   = path ‖ 00
    entry = leaf(tlv("entry/v1", path, document))
    fork  = SHA256(02 ‖ u32be n ‖ first n bits of the key, zero-padded to whole bytes ‖ left ‖ right)
            n = length in bits of the longest common prefix of all keys below; left: bit n is 0, most significant first
    tree  = SHA256("") if empty, its entry if there is one, otherwise the fork

Because the shape follows from the keys alone, a path has exactly one place: there it is, or it is not in the tree.
Everything here is iterative: hostile names nest thousands of levels deep.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from hashlib import sha256
from struct import Struct

from contextd.merkle.rfc6962 import EMPTY, leaf
from contextd.merkle.tlv import tlv

_U32 = Struct(">I")


@dataclass(frozen=True, slots=True)
class Entry:
    """A leaf of the tree: the path and the 32-byte hash of its document."""

    path: bytes
    document: bytes


@dataclass(frozen=True, slots=True)
class Fork:
    """An inner node: the first ``bits`` bits are common to all keys below; ``prefix`` holds them, zero-padded."""

    bits: int
    prefix: bytes
    left: bytes
    right: bytes


Node = Entry | Fork


@dataclass(frozen=True, slots=True)
class Edit:
    """The outcome of an edit: the new root, nodes that came and hashes of nodes that went."""

    root: bytes
    added: dict[bytes, Node]
    dropped: frozenset[bytes]


def entry_hash(path: bytes, document: bytes) -> bytes:
    """The hash of an entry; ``document`` is 32 bytes."""
    return leaf(tlv("entry/v1", path, document))


def fork_hash(bits: int, prefix: bytes, left: bytes, right: bytes) -> bytes:
    """The hash of a fork; ``prefix`` is zero-padded to whole bytes."""
    return sha256(b"\x02" + _U32.pack(bits) + prefix + left + right).digest()


def node_hash(node: Node) -> bytes:
    """The hash of a node."""
    if isinstance(node, Entry):
        return entry_hash(node.path, node.document)
    return fork_hash(node.bits, node.prefix, node.left, node.right)


def build(entries: Iterable[tuple[bytes, bytes]], keep: dict[bytes, Node] | None = None) -> bytes:
    """Return the root over ``(path, document hash)`` pairs with distinct paths, in any order.

    Nodes are put into ``keep``, by hash, when it is given. O(n) hashes after a sort.
    """
    ordered = sorted((path + b"\0", document) for path, document in entries)
    if not ordered:
        return EMPTY
    pending: list[tuple[int, bytes]] = []
    key, document = ordered[0]
    current = _enter(Entry(key[:-1], document), keep)
    for following, document in ordered[1:]:
        common = _common_bits(key, following)
        while pending and pending[-1][0] > common:
            bits, left = pending.pop()
            current = _enter(Fork(bits, _prefix(key, bits), left, current), keep)
        pending.append((common, current))
        key = following
        current = _enter(Entry(key[:-1], document), keep)
    while pending:
        bits, left = pending.pop()
        current = _enter(Fork(bits, _prefix(key, bits), left, current), keep)
    return current


def edit(root: bytes, changes: Iterable[tuple[bytes, bytes | None]], load: Callable[[bytes], Node]) -> Edit:
    """Apply changes to the tree under ``root``: ``(path, document hash)`` sets, ``(path, None)`` removes (absent is fine).

    ``load`` returns a node of the old tree by hash. The result equals ``build`` over the changed set; each change costs one
    descent. Nodes made on the way and gone again are in neither list.
    """
    draft = _Draft(load)
    for path, document in changes:
        root = draft.change(root, path + b"\0", document)
    return Edit(root, draft.added, frozenset(draft.dropped))


class _Draft:
    """Nodes that came and went while changes are applied one after the other."""

    def __init__(self, load: Callable[[bytes], Node]) -> None:
        self.load = load
        self.added: dict[bytes, Node] = {}
        self.dropped: set[bytes] = set()

    def change(self, root: bytes, key: bytes, document: bytes | None) -> bytes:
        """The root after one key is set or, with None, removed."""
        at, common, trail = self._descend(root, key)
        replacement = self._replace(at, common, key, document)
        if replacement == at:
            return root
        for digest, fork in reversed(trail):
            self._drop(digest)
            right = _bit(key, fork.bits)
            if replacement == EMPTY:
                replacement = fork.left if right else fork.right
            elif right:
                replacement = self._put(Fork(fork.bits, fork.prefix, fork.left, replacement))
            else:
                replacement = self._put(Fork(fork.bits, fork.prefix, replacement, fork.right))
        return replacement

    def _descend(self, at: bytes, key: bytes) -> tuple[bytes, int, list[tuple[bytes, Fork]]]:
        """Where the way of ``key`` ends, how many bits it shares with what stands there (-1: it is its own), and the way."""
        trail: list[tuple[bytes, Fork]] = []
        while at != EMPTY:
            node = self.added.get(at) or self.load(at)
            if isinstance(node, Entry):
                other = node.path + b"\0"
                return at, -1 if other == key else _common_bits(key, other), trail
            shared = _common_bits(key, node.prefix, node.bits)
            if shared < node.bits:
                return at, shared, trail
            trail.append((at, node))
            at = node.right if _bit(key, node.bits) else node.left
        return at, -1, trail

    def _replace(self, at: bytes, common: int, key: bytes, document: bytes | None) -> bytes:
        """What stands at the end of the way afterwards."""
        if document is None:
            if at == EMPTY or common >= 0:
                return at
            self._drop(at)
            return EMPTY
        entry = Entry(key[:-1], document)
        if common >= 0:
            new = self._put(entry)
            left, right = (at, new) if _bit(key, common) else (new, at)
            return self._put(Fork(common, _prefix(key, common), left, right))
        if node_hash(entry) == at:
            return at
        if at != EMPTY:
            self._drop(at)
        return self._put(entry)

    def _drop(self, digest: bytes) -> None:
        if self.added.pop(digest, None) is None:
            self.dropped.add(digest)

    def _put(self, node: Node) -> bytes:
        digest = node_hash(node)
        if digest in self.dropped:
            self.dropped.discard(digest)
        else:
            self.added[digest] = node
        return digest


def _enter(node: Node, keep: dict[bytes, Node] | None) -> bytes:
    digest = node_hash(node)
    if keep is not None:
        keep[digest] = node
    return digest


def _bit(key: bytes, index: int) -> int:
    return (key[index >> 3] >> (7 - (index & 7))) & 1


def _prefix(key: bytes, bits: int) -> bytes:
    whole, rest = divmod(bits, 8)
    if not rest:
        return key[:whole]
    return key[:whole] + bytes((key[whole] & (0xFF00 >> rest) & 0xFF,))


def _common_bits(one: bytes, other: bytes, limit: int | None = None) -> int:
    """Bits that both begin with; at most ``limit``. Without a limit the two must differ within the shorter."""
    size = min(len(one), len(other))
    difference = int.from_bytes(one[:size]) ^ int.from_bytes(other[:size])
    common = 8 * size - difference.bit_length()
    return common if limit is None else min(common, limit)
