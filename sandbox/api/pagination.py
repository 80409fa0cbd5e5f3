"""Lists (https://docs.stripe.com/api/pagination): newest first, a page at a time."""

from datetime import UTC, datetime
from typing import Any

from django.db.models import Q, QuerySet

from sandbox.api.errors import ParameterRefused
from sandbox.api.wire import Request
from sandbox.models import SandboxObject
from sandbox.objects import state

# "The default is 10": https://docs.stripe.com/api/pagination.
DEFAULT_LIMIT = 10


def list_page(request: Request, object_type: str, url: str, **filters: Any) -> dict[str, Any]:
    """A page of the account's living objects of one type, as Stripe's list object.

    Raises a 400 where both ends of the page are named, or a named end does not exist.
    """
    sent = request.parameters
    rows = SandboxObject.objects.filter(account=request.account, object_type=object_type, deleted=False, **filters)
    rows = rows.filter(**_created_between(sent.get("created", {})))
    limit = sent.get("limit", DEFAULT_LIMIT)
    page = _page(request, rows, object_type, limit)
    return {"object": "list", "data": [row.data for row in page[:limit]], "has_more": len(page) > limit, "url": url}


def _page(request: Request, rows: QuerySet[SandboxObject], object_type: str, limit: int) -> list[SandboxObject]:
    """Up to one more than `limit` rows, newest first, the extra one on the far side of the page."""
    after, before = request.parameters.get("starting_after"), request.parameters.get("ending_before")
    if after and before:
        raise ParameterRefused("You cannot specify both `starting_after` and `ending_before`.", param="starting_after")
    if before:
        edge = state.referred(request.account, object_type, before, param="ending_before")
        newer = rows.filter(created_at__gte=edge.created_at).exclude(Q(created_at=edge.created_at, id__lte=edge.pk))
        nearest = list(newer.order_by("created_at", "id")[: limit + 1])
        return nearest[:limit][::-1] + nearest[limit:]
    if after:
        edge = state.referred(request.account, object_type, after, param="starting_after")
        rows = rows.filter(created_at__lte=edge.created_at).exclude(Q(created_at=edge.created_at, id__gte=edge.pk))
    return list(rows.order_by("-created_at", "-id")[: limit + 1])


def _created_between(created: int | dict[str, int]) -> dict[str, datetime]:
    if isinstance(created, int):
        created = {"gte": created, "lte": created}
    bounds = {}
    for name, seconds in created.items():
        # `created_at` has fractions of a second and Stripe's `created` has none: after second 5 means from second 6.
        whole = {"gt": ("gte", seconds + 1), "gte": ("gte", seconds), "lt": ("lt", seconds), "lte": ("lt", seconds + 1)}
        lookup, moment = whole[name]
        bounds[f"created_at__{lookup}"] = datetime.fromtimestamp(moment, UTC)
    return bounds
