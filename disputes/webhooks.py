"""What Stripe's events about disputes mean here."""

from disputes.operations import bring_dispute_up_to_date
from gateway.events import ReceivedEvent


def dispute_changed(event: ReceivedEvent) -> str:
    """The dispute is read again. Raises as `bring_dispute_up_to_date`."""
    if not event.account_id:
        return "A dispute of the platform's own has no record here."
    return bring_dispute_up_to_date(event.object_id, account_id=event.account_id)
