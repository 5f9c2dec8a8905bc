"""Rules of the house that types cannot hold: who makes what, who reads the clock, and that nothing here reaches a network."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "contextd"
OUTERMOST = ("cli/", "daemon.py")
"""The floors that may read clock, randomness and environment."""

NETWORK = {
    "socket", "ssl", "http", "urllib.request", "ftplib", "smtplib", "telnetlib", "xmlrpc", "socketserver", "asyncio",
    "requests", "httpx", "aiohttp", "grpc", "urllib3",
}  # fmt: skip
CLOCKS = {
    "datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time", "time.time_ns", "time.localtime",
    "time.gmtime",
}  # fmt: skip
CHANCE = {"random", "secrets", "uuid"}
ENVIRONMENT = {"os.environ", "os.getenv", "os.putenv", "locale.getlocale", "locale.setlocale", "os.getlogin", "getpass.getuser"}


@cache
def modules() -> list[tuple[str, ast.Module]]:
    """Every module of the package, by its path below it."""
    files = sorted(PACKAGE.rglob("*.py"))
    return [(file.relative_to(PACKAGE).as_posix(), ast.parse(file.read_text(encoding="utf-8"))) for file in files]


def dotted(node: ast.AST) -> str:
    """``a.b.c`` of an attribute or a name; empty for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (base := dotted(node.value)):
        return f"{base}.{node.attr}"
    return ""


def imported(tree: ast.Module) -> Iterator[str]:
    """Names of modules, and of what is taken from them, that a module imports."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def makers(name: str) -> set[str]:
    """The modules that call a class of this name, or hand it on under another."""
    found = set()
    for path, tree in modules():
        for node in ast.walk(tree):
            called = isinstance(node, ast.Call) and dotted(node.func).rpartition(".")[2] == name
            renamed = isinstance(node, ast.alias) and node.name == name and node.asname not in {None, name}
            made = (
                isinstance(node, ast.Call)
                and dotted(node.func) == "replace"
                and any(dotted(a) == name.lower() for a in node.args)
            )
            if called or renamed or made:
                found.add(path)
    return found


def test_only_the_filter_makes_what_is_admitted() -> None:
    made = makers("Admitted")
    assert made
    assert all(path.startswith("filter/") for path in made)


def test_only_asking_makes_what_is_permitted() -> None:
    assert makers("Permitted") == {"operations/ask.py"}


@pytest.mark.parametrize("names", [CLOCKS, ENVIRONMENT], ids=["clock", "environment"])
def test_clock_and_environment_are_read_by_the_outermost_floor_alone(names: set[str]) -> None:
    readers: dict[str, set[str]] = {}
    for path, tree in modules():
        for node in ast.walk(tree):
            found = dotted(node)
            if any(found == name or found.endswith("." + name) or found.startswith(name + ".") for name in names):
                readers.setdefault(path, set()).add(found)
    outside = {path: found for path, found in readers.items() if not path.startswith(OUTERMOST)}
    assert outside == {}
    assert any(path.startswith("cli/") for path in readers)


def test_randomness_is_drawn_by_the_outermost_floor_alone() -> None:
    drawn = {path for path, tree in modules() if CHANCE & {name.partition(".")[0] for name in imported(tree)}}
    assert {path for path in drawn if not path.startswith(OUTERMOST)} == set()
    assert drawn == {"cli/session.py"}


def test_nothing_reaches_a_network() -> None:
    reached = {
        path: found
        for path, tree in modules()
        if (found := {name for name in imported(tree) if name in NETWORK or name.partition(".")[0] in NETWORK})
    }
    assert reached == {}


def test_processes_are_started_for_git_and_by_the_command_line_alone() -> None:
    started = {path for path, tree in modules() if "subprocess" in set(imported(tree))}
    assert started == {"crawl/gitcommand.py", "crawl/gitobjects.py", "cli/doctor.py", "cli/output.py"}


def test_no_module_is_called_what_says_nothing() -> None:
    nothing = {"utils", "util", "helpers", "helper", "manager", "base", "common", "misc"}
    assert [path for path, _ in modules() if Path(path).stem in nothing or nothing & set(Path(path).parts)] == []
    assert [path for path, tree in modules() if len(ast.unparse(tree).splitlines()) > 400] == []


def test_every_module_and_what_it_offers_says_what_it_is() -> None:
    silent = []
    for path, tree in modules():
        public = [node for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name[0] != "_"]
        silent += [f"{path}: {getattr(node, 'name', '')}" for node in [tree, *public] if not ast.get_docstring(node)]
    assert silent == []
