"""Webhook endpoints (https://docs.stripe.com/api/webhook_endpoints): where events are sent, and which."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from sandbox.api.errors import ParameterRefused, StripeError
from sandbox.api.pagination import list_page
from sandbox.api.parameters import METADATA, Boolean, Choice, ListOf, Text, WebAddress, required, takes, takes_page, unsettable
from sandbox.api.wire import API_VERSION, Request
from sandbox.models import SandboxObject
from sandbox.objects import ids, journal, state
from sandbox.objects.event_types import EVENT_TYPES
from sandbox.timeline import clock
from sandbox.webhooks import own_door
from sandbox.webhooks.deliveries import ALL_EVENTS

# "You can register up to 16 webhook endpoints on each Stripe account": https://docs.stripe.com/webhooks.
MOST_ENDPOINTS = 16
SECRET_LENGTH = 32  # letters after `whsec_`, counted on secrets in Stripe's examples


@dataclass(frozen=True)
class ReceivingAddress:
    """An http or https address with a host that can be asked for; whether it may be reached is judged at each delivery."""

    def read(self, value: Any, param: str) -> str:
        text = WebAddress().read(value, param)
        try:
            plain = urlsplit(text).port != 0 and text.isascii()
        except ValueError:  # what urlsplit says of a port that is no number, or too high
            plain = False
        if not plain:
            raise ParameterRefused("Not a valid URL", code="url_invalid", param=param)
        return text


_EVENTS = ListOf(Choice((ALL_EVENTS, *EVENT_TYPES)))
CREATE = takes(
    url=required(ReceivingAddress()),
    enabled_events=required(_EVENTS),
    api_version=Choice((API_VERSION,)),  # the sandbox speaks this one alone
    connect=Boolean(),
    description=unsettable(Text()),
    metadata=METADATA,
)
UPDATE = takes(
    url=ReceivingAddress(),
    enabled_events=_EVENTS,
    disabled=Boolean(),
    description=unsettable(Text()),
    metadata=METADATA,
)
RETRIEVE = takes()
DELETE = takes()
LIST = takes_page()


def create(request: Request) -> dict[str, Any]:
    """A new endpoint. Its signing secret is in this answer, and in no other. Raises a 400 where there are 16 already."""
    living = SandboxObject.objects.filter(account=request.account, object_type="webhook_endpoint", deleted=False)
    if living.count() >= MOST_ENDPOINTS:
        raise StripeError(f"You have reached the maximum of {MOST_ENDPOINTS} webhook endpoints.")  # text unverified
    sent = request.parameters
    secret = f"whsec_{ids.random_letters(SECRET_LENGTH)}"
    connect = sent.get("connect", False)
    data = _fresh(sent.get("api_version"), connect)
    _apply(data, sent)
    row = state.insert(account=request.account, data=data, hidden={"secret": secret, "connect": connect})
    return row.data | {"secret": secret}


def register_own() -> None:
    """Makes sure that this service has its two endpoints here, as at Stripe: the platform's, and that of connected accounts.

    They sign with the secrets of this process, which may be others than before.
    """
    with journal.change():
        clock.lock()  # of several processes that start at once, one at a time
        _register_own(settings.STRIPE_WEBHOOK_SECRETS, connect=False)
        _register_own(settings.STRIPE_CONNECT_WEBHOOK_SECRETS, connect=True)


def _register_own(secrets: str, *, connect: bool) -> None:
    hidden = {"secret": secrets.split(",", maxsplit=1)[0].strip(), "connect": connect}
    of_service = SandboxObject.objects.filter(object_type="webhook_endpoint", deleted=False, data__url=own_door.URL)
    if not of_service.filter(hidden__connect=connect).update(hidden=hidden):
        data = _fresh(None, connect) | {"url": own_door.URL, "enabled_events": [ALL_EVENTS], "description": "This service"}
        state.insert(account="", data=data, hidden=hidden)


def retrieve(request: Request, endpoint: str) -> dict[str, Any]:
    """The endpoint, without its secret."""
    return _addressed(request, endpoint).data


def update(request: Request, endpoint: str) -> dict[str, Any]:
    """Changes what was sent; a disabled endpoint gets nothing more, what was on its way included."""
    row = _addressed(request, endpoint, lock=True)
    _apply(row.data, request.parameters)
    state.save(row)
    return row.data


def delete(request: Request, endpoint: str) -> dict[str, Any]:
    """Deletes an endpoint: it gets nothing more."""
    row = _addressed(request, endpoint, lock=True)
    state.mark_deleted(row)
    return row.data


def list_(request: Request) -> dict[str, Any]:
    """The account's endpoints, newest first."""
    return list_page(request, "webhook_endpoint", "/v1/webhook_endpoints")


def _addressed(request: Request, endpoint: str, *, lock: bool = False) -> SandboxObject:
    return state.addressed(request.account, "webhook_endpoint", endpoint, param="webhook_endpoint", lock=lock)


def _apply(data: dict[str, Any], sent: dict[str, Any]) -> None:
    for name in ("url", "enabled_events"):
        if name in sent:
            data[name] = sent[name]
    if "description" in sent:
        data["description"] = sent["description"] or None
    if "disabled" in sent:
        data["status"] = "disabled" if sent["disabled"] else "enabled"
    if "metadata" in sent:
        data["metadata"] = state.merged_metadata(data["metadata"], sent["metadata"])


def _fresh(api_version: str | None, connect: bool) -> dict[str, Any]:
    return {
        "id": ids.new_stripe_id("webhook_endpoint"),
        "object": "webhook_endpoint",
        "api_version": api_version,
        "application": ids.APPLICATION if connect else None,  # that a Connect endpoint names it is unverified
        "created": clock.now_seconds(),
        "description": None,
        "enabled_events": [],
        "livemode": False,
        "metadata": {},
        "status": "enabled",
        "url": "",
    }
