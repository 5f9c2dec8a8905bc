"""When and how often a call to the card network is tried again."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

Result = TypeVar("Result")


class Unanswered(Exception):
    """The card network did not answer in time; whether it acted is not known."""


class GaveUp(Exception):
    """Every attempt went unanswered. The nightly reconciliation takes over."""


@dataclass(frozen=True)
class RetryPolicy:
    """Pauses between attempts grow by a factor of two up to a cap, with jitter so that callers do not march in step.

    ``base`` and ``cap`` are seconds.
    """

    base: float = 0.5
    cap: float = 30.0
    attempts: int = 6

    def backoff(self, attempt: int) -> float:
        """Seconds to wait before attempt number ``attempt`` (from 1)."""
        longest = min(self.cap, self.base * 2**attempt)
        return random.uniform(longest / 2, longest)


def retried(call: Callable[[], Result], policy: RetryPolicy, sleep: Callable[[float], None]) -> Result:
    """Call until it answers, at most ``policy.attempts`` times.

    The call must carry an idempotency key: an unanswered attempt may have had its effect.
    """
    for attempt in range(1, policy.attempts + 1):
        try:
            return call()
        except Unanswered:
            if attempt == policy.attempts:
                raise GaveUp from None
            sleep(policy.backoff(attempt))
    raise AssertionError("unreachable")
