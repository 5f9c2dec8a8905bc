"""Syntax trees, within bounds that hold for hostile text too."""

from __future__ import annotations

from typing import Final

from tree_sitter import Parser, Point, Tree

from contextd.parse.grammars import grammar

DEEPEST: Final = 200
"""Text with more brackets inside each other is not given to a parser."""
BUDGET: Final = 24.0
"""How many hundreds of parser steps may be spent beyond one for each 48 bytes of progress."""

_ENDINGS: Final = {
    "python": b"\nx = 1\nx = 1\nx = 1\nx = 1\ndef f():\n    pass\n",
    "go": b"\nvar a = 1\nvar a = 1\nfunc f() { a() }\nvar a = 1\n",
    "java": b"\n;\n;\nclass A { int a = 1; void f() { a(); } }\n;\n",
    "rust": b"\nconst A: u8 = 1;\nfn f() { a(); }\nconst A: u8 = 1;\nstruct A;\n",
    "javascript": b"\n;\nlet a = 1;\nfunction f() { a(); }\nlet a = 1;\n;\n",
}
"""A few harmless statements after the text. Text that never comes to an end (``-> return -> return``) makes tree-sitter 0.26 gather
every way to read it at the end of the input, in memory that grows with the square of the length: 20 KB are enough to need 4 GB.
With statements behind it, it recovers first."""

_STEP_BYTES: Final = 48
_ROUND: Final = bytes.maketrans(b"[{]}", b"(())")
_NOT_BRACKETS: Final = bytes(sorted(set(range(256)) - set(b"([{)]}")))


def syntax_tree(language: str, text: bytes) -> Tree | None:
    """The tree of a text in one of the parsed languages, errors included; None where parsing it costs out of all proportion.

    Nodes may begin or end behind the text: there is an ending that was added.

    The bound counts the parser's own steps and never time, so that the same text always meets the same fate.
    """
    if _too_deep(text):
        return None
    spent, last = 0.0, 0

    def stop(offset: int, _has_error: bool) -> bool:  # noqa: FBT001 - tree-sitter calls it with positional arguments
        nonlocal spent, last
        if offset != last:
            spent = max(0.0, spent + 1.0 - (offset - last) / _STEP_BYTES)
            last = offset
        return spent > BUDGET

    whole = memoryview(text)
    ending = memoryview(_ENDINGS.get(language, _ENDINGS["javascript"]))

    def read(offset: int, _point: Point) -> memoryview:
        return whole[offset:] if offset < len(whole) else ending[offset - len(whole) :]

    try:
        return Parser(grammar(language)).parse(read, progress_callback=stop)
    except ValueError:  # what the binding raises when the callback stops it
        return None


def _too_deep(text: bytes) -> bool:
    """Whether brackets nest deeper than the limit, or more of them are left open; strings and comments count like code."""
    brackets = text.translate(_ROUND, _NOT_BRACKETS)
    for _ in range(DEEPEST):
        fewer = brackets.replace(b"()", b"")
        if len(fewer) == len(brackets):
            return brackets.count(b"(") > DEEPEST
        brackets = fewer
    return True
