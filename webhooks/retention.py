"""Forgetting: events whose time is over, with their deliveries and attempts."""

from collections.abc import Collection, Sequence

from django.db import transaction
from django.db.models import Min, QuerySet

from commercecore_payments.clock import now
from developers.models import App
from webhooks.models import EVENTS_ARE_KEPT_FOR, Delivery, Event
from webhooks.outbox import lock_counter


def forget_old_events(*, limit: int) -> int:
    """Deletes up to `limit` events that are older than EVENTS_ARE_KEPT_FOR, the oldest first; returns how many.

    One that is still on its way to an endpoint, such as one that was sent again, stays until it has arrived or failed, and with
    it all later ones of its app: what is kept of an app has no gap, and so its oldest sequence number tells what was forgotten.
    """
    old = Event.objects.filter(created_at__lt=now() - EVENTS_ARE_KEPT_FOR)
    if not old.exists():
        return 0
    chosen = list(_done(old).order_by("created_at", "sequence").only("app_id", "sequence")[:limit])
    if not chosen:
        return 0
    with transaction.atomic(durable=True):
        # Whoever sends one again meanwhile holds the lock of its app's counter: it waits here, or we wait for it.
        for app in App.objects.filter(pk__in={one.app_id for one in chosen}).order_by("pk"):
            lock_counter(app)
        deliveries = Delivery.objects.filter(event__in=chosen).select_for_update()
        busy = {one.event_id for one in deliveries if one.status == Delivery.Status.PENDING}
        forgotten = _before_the_first(busy, chosen)
        Event.objects.filter(pk__in=forgotten).delete()
    return len(forgotten)


def _done(old: QuerySet[Event]) -> QuerySet[Event]:
    """Those of each app before its first that is still on its way: few apps have one that is so old."""
    waiting = old.filter(deliveries__status=Delivery.Status.PENDING).order_by()
    done = old
    for app_id, first in waiting.values_list("app").annotate(first=Min("sequence")):
        done = done.exclude(app=app_id, sequence__gte=first)
    return done


def _before_the_first(busy: Collection[str], events: Sequence[Event]) -> list[str]:
    """The ids of those that come before their app's first that is busy."""
    first: dict[str, int] = {}
    for event in events:
        if event.pk in busy:
            first[event.app_id] = min(event.sequence, first.get(event.app_id, event.sequence))
    return [event.pk for event in events if event.app_id not in first or event.sequence < first[event.app_id]]
