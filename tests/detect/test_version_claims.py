from __future__ import annotations

from collections.abc import Callable

import pytest

from contextd.detect.drift.version_claim import VersionClaims
from contextd.detect.scene import Scene
from contextd.model.finding import Corpus, Finding, History, Severity

Tell = Callable[..., tuple[Corpus, History]]
DETECTOR = VersionClaims()

PYPROJECT = """\
[project]
name = "payments"
requires-python = ">=3.11"
dependencies = [
  "httpx>=0.25,<0.26",
  "Django>=4.2.3",
  "redis>=5",
]
"""
UV_LOCK = 'version = 1\n\n[[package]]\nname = "httpx"\nversion = "0.25.2"\nsource = { registry = "x" }\n'


def claims(story: tuple[Corpus, History]) -> list[Finding]:
    scene = Scene(*story)
    return [finding for path in DETECTOR.subjects(scene) for finding in DETECTOR.examine(scene, path)]


def said(tell: Tell, text: str, **files: str) -> list[tuple[str, str]]:
    manifests = {name.replace("__", "."): content for name, content in files.items()} or {"pyproject.toml": PYPROJECT}
    return [(f.claim, str(f.severity)) for f in claims(tell({"README.md": text, **manifests}))]


def test_a_claim_above_what_the_lock_resolves_is_found_with_both_sides(tell: Tell) -> None:
    text = "# Payments\n\nNeeds httpx 0.27 or newer.\n"
    before = {"README.md": text, "pyproject.toml": PYPROJECT.replace(">=0.25,<0.26", ">=0.27")}
    (finding,) = claims(tell(before, {"pyproject.toml": PYPROJECT, "uv.lock": UV_LOCK}))
    assert (finding.code, finding.severity, finding.path, finding.line) == (
        "DRIFT-VERSION-CLAIM",
        Severity.ERROR,
        "README.md",
        3,
    )
    assert finding.quote == "Needs httpx 0.27 or newer."
    assert finding.claim == "httpx>=0.27"
    assert finding.observed == 'httpx 0.25.2 resolved in uv.lock:5; pyproject.toml:5 asks "httpx>=0.25,<0.26"'
    assert finding.remediation == 'either change pyproject.toml:5 to ">=0.27", or write "0.25" in README.md:3'
    assert finding.breaking
    assert finding.breaking.subject == "commit 1"


def test_a_claim_that_was_wrong_from_the_start_has_no_breaking_commit(tell: Tell) -> None:
    (finding,) = claims(tell({"README.md": "Requires Python 3.9+", "pyproject.toml": PYPROJECT}))
    assert finding.breaking is None
    assert finding.history == "README.md says so since 0000000 (2026-01-01)"
    (unsure,) = claims(tell({"pyproject.toml": PYPROJECT}, {"README.md": "Requires Python 3.9+"}, complete=False))
    assert unsure.breaking is None


@pytest.mark.parametrize(
    ("text", "claim", "severity"),
    [
        ("Requires Python 3.9+", "python>=3.9", "error"),
        ("Python 3.9 or later is required.", "python>=3.9", "error"),
        ("You need at least Python 3.9.", "python>=3.9", "error"),
        ("**Payments** supports Python 3.9 and above.", "python>=3.9", "error"),
        ("This project needs Python >= 3.9", "python>=3.9", "error"),
        ("Minimum supported Python version: 3.9", "python>=3.9", "error"),
        ("## Requirements\n\n- Python 3.9+\n", "python>=3.9", "error"),
        ("## Prerequisites\n\n1. [Python](https://x.org) 3.9 or newer\n", "python>=3.9", "error"),
        ("Requires Python 3.13+", "python>=3.13", "warn"),
        ("Needs `httpx` 0.27 or newer", "httpx>=0.27", "error"),
        ("It depends on httpx>=0.26.", "httpx>=0.26", "error"),
        ("httpx is pinned to 0.24.1.", "httpx==0.24.1", "error"),
        ("Requires Django 3.2+.", "django>=3.2", "error"),
        ("Requires Python 3.11+ and Django 3.2+.", "django>=3.2", "error"),
        ("We require `httpx==0.24`.", "httpx==0.24", "error"),
    ],
)
def test_bounds_and_pins_in_the_words_that_people_use(tell: Tell, text: str, claim: str, severity: str) -> None:
    assert said(tell, text) == [(claim, severity)]


@pytest.mark.parametrize(
    "text",
    [
        "Requires Python 3.11+",
        "Requires Python 3+",
        "Needs httpx 0.25 or newer",
        "Requires Django 4.2+",
        "httpx is pinned to 0.25",
    ],
)
def test_claims_that_hold_at_the_precision_of_the_text_are_left_alone(tell: Tell, text: str) -> None:
    assert said(tell, text) == []


