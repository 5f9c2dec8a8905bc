from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from contextd.crawl.git import open_git
from contextd.detect import detection
from contextd.detect.detection import Detected, NotChecked, detect
from contextd.detect.scene import Scene
from contextd.model.finding import Corpus, Finding, FreshnessState, History, Severity
from contextd.model.source import Component
from contextd.policy.bundle import load_bundle, read_bundle
from contextd.policy.detection import (
    DRIFT_CODES,
    Clock,
    DriftRule,
    DriftRules,
    FreshnessRule,
    FreshnessRules,
    PackageRequirement,
)

Tell = Callable[..., tuple[Corpus, History]]
NOW = datetime(2026, 11, 23, 18, 40, tzinfo=UTC)
FRESHNESS = FreshnessRules((FreshnessRule(1, clock=Clock.CHANGED, error_after=timedelta(days=30)),))
NEEDED = {3: PackageRequirement(required=True, max_age=timedelta(days=90))}
README = (
    "# Payments\n\nNeeds httpx 0.27 or newer.\n\nThe backoff lives in `src/retry.py`.\n\n[broken](gone.md) [anchor](#nowhere)\n"
)
FILES = {
    "README.md": README,
    "src/retry.py": "RETRIES = 3\n",
    "pyproject.toml": '[project]\nname = "payments"\ndependencies = ["httpx>=0.25,<0.26"]\n',
    "package.json": "{",
}


def run(story: tuple[Corpus, History], drift: DriftRules = DriftRules()) -> Detected:  # noqa: B008 - a frozen value
    return detect(*story, FRESHNESS, drift, NEEDED, NOW, commit="4b7e1c9" + "0" * 33)


@pytest.fixture
def story(tell: Tell) -> tuple[Corpus, History]:
    return tell(FILES, {"src/retry.py -> src/payments/retry.py": None})


def test_everything_is_found_in_one_pass_and_in_order(story: tuple[Corpus, History]) -> None:
    found = run(story)
    assert [(f.path, f.line, f.code) for f in found.findings if not f.code.startswith("PKG")] == [
        ("README.md", 1, "FRESH-STALE"),
        ("README.md", 3, "DRIFT-VERSION-CLAIM"),
        ("README.md", 5, "DRIFT-PATH-GONE"),
        ("README.md", 7, "DRIFT-ANCHOR-BROKEN"),
        ("README.md", 7, "DRIFT-LINK-BROKEN"),
        ("package.json", 1, "DRIFT-MANIFEST-UNREADABLE"),
    ]
    unreadable = next(finding for finding in found.findings if finding.code == "DRIFT-MANIFEST-UNREADABLE")
    assert (unreadable.quote, unreadable.claim) == ("{", "package.json")
    assert unreadable.observed.startswith("expected JSON")
    assert [one.state for one in found.freshness] == [FreshnessState.STALE]
    assert [(one.component, one.eligible) for one in found.packages] == [("rest", False)]
    assert found.not_checked == ()
    assert run(story) == found


def test_every_code_that_rules_may_name_has_a_detector(story: tuple[Corpus, History]) -> None:
    assert sorted(code for detector in detection.DETECTORS for code in detector.codes) == sorted(DRIFT_CODES)
    assert {f.code for f in run(story).findings if f.code.startswith("DRIFT")} == set(DRIFT_CODES)


@pytest.mark.parametrize("code", DRIFT_CODES)
def test_a_rule_switches_a_code_off_ignores_paths_and_caps_severity(story: tuple[Corpus, History], code: str) -> None:
    def found(rule: DriftRule) -> list[Finding]:
        return [finding for finding in run(story, DriftRules((rule,))).findings if finding.code == code]

    assert found(DriftRule(code, enabled=False)) == []
    assert found(DriftRule(code, ignore_paths=("README.md", "package.*"))) == []
    assert [finding.severity for finding in found(DriftRule(code, severity=Severity.INFO))] == [Severity.INFO]
    (usual,) = found(DriftRule(code))
    assert usual.severity is (Severity.WARN if code == "DRIFT-MANIFEST-UNREADABLE" else Severity.ERROR)


class Failing:
    codes: tuple[str, ...] = ("DRIFT-PATH-GONE",)

    def subjects(self, scene: Scene) -> Iterator[str]:
        return (path for path in (*scene.corpus.admitted(), "z.md") if path.endswith(".md"))

    def examine(self, scene: Scene, path: str) -> Iterator[Finding]:
        if scene.document(path):
            raise RuntimeError("the ground is wet")
        yield Finding("DRIFT-PATH-GONE", Severity.ERROR, path, 1, "", "x", "y", "z")


