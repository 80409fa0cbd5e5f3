"""What is done with webhook endpoints: made, changed, switched off and on, deleted, given a new secret."""

from collections.abc import Sequence
from typing import Any

from django.db import transaction

from commercecore_payments.actors import Actor
from commercecore_payments.clock import database_now, now
from commercecore_payments.pages import (
    Filters,
    Page,
    created_before,
    created_from,
    narrowed,
    newest_first,
    starting_point,
)
from developers.models import App
from idempotency.operations import keep_hold
from webhooks.addresses import refuse_address
from webhooks.errors import EndpointNotFound, TooManyEndpoints
from webhooks.models import Delivery, WebhookEndpoint, WebhookEndpointQuerySet
from webhooks.outbox import lock_counter
from webhooks.secrets import new_secret, rotate, set_secret

# As many as Stripe gives an account: https://docs.stripe.com/webhooks.
MOST_ENDPOINTS = 16

Reason = WebhookEndpoint.DisabledReason


FILTERS: Filters[WebhookEndpointQuerySet] = {
    "status": lambda rows, status: rows.filter(status=status),
    "created_from": created_from,
    "created_before": created_before,
}


def list_endpoints(*, actor: Actor, limit: int, starting_after: str = "", **asked: Any) -> Page[WebhookEndpoint]:
    """At most `limit` of the app's endpoints that pass the FILTERS of `asked`, the newest first.

    `starting_after` names the last one of the page before, deleted or not. Raises UnknownStartingPoint.
    """
    app = actor.known_app()
    rows = narrowed(WebhookEndpoint.objects.of(app), FILTERS, asked)
    ever = WebhookEndpoint.objects.filter(app=app)
    behind = starting_point(ever, starting_after, column="pk", of_what="webhook endpoint of this app")
    return newest_first(rows, behind=behind, limit=limit)


def find_endpoint(*, endpoint_id: str, actor: Actor) -> WebhookEndpoint:
    """The app's own endpoint. Raises EndpointNotFound, for another app's and a deleted one too."""
    endpoint: WebhookEndpoint | None = WebhookEndpoint.objects.of(actor.known_app()).filter(pk=endpoint_id).first()
    if endpoint is None:
        raise EndpointNotFound
    return endpoint


def create_endpoint(*, url: str, event_types: Sequence[str], description: str = "", actor: Actor) -> tuple[WebhookEndpoint, str]:
    """A new endpoint of the app, which is sent what happens from now on; and its secret, which nobody is told again.

    Raises AddressNotAllowed, and TooManyEndpoints where the app has 16.
    """
    refuse_address(url)
    secret = new_secret()
    with transaction.atomic(durable=True):
        app = lock_app(actor=actor)
        if WebhookEndpoint.objects.of(app).count() >= MOST_ENDPOINTS:
            raise TooManyEndpoints(most=MOST_ENDPOINTS)
        endpoint = WebhookEndpoint(app=app, url=url, event_types=list(event_types), description=description)
        set_secret(endpoint, secret)
        endpoint.save(force_insert=True)
    return endpoint, secret


def change_endpoint(
    *,
    endpoint_id: str,
    url: str | None = None,
    event_types: Sequence[str] | None = None,
    description: str | None = None,
    status: str | None = None,
    actor: Actor,
) -> WebhookEndpoint:
    """Changes what is given, and nothing where it is None. What is on its way goes to the new address.

    Raises EndpointNotFound and AddressNotAllowed.
    """
    if url is not None:
        refuse_address(url)
    given = {"url": url, "event_types": event_types, "description": description}
    changes = {name: value for name, value in given.items() if value is not None}
    with transaction.atomic(durable=True):
        endpoint = lock_endpoint(endpoint_id=endpoint_id, actor=actor)
        for name, value in changes.items():
            setattr(endpoint, name, value)
        if url is not None:  # how the address before it has answered says nothing of this one
            endpoint.failing_since = endpoint.paused_until = None
        endpoint.save(update_fields=[*changes, "failing_since", "paused_until"])
        if status == WebhookEndpoint.Status.ENABLED:
            _switch_on(endpoint)
        if status == WebhookEndpoint.Status.DISABLED:
            switch_off(endpoint, reason=Reason.BY_DEVELOPER)
    return endpoint


def delete_endpoint(*, endpoint_id: str, actor: Actor) -> WebhookEndpoint:
    """Ends an endpoint: nothing more is sent to it. It stays as history. Raises EndpointNotFound."""
    with transaction.atomic(durable=True):
        endpoint = lock_endpoint(endpoint_id=endpoint_id, actor=actor)
        endpoint.deleted_at = now()
        endpoint.save(update_fields=["deleted_at"])
        stop_deliveries(endpoint)
    return endpoint


def rotate_secret(*, endpoint_id: str, actor: Actor) -> tuple[WebhookEndpoint, str]:
    """Gives an endpoint a new secret, which nobody is told again. The one before signs beside it for a day: see `rotate`.

    Raises EndpointNotFound.
    """
    secret = new_secret()
    with transaction.atomic(durable=True):
        endpoint = lock_endpoint(endpoint_id=endpoint_id, actor=actor)
        rotate(endpoint, secret, moment=database_now())
        endpoint.save(
            update_fields=[
                "secret",
                "secret_key_id",
                "previous_secret",
                "previous_secret_key_id",
                "previous_secret_expires_at",
            ]
        )
    return endpoint, secret


def lock_app(*, actor: Actor) -> App:
    """Begins a transaction about an app's endpoints: until its end no event of the app is written, and so none is half planned.

    Raises KeyInUse where another attempt has taken over the caller's Idempotency-Key.
    """
    if actor.idempotency_key is not None:
        keep_hold(actor.idempotency_key)
    app = actor.known_app()
    lock_counter(app)
    return app


def lock_endpoint(*, endpoint_id: str, actor: Actor) -> WebhookEndpoint:
    """The app's own endpoint, locked until the commit. Raises EndpointNotFound, and what `lock_app` raises."""
    app = lock_app(actor=actor)
    endpoint: WebhookEndpoint | None = WebhookEndpoint.objects.of(app).select_for_update().filter(pk=endpoint_id).first()
    if endpoint is None:
        raise EndpointNotFound
    return endpoint


def switch_off(endpoint: WebhookEndpoint, *, reason: WebhookEndpoint.DisabledReason) -> None:
    """Disables an endpoint that the caller has locked, and stops what is on its way. One that is off keeps its first reason."""
    if endpoint.status == WebhookEndpoint.Status.DISABLED:
        return
    endpoint.status, endpoint.disabled_reason, endpoint.disabled_at = WebhookEndpoint.Status.DISABLED, reason, now()
    endpoint.save(update_fields=["status", "disabled_reason", "disabled_at"])
    stop_deliveries(endpoint)


def _switch_on(endpoint: WebhookEndpoint) -> None:
    """Enables an endpoint with a clean record. What was stopped stays so: it can be sent again."""
    if endpoint.status == WebhookEndpoint.Status.ENABLED:
        return
    endpoint.status, endpoint.disabled_reason, endpoint.disabled_at = WebhookEndpoint.Status.ENABLED, "", None
    endpoint.failing_since = endpoint.paused_until = None
    endpoint.save(update_fields=["status", "disabled_reason", "disabled_at", "failing_since", "paused_until"])


def stop_deliveries(endpoint: WebhookEndpoint) -> None:
    """Gives up what is on its way to an endpoint that the caller has locked."""
    waiting = Delivery.objects.filter(endpoint=endpoint).waiting()
    waiting.update(status=Delivery.Status.STOPPED, finished_at=now())
