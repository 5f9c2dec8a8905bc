"""What a bundle says to the detectors, as values: ``freshness.yaml``, ``drift.yaml`` and the package part of ``tiers.yaml``."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, StrEnum
from typing import Final

from contextd.model.finding import Severity
from contextd.model.source import ContentKind

FRESHNESS_SCHEMA: Final = "contextd.dev/freshness/v1"
DRIFT_SCHEMA: Final = "contextd.dev/drift/v1"

DRIFT_CODES: Final = (
    "DRIFT-ANCHOR-BROKEN",
    "DRIFT-LINK-BROKEN",
    "DRIFT-MANIFEST-UNREADABLE",
    "DRIFT-PATH-GONE",
    "DRIFT-VERSION-CLAIM",
)
"""The codes that ``drift.yaml`` may name: those a detector exists for."""


class Clock(StrEnum):
    """What the age of a document is counted from: its last recorded review, or the last commit that changed it."""

    REVIEWED = "reviewed"
    CHANGED = "changed"


class Inherit(Enum):
    """Stands where a rule leaves a key out: the next less specific rule that matches decides it."""

    INHERIT = "inherit"


INHERIT: Final = Inherit.INHERIT


@dataclass(frozen=True, slots=True)
class FreshnessRule:
    """One item of ``rules`` in ``freshness.yaml``; ``line`` is where it stands in that file, from 1.

    YAML keys and what they become:

    - ``selector.content`` (one kind or a list) → ``contents``: the content kind of the source; empty means every one.
    - ``selector.paths`` (list of gitignore patterns) → ``paths``; empty means every document.
    - ``selector.tiers`` (list of 1-4) → ``tiers``: the tier of the document's component; empty means every tier.
    - ``clock`` (``reviewed`` or ``changed``) → ``clock``.
    - ``warn_after``, ``error_after`` (a duration, or ``null``, which switches that limit off) → the limits. A document is due
      from ``warn_after`` on and stale from ``error_after`` on; with both off it is exempt.
    - ``suppress_until`` (a date: its midnight in UTC, or a time) with ``reason``, which is then required. Until before that
      instant no finding is reported; the state stays what it is, so that nothing unfit is served because of it.

    ``clock`` and the limits are ``INHERIT`` where the key is absent. ``line`` 0 is a rule that no file holds.
    """

    line: int
    contents: tuple[ContentKind, ...] = ()
    paths: tuple[str, ...] = ()
    tiers: tuple[int, ...] = ()
    clock: Clock | Inherit = INHERIT
    warn_after: timedelta | Inherit | None = INHERIT
    error_after: timedelta | Inherit | None = INHERIT
    suppress_until: datetime | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class FreshnessRules:
    """``freshness.yaml``: ``schema`` and ``rules``, in the order of the file.

    The most specific rule that matches wins, key by key: rules with ``paths`` before those without, a longer literal part of
    the matching pattern first; then those with ``contents``, then those with ``tiers`` (fewer tiers first), then the later one.
    """

    rules: tuple[FreshnessRule, ...] = ()


@dataclass(frozen=True, slots=True)
class DriftRule:
    """One item of ``detectors`` in ``drift.yaml``, each ``code`` at most once.

    YAML keys: ``code`` (one of ``DRIFT_CODES``), ``enabled`` (boolean, default true), ``severity`` (``info``, ``warn`` or
    ``error``: the most it may report at; a finding the detector is less sure of stays lower), ``ignore_paths`` (gitignore
    patterns of documents and manifests that are not looked at).
    """

    code: str
    line: int = 0
    enabled: bool = True
    severity: Severity = Severity.ERROR
    ignore_paths: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DriftRules:
    """``drift.yaml``: ``schema`` and ``detectors``. A code that is not listed is enabled with its defaults."""

    detectors: tuple[DriftRule, ...] = ()

    def of(self, code: str) -> DriftRule:
        """The rule for ``code``."""
        return next((rule for rule in self.detectors if rule.code == code), DriftRule(code))


@dataclass(frozen=True, slots=True)
class PackageRequirement:
    """``package`` of one tier in ``tiers.yaml``: ``required`` (boolean) and ``max_age`` (a duration; None sets no limit).

    Where it is required, a component is eligible only when every element of its context package is there, says enough, and
    was reviewed no longer than ``max_age`` ago.
    """

    required: bool = False
    max_age: timedelta | None = None
