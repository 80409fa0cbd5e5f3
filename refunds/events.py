"""What an app is told of its refunds."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from refunds.models import Refund, Status
from refunds.serializers import refund_facts
from transactions.events import apps_told_of
from webhooks.models import EventType
from webhooks.outbox import write_event

# What a refund became, and how it is told. A canceled one gave no money back either.
EVENT_OF_STATUS: Mapping[str, EventType] = {
    Status.SUCCEEDED: EventType.REFUND_PROCESSED,
    Status.FAILED: EventType.REFUND_FAILED,
    Status.CANCELED: EventType.REFUND_FAILED,
}


@contextmanager
def changes_told(refund: Refund) -> Iterator[None]:
    """While open, the refund of a locked payment may be changed; at its end its app is told, in the same transaction.

    Open it as the last thing of the transaction: see `webhooks.outbox.write_event`.
    """
    status_before = refund.status
    yield
    event_type = EVENT_OF_STATUS.get(refund.status)
    if event_type is not None and refund.status != status_before:
        apps = [refund.app] if refund.app is not None else apps_told_of(refund.transaction)
        write_event(event_type, subject=refund, data=refund_facts(refund), apps=apps)
