"""How current each document is: its age by the clock that its rule names, against the limits of that rule.

The clock runs on what was *reviewed* or *changed*; that a crawler looked at it says nothing. Unknown is never fresh: without a
usable date or history, with a date in the future, or with broken front matter, the state is unknown and says why.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, TypeVar

from pathspec import GitIgnoreSpec

from contextd.detect.prose import Document
from contextd.detect.review_date import Review, stated_review
from contextd.detect.scene import Scene, quote
from contextd.model.finding import Corpus, Finding, Freshness, FreshnessState, History, Severity
from contextd.policy.detection import Clock, FreshnessRule, FreshnessRules, Inherit

T = TypeVar("T")

_CODES: Final = {
    FreshnessState.DUE: "FRESH-DUE",
    FreshnessState.STALE: "FRESH-STALE",
    FreshnessState.UNKNOWN: "FRESH-UNKNOWN",
}
_SLACK: Final = timedelta(hours=14)
"""How far a date may lie ahead of UTC's: somewhere on earth it is already that day."""


@dataclass(frozen=True, slots=True)
class Judged:
    """The freshness of one document and what its finding needs: the line that states it, and until when it is suppressed."""

    freshness: Freshness
    component: str
    clock: Clock
    line: int = 1
    words: str = ""
    suppressed: bool = False


def judge(corpus: Corpus, history: History, rules: FreshnessRules, now: datetime) -> list[Freshness]:
    """The freshness of every admitted document (Markdown, reStructuredText, AsciiDoc), in byte order of paths.

    Code and data are exempt and not listed. ``now`` has a time zone.
    """
    return [one.freshness for one in judge_all(Scene(corpus, history), rules, now)]


def freshness_findings(corpus: Corpus, history: History, rules: FreshnessRules, now: datetime) -> list[Finding]:
    """A finding for every document that is due, stale or unknown, unless its rule suppresses it at ``now``."""
    return [found for one in judge_all(Scene(corpus, history), rules, now) if (found := finding(one))]


def judge_all(scene: Scene, rules: FreshnessRules, now: datetime) -> list[Judged]:
    """Judge every document of ``scene``."""
    selectors = _Selectors(rules)
    return [_judge(scene, document, selectors, now) for document in scene.documents()]


def finding(judged: Judged) -> Finding | None:
    """The finding for one document; None when it is fresh, exempt or suppressed.

    Its claim is the date it was judged by, so that it stays the same finding while it ages and ends with the next review.
    """
    fresh = judged.freshness
    code = _CODES.get(fresh.state)
    if code is None or judged.suppressed:
        return None
    since = fresh.reviewed_at if judged.clock is Clock.REVIEWED else fresh.changed_at
    claim = f"{judged.clock} {since:%Y-%m-%d}" if since else f"{judged.clock}: unknown"
    return Finding(
        code=code,
        severity=Severity.WARN,
        path=fresh.path,
        line=judged.line,
        quote=quote(judged.words),
        claim=claim,
        observed=fresh.cause,
        remediation=f"read {fresh.path} against what it describes, mend it, and state the day there: last_reviewed",
        component=judged.component,
    )


@dataclass(frozen=True, slots=True)
class _Limits:
    """What the rules that match one document say together. ``suppressed`` tells why no finding is reported now."""

    clock: Clock
    warn_after: timedelta | None
    error_after: timedelta | None
    suppressed: str


class _Selectors:
    """The rules with their path patterns compiled."""

    def __init__(self, rules: FreshnessRules) -> None:
        self._rules = [(rule, [(_literal(p), GitIgnoreSpec.from_lines([p])) for p in rule.paths]) for rule in rules.rules]

    def limits(self, scene: Scene, path: str, tier: int, now: datetime) -> _Limits:
        """Key by key the most specific rule that matches decides; by default the clock is ``changed`` and limits are off."""
        matching: list[tuple[tuple[int, int, int, int], FreshnessRule]] = []
        for position, (rule, patterns) in enumerate(self._rules):
            if (rule.contents and scene.corpus.descriptor.content not in rule.contents) or (
                rule.tiers and tier not in rule.tiers
            ):
                continue
            literal = max((length for length, spec in patterns if spec.match_file(path)), default=-1)
            if patterns and literal < 0:
                continue
            tiers = -len(rule.tiers) if rule.tiers else -_ALL_TIERS
            matching.append(((literal, bool(rule.contents), tiers, position), rule))
        ordered = [rule for _, rule in sorted(matching, key=lambda pair: pair[0], reverse=True)]
        return _Limits(
            clock=_first((rule.clock for rule in ordered), Clock.CHANGED),
            warn_after=_first((rule.warn_after for rule in ordered), None),
            error_after=_first((rule.error_after for rule in ordered), None),
            suppressed=next((_until(rule) for rule in ordered if rule.suppress_until and now < rule.suppress_until), ""),
        )


