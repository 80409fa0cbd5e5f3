"""Forgetting: events whose time is over, with their deliveries and attempts."""

from django.db import transaction
from django.db.models import Exists, OuterRef

from commercecore_payments.clock import now
from webhooks.models import EVENTS_ARE_KEPT_FOR, Delivery, Event


def forget_old_events(*, limit: int) -> int:
    """Deletes up to `limit` events that are older than EVENTS_ARE_KEPT_FOR, the oldest first; returns how many.

    One that is still on its way to an endpoint, such as one that was sent again, stays until it has arrived or failed.
    """
    waiting = Delivery.objects.waiting().filter(event=OuterRef("pk"))
    old = Event.objects.filter(~Exists(waiting), created_at__lt=now() - EVENTS_ARE_KEPT_FOR).order_by("created_at")
    chosen = list(old.values_list("pk", flat=True)[:limit])
    if not chosen:
        return 0
    with transaction.atomic(durable=True):
        # Locked first: whoever sends one again meanwhile waits, and then finds nothing.
        deliveries = Delivery.objects.filter(event__in=chosen).select_for_update()
        busy = {one.event_id for one in deliveries if one.status == Delivery.Status.PENDING}
        Event.objects.filter(pk__in=set(chosen) - busy).delete()
    return len(chosen) - len(busy)