def test_a_detector_that_fails_hides_nothing_else_and_is_told(
    story: tuple[Corpus, History], monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = run(story)
    monkeypatch.setattr(detection, "DETECTORS", (Failing(), *detection.DETECTORS))
    found = run(story)
    assert found.not_checked == (NotChecked(("DRIFT-PATH-GONE",), "README.md", "RuntimeError: the ground is wet"),)
    assert set(usual.findings) < set(found.findings)
    assert [finding.path for finding in found.findings if finding.claim == "x"] == ["z.md"]


def test_each_component_has_a_package_at_its_own_tier(tell: Tell) -> None:
    story = tell({"ui/a.py": "", "b.py": ""}, components=(Component("admin-ui", ("ui/",), 1, "team-ui"),))
    packages = run(story).packages
    assert [(one.component, one.tier, one.required, one.eligible) for one in packages] == [
        ("admin-ui", 1, False, True),
        ("rest", 3, True, False),
    ]
    assert {finding.component for finding in run(story).findings} == {"rest"}


def test_the_default_bundle_judges_runbooks_by_review_and_records_not_at_all(tell: Tell) -> None:
    bundle = load_bundle(read_bundle(Path(__file__).parents[2] / "boundaries"))
    files = {
        "docs/runbook.md": "Last reviewed: 2026-04-25\n",
        "docs/guide.md": "x",
        "CHANGELOG.md": "x",
        "docs/adr/0001.md": "x",
    }
    found = detect(*tell(files), bundle.freshness, bundle.drift, {}, NOW)
    assert {one.path: (one.state, one.cause) for one in found.freshness} == {
        "docs/runbook.md": (FreshnessState.STALE, "reviewed 212d ago; tier 3 allows 180d"),
        "docs/guide.md": (FreshnessState.DUE, "changed 326d ago; tier 3 asks for a review after 270d"),
        "CHANGELOG.md": (FreshnessState.EXEMPT, "no limit applies at tier 3"),
        "docs/adr/0001.md": (FreshnessState.EXEMPT, "no limit applies at tier 3"),
    }


def git(folder: Path, *arguments: str, day: int = 1) -> None:
    environment = {
        "PATH": os.environ["PATH"],
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_AUTHOR_DATE": f"2026-10-{day:02d}T12:00:00Z",
        "GIT_COMMITTER_DATE": f"2026-10-{day:02d}T12:00:00Z",
    }
    identity = ("-c", "user.name=A U Thor", "-c", "user.email=author@example.org")
    subprocess.run(["git", *identity, *arguments], cwd=folder, env=environment, check=True, capture_output=True)


def test_the_same_story_through_git_itself(tmp_path: Path, tell: Tell) -> None:
    repository = tmp_path / "payments"
    repository.mkdir()
    git(repository, "init", "-q", "-b", "main")
    for path, text in FILES.items():
        (repository / path).parent.mkdir(parents=True, exist_ok=True)
        (repository / path).write_text(text)
    git(repository, "add", "-A")
    git(repository, "commit", "-qm", "Begin", day=1)
    (repository / "src/payments").mkdir()
    git(repository, "mv", "src/retry.py", "src/payments/retry.py")
    git(repository, "commit", "-qm", "Move into a package", day=20)
    corpus, _ = tell(FILES, {"src/retry.py -> src/payments/retry.py": None})
    crawler = open_git(str(repository), ("refs/heads/main",))
    commit = crawler.list("refs/heads/main").commit
    with crawler.history(commit, str) as history:
        found = detect(corpus, history, FRESHNESS, DriftRules(), {}, NOW, commit=commit)
    gone = next(finding for finding in found.findings if finding.code == "DRIFT-PATH-GONE")
    assert gone.rename_target == "src/payments/retry.py"
    assert gone.observed == f"no such path at {commit[:7]}"
    assert gone.breaking
    assert (gone.breaking.id, gone.breaking.subject) == (commit, "Move into a package")
    assert gone.history.endswith(f"it went with {commit[:7]} (2026-10-20)")
    assert found.freshness[0].cause == "changed 53d ago; tier 3 allows 30d"
    assert {finding.code for finding in found.findings} == {*DRIFT_CODES, "FRESH-STALE"}
