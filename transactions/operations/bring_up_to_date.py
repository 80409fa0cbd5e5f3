"""Bringing our record of a payment up to date with Stripe's payment intent, whoever noticed that it may be behind."""

from datetime import UTC, datetime

from django.db import transaction

from accounts.models import ConnectedAccount
from gateway import reads
from gateway.events import NotYet
from gateway.models import Kind, Operation, Status
from gateway.named_operations import may_have_made, operation_named_by
from gateway.operations import OPERATION_METADATA_KEY, record
from gateway.outcomes import Outcome
from gateway.snapshots import PaymentIntentSnapshot
from transactions.events import changes_told
from transactions.models import CaptureMethod, Transaction
from transactions.operations.create import ORDER_METADATA_KEY
from transactions.operations.read import take_over
from transactions.operations.settle import open_operation, settle_payment_intent

MADE_PAST_US = "Made past this service, and recorded."


def bring_payment_up_to_date(payment_intent_id: str, *, account_id: str, if_final: bool = False) -> str:
    """The payment is read again and takes over what Stripe says; a note of what came of it.

    One that nobody here made becomes a record, marked external. One that is final here is not read, unless `if_final`. Raises
    NotYet while an operation about it is under way here, and what `gateway.reads` raises.
    """
    payment = recorded_payment(payment_intent_id, account_id=account_id)
    if payment is not None:
        operation = open_operation(payment)
        if operation is None and payment.is_terminal and not if_final:
            return standing(payment)
        if operation is not None and operation.may_still_be_under_way():
            raise NotYet("An operation about the payment is under way.")
    intent = reads.retrieve_payment_intent(payment_intent_id, account_id=account_id)
    if payment is None:
        return _of_unknown(intent, account_id=account_id)
    if not take_over(payment, intent):
        raise NotYet("An operation about the payment is under way.")
    payment.refresh_from_db()
    return standing(payment)


def payment_up_to_date(payment_intent_id: str, *, account_id: str) -> Transaction:
    """The payment of this payment intent, as it is now at Stripe. Raises as `bring_payment_up_to_date`."""
    bring_payment_up_to_date(payment_intent_id, account_id=account_id)
    payment = recorded_payment(payment_intent_id, account_id=account_id)
    if payment is None:
        raise NotYet("The payment is not written down yet.")
    return payment


def recorded_payment(payment_intent_id: str, *, account_id: str) -> Transaction | None:
    """Our record of the payment intent at this account; None where there is none."""
    at_account = Transaction.objects.filter(account__stripe_account_id=account_id).select_related("account")
    payment: Transaction | None = at_account.filter(stripe_payment_intent_id=payment_intent_id).first()
    return payment


def standing(payment: Transaction) -> str:
    """What an event or a mend is noted to have come to."""
    return f"The payment is {payment.status}."


def _of_unknown(intent: PaymentIntentSnapshot, *, account_id: str) -> str:
    """One of ours whose creation has no known outcome yet, or one that was made past us."""
    operation = operation_named_by(
        intent.metadata.get(OPERATION_METADATA_KEY, ""), Kind.PAYMENT_INTENT_CREATE, account_id=account_id
    )
    if operation is None or not may_have_made(operation, intent):
        return _record_external(intent, account_id=account_id)
    if operation.may_still_be_under_way():
        raise NotYet("The payment is being created.")
    if not Transaction.objects.filter(pk=operation.subject_id).exists():
        return _record_again(intent, operation)
    if record(operation, Outcome(status=Status.SUCCEEDED, value=intent), settle_payment_intent) is not None:
        raise NotYet("The payment has just been settled.")
    return "The payment was created, whose outcome was unknown."


def _record_again(intent: PaymentIntentSnapshot, operation: Operation) -> str:
    """Our own payment whose record is gone, as after a backup was restored: it is made anew from Stripe's and the operation."""
    with transaction.atomic(durable=True):
        account = ConnectedAccount.objects.select_for_update(no_key=True).get(stripe_account_id=operation.stripe_account)
        if recorded_payment(intent.id, account_id=account.stripe_account_id) is not None:
            raise NotYet("Somebody else has just recorded the payment.")
        payment = Transaction.objects.create(
            developer=operation.developer,
            app=operation.app,
            account=account,
            user_id=operation.user_id,
            order_id=intent.metadata.get(ORDER_METADATA_KEY, ""),
            holds_order=False,
            created_at=operation.created_at,
            amount_minor=intent.amount_minor,
            currency=intent.currency,
            capture_method=CaptureMethod.MANUAL if intent.capture_method == "manual" else CaptureMethod.AUTOMATIC,
        )
        with changes_told(payment):
            payment.apply(intent)
            payment.hold_order_again()
    return f"Its record was gone, and is made anew. {standing(payment)}"


def _record_external(intent: PaymentIntentSnapshot, *, account_id: str) -> str:
    with transaction.atomic(durable=True):
        # Two workers may hold events of the same payment: the account's lock lets one of them record it.
        account = ConnectedAccount.objects.select_for_update(no_key=True).get(stripe_account_id=account_id)
        if recorded_payment(intent.id, account_id=account_id) is not None:
            raise NotYet("Somebody else has just recorded the payment.")
        payment = Transaction.objects.create(
            developer=account.developer,
            account=account,
            external=True,
            holds_order=False,
            # Stripe's own time: by it, its list of an account's payments is read to the oldest that is not final here.
            created_at=datetime.fromtimestamp(intent.created, UTC),
            amount_minor=intent.amount_minor,
            currency=intent.currency,
            capture_method=CaptureMethod.MANUAL if intent.capture_method == "manual" else CaptureMethod.AUTOMATIC,
        )
        with changes_told(payment):
            payment.apply(intent)
    return f"{MADE_PAST_US} {standing(payment)}"
