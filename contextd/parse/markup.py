"""Headings of reStructuredText and AsciiDoc, by simple rules."""

from __future__ import annotations

import re
from typing import Final

from contextd.parse.lines import Lines
from contextd.parse.prose import Heading, Scan

_ADORNMENT: Final = re.compile(rb"([!-/:-@\[-`{-~])\1{2,}[ \t\r]*$")
_ASCIIDOC: Final = re.compile(rb"(={1,6})[ \t]+(?=\S)")
_DELIMITER: Final = re.compile(rb"(?:-{4,}|\.{4,}|={4,}|\*{4,}|_{4,}|\+{4,}|/{4,}|```|[|,:]===)[ \t\r]*$")


def scan_restructuredtext(lines: Lines) -> Scan:
    """Titles of reStructuredText: a line over an adornment at least as long, perhaps under one too.

    Levels follow the order in which the styles first appear, as the docutils specification says.
    """
    scan = Scan()
    styles: list[bytes] = []
    adorned = [_ADORNMENT.match(raw) is not None for raw in lines.raw]
    free = 0
    for number in range(1, lines.count):
        if not adorned[number] or number - 1 < free:
            continue
        title = number - 1
        under, over = lines.raw[number][:1], title > free and adorned[title - 1] and lines.raw[title - 1][:1]
        text = lines.raw[title].decode("utf-8", "replace").strip()
        if adorned[title] or not text or len(lines.raw[number].rstrip()) < len(text):
            continue
        if over != under and (lines.raw[title][:1].isspace() or not (title == free or lines.blank(title - 1))):
            continue
        style = under * 2 if over == under else under
        if style not in styles:
            styles.append(style)
        scan.headings.append(Heading(styles.index(style) + 1, text, title - 1 if over == under else title))
        free = number + 1
    return scan


def scan_asciidoc(lines: Lines) -> Scan:
    """Section titles of AsciiDoc (``== Title``) outside of delimited blocks."""
    scan = Scan()
    block = b""
    for number, raw in enumerate(lines.raw):
        if block:
            scan.fenced.add(number)
            block = b"" if raw.rstrip() == block else block
        elif _DELIMITER.match(raw):
            block = raw.rstrip()
            scan.fenced.add(number)
        elif title := _ASCIIDOC.match(raw):
            text = raw[title.end() :].decode("utf-8", "replace").strip()
            scan.headings.append(Heading(len(title[1]), text, number))
    return scan
