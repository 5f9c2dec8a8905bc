from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contextd.detect.contextfile import ELEMENTS, read_context_file
from contextd.detect.package import check, findings
from contextd.model.finding import Corpus, History, Package, PackageElement
from contextd.model.source import REST, Component

Tell = Callable[..., tuple[Corpus, History]]
NOW = datetime(2026, 11, 23, 18, 40, tzinfo=UTC)

CONTEXT = """\
schema: contextd.dev/context/v1
purpose: {is: Takes and refunds card payments., is_not: [invoicing, fraud scoring]}
ownership: {owner: team-payments, escalation: ["#payments-oncall", payments-oncall@example.org]}
architecture: {invariants: [A refund never exceeds its charge.], constraints: [docs/adr/0002.md]}
dependencies: {lock: uv.lock, alignment: ["pkg:pypi/httpx vers:pypi/>=0.25|<0.26"]}
tests: {critical_paths: [src/payments/refund.py], coverage: 85 on critical paths, integration: [tests/integration/]}
release: {release: docs/release.md, rollback: docs/release.md#rollback}
reviewed: {date: 2026-10-02, by: team-payments}
covers: {docs/runbook.md: ["src/payments/", "deploy/*.yaml"]}
"""
FILES = {
    "context.yaml": CONTEXT,
    "docs/adr/0002.md": "# 2. Use httpx\n\nStatus: Accepted\n",
    "src/payments/refund.py": "",
    "tests/integration/test_refund.py": "",
    "docs/release.md": "# Release\n\nDeploy it.\n\n## Rollback\n\nRoll back.\n",
}
LOCKED = ["uv.lock"]
CHECKOUT = """\
# Checkout

[![badge](x.svg)](y)

Takes orders from the cart to the ledger,
once.

## On-call

Escalate to #checkout.
"""


def checked(story: tuple[Corpus, History], component: str = REST, *, max_age: int | None = 90) -> Package:
    limit = timedelta(days=max_age) if max_age is not None else None
    return check(story[0], component, 3, required=True, max_age=limit, now=NOW)


def element(package: Package, name: str) -> PackageElement:
    return next(one for one in package.elements if one.name == name)


def states(package: Package) -> dict[str, str]:
    return {one.name: one.state for one in package.elements if one.state != "ok"}


def test_a_whole_context_file_makes_the_component_eligible(tell: Tell) -> None:
    package = checked(tell(FILES, excluded=LOCKED))
    assert [one.name for one in package.elements] == list(ELEMENTS)
    assert states(package) == {}
    assert package.eligible
    assert package.lacking == ()
    assert package.reviewed_at == datetime(2026, 10, 2, tzinfo=UTC)
    assert (
        element(package, "ownership").evidence == "team-payments (context.yaml:3), escalation #payments-oncall (context.yaml:3)"
    )
    assert element(package, "reviewed").evidence == "2026-10-02 by team-payments (52d; tier 3 allows 90d)"
    assert package.facts == {
        "invariants": ("A refund never exceeds its charge.",),
        "critical_paths": ("src/payments/refund.py",),
        "alignment": ("pkg:pypi/httpx vers:pypi/>=0.25|<0.26",),
    }
    assert list(findings(package)) == []


@pytest.mark.parametrize(
    ("old", "new", "state", "evidence"),
    [
        ("is: Takes and refunds card payments.", "is: Payments", "purpose weak", "context.yaml:2 says too little to act on"),
        ("0002.md]", "9.md]", "architecture weak", "context.yaml:4 names docs/adr/9.md, which does not exist"),
        ("lock: uv.lock", "lock: go.sum", "dependencies weak", "context.yaml:5 names go.sum, which does not exist"),
        (
            "[src/payments/refund.py]",
            '["src/*/x_*.py"]',
            "tests weak",
            "context.yaml:6 names src/*/x_*.py, which matches nothing",
        ),
        ("#rollback", "#undo", "release weak", "context.yaml:7 names docs/release.md#undo, whose heading does not exist"),
        (
            ", rollback: docs/release.md#rollback",
            "",
            "release ok",
            "context.yaml:7, docs/release.md:3, rollback docs/release.md:7",
        ),
        ("by: team-payments}", "by: }", "reviewed weak", "context.yaml:8 does not say by"),
        ("2026-10-02", "2026-08-25", "reviewed stale", "2026-08-25 by team-payments (90d; tier 3 allows 90d)"),
        ("2026-10-02", "2027-10-02", "reviewed weak", "2027-10-02 by team-payments, which is in the future"),
        ("2026-10-02", "2026-02-30", "reviewed weak", "context.yaml:8: date is '2026-02-30', which is not a date"),
        ("coverage: 85 on critical paths, ", "", "tests weak", "context.yaml:6 does not say coverage"),
        ("integration:", "integratoin:", "tests weak", "context.yaml:6: unknown key integratoin; did you mean integration?"),
        ("tests:", "test:", "tests weak", "context.yaml:6: unknown key test; did you mean tests?"),
    ],
)
def test_what_is_stated_is_checked(tell: Tell, old: str, new: str, state: str, evidence: str) -> None:
    package = checked(tell({**FILES, "context.yaml": CONTEXT.replace(old, new)}, excluded=LOCKED))
    name, _, expected = state.partition(" ")
    found = element(package, name)
    assert found.state == expected
    assert found.evidence.startswith(evidence)
    assert package.eligible is (expected == "ok")


