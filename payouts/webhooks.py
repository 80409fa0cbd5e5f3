"""What Stripe's events about payouts mean here."""

from gateway.events import ReceivedEvent
from payouts.operations import bring_payout_up_to_date


def payout_changed(event: ReceivedEvent) -> str:
    """The payout is read again. Raises as `bring_payout_up_to_date`."""
    if not event.account_id:
        return "A payout of the platform's own has no record here."
    return bring_payout_up_to_date(event.object_id, account_id=event.account_id)
