"""Definitions of a syntax tree, nested and with qualified names."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from tree_sitter import Node, QueryCursor

from contextd.parse.definitions import DEEPEST, definitions_query

_LONGEST_NAME: Final = 200
_UPPER: Final = re.compile(r"_*[A-Z][A-Z0-9_]*")
_MEMBER: Final = re.compile(r"[\w$#]+(?:\.[\w$#]+)*")
_GENERICS: Final = re.compile(r"[<\[]")
_REFERENCE: Final = re.compile(r"&|'\w+|\b(?:mut|dyn|const)\b")
_WORD: Final = re.compile(r"\w+|\.")
_NO_OWNER: Final = frozenset({"module", "exports", "prototype", "this", "window"})
_REWRITTEN: Final = frozenset({"receiver", "impl", "assigned", "type"})
_WEAKER: Final = frozenset({"constant", "type"})
_TYPES: Final = frozenset({"class", "interface", "enum", "record", "struct", "trait", "impl"})


@dataclass(slots=True)
class Definition:
    """A definition: its bytes (half-open, with decorators and ``export``), what it is called, and the definitions inside it."""

    start: int
    end: int
    kind: str
    name: str
    qualified: str
    parent: Definition | None
    children: list[Definition] = field(default_factory=list)


def definitions(root: Node, language: str, text: bytes) -> list[Definition]:
    """All definitions below ``root`` in the order in which they begin, outer before inner.

    ``impl`` blocks of Rust are among them, with the type as their name: they qualify what is inside.
    """
    cursor = QueryCursor(definitions_query(language))
    cursor.set_max_start_depth(DEEPEST[language])
    found: dict[tuple[int, int], tuple[str, str]] = {}
    for capture, nodes in cursor.captures(root).items():
        kind, _, named_by = capture.partition(".")
        for node in nodes:
            if node.start_byte >= len(text):
                continue
            place = (node.start_byte, -min(node.end_byte, len(text)))
            known = found.get(place)
            if known is None or known[0] in _WEAKER:
                named = _named(node, kind, named_by or "name", text)
                if named[1]:
                    found[place] = named
    return _nested(found)


def _named(node: Node, kind: str, named_by: str, text: bytes) -> tuple[str, str]:
    """The kind and the name of a captured node, as far as it qualifies; an empty name when there is none to speak of."""
    if kind == "wrap":
        return kind, kind
    named = node.child_by_field_name(named_by)
    if named is None:
        return kind, ""
    name = text[named.start_byte : named.end_byte].decode("utf-8", "replace")
    if kind == "upper":
        return "constant", name if _UPPER.fullmatch(name) else ""
    if kind in _REWRITTEN:
        kind, name = _rewritten(node, kind, name, text)
    name = name.strip("\"'`")
    return kind, name if len(name) <= _LONGEST_NAME and name.isprintable() else ""


def _rewritten(node: Node, kind: str, name: str, text: bytes) -> tuple[str, str]:
    """Kind and name of what is not simply called what its name field says."""
    if kind == "receiver":  # ``T`` of ``(t *T[K])``
        receiver = node.child_by_field_name("receiver")
        written = text[receiver.start_byte : receiver.end_byte].decode("utf-8", "replace") if receiver else ""
        owner = _GENERICS.split(written, maxsplit=1)[0].strip("() \t").rpartition(" ")[2].lstrip("*")
        return "method", f"{owner}.{name}" if owner else name
    if kind == "impl":  # ``Retry`` of ``&'a super::Retry<T>``
        bare = _REFERENCE.sub("", name).lstrip(" [(")
        return kind, _WORD.findall("." + _GENERICS.split(bare, maxsplit=1)[0])[-1]
    if kind == "assigned":  # ``Retry.backoff`` of ``Retry.prototype.backoff``
        right = node.child_by_field_name("right")
        kind = "class" if right is not None and right.type == "class" else "function"
        return kind, ".".join(part for part in name.split(".") if part not in _NO_OWNER) if _MEMBER.fullmatch(name) else ""
    return kind, _GENERICS.split(name, maxsplit=1)[0]


def _nested(found: dict[tuple[int, int], tuple[str, str]]) -> list[Definition]:
    """Put definitions into each other by containment; a wrap that holds exactly one of them widens it."""
    made: list[Definition] = []
    open_: list[Definition] = []
    wraps: list[Definition] = []
    for place in sorted(found):
        start, end = place[0], -place[1]
        kind, name = found[place]
        while open_ and open_[-1].end <= start:
            open_.pop()
        if kind == "wrap":
            open_.append(Definition(start, end, kind, name, name, None))
            wraps.append(open_[-1])
            continue
        parent = next((outer for outer in reversed(open_) if outer.kind != "wrap"), None)
        if parent is not None and kind == "function" and parent.kind in _TYPES:
            kind = "method"
        qualified = name if parent is None else f"{parent.qualified}.{name}"
        definition = Definition(start, end, kind, name.rpartition(".")[2], qualified, parent)
        for outer in reversed(open_):
            outer.children.append(definition)
            if outer.kind != "wrap":
                break
        made.append(definition)
        open_.append(definition)
    for wrap in wraps:
        if len(wrap.children) == 1:
            held = wrap.children[0]
            held.start, held.end = min(held.start, wrap.start), max(held.end, wrap.end)
    return made