@pytest.mark.parametrize(
    "text", ["", "- a\n", "schema: [", "schema: contextd.dev/context/v9\n", "\tx: 1\n", "a: &a b\nc: *a\n", "\x00"]
)
def test_a_file_that_is_none_never_makes_anything_eligible(tell: Tell, text: str) -> None:
    package = checked(tell({**FILES, "context.yaml": text}, excluded=LOCKED))
    assert not package.eligible
    reviewed = element(package, "reviewed")
    assert reviewed.state in {"weak", "missing"}
    assert reviewed.evidence.startswith("context.yaml:")


def test_documents_stand_in_where_nothing_is_stated(tell: Tell) -> None:
    story = tell(
        {
            "README.md": CHECKOUT,
            ".github/CODEOWNERS": "# who\n* @example/team-checkout\n",
            "docs/adr/0001-a.md": "# 1\n\n## Status\n\nAccepted\n",
            "docs/adr/0002-b.md": "# 2\n\nStatus: superseded\n",
            "docs/testing.md": "Critical paths: `src/refund.py`.\nCoverage stays above 85 %.\nIntegration tests: tests/it/\n",
            "docs/release.md": "# Release\n\nDeploy with make.\n\nRoll back with make undo.\n",
        },
        excluded=["uv.lock"],
    )
    package = checked(story)
    assert {one.name: one.evidence for one in package.elements} == {
        "purpose": "README.md:1-6",
        "ownership": ".github/CODEOWNERS:2, escalation README.md:10",
        "architecture": "docs/adr/ 1 accepted",
        "dependencies": "uv.lock",
        "tests": "critical_paths docs/testing.md:1, coverage docs/testing.md:2, integration docs/testing.md:3",
        "release": "docs/release.md:3, rollback docs/release.md:5",
        "reviewed": "date and by are nowhere stated",
    }
    assert states(package) == {"reviewed": "missing"}


def test_documents_that_say_too_little_are_weak(tell: Tell) -> None:
    story = tell(
        {
            "README.md": "# Checkout\n\n[![badge](x.svg)](y)\n",
            "CODEOWNERS": "* @example/team-checkout\n",
            "docs/adr/0001-a.md": "Status: Proposed\n",
            "pyproject.toml": "",
            "CONTRIBUTING.md": "Run the integration tests.\n",
            "docs/release.md": "# Ship it\n\nDeploy with make.\n",
        }
    )
    package = checked(story)
    assert {one.name: (one.evidence, one.lacks) for one in package.elements if one.state == "weak"} == {
        "purpose": ("README.md:1 does not say what it is for", "is"),
        "ownership": ("CODEOWNERS:1 names @example/team-checkout, nothing tells whom to call", "escalation"),
        "architecture": ("docs/adr/ 1 decisions, none accepted", "constraints"),
        "dependencies": ("pyproject.toml:1 declares ranges, no lock file resolves them", "lock"),
        "tests": ("integration CONTRIBUTING.md:1; nothing on critical_paths and coverage", "critical_paths, coverage"),
        "release": ("docs/release.md:3 tells how to deploy, not how to roll back", "rollback"),
    }


