"""Bringing our records of payouts up to date with Stripe's: all else about them is decided there."""

from datetime import UTC, datetime

from django.db import transaction

from accounts.models import ConnectedAccount
from gateway import reads
from gateway.events import NotYet
from gateway.snapshots import PayoutSnapshot
from payouts.models import Payout


def bring_payout_up_to_date(payout_id: str, *, account_id: str) -> str:
    """Reads the payout again, and takes over what Stripe says; a note of what came of it. Consumers are told nothing.

    Raises NotYet where the payout was written here while Stripe was asked, since the answer may be older, and what
    `gateway.reads` raises.
    """
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
