from __future__ import annotations

from collections.abc import Callable

import pytest

from contextd.detect.drift.anchor_broken import BrokenAnchors
from contextd.detect.scene import Scene
from contextd.model.finding import Corpus, Finding, History, Severity

Tell = Callable[..., tuple[Corpus, History]]
DETECTOR = BrokenAnchors()
GUIDE = """\
# Guide

## Set up & run `make`

Setext one
----------

## FAQ
## FAQ
<a name="old"></a>
## Named {#by-hand}
### :rocket: Launch
<h2>In HTML</h2>
"""


def broken(story: tuple[Corpus, History]) -> list[Finding]:
    scene = Scene(*story)
    return [finding for path in DETECTOR.subjects(scene) for finding in DETECTOR.examine(scene, path)]


def test_a_heading_that_is_not_there_is_found(tell: Tell) -> None:
    (finding,) = broken(tell({"README.md": "text\n\n[x](docs/guide.md#tear-down)", "docs/guide.md": GUIDE}))
    assert (finding.code, finding.severity, finding.path, finding.line) == (
        "DRIFT-ANCHOR-BROKEN",
        Severity.ERROR,
        "README.md",
        3,
    )
    assert finding.claim == "docs/guide.md#tear-down"
    assert finding.observed == "docs/guide.md has no such heading in this snapshot"


@pytest.mark.parametrize(
    "anchor",
    ["guide", "set-up--run-make", "set-up-run-make", "setext-one", "faq-1", "faq_1", "old", "by-hand", "rocket-launch",
     "launch", "in-html", "L10", "top", "/route", "fn1", "tab/x", "user-content-guide"],
)  # fmt: skip
def test_anchors_of_every_generator_are_let_pass(tell: Tell, anchor: str) -> None:
    assert broken(tell({"README.md": f"[x](docs/guide.md#{anchor})", "docs/guide.md": GUIDE})) == []


def test_a_link_within_the_document_is_judged_too(tell: Tell) -> None:
    assert [f.claim for f in broken(tell({"README.md": "# One\n[x](#one) [y](#two)\n"}))] == ["README.md#two"]


@pytest.mark.parametrize(
    "text",
    [
        "{% include 'x' %}",
        "--8<-- 'x.md'",
        "<!-- include x -->",
        "```{include} x\n```",
        "import X from './x'",
        "$$$gone$$$ text",
    ],
)
def test_documents_that_are_put_together_elsewhere_are_not_judged(tell: Tell, text: str) -> None:
    assert broken(tell({"README.md": f"# One\n[y](#gone)\n\n{text}\n"})) == []


def test_other_targets_samples_and_records_are_not_judged(tell: Tell) -> None:
    files = {
        "README.md": "[a](x.py#L3) [b](y.rst#z) [c](gone.md#z) [d](/docs/guide.md#z)",
        "x.py": "",
        "y.rst": "",
        "docs/guide.md": "",
    }
    assert broken(tell(files)) == []
    assert broken(tell({"CHANGELOG.md": "[y](#gone)", "tests/fixtures/a.md": "[y](#gone)", "a.rst": "`x <#gone>`_"})) == []
