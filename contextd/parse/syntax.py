"""Syntax trees, within bounds that hold for hostile text too."""

from __future__ import annotations

from typing import Final

from tree_sitter import Parser, Point, Tree

from contextd.parse.grammars import grammar

DEEPEST: Final = 200
"""Text with more brackets inside each other is not given to a parser."""
BUDGET: Final = 24.0
"""How many hundreds of parser steps may be spent beyond one for each 32 bytes of progress."""

_STEP_BYTES: Final = 32
_OPENING: Final = b"([{"
_ROUND: Final = bytes.maketrans(b"[{]}", b"(())")
_NOT_BRACKETS: Final = bytes(sorted(set(range(256)) - set(b"([{)]}")))


def syntax_tree(language: str, text: bytes) -> Tree | None:
    """The tree of a text in one of the parsed languages, errors included; None where parsing it costs out of all proportion.

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

    def read(offset: int, _point: Point) -> memoryview:
        return whole[offset:]

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
