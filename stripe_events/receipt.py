"""Receiving Stripe's events: verified, stored once, and only then told to Stripe as received."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NewType, NoReturn

from django.conf import settings

from commercecore_payments.clock import database_now, now
from commercecore_payments.environments import Environment, current_environment
from gateway.webhook_signatures import NotSignedByStripe, read_secrets, refuse_other_times, signed_by
from stripe_events.models import Source, Status, StripeEvent

# What buyers need to pay, and whoever has it can: never stored.
SECRET_FIELDS = frozenset({"client_secret", "next_action"})  # the second holds addresses with the first in them

# As JSON escapes them: NUL, and what may be half of a surrogate pair.
NOT_STORABLE = re.compile(r"\\u(?:0000|d[89a-f])", re.IGNORECASE)

# Of the columns that keep them; Stripe's ids are no longer (docs.stripe.com/upgrades).
MAX_TEXT_LENGTH = 255
PLATFORM, CONNECT = "platform", "connect"
# JSON without secrets: `read_json` alone makes it.
Storable = NewType("Storable", dict[str, Any])
# The setting that holds the secrets of each of our endpoints at Stripe.
SECRETS_OF = {PLATFORM: "STRIPE_WEBHOOK_SECRETS", CONNECT: "STRIPE_CONNECT_WEBHOOK_SECRETS"}


class NotAnEvent(Exception):
    """It is signed by Stripe and no snapshot event: another payload style was chosen for the endpoint."""


def endpoints_that_signed(body: bytes, header: str) -> set[str]:
    """Which of our endpoints at Stripe signed the body: PLATFORM, CONNECT, or both where they share a secret.

    Raises NotSignedByStripe.
    """
    refuse_other_times(header)
    secrets = {endpoint: read_secrets(setting, getattr(settings, setting)) for endpoint, setting in SECRETS_OF.items()}
    signed = {endpoint for endpoint in secrets if signed_by(body, header, secrets[endpoint])}
    if not signed:
        raise NotSignedByStripe("None of the configured secrets signed it.")
    return signed


def receive(body: bytes, header: str) -> StripeEvent | None:
    """Verifies and stores an event; None where it is stored already. Raises NotSignedByStripe and NotAnEvent."""
    endpoints = endpoints_that_signed(body, header)
    content = read_event(body)
    reason = _reason_by_endpoint(endpoints, content) or reason_to_quarantine(content)
    try:
        return store(content, source=Source.WEBHOOK, quarantined_because=reason)
    except RecursionError as error:  # it could just be read, and cannot be written
        raise NotAnEvent("The body is nested too deeply.") from error


def read_event(body: bytes) -> Storable:
    """The snapshot event that the body holds, without its secrets. Raises NotAnEvent."""
    try:
        content = read_json(body.decode())
    except (ValueError, RecursionError) as error:
        raise NotAnEvent("The body is not JSON.") from error
    if not is_event(content):
        raise NotAnEvent("The body is no snapshot event. The endpoint at Stripe has to send snapshot payloads.")
    return content


def _refuse_constant(name: str) -> NoReturn:
    """NaN and the infinities are no JSON, and no database keeps them."""
    raise ValueError(f"{name} is no JSON.")


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
        and _is_moment(content.get("created"))
        and all(isinstance(text, str) and len(text) <= MAX_TEXT_LENGTH for text in texts)
    )


def _is_moment(seconds: Any) -> bool:
    """Whether it is a time of Stripe's, in seconds since 1970: a whole number of at most eleven digits, until the year 5138."""
    return isinstance(seconds, int) and not isinstance(seconds, bool) and 0 <= seconds < 10**11


def reason_to_quarantine(content: Mapping[str, Any]) -> str:
    """Why the event is not of this environment; empty where it is. A live endpoint receives test events too."""
    if content["livemode"] == (current_environment() == Environment.LIVE):
        return ""
    return f"livemode is {str(content['livemode']).lower()}, and this is the environment {current_environment()}."


def _reason_by_endpoint(endpoints: set[str], content: Mapping[str, Any]) -> str:
    """Why the event should not have come by these endpoints; empty where it should by one of them."""
    if content.get("account"):
        return "" if CONNECT in endpoints else "The platform's own endpoint sent an event of a connected account."
    return "" if PLATFORM in endpoints else "The endpoint for connected accounts sent an event of no account."


def store(content: Storable, *, source: Source, quarantined_because: str = "") -> StripeEvent | None:
    """Keeps an event, which `read_json` has read, under Stripe's id, its account and mode; None where it is there already.

    An event that is not to be trusted with any effect is kept beside the others, quarantined. Where it comes again as it should,
    it is applied: the endpoint's secret was mended meanwhile, or its account has become known.
    """
    event = StripeEvent(
        account_id=content.get("account") or "",
        livemode=content["livemode"],
        event_id=content["id"],
        type=content["type"],
        object_id=_object_id(content),
        api_version=content.get("api_version") or "",
        source=source,
        payload=content,
        happened_at=datetime.fromtimestamp(content["created"], UTC),
        received_at=now(),
        status=Status.QUARANTINED if quarantined_because else Status.PENDING,
        note=quarantined_because,
    )
    if event.insert_once():
        return event
    if not quarantined_because:
        StripeEvent.objects.same_as(event).filter(status=Status.QUARANTINED).update(
            status=Status.PENDING, next_attempt_at=database_now()
        )
    return None


def _object_id(content: Mapping[str, Any]) -> str:
    found = content["data"]["object"].get("id")
    return found if isinstance(found, str) and len(found) <= MAX_TEXT_LENGTH else ""


def read_json(text: str) -> Storable:
    """What Stripe wrote, without client secrets, wherever they stand, and without letters that no database keeps.

    Nearly no event has such letters: one look at the whole text tells. Raises ValueError and RecursionError.
    """
    content = json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_without_secrets)
    return Storable(_storable(content) if NOT_STORABLE.search(text) else content)


def _without_secrets(members: list[tuple[str, Any]]) -> dict[str, Any]:
    return {name: value for name, value in members if name not in SECRET_FIELDS}


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\x00", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()
    if isinstance(value, Mapping):
        return {_storable(name): _storable(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_storable(inner) for inner in value]
    return value
