"""Merkle trees as RFC 6962 section 2 defines them, over SHA-256, with the verification algorithms of RFC 9162 section 2.1.

A tree of any size is made of *perfect subtrees*: the one at level ``l`` and position ``p`` covers the ``2^l`` leaves from
``p·2^l`` on, and its hash never changes once its last leaf is there. Proofs are put together from these alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256

EMPTY = sha256(b"").digest()
"""The root of a tree without leaves."""

Subtree = Callable[[int, int], bytes]
"""Gives the hash of the perfect subtree at (level, position); level 0 are the leaf hashes."""


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


class Frontier:
    """The right edge of a growing tree: what is needed to append a leaf or to tell the root, in O(log n) time and space.

    Args:
        size: number of leaves so far.
        peaks: hashes of the perfect subtrees that make up the tree, from the left (largest) to the right; one for each set bit
            of ``size``. ValueError if their number does not fit.
    """

    def __init__(self, size: int = 0, peaks: Sequence[bytes] = ()) -> None:
        if size.bit_count() != len(peaks):
            raise ValueError(f"a tree of {size} leaves has {size.bit_count()} peaks, not {len(peaks)}")
        self.size = size
        self._peaks = list(peaks)

    def append(self, leaf_hash: bytes) -> list[bytes]:
        """Add a leaf by its hash. Returns the hashes of the perfect subtrees it completes, level 0 (itself) first."""
        closed = [leaf_hash]
        size = self.size
        while size & 1:
            closed.append(node(self._peaks.pop(), closed[-1]))
            size >>= 1
        self._peaks.append(closed[-1])
        self.size += 1
        return closed

    def root(self) -> bytes:
        """The Merkle tree hash of the leaves so far."""
        return _fold(self._peaks)

    def copy(self) -> Frontier:
        """An independent frontier in the same state."""
        return Frontier(self.size, self._peaks)


def subtrees(leaves: Sequence[bytes]) -> Subtree:
    """The perfect subtrees over leaf hashes that are all at hand. Builds every level once: n - 1 hashes."""
    levels = [list(leaves)]
    while len(levels[-1]) > 1:
        below = levels[-1]
        levels.append([node(below[i], below[i + 1]) for i in range(0, len(below) - 1, 2)])
    return lambda level, position: levels[level][position]


def peaks(size: int) -> list[tuple[int, int]]:
    """Level and position of the perfect subtrees that make up a tree of ``size`` leaves, from the left to the right."""
    return _cover(0, size)


def root_at(size: int, subtree: Subtree) -> bytes:
    """The root that the tree had when it held ``size`` leaves."""
    return _range_hash(0, size, subtree)


def inclusion_path(index: int, size: int, subtree: Subtree) -> list[bytes]:
    """PATH(index, D[size]) of RFC 6962 section 2.1.1: sibling hashes, from the leaf's upwards.

    ValueError unless ``0 <= index < size``.
    """
    if not 0 <= index < size:
        raise ValueError(f"no leaf {index} in a tree of {size}")
    path = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(_range_hash(middle, end, subtree))
            end = middle
        else:
            path.append(_range_hash(start, middle, subtree))
            start = middle
    path.reverse()
    return path


def consistency_path(first: int, second: int, subtree: Subtree) -> list[bytes]:
    """PROOF(first, D[second]) of RFC 6962 section 2.1.2; empty where ``first`` is 0 or equal to ``second``.

    ValueError unless ``0 <= first <= second``.
    """
    if not 0 <= first <= second:
        raise ValueError(f"a tree of {second} leaves does not extend one of {first}")
    if first in {0, second}:
        return []
    path = []
    start, end = 0, second
    while end != first:
        middle = start + _split(end - start)
        if first <= middle:
            path.append(_range_hash(middle, end, subtree))
            end = middle
        else:
            path.append(_range_hash(start, middle, subtree))
            start = middle
    if start:  # otherwise the old root itself is this subtree, and the verifier has it
        path.append(_range_hash(start, end, subtree))
    path.reverse()
    return path


def verify_inclusion(leaf_hash: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """Whether ``path`` proves that ``leaf_hash`` is leaf ``index`` (from 0) of the tree of ``size`` leaves with ``root``.

    The algorithm of RFC 9162 section 2.1.3.2.
    """
    if not 0 <= index < size:
        return False
    fn, sn, computed = index, size - 1, leaf_hash
    for sibling in path:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            computed = node(sibling, computed)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            computed = node(computed, sibling)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and computed == root


def verify_consistency(first: int, second: int, first_root: bytes, second_root: bytes, path: Sequence[bytes]) -> bool:
    """Whether ``path`` proves that the tree of ``second`` leaves extends the one of ``first`` (RFC 9162, 2.1.4.2).

    Beyond the RFC, which leaves them out: equal sizes need equal roots, an empty first tree needs the root EMPTY, both no path.
    """
    if not 0 <= first <= second:
        return False
    if first in {0, second}:
        return not path and first_root == (EMPTY if first == 0 else second_root)
    hashes = [first_root, *path] if first.bit_count() == 1 else list(path)
    if not hashes:
        return False
    fn, sn = first - 1, second - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    old = new = hashes[0]
    for sibling in hashes[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            old, new = node(sibling, old), node(sibling, new)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            new = node(new, sibling)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and old == first_root and new == second_root


def _split(size: int) -> int:
    """The largest power of two smaller than ``size`` (at least 2)."""
    return 1 << ((size - 1).bit_length() - 1)


def _cover(start: int, end: int) -> list[tuple[int, int]]:
    """The perfect subtrees of the leaves ``start`` to ``end - 1``, where ``start`` is a split point of the tree."""
    cover = []
    while start < end:
        level = (end - start).bit_length() - 1
        cover.append((level, start >> level))
        start += 1 << level
    return cover


def _fold(hashes: Sequence[bytes]) -> bytes:
    """The root over neighbouring perfect subtrees of falling size, put together from the right."""
    if not hashes:
        return EMPTY
    root = hashes[-1]
    for left in reversed(hashes[:-1]):
        root = node(left, root)
    return root


def _range_hash(start: int, end: int, subtree: Subtree) -> bytes:
    return _fold([subtree(level, position) for level, position in _cover(start, end)])
