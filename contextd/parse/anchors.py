"""Heading text and heading anchors as GitHub makes them.

Source: the table-of-contents filter of GitHub's html-pipeline (lower case; everything but word characters, hyphens and blanks
dropped; blanks to hyphens), with the numbering of repeated headings of ``github-slugger``, which never yields the same anchor
twice.
"""

from __future__ import annotations

import html
import re
import unicodedata

_CODE = re.compile(r"(`+)(.+?)(?<!`)\1(?!`)")
_IMAGE = re.compile(r"!\[[^\]\[]*\]\([^()\s]*(?:\s[^()]*)?\)")
_LINK = re.compile(r"\[([^\]\[]*)\](?:\([^()\s]*(?:\s[^()]*)?\)|\[[^\]\[]*\])")
_TAG = re.compile(r"</?[a-zA-Z][^<>]*>")
_STRONG = re.compile(r"(?<!\\)(\*{1,3}|~~)(?=\S)([^*~]+?)(?<=[^\s\\])\1")
_UNDERSCORES = re.compile(r"(?<![\w\\])(_{1,3})(?=\S)(.+?)(?<=[^\s\\])\1(?!\w)")
_ESCAPE = re.compile(r"\\([!-/:-@\[-`{-~])")
_KEPT = ("L", "M", "N")
_LONGEST = 1000


def plain(heading: str) -> str:
    """The text of a heading without its inline markup: code, links, images, emphasis, tags, escapes.

    A heading of more than 1,000 characters is left as it is.
    """
    if len(heading) > _LONGEST:
        return " ".join(heading.split())
    parts: list[str] = []
    at = 0
    for code in _CODE.finditer(heading):
        parts += (_inline(heading[at : code.start()]), code[2].strip())
        at = code.end()
    parts.append(_inline(heading[at:]))
    return " ".join("".join(parts).split())


def _inline(text: str) -> str:
    """What is outside of code spans, without markup."""
    for pattern, kept in ((_IMAGE, ""), (_LINK, r"\1"), (_TAG, ""), (_STRONG, r"\2"), (_UNDERSCORES, r"\2"), (_ESCAPE, r"\1")):
        text = pattern.sub(kept, text)
    return html.unescape(text)


class Anchors:
    """Makes the anchors of one document, in the order of its headings."""

    def __init__(self) -> None:
        self._seen: dict[str, int] = {}

    def of(self, title: str) -> str:
        """The anchor of a heading with this plain text; ``-1``, ``-2`` … is appended to one that was there before."""
        base = anchor = "".join(_character(c) for c in title.lower())
        while anchor in self._seen:
            self._seen[base] += 1
            anchor = f"{base}-{self._seen[base]}"
        self._seen[anchor] = 0
        return anchor


def _character(c: str) -> str:
    if c == " ":
        return "-"
    if c in "-_" or unicodedata.category(c)[0] in _KEPT or unicodedata.category(c) == "Pc":
        return c
    return ""
