"""Times as people type and read them: durations, dates, how long ago."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

_DURATION = re.compile(r"(\d{1,6})(ms|s|m|h|d)\Z")
_UNITS = {"ms": "milliseconds", "s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_STEPS = ((86400, "d"), (3600, "h"), (60, "m"), (1, "s"))


def parse_duration(text: str) -> timedelta | None:
    """``500ms 30s 90m 12h 30d`` as a duration; None for anything else."""
    match = _DURATION.match(text)
    return timedelta(**{_UNITS[match[2]]: int(match[1])}) if match else None


def parse_time(text: str, now: datetime) -> datetime | None:
    """A point in time: RFC 3339, a date (its midnight in UTC), or a duration from now; None for anything else."""
    duration = parse_duration(text)
    if duration is not None:
        return now + duration
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def span(delta: timedelta) -> str:
    """A length of time in its largest unit: ``3h``, ``12d``, ``0s``."""
    seconds = int(abs(delta).total_seconds())
    for size, unit in _STEPS:
        if seconds >= size:
            return f"{seconds // size}{unit}"
    return "0s"


def relative(time: datetime, now: datetime) -> str:
    """``3h ago`` (whole units that have passed), ``in 6d`` (to the nearest unit) or ``now``."""
    delta = time - now
    if abs(delta) < timedelta(seconds=1):
        return "now"
    if delta < timedelta(0):
        return f"{span(delta)} ago"
    unit = next(timedelta(seconds=size) for size, _ in _STEPS if delta >= timedelta(seconds=size))
    return f"in {span(delta + unit / 2)}"


def stamp(time: datetime) -> str:
    """``2026-11-23 18:41:07 UTC``."""
    return time.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
