from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contextd.detect.freshness import _aged, _Limits, freshness_findings, judge
from contextd.model.finding import Corpus, Freshness, FreshnessState, History, Severity
from contextd.model.source import Component, ContentKind
from contextd.policy.detection import Clock, FreshnessRule, FreshnessRules

Tell = Callable[..., tuple[Corpus, History]]
NOW = datetime(2026, 11, 23, 18, 40, tzinfo=UTC)


def days(count: int) -> timedelta:
    return timedelta(days=count)


REVIEWED = FreshnessRule(1, clock=Clock.REVIEWED, warn_after=days(120), error_after=days(180))
CHANGED = FreshnessRule(1, clock=Clock.CHANGED, warn_after=days(300), error_after=days(400))


def one(story: tuple[Corpus, History], *rules: FreshnessRule, now: datetime = NOW) -> Freshness:
    (found,) = judge(*story, FreshnessRules(rules), now)
    return found


def reviewed(date: str) -> dict[str, str]:
    return {"docs/runbook.md": f"---\nlast_reviewed: {date}\n---\n# Runbook\n"}


@pytest.mark.parametrize(
    ("date", "state", "cause"),
    [
        ("2026-11-20", FreshnessState.FRESH, "reviewed 3d ago; tier 3 allows 180d"),
        ("2026-07-26", FreshnessState.DUE, "reviewed 120d ago; tier 3 asks for a review after 120d"),
        ("2026-04-25", FreshnessState.STALE, "reviewed 212d ago; tier 3 allows 180d"),
        ("2026-11-24", FreshnessState.FRESH, "reviewed 0m ago; tier 3 allows 180d"),
        ("2026-11-25", FreshnessState.UNKNOWN, "line 2: reviewed 2026-11-25, which is in the future"),
        ("soon", FreshnessState.UNKNOWN, 'line 2: "last_reviewed: soon" states no date that can be read; write 2026-05-01'),
    ],
)
def test_the_reviewed_clock(tell: Tell, date: str, state: FreshnessState, cause: str) -> None:
    found = one(tell(reviewed(date)), REVIEWED)
    assert (found.state, found.cause) == (state, cause)


def test_the_instants_at_which_it_turns_are_told_and_half_open(tell: Tell) -> None:
    story = tell(reviewed("2026-04-25"))
    found = one(story, REVIEWED)
    assert found.reviewed_at == datetime(2026, 4, 25, tzinfo=UTC)
    assert found.changed_at == datetime(2026, 1, 1, 12, tzinfo=UTC)
    assert (found.warn_at, found.error_at) == (datetime(2026, 8, 23, tzinfo=UTC), datetime(2026, 10, 22, tzinfo=UTC))
    assert found.warn_at
    assert found.error_at
    second = timedelta(seconds=1)
    states = [
        one(story, REVIEWED, now=at).state
        for at in (found.warn_at - second, found.warn_at, found.error_at - second, found.error_at)
    ]
    assert states == [FreshnessState.FRESH, FreshnessState.DUE, FreshnessState.DUE, FreshnessState.STALE]


def test_a_commit_does_not_refresh_what_runs_on_reviews(tell: Tell) -> None:
    story = tell(reviewed("2026-04-25"), {"docs/runbook.md": "---\nlast_reviewed: 2026-04-25\n---\n# Runbook, typo mended\n"})
    assert one(story, REVIEWED).state is FreshnessState.STALE


def test_without_a_review_the_reviewed_clock_is_unknown_whatever_was_committed(tell: Tell) -> None:
    found = one(tell({"docs/a.md": "# A\n"}), REVIEWED)
    assert found.state is FreshnessState.UNKNOWN
    assert found.cause == "no review is stated; write last_reviewed: with the day into its front matter"
    assert (found.warn_at, found.error_at) == (None, None)


@pytest.mark.parametrize(
    ("now", "state", "cause"),
    [
        (datetime(2026, 1, 2, 14, tzinfo=UTC), FreshnessState.FRESH, "changed 1d ago; tier 3 allows 400d"),
        (datetime(2026, 1, 1, 15, tzinfo=UTC), FreshnessState.FRESH, "changed 3h ago; tier 3 allows 400d"),
        (NOW, FreshnessState.DUE, "changed 326d ago; tier 3 asks for a review after 300d"),
        (NOW + days(100), FreshnessState.STALE, "changed 426d ago; tier 3 allows 400d"),
        (datetime(2025, 12, 30, tzinfo=UTC), FreshnessState.UNKNOWN, "last changed 2026-01-01, which is in the future"),
    ],
)
def test_the_changed_clock(tell: Tell, now: datetime, state: FreshnessState, cause: str) -> None:
    found = one(tell({"docs/a.md": "# A\n"}), CHANGED, now=now)
    assert (found.state, found.cause) == (state, cause)


def test_history_that_does_not_show_the_change_is_unknown(tell: Tell) -> None:
    corpus, history = tell({"docs/a.md": "# A\n"})
    _, other = tell({"b.md": ""})
    assert one((corpus, other), CHANGED).cause == "history does not show when it last changed"
    _, cut = tell({"b.md": ""}, complete=False)
    assert one((corpus, cut), CHANGED).cause == "the history here is incomplete"
    assert one((corpus, cut), CHANGED).state is FreshnessState.UNKNOWN
    assert one((corpus, history), CHANGED).state is not FreshnessState.UNKNOWN


@pytest.mark.parametrize("rule", [REVIEWED, CHANGED])
def test_broken_front_matter_is_never_fresh(tell: Tell, rule: FreshnessRule) -> None:
    found = one(tell({"a.md": "---\na: b: c\n---\nLast reviewed: 2026-11-20\n"}), rule)
    assert (found.state, found.cause) == (FreshnessState.UNKNOWN, "line 2: front matter is not YAML")


