"""How long, how long ago, how large: as people type and read it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contextd.cli.sizes import size
from contextd.cli.times import parse_duration, parse_time, relative, span, stamp

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "seconds"), [("500ms", 0.5), ("30s", 30), ("90m", 5400), ("12h", 43200), ("30d", 2592000), ("0s", 0)]
)
def test_durations(text: str, seconds: float) -> None:
    found = parse_duration(text)
    assert found is not None
    assert found.total_seconds() == seconds


@pytest.mark.parametrize("text", ["", "5", "5 d", "1w", "-3d", "3dd", "1.5h"])
def test_anything_else_is_no_duration(text: str) -> None:
    assert parse_duration(text) is None


def test_points_in_time() -> None:
    assert parse_time("2026-11-23", NOW) == datetime(2026, 11, 23, tzinfo=UTC)
    assert parse_time("2026-11-23T18:40:02Z", NOW) == datetime(2026, 11, 23, 18, 40, 2, tzinfo=UTC)
    assert parse_time("30d", NOW) == NOW + timedelta(days=30)
    assert parse_time("tomorrow", NOW) is None


@pytest.mark.parametrize(
    ("delta", "says"),
    [
        (timedelta(0), "now"),
        (-timedelta(hours=3, minutes=59), "3h ago"),
        (-timedelta(days=212), "212d ago"),
        (timedelta(days=180) - timedelta(seconds=2), "in 180d"),
        (timedelta(days=6, hours=2), "in 6d"),
        (timedelta(seconds=40), "in 40s"),
    ],
)
def test_relative_times_do_not_lose_a_day_to_a_second(delta: timedelta, says: str) -> None:
    assert relative(NOW + delta, NOW) == says


@given(st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=4000)))
def test_a_span_never_says_more_than_passed(delta: timedelta) -> None:
    said = parse_duration(span(delta))
    assert said is not None
    assert said <= delta


def test_stamps_are_utc_to_the_second() -> None:
    assert stamp(NOW) == "2026-11-24 12:00:00 UTC"


@pytest.mark.parametrize(
    ("count", "says"),
    [(0, "0 B"), (999, "999 B"), (2100, "2.1 KB"), (21_800_000, "21.8 MB"), (3_000_000_000_000_000, "3000.0 TB")],
)
def test_sizes(count: int, says: str) -> None:
    assert size(count) == says
