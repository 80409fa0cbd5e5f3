"""Canceling a payment that has not been made, or a hold: nothing is taken, and the order is free again."""

from django.db import transaction

from accounts.operations import keep_account_open
from commercecore_payments.actors import Actor
from commercecore_payments.errors import ServiceError
from gateway.models import Kind, Operation
from gateway.operations import raise_for_outcome, reserve
from gateway.outcomes import Fault, Outcome
from transactions.errors import AlreadyCanceled, CancellationRefused, NotCancelable
from transactions.models import CANCELABLE, Status, Transaction
from transactions.operations.read import find_transaction
from transactions.operations.settle import change, told_under_key


def cancel_transaction(*, transaction_id: str, cancellation_reason: str, actor: Actor) -> Transaction:
    """Cancels a payment of the app's own, by its id. Raises TransactionNotFound, and as `cancel_payment`."""
    payment = find_transaction(transaction_id=transaction_id, actor=actor)
    return cancel_payment(payment, cancellation_reason=cancellation_reason, actor=actor)


def cancel_payment(payment: Transaction, *, cancellation_reason: str, actor: Actor) -> Transaction:
    """Cancels a payment: a hold is released, and the order may be paid anew.

    `cancellation_reason` is one of Stripe's, or empty. A repeat while the first outcome is unknown continues the first.
    Raises AlreadyCanceled, NotCancelable, CancellationRefused, OperationInProgress, and what
    `gateway.operations.raise_for_outcome` raises.
    """
    told = told_under_key(Kind.PAYMENT_INTENT_CANCEL, actor=actor)
    if told is None:
        parameters = {"cancellation_reason": cancellation_reason} if cancellation_reason else {}

        def reserve_new() -> Operation:
            """Keeps the wish to cancel before Stripe is asked."""
            return _reserve(payment, parameters, actor=actor)

        told = change(payment, Kind.PAYMENT_INTENT_CANCEL, parameters=parameters, reserve_new=reserve_new)
    payment.refresh_from_db()
    _raise_unless_canceled(payment, *told)
    return payment


def _reserve(payment: Transaction, parameters: dict[str, str], *, actor: Actor) -> Operation:
    with transaction.atomic(durable=True):
        keep_account_open(payment.account)
        locked = Transaction.objects.select_for_update().get(pk=payment.pk)
        if locked.status not in CANCELABLE:
            raise _not_cancelable(locked)
        return reserve(
            Kind.PAYMENT_INTENT_CANCEL,
            subject=locked,
            actor=actor,
            parameters=parameters,
            stripe_account=payment.account.stripe_account_id,
            target_id=locked.stripe_payment_intent_id,
        )


def _not_cancelable(payment: Transaction) -> ServiceError:
    return AlreadyCanceled() if payment.status == Status.CANCELED else NotCancelable(status=payment.status)


def _raise_unless_canceled(payment: Transaction, operation: Operation, outcome: Outcome) -> None:
    def refusal(fault: Fault, *, stripe_request_id: str) -> ServiceError:
        if payment.status in CANCELABLE:
            return CancellationRefused(fault, stripe_request_id=stripe_request_id)
        return _not_cancelable(payment)  # Stripe knew it before we did: the error carried the intent

    raise_for_outcome(operation, outcome, refusal=refusal)
