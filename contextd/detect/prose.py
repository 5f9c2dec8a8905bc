"""Documents as detectors read them: which lines are prose, under which heading, and what is code or a comment.

Markdown (CommonMark and the forges' dialects), reStructuredText and AsciiDoc, read line by line. The reader errs towards
code: a line that may be an example makes no claim.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePosixPath
from typing import Final


class Markup(StrEnum):
    """The markup languages in which documents are written."""

    MARKDOWN = "markdown"
    RST = "rst"
    ASCIIDOC = "asciidoc"


_SUFFIXES: Final = {
    ".md": Markup.MARKDOWN,
    ".markdown": Markup.MARKDOWN,
    ".mdown": Markup.MARKDOWN,
    ".mdx": Markup.MARKDOWN,
    ".mdc": Markup.MARKDOWN,
    ".rst": Markup.RST,
    ".adoc": Markup.ASCIIDOC,
    ".asciidoc": Markup.ASCIIDOC,
}


def markup_of(path: str) -> Markup | None:
    """The markup of the document at ``path``, by its suffix; None when it is not a document but code, data or plain text."""
    return _SUFFIXES.get(PurePosixPath(path).suffix.lower())


@dataclass(frozen=True, slots=True)
class Line:
    """One line of prose: its number from 1, its text without the line end, and the title of the nearest heading above it.

    ``heading`` is empty before the first heading; the heading's own line carries its own title and ``level`` from 1, other
    lines level 0. ``before`` and ``after`` are the prose lines directly above and below, empty where a blank line is.
    """

    number: int
    text: str
    heading: str
    level: int = 0
    before: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True)
class Document:
    """A document taken apart: all its lines, and those that are prose (neither code, comment nor front matter).

    ``front_matter`` is the number of lines that the front matter takes, its two fences included; 0 when there is none.
    """

    path: str
    markup: Markup
    lines: tuple[str, ...]
    prose: tuple[Line, ...]
    front_matter: int


def read(path: str, markup: Markup, text: bytes) -> Document:
    """Take the UTF-8 ``text`` of one document apart. Undecodable bytes become U+FFFD; nothing is raised."""
    lines = tuple(line.removesuffix("\r") for line in text.decode("utf-8", "replace").removeprefix("\ufeff").split("\n"))
    skipped = _front_matter_lines(lines) if markup is Markup.MARKDOWN else 0
    keep = {Markup.MARKDOWN: _markdown, Markup.RST: _rst, Markup.ASCIIDOC: _asciidoc}[markup]
    return Document(path, markup, lines, tuple(_with_headings(tuple(keep(lines, skipped)))), skipped)


@dataclass(frozen=True, slots=True)
class _Kept:
    """A line that is prose, with the level of its heading where it is one."""

    number: int
    text: str
    level: int = 0


_MAX_FRONT_MATTER: Final = 500
_FENCE = re.compile(r"(?P<mark>`{3,}|~{3,})(?P<info>[^`]*)$")
_LIST_ITEM = re.compile(r"\s*(?:[-*+]|\d{1,9}[.)])\s")
_ATX = re.compile(r"#{1,6}(?=\s|$)")
_INDENT_OF_CODE: Final = 4


def _front_matter_lines(lines: Sequence[str]) -> int:
    """Lines of a YAML (``---``) or TOML (``+++``) front matter, 0 when the document does not open with one."""
    fence = lines[0].rstrip()
    if fence not in {"---", "+++"}:
        return 0
    closing = {fence, "..."} if fence == "---" else {fence}
    for number, line in enumerate(lines[1:_MAX_FRONT_MATTER], start=2):
        if line.rstrip() in closing:
            return number
    return 0


def _markdown(lines: Sequence[str], skipped: int) -> Iterator[_Kept]:
    reader = _MarkdownReader()
    held: _Kept | None = None
    for number, raw in enumerate(lines[skipped:], start=skipped + 1):
        text = reader.prose(raw.expandtabs(4))
        if text is None:
            continue
        level = _setext_level(text) if held and not held.level and not _LIST_ITEM.match(held.text) else 0
        if held and level:
            held = _Kept(held.number, held.text, level)
            continue
        if held:
            yield held
        atx = _ATX.match(text.lstrip())
        held = _Kept(number, text, len(atx[0]) if atx else 0) if text.strip() else None
    if held:
        yield held


class _MarkdownReader:
    """Goes through the lines of a Markdown text and tells prose from code and comments."""

    def __init__(self) -> None:
        self._fence = ""
        self._comment = self._in_list = False
        self._blank = True

    def prose(self, line: str) -> str | None:
        """The prose of the next line, empty for a blank one; None when it is code."""
        bare = line.lstrip(" >")
        if self._fence:
            mark = bare.rstrip()
            if mark and set(mark) == {self._fence[0]} and len(mark) >= len(self._fence):
                self._fence = ""
            self._blank = True
            return None
        opened = _FENCE.match(_LIST_ITEM.sub("", bare, count=1) if _LIST_ITEM.match(bare) else bare)
        if opened and not self._comment:
            self._fence = opened["mark"]
            return None
        text, self._comment = _without_comments(line, inside=self._comment)
        return self._outside_fences(text)

    def _outside_fences(self, text: str) -> str | None:
        indent = len(text) - len(text.lstrip())
        if not text.strip():
            self._blank = True
            return ""
        if _LIST_ITEM.match(text):
            self._in_list = True
        elif indent == 0 and self._blank:
            self._in_list = False
        if indent >= _INDENT_OF_CODE and not self._in_list and self._blank:
            return None
        self._blank = False
        return text


def _setext_level(text: str) -> int:
    """1 or 2 for an underline of a heading, 0 for any other line."""
    marks = text.strip()
    if len(marks) > 1 and not marks.strip("="):
        return 1
    return 2 if len(marks) > 1 and not marks.strip("-") else 0


def _without_comments(text: str, *, inside: bool) -> tuple[str, bool]:
    """``text`` without its HTML comments, and whether one is still open at its end."""
    kept: list[str] = []
    rest = text
    while rest:
        if inside:
            _, closed, rest = rest.partition("-->")
            inside = not closed
        else:
            before, opened, rest = rest.partition("<!--")
            kept.append(before)
            inside = bool(opened)
    return "".join(kept), inside


_PROSE_DIRECTIVES_WORDS: Final = (
    "admonition attention caution danger error hint important note seealso tip warning versionadded versionchanged topic "
    "sidebar list-table container rubric figure"
)
_PROSE_DIRECTIVES: Final = frozenset(_PROSE_DIRECTIVES_WORDS.split())
_DIRECTIVE = re.compile(r"\s*\.\.\s+(?P<name>[\w:.+-]+)::")
_UNDERLINE = re.compile(r"([=\-~^\"'`#*+.:_<>])\1{2,}\s*$")


def _rst(lines: Sequence[str], skipped: int) -> Iterator[_Kept]:
    marks: list[str] = []
    hidden = -1  # the indentation of the block that opened code or a comment; deeper lines belong to it
    for number, line in enumerate(lines[skipped:], start=skipped + 1):
        text = line.expandtabs(8).rstrip()
        indent = len(text) - len(text.lstrip())
        if not text or (hidden >= 0 and indent > hidden):
            continue
        hidden = -1
        directive = _DIRECTIVE.match(text)
        if directive and directive["name"] not in _PROSE_DIRECTIVES:
            hidden = indent
            continue
        if not directive and re.match(r"\s*\.\.(?:\s+[^_\[|]|$)", text):
            hidden = indent
            continue
        if text.endswith("::") and not directive:
            hidden = indent
        if _UNDERLINE.match(text):
            continue
        following = lines[number].rstrip() if number < len(lines) else ""
        level = 0
        if _UNDERLINE.match(following) and len(following) >= len(text.strip()) and indent == 0:
            if following[0] not in marks:
                marks.append(following[0])
            level = marks.index(following[0]) + 1
        yield _Kept(number, text, level)


_ADOC_BLOCK = re.compile(r"(-{4,}|\.{4,}|\+{4,}|/{4,}|`{3,})\w*\s*$")


def _asciidoc(lines: Sequence[str], skipped: int) -> Iterator[_Kept]:
    block = ""
    for number, line in enumerate(lines[skipped:], start=skipped + 1):
        text = line.rstrip()
        delimiter = _ADOC_BLOCK.match(text)
        if block:
            block = "" if text == block else block
        elif delimiter:
            block = delimiter[1]
        elif text and not text.startswith("//") and not text.startswith(" "):
            heading = re.match(r"(={1,6})\s+\S", text)
            yield _Kept(number, text, len(heading[1]) if heading else 0)


def _with_headings(kept: Sequence[_Kept]) -> Iterator[Line]:
    heading = ""
    for index, line in enumerate(kept):
        if line.level:
            heading = line.text.strip().strip("#=").strip()
        around = [
            kept[at].text if 0 <= at < len(kept) and kept[at].number == line.number + at - index and not kept[at].level else ""
            for at in (index - 1, index + 1)
        ]
        yield Line(line.number, line.text, heading, line.level, *around)
