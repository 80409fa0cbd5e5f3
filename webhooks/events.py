"""Reading what an app was told: its events, and how they arrived at an endpoint."""

from dataclasses import dataclass

from django.db.models import Prefetch

from commercecore_payments.actors import Actor
from webhooks.endpoints import find_endpoint
from webhooks.models import Delivery, DeliveryAttempt, DeliveryQuerySet, Event, EventCounter

# Of a delivery's attempts, the newest: its whole schedule, or what a few resends came to.
MAX_ATTEMPTS_SHOWN = 10


@dataclass(frozen=True, slots=True)
class EventPage:
    """Some events, the oldest first. `oldest_sequence` is the oldest that is kept, `latest_sequence` the newest ever; or 0."""

    events: list[Event]
    oldest_sequence: int
    latest_sequence: int
    has_more: bool


def list_events(*, after: int, limit: int, actor: Actor) -> EventPage:
    """Up to `limit` of the app's events behind the sequence number `after`.

    The bounds are read after the events: what came or was forgotten meanwhile shows in them, and never the other way round.
    """
    app = actor.known_app()
    of_app = Event.objects.filter(app=app)
    found = list(of_app.filter(sequence__gt=after).order_by("sequence")[: limit + 1])
    oldest = of_app.order_by("sequence").values_list("sequence", flat=True).first()
    latest = EventCounter.objects.filter(app=app).values_list("last_sequence", flat=True).first()
    return EventPage(events=found[:limit], oldest_sequence=oldest or 0, latest_sequence=latest or 0, has_more=len(found) > limit)


def list_deliveries(*, endpoint_id: str, status: str | None, after: int, limit: int, actor: Actor) -> tuple[list[Delivery], bool]:
    """Up to `limit` of an endpoint's deliveries behind its own sequence number `after`, and whether there are more.

    The oldest first, each with its newest attempts; only those of one status, where it is given. Raises EndpointNotFound.
    """
    endpoint = find_endpoint(endpoint_id=endpoint_id, actor=actor)
    behind = Delivery.objects.filter(endpoint=endpoint, sequence__gt=after).order_by("sequence")
    chosen = behind.filter(status=status) if status is not None else behind
    found = list(with_attempts(chosen)[: limit + 1])
    return found[:limit], len(found) > limit


def with_attempts(deliveries: DeliveryQuerySet) -> DeliveryQuerySet:
    """Each delivery with its event, without the body, and with its newest attempts."""
    newest = DeliveryAttempt.objects.order_by("-number")[:MAX_ATTEMPTS_SHOWN]
    attempts = Prefetch("attempt_log", queryset=newest, to_attr="newest_attempts")
    return deliveries.select_related("event").defer("event__body").prefetch_related(attempts)


def newest_attempts(delivery: Delivery) -> list[DeliveryAttempt]:
    """Of a delivery that was read by `with_attempts`: its newest attempts, the oldest of them first."""
    found: list[DeliveryAttempt] = delivery.newest_attempts  # type: ignore[attr-defined]
    return found[::-1]
