"""What Stripe's events about payment intents and charges mean here."""

from datetime import UTC, datetime

from django.db import transaction

from accounts.models import ConnectedAccount
from gateway import reads
from gateway.events import NotYet, ReceivedEvent
from gateway.models import Kind, Operation, Status
from gateway.operations import OPERATION_METADATA_KEY, record
from gateway.outcomes import Outcome
from gateway.snapshots import PaymentIntentSnapshot, RefundSnapshot, object_id
from transactions.events import changes_told
from transactions.models import CaptureMethod, Transaction
from transactions.models import Status as TransactionStatus
from transactions.operations.create import ORDER_METADATA_KEY
from transactions.operations.read import take_over
from transactions.operations.settle import open_operation, settle_payment_intent

MADE_PAST_US = "Made past this service, and recorded."


def payment_intent_known(event: ReceivedEvent) -> str | None:
    """What came of the event where it can be told without asking Stripe; None where it cannot.

    Where the intent shows nothing new there is nothing to do. A final state cannot be an old one: it is taken over as it is,
    unless an operation is open, whose outcome may need more than the event holds.
    """
    payment = _find(event.object_id, account_id=event.account_id)
    if payment is None or payment.account.is_deleted:
        return None
    if payment.is_terminal:
        return _standing(payment)
    intent = PaymentIntentSnapshot.from_stripe(event.object)
    if not event.is_in_our_version or open_operation(payment) is not None:
        return None
    if payment.says_nothing_new(intent):
        return _standing(payment)
    is_final = intent.status in (TransactionStatus.SUCCEEDED, TransactionStatus.CANCELED)
    if not is_final or not take_over(payment, intent):
        return None
    payment.refresh_from_db()
    return _standing(payment)


def payment_intent_changed(event: ReceivedEvent) -> str:
    """The payment is read again and takes over what Stripe says. One that nobody here made becomes a record, marked external.

    Raises NotYet while an operation about it is under way here, and what `gateway.reads` raises.
    """
    return _up_to_date(event.object_id, account_id=event.account_id)


def hold_lapsed(event: ReceivedEvent) -> str:
    """`charge.expired`: a hold was not captured in time, and its payment is read again. Raises as payment_intent_changed."""
    intent_id = object_id(event.object.get("payment_intent"))
    return _up_to_date(intent_id, account_id=event.account_id) if intent_id else "The charge belongs to no payment intent."


def payment_up_to_date(payment_intent_id: str, *, account_id: str) -> Transaction:
    """The payment of this payment intent, as it is now at Stripe; recorded, where nobody here made it.

    Raises NotYet while an operation about it is under way here, and what `gateway.reads` raises.
    """
    _up_to_date(payment_intent_id, account_id=account_id)
    payment = _find(payment_intent_id, account_id=account_id)
    if payment is None:
        raise NotYet("The payment is not written down yet.")
    return payment


def read_again(payment_intent_id: str, *, account_id: str) -> str:
    """Takes over what Stripe says of the payment, of one that is final here too; a note of what came of it.

    Raises as `payment_up_to_date`.
    """
    return _up_to_date(payment_intent_id, account_id=account_id, if_final=True)


def _up_to_date(payment_intent_id: str, *, account_id: str, if_final: bool = False) -> str:
    payment = _find(payment_intent_id, account_id=account_id)
    if payment is not None:
        operation = open_operation(payment)
        if operation is None and payment.is_terminal and not if_final:
            return _standing(payment)
        if operation is not None and operation.may_still_be_under_way():
            raise NotYet("An operation about the payment is under way.")
    intent = reads.retrieve_payment_intent(payment_intent_id, account_id=account_id)
    if payment is None:
        return _of_unknown(intent, account_id=account_id)
    if not take_over(payment, intent):
        raise NotYet("An operation about the payment is under way.")
    payment.refresh_from_db()
    return _standing(payment)


def _find(payment_intent_id: str, *, account_id: str) -> Transaction | None:
    at_account = Transaction.objects.filter(account__stripe_account_id=account_id).select_related("account")
    payment: Transaction | None = at_account.filter(stripe_payment_intent_id=payment_intent_id).first()
    return payment


def _standing(payment: Transaction) -> str:
    return f"The payment is {payment.status}."


def _of_unknown(intent: PaymentIntentSnapshot, *, account_id: str) -> str:
    """One of ours whose creation has no known outcome yet, or one that was made past us."""
    operation = operation_named_by(
        intent.metadata.get(OPERATION_METADATA_KEY, ""), Kind.PAYMENT_INTENT_CREATE, account_id=account_id
    )
    if operation is None or not _may_have_made(operation, intent):
        return _record_external(intent, account_id=account_id)
    if operation.may_still_be_under_way():
        raise NotYet("The payment is being created.")
    if not Transaction.objects.filter(pk=operation.subject_id).exists():
        return _record_again(intent, operation)
    if record(operation, Outcome(status=Status.SUCCEEDED, value=intent), settle_payment_intent) is not None:
        raise NotYet("The payment has just been settled.")
    return "The payment was created, whose outcome was unknown."


def operation_named_by(operation_id: str, kind: Kind, *, account_id: str) -> Operation | None:
    """Our own operation that an object's metadata names; None where there is none of this kind at this account.

    Whoever makes objects at an account chooses their metadata: another account's operations are none of theirs.
    """
    if not operation_id:
        return None
    named: Operation | None = Operation.objects.filter(pk=operation_id, kind=kind, stripe_account=account_id).first()
    return named


def _may_have_made(operation: Operation, intent: PaymentIntentSnapshot) -> bool:
    as_asked = reads.is_as_asked(operation, amount_minor=intent.amount_minor, currency=intent.currency)
    return as_asked and not has_made_another(operation, intent)


def has_made_another(operation: Operation, found: PaymentIntentSnapshot | RefundSnapshot) -> bool:
    """Whether Stripe's word on the operation is known, and is about another object than the one that names it."""
    return operation.tells_what_stripe_said and operation.result_id != found.id


def _record_again(intent: PaymentIntentSnapshot, operation: Operation) -> str:
    """Our own payment whose record is gone, as after a backup was restored: it is made anew from Stripe's and the operation."""
    with transaction.atomic(durable=True):
        account = ConnectedAccount.objects.select_for_update(no_key=True).get(stripe_account_id=operation.stripe_account)
        if _find(intent.id, account_id=account.stripe_account_id) is not None:
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
    return f"Its record was gone, and is made anew. {_standing(payment)}"


def _record_external(intent: PaymentIntentSnapshot, *, account_id: str) -> str:
    with transaction.atomic(durable=True):
        # Two workers may hold events of the same payment: the account's lock lets one of them record it.
        account = ConnectedAccount.objects.select_for_update(no_key=True).get(stripe_account_id=account_id)
        if _find(intent.id, account_id=account_id) is not None:
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
    return f"{MADE_PAST_US} {_standing(payment)}"
