"""What operators do with the consumers' endpoints and deliveries: the API's own operations, in the name of the app."""

from django.db import transaction

from commercecore_payments.actors import Actor
from developers.models import App
from webhooks.endpoints import change_endpoint, lock_endpoint, switch_off
from webhooks.models import Delivery, Event, WebhookEndpoint
from webhooks.resending import resend_delivery, resend_events


def switch_off_endpoint(*, endpoint: WebhookEndpoint) -> None:
    """Disables the endpoint, and stops what is on its way. Raises EndpointNotFound where it was deleted."""
    with transaction.atomic(durable=True):
        locked = lock_endpoint(endpoint_id=endpoint.pk, actor=_of(endpoint.app))
        switch_off(locked, reason=WebhookEndpoint.DisabledReason.BY_OPERATOR)


def switch_on_endpoint(*, endpoint: WebhookEndpoint) -> None:
    """Enables the endpoint with a clean record. Raises EndpointNotFound where it was deleted."""
    change_endpoint(endpoint_id=endpoint.pk, status=WebhookEndpoint.Status.ENABLED, actor=_of(endpoint.app))


def send_again(*, delivery: Delivery) -> None:
    """Makes the delivery due now, whatever came of it. Raises EndpointIsOff, and DeliveryNotFound where it was pruned."""
    resend_delivery(delivery_id=delivery.pk, actor=_of(delivery.endpoint.app))


def send_event_again(*, event: Event) -> int:
    """Sends the event again to every endpoint of its app that is on and takes its type; to how many. Raises EndpointIsOff."""
    endpoints = WebhookEndpoint.objects.enabled().filter(app=event.app)
    return sum(send_range_again(endpoint=one, after=event.sequence - 1, until=event.sequence) for one in endpoints)


def send_range_again(*, endpoint: WebhookEndpoint, after: int, until: int) -> int:
    """Sends the endpoint what its app was told behind `after` up to `until`; how many events. Raises as `resend_events`."""
    return resend_events(endpoint_id=endpoint.pk, after=after, until=until, actor=_of(endpoint.app))


def _of(app: App) -> Actor:
    return Actor(developer=app.developer, app=app)
