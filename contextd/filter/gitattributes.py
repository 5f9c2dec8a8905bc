"""What ``.gitattributes`` files say about generated, vendored and export-ignored paths.

The format is https://git-scm.com/docs/gitattributes: a pattern and attributes a line, the last line that matches decides, a
file deeper in the tree decides over one above. Unlike in gitignore a pattern does not reach into a folder that it matches, and
``!`` patterns do not exist. Meaning of the linguist attributes: set, or any value but ``false``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import re2
from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

from contextd.filter.patterns import with_classes

LINGUIST = ("linguist-generated", "linguist-vendored")
EXPORT_IGNORE = "export-ignore"
_KNOWN = frozenset({*LINGUIST, EXPORT_IGNORE})
_LONGEST_PATTERN = 1_024
_MACRO = "[attr]"

# How pathspec writes "this file, or anything in this folder"; attributes mean the file alone.
_OR_INSIDE = (GitIgnoreSpecPattern.pattern_to_regex("/x")[0] or "").removeprefix("^x")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"\s*(.*)\Z', re.DOTALL)
_ESCAPE = re.compile(r"\\([0-7]{3}|.)", re.DOTALL)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}


@dataclass(frozen=True, slots=True)
class Attribute:
    """An attribute that is on for a path: its name, the pattern that gave it and the line, from 1."""

    name: str
    pattern: str
    line: int


State = tuple[str, str]
"""An attribute as a line gives it: its name, and ``set``, ``unset``, ``unspecified`` or a value."""


@dataclass(frozen=True, slots=True)
class _Rule:
    regex: re2._Regexp[str]
    pattern: str
    line: int
    states: tuple[State, ...]


class Attributes:
    """One ``.gitattributes`` file. Lines that cannot be read are left out, as git does.

    Args:
        text: the file's text.
        macros: those of the top-level file; None for that file itself, the only one whose ``[attr]`` lines count.
    """

    __slots__ = ("_rules", "macros")

    def __init__(self, text: str, macros: Mapping[str, tuple[State, ...]] | None = None) -> None:
        lines = [(number, line.strip()) for number, line in enumerate(text.split("\n"), 1)]
        self.macros = dict(macros) if macros is not None else dict(_macro(line) for _, line in lines if line.startswith(_MACRO))
        self._rules: list[_Rule] = []
        for number, line in lines:
            if line and not line.startswith(("#", _MACRO)):
                self._read(line, number)
        self._rules.reverse()

    def decide(self, path: str, known: dict[str, Attribute | None]) -> None:
        """Add to ``known`` what this file says of ``path`` (relative to its folder) and no deeper one did; None is off.

        As git does: from the last line to the first, an attribute is decided once; a macro that is decided as set decides what
        it stands for. Macros are entered under their own names.
        """
        for rule in self._rules:
            if rule.regex.search(path):
                self._fill(rule, rule.states, known)

    def _fill(self, rule: _Rule, states: tuple[State, ...], known: dict[str, Attribute | None]) -> None:
        for name, value in reversed(states):
            if name in known:
                continue
            on = value not in ("unset", "unspecified", "false")
            known[name] = Attribute(name, rule.pattern, rule.line) if on else None
            if value == "set":
                self._fill(rule, self.macros.get(name, ()), known)

    def _read(self, line: str, number: int) -> None:
        quoted = _QUOTED.match(line)
        pattern, rest = (_unquoted(quoted[1]), quoted[2]) if quoted else line.replace("\t", " ").partition(" ")[::2]
        states = tuple(state for state in map(_state, rest.split()) if state[0] in _KNOWN or state[0] in self.macros)
        regex = _regex(pattern) if states else None
        if regex is not None:
            self._rules.append(_Rule(regex, pattern, number, states))


def _macro(line: str) -> tuple[str, tuple[State, ...]]:
    name, *states = line.removeprefix(_MACRO).split() or [""]
    return name, tuple(map(_state, states))


def _state(text: str) -> State:
    if text.startswith("-"):
        return text[1:], "unset"
    if text.startswith("!"):
        return text[1:], "unspecified"
    name, given, value = text.partition("=")
    return name, value if given else "set"


def _unquoted(text: str) -> str:
    def one(match: re.Match[str]) -> str:
        escape = match[1]
        return chr(int(escape, 8)) if len(escape) > 1 else _ESCAPED.get(escape, escape)

    raw = _ESCAPE.sub(one, text)
    try:
        return raw.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return raw


def _regex(pattern: str) -> re2._Regexp[str] | None:
    """Compile a pattern of an attributes file; None for one that matches no file."""
    if pattern.startswith("!") or pattern.endswith("/") or len(pattern) > _LONGEST_PATTERN:
        return None
    try:
        regex, _ = GitIgnoreSpecPattern.pattern_to_regex(with_classes(pattern))
        return (
            None
            if regex is None
            else re2.compile(regex.removesuffix(_OR_INSIDE) + "$" if regex.endswith(_OR_INSIDE) else regex)
        )
    except (ValueError, re2.error):
        return None
