"""What Stripe's events about refunds mean here."""

from gateway.events import ReceivedEvent
from gateway.snapshots import RefundSnapshot, object_id
from refunds.models import NOT_REFUNDED
from refunds.operations.bring_up_to_date import (
    WITHOUT_A_PAYMENT,
    bring_refund_up_to_date,
    bring_refunds_up_to_date,
    recorded_refund,
    standing,
)


def refund_known(event: ReceivedEvent) -> str | None:
    """What came of the event where it can be told without asking Stripe: nothing is new. None where it cannot."""
    refund = recorded_refund(event.object_id, account_id=event.account_id)
    if refund is None or not event.is_in_our_version:
        return None
    is_final = refund.status in NOT_REFUNDED
    return standing(refund) if is_final or not refund.differs_from(RefundSnapshot.from_stripe(event.object)) else None


def refund_changed(event: ReceivedEvent) -> str:
    """The refund is read again. Raises as `bring_refund_up_to_date`."""
    return bring_refund_up_to_date(event.object_id, account_id=event.account_id)


def charge_refunded(event: ReceivedEvent) -> str:
    """`charge.refunded` embeds no refunds: those of its payment intent are listed. Raises as `bring_refund_up_to_date`."""
    intent_id = object_id(event.object.get("payment_intent"))
    return bring_refunds_up_to_date(intent_id, account_id=event.account_id) if intent_id else WITHOUT_A_PAYMENT
