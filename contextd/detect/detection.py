"""All detectors over one snapshot: drift, freshness and context packages, as findings and states."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from pathspec import GitIgnoreSpec

from contextd.detect import freshness as fresh
from contextd.detect import package
from contextd.detect.drift.anchor_broken import BrokenAnchors
from contextd.detect.drift.manifest_unreadable import UnreadableManifests
from contextd.detect.drift.path_gone import DeadPaths
from contextd.detect.drift.version_claim import VersionClaims
from contextd.detect.scene import Detector, Scene
from contextd.model.finding import Corpus, Finding, Freshness, History, Package, Severity
from contextd.model.source import REST
from contextd.policy.detection import DriftRules, FreshnessRules, PackageRequirement

DETECTORS: Final[tuple[Detector, ...]] = (BrokenAnchors(), DeadPaths(), UnreadableManifests(), VersionClaims())

_RANK: Final = (Severity.INFO, Severity.WARN, Severity.ERROR)


@dataclass(frozen=True, slots=True)
class NotChecked:
    """A document that a detector failed on: nothing was said about it, so what was open there under ``codes`` stays open.

    ``why`` is the error in words for a log; it may hold text of the document.
    """

    codes: tuple[str, ...]
    path: str
    why: str


@dataclass(frozen=True, slots=True)
class Detected:
    """What was found: findings by path, line and code; a freshness for every document; a package for every component."""

    findings: tuple[Finding, ...]
    freshness: tuple[Freshness, ...]
    packages: tuple[Package, ...]
    not_checked: tuple[NotChecked, ...] = ()


def detect(
    corpus: Corpus,
    history: History,
    freshness: FreshnessRules,
    drift: DriftRules,
    tiers: Mapping[int, PackageRequirement],
    now: datetime,
    *,
    commit: str = "",
) -> Detected:
    """Run everything over one snapshot.

    Args:
        corpus: the snapshot's documents and listing.
        history: the history of its ref up to ``commit``.
        freshness: ``freshness.yaml``.
        drift: ``drift.yaml``.
        tiers: what each tier asks of a context package; a tier that is left out asks for nothing.
        now: the instant at which ages are judged, with a time zone.
        commit: id of the commit looked at, as findings name it; empty where the source is not git.

    A detector that fails on a document leaves a ``NotChecked`` and everything else is judged; nothing is raised.
    """
    scene = Scene(corpus, history, commit)
    findings, not_checked = _drift(scene, drift)
    judged = fresh.judge_all(scene, freshness, now)
    findings += (finding for one in judged if (finding := fresh.finding(one)))
    packages = []
    for component in (*(c.name for c in corpus.descriptor.components), REST):
        tier = corpus.descriptor.tier_of(component)
        needed = tiers.get(tier, PackageRequirement())
        packages.append(package.check(corpus, component, tier, required=needed.required, max_age=needed.max_age, now=now))
        findings += package.findings(packages[-1])
    return Detected(
        tuple(sorted(findings, key=lambda f: (f.path.encode("utf-8", "surrogateescape"), f.line, f.code, f.claim))),
        tuple(one.freshness for one in judged),
        tuple(packages),
        not_checked,
    )


def _drift(scene: Scene, rules: DriftRules) -> tuple[list[Finding], tuple[NotChecked, ...]]:
    findings: list[Finding] = []
    failed: list[NotChecked] = []
    for detector in DETECTORS:
        if not any(rules.of(code).enabled for code in detector.codes):
            continue
        for path in detector.subjects(scene):
            try:
                found = list(detector.examine(scene, path))
            except Exception as error:  # noqa: BLE001 - one document that a detector cannot take must not hide the others
                failed.append(NotChecked(detector.codes, path, f"{type(error).__name__}: {error}"))
            else:
                findings += found
    return list(_ruled(findings, rules)), tuple(failed)


def _ruled(findings: list[Finding], rules: DriftRules) -> Iterator[Finding]:
    """What the rules let through, at most at the severity that they allow."""
    ignored = {code: GitIgnoreSpec.from_lines(rules.of(code).ignore_paths) for code in {finding.code for finding in findings}}
    for finding in findings:
        rule = rules.of(finding.code)
        if rule.enabled and not ignored[finding.code].match_file(finding.path):
            yield replace(finding, severity=min(finding.severity, rule.severity, key=_RANK.index))