@pytest.mark.parametrize(
    "text",
    [
        "Works like Python 3.9+",  # nothing is required
        "We tested httpx 0.27 yesterday",  # neither bound nor pin
        "If you use Python 3.9+, dictionaries are ordered; needs care.",
        "The async plugin requires Python 3.9+",
        "tox requires Python 3.9+",
        "Requires Python 3.9+ for the async client.",
        "To use type hints you need Python 3.9+.",
        "Python 3.9+ is needed to use the plugin.",
        "Support for Python 3.9+ was dropped",
        "Python 3.9 or newer is recommended",
        "Needs Redis 6+",  # the server; the package of that name is its client
        "Needs flask 2+",  # not declared
        "## Changelog\n\nRequires Python 3.9+",
        "```\nRequires Python 3.9+\n```",
        "| Needs Python 3.9+ |",
        "Requires Python 3.9, 3.10 or 3.11",
        "Development requires Python 3.9+",
        "Requires version 3.9+",
    ],
)
def test_statements_that_are_not_the_projects_requirement_are_left_alone(tell: Tell, text: str) -> None:
    assert said(tell, text) == []


def test_the_nearest_manifest_decides(tell: Tell) -> None:
    files = {
        "pyproject.toml": PYPROJECT,
        "services/api/pyproject.toml": '[project]\nname = "api"\nrequires-python = ">=3.9"\n',
        "services/api/docs/setup.md": "Requires Python 3.9+",
        "docs/setup.md": "Requires Python 3.9+",
    }
    assert [f.path for f in claims(tell(files))] == ["docs/setup.md"]


def test_manifests_that_disagree_decide_nothing(tell: Tell) -> None:
    other = '[tool.poetry]\nname = "x"\n[tool.poetry.dependencies]\nhttpx = "^0.27"\n'
    assert said(tell, "Needs httpx 0.28+", pyproject__toml=PYPROJECT, requirements__txt="httpx==0.20\n") == []
    assert said(tell, "Needs express 9+", pyproject__toml=other, package__json='{"dependencies": {"react": "1"}}') == []


def test_node_go_and_rust_speak_too(tell: Tell) -> None:
    assert said(tell, "Requires Node.js 14+", package__json='{"name": "payments", "engines": {"node": ">=18"}}') == [
        ("node>=14", "error")
    ]
    assert said(tell, "Requires Go 1.18 or newer", go__mod="module example.org/payments\n\ngo 1.22.0\n") == [
        ("go>=1.18", "error")
    ]
    assert said(tell, "The MSRV is 1.63", Cargo__toml='[package]\nname = "payments"\nrust-version = "1.70"\n') == [
        ("rust>=1.63", "error")
    ]
    assert said(tell, "Needs react 17+", package__json='{"dependencies": {"react": "^18.2.0"}}') == [("react>=17", "error")]
    assert said(tell, "Needs react 18+", package__json='{"dependencies": {"react": "^18.2.0"}}') == []
    assert said(tell, "Needs react 17+", package__json='{"devDependencies": {"react": "^18.2.0"}}') == []


def test_a_workspace_root_says_nothing_of_its_packages_runtime(tell: Tell) -> None:
    root = '{"name": "payments", "private": true, "workspaces": ["packages/*"], "engines": {"node": ">=20"}}'
    assert said(tell, "Requires Node.js 14+", package__json=root) == []
    files = {"README.md": "Requires Node.js 14+", "package.json": '{"name": "payments", "engines": {"node": ">=20"}}'}
    assert len(claims(tell(files))) == 1
    assert claims(tell(files, excluded=["pnpm-workspace.yaml"])) == []


def test_peers_are_the_readers_to_resolve(tell: Tell) -> None:
    package = '{"devDependencies": {"eslint": "^9.1.0"}, "peerDependencies": {"eslint": ">=8"}}'
    assert said(tell, "Requires eslint 8+", package__json=package) == []
    assert said(tell, "Requires eslint 7+", package__json=package) == [("eslint>=7", "error")]


def test_several_resolved_versions_contradict_only_together(tell: Tell) -> None:
    manifest = '[package]\nname = "payments"\n[dependencies]\nrand = ">=0.7"\n'
    lock = '[[package]]\nname = "rand"\nversion = "0.7.3"\n\n[[package]]\nname = "rand"\nversion = "0.8.5"\n'
    assert said(tell, "Needs rand 0.9+", Cargo__toml=manifest, Cargo__lock=lock) == [("rand>=0.9", "error")]
    assert said(tell, "Needs rand 0.8+", Cargo__toml=manifest, Cargo__lock=lock) == [("rand>=0.8", "warn")]


def test_a_member_inherits_what_the_workspace_declares(tell: Tell) -> None:
    files = {
        "Cargo.toml": '[workspace]\nmembers = ["a"]\n[workspace.dependencies]\nserde = "1.0.200"\n',
        "a/Cargo.toml": '[package]\nname = "a"\n[dependencies]\nserde = { workspace = true }\n',
        "a/README.md": "Requires serde 2.0 or newer",
    }
    (finding,) = claims(tell(files))
    assert finding.observed == 'Cargo.toml:4 asks "serde 1.0.200"'


def test_broken_manifests_stop_nothing(tell: Tell) -> None:
    assert said(tell, "Requires Python 3.9+", pyproject__toml=PYPROJECT, package__json="{") == [("python>=3.9", "error")]


def test_a_source_is_known_by_its_registered_name(tell: Tell) -> None:
    story = tell({"README.md": "checkout-service requires Python 3.9+", "pyproject.toml": PYPROJECT}, name="checkout-service")
    assert len(claims(story)) == 1
