"""Text that was made to hurt the parser: it costs little, and it does not change what comes after it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from contextd.parse.parsing import parse
from contextd.parse.syntax import DEEPEST, syntax_tree

CHAINS = """
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
resource.setrlimit(resource.RLIMIT_CPU, (15, 15))
from contextd.parse.parsing import parse
pad = b" " * 40
for path, unit in [
    ("a.rs", b"-> return "), ("a.rs", b"-> return " + pad), ("a.rs", b'r#" '), ("a.rs", b"func(>"),
    ("a.py", b"/* new "), ("a.py", b"with new /* > class for "), ("a.py", b"a\\\\\\n"),
    ("a.java", b"a=>"), ("a.java", b"aaaaaaaaaaaaaaaa=>"), ("a.java", b"/* "), ("a.java", b"A<B<"),
    ("a.js", b"+ await " + pad), ("a.js", b"&& await => ? ; "), ("a.go", b"case a:"), ("a.tsx", b"<a>{"),
]:
    text = (unit * 200_000)[:60_000]
    parsed = parse(path, text)
    assert parsed.chunks[-1].span.end_byte == len(text), path
print("done")
"""


def test_text_made_to_exhaust_the_parser_costs_neither_memory_nor_time() -> None:
    done = subprocess.run([sys.executable, "-c", CHAINS], capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr


@pytest.mark.parametrize("language", ["python", "javascript", "typescript", "tsx", "go", "java", "rust"])
def test_brackets_are_parsed_down_to_a_depth(language: str) -> None:
    assert syntax_tree(language, b"(" * (DEEPEST - 1) + b")" * (DEEPEST - 1)) is not None
    assert syntax_tree(language, b"(" * (DEEPEST + 1) + b")" * (DEEPEST + 1)) is None
    assert syntax_tree(language, b"[{(" * DEEPEST) is None
    assert syntax_tree(language, b")" * 10_000 + b"()" * 10_000) is not None


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("java", b"/* " * 20_000),
        ("rust", b'r#"' * 20_000),
        ("python", b"a\\\n" * 5_000),
        ("python", b"a\\\r\n" * 5_000),
        ("java", b"a=>" * 2_000),
        ("go", b"case a:" * 1_000),
    ],
)
def test_what_costs_out_of_proportion_is_given_up(language: str, text: bytes) -> None:
    assert syntax_tree(language, text) is None
    assert syntax_tree(language, text[:60]) is not None


def test_a_parse_that_was_given_up_leaves_no_trace() -> None:
    text = b"class A { void m() {} }\n"
    before = parse("A.java", text)
    assert parse("B.java", b"a=>" * 2_000).symbols == ()
    assert parse("A.java", text) == before


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a.py", b"def f():"),
        ("a.py", b"class A:\n    def m(self):\n        pass"),
        ("a.py", b'"""never closed'),
        ("a.js", b"function f() {"),
        ("a.ts", b"class A { m() {"),
        ("a.go", b"package p\nfunc f() {"),
        ("A.java", b"class A { void m() {"),
        ("a.rs", b"impl A { fn m() {"),
        ("a.rs", b"/* never closed"),
        ("a.js", b"let t = `never closed"),
    ],
)
def test_what_is_put_behind_the_text_never_shows(path: str, text: bytes) -> None:
    parsed = parse(path, text)
    assert all(symbol.span.end_byte <= len(text) for symbol in parsed.symbols)
    assert {symbol.name for symbol in parsed.symbols} <= {"f", "m", "A", "t"}
    assert parsed.chunks[-1].span.end_byte == len(text)
