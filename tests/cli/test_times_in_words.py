"""Times as people type them and read them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contextd.cli.sizes import size
from contextd.cli.times import parse_duration, parse_time, relative, span, stamp

NOW = datetime(2026, 11, 23, 18, 40, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("500ms", 0.5), ("30s", 30), ("90m", 5400), ("12h", 43200), ("30d", 2592000), ("0s", 0)],
)
def test_durations_are_read(text: str, seconds: float) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "5", "5 m", "-5m", "5w", "1h30m", "m", "5m\n", "9999999s"])
def test_what_is_no_duration_is_none(text: str) -> None:
    assert parse_duration(text) is None


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2026-11-24", datetime(2026, 11, 24, tzinfo=UTC)),
        ("2026-11-24T01:02:03Z", datetime(2026, 11, 24, 1, 2, 3, tzinfo=UTC)),
        ("2026-11-24T01:02:03+02:00", datetime(2026, 11, 23, 23, 2, 3, tzinfo=UTC)),
        ("2026-11-24T01:02:03", datetime(2026, 11, 24, 1, 2, 3, tzinfo=UTC)),
        ("90d", NOW + timedelta(days=90)),
        ("tomorrow", None),
        ("2026-13-01", None),
        ("", None),
    ],
)
def test_points_in_time_are_read(text: str, time: datetime | None) -> None:
    assert parse_time(text, NOW) == time


@pytest.mark.parametrize(
    ("delta", "words"),
    [
        (timedelta(0), "now"),
        (timedelta(seconds=-59), "59s ago"),
        (timedelta(hours=-3, minutes=-5), "3h ago"),
        (timedelta(days=-12), "12d ago"),
        (timedelta(days=180), "in 180d"),
        (timedelta(days=180) - timedelta(microseconds=3), "in 180d"),
        (timedelta(hours=6), "in 6h"),
    ],
)
def test_distances_are_told_in_their_largest_unit(delta: timedelta, words: str) -> None:
    assert relative(NOW + delta, NOW) == words


@settings(max_examples=50)
@given(st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=900_000 // 24)))
def test_a_span_never_says_more_than_has_passed(delta: timedelta) -> None:
    said = parse_duration(span(delta))
    assert said is not None
    assert said <= delta
    assert span(-delta) == span(delta)


def test_a_stamp_is_utc_to_the_second() -> None:
    assert stamp(datetime.fromisoformat("2026-11-23T20:40:02.999+02:00")) == "2026-11-23 18:40:02 UTC"


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 KB"), (21_800_000, "21.8 MB"), (3_000_000_000, "3.0 GB"), (10**16, "10000.0 TB")],
)
def test_sizes_are_decimal_with_one_digit(count: int, text: str) -> None:
    assert size(count) == text
