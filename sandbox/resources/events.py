"""Events (https://docs.stripe.com/api/events), of the last 30 days: older ones Stripe no longer answers."""

from datetime import timedelta
from typing import Any

from django.db.models import Count

from sandbox.api.errors import ParameterRefused, resource_missing
from sandbox.api.pagination import list_page
from sandbox.api.parameters import ListOf, Text, takes, takes_page
from sandbox.api.wire import Request
from sandbox.models import SandboxDelivery
from sandbox.objects import state
from sandbox.timeline import clock

RETRIEVE = takes()
LIST = takes_page(type=Text(), types=ListOf(Text())).refusing("delivery_success")
# "List events, going back up to 30 days": https://docs.stripe.com/api/events/list.
KEPT = timedelta(days=30)
# "An array of up to 20 strings": the SDK on `types`.
MOST_TYPES = 20


def retrieve(request: Request, event: str) -> dict[str, Any]:
    """The event."""
    row = state.addressed(request.account, "event", event, param="id")
    if row.created_at < clock.now() - KEPT:
        raise resource_missing("event", event, "id", status=404)
    return _with_pending([row.data])[0]


def list_(request: Request) -> dict[str, Any]:
    """The account's events, newest first; of one type, of a group ("charge.*"), or of several types."""
    found = list_page(request, "event", "/v1/events", created_at__gte=clock.now() - KEPT, **_of_type(request.parameters))
    return found | {"data": _with_pending(found["data"])}


def _of_type(sent: dict[str, Any]) -> dict[str, Any]:
    if "type" in sent and "types" in sent:
        raise ParameterRefused("You may pass either `type` or `types`, but not both.", param="types")
    if len(sent.get("types", [])) > MOST_TYPES:
        raise ParameterRefused(f"You may pass up to {MOST_TYPES} types.", param="types")
    if "types" in sent:
        return {"data__type__in": sent["types"]}
    wanted: str = sent.get("type", "")
    if wanted.endswith("*"):
        return {"data__type__startswith": wanted[:-1]}
    return {"data__type": wanted} if wanted else {}


def _with_pending(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The events with the number of endpoints that have not received them yet: of all that they tell, this alone changes."""
    waiting = SandboxDelivery.objects.filter(event__stripe_id__in=[event["id"] for event in events])
    waiting = waiting.exclude(status=SandboxDelivery.Status.SUCCEEDED)
    counts = dict(waiting.values_list("event__stripe_id").annotate(Count("endpoint", distinct=True)))
    return [event | {"pending_webhooks": counts.get(event["id"], 0)} for event in events]
