"""A publication is one transaction: what it was given is there as of its sequence, or nothing of it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contextd.filter.filtering import Filter
from contextd.filter.ignorefiles import RepositoryIgnores
from contextd.merkle.pathtree import build
from contextd.model.content import Admitted, EntryKind, Excluded, Observed, Redaction, RedactionKind
from contextd.model.document import Chunk, Parsed, Span, Symbol
from contextd.model.snapshot import Prepared, Snapshot
from contextd.model.source import Component, ContentKind, Descriptor, SourceKind
from contextd.parse.parsing import parse
from contextd.policy.rules import Admit, BoundaryRules, IngestRules, Limits, SecretRules
from contextd.snapshot import identity
from contextd.store.shelf.publish import Publication
from contextd.store.shelf.shelf import Shelf

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
MAIN = "refs/heads/main"
DESCRIPTOR = Descriptor("code", SourceKind.GIT, ContentKind.REPO, 3, (Component("web", ("ui/", "web/"), 1, "team-ui"),))
RULES = IngestRules(BoundaryRules(Limits(), (), (Admit(("*",), 1),)), SecretRules(()), (), "bnd1:" + "0" * 64)


@pytest.fixture(scope="module")
def admit() -> Callable[..., Admitted]:
    """``admit(path, text) -> Admitted`` through a filter that lets everything in."""
    boundary = Filter.compile(RULES, DESCRIPTOR, RepositoryIgnores(()))

    def run(path: str, text: bytes, mode: str = "100644") -> Admitted:
        outcome = boundary.apply(Observed(path.encode(), mode, EntryKind.FILE, len(text), ""), text)
        assert isinstance(outcome, Admitted)
        return outcome

    return run


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    opened = Shelf(tmp_path / "code.db", "code")
    yield opened
    opened.close()


def prepared(admitted: Admitted, parsed: Parsed | None = None) -> Prepared:
    digest = identity.document(admitted.path, admitted.mode, admitted.text, admitted.labels)
    return Prepared(admitted, parsed or parse(admitted.path, admitted.text), digest)


def snapshot(publication: Publication, commit: str = "a" * 40) -> Snapshot:
    root = publication.root()
    documents, chunks, excluded, redacted, size = publication.counts()
    time = NOW + timedelta(minutes=publication.sequence)
    return Snapshot(
        identity.snapshot_id("code", root), "code", publication.ref, publication.sequence, commit, root, DESCRIPTOR,
        RULES.digest, "filter/1", time, time, NOW, documents, chunks, excluded, redacted, size,
    )  # fmt: skip


def publish(shelf: Shelf, put: list[Prepared], remove: list[str] = (), ref: str = MAIN) -> Snapshot:  # type: ignore[assignment]  # an empty default
    with Publication(shelf, ref) as publication:
        for one in put:
            publication.put(one)
        for path in remove:
            publication.remove(path)
        made = snapshot(publication)
        publication.publish(made)
    return made


def texts(shelf: Shelf, sequence: int, ref: str = MAIN) -> dict[str, bytes]:
    return {document.path: shelf.text(document) for document in shelf.documents(ref, sequence)}


def everything(shelf: Shelf) -> dict[str, list[tuple[object, ...]]]:
    """All rows of all tables."""
    names = [row[0] for row in shelf.rows("SELECT name FROM sqlite_master WHERE type = 'table'")]
    return {name: shelf.rows(f'SELECT * FROM "{name}"') for name in names}  # noqa: S608 - names from the database itself


def test_what_was_published_is_read_back_whole(shelf: Shelf, admit: Callable[..., Admitted]) -> None:
    code = admit("ui/é.py", b"def f():\n    return 1\n", "100755")
    parsed = Parsed(
        "python",
        parse("x.py", b"x\n").content_class,
        (Chunk(Span(1, 1, 0, 9), "f"), Chunk(Span(2, 2, 9, 22), "")),
        (Symbol("f", "ui.f", "function", Span(1, 2, 0, 22)),),
    )
    made = publish(shelf, [prepared(code, parsed), prepared(admit("empty.txt", b""))])
    assert shelf.heads() == {MAIN: made}
    assert shelf.snapshots() == shelf.snapshots(MAIN) == [made]
    assert shelf.snapshots("refs/heads/other") == []
    assert shelf.find_snapshots(made.id[:13]) == [made]
    assert (made.documents, made.chunks, made.bytes) == (2, 2, 22)
    document = shelf.document(MAIN, 1, "ui/é.py")
    assert document is not None
    assert (document.mode, document.component, document.language, list(document.chunks)) == ("100755", "web", "python", [1, 2])
    assert shelf.text(document) == code.text
    assert [d.path for d in shelf.documents(MAIN, 1)] == ["empty.txt", "ui/é.py"]
    chunks = shelf.chunks(MAIN, 1, [1, 2, 99])
    assert {i: (c.text, c.symbol, c.start_line) for i, c in chunks.items()} == {
        1: (b"def f():\n", "f", 1),
        2: (b"    return 1\n", "", 2),
    }
    assert shelf.chunk_text(2) == b"    return 1\n"
    assert shelf.chunk_text(77) == b""
    assert shelf.chunks_of_symbol("f") == shelf.chunks_of_symbol("ui.f") == [1, 2]
    assert shelf.chunks_of_symbol("%") == []
    assert shelf.highest_chunk() == 2
    assert shelf.listed_at(MAIN) == made.built_at
    assert shelf.listed_at("refs/heads/none") is None
    assert shelf.document(MAIN, 1, "nope") is None
    assert shelf.check() == []


def test_chunks_of_another_pipeline_are_not_used_again(shelf: Shelf, admit: Callable[..., Admitted]) -> None:
    one = prepared(admit("a.py", b"def f():\n    return 1\n"))
    again: list[int | None] = []
    changed = False
    for version in ("parse/1", "parse/1", "parse/2"):
        with Publication(shelf, MAIN, version) as publication:
            again.append(publication.put(one))
            changed = publication.changed
            publication.publish(snapshot(publication))
    assert again == [1, None, 2]
    assert changed
    heads = shelf.snapshots(MAIN)
    assert len({made.id for made in heads}) == 1
    documents = [shelf.document(MAIN, sequence, "a.py") for sequence in (1, 2, 3)]
    assert [list(document.chunks) for document in documents if document] == [[1], [1], [2]]


def test_leaving_without_publishing_leaves_no_trace(shelf: Shelf, admit: Callable[..., Admitted]) -> None:
    first = publish(shelf, [prepared(admit("a.py", b"x = 1\n"))])
    rows = everything(shelf)
    with Publication(shelf, MAIN) as publication:
        publication.put(prepared(admit("a.py", b"x = 2\n")))
        publication.exclude(Excluded("b.py", "EXCL-BINARY", "built in"))
        publication.add_segment(b"header", [b"block"], b"\1" * 8)
        publication.set_ignores([(".aiexclude", b"x\n")])
    with suppress(KeyError), Publication(shelf, "refs/heads/new") as publication:
        publication.put(prepared(admit("c.py", b"y = 1\n")))
        raise KeyError
    assert shelf.heads() == {MAIN: first}
    assert everything(shelf) == rows
    assert (shelf.exclusions(MAIN, 9), shelf.segments(), shelf.ignores(MAIN)) == ([], [], [])


def test_documents_live_from_the_sequence_they_came_with_to_the_one_they_went_with(
    shelf: Shelf, admit: Callable[..., Admitted]
) -> None:
    publish(shelf, [prepared(admit("a.py", b"1\n")), prepared(admit("b.py", b"1\n"))])
    publish(shelf, [prepared(admit("a.py", b"2\n"))])
    publish(shelf, [], ["b.py"])
    publish(shelf, [prepared(admit("a.py", b"1\n"))])
    assert [texts(shelf, n) for n in range(5)] == [
        {},
        {"a.py": b"1\n", "b.py": b"1\n"},
        {"a.py": b"2\n", "b.py": b"1\n"},
        {"a.py": b"2\n"},
        {"a.py": b"1\n"},
    ]
    assert [len(everything(shelf)[table]) for table in ("texts", "units")] == [2, 3]
    assert [s.sequence for s in shelf.snapshots()] == [4, 3, 2, 1]


def test_a_text_that_comes_back_is_not_indexed_again(shelf: Shelf, admit: Callable[..., Admitted]) -> None:
    with Publication(shelf, MAIN) as publication:
        assert publication.put(prepared(admit("a.py", b"1\n"))) == 1
        assert publication.put(prepared(admit("b.py", b"1\n"))) == 2
        publication.publish(snapshot(publication))
    with Publication(shelf, MAIN) as publication:
        assert publication.put(prepared(admit("a.py", b"2\n"))) == 3
        publication.publish(snapshot(publication))
    with Publication(shelf, MAIN) as publication:
        assert publication.put(prepared(admit("a.py", b"1\n"))) is None
        publication.publish(snapshot(publication))
    assert shelf.chunks(MAIN, 3, [1, 2, 3]).keys() == {1, 2}
    assert shelf.chunks(MAIN, 2, [1, 2, 3]).keys() == {2, 3}


def test_changed_says_whether_anything_differs_from_the_head(shelf: Shelf, admit: Callable[..., Admitted]) -> None:
    same = prepared(admit("a.py", b"1\n"))
    out = Excluded("b.bin", "EXCL-BINARY", "built in", size=3)
    with Publication(shelf, MAIN) as publication:
        publication.put(same)
        publication.exclude(out)
        publication.publish(snapshot(publication))
    acts: list[tuple[Callable[[Publication], object], bool, bool]] = [
        (lambda p: [p.put(same), p.exclude(out), p.close_listing()], False, False),  # type: ignore[func-returns-value]  # in turn
        (lambda p: p.put(prepared(admit("a.py", b"2\n"))), True, False),
        (lambda p: p.put(prepared(admit("a.py", b"1\n", "100755"))), True, False),
        (lambda p: p.put(prepared(admit("new.py", b"1\n"))), True, True),
        (lambda p: p.remove("a.py"), True, True),
        (lambda p: p.remove("b.bin"), True, True),
        (lambda p: p.remove("nope"), False, False),
        (lambda p: p.exclude(Excluded("b.bin", "EXCL-BINARY", "built in", size=4)), True, False),
        (lambda p: p.exclude(Excluded("a.py", "EXCL-NEVER-INGEST", "zone x")), True, False),
        (lambda p: p.put(prepared(admit("b.bin", b"1\n"))), True, False),
        (lambda p: p.close_listing(), True, None),  # type: ignore[list-item]  # nothing was given: all is gone
    ]
    for act, changed, paths_changed in acts:
        with Publication(shelf, MAIN) as publication:
            act(publication)
            assert publication.changed is changed
            if paths_changed is not None:
                assert publication.paths_changed is paths_changed


def test_a_full_listing_takes_out_what_it_does_not_mention(shelf: Shelf, admit: Callable[..., Admitted]) -> None:
    with Publication(shelf, MAIN) as publication:
        for path in ("a.py", "b.py"):
            publication.put(prepared(admit(path, b"1\n")))
        publication.exclude(Excluded("c.bin", "EXCL-BINARY", "built in"))
        publication.exclude(Excluded("d.bin", "EXCL-BINARY", "built in"))
        publication.close_listing()
        publication.publish(snapshot(publication))
    with Publication(shelf, MAIN) as publication:
        publication.put(prepared(admit("a.py", b"1\n")))
        publication.exclude(Excluded("c.bin", "EXCL-BINARY", "built in"))
        publication.close_listing()
        publication.publish(snapshot(publication))
    assert texts(shelf, 2) == {"a.py": b"1\n"}
    assert [e.path for e in shelf.exclusions(MAIN, 2)] == ["c.bin"]
    assert [e.path for e in shelf.exclusions(MAIN, 1)] == ["c.bin", "d.bin"]


def test_an_excluded_path_is_no_document_and_the_other_way_round(shelf: Shelf, admit: Callable[..., Admitted]) -> None:
    publish(shelf, [prepared(admit("a.py", b"1\n"))])
    with Publication(shelf, MAIN) as publication:
        publication.exclude(Excluded("a.py", "EXCL-NEVER-INGEST", "zone x", "boundary.yaml:9", "*.py", 2, "rest"))
        publication.publish(snapshot(publication))
    publish(shelf, [prepared(admit("a.py", b"1\n"))])
    assert [sorted(texts(shelf, n)) for n in (1, 2, 3)] == [["a.py"], [], ["a.py"]]
    assert [len(shelf.exclusions(MAIN, n)) for n in (1, 2, 3)] == [0, 1, 0]
    assert shelf.exclusions(MAIN, 2)[0] == Excluded("a.py", "EXCL-NEVER-INGEST", "zone x", "boundary.yaml:9", "*.py", 2, "rest")
    assert shelf.exclusions(MAIN, 2, ["b.py"]) == []
    assert len(shelf.exclusions(MAIN, 2, ["a.py", "b.py"])) == 1


def test_redactions_belong_to_their_document(shelf: Shelf) -> None:
    cut = Redaction("stripe-secret-key", RedactionKind.SECRET, 1, 4, 20, "ab")
    base = Filter.compile(RULES, DESCRIPTOR, RepositoryIgnores(())).apply(
        Observed(b"a.py", "100644", EntryKind.FILE, 4, ""), b"k=1\n"
    )
    assert isinstance(base, Admitted)
    object.__setattr__(base, "redactions", (cut,))
    made = publish(shelf, [prepared(base)])
    assert made.redacted == 1
    assert shelf.redactions(MAIN, 1) == [("a.py", "rest", cut)]
    assert shelf.redactions(MAIN, 1, ["b.py"]) == []
    object.__setattr__(base, "redactions", ())
    publish(shelf, [prepared(base)])
    assert shelf.redactions(MAIN, 2) == []


def test_touching_keeps_nothing_but_when_it_was_listed(shelf: Shelf, admit: Callable[..., Admitted]) -> None:
    made = publish(shelf, [prepared(admit("a.py", b"1\n"))])
    with Publication(shelf, MAIN) as publication:
        publication.put(prepared(admit("b.py", b"1\n")))
        publication.touch(NOW + timedelta(days=1))
    assert shelf.heads() == {MAIN: made}
    assert shelf.listed_at(MAIN) == NOW + timedelta(days=1)
    assert sorted(texts(shelf, 1)) == ["a.py"]


def test_refs_have_sequences_of_their_own_and_share_texts(shelf: Shelf, admit: Callable[..., Admitted]) -> None:
    publish(shelf, [prepared(admit("a.py", b"1\n"))])
    other = publish(shelf, [prepared(admit("a.py", b"1\n")), prepared(admit("b.py", b"2\n"))], ref="refs/heads/next")
    assert (other.sequence, sorted(shelf.heads())) == (1, [MAIN, "refs/heads/next"])
    assert sorted(texts(shelf, 1)) == ["a.py"]
    assert sorted(texts(shelf, 1, "refs/heads/next")) == ["a.py", "b.py"]
    assert shelf.rows("SELECT count(*) FROM texts") == [(2,)]


def test_a_generation_moves_with_every_publication_and_with_nothing_else(shelf: Shelf, admit: Callable[..., Admitted]) -> None:
    seen = [shelf.generation]
    publish(shelf, [prepared(admit("a.py", b"1\n"))])
    seen.append(shelf.generation)
    with Publication(shelf, MAIN) as publication:
        publication.put(prepared(admit("b.py", b"1\n")))
    assert shelf.generation == seen[-1]
    assert len(set(seen)) == 2


PATHS = st.sampled_from(["a", "a/b", "a/b/c.py", "b", "ab", "é/x", "z" * 40, "ui/p.ts"])
TEXT = st.one_of(st.none(), st.binary(max_size=4).map(lambda b: b.hex().encode() + b"\n"))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.dictionaries(PATHS, TEXT, max_size=5), min_size=1, max_size=6))
def test_the_root_is_that_of_the_documents_however_they_came_about(
    tmp_path_factory: pytest.TempPathFactory, steps: list[dict[str, bytes | None]]
) -> None:
    boundary = Filter.compile(RULES, DESCRIPTOR, RepositoryIgnores(()))
    shelf = Shelf(tmp_path_factory.mktemp("root") / "code.db", "code")
    expected: dict[str, bytes] = {}
    for step in steps:
        with Publication(shelf, MAIN) as publication:
            for path, text in step.items():
                if text is None:
                    publication.remove(path)
                    expected.pop(path, None)
                    continue
                admitted = boundary.apply(Observed(path.encode(), "100644", EntryKind.FILE, len(text), ""), text)
                assert isinstance(admitted, Admitted)
                publication.put(prepared(admitted))
                expected[path] = prepared(admitted).digest
            made = snapshot(publication)
            publication.publish(made)
        assert made.root == build((path.encode(), digest) for path, digest in expected.items())
        assert {d.path: d.digest for d in shelf.documents(MAIN, made.sequence)} == expected
    nodes = shelf.rows("SELECT count(*) FROM nodes")[0][0]
    assert nodes == max(0, 2 * len(expected) - 1)
    shelf.close()