def test_limits_that_are_off_make_it_exempt(tell: Tell) -> None:
    story = tell({"a.md": ""})
    assert one(story).state is FreshnessState.EXEMPT
    assert one(story, FreshnessRule(1, warn_after=None, error_after=None)).state is FreshnessState.EXEMPT
    assert one(story, FreshnessRule(1, warn_after=None, error_after=days(10))).state is FreshnessState.STALE
    assert one(story, FreshnessRule(1, warn_after=days(10), error_after=None)).state is FreshnessState.DUE


def test_code_is_not_judged(tell: Tell) -> None:
    story = tell({"a.py": "", "b.md": "", "Makefile": "", "c.rst": "", "d.adoc": ""})
    assert [found.path for found in judge(*story, FreshnessRules((CHANGED,)), NOW)] == ["b.md", "c.rst", "d.adoc"]


def limit_of(tell: Tell, path: str, *rules: FreshnessRule, content: ContentKind = ContentKind.REPO, tier: int = 3) -> str:
    found = one(tell({path: "# A\n"}, content=content, tier=tier), *rules)
    return found.cause.rpartition(" ")[2]


def test_the_most_specific_rule_wins_key_by_key(tell: Tell) -> None:
    every = FreshnessRule(1, clock=Clock.CHANGED, warn_after=days(1), error_after=days(1))
    tiers = FreshnessRule(2, tiers=(3, 4), error_after=days(2))
    narrow = FreshnessRule(3, tiers=(3,), error_after=days(3))
    content = FreshnessRule(4, contents=(ContentKind.RUNBOOKS,), error_after=days(4))
    docs = FreshnessRule(5, paths=("docs/",), error_after=days(5))
    archive = FreshnessRule(6, paths=("*.rst", "docs/archive/"), error_after=days(6))
    later = FreshnessRule(7, paths=("docs/",), error_after=days(7))
    rules = (archive, docs, content, narrow, tiers, every)
    assert limit_of(tell, "a.md", *rules, tier=1) == "1d"
    assert limit_of(tell, "a.md", *rules, tier=4) == "2d"
    assert limit_of(tell, "a.md", *rules, tier=3) == "3d"
    assert limit_of(tell, "a.md", *rules, content=ContentKind.RUNBOOKS) == "4d"
    assert limit_of(tell, "docs/a.md", *rules, content=ContentKind.RUNBOOKS) == "5d"
    assert limit_of(tell, "docs/archive/a.md", *rules) == "6d"
    assert limit_of(tell, "docs/a.md", *rules, later) == "7d"


def test_the_tier_is_that_of_the_component(tell: Tell) -> None:
    story = tell({"ui/a.md": "", "a.md": ""}, tier=3, components=(Component("admin-ui", ("ui/",), 1, "team-ui"),))
    rules = FreshnessRules(
        (FreshnessRule(1, tiers=(3,), error_after=days(1)), FreshnessRule(2, tiers=(1,), error_after=days(900)))
    )
    assert [found.state for found in judge(*story, rules, NOW)] == [FreshnessState.STALE, FreshnessState.FRESH]


def test_suppression_silences_the_finding_and_not_the_state(tell: Tell) -> None:
    until = datetime(2027, 1, 31, tzinfo=UTC)
    rule = FreshnessRule(2, paths=("docs/",), suppress_until=until, reason="Being rewritten (DOC-88)")
    story, rules = tell(reviewed("2026-04-25")), FreshnessRules((REVIEWED, rule))
    found = one(story, REVIEWED, rule)
    assert found.state is FreshnessState.STALE
    assert found.cause.endswith("; not reported until before 2027-01-31 00:00:00 UTC: Being rewritten (DOC-88)")
    assert freshness_findings(*story, rules, NOW) == []
    assert freshness_findings(*story, rules, until - timedelta(seconds=1)) == []
    assert len(freshness_findings(*story, rules, until)) == 1


def test_a_finding_keeps_its_identity_while_it_ages(tell: Tell) -> None:
    story, rules = tell(reviewed("2026-04-25")), FreshnessRules((REVIEWED,))
    (early,), (late,) = (freshness_findings(*story, rules, now) for now in (NOW, NOW + days(50)))
    assert (early.code, early.severity, early.path, early.line) == ("FRESH-STALE", Severity.WARN, "docs/runbook.md", 2)
    assert early.observed == "reviewed 212d ago; tier 3 allows 180d"
    assert early.component == "rest"
    assert (early.path, early.code, early.quote, early.claim) == (late.path, late.code, late.quote, late.claim)
    assert (early.quote, early.claim) == ("last_reviewed: 2026-04-25", "reviewed 2026-04-25")


def test_each_state_has_its_code(tell: Tell) -> None:
    story = tell(
        {"a.md": "", **reviewed("2026-07-26"), "b.md": "Last reviewed: 2026-01-01", "c.md": "Last reviewed: 2026-11-20"}
    )
    found = freshness_findings(*story, FreshnessRules((REVIEWED,)), NOW)
    assert [(f.path, f.code) for f in found] == [
        ("a.md", "FRESH-UNKNOWN"),
        ("b.md", "FRESH-STALE"),
        ("docs/runbook.md", "FRESH-DUE"),
    ]


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 900), st.integers(0, 900), st.integers(0, 900))
def test_states_only_worsen_with_time(age: int, warn: int, later: int) -> None:
    order = [FreshnessState.FRESH, FreshnessState.DUE, FreshnessState.STALE]
    limits = _Limits(Clock.CHANGED, days(warn), days(warn + 30), "")
    before, _ = _aged(limits, NOW - days(age), 3, NOW)
    after, _ = _aged(limits, NOW - days(age), 3, NOW + days(later))
    assert order.index(before) <= order.index(after)
