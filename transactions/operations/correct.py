"""Correcting our record of a payment by Stripe's, where no payment becomes so by itself."""

import logging

from django.db import IntegrityError, transaction

from commercecore_payments.errors import Conflict
from gateway import reads
from gateway.errors import OperationInProgress
from transactions.events import changes_told
from transactions.models import Transaction
from transactions.operations.settle import open_operation

logger = logging.getLogger(__name__)


class CorrectionContradicts(Conflict):
    code = "correction_contradicts"
    message = "The record cannot be corrected by itself: what belongs to it, such as its refunds, contradicts Stripe as well."


def correct_payment(payment: Transaction) -> Transaction:
    """Our record takes over Stripe's payment intent, whatever it said before, and its app is told. No money moves.

    Raises OperationInProgress while an operation about it has no known outcome, CorrectionContradicts, and what `gateway.reads`
    raises.
    """
    if open_operation(payment) is not None:
        raise OperationInProgress
    intent = reads.retrieve_payment_intent(payment.stripe_payment_intent_id, account_id=payment.account.stripe_account_id)
    known_at = payment.updated_at
    try:
        with transaction.atomic(durable=True):
            stored = Transaction.objects.select_for_update().get(pk=payment.pk)
            if stored.updated_at != known_at:
                raise OperationInProgress
            with changes_told(stored):
                stored.correct(intent)
                if not stored.holds_order and not stored.hold_order_again():
                    logger.warning("transaction %s was corrected, and its order is paid by another one", stored)
    except IntegrityError as error:  # a rule of the table: received at most the amount, refunded at most what was received
        raise CorrectionContradicts from error
    return stored
