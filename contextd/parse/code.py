"""Source code into chunks along its definitions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from contextd.model.document import Chunk, Symbol
from contextd.parse.lines import MOST_BYTES, MOST_LINES, Lines
from contextd.parse.symbols import Definition

LONGEST_DEFINITION: Final = 120
"""A function of at most so many lines (and 6 KB) is one chunk; a type is one up to the size of a window."""
SMALL: Final = 15
"""A piece of fewer lines is joined to what follows it."""
HEADER: Final = 5
"""The imports and constants at the head of a file are a chunk of their own from so many lines on."""

TINY: Final = 5
"""A piece of fewer lines is joined to what precedes it."""

_LEADING: Final = re.compile(rb"[ \t]*(?:#|//|/\*|\*|@|--)")
_CLOSERS: Final = ((b"*/", b"/*"), (b")]", b"#["), (b")", b"@"))
_FARTHEST: Final = 60
_SPLIT: Final = frozenset({"class", "interface", "enum", "record", "struct", "trait", "impl", "module"})
_LOOSE: Final = frozenset({"constant", "variable", "type"})
_LOOSE_LINES: Final = 4


@dataclass(slots=True)
class _Piece:
    """Lines that stay together, half-open from 0: a definition with its leading comments, or what stands in between."""

    first: int
    end: int
    symbol: str
    definition: Definition | None
    whole: bool

    @property
    def lines(self) -> int:
        return self.end - self.first


def symbols_of(definitions: list[Definition], lines: Lines) -> tuple[Symbol, ...]:
    """The definitions as symbols, in order; ``impl`` blocks are none."""
    return tuple(
        Symbol(d.name, d.qualified, d.kind, lines.span_of_bytes(d.start, d.end)) for d in definitions if d.kind != "impl"
    )


def code_chunks(definitions: list[Definition], lines: Lines) -> tuple[Chunk, ...]:
    """Cut a file at its definitions: one function, method or head of a type a chunk, small neighbours joined, large ones split.

    A chunk carries the qualified name of the definition it belongs to; of several joined ones that of the type around them, or
    of the longest.
    """
    top = [d for d in definitions if d.parent is None]
    return tuple(Chunk(lines.span(first, end), symbol) for first, end, symbol in _cut(0, lines.count, "", top, lines))


def _cut(first: int, end: int, scope: str, inside: list[Definition], lines: Lines) -> Iterator[tuple[int, int, str]]:
    """Trimmed ranges with their symbols for the lines of one scope and the definitions directly inside it."""
    runs: list[list[_Piece]] = []
    for piece in _pieces(first, end, scope, inside, lines):
        if runs and _joins(runs[-1], piece, lines):
            runs[-1].append(piece)
        else:
            runs.append([piece])
    for run in runs:
        piece = run[0]
        if piece.whole:
            yield (*lines.trimmed(piece.first, run[-1].end), _symbol(run, scope))
        elif piece.definition is not None and piece.definition.children:
            yield from _cut(piece.first, piece.end, piece.symbol, piece.definition.children, lines)
        else:
            yield from ((low, high, piece.symbol) for low, high in lines.windows(piece.first, piece.end))


def _pieces(first: int, end: int, scope: str, inside: list[Definition], lines: Lines) -> Iterator[_Piece]:
    """The lines of a scope in order, cut before and after each definition inside it; blank pieces are left out."""
    at = first
    for definition in inside:
        last = lines.at(definition.end - 1) + 1
        begin = lines.at(definition.start)
        if last <= at or (definition.kind in _LOOSE and last - begin < _LOOSE_LINES):
            continue
        begin = _leading(begin, at, lines)
        if at < begin:
            yield from _between(at, begin, scope, lines)
        most = MOST_LINES if definition.kind in _SPLIT else LONGEST_DEFINITION
        whole = last - begin <= most and lines.size(begin, last) <= MOST_BYTES
        yield _Piece(begin, last, definition.qualified, definition, whole)
        at = last
    if at < end:
        yield from _between(at, end, scope, lines)


def _between(first: int, end: int, scope: str, lines: Lines) -> Iterator[_Piece]:
    low, high = lines.trimmed(first, end)
    if low < high:
        yield _Piece(low, high, scope, None, high - low <= MOST_LINES and lines.size(low, high) <= MOST_BYTES)


def _leading(begin: int, floor: int, lines: Lines) -> int:
    """The line on which a definition's own comments, attributes and decorators begin; never above ``floor``."""
    line = begin
    while line > floor:
        above = line - 1
        raw = lines.raw[above]
        if not _LEADING.match(raw):
            opener = next((opens for closes, opens in _CLOSERS if raw.rstrip().endswith(closes)), None)
            if opener is None:
                break
            lowest = max(floor, above - _FARTHEST)
            above = next((n for n in range(above, lowest - 1, -1) if lines.raw[n].lstrip().startswith(opener)), -1)
            if above < 0:
                break
        line = above
    return line


def _joins(run: list[_Piece], piece: _Piece, lines: Lines) -> bool:
    """Whether a piece goes into the chunk before it: both are small enough, and one of them too small to stand alone."""
    first, length = run[0].first, run[-1].end - run[0].first
    if not (run[-1].whole and piece.whole and piece.end - first <= MOST_LINES and lines.size(first, piece.end) <= MOST_BYTES):
        return False
    if (
        run[0].symbol == ""
        and first == lines.head
        and run[0].definition is None
        and length >= HEADER
        and piece.definition is not None
    ):
        return False
    return length < SMALL or piece.lines < TINY


def _symbol(run: list[_Piece], scope: str) -> str:
    """What joined pieces are called together."""
    if len(run) == 1 or not scope:
        return max(run, key=lambda piece: (piece.definition is not None, piece.lines)).symbol
    return scope
