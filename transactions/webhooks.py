"""What Stripe's events about payment intents and charges mean here."""

from gateway.events import ReceivedEvent
from gateway.snapshots import PaymentIntentSnapshot, object_id
from transactions.models import Status
from transactions.operations.bring_up_to_date import bring_payment_up_to_date, recorded_payment, standing
from transactions.operations.read import take_over
from transactions.operations.settle import open_operation


def payment_intent_known(event: ReceivedEvent) -> str | None:
    """What came of the event where it can be told without asking Stripe; None where it cannot.

    Where the intent shows nothing new there is nothing to do. A final state cannot be an old one: it is taken over as it is,
    unless an operation is open, whose outcome may need more than the event holds.
    """
    payment = recorded_payment(event.object_id, account_id=event.account_id)
    if payment is None or payment.account.is_deleted:
        return None
    if payment.is_terminal:
        return standing(payment)
    intent = PaymentIntentSnapshot.from_stripe(event.object)
    if not event.is_in_our_version or open_operation(payment) is not None:
        return None
    if payment.says_nothing_new(intent):
        return standing(payment)
    is_final = intent.status in (Status.SUCCEEDED, Status.CANCELED)
    if not is_final or not take_over(payment, intent):
        return None
    payment.refresh_from_db()
    return standing(payment)


def payment_intent_changed(event: ReceivedEvent) -> str:
    """The payment is read again, unless it is final here. Raises as `bring_payment_up_to_date`."""
    return bring_payment_up_to_date(event.object_id, account_id=event.account_id)


def hold_lapsed(event: ReceivedEvent) -> str:
    """`charge.expired`: a hold was not captured in time, and its payment is read again. Raises as the above."""
    intent_id = object_id(event.object.get("payment_intent"))
    if not intent_id:
        return "The charge belongs to no payment intent."
    return bring_payment_up_to_date(intent_id, account_id=event.account_id)
