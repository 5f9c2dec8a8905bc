"""Every stable code that the code can give is in the list of codes, and the list has no other."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.docs.conftest import DOCUMENTS, ROOT, spans

LIST = ROOT / "docs" / "codes.md"
_FOUND = re.compile(r"\b(?:EXCL|DRIFT|FRESH|PKG|INJECT|REF|GATE)-[A-Z]+(?:-[A-Z]+)*\b")
_REASON = re.compile(r"[A-Z]+(?:_[A-Z]+)*\Z")


def codes_of_the_code() -> set[str]:
    """Codes with hyphens, anywhere in code and bundle."""
    files = [*(ROOT / "contextd").rglob("*.py"), *(ROOT / "boundaries").rglob("*.yaml")]
    return {code for file in files for code in _FOUND.findall(file.read_text(encoding="utf-8"))}


def reasons_of_the_code() -> set[str]:
    """Why a request got no answer: defaults of errors, ``reason`` arguments and names, ``@reason`` of the policies."""
    found = {code for file in (ROOT / "contextd").rglob("*.py") for code in _reasons(file)}
    policies = (ROOT / "boundaries" / "access.cedar").read_text(encoding="utf-8")
    return found | set(re.findall(r'@reason\("([A-Z_]+)"\)', policies))


def _reasons(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = {target.id for target in targets if isinstance(target, ast.Name)}
            says_so = names & {"default_reason", "reason", "_REASONS"} or (file.name == "refusals.py" and names)
            yield from _texts(node.value) if says_so else ()
        elif isinstance(node, ast.Call):
            for keyword in node.keywords:
                yield from _texts(keyword.value) if keyword.arg == "reason" else ()
            if isinstance(node.func, ast.Name) and node.func.id == "_write":
                yield from (text for argument in node.args for text in _texts(argument))


def _texts(node: ast.AST | None) -> Iterator[str]:
    for part in ast.walk(node) if node is not None else ():
        if isinstance(part, ast.Constant) and isinstance(part.value, str) and _REASON.match(part.value):
            yield part.value


def documented() -> set[str]:
    """The codes that the list explains: first cells of its tables."""
    return set(re.findall(r"^\| `([A-Z_-]+)` \|", LIST.read_text(encoding="utf-8"), re.MULTILINE))


def test_every_code_is_explained_and_no_other() -> None:
    real = codes_of_the_code() | reasons_of_the_code()
    assert {"EXCL-SENSITIVE", "DRIFT-PATH-GONE", "NOT_ELIGIBLE", "CONTENT_STALE", "USAGE", "SHELF_UNUSABLE"} <= real
    assert real - documented() == set(), "give these a row in docs/codes.md"
    assert documented() - real == set(), "nothing gives these any more"


def test_documents_speak_of_codes_that_exist() -> None:
    real = codes_of_the_code() | reasons_of_the_code()
    named = [(code, match) for file in DOCUMENTS for code in spans(file) for match in _FOUND.findall(code.text)]
    assert len(named) > 40
    assert [str(code) for code, match in named if match not in real] == []
