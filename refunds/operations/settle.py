"""How a refund ends, whoever brings it to its end."""

import logging
from datetime import datetime

from django.db import transaction

from gateway import reads
from gateway.endings import Ending, not_found
from gateway.models import Operation
from gateway.models import Status as OperationStatus
from gateway.outcomes import Outcome
from gateway.snapshots import RefundSnapshot
from refunds.events import changes_told
from refunds.models import Refund, RefundQuerySet, Status
from transactions.models import Transaction

logger = logging.getLogger(__name__)


def settle_refund(operation: Operation, outcome: Outcome) -> None:
    """The refund takes over Stripe's answer, and its payment the new sum; the payment is locked first, as always."""
    payment = Transaction.objects.select_for_update().get(refunds=operation.subject_id)
    refund = Refund.objects.get(pk=operation.subject_id)
    with changes_told(refund):
        if isinstance(outcome.value, RefundSnapshot):
            refund.apply(outcome.value)
        else:
            refund.mark_creation_failed()
        sum_refunds(payment)


def take_over(refund: Refund, found: RefundSnapshot, *, known_at: datetime) -> bool:
    """Takes over what was read from Stripe, and tells the app; whether that could be done.

    What was written here since `known_at`, when the refund was last read, may be newer. It and its payment are up to date
    afterwards.
    """
    with transaction.atomic(durable=True):
        payment = Transaction.objects.select_for_update().get(pk=refund.transaction_id)
        refund.refresh_from_db()
        if not refund.differs_from(found):
            return True
        if refund.updated_at != known_at:
            return False
        with changes_told(refund):
            refund.apply(found)
            sum_refunds(payment)
    return True


def sum_refunds(payment: Transaction) -> None:
    """The locked payment takes over the sum of its refunds, and releases its order or holds it again accordingly."""
    succeeded = Refund.objects.of(payment).filter(status=Status.SUCCEEDED)
    payment.mark_refunded(_refunded(payment).total_minor(), of_it_succeeded_minor=succeeded.total_minor())
    went_back = succeeded.total_minor() >= payment.amount_received_minor
    # A whole refund had released the order. When it fails later, the order is paid after all, and not to be paid twice.
    # Where another transaction holds the order by now, that one stays: its buyer was let in rightly.
    if not payment.holds_order and not went_back and not payment.hold_order_again():
        logger.warning("order %s is paid by %s too: its refund failed after the order was released", payment.order_id, payment)


def correct_sum(payment_intent_id: str, *, account_id: str) -> None:
    """Brings what the payment says was refunded in step with its refunds, where it is not."""
    at_account = Transaction.objects.filter(account__stripe_account_id=account_id)
    with transaction.atomic(durable=True):
        payment = at_account.select_for_update(of=("self",)).filter(stripe_payment_intent_id=payment_intent_id).first()
        if payment is not None and payment.amount_refunded_minor != _refunded(payment).total_minor():
            sum_refunds(payment)


def _refunded(payment: Transaction) -> RefundQuerySet:
    """The refunds that Stripe took, pending ones included."""
    taken: RefundQuerySet = Refund.objects.of(payment).taking_money().exclude(status=Status.CREATING)
    return taken


def _look(operation: Operation) -> Outcome:
    """A refund that is not found proves nothing: its amount stays reserved."""
    found = reads.find_refund(operation)
    if found is None:
        return not_found("No refund of the payment names this operation.")
    return Outcome(status=OperationStatus.SUCCEEDED, value=found)


REFUND = Ending(settle=settle_refund, look=_look)
