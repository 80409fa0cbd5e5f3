"""Bringing our records of disputes up to date with Stripe's: all else about them is decided there."""

from datetime import UTC, datetime, timedelta

from django.db import transaction

from accounts.models import ConnectedAccount
from commercecore_payments.clock import now
from disputes.events import write_dispute_event
from disputes.models import Dispute
from gateway import reads
from gateway.events import NotYet
from gateway.snapshots import DisputeSnapshot
from transactions.models import Transaction
from webhooks.models import EventType

# For so long the payment of a dispute may still be on its way into our records: a card can be disputed seconds after it paid,
# and recovery takes an operation without an answer up after one minute and after five (gateway.models.RECOVERY_AGES).
PAYMENT_IS_AWAITED_FOR = timedelta(minutes=5)


def bring_dispute_up_to_date(dispute_id: str, *, account_id: str) -> str:
    """Reads the dispute again, takes over what Stripe says, and tells consumers; a note of what came of it.

    Raises NotYet where the dispute was written here while Stripe was asked, since the answer may be older, and while its
    payment may still be on its way. Raises what `gateway.reads` raises.
    """
    known = Dispute.objects.filter(stripe_dispute_id=dispute_id).first()
    found = reads.retrieve_dispute(dispute_id, account_id=account_id)
    with transaction.atomic(durable=True):
        # Of two that make the same dispute, one waits here, and then finds it.
        account = ConnectedAccount.objects.select_for_update(no_key=True).get(stripe_account_id=account_id)
        stored = Dispute.objects.filter(stripe_dispute_id=found.id).first()
        if _last_change(stored) != _last_change(known):
            raise NotYet("The dispute was written here while Stripe was asked.")
        payment = _payment_of(found, account)
        dispute = stored if stored is not None else _new_dispute(found, account, payment)
        _take_over(found, dispute, payment)
    return f"The dispute is {dispute.status}."


def _last_change(dispute: Dispute | None) -> datetime | None:
    return dispute.updated_at if dispute is not None else None


def _payment_of(found: DisputeSnapshot, account: ConnectedAccount) -> Transaction | None:
    if not found.payment_intent_id:
        return None
    return Transaction.objects.at(account).filter(stripe_payment_intent_id=found.payment_intent_id).first()


def _new_dispute(found: DisputeSnapshot, account: ConnectedAccount, payment: Transaction | None) -> Dispute:
    """The dispute as it is before it has taken over anything: not saved yet. Raises NotYet while its payment is awaited."""
    opened_at = datetime.fromtimestamp(found.created, UTC)
    # Stripe's clock may be ahead of ours, and that of the sandbox by weeks.
    is_recent = abs(now() - opened_at) < PAYMENT_IS_AWAITED_FOR
    if payment is None and found.payment_intent_id and is_recent:
        raise NotYet("The dispute's payment is not known here yet.")
    return Dispute(
        stripe_dispute_id=found.id,
        developer=account.developer,
        account=account,
        stripe_charge_id=found.charge_id,
        opened_at=opened_at,
        version=0,  # what it takes over first is its first version
    )


def _take_over(found: DisputeSnapshot, dispute: Dispute, payment: Transaction | None) -> None:
    """Writes the dispute, and the events of what is new about it."""
    is_new, was_closed = dispute.pk is None, dispute.is_closed
    if dispute.transaction_id is None and payment is not None:
        _link_payment(dispute, payment)
    dispute.apply(found)
    if is_new:
        write_dispute_event(EventType.DISPUTE_CREATED, dispute)
    if dispute.is_closed and not was_closed:
        write_dispute_event(EventType.DISPUTE_CLOSED, dispute)


def _link_payment(dispute: Dispute, payment: Transaction) -> None:
    """A dispute that was kept without its payment gets it as soon as that is known here."""
    dispute.transaction, dispute.app = payment, payment.app
    if dispute.pk is not None:
        dispute.save(update_fields=["transaction", "app"])
