"""Built-in limits: names, links, sizes, encodings, and that no bytes make the filter raise."""

from __future__ import annotations

import gzip
import io
import zipfile

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from contextd.filter.filtering import Filter
from contextd.filter.ignorefiles import RepositoryIgnores
from contextd.model.content import REGULAR, Admitted, EntryKind, Excluded, Observed
from contextd.model.source import ContentKind, Descriptor, SourceKind
from contextd.policy.rules import Admit, BoundaryRules, IngestRules, Limits, SecretRules

SOURCE = Descriptor("payments", SourceKind.GIT, ContentKind.REPO, 2)


def build(limits: Limits | None = None) -> Filter:
    boundary = BoundaryRules(limits or Limits(), (), (Admit(("*",), 1),))
    return Filter.compile(IngestRules(boundary, SecretRules(()), (), "bnd1:0"), SOURCE, RepositoryIgnores())


RULES = build()


def observed(path: bytes, data: bytes = b"", kind: EntryKind = EntryKind.FILE) -> Observed:
    return Observed(path, REGULAR, kind, len(data), "")


def code_of(data: bytes, rules: Filter = RULES) -> str:
    result = rules.apply(observed(b"a.txt", data), data)
    if isinstance(result, Admitted):
        assert result.text == data
        return ""
    assert (result.path, result.rule, result.size) == ("a.txt", "built in", len(data))
    return result.code


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        (b"", ""),
        (b"/etc/passwd", "/etc/passwd"),
        (b"a//b", "a//b"),
        (b"a/", "a/"),
        (b"./a", "./a"),
        (b"a/../b", "a/../b"),
        (b"..", ".."),
        (b"a\0b", "a\0b"),
        (b"caf\xe9.txt", "caf\\xe9.txt"),
        (b"\xed\xa0\x80", "\\xed\\xa0\\x80"),
        (b"x" * 1025, "x" * 1025),
    ],
)
def test_a_name_that_no_snapshot_can_hold_is_excluded_and_printable(path: bytes, shown: str) -> None:
    excluded = RULES.judge(observed(path))
    assert excluded is not None
    assert (excluded.code, excluded.path, excluded.rule) == ("EXCL-PATH", shown, "built in")
    assert RULES.apply(observed(path), b"x") == excluded


def test_the_longest_name_is_admitted() -> None:
    assert RULES.judge(observed(("é" * 512).encode())) is None
    assert RULES.judge(observed(("é" * 513).encode())) is not None


@pytest.mark.parametrize("kind", [EntryKind.LINK, EntryKind.SUBMODULE])
def test_links_and_submodules_are_excluded(kind: EntryKind) -> None:
    excluded = RULES.judge(observed(b"a", kind=kind))
    assert excluded is not None
    assert excluded.code == "EXCL-LINK"


def test_a_path_decision_takes_any_string() -> None:
    for path in ("", "..", "a\0", "\udcff", "\ud800", "a/" * 600):
        decision = RULES.path_decision(path)
        assert decision.excluded is not None
        assert decision.excluded.code == "EXCL-PATH"
        assert RULES.would_change(path, b"x")


def test_an_lfs_pointer_is_a_link_and_a_text_about_it_is_not() -> None:
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"4d" * 32 + b"\nsize 12345\n"
    assert code_of(pointer) == "EXCL-LINK"
    assert code_of(b"A pointer says: " + pointer) == ""


def zipped() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a.txt", "text")
    return out.getvalue()


@pytest.mark.parametrize(
    ("code", "data"),
    [
        ("EXCL-BINARY", b"text\0text"),
        ("EXCL-BINARY", zipped()),
        ("EXCL-BINARY", gzip.compress(b"text", mtime=0)),
        ("EXCL-BINARY", b"%PDF-1.7\n1 0 obj\n"),
        ("EXCL-BINARY", "text".encode("utf-16-le")),
        ("EXCL-ENCODING", "text".encode("utf-16")),
        ("EXCL-ENCODING", "text".encode("utf-32")),
        ("EXCL-ENCODING", b"\xfe\xff\x00t"),
        ("EXCL-ENCODING", b"caf\xe9\n"),
        ("EXCL-ENCODING", b"\xc0\xaf"),
        ("EXCL-ENCODING", b"\xed\xa0\x80"),
        ("", b""),
        ("", b"\xef\xbb\xbftext\r\nmore\rlone\n"),
        ("", "grüße, 漢字, 🙂\n".encode()),
        ("", b"\x1b[31mred\x1b[0m\n"),
    ],
)
def test_only_utf8_text_is_text(code: str, data: bytes) -> None:
    assert code_of(data) == code


def test_the_file_limit_holds_for_the_listing_and_for_the_bytes() -> None:
    rules = build(Limits(file=100))
    assert code_of(b"x" * 100, rules) == ""
    assert code_of(b"x" * 101, rules) == "EXCL-TOO-LARGE"
    grown = rules.apply(Observed(b"a", REGULAR, EntryKind.FILE, 1, ""), b"x" * 101)
    assert isinstance(grown, Excluded)
    assert grown.code == "EXCL-TOO-LARGE"


@settings(deadline=None)
@given(st.lists(st.integers(0, 12), max_size=12), st.booleans())
@example([10, 10], False)
@example([11], False)
def test_the_line_limit_counts_every_line_without_its_end(lengths: list[int], ended: bool) -> None:  # noqa: FBT001 - drawn
    data = b"\n".join(b"x" * n for n in lengths) + (b"\n" if ended else b"")
    expected = "EXCL-TOO-LARGE" if any(n > 10 for n in lengths) else ""
    assert code_of(data, build(Limits(line=10))) == expected


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=300), st.binary(max_size=40))
def test_no_bytes_and_no_name_make_it_raise(data: bytes, path: bytes) -> None:
    result = RULES.apply(observed(path, data), data)
    if isinstance(result, Admitted):
        assert result.text == data
        assert result.path.encode() == path
        assert b"\0" not in data
