"""Runs against the gateway's sandbox; see docs/release.md for when."""

from payments.retry import RetryPolicy


def test_the_longest_pause_stays_under_the_gateway_timeout() -> None:
    policy = RetryPolicy()
    assert max(policy.backoff(n) for n in range(1, policy.attempts)) <= 30.0
