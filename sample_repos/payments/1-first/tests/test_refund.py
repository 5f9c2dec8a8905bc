from decimal import Decimal

import pytest

from payments.refund import Charge, RefundTooLarge, idempotency_key, refund_amount


def test_never_more_than_is_left() -> None:
    with pytest.raises(RefundTooLarge):
        refund_amount(Charge("ch1", 1000, refunded=600), Decimal("0.5"))


def test_half_a_cent_rounds_up() -> None:
    assert refund_amount(Charge("ch1", 1001), Decimal("0.5")) == 501


def test_retry_cap_keeps_the_key() -> None:
    assert idempotency_key(Charge("ch1", 1000), 1) == idempotency_key(Charge("ch1", 1000), 1)