def test_further_ways_in_which_documents_speak(tell: Tell) -> None:
    story = tell(
        {
            "README.md": "Escalation goes to the desk, which is always staffed.\n",
            "docs/architecture.md": "too little",
            "requirements.txt": "httpx==0.25.2\nclick==8.1\n",
            "docs/rollback.md": "Roll back with make.\n",
        }
    )
    package = checked(story)
    assert element(package, "ownership").evidence == "README.md:1 tells whom to call, not who owns it"
    assert element(package, "architecture").evidence == "docs/architecture.md:1 says too little to act on"
    assert element(package, "dependencies").evidence == "requirements.txt:1, all pinned"
    assert element(package, "release").evidence == "docs/rollback.md:1 tells how to roll back, not how to release"
    more = checked(
        tell(
            {"catalog-info.yaml": "spec:\n  owner: team-x\n", "requirements.txt": "click>=8\n", "docs/design.md": "word " * 40}
        )
    )
    assert element(more, "ownership").evidence.startswith("catalog-info.yaml:2 names team-x")
    assert element(more, "dependencies").state == "weak"
    assert element(more, "architecture").evidence == "docs/design.md:1"


def test_nothing_at_all_is_missing_and_told(tell: Tell) -> None:
    package = checked(tell({"a.py": ""}))
    assert set(states(package).values()) == {"missing"}
    found = {finding.claim: finding for finding in findings(package)}
    assert len(found) == len(ELEMENTS)
    assert found["package rest: purpose"].observed == "nothing says what it is for"
    assert found["package rest: dependencies"].observed == "no lock file is named, and none is there"
    tests = found["package rest: tests"]
    assert (tests.code, tests.path, tests.line, str(tests.severity)) == ("PKG-MISSING", "context.yaml", 1, "warn")
    assert tests.observed == "critical_paths, coverage and integration are nowhere stated"
    assert tests.remediation == "state it in context.yaml, tests: critical_paths, coverage, integration"


def test_a_tier_that_asks_for_no_package_is_eligible_and_silent(tell: Tell) -> None:
    corpus, _ = tell({"a.py": ""})
    package = check(corpus, REST, 1, required=False, max_age=None, now=NOW)
    assert package.eligible
    assert list(findings(package)) == []


def test_max_age_is_half_open(tell: Tell) -> None:
    corpus, _ = tell(FILES, excluded=LOCKED)
    ends = datetime(2026, 10, 2, tzinfo=UTC) + timedelta(days=90)
    for now, state in ((ends - timedelta(seconds=1), "ok"), (ends, "stale")):
        package = check(corpus, REST, 3, required=True, max_age=timedelta(days=90), now=now)
        assert element(package, "reviewed").state == state


def test_without_max_age_nothing_grows_stale(tell: Tell) -> None:
    package = checked(
        tell({**FILES, "context.yaml": CONTEXT.replace("2026-10-02", "2016-10-02")}, excluded=LOCKED), max_age=None
    )
    assert element(package, "reviewed").evidence == "2016-10-02 by team-payments (3704d)"


def test_a_component_speaks_for_itself_before_the_root_does(tell: Tell) -> None:
    ui = Component("admin-ui", ("ui/",), 3, "team-ui")
    own = CONTEXT.replace("team-payments", "team-ui")
    files = {
        **FILES,
        "ui/README.md": "# UI\n\nThe screens that agents use for refunds.\n",
        "ui/a.py": "",
        "README.md": "# P\n\nTakes and refunds card payments.\n",
    }
    package = checked(tell({**files, "ui/context.yaml": own}, excluded=LOCKED, components=(ui,)), "admin-ui")
    assert element(package, "ownership").evidence.startswith("team-ui (ui/context.yaml:3)")
    root = checked(tell(files, excluded=LOCKED, components=(ui,)), "admin-ui")
    assert element(root, "ownership").evidence.startswith("team-payments (context.yaml:3)")
    bare = checked(tell({k: v for k, v in files.items() if k != "context.yaml"}, components=(ui,)), "admin-ui")
    assert element(bare, "purpose").evidence == "ui/README.md:1-3"
    assert element(checked(tell(files, components=(ui,))), "purpose").path == "context.yaml"


@settings(max_examples=80, deadline=None)
@given(
    st.binary(max_size=60) | st.text("schema:context/v1.dev{}[]\n -#'\"&*!|purposeisreviewed20-", max_size=120).map(str.encode)
)
def test_no_context_file_raises(text: bytes) -> None:
    found = read_context_file("context.yaml", b"schema: contextd.dev/context/v1\n" + text)
    assert all(problem.startswith("context.yaml:") for problem in found.problems)
