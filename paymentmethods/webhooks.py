"""What Stripe's events about payment methods mean here."""

from django.db import transaction

from gateway import reads
from gateway.endings import look_at
from gateway.events import NotYet, ReceivedEvent
from gateway.models import Operation
from gateway.snapshots import PaymentMethodSnapshot
from paymentmethods.models import Customer, PaymentMethod, Status
from paymentmethods.operations.detach import DETACHMENT

NOT_SAVED_HERE = "No card that is saved here."


def payment_method_changed(event: ReceivedEvent) -> str:
    """A saved card is read again: detached past us, or renewed by its bank. Those of connected accounts are none of ours.

    Raises NotYet where it has just changed here, OperationInProgress while it is being detached, and what `gateway.reads`
    raises.
    """
    method = _find(event.object_id) if not event.account_id else None
    if method is None:
        return NOT_SAVED_HERE
    detachment = Operation.objects.of(method).open().first()
    if detachment is not None:
        look_at(detachment, DETACHMENT)
        return "The detachment that was open has been looked at."
    return _take_over(method, reads.retrieve_payment_method(method.stripe_payment_method_id))


def _find(payment_method_id: str) -> PaymentMethod | None:
    rows = PaymentMethod.objects.filter(status__in=(Status.SAVED, Status.DETACHING))
    method: PaymentMethod | None = rows.filter(stripe_payment_method_id=payment_method_id).first()
    return method


def _take_over(method: PaymentMethod, card: PaymentMethodSnapshot) -> str:
    with transaction.atomic(durable=True):
        Customer.objects.select_for_update().get(pk=method.customer_id)
        known_at = method.updated_at
        method.refresh_from_db()
        if method.updated_at != known_at:
            raise NotYet("The card has just changed here.")
        if method.status != Status.SAVED:
            return "The card was detached meanwhile."
        if card.customer_id:
            method.renew(card)
            return "The card is up to date."
        method.mark_detached()
    return "The card was detached past this service."