_ALL_TIERS: Final = 5


def _literal(pattern: str) -> int:
    """How many characters of a pattern are literal: the more, the more specific it is."""
    return sum(letter not in "*?[]!/" for letter in pattern)


def _first(values: Iterable[T | Inherit], default: T) -> T:
    return next((value for value in values if not isinstance(value, Inherit)), default)


def _until(rule: FreshnessRule) -> str:
    return f"not reported until before {rule.suppress_until:%Y-%m-%d %H:%M:%S} UTC: {rule.reason}"


def _judge(scene: Scene, document: Document, selectors: _Selectors, now: datetime) -> Judged:
    path = document.path
    component = scene.corpus.component(path)
    tier = scene.corpus.descriptor.tier_of(component)
    limits = selectors.limits(scene, path, tier, now)
    review = stated_review(document)
    change = scene.history.last_change(path)
    reviewed_at = review.at if review else None
    changed_at = change.time.astimezone(UTC) if change else None
    line = review.line if review and (limits.clock is Clock.REVIEWED or review.problem) else 1
    since = reviewed_at if limits.clock is Clock.REVIEWED else changed_at
    if limits.warn_after is None and limits.error_after is None:
        state, cause = FreshnessState.EXEMPT, f"no limit applies at tier {tier}"
    elif problem := _problem(review, limits, since, now, complete=scene.history.complete):
        state, cause = FreshnessState.UNKNOWN, problem
    else:
        state, cause = _aged(limits, since or now, tier, now)
    known = since if state is not FreshnessState.UNKNOWN else None
    freshness = Freshness(
        path,
        state,
        f"{cause}; {limits.suppressed}" if limits.suppressed else cause,
        reviewed_at,
        changed_at,
        known + limits.warn_after if known and limits.warn_after is not None else None,
        known + limits.error_after if known and limits.error_after is not None else None,
    )
    return Judged(freshness, component, limits.clock, line, document.lines[line - 1] if review else "", bool(limits.suppressed))


def _problem(review: Review | None, limits: _Limits, since: datetime | None, now: datetime, *, complete: bool) -> str:
    """Why the age cannot be known; empty when it can. ``complete`` says whether the history is."""
    if review and review.broken:
        return review.problem
    if limits.clock is Clock.REVIEWED:
        if review is None:
            return "no review is stated; write last_reviewed: with the day into its front matter"
        if since is None:
            return review.problem
        place = f"line {review.line}: reviewed"
    else:
        if since is None:
            return "history does not show when it last changed" if complete else "the history here is incomplete"
        place = "last changed"
    return f"{place} {since:%Y-%m-%d}, which is in the future" if since > now + _SLACK else ""


def _aged(limits: _Limits, since: datetime, tier: int, now: datetime) -> tuple[FreshnessState, str]:
    """The state at ``now`` and its cause: ``reviewed 212d ago; tier 3 allows 180d``."""
    age = max(now - since, timedelta(0))
    said = f"{limits.clock} {_days(age)} ago; tier {tier}"
    if limits.error_after is not None and age >= limits.error_after:
        return FreshnessState.STALE, f"{said} allows {_days(limits.error_after)}"
    if limits.warn_after is not None and age >= limits.warn_after:
        return FreshnessState.DUE, f"{said} asks for a review after {_days(limits.warn_after)}"
    limit = limits.error_after if limits.error_after is not None else limits.warn_after
    return FreshnessState.FRESH, f"{said} allows {_days(limit or timedelta(0))}"


def _days(age: timedelta) -> str:
    """An age as people read it: whole days, or hours and minutes below one."""
    if age.days:
        return f"{age.days}d"
    hours, rest = divmod(age.seconds, 3600)
    return f"{hours}h" if hours else f"{rest // 60}m"
