"""Sending again: one delivery, or all that an endpoint has missed."""

from django.db import models, transaction
from django.db.models import Q

from commercecore_payments.actors import Actor
from commercecore_payments.clock import database_now
from webhooks.endpoints import lock_app, lock_endpoint
from webhooks.errors import DeliveryNotFound, EndpointIsOff, TooManyEvents
from webhooks.events import with_attempts
from webhooks.models import ALL_EVENTS, Delivery, DeliveryQuerySet, Event, WebhookEndpoint
from webhooks.outbox import plan_deliveries

# In one request: the app's events wait while they are planned, and that many take a second on PostgreSQL.
MOST_EVENTS = 1000


def resend_delivery(*, delivery_id: str, actor: Actor) -> Delivery:
    """Makes a delivery due now, whatever came of it, and begins its schedule anew; a pause of its endpoint ends.

    Raises DeliveryNotFound, for another app's too, and EndpointIsOff.
    """
    with transaction.atomic(durable=True):
        app = lock_app(actor=actor)
        chosen = Delivery.objects.filter(endpoint__app=app, pk=delivery_id)
        endpoint_id = chosen.values_list("endpoint_id", flat=True).first()
        if endpoint_id is None:
            raise DeliveryNotFound
        endpoint = WebhookEndpoint.objects.select_for_update().get(pk=endpoint_id)
        if not endpoint.is_enabled:
            raise EndpointIsOff
        _end_pause(endpoint)
        _make_due(chosen)
        delivery: Delivery = with_attempts(chosen).get()
    return delivery


def resend_events(*, endpoint_id: str, after: int, until: int, actor: Actor) -> int:
    """Sends an endpoint the events behind the app's sequence number `after` up to `until`, again or for the first time.

    Those that were on their way to it before are made due again; those that it takes and that came while it was off or was
    not there are planned now, as its newest. A pause of the endpoint ends. How many in all.

    Raises EndpointNotFound, EndpointIsOff and TooManyEvents.
    """
    with transaction.atomic(durable=True):
        endpoint = lock_endpoint(endpoint_id=endpoint_id, actor=actor)
        if not endpoint.is_enabled:
            raise EndpointIsOff
        _end_pause(endpoint)
        sent_before = Delivery.objects.filter(endpoint=endpoint)
        events = _events_for(endpoint, sent_before, after=after, until=until)
        planned = set(sent_before.filter(event__in=events).values_list("event_id", flat=True))
        _make_due(sent_before.filter(event__in=planned))
        plan_deliveries([event for event in events if event.pk not in planned], [endpoint])
    return len(events)


def _end_pause(endpoint: WebhookEndpoint) -> None:
    """Whoever asks for an event now knows that the receiver takes it, whatever it has asked for before."""
    if endpoint.paused_until is not None:
        endpoint.paused_until = None
        endpoint.save(update_fields=["paused_until"])


def _events_for(endpoint: WebhookEndpoint, sent_before: DeliveryQuerySet, *, after: int, until: int) -> list[Event]:
    """The oldest first, without their bodies. Raises TooManyEvents."""
    between = Event.objects.filter(app_id=endpoint.app_id, sequence__gt=after, sequence__lte=until)
    if ALL_EVENTS not in endpoint.event_types:
        between = between.filter(Q(type__in=endpoint.event_types) | Q(pk__in=sent_before.values("event")))
    found = list(between.defer("body").order_by("sequence")[: MOST_EVENTS + 1])
    if len(found) > MOST_EVENTS:
        raise TooManyEvents(most=MOST_EVENTS)
    return found


def _make_due(deliveries: models.QuerySet[Delivery]) -> None:
    """An attempt that is under way goes on, and may still succeed."""
    deliveries.update(status=Delivery.Status.PENDING, scheduled_attempts=0, next_attempt_at=database_now(), finished_at=None)
