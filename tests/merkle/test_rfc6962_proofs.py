"""Roots, proofs and the frontier against published vectors and against the RFC's recursive definitions, word for word."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contextd.merkle import rfc6962

# The eight leaves and their roots that the certificate-transparency test data publishes (RFC 6962 tree, SHA-256).
LEAVES = [
    bytes.fromhex(text)
    for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
# (index, size, path) and (first, second, path) of the same test data.
INCLUSION = [
    (0, 1, []),
    (
        0,
        8,
        [
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    ),
    (
        5,
        8,
        [
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    ),
    (2, 3, ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"]),
    (
        1,
        5,
        [
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        ],
    ),
]
CONSISTENCY = [
    (1, 1, []),
    (
        1,
        8,
        [
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    ),
    (
        6,
        8,
        [
            "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    ),
    (
        2,
        5,
        [
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        ],
    ),
]
HASHES = [rfc6962.leaf(data) for data in LEAVES]


def _largest_power_below(n: int) -> int:
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def _mth(d: list[bytes]) -> bytes:
    if not d:
        return rfc6962.EMPTY
    if len(d) == 1:
        return d[0]
    k = _largest_power_below(len(d))
    return rfc6962.node(_mth(d[:k]), _mth(d[k:]))


def _path(m: int, d: list[bytes]) -> list[bytes]:
    if len(d) == 1:
        return []
    k = _largest_power_below(len(d))
    if m < k:
        return [*_path(m, d[:k]), _mth(d[k:])]
    return [*_path(m - k, d[k:]), _mth(d[:k])]


def _subproof(m: int, d: list[bytes], *, complete: bool) -> list[bytes]:
    if m == len(d):
        return [] if complete else [_mth(d)]
    k = _largest_power_below(len(d))
    if m <= k:
        return [*_subproof(m, d[:k], complete=complete), _mth(d[k:])]
    return [*_subproof(m - k, d[k:], complete=False), _mth(d[:k])]


def _leaves(count: int) -> list[bytes]:
    return [rfc6962.leaf(index.to_bytes(2, "big")) for index in range(count)]


SIZES = st.integers(1, 130)


@pytest.mark.parametrize("size", range(1, 9))
def test_roots_are_the_published_ones(size: int) -> None:
    frontier = rfc6962.Frontier()
    for leaf_hash in HASHES[:size]:
        frontier.append(leaf_hash)
    assert rfc6962.mth(HASHES[:size]).hex() == ROOTS[size - 1]
    assert frontier.root().hex() == ROOTS[size - 1]
    assert rfc6962.root_at(size, rfc6962.subtrees(HASHES)).hex() == ROOTS[size - 1]


def test_empty_tree_has_the_hash_of_nothing() -> None:
    assert rfc6962.Frontier().root() == rfc6962.mth([]) == rfc6962.EMPTY
    assert rfc6962.EMPTY.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@pytest.mark.parametrize(("index", "size", "path"), INCLUSION)
def test_inclusion_paths_are_the_published_ones(index: int, size: int, path: list[str]) -> None:
    found = rfc6962.inclusion_path(index, size, rfc6962.subtrees(HASHES))
    assert [step.hex() for step in found] == path
    assert rfc6962.verify_inclusion(HASHES[index], index, size, found, bytes.fromhex(ROOTS[size - 1]))


@pytest.mark.parametrize(("first", "second", "path"), CONSISTENCY)
def test_consistency_paths_are_the_published_ones(first: int, second: int, path: list[str]) -> None:
    found = rfc6962.consistency_path(first, second, rfc6962.subtrees(HASHES))
    assert [step.hex() for step in found] == path
    roots = bytes.fromhex(ROOTS[first - 1]), bytes.fromhex(ROOTS[second - 1])
    assert rfc6962.verify_consistency(first, second, *roots, found)


@settings(max_examples=60, deadline=None)
@given(SIZES, st.data())
def test_proofs_agree_with_the_recursive_definition(size: int, data: st.DataObject) -> None:
    leaves = _leaves(size)
    tree = rfc6962.subtrees(leaves)
    index = data.draw(st.integers(0, size - 1))
    first = data.draw(st.integers(1, size))
    inclusion = rfc6962.inclusion_path(index, size, tree)
    consistency = rfc6962.consistency_path(first, size, tree)
    assert inclusion == _path(index, leaves)
    assert consistency == _subproof(first, leaves, complete=True)
    assert rfc6962.verify_inclusion(leaves[index], index, size, inclusion, _mth(leaves))
    assert rfc6962.verify_consistency(first, size, _mth(leaves[:first]), _mth(leaves), consistency)


@settings(max_examples=60, deadline=None)
@given(SIZES, st.data())
def test_no_altered_inclusion_proof_verifies(size: int, data: st.DataObject) -> None:
    leaves = _leaves(size)
    index = data.draw(st.integers(0, size - 1))
    path = rfc6962.inclusion_path(index, size, rfc6962.subtrees(leaves))
    root = _mth(leaves)
    stranger = rfc6962.leaf(b"stranger")
    at = data.draw(st.integers(0, len(path)))
    forged = [
        (stranger, index, size, path, root),
        (leaves[index], index, size, path, stranger),
        (leaves[index], size, size, path, root),
        (leaves[index], -1, size, path, root),
        (leaves[index], index, size, [*path[:at], stranger, *path[at:]], root),
        (leaves[index], index, size, [*path[:at], stranger, *path[at + 1 :]], root),
    ]
    if size.bit_count() == 1:  # the path of a full tree is that of a larger one, cut short
        forged.append((leaves[index], index, 2 * size, path, root))
    if path:
        forged.append((leaves[index], index, size, path[:-1], root))
        forged.append((leaves[index], (index + 1) % size, size, path, root))
    for claim in forged:
        assert not rfc6962.verify_inclusion(*claim)


@settings(max_examples=60, deadline=None)
@given(SIZES, st.data())
def test_no_altered_consistency_proof_verifies(size: int, data: st.DataObject) -> None:
    leaves = _leaves(size)
    first = data.draw(st.integers(1, size))
    path = rfc6962.consistency_path(first, size, rfc6962.subtrees(leaves))
    old, new = _mth(leaves[:first]), _mth(leaves)
    stranger = rfc6962.leaf(b"stranger")
    at = data.draw(st.integers(0, len(path)))
    forged = [
        (first, size, stranger, new, path),
        (first, size, old, stranger, path),
        (first, size, old, new, [*path[:at], stranger, *path[at:]]),
        (size + 1, size, new, new, path),
        (-1, size, old, new, path),
    ]
    if size.bit_count() == 1:
        forged.append((first, 2 * size, old, new, path))
    if path:
        forged.append((first, size, old, new, path[:-1]))
        forged.append((first, size, old, new, []))
    for claim in forged:
        assert not rfc6962.verify_consistency(*claim)


def test_a_history_that_was_rewritten_is_not_consistent() -> None:
    leaves = _leaves(23)
    rewritten = [*leaves[:4], rfc6962.leaf(b"another"), *leaves[5:]]
    for first in range(5, 23):
        path = rfc6962.consistency_path(first, 23, rfc6962.subtrees(rewritten))
        assert not rfc6962.verify_consistency(first, 23, _mth(leaves[:first]), _mth(rewritten), path)


def test_every_tree_extends_the_empty_one_and_itself() -> None:
    root = _mth(_leaves(5))
    tree = rfc6962.subtrees(_leaves(5))
    assert rfc6962.consistency_path(0, 5, tree) == rfc6962.consistency_path(5, 5, tree) == []
    assert rfc6962.verify_consistency(0, 5, rfc6962.EMPTY, root, [])
    assert not rfc6962.verify_consistency(0, 5, root, root, [])
    assert rfc6962.verify_consistency(5, 5, root, root, [])
    assert not rfc6962.verify_consistency(5, 5, root, rfc6962.EMPTY, [])


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 130), st.integers(0, 40))
def test_a_frontier_resumed_from_its_peaks_grows_the_same_tree(size: int, more: int) -> None:
    leaves = _leaves(size + more)
    tree = rfc6962.subtrees(leaves)
    frontier = rfc6962.Frontier(size, [tree(level, position) for level, position in rfc6962.peaks(size)])
    before = frontier.copy()
    for index in range(size, size + more):
        for level, completed in enumerate(frontier.append(leaves[index])):
            assert completed == tree(level, index >> level)
    assert (frontier.size, frontier.root()) == (size + more, _mth(leaves))
    assert (before.size, before.root()) == (size, _mth(leaves[:size]))


def test_what_cannot_be_proved_is_refused() -> None:
    tree = rfc6962.subtrees(HASHES)
    with pytest.raises(ValueError, match="no leaf 8"):
        rfc6962.inclusion_path(8, 8, tree)
    with pytest.raises(ValueError, match="does not extend"):
        rfc6962.consistency_path(5, 4, tree)
    with pytest.raises(ValueError, match="3 peaks, not 1"):
        rfc6962.Frontier(7, [HASHES[0]])
