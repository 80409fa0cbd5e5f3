"""Finding transactions, and reading their state from Stripe."""

from django.db import transaction

from commercecore_payments.actors import Actor
from gateway import reads
from gateway.snapshots import PaymentIntentSnapshot
from transactions.errors import TransactionNotFound
from transactions.models import Transaction


def find_transaction(*, transaction_id: str, actor: Actor) -> Transaction:
    """The app's own transaction by its id (`pi_…`). Raises TransactionNotFound, for another app's too."""
    of_app = Transaction.objects.of(actor.known_app()).select_related("account")
    payment = of_app.filter(stripe_payment_intent_id=transaction_id).first()
    if payment is None:
        raise TransactionNotFound
    return payment


def refresh_transaction(payment: Transaction) -> PaymentIntentSnapshot:
    """Reads the payment intent from Stripe and takes over what it says, a finished challenge for one."""
    intent = reads.retrieve_payment_intent(payment.stripe_payment_intent_id, account_id=payment.account.stripe_account_id)
    with transaction.atomic(durable=True):
        Transaction.objects.select_for_update().get(pk=payment.pk).apply(intent)
    payment.refresh_from_db()
    return intent
