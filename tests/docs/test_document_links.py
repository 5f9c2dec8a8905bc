"""Every relative link leads to a file, every anchor to a heading, and every path of this repository that is named exists."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.docs.conftest import DOCUMENTS, ROOT, prose, spans

_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
_CODE = re.compile(r"`[^`]*`")
_HEADING = re.compile(r"#{1,6} +(.*?)\s*#*$")
_OURS = re.compile(r"(?:contextd|docs|tests|boundaries|bench|requirements|sample_repos)/[\w./-]*\Z", re.ASCII)
_MADE = {"bench/results.json"}


def anchors(file: Path) -> set[str]:
    """The anchors of a document as GitHub makes them: lower case, marks dropped, blanks as hyphens, repetitions numbered."""
    found: set[str] = set()
    for _, line in prose(file):
        if match := _HEADING.match(line):
            text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", match[1]).lower()
            slug = re.sub(r"[^\w\- ]", "", text).replace(" ", "-")
            number = 0
            while (name := f"{slug}-{number}" if number else slug) in found:
                number += 1
            found.add(name)
    return found


def test_there_are_documents_and_links_to_check() -> None:
    assert {"README.md", "CONTRIBUTING.md", "CHANGELOG.md", "architecture.md"} <= {file.name for file in DOCUMENTS}
    assert sum(len(_LINK.findall(line)) for file in DOCUMENTS for _, line in prose(file)) > 50


@pytest.mark.parametrize("file", DOCUMENTS, ids=lambda file: str(file.relative_to(ROOT)))
def test_links_lead_somewhere(file: Path) -> None:
    broken = []
    for number, line in prose(file):
        for target in _LINK.findall(_CODE.sub("", line)):
            if re.match(r"[a-z]+:", target):
                continue
            path, _, anchor = unquote(target).partition("#")
            place = (file.parent / path).resolve() if path else file
            if not place.exists() or not place.is_relative_to(ROOT):
                broken.append(f"{number}: {target} leads to nothing")
            elif anchor and (place.suffix != ".md" or anchor not in anchors(place)):
                broken.append(f"{number}: {target}: no such heading")
    assert broken == []


def test_paths_of_the_repository_that_are_named_exist() -> None:
    named = [code for file in DOCUMENTS for code in spans(file) if _OURS.match(code.text) and code.text not in _MADE]
    assert len(named) > 10
    assert [str(code) for code in named if not (ROOT / code.text).exists()] == []


def test_documents_name_no_place_of_a_machine() -> None:
    places = re.compile(r"(?<![\w.~])/(?:home|root|work|tmp|Users)/")
    said = [
        f"{file.name}:{n}"
        for file in DOCUMENTS
        for n, line in enumerate(file.read_text().splitlines(), 1)
        if places.search(line)
    ]
    assert said == []
