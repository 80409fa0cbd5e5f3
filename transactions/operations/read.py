"""Finding transactions, and reading their state from Stripe."""

from django.db import transaction
from django.db.models import Q

from accounts.models import ConnectedAccount
from accounts.operations import refuse_while_deleting
from commercecore_payments.actors import Actor
from gateway import reads
from gateway.errors import OperationInProgress, OutcomeUnknown
from gateway.models import Operation, subject_type
from gateway.operations import record
from gateway.snapshots import PaymentIntentSnapshot
from transactions.errors import TooManyUnfinished, TransactionNotFound
from transactions.events import changes_told
from transactions.models import Transaction
from transactions.operations.settle import end_open_without_charging, open_operation, settle_payment_intent, shown_by

# Payments that are read from Stripe for one request: twenty of its pages, about as many seconds.
MOST_LISTED = 2_000
# Payments that a refusal names: as many as somebody looks at one by one.
MOST_NAMED = 10


def find_transaction(*, transaction_id: str, actor: Actor) -> Transaction:
    """The app's own transaction by its id (`pi_…`). Raises TransactionNotFound, for another app's too."""
    of_app = Transaction.objects.of(actor.known_app()).select_related("account")
    payment = of_app.filter(stripe_payment_intent_id=transaction_id).first()
    if payment is None:
        raise TransactionNotFound
    return payment


def read_transaction(*, transaction_id: str, actor: Actor) -> Transaction:
    """The app's own transaction as it is now: what is stuck is brought to its end where that is possible.

    It is read from Stripe until its state is final: a passed challenge shows at once. Nobody is charged by it. Raises
    TransactionNotFound, and what `gateway.reads` raises.
    """
    payment = find_transaction(transaction_id=transaction_id, actor=actor)
    unfinished = open_operation(payment)
    if unfinished is not None:
        _end_if_possible(unfinished)
        payment.refresh_from_db()
    if payment.may_still_change:
        refresh_transaction(payment)
    return payment


def open_operations(payment: Transaction) -> list[Operation]:
    """What is under way or undecided about the payment and its refunds, the oldest first."""
    refunds = payment.refunds.values("pk")
    about = Q(subject_type=subject_type(payment), subject_id=payment.pk) | Q(
        subject_type=subject_type(payment.refunds.model), subject_id__in=refunds
    )
    return list(Operation.objects.open().filter(about).order_by("created_at", "id"))


def _end_if_possible(operation: Operation) -> None:
    try:
        end_open_without_charging(operation)
    except (OperationInProgress, OutcomeUnknown):
        return  # the reader is shown that it is open: see serializers.transaction_details


def refresh_transaction(payment: Transaction) -> PaymentIntentSnapshot:
    """Reads the payment intent from Stripe and takes over what it says, a finished challenge for one.

    What was written here while Stripe was asked is newer than the answer, and stays. An operation whose outcome was
    unknown is settled when the intent shows what came of it.
    """
    intent = reads.retrieve_payment_intent(payment.stripe_payment_intent_id, account_id=payment.account.stripe_account_id)
    take_over(payment, intent)
    payment.refresh_from_db()
    return intent


def foreseen(payment: Transaction) -> Transaction:
    """The payment as `refresh_transaction` would leave it, for a dry run: Stripe is read as there, and nothing is written.

    Raises OperationInProgress while something is under way or undecided about the payment, since only its end could tell, and
    what `gateway.reads` raises.
    """
    if not payment.may_still_change:
        return payment
    intent = reads.retrieve_payment_intent(payment.stripe_payment_intent_id, account_id=payment.account.stripe_account_id)
    if open_operation(payment) is not None:
        raise OperationInProgress
    return payment.as_told(intent)


def take_over(payment: Transaction, intent: PaymentIntentSnapshot) -> bool:
    """Takes over what was just read from Stripe, and tells the app; whether that could be done.

    Nothing is taken over that is an open operation's to tell: what it finds there must still be new to it. And what was
    written here since `payment` was read may be newer than the intent.
    """
    known_at = payment.updated_at
    if _shows_what_may_not_be_settled(payment, intent):
        return False
    with transaction.atomic(durable=True):
        stored = Transaction.objects.select_for_update().get(pk=payment.pk)
        if stored.updated_at != known_at:
            return stored.says_nothing_new(intent)
        with changes_told(stored):
            stored.apply(intent)
    return True


def reread_for_secret(payment: Transaction) -> PaymentIntentSnapshot | None:
    """Like `refresh_transaction`, for a request that was answered before: what the buyer needs to go on is not kept.

    None where the account is deleted: Stripe tells nothing of its payments any more, and nobody can go on. Raises
    AccountInUse while it is being deleted.
    """
    refuse_while_deleting(payment.account)
    return None if payment.account.is_deleted else refresh_transaction(payment)


def refresh_unfinished(account: ConnectedAccount) -> None:
    """Takes over what Stripe says of all the account's payments that are not final here, read in one list.

    Raises TooManyUnfinished where the list would be longer than can be waited for, and what `gateway.reads` raises.
    """
    at_account = Transaction.objects.at(account)
    unfinished = {payment.stripe_payment_intent_id: payment for payment in at_account.unfinished().order_by("created_at")}
    if not unfinished:
        return
    oldest = next(iter(unfinished.values()))
    if at_account.filter(created_at__gte=oldest.created_at).count() > MOST_LISTED:
        raise TooManyUnfinished(list(unfinished)[:MOST_NAMED])
    for intent in reads.list_payment_intents(account.stripe_account_id, made_since=oldest.created_at):
        payment = unfinished.pop(intent.id, None)
        if payment is not None and payment.status != intent.status:
            take_over(payment, intent)
        if not unfinished:
            return


def _shows_what_may_not_be_settled(payment: Transaction, intent: PaymentIntentSnapshot) -> bool:
    """Settles the open operation where the intent shows what came of it; whether it is too early for that."""
    unfinished = open_operation(payment)
    shown = shown_by(unfinished, intent) if unfinished is not None else None
    if unfinished is None or shown is None:
        return False
    if unfinished.may_still_be_under_way() or not (shown.succeeded or not unfinished.may_still_take_effect()):
        return True
    record(unfinished, shown, settle_payment_intent)
    return False
