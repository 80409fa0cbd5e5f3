"""Detaching a saved payment method: for good, since Stripe lets it be used by nobody afterwards."""

from django.db import transaction

from commercecore_payments.actors import Actor
from gateway import reads
from gateway.endings import Ending, bring_to_an_end, carry_out, not_done
from gateway.errors import OperationInProgress, StripeRejected
from gateway.models import Kind, Operation
from gateway.models import Status as OperationStatus
from gateway.operations import earlier_under_key, raise_for_outcome, reserve
from gateway.outcomes import Outcome
from paymentmethods.errors import PaymentMethodNotFound
from paymentmethods.models import Customer, PaymentMethod, Status


def detach_payment_method(*, payment_method_id: str, actor: Actor) -> PaymentMethod:
    """Detaches the user's saved card at Stripe. The row stays as history, and nothing finds it by its id any more.

    A repeat while the first outcome is unknown continues the first. Raises PaymentMethodNotFound, OperationInProgress
    while another request detaches it, and what `gateway.operations.raise_for_outcome` raises.
    """
    earlier = earlier_under_key(Kind.PAYMENT_METHOD_DETACH, actor=actor)
    method = _subject(earlier) if earlier is not None else _find(payment_method_id, actor=actor)
    unfinished = _ended(earlier or Operation.objects.of(method).open().first())
    operation, outcome = carry_out(unfinished, lambda: _reserve_detachment(method, actor=actor), DETACHMENT)
    if outcome.status == OperationStatus.REJECTED:
        _take_over_detachment(operation)
    detached = _subject(operation)
    if detached.status != Status.DETACHED:
        raise_for_outcome(operation, outcome)
    return detached


def _ended(earlier: Operation | None) -> Operation | None:
    """The earlier detachment, brought to its end; None where it took no effect, and is to be done anew."""
    if earlier is None or not earlier.is_open:
        return earlier
    outcome = bring_to_an_end(earlier, DETACHMENT)
    if outcome.status == OperationStatus.UNKNOWN:
        raise_for_outcome(earlier, outcome)
    earlier.refresh_from_db()
    return earlier if earlier.tells_what_stripe_said else None


def _subject(operation: Operation) -> PaymentMethod:
    return PaymentMethod.objects.select_related("customer").get(pk=operation.subject_id)


def _find(payment_method_id: str, *, actor: Actor) -> PaymentMethod:
    rows = PaymentMethod.objects.of(actor.developer, actor.user_id).filter(stripe_payment_method_id=payment_method_id)
    method = rows.filter(status__in=(Status.SAVED, Status.DETACHING)).select_related("customer").first()
    if method is None:
        raise PaymentMethodNotFound
    return method


def _reserve_detachment(method: PaymentMethod, *, actor: Actor) -> Operation:
    """Takes the card out of use before Stripe is asked. Raises OperationInProgress where another request was first."""
    with transaction.atomic(durable=True):
        Customer.objects.select_for_update().get(pk=method.customer_id)
        stored = PaymentMethod.objects.get(pk=method.pk)
        if stored.status == Status.DETACHED:
            raise PaymentMethodNotFound
        if stored.status != Status.SAVED:
            raise OperationInProgress
        stored.mark_detaching()
        return reserve(
            Kind.PAYMENT_METHOD_DETACH,
            subject=stored,
            actor=actor,
            parameters={},
            target_id=stored.stripe_payment_method_id,
        )


def settle_detachment(operation: Operation, outcome: Outcome) -> None:
    """The card is detached, or in use as before where Stripe did not detach it."""
    method = PaymentMethod.objects.get(pk=operation.subject_id)
    Customer.objects.select_for_update().get(pk=method.customer_id)
    method.refresh_from_db()
    if outcome.succeeded:
        method.mark_detached()
    else:
        method.mark_kept()


def _take_over_detachment(operation: Operation) -> None:
    """Stripe refuses to detach what is detached already, in its dashboard for one: then that is what was asked for."""
    if not _look(operation).succeeded:
        return
    with transaction.atomic(durable=True):
        method = PaymentMethod.objects.get(pk=operation.subject_id)
        Customer.objects.select_for_update().get(pk=method.customer_id)
        method.refresh_from_db()
        method.mark_detached()


def _look(operation: Operation) -> Outcome:
    """What is detached has no customer. What Stripe does not know at all cannot be used either."""
    try:
        found = reads.retrieve_payment_method(operation.target_id)
    except StripeRejected as error:
        if error.fault.code != "resource_missing":
            raise
        return Outcome(status=OperationStatus.SUCCEEDED)
    if found.customer_id:
        return not_done("The payment method was found attached to its customer.", found=found)
    return Outcome(status=OperationStatus.SUCCEEDED, value=found)


DETACHMENT = Ending(settle=settle_detachment, look=_look)
