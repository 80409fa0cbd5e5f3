"""What a dry run of a capture tells."""

from dataclasses import dataclass

from transactions.models import Transaction


@dataclass(frozen=True, slots=True)
class CapturePreview:
    """What a capture would take, release and leave the platform, in minor units; `payment` is as it is before."""

    payment: Transaction
    amount_minor: int
    released_minor: int
    application_fee_minor: int
