"""Decision records have one form, follow each other without a gap, and are all in the index."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.conftest import ROOT

FOLDER = ROOT / "docs" / "adr"
RECORDS = sorted(path for path in FOLDER.glob("*.md") if path.name != "README.md")
_LONGEST = 60


@pytest.mark.parametrize("record", RECORDS, ids=lambda path: path.stem)
def test_a_record_has_its_parts(record: Path) -> None:
    text = record.read_text(encoding="utf-8")
    number = int(record.name[:4])
    assert re.match(rf"# {number}\. \S", text)
    assert re.search(r"^- Status: (?:proposed|accepted|superseded by \[\d{4}\]\(.+\))$", text, re.MULTILINE)
    assert re.search(r"^- Date: \d{4}-\d{2}-\d{2}$", text, re.MULTILINE)
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == ["Context", "Decision", "Consequences"]
    assert len(text.splitlines()) <= _LONGEST


def test_numbers_have_no_gap() -> None:
    assert [int(path.name[:4]) for path in RECORDS] == list(range(1, len(RECORDS) + 1))


def test_the_index_has_every_record_under_its_title() -> None:
    index = (FOLDER / "README.md").read_text(encoding="utf-8")
    titles = {path.name: path.read_text(encoding="utf-8").split("\n")[0].partition(". ")[2] for path in RECORDS}
    assert dict(re.findall(r"^\| \[\d{4}\]\(([^)]+)\) \| (.+) \|$", index, re.MULTILINE)) == titles
