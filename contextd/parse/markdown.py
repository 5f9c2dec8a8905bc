"""Markdown sections and their anchors.

Headings are those of CommonMark 0.31 that stand at the top level of a document: ATX (``## Title``) and setext (underlined).
Code fences and HTML comments hide what looks like a heading. A fence may be indented by any amount, because most indented
fences stand in list items. Front matter is YAML between ``---`` lines or TOML between ``+++`` lines at the very start of the
text.
"""

from __future__ import annotations

import re

from contextd.model.document import Section
from contextd.parse.anchors import Anchors, plain
from contextd.parse.lines import Lines
from contextd.parse.prose import Heading, Scan

_ATX = re.compile(rb" {0,3}(#{1,6})(?=[ \t\r]|$)")
_FENCE = re.compile(rb"[ \t]*(?:[-*+>][ \t]+|\d{1,9}[.)][ \t]+)*(`{3,}(?=[^`]*$)|~{3,})", re.DOTALL)
_SETEXT = re.compile(rb" {0,3}(=+|-+)[ \t\r]*$")
_NO_PARAGRAPH = re.compile(rb"(?: {4}|\t| {0,3}(?:[-*+](?:[ \t\r]|$)|\d{1,9}[.)](?:[ \t\r]|$)|[>|<]|(?:[-*_][ \t]*){3,}\r?$))")
_FRONT = {b"---": (b"---", b"..."), b"+++": (b"+++",)}


def front_matter(text: bytes) -> tuple[int, int] | None:
    """The half-open byte span of the front matter with both of its marker lines, or None where the text has none."""
    lines = Lines(text)
    end = _front_matter_end(lines)
    return (0, lines.starts[end]) if end else None


def sections(text: bytes) -> list[Section]:
    """The sections of a Markdown text in order: flat, each from its heading to the line before the next heading of any level.

    What stands before the first heading is a section of level 0 without title and anchor, unless it is blank. The front matter
    belongs to no section. Titles are plain text; undecodable bytes in them become U+FFFD.
    """
    lines = Lines(text)
    scan = scan_markdown(lines)
    anchors = Anchors()
    found = []
    bounds = [heading.first for heading in scan.headings] + [lines.count]
    low, high = lines.trimmed(scan.body, bounds[0])
    if low < high:
        found.append(Section(0, "", "", lines.span(scan.body, bounds[0])))
    for heading, end in zip(scan.headings, bounds[1:], strict=True):
        found.append(Section(heading.level, heading.title, anchors.of(heading.title), lines.span(heading.first, end)))
    return found


def scan_markdown(lines: Lines) -> Scan:
    """Find front matter, headings and fences in one pass."""
    scan = Scan(_front_matter_end(lines))
    fence = b""
    comment = False
    paragraph = -1
    for number in range(scan.body, lines.count):
        raw = lines.raw[number]
        if fence or comment:
            scan.fenced.add(number)
            fence = b"" if fence and _closes(raw, fence) else fence
            comment = comment and b"-->" not in raw
        elif opened := _FENCE.match(raw):
            fence = opened[1]
            scan.fenced.add(number)
            paragraph = -1
        elif raw.lstrip().startswith(b"<!--"):
            comment = b"-->" not in raw
            paragraph = -1
        elif lines.blank(number):
            paragraph = -1
        elif atx := _ATX.match(raw):
            scan.headings.append(_heading(len(atx[1]), _atx_title(raw[atx.end() :]), number))
            paragraph = -1
        elif paragraph >= 0 and (underline := _SETEXT.match(raw)):
            title = b" ".join(line.strip() for line in lines.raw[paragraph:number])
            scan.headings.append(_heading(1 if underline[1].startswith(b"=") else 2, title, paragraph))
            paragraph = -1
        elif paragraph == -1:
            paragraph = -2 if _NO_PARAGRAPH.match(raw) else number
    return scan


def _heading(level: int, title: bytes, first: int) -> Heading:
    return Heading(level, plain(title.decode("utf-8", "replace")), first)


def _atx_title(rest: bytes) -> bytes:
    """What follows the number signs of an ATX heading, without a closing sequence of number signs."""
    title = rest.strip()
    kept = title.rstrip(b"#")
    return kept if not kept or kept[-1:] in b" \t" else title


def _closes(raw: bytes, fence: bytes) -> bool:
    """Whether a line closes the fence that ``fence`` opened: the same character, at least as often, and nothing else."""
    inner = raw.strip().lstrip(b"> \t")
    return len(inner) >= len(fence) and not inner.strip(fence[:1])


def _front_matter_end(lines: Lines) -> int:
    """The line after the front matter; 0 where there is none or it is never closed."""
    if not lines.count:
        return 0
    closers = _FRONT.get(lines.raw[0].removeprefix(b"\xef\xbb\xbf").rstrip())
    if closers is None:
        return 0
    return next((number + 1 for number in range(1, lines.count) if lines.raw[number].rstrip() in closers), 0)
