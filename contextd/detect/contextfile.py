"""``context.yaml``: the context package as its owners state it. Schema ``contextd.dev/context/v1``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from typing import Final

from contextd.yamlfile import Node, load

SCHEMA: Final = "context/v1"

_KEYS: Final[Mapping[str, tuple[str, ...]]] = {
    "purpose": ("is", "is_not"),
    "ownership": ("owner", "escalation"),
    "architecture": ("invariants", "constraints"),
    "dependencies": ("lock", "alignment"),
    "tests": ("critical_paths", "coverage", "integration"),
    "release": ("release", "rollback"),
    "reviewed": ("date", "by"),
}
_LISTS: Final = frozenset({"is_not", "escalation", "invariants", "constraints", "alignment", "critical_paths", "integration"})

ELEMENTS: Final = tuple(_KEYS)
"""The elements of a context package, in the order in which they are shown."""


@dataclass(frozen=True, slots=True)
class StatedElement:
    """One element as ``context.yaml`` states it: values and lines by key, and its problems (``file:line: what``)."""

    line: int
    values: Mapping[str, tuple[str, ...]]
    lines: Mapping[str, int]
    problems: tuple[str, ...] = ()

    def one(self, key: str) -> str:
        """The value of a key that takes one; empty when it is not given."""
        return next(iter(self.values.get(key, ())), "")


@dataclass(frozen=True, slots=True)
class ContextFile:
    """A ``context.yaml`` read: the elements that it states, and the problems that belong to none of them."""

    path: str
    elements: Mapping[str, StatedElement] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    reviewed_at: datetime | None = None


def read_context_file(path: str, text: bytes) -> ContextFile:
    """Read a ``context.yaml``. Never raises: what cannot be read is told as ``path:line: what; mend``.

    A list may be given as a single text. Paths and patterns are not looked up here.
    """
    root = load(text, path)
    if root.problems:
        return ContextFile(path, problems=tuple(root.problems))
    fields = root.document(SCHEMA, {*ELEMENTS, "covers"})
    if fields["covers"].given:
        for _, patterns in fields["covers"].entries():
            patterns.strings()
    problems = tuple(root.problems)
    elements: dict[str, StatedElement] = {}
    reviewed: date | None = None
    for name in ELEMENTS:
        node = fields[name]
        if not node.given:
            continue
        before = len(root.problems)
        inside = node.mapping(_KEYS[name])
        values = {key: _texts(inside[key], key) for key in _KEYS[name] if key in inside and not inside[key].null}
        if name == "reviewed":
            reviewed = inside["date"].date()
        elements[name] = StatedElement(
            node.line, values, {key: inside[key].line for key in values}, tuple(root.problems[before:])
        )
    at = datetime.combine(reviewed, time(), UTC) if reviewed else None
    return ContextFile(path, elements, problems, at)


def _texts(node: Node, key: str) -> tuple[str, ...]:
    if key in _LISTS and not isinstance(node.value, str):
        return node.strings()
    text = node.text()
    return (text,) if text else ()
