"""What parsing finds in admitted text."""

from __future__ import annotations

from dataclasses import dataclass

from contextd.model.content import ContentClass


@dataclass(frozen=True, slots=True)
class Span:
    """Lines from 1, both inclusive; bytes from 0, half-open, of the redacted text."""

    start_line: int
    end_line: int
    start_byte: int
    end_byte: int


@dataclass(frozen=True, slots=True)
class Symbol:
    """A definition: its own name, its dotted name within the file, what it is, and the span of the whole definition."""

    name: str
    qualified: str
    kind: str
    span: Span


@dataclass(frozen=True, slots=True)
class Chunk:
    """A slice of a document that is searched and served as one: ``symbol`` is the definition or section title it belongs to."""

    span: Span
    symbol: str = ""


@dataclass(frozen=True, slots=True)
class Parsed:
    """A document taken apart. Chunks are in order, do not overlap and cover every line that is not blank."""

    language: str
    content_class: ContentClass
    chunks: tuple[Chunk, ...]
    symbols: tuple[Symbol, ...] = ()


@dataclass(frozen=True, slots=True)
class Section:
    """A Markdown section: heading level (0 before the first heading), title, anchor as forges make it, and its span."""

    level: int
    title: str
    anchor: str
    span: Span
