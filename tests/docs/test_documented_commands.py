"""Commands, options and make targets: what a document shows exists, and what exists is in the reference."""

from __future__ import annotations

import re

import pytest

from tests.docs.conftest import (
    DOCUMENTS,
    ROOT,
    Command,
    commands,
    every_option,
    fault,
    fenced,
    leaves,
    lines,
    options_of,
    spans,
)

REFERENCE = ROOT / "docs" / "cli.md"


def sections() -> dict[str, str]:
    """The reference by command: the text below ``### contextd …``."""
    found: dict[str, str] = {}
    name = ""
    for _, line, fence in lines(REFERENCE):
        if fence is None and line.startswith("#"):
            name = line.removeprefix("### contextd ") if line.startswith("### contextd ") else ""
            if name:
                found[name] = ""
        elif name:
            found[name] += line + "\n"
    return found


def test_the_check_itself_tells_good_from_bad() -> None:
    good = [
        "contextd crawl --all",
        "contextd --home X source add a b --tier 2",
        "contextd source list shows what there is",
        "contextd NOUN",
    ]
    assert [fault(text) for text in good] == ["", "", "", ""]
    bad = ["contextd crawll", "contextd source forget x", "contextd crawl --every", "contextd source add --tiers=3"]
    assert all(fault(text) for text in bad)


def test_every_command_that_a_document_shows_exists() -> None:
    shown = list(commands())
    assert len(shown) > 80
    assert [f"{code}: {why}" for code in shown if (why := fault(code.text))] == []


def test_every_option_that_a_document_names_exists() -> None:
    known = every_option()
    named = [code for file in DOCUMENTS for code in spans(file) if re.match(r"--?[a-z]", code.text)]
    assert len(named) > 40
    assert [str(code) for code in named if re.split(r"[ =]", code.text)[0] not in known] == []


def test_the_reference_has_every_command_and_no_other() -> None:
    assert set(sections()) == set(leaves())


@pytest.mark.parametrize(("name", "command"), leaves().items(), ids=lambda value: value if isinstance(value, str) else "")
def test_the_reference_has_every_option_and_argument_of_a_command(name: str, command: Command) -> None:
    text = sections()[name]
    assert set(re.findall(r"^\| `(--[a-z-]+)", text, re.MULTILINE)) == options_of(command)
    usage = next(line for line in text.splitlines() if line.startswith(f"contextd {name}"))
    for param in command.params:
        if param.param_type_name == "argument":
            assert (param.metavar or param.name.upper()) in usage
    assert text.count(f"contextd {name}") >= 2, "a usage line and an example"


def test_the_readme_names_every_command() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = [row for row in readme.splitlines() if row.startswith("| `contextd ")]
    named = {word for row in rows for word in re.findall(r"`(?:contextd )?([a-z ]+)`", row)}
    words = {name.split()[-1] for name in leaves()} | {name.split()[0] for name in leaves() if " " in name}
    assert words <= {word for name in named for word in name.split()}


def test_every_make_target_that_a_document_names_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    codes = [code for file in DOCUMENTS for code in (*spans(file), *fenced(file))]
    named = [(code, match[1]) for code in codes if (match := re.match(r"(?:\$ )?make ([a-z-]+)", code.text))]
    assert len(named) > 15
    assert [str(code) for code, target in named if target not in targets] == []


def test_every_task_of_the_makefile_is_described() -> None:
    tasks = set(re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert {task for task in tasks if f"`make {task}`" not in text} == set()
