"""The floor table of the architecture is the contract that import-linter checks."""

from __future__ import annotations

import re
import tomllib
from typing import NamedTuple

from tests.docs.conftest import ROOT


class Floor(NamedTuple):
    """One row: its number from the ground up, its module, whether it exists, and what it may import."""

    number: int
    module: str
    exists: bool
    imports: str


def table() -> list[Floor]:
    """The rows of the table in the architecture."""
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d+) \| (\(?)`(\w+)`\)? \| [^|]+ \| ([^|]+) \|$", text, re.MULTILINE)
    return [Floor(int(number), module, not planned, imports) for number, planned, module, imports in rows]


def contract() -> list[list[tuple[str, bool]]]:
    """Floors from the ground up as the contract has them: modules, and whether each must exist."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    layers = next(contract["layers"] for contract in settings["contracts"] if contract["type"] == "layers")
    return [[(name.strip(" ()"), "(" not in name) for name in layer.split("|")] for layer in reversed(layers)]


def test_the_table_is_the_contract() -> None:
    expected = [(number, *module) for number, floor in enumerate(contract(), 1) for module in floor]
    assert len(expected) > 20
    assert sorted((row.number, row.module, row.exists) for row in table()) == sorted(expected)


def test_a_floor_imports_what_lies_below_it() -> None:
    for row in table():
        below = row.number - 1
        assert row.imports == ("nothing of ours" if not below else "floor 1" if below == 1 else f"floors 1-{below}"), row.module


def test_what_the_table_says_exists_does() -> None:
    there = {
        path.stem
        for path in (ROOT / "contextd").iterdir()
        if path.suffix in {".py", ""} and not path.name.startswith(("_", "py."))
    }
    assert {row.module for row in table() if row.exists} == there


def test_the_readme_has_the_floors_in_the_same_order() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    short = readme[readme.index("| floor | modules |") :].split("\n\n")[0]
    shown = [module for row in short.splitlines()[2:] for module in re.findall(r"`(\w+)`", row)]
    order = {row.module: row.number for row in table()}
    assert set(shown) == {row.module for row in table() if row.exists}
    numbers = [order[module] for module in shown]
    assert numbers == sorted(numbers, reverse=True)
