"""Every ``contextd …`` command and every option inside a message or a hint of the code exists."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.docs.conftest import ROOT, every_option, fault

_COMMAND = re.compile(r"(?<![\w./-])contextd (?=[a-z-])")
_OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]+")
_PROSE = {"home", "knows", "makes", "met", "secret", "that", "wrote"}
"""Words by which a sentence about contextd goes on; anything else after its name is taken for a command."""


@cache
def strings() -> tuple[tuple[str, str], ...]:
    """``(file:line, text)`` of every string of the code that is not a docstring; what is filled in is written X."""
    return tuple(found for file in sorted((ROOT / "contextd").rglob("*.py")) for found in _strings(file))


def _strings(file: Path) -> Iterator[tuple[str, str]]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    skipped = {id(text) for node in ast.walk(tree) if isinstance(node, documented) for text in _docstring(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            skipped |= {id(part) for part in ast.walk(node) if part is not node}
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        text = _text(node)
        if text:
            yield f"{file.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}", text


def _docstring(node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[ast.expr]:
    first = node.body[0] if node.body else None
    if isinstance(first, ast.Expr):
        yield first.value


def _text(node: ast.AST) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "X" for part in node.values)
    return ""


def named_commands() -> Iterator[tuple[str, str]]:
    """``(file:line, command)`` of the code and of the comments in the shipped bundle."""
    for where, text in strings():
        for line in text.split("\n"):
            yield from ((where, f"contextd {rest}") for rest in _COMMAND.split(line)[1:])
    for file in sorted(path for path in (ROOT / "boundaries").rglob("*") if path.is_file()):
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
            yield from ((f"{file.relative_to(ROOT)}:{number}", f"contextd {rest}") for rest in _COMMAND.split(line)[1:])


def test_every_command_in_a_message_exists() -> None:
    wrong = []
    found = 0
    for where, command in named_commands():
        if re.split(r"[^\w-]", command.split()[1])[0] in _PROSE:
            continue
        found += 1
        if why := fault(command):
            wrong.append(f"{where}: {command}: {why}")
    assert wrong == []
    assert found > 40


def test_every_option_in_a_message_exists() -> None:
    known = every_option()
    texts = [(where, text) for where, text in strings() if not where.startswith("contextd/crawl/")]  # those are git's
    named = [(where, option) for where, text in texts for option in _OPTION.findall(text)]
    assert len(named) > 60
    assert [f"{where}: {option}" for where, option in named if option not in known] == []
