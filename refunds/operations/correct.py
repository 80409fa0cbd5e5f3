"""Correcting our record of a refund by Stripe's, where no refund becomes so by itself."""

from django.db import IntegrityError, transaction
from django.db.models import Q

from gateway import reads
from gateway.errors import OperationInProgress
from gateway.models import Operation
from refunds.errors import PaymentNotRecorded
from refunds.events import changes_told
from refunds.models import Refund
from refunds.operations.settle import sum_refunds
from transactions.models import Transaction
from transactions.operations.correct import CorrectionContradicts


def correct_refund(refund: Refund) -> Refund:
    """Our record takes over Stripe's refund, its amount and its payment too, and both payments their new sums. No money moves.

    Raises OperationInProgress while an operation about it has no known outcome or somebody else changes it, PaymentNotRecorded,
    CorrectionContradicts, and what `gateway.reads` raises.
    """
    _refuse_open_operation(refund)
    account, known_at = refund.transaction.account, refund.updated_at
    found = reads.retrieve_refund(refund.stripe_refund_id, account_id=account.stripe_account_id)
    if not found.payment_intent_id:
        raise PaymentNotRecorded
    both = Q(pk=refund.transaction_id) | Q(stripe_payment_intent_id=found.payment_intent_id)
    try:
        with transaction.atomic(durable=True):
            concerned = Transaction.objects.at(account).filter(both).select_for_update().order_by("pk")
            payments = {payment.stripe_payment_intent_id: payment for payment in concerned}
            stored = Refund.objects.select_for_update().get(pk=refund.pk)
            if stored.updated_at != known_at:  # its payment may be another one by now, which is not locked
                raise OperationInProgress
            _refuse_open_operation(stored)
            if found.payment_intent_id not in payments:
                raise PaymentNotRecorded
            with changes_told(stored):
                stored.correct(found, payment=payments[found.payment_intent_id])
                for payment in payments.values():
                    sum_refunds(payment)
    except IntegrityError as error:  # a rule of the table: refunded at most what was received
        raise CorrectionContradicts from error
    return stored


def _refuse_open_operation(refund: Refund) -> None:
    if Operation.objects.of(refund).open().exists():
        raise OperationInProgress
