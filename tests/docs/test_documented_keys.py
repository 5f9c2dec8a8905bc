"""Every key that a file may have is in the reference of formats, and the reference has no key that is refused.

What is accepted is asked of the readers themselves: a key that cannot be known is answered with those that are.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from contextd.config import ConfigInvalid, load_settings
from contextd.detect.contextfile import read_context_file
from contextd.policy.boundaryfile import read_boundary, read_pii
from contextd.policy.detectionfile import read_drift, read_freshness
from contextd.policy.pathways import read_pathways
from contextd.policy.secretrules import parse_secret_rules
from contextd.policy.tiers import read_tiers
from contextd.yamlfile import Node, load
from tests.docs.conftest import ROOT

PROBE = "qqqqqqqqqqqq"

READERS: dict[str, Callable[[Node], object]] = {
    "boundary.yaml": read_boundary,
    "pii.yaml": lambda root: read_pii(root, ()),
    "tiers.yaml": lambda root: read_tiers(root, None),
    "pathways.yaml": read_pathways,
    "freshness.yaml": read_freshness,
    "drift.yaml": read_drift,
}
PLACES = {
    "boundary.yaml": ["", "limits", "zones[]", "admit[]", "allow[]"],
    "pii.yaml": ["", "entities[]"],
    "tiers.yaml": ["", "tiers.N", *(f"tiers.N.{key}" for key in ("approval", "package", "pathways", "workflows", "exception"))],
    "pathways.yaml": ["", "pathways[]", "unapproved"],
    "freshness.yaml": ["", "rules[]", "rules[].selector"],
    "drift.yaml": ["", "detectors[]"],
}
ELEMENTS = ["purpose", "ownership", "architecture", "dependencies", "tests", "release", "reviewed"]
SECRETS = {
    "": f"{PROBE} = 1\n",
    "rules[]": f"[[rules]]\n{PROBE} = 1\n",
    "allowlists[]": f"[[rules]]\n[[rules.allowlists]]\n{PROBE} = 1\n",
    "extend": f"[extend]\n{PROBE} = 1\n",
}


def documented(heading: str, place: str) -> set[str]:
    """The keys that the reference lists for a file at a place."""
    text = (ROOT / "docs" / "formats.md").read_text(encoding="utf-8")
    section = re.split(r"^### ", text, flags=re.MULTILINE)
    body = next(part for part in section if part.startswith(heading + "\n"))
    header = f"| in `{place}` | takes | means |" if place else "| at the top | takes | means |"
    rows = body[body.index(header) :].split("\n\n")[0].splitlines()[2:]
    return {key for row in rows for key in re.findall(r"`([\w.]+)`", row.split(" | ")[0])}


def probing(place: str) -> str:
    """YAML that has the probe as a key at ``place`` (``rules[].selector``), in one flow mapping."""
    text = f"{{{PROBE}: x}}"
    for step in reversed(place.replace(".N", ".1").split(".") if place else []):
        text = f"{{{step[:-2]}: [{text}]}}" if step.endswith("[]") else f"{{{step}: {text}}}"
    return text


def known(problems: list[str]) -> set[str]:
    """The keys that a message about the probe names."""
    (said,) = [problem for problem in problems if PROBE in problem]
    return set(re.split(r"; known: |; known here are ", said)[1].split(", "))


@pytest.mark.parametrize(("file", "place"), [(file, place) for file, places in PLACES.items() for place in places])
def test_keys_of_the_bundle(file: str, place: str) -> None:
    root = load(probing(place).encode(), file)
    READERS[file](root)
    assert documented(file, place) == known(root.problems)


@pytest.mark.parametrize("place", ["", *ELEMENTS])
def test_keys_of_the_context_package(place: str) -> None:
    read = read_context_file("context.yaml", probing(place).encode())
    problems = [*read.problems, *(problem for element in read.elements.values() for problem in element.problems)]
    assert documented("context.yaml", place) == known(list(dict.fromkeys(problems)))


@pytest.mark.parametrize("place", SECRETS)
def test_keys_of_secret_rules(place: str) -> None:
    _, problems = parse_secret_rules([("secrets/a.toml", SECRETS[place].encode())])
    extra = {"targetRules"} if place == "allowlists[]" else set()
    assert documented("secrets rules", place) == known(problems) | extra


def test_keys_of_the_settings(tmp_path: Path) -> None:
    (tmp_path / "contextd.toml").write_text(f"{PROBE} = 1\n")
    with pytest.raises(ConfigInvalid) as caught:
        load_settings(tmp_path, {})
    assert documented("contextd.toml", "contextd.toml") == set(caught.value.hint.removeprefix("known keys: ").split(", "))


def test_every_file_of_a_bundle_has_a_section() -> None:
    text = (ROOT / "docs" / "formats.md").read_text(encoding="utf-8")
    files = {path.name for path in (ROOT / "boundaries").iterdir() if path.is_file()}
    assert {file for file in files if file not in text} == set()
    assert set(READERS) == {file for file in files if file.endswith(".yaml")}
