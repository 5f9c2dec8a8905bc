"""What the boundary's document says is caught is caught, and what it says is not caught yet is not: mend both together."""

from __future__ import annotations

import base64
import binascii
import gzip
import random
import string
from functools import cache

import pytest

from contextd.filter.filtering import Filter
from contextd.filter.ignorefiles import RepositoryIgnores
from contextd.model.content import Admitted, EntryKind, Observed
from contextd.model.source import ContentKind, Descriptor, SourceKind
from contextd.policy.bundle import load_bundle, read_bundle
from tests.docs.conftest import ROOT

DRAWN = "".join(random.Random(5).choices(string.ascii_letters + string.digits, k=24))  # noqa: S311 - nobody's key
KEY = "sk_" + "live_" + DRAWN
RAW = KEY.encode()

CAUGHT = {
    "folded": KEY[:9] + "\u200b" + KEY[9:],
    "full-width": "".join(chr(ord(letter) + 0xFEE0) for letter in KEY),
    "joined literals": KEY[:14] + '" + "' + KEY[14:],
    "adjacent halves": KEY[:14] + '" "' + KEY[14:],
    "unescaped": "".join(f"\\x{byte:02x}" for byte in RAW),
    "base64": base64.b64encode(RAW).decode(),
    "percent": "".join(f"%{byte:02X}" for byte in RAW),
}
NOT_CAUGHT = {
    "a secret encoded twice": base64.b64encode(base64.b64encode(RAW)).decode(),
    "hexadecimal text": binascii.hexlify(RAW).decode(),
    "compressed data, also inside text": base64.b64encode(gzip.compress(RAW, mtime=0)).decode(),
    "other encodings of characters": "".join(f"&#{byte};" for byte in RAW),
    "a secret spread over variables, or a list of characters": KEY[:14] + '"\nother = "' + KEY[14:],
    "letters exchanged for others that look alike": KEY.replace("s", "\u0455"),
}
PROSE_NOT_CAUGHT = {
    "a secret without a form and without a name beside it": "my password is tulip",
    "names of persons, postal addresses, dates of birth": "Jane Miller, 12 Main Street, born 1980-02-03",
    "telephone numbers without a word that says so": "call +1 415 555 2671",
}


@cache
def boundary() -> Filter:
    rules = load_bundle(read_bundle(ROOT / "boundaries")).ingest
    return Filter.compile(rules, Descriptor("docs", SourceKind.GIT, ContentKind.REPO, 3), RepositoryIgnores(()))


def redactions(text: str, path: str = "settings.py") -> int:
    """How many spans the shipped bundle cuts out of a text."""
    data = text.encode()
    outcome = boundary().apply(Observed(path.encode(), "100644", EntryKind.FILE, len(data), ""), data)
    assert isinstance(outcome, Admitted)
    return len(outcome.redactions)


def not_caught_yet() -> set[str]:
    """The first cells of the document's last table."""
    text = (ROOT / "docs" / "boundary.md").read_text(encoding="utf-8").partition("## Not caught yet")[2]
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    return {row.split(" | ")[0].removeprefix("| ") for row in rows[1:]}


@pytest.mark.parametrize("reading", CAUGHT)
def test_a_reading_that_the_document_lists_is_searched(reading: str) -> None:
    assert redactions(f'key = "{CAUGHT[reading]}"\n') == 1


@pytest.mark.parametrize("gap", NOT_CAUGHT)
def test_a_gap_that_the_document_admits_is_one(gap: str) -> None:
    assert redactions(f'it = "{NOT_CAUGHT[gap]}"\n') == 0, f"now caught: take it out of docs/boundary.md: {gap}"


@pytest.mark.parametrize("gap", PROSE_NOT_CAUGHT)
def test_a_gap_in_prose_that_the_document_admits_is_one(gap: str) -> None:
    assert redactions(f"{PROSE_NOT_CAUGHT[gap]}\n", "notes.md") == 0, f"now caught: take it out of docs/boundary.md: {gap}"


def test_every_gap_that_the_document_lists_is_tried() -> None:
    assert not_caught_yet() == {*NOT_CAUGHT, *PROSE_NOT_CAUGHT}


def test_the_shipped_bundle_has_as_many_rules_as_it_is_said_to_have() -> None:
    rules = load_bundle(read_bundle(ROOT / "boundaries")).ingest.secrets.rules
    assert len(rules) > 300
