"""What Stripe's events about payouts mean here."""

from datetime import UTC, datetime

from django.db import transaction

from accounts.models import ConnectedAccount
from gateway import reads
from gateway.events import NotYet, ReceivedEvent
from gateway.snapshots import PayoutSnapshot
from payouts.models import Payout


def payout_changed(event: ReceivedEvent) -> str:
    """Reads the payout again, and takes over what Stripe says; a note of what came of it. Consumers are told nothing.

    Raises NotYet where the payout was written here while Stripe was asked, since the answer may be older, and what
    `gateway.reads` raises.
    """
    if not event.account_id:
        return "A payout of the platform's own has no record here."
    return payout_up_to_date(event.object_id, account_id=event.account_id)


def payout_up_to_date(payout_id: str, *, account_id: str) -> str:
    """The same for whoever knows the payout's id. Raises as `payout_changed`."""
    known = Payout.objects.filter(stripe_payout_id=payout_id).first()
    found = reads.retrieve_payout(payout_id, account_id=account_id)
    with transaction.atomic(durable=True):
        # Of two that make the same payout, one waits here, and then finds it.
        account = ConnectedAccount.objects.select_for_update(no_key=True).get(stripe_account_id=account_id)
        stored = Payout.objects.filter(stripe_payout_id=found.id).first()
        if _last_change(stored) != _last_change(known):
            raise NotYet("The payout was written here while Stripe was asked.")
        payout = stored if stored is not None else _new_payout(found, account)
        payout.apply(found)
    return f"The payout is {payout.status}."


def _last_change(payout: Payout | None) -> datetime | None:
    return payout.updated_at if payout is not None else None


def _new_payout(found: PayoutSnapshot, account: ConnectedAccount) -> Payout:
    """The payout as it is before it has taken over anything: not saved yet."""
    return Payout(
        stripe_payout_id=found.id,
        developer=account.developer,
        account=account,
        made_at=datetime.fromtimestamp(found.created, UTC),
    )
