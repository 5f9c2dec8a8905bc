"""What a document names: paths in code spans and links, with the place and the words as they stand."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from urllib.parse import unquote

from contextd.detect.prose import Document, Line, Markup


class ReferenceKind(StrEnum):
    """How a path is named: as the target of a link, as an HTML attribute, or in a code span."""

    LINK = "link"
    HTML = "html"
    CODE = "code"


@dataclass(frozen=True, slots=True)
class Reference:
    """One path that a document names.

    ``written`` is the text as it stands, ``path`` the path in it: percent-decoded, without line numbers, query and fragment;
    empty for a link within the document. ``fragment`` is what follows ``#``.
    """

    kind: ReferenceKind
    line: Line
    written: str
    path: str
    fragment: str = ""


def references(document: Document) -> Iterator[Reference]:
    """The paths that ``document`` names in its prose, line by line; no URLs, patterns, placeholders and redactions."""
    for line in document.prose:
        if document.markup is Markup.MARKDOWN:
            yield from _markdown(line)
        elif document.markup is Markup.RST:
            yield from _rst(line)
        else:
            yield from _asciidoc(line)


_MD_CODE = re.compile(r"(?<![`\\])(`+)(?!`)(.+?)(?<!`)\1(?!`)")
_MD_LINK = re.compile(
    r"\]\(\s*(?:<([^<>]*)>|([^\s<>()]*(?:\([^\s()]*\)[^\s()]*)*))(?:\s+(?:\"[^\"]*\"|'[^']*'|\([^()]*\)))?\s*\)"
)
_MD_DEFINITION = re.compile(r"\s{0,3}\[(?!\^)[^\]]+\]:\s*<?([^\s<>]+)>?(?:\s+[\"'(].*)?\s*$")
_HTML_TARGET = re.compile(r"<\w[^<>]*?\s(?:href|src)\s*=\s*(?:\"([^\"]*)\"|'([^']*)')", re.IGNORECASE)


_MD_SIGNS = re.compile(r"`|\]\(|\]:|=")


def _markdown(line: Line) -> Iterator[Reference]:
    text = line.text
    if not _MD_SIGNS.search(text):
        return
    for code in _MD_CODE.finditer(text):
        if not text.startswith(("](", "][", "]:"), code.end()):
            yield from _code(line, code[2].strip())
    plain = _MD_CODE.sub(lambda code: " " * len(code[0]), text)
    definition = _MD_DEFINITION.match(plain)
    if definition:
        yield from _link(line, definition[1])
    for link in _MD_LINK.finditer(plain):
        yield from _link(line, link[1] or link[2] or "")
    for attribute in _HTML_TARGET.finditer(plain):
        yield from _link(line, attribute[1] or attribute[2] or "", ReferenceKind.HTML)


_RST_CODE = re.compile(r"(?<!`)``([^`]+)``(?!`)|:file:`([^`]+)`")
_RST_LINK = re.compile(r"`[^`<>]*<([^`<>\s]+)>`__?|^\s*\.\.\s+_[^:]+:\s+(\S+)\s*$")


def _rst(line: Line) -> Iterator[Reference]:
    for code in _RST_CODE.finditer(line.text):
        yield from _code(line, (code[1] or code[2]).strip())
    for link in _RST_LINK.finditer(line.text):
        target = link[1] or link[2]
        if not target.endswith("_"):
            yield from _link(line, target)


_ADOC_CODE = re.compile(r"(?<![`\w])`\+?([^`]+?)\+?`(?![`\w])")
_ADOC_LINK = re.compile(r"\blink:(?!\+\+)([^\s\[\]]+)\[")


def _asciidoc(line: Line) -> Iterator[Reference]:
    for code in _ADOC_CODE.finditer(line.text):
        yield from _code(line, code[1].strip())
    for link in _ADOC_LINK.finditer(line.text):
        yield from _link(line, link[1])


_SCHEME = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*:|//")
_UNSURE = re.compile(r"[{}<>$*|\\^\"']|\.\.\.|…|\[REDACTED:|\[[^\]]*\]|%(?![0-9A-Fa-f]{2})|\A~/|://")
_MAX_PATH: Final = 300


def _link(line: Line, written: str, kind: ReferenceKind = ReferenceKind.LINK) -> Iterator[Reference]:
    """A reference for a link's target unless it is a URL, an address or made up by a template."""
    target, _, fragment = written.partition("#")
    target = target.partition("?")[0]
    if _SCHEME.match(written) or _UNSURE.search(target) or len(target) > _MAX_PATH:
        return
    target = unquote(target, errors="replace")
    if target or fragment:
        yield Reference(kind, line, written, target, unquote(fragment, errors="replace"))


_LOCATION = re.compile(r"(?:#L\d+(?:-L?\d+)?|:\d+(?:[-:]\d+)*|::[\w:\[\]-]+)\Z")
_PATH = re.compile(r"(?:\.{1,2}/)*(?:[\w@+.~-]+/)*[\w@+.-]+/?\Z")
_FILE_NAME = re.compile(r"[\w@+.-]*\w\.(?P<suffix>[A-Za-z][A-Za-z0-9]{0,9})\Z|(?P<name>[A-Z][A-Za-z]+)\Z")
_SUFFIXES_WORDS: Final = (
    "adoc avsc bash bat bazel bzl c cc cfg clj cmake cmd conf cpp cs css csv cts cue cxx dart dockerfile elm erl ex exs "
    "fish go gql gradle graphql h hcl hpp hs html in ini ipynb java jl js json json5 jsonc jsonl jsx kt kts less lock lua m "
    "make mak md mdx mjs mk ml mli mm mod mts nim nix php pl plist png po properties proto ps1 py pyi pyx r rb rs rst sass "
    "sbt scala scss sh sql sum svelte svg swift tf tfvars toml tpl ts tsx txt vue xml xsd yaml yml zig zsh"
)
_SUFFIXES: Final = frozenset(_SUFFIXES_WORDS.split())
_BARE_NAMES_WORDS: Final = "Makefile Dockerfile Jenkinsfile Procfile Rakefile Gemfile Vagrantfile Justfile Brewfile"
_BARE_NAMES: Final = frozenset(_BARE_NAMES_WORDS.split())


def _code(line: Line, written: str) -> Iterator[Reference]:
    """A reference for a code span that is a path and nothing else."""
    path = _LOCATION.sub("", written)
    if len(path) > _MAX_PATH or _UNSURE.search(path) or _SCHEME.match(path) or not _PATH.match(path):
        return
    name = path.rstrip("/").rpartition("/")[2]
    file_name = _FILE_NAME.match(name)
    if "/" not in path.strip("/"):
        known = file_name and ((file_name["suffix"] or "").lower() in _SUFFIXES or file_name["name"] in _BARE_NAMES)
        if not known and not path.endswith("/"):
            return
    if path.startswith("/") or set(path) <= {".", "/"}:
        return
    yield Reference(ReferenceKind.CODE, line, written, path)
