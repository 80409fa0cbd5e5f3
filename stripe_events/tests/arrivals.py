"""For tests of Stripe's events: what the sandbox has to tell, sent to our own door as Stripe sends it."""

import json
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

import stripe
from django.conf import settings
from django.test import Client

from commercecore_payments import clock
from sandbox.models import SandboxObject
from stripe_events.applying import apply_next
from stripe_events.models import Status, StripeEvent

DOOR = "/webhooks/stripe"


def told_by_stripe(account_id: str, *types: str, about: str = "") -> list[dict[str, Any]]:
    """What the sandbox's events say, the oldest first: of an account ("" is the platform), of these types, about this object."""
    rows = SandboxObject.objects.filter(object_type="event", account=account_id).order_by("pk")
    if about:
        rows = rows.filter(data__data__object__id=about)
    return [row.data for row in rows if not types or row.data["type"] in types]


def secret_for(content: Mapping[str, Any]) -> str:
    """That of the endpoint by which the event comes."""
    text = settings.STRIPE_CONNECT_WEBHOOK_SECRETS if content.get("account") else settings.STRIPE_WEBHOOK_SECRETS
    return str(text).split(",")[0]


def send(content: Mapping[str, Any], *, secret: str | None = None, at: int | None = None, body: str | None = None) -> Any:
    """Posts an event as Stripe does. The answer."""
    text = json.dumps(content) if body is None else body
    seconds = int(clock.now().timestamp()) if at is None else at
    signature = stripe.WebhookSignature.generate_signature_header(text, secret or secret_for(content), seconds)
    return post(text, signature)


def post(text: str | bytes, signature: str) -> Any:
    return Client().post(DOOR, data=text, content_type="application/json", headers={"Stripe-Signature": signature})


def arrive(contents: Iterable[Mapping[str, Any]]) -> None:
    """Each is received."""
    for content in contents:
        assert send(content).status_code == 200


def work(*, ahead_s: int = 2) -> None:
    """The worker applies what is due, and a moment later what had to wait."""
    while apply_next():
        pass
    if StripeEvent.objects.filter(status=Status.PENDING).exists():
        with clock.moved_ahead(timedelta(seconds=ahead_s)):
            while apply_next():
                pass


def stored(event_id: str) -> StripeEvent:
    event: StripeEvent = StripeEvent.objects.get(event_id=event_id)
    return event
