"""The demo tells what is true of the samples: every chapter is there, and without the drift it tells another story."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.conftest import quicken

SAMPLES = Path(__file__).parents[2] / "sample_repos"

RELEASE = """\
# Release and roll back

Merge to main; the pipeline deploys to one region and, when it stays quiet for an hour, to the others.

## Rollback

Deploy the previous tag with `make deploy TAG=previous`. Baskets are kept; nothing else has to be undone.
"""
TESTS = """\
tests: {critical_paths: [src/basket.ts], coverage: 80 on critical paths, integration: [tests/integration/]}
release: {release: docs/release.md, rollback: docs/release.md#rollback}
"""


@pytest.fixture
def demo(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script, loaded anew; commands run in this process."""
    quicken(monkeypatch)
    for name in ("CONTEXTD_HOME", "CONTEXTD_TOKEN_FILE", "CONTEXTD_FORMAT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "path", [str(SAMPLES), *sys.path])
    monkeypatch.delitem(sys.modules, "build", raising=False)
    spec = importlib.util.spec_from_file_location("contextd_demo", SAMPLES / "demo.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.delitem(sys.modules, "build", raising=False)
    return module


def told(demo: ModuleType, capsys: pytest.CaptureFixture[str], target: Path, samples: Path | None = None) -> str:
    """What the story prints."""
    demo.tell(samples=samples, target=target)
    return capsys.readouterr().out


@pytest.mark.slow
def test_the_story_has_every_chapter_and_its_facts_are_those_of_the_samples(
    demo: ModuleType, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    story = told(demo, capsys, tmp_path / "scratch")
    chapters = re.findall(r"(?m)^([1-7]) (\w+)", story)
    assert chapters == list(zip("1234567", ["register", "crawl", "drift", "stale", "ask", "refuse", "prove"], strict=True))
    assert "5 sources proposed by team-payments, 5 approved by steward@example.org" in story
    assert re.search(r"(?m)^2 crawl +(\d+) files in .*: 39 admitted, 2 excluded, 2 spans redacted$", story)
    assert re.search(r"excluded payments +deploy/prod\.env +EXCL-NEVER-INGEST +zone credentials", story)
    assert re.search(r"redacted payments +src/payments/settings\.py:11 +\[REDACTED:stripe-secret-key\]", story)
    assert re.search(r"redacted tickets +PAY-311\.ticket\.md:\d+ +\[REDACTED:EMAIL_ADDRESS\]", story)
    assert "planted values, plain and encoded: 0 found" in story
    assert re.search(r"payments README\.md:14 +DRIFT-PATH-GONE +src/retry\.py: moved to src/payments/retry\.py", story)
    assert re.search(r"payments README\.md:7 +DRIFT-VERSION-CLAIM .*httpx 0\.25\.2 resolved in uv\.lock", story)
    assert re.search(r"(?m)^4 stale +payments docs/runbook\.md +FRESH-STALE +reviewed 212d ago; tier 3 allows 180d$", story)
    assert re.search(r'(?m)^5 ask +"how are refunds retried\?" by dev@example\.org over ide-assistant: allowed, 4 hits$', story)
    assert len(re.findall(r"(?m)^   \[\d\] payments [\w./-]+:\d+-\d+", story)) == 4
    assert re.search(r"from ctx1:[0-9a-f]{12} at git [0-9a-f]{7}, receipt rcpt1:[0-9a-f]{12}, audit \d+", story)
    assert "6 refuse    the same to checkout over coding-agent: NOT_ELIGIBLE, its package lacks tests, release" in story
    assert "mend: contextd package check checkout" in story
    assert len(re.findall(r"(?m)^.*\bok +(?:id|signature|served|audit) ", story)) == 4
    assert "snapshot recomputed from the repository alone: the same id ctx1:" in story
    assert "entries recomputed, nothing edited" in story
    assert "FAIL" not in story
    assert (tmp_path / "scratch" / "home" / "contextd.toml").exists()


@pytest.mark.slow
def test_with_the_drift_taken_out_the_story_changes(
    demo: ModuleType, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    samples = tmp_path / "samples"
    shutil.copytree(SAMPLES, samples, ignore=shutil.ignore_patterns("__pycache__"))
    mend(samples)
    story = told(demo, capsys, tmp_path / "scratch", samples)
    assert re.search(r"(?m)^2 crawl +.* 0 spans redacted$", story)
    assert "redacted payments" not in story
    assert "prod.env" not in story
    assert "0 planted values" in story
    assert "3 drift     nothing that is told has left reality" in story
    assert "4 stale     every document was" in story
    assert re.search(r"(?m)^6 refuse +nothing: checkout is eligible, (1 hit|[2-9] hits|[1-9]\d+ hits)$", story)
    assert "the same id ctx1:" in story
    assert "FAIL" not in story


def mend(samples: Path) -> None:
    """Take out of the samples what the demo is about: claims that are no longer true, secrets, an incomplete package."""
    payments, checkout = samples / "payments", samples / "checkout"
    readme = (payments / "1-first" / "README.md").read_text(encoding="utf-8")
    mended = readme.replace("Needs httpx 0.27 or newer. That", "A later").replace("src/retry.py", "src/payments/retry.py")
    assert mended != readme
    runbook = (payments / "3-docs" / "docs" / "runbook.md").read_text(encoding="utf-8")
    (payments / "5-mend" / "docs").mkdir(parents=True)
    (payments / "5-mend" / "README.md").write_text(mended, encoding="utf-8")
    (payments / "5-mend" / "docs" / "runbook.md").write_text(runbook.replace("@DATE:212@", "@DATE:9@"), encoding="utf-8")
    with (payments / "history.toml").open("a", encoding="utf-8") as history:
        history.write('\n[[commit]]\nfolder = "5-mend"\nmessage = "Say what is true"\ndays_ago = 5\n')
    (payments / "2-package" / "deploy" / "prod.env").unlink()
    settings = payments / "2-package" / "src" / "payments" / "settings.py"
    settings.write_text(settings.read_text(encoding="utf-8").replace("@SECRET:stripe@", ""), encoding="utf-8")
    export = samples / "tickets" / "export.jsonl"
    tickets = [json.loads(line) for line in export.read_text(encoding="utf-8").splitlines()]
    plain = "".join(json.dumps(ticket).replace("@PII:email@", "somebody") + "\n" for ticket in tickets)
    export.write_text(plain, encoding="utf-8")
    (checkout / "1-first" / "docs" / "release.md").write_text(RELEASE, encoding="utf-8")
    (checkout / "1-first" / "tests" / "integration").mkdir(parents=True)
    (checkout / "1-first" / "tests" / "integration" / "order.test.ts").write_text("export {}\n", encoding="utf-8")
    with (checkout / "1-first" / "context.yaml").open("a", encoding="utf-8") as context:
        context.write(TESTS)


def test_no_sample_holds_a_value_that_looks_like_a_credential() -> None:
    marks = re.compile(
        rb"(?:sk|rk)_live_[0-9A-Za-z]{10,}|ghp_[0-9A-Za-z]{20,}|-----BEGIN [A-Z ]*PRIVATE KEY-----|AKIA[0-9A-Z]{16}"
    )
    found = [path for path in SAMPLES.rglob("*") if path.is_file() and marks.search(path.read_bytes())]
    assert found == []
