"""The entry of this room: a document taken apart into chunks and symbols."""

from __future__ import annotations

from contextd.model.document import Chunk, Parsed, Symbol
from contextd.parse.code import code_chunks, symbols_of
from contextd.parse.grammars import PARSED, language_of
from contextd.parse.kinds import content_class
from contextd.parse.lines import Lines
from contextd.parse.markdown import scan_markdown
from contextd.parse.markup import scan_asciidoc, scan_restructuredtext
from contextd.parse.prose import prose_chunks
from contextd.parse.symbols import definitions
from contextd.parse.syntax import syntax_tree

_SCANS = {"markdown": scan_markdown, "restructuredtext": scan_restructuredtext, "asciidoc": scan_asciidoc}


def parse(path: str, text: bytes) -> Parsed:
    """Take a document apart by what its path and its first line say it is.

    Total and deterministic: any bytes give the same result every time, and nothing is raised. Chunks are in order, do not
    overlap, consist of whole lines, and hold every line that is not blank. Code that the parser gives up on is cut like plain
    text.
    """
    language = language_of(path, text)
    lines = Lines(text)
    chunks: tuple[Chunk, ...] | None = None
    symbols: tuple[Symbol, ...] = ()
    if scan := _SCANS.get(language):
        chunks = prose_chunks(scan(lines), lines)
    elif language in PARSED and (tree := syntax_tree(language, text)):
        found = definitions(tree.root_node, language, text)
        chunks, symbols = code_chunks(found, lines), symbols_of(found, lines)
    if chunks is None:
        chunks = tuple(Chunk(lines.span(first, end)) for first, end in lines.windows(0, lines.count))
    return Parsed(language, content_class(path, language), chunks, symbols)
