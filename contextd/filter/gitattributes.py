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


@dataclass(frozen=True, slots=True)
class _Rule:
    regex: re2._Regexp[str]
    pattern: str
    line: int
    values: Mapping[str, bool]


class Attributes:
    """One ``.gitattributes`` file. Lines that cannot be read are left out, as git does.

    Args:
        text: the file's text.
        macros: those of the top-level file; None for that file itself, the only one whose ``[attr]`` lines count.
    """

    __slots__ = ("_rules", "_top", "macros")

    def __init__(self, text: str, macros: Mapping[str, Mapping[str, bool]] | None = None) -> None:
        self.macros: dict[str, Mapping[str, bool]] = dict(macros or {})
        self._top = macros is None
        self._rules: list[_Rule] = []
        for number, line in enumerate(text.split("\n"), 1):
            self._read(line.strip(), number)

    def of(self, path: str) -> dict[str, Attribute | None]:
        """What this file says of ``path`` (relative to the file's folder) by attribute; None means switched off."""
        known: dict[str, Attribute | None] = {}
        for rule in self._rules:
            if rule.regex.search(path):
                for name, on in rule.values.items():
                    known[name] = Attribute(name, rule.pattern, rule.line) if on else None
        return known

    def _read(self, line: str, number: int) -> None:
        if not line or line.startswith("#"):
            return
        if line.startswith("[attr]"):
            name, *states = line.removeprefix("[attr]").split() or [""]
            if self._top:
                self.macros[name] = self._values(states)
            return
        quoted = _QUOTED.match(line)
        pattern, _, rest = (_unquoted(quoted[1]), "", quoted[2]) if quoted else line.replace("\t", " ").partition(" ")
        values = self._values(rest.split())
        regex = _regex(pattern) if values else None
        if regex is not None:
            self._rules.append(_Rule(regex, pattern, number, values))

    def _values(self, states: list[str]) -> dict[str, bool]:
        values: dict[str, bool] = {}
        for state in states:
            name, _, value = state.lstrip("-!").partition("=")
            on = not state.startswith(("-", "!")) and value != "false"
            if on:
                values.update(self.macros.get(name, {}))
            if name in _KNOWN:
                values[name] = on
        return values


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
