"""What a dry run of a refund tells."""

from dataclasses import dataclass

from transactions.models import Transaction


@dataclass(frozen=True, slots=True)
class RefundPreview:
    """What a refund would give back, what would be left to refund, and what of the platform's fee would go back; minor units."""

    payment: Transaction
    amount_minor: int
    left_minor: int
    application_fee_minor: int
