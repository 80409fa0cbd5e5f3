"""Bringing our records of refunds up to date with Stripe's, whoever noticed that they may be behind."""

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction

from gateway import reads
from gateway.events import NotYet
from gateway.models import Kind, Operation, Status
from gateway.named_operations import may_have_made, operation_named_by
from gateway.operations import OPERATION_METADATA_KEY, record
from gateway.outcomes import Outcome
from gateway.snapshots import RefundSnapshot
from refunds.events import changes_told
from refunds.models import Refund
from refunds.operations.settle import correct_sum, settle_refund, sum_refunds, take_over
from transactions.models import Transaction
from transactions.operations.bring_up_to_date import MADE_PAST_US, payment_up_to_date

WITHOUT_A_PAYMENT = "The charge belongs to no payment intent, so there is no payment here."
ONLY_RELEASES = "It releases what was held and never taken: no money went back."


def bring_refund_up_to_date(refund_id: str, *, account_id: str) -> str:
    """The refund is read again and takes over what Stripe says; a note of what came of it.

    One that nobody here made becomes a record, marked external. Raises NotYet while an operation about it is under way here,
    and what `gateway.reads` raises.
    """
    refund = recorded_refund(refund_id, account_id=account_id)
    known_at = {refund_id: refund.updated_at} if refund is not None else {}
    found = reads.retrieve_refund(refund_id, account_id=account_id)
    return _take_over(found, account_id=account_id, known_at=known_at)


def bring_refunds_up_to_date(payment_intent_id: str, *, account_id: str) -> str:
    """Every refund of the payment is read again, and their sum is the payment's. Raises as `bring_refund_up_to_date`."""
    of_payment = Refund.objects.filter(transaction__stripe_payment_intent_id=payment_intent_id)
    known_at = dict(of_payment.values_list("stripe_refund_id", "updated_at"))
    listed = reads.list_refunds(payment_intent_id, account_id=account_id)
    notes = [_take_over(found, account_id=account_id, known_at=known_at) for found in listed]
    correct_sum(payment_intent_id, account_id=account_id)
    return " ".join(dict.fromkeys(notes)) or "The payment has no refunds."


def _take_over(found: RefundSnapshot, *, account_id: str, known_at: Mapping[str, datetime]) -> str:
    """`known_at` tells for each refund that was known before Stripe was asked when it had last changed here."""
    refund = recorded_refund(found.id, account_id=account_id)
    if refund is None:
        return _of_unknown(found, account_id=account_id)
    if found.id not in known_at or not take_over(refund, found, known_at=known_at[found.id]):
        raise NotYet("The refund has just changed here.")
    return standing(refund)


def recorded_refund(refund_id: str, *, account_id: str) -> Refund | None:
    """Our record of the refund at this account, with its payment; None where there is none."""
    at_account = Refund.objects.filter(transaction__account__stripe_account_id=account_id)
    refund: Refund | None = at_account.filter(stripe_refund_id=refund_id).select_related("transaction__account").first()
    return refund


def standing(refund: Refund) -> str:
    """What an event or a mend is noted to have come to."""
    return f"The refund is {refund.status}."


def _of_unknown(found: RefundSnapshot, *, account_id: str) -> str:
    """One of ours whose outcome is not known yet, or one that was made past us."""
    operation = operation_named_by(found.metadata.get(OPERATION_METADATA_KEY, ""), Kind.REFUND_CREATE, account_id=account_id)
    if operation is None or not _may_have_made(operation, found):
        return _record_external(found, account_id=account_id)
    if operation.may_still_be_under_way():
        raise NotYet("The refund is being created.")
    if record(operation, Outcome(status=Status.SUCCEEDED, value=found), settle_refund) is not None:
        raise NotYet("The refund has just been settled.")
    return "The refund was created, whose outcome was unknown."


def _may_have_made(operation: Operation, found: RefundSnapshot) -> bool:
    return operation.parameters["payment_intent"] == found.payment_intent_id and may_have_made(operation, found)


def _record_external(found: RefundSnapshot, *, account_id: str) -> str:
    if not found.payment_intent_id:
        return WITHOUT_A_PAYMENT
    payment = payment_up_to_date(found.payment_intent_id, account_id=account_id)
    if payment.amount_received_minor == 0 or found.only_releases_a_hold:
        return ONLY_RELEASES
    with transaction.atomic(durable=True):
        locked = Transaction.objects.select_for_update().get(pk=payment.pk)
        if recorded_refund(found.id, account_id=account_id) is not None:
            raise NotYet("Somebody else has just recorded the refund.")
        refund = Refund.objects.create(
            developer=locked.developer,
            app=locked.app,
            transaction=locked,
            account_id=locked.account_id,
            external=True,
            amount_minor=found.amount_minor,
            currency=found.currency,
            reason=found.reason,
        )
        with changes_told(refund):
            refund.apply(found)
            sum_refunds(locked)
    return f"{MADE_PAST_US} {standing(refund)}"
