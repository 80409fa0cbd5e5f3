"""Receiving Stripe's events: verified, stored once, and only then told to Stripe as received."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError

from commercecore_payments.clock import database_now, now
from commercecore_payments.environments import Environment, current_environment
from gateway.webhook_signatures import NotSignedByStripe, read_secrets, refuse_other_times, signed_by
from stripe_events.models import Source, Status, StripeEvent

# What buyers need to pay, and whoever has it can: never stored.
SECRET_FIELDS = frozenset({"client_secret", "next_action"})  # the second holds addresses with the first in them
# How long an event is left to the process that received it, before a worker may take it up as well: it is applied in a
# few milliseconds where Stripe need not be asked.
HEAD_START = timedelta(milliseconds=200)

PLATFORM, CONNECT = "platform", "connect"


class NotAnEvent(Exception):
    """It is signed by Stripe and no snapshot event: another payload style was chosen for the endpoint."""


def endpoint_that_signed(body: bytes, header: str) -> str:
    """Which of our endpoints at Stripe signed the body: PLATFORM or CONNECT. Raises NotSignedByStripe."""
    refuse_other_times(header)
    for endpoint, setting in ((PLATFORM, "STRIPE_WEBHOOK_SECRETS"), (CONNECT, "STRIPE_CONNECT_WEBHOOK_SECRETS")):
        if signed_by(body, header, read_secrets(setting, getattr(settings, setting))):
            return endpoint
    raise NotSignedByStripe("None of the configured secrets signed it.")


def receive(body: bytes, header: str) -> StripeEvent | None:
    """Verifies and stores an event; None where it is stored already. Raises NotSignedByStripe and NotAnEvent."""
    endpoint = endpoint_that_signed(body, header)
    content = read_event(body)
    reason = _reason_by_endpoint(endpoint, content) or reason_to_quarantine(content)
    return store(content, source=Source.WEBHOOK, quarantined_because=reason)


def read_event(body: bytes) -> dict[str, Any]:
    """The snapshot event that the body holds. Raises NotAnEvent."""
    try:
        content = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise NotAnEvent("The body is not JSON.") from error
    if not is_event(content):
        raise NotAnEvent("The body is no snapshot event. The endpoint at Stripe has to send snapshot payloads.")
    return dict(content)


def is_event(content: Any) -> bool:
    """Whether it has what every snapshot event has (docs.stripe.com/api/events/object)."""
    if not isinstance(content, Mapping) or content.get("object") != "event":
        return False
    data = content.get("data")
    texts = (content.get("id"), content.get("type"), content.get("account") or "", content.get("api_version") or "")
    return (
        isinstance(data, Mapping)
        and isinstance(data.get("object"), Mapping)
        and isinstance(content.get("livemode"), bool)
        and isinstance(content.get("created"), int)
        and all(isinstance(text, str) for text in texts)
    )


def reason_to_quarantine(content: Mapping[str, Any]) -> str:
    """Why the event is not of this environment; empty where it is. A live endpoint receives test events too."""
    if content["livemode"] == (current_environment() == Environment.LIVE):
        return ""
    return f"livemode is {str(content['livemode']).lower()}, and this is the environment {current_environment()}."


def _reason_by_endpoint(endpoint: str, content: Mapping[str, Any]) -> str:
    """Why the event should not have come by this endpoint; empty where it should."""
    if endpoint == CONNECT and not content.get("account"):
        return "The endpoint for connected accounts sent an event of no account."
    if endpoint == PLATFORM and content.get("account"):
        return "The platform's own endpoint sent an event of a connected account."
    return ""


def store(content: Mapping[str, Any], *, source: Source, quarantined_because: str = "") -> StripeEvent | None:
    """Keeps an event under Stripe's id, its account and mode; None where it is there already.

    An event that is not to be trusted with any effect is kept beside the others, quarantined.
    """
    content = without_secrets(content)
    account_id, event_id, livemode = content.get("account") or "", content["id"], content["livemode"]
    try:
        event: StripeEvent = StripeEvent.objects.create(
            account_id=account_id,
            livemode=livemode,
            event_id=event_id,
            type=content["type"],
            object_id=_object_id(content),
            api_version=content.get("api_version") or "",
            source=source,
            payload=content,
            happened_at=datetime.fromtimestamp(content["created"], UTC),
            received_at=now(),
            next_attempt_at=database_now() + HEAD_START,
            status=Status.QUARANTINED if quarantined_because else Status.PENDING,
            note=quarantined_because,
        )
    except IntegrityError:
        if StripeEvent.objects.filter(account_id=account_id, livemode=livemode, event_id=event_id).exists():
            return None
        raise
    return event


def _object_id(content: Mapping[str, Any]) -> str:
    found = content["data"]["object"].get("id")
    return found if isinstance(found, str) else ""


def without_secrets(value: Any) -> Any:
    """The same JSON without client secrets, wherever they stand, and without letters that no database keeps."""
    if isinstance(value, str):
        return value.replace("\x00", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()
    if isinstance(value, Mapping):
        return {without_secrets(name): without_secrets(inner) for name, inner in value.items() if name not in SECRET_FIELDS}
    if isinstance(value, list):
        return [without_secrets(inner) for inner in value]
    return value
