"""The path tree against a naive recursive model, over random and hostile edits."""

from __future__ import annotations

from hashlib import sha256

from hypothesis import given, settings
from hypothesis import strategies as st

from contextd.merkle.pathtree import Node, build, edit, entry_hash, node_hash
from contextd.merkle.rfc6962 import EMPTY
from contextd.merkle.tlv import tlv


def bits_of(key: bytes) -> str:
    return "".join(f"{byte:08b}" for byte in key)


def naive(entries: dict[bytes, bytes]) -> bytes:
    """The definition, word by word: bit strings and recursion."""

    def tree(keys: list[tuple[str, bytes]]) -> bytes:
        if len(keys) == 1:
            path = keys[0][1]
            return entry_hash(path, entries[path])
        first, last = keys[0][0], keys[-1][0]
        n = next(i for i in range(min(len(first), len(last))) if first[i] != last[i])
        prefix = first[:n] + "0" * (-n % 8)
        packed = bytes(int(prefix[i : i + 8], 2) for i in range(0, len(prefix), 8))
        left = tree([k for k in keys if k[0][n] == "0"])
        right = tree([k for k in keys if k[0][n] == "1"])
        return sha256(b"\x02" + n.to_bytes(4, "big") + packed + left + right).digest()

    keys = sorted((bits_of(path + b"\0"), path) for path in entries)
    return tree(keys) if keys else sha256(b"").digest()


segment = st.sampled_from([b"a", b"ab", b"src", b"src.py", b"\xc3\xa9", b"\xff\xfe", b" ", b"A", b"z" * 40])
paths = st.one_of(
    st.lists(segment, min_size=1, max_size=6).map(b"/".join),
    st.binary(min_size=1, max_size=12).map(lambda b: b.replace(b"\0", b"\1")),
)
digests = st.integers(0, 5).map(lambda n: sha256(bytes([n])).digest())


@given(st.dictionaries(paths, digests, max_size=24))
def test_build_is_the_definition(entries: dict[bytes, bytes]) -> None:
    assert build(entries.items()) == naive(entries)


@settings(max_examples=150)
@given(
    st.dictionaries(paths, digests, max_size=16),
    st.lists(st.lists(st.tuples(paths, st.one_of(st.none(), digests)), max_size=6), max_size=5),
)
def test_edits_equal_a_rebuild_and_keep_exactly_its_nodes(
    entries: dict[bytes, bytes], rounds: list[list[tuple[bytes, bytes | None]]]
) -> None:
    state = dict(entries)
    nodes: dict[bytes, Node] = {}
    root = build(state.items(), nodes)
    for changes in rounds:
        result = edit(root, changes, nodes.__getitem__)
        for path, document in changes:
            if document is None:
                state.pop(path, None)
            else:
                state[path] = document
        for digest in result.dropped:
            del nodes[digest]
        assert not result.added.keys() & nodes.keys()
        nodes.update(result.added)
        root = result.root
        fresh: dict[bytes, Node] = {}
        assert root == build(state.items(), fresh)
        assert nodes == fresh
        assert all(node_hash(node) == digest for digest, node in nodes.items())


def test_thousands_of_nested_names_build_and_edit_without_recursion() -> None:
    entries = {b"a" * n: sha256(b"x").digest() for n in range(1, 4000)}
    nodes: dict[bytes, Node] = {}
    root = build(entries.items(), nodes)
    gone = edit(root, [(path, None) for path in entries], nodes.__getitem__)
    assert gone.root == EMPTY
    assert gone.dropped == nodes.keys()


@given(st.lists(st.binary(max_size=4), max_size=4), st.lists(st.binary(max_size=4), max_size=4))
def test_no_two_tuples_share_a_form(one: list[bytes], other: list[bytes]) -> None:
    assert (tlv(*one) == tlv(*other)) == (one == other)
