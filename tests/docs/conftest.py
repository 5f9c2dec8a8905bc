"""What the tests of documents share: the documents, their code, and the commands that really exist."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple, Protocol

import typer.main

from contextd.cli.main import build_app
from contextd.cli.options import FLAGS, VALUED

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])

_SPAN = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
_PLACEHOLDER = re.compile(r"[\[<{A-Z…]")
_EVERYWHERE = {*VALUED, *FLAGS, "--version", "-h", "--help"}


class Parameter(Protocol):
    """An argument or option of a command, as far as documents speak of it."""

    name: str
    metavar: str | None
    param_type_name: str
    opts: list[str]
    secondary_opts: list[str]


class Command(Protocol):
    """A command as the library of the command line has it."""

    hidden: bool
    params: list[Parameter]


class Code(NamedTuple):
    """A piece of code in a document: where it stands, its text, and the language of its fence (empty for a span)."""

    file: Path
    line: int
    text: str
    language: str

    def __str__(self) -> str:
        return f"{self.file.relative_to(ROOT)}:{self.line}: {self.text}"


@cache
def lines(file: Path) -> tuple[tuple[int, str, str | None], ...]:
    """Lines of a document with their numbers and the language of the fence they are in; None outside of one."""
    found: list[tuple[int, str, str | None]] = []
    fence: str | None = None
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        if line.startswith("```"):
            fence = None if fence is not None else line.removeprefix("```").strip()
            continue
        found.append((number, line, fence))
    return tuple(found)


def prose(file: Path) -> Iterator[tuple[int, str]]:
    """The lines of a document that are not code."""
    return ((number, line) for number, line, fence in lines(file) if fence is None)


def spans(file: Path) -> Iterator[Code]:
    """Code within the text of a document."""
    for number, line in prose(file):
        for match in _SPAN.finditer(line):
            yield Code(file, number, match[1].replace("\\|", "|"), "")


def fenced(file: Path) -> Iterator[Code]:
    """Lines of fenced code."""
    for number, line, fence in lines(file):
        if fence is not None:
            yield Code(file, number, line, fence)


def commands() -> Iterator[Code]:
    """Every line and span of the documents that is a ``contextd`` command."""
    for file in DOCUMENTS:
        for code in (*spans(file), *fenced(file)):
            text = code.text.removeprefix("$ ")
            if text.startswith("contextd "):
                yield code._replace(text=text.partition("  #")[0].strip())


@cache
def app() -> object:
    """The whole application."""
    return typer.main.get_command(build_app())


def below(command: object) -> dict[str, Command]:
    """The commands of an application or noun by their next word; none below a command itself."""
    return getattr(command, "commands", {})


def leaves() -> dict[str, Command]:
    """Every command by its words, hidden nouns left out."""
    found: dict[str, Command] = {}
    for name, command in below(app()).items():
        if not command.hidden:
            verbs = below(command)
            found |= {f"{name} {verb}": leaf for verb, leaf in verbs.items()} if verbs else {name: command}
    return found


def options_of(command: Command) -> set[str]:
    """The options of a command besides the global ones."""
    return {
        word for param in command.params if param.param_type_name == "option" for word in (*param.opts, *param.secondary_opts)
    } - _EVERYWHERE


def every_option() -> set[str]:
    """The options of all commands, and the global ones."""
    return _EVERYWHERE.union(*(options_of(command) for command in leaves().values()))


def fault(text: str) -> str:
    """Why ``contextd …`` is not a command line that this release has; empty when it is, or when it is only a pattern of one.

    What follows the verb is looked at for options only: it may be a sentence that goes on.
    """
    words = list(_without_globals(_split(text)[1:]))
    commands, path, known = below(app()), "contextd", set[str]()
    while commands:
        if not words or _PLACEHOLDER.match(words[0]):
            return ""
        if words[0] not in commands:
            return f"{path} has no {words[0]}"
        path, command = f"{path} {words[0]}", commands[words[0]]
        commands, known, words = below(command), options_of(command), words[1:]
    unknown = [word for word in words if re.fullmatch(r"--[a-z][a-z-]*", word) and word not in known]
    return f"{path} has no {unknown[0]}" if unknown else ""


def _split(text: str) -> list[str]:
    try:
        words = shlex.split(text)
    except ValueError:
        words = text.split()
    return [stripped for word in words if (stripped := word.partition("=")[0].strip(",;:.()`…"))]


def _without_globals(words: list[str]) -> Iterator[str]:
    rest = iter(words)
    for word in rest:
        if word in VALUED:
            next(rest, None)
        elif word not in _EVERYWHERE:
            yield word
