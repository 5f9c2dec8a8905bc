"""Refunds: money goes back once, whatever the network does."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


class RefundTooLarge(ValueError):
    """A refund may never exceed what is left of its charge."""


@dataclass(frozen=True)
class Charge:
    """A captured card payment; amounts are in the minor unit of the currency."""

    id: str
    amount: int
    refunded: int = 0

    @property
    def refundable(self) -> int:
        """What may still be returned."""
        return self.amount - self.refunded


def refund_amount(charge: Charge, share: Decimal) -> int:
    """The amount of a partial refund, rounded half up, never more than is refundable."""
    if not 0 < share <= 1:
        raise ValueError(f"share {share} is not between 0 and 1")
    amount = int((charge.amount * share).quantize(Decimal(1), rounding="ROUND_HALF_UP"))
    if amount > charge.refundable:
        raise RefundTooLarge(f"{amount} is more than the {charge.refundable} that are left of {charge.id}")
    return amount


def idempotency_key(charge: Charge, sequence: int) -> str:
    """The same for every attempt of one refund, different for the next one."""
    return f"refund-{charge.id}-{sequence}"
