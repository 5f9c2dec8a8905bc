"""What holds for every text in every language: chunks in order, whole lines, nothing lost, nothing raised."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contextd.model.document import Parsed
from contextd.parse.parsing import parse
from contextd.parse.syntax import LARGEST_PARSED

PATHS = ("a.py", "a.js", "a.ts", "a.tsx", "a.go", "a.java", "a.rs", "a.md", "a.rst", "a.adoc", "a.txt", "Makefile", "a.json")
FRAGMENTS = (
    *(
        "def f(x):",
        "    return x",
        "class A:",
        "    def m(self): pass",
        "@decorator",
        "async def g(): ...",
        "X = 1",
        '"""doc"""',
    ),
    *("function f() {", "}", "export default class B {", "const a = () => 1;", "interface I { m(): void }", "enum E { A, B }"),
    *(
        "func (t *T[K]) M() {}",
        "type T struct {",
        "package p",
        "impl<T> A for B<T> {",
        "fn f() -> u8 { 0 }",
        "#[test]",
        "// c",
        "/* c",
    ),
    *(
        "# Title",
        "## Sub",
        "Title",
        "=====",
        "-----",
        "```",
        "~~~",
        "---",
        "+++",
        "<!--",
        "-->",
        "- item",
        "    code",
        "== Part",
    ),
    *("", " ", "\t", "\r", "\x0c", "\u2028", "é", "((((", "))))", "\\", '"', "'", "return -> " * 8, "\ufeff"),
)
texts = st.one_of(
    st.lists(st.sampled_from(FRAGMENTS), max_size=60).map(lambda lines: "\n".join(lines).encode()),
    st.text(max_size=300).map(str.encode),
    st.binary(max_size=200),
)


def check(parsed: Parsed, text: bytes) -> None:
    starts = [0]
    for line in text.split(b"\n"):
        starts.append(starts[-1] + len(line) + 1)
    count = len(text.split(b"\n")) - (text.endswith(b"\n") or not text)
    covered: set[int] = set()
    at = 0
    for chunk in parsed.chunks:
        span = chunk.span
        assert at <= span.start_byte < span.end_byte <= len(text)
        assert 1 <= span.start_line <= span.end_line <= count
        assert span.start_byte == starts[span.start_line - 1]
        assert span.end_byte == min(starts[span.end_line], len(text))
        covered |= set(range(span.start_line, span.end_line + 1))
        at = span.end_byte
    lines = text.split(b"\n")[:count]
    assert [n for n, line in enumerate(lines, 1) if line.strip(b" \t\r\x0b\x0c") and n not in covered] == []
    for symbol in parsed.symbols:
        assert 0 <= symbol.span.start_byte < symbol.span.end_byte <= len(text)
        assert 1 <= symbol.span.start_line <= symbol.span.end_line <= count
        assert symbol.name
        assert symbol.qualified.endswith(symbol.name)


@settings(max_examples=250, deadline=None)
@given(st.sampled_from(PATHS), texts)
def test_chunks_are_whole_lines_in_order_and_lose_nothing(path: str, text: bytes) -> None:
    parsed = parse(path, text)
    check(parsed, text)
    assert parsed == parse(path, text)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "text",
    [
        b"(" * 50_000,
        b"[" * 20_000 + b"]" * 20_000,
        b"x" * 200_000,
        b"-> return " * 3_000,
        b"a\n" * 30_000,
        b"\n" * 10_000,
        b"`" * 5_000,
        b"# h\n" * 4_000,
        b"if a:\n" + b" if b:\n" * 2_000,
        b"'" * 9_999,
        b"/*" * 8_000,
    ],
    ids=lambda text: repr(text[:6]),
)
def test_hostile_texts_are_cut_all_the_same(path: str, text: bytes) -> None:
    check(parse(path, text), text)


@pytest.mark.parametrize("length", [6143, 6144, 6145, 20_000])
def test_a_line_longer_than_a_window_stands_alone(length: int) -> None:
    text = b"a\n" + b"x" * length + b"\nb\n" + b"y" * length
    check(parse("data.unknown", text), text)


def test_code_that_is_data_by_its_size_has_no_symbols() -> None:
    small = b"def f():\n    return 1\n"
    assert [symbol.name for symbol in parse("a.py", small).symbols] == ["f"]
    large = small + b"X = 'aaaaaaaaaaaaaaaaaaaa'\n" * (LARGEST_PARSED // 20)
    parsed = parse("a.py", large)
    assert parsed.symbols == ()
    check(parsed, large)


def test_long_definitions_are_cut_and_keep_their_name() -> None:
    body = b"".join(b"    x = %d\n\n" % n for n in range(300))
    parsed = parse("a.py", b"class A:\n    def long(self):\n" + body.replace(b"    x", b"        x"))
    assert len(parsed.chunks) > 3
    assert {chunk.symbol for chunk in parsed.chunks} <= {"A", "A.long"}
    assert all(chunk.span.end_line - chunk.span.start_line < 120 for chunk in parsed.chunks)


def test_small_functions_are_not_a_chunk_each() -> None:
    text = b"".join(b"def f%d():\n    return %d\n\n\n" % (n, n) for n in range(100))
    parsed = parse("a.py", text)
    assert len(parsed.symbols) == 100
    assert len(parsed.chunks) < 35
