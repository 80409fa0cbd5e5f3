"""`expand` (https://docs.stripe.com/api/expanding_objects): ids in an answer replaced by the objects they name."""

import copy
from collections.abc import Callable
from typing import Any

from sandbox.api.errors import ParameterRefused
from sandbox.api.pagination import DEFAULT_LIMIT
from sandbox.api.parameters import EXPANSION_DEPTH
from sandbox.models import SandboxObject

# Whatever an id names: the object behind a balance transaction may be a charge, a refund, a fee.
ANY = "any"
# Which fields of which object can be expanded, and what they name: the SDK's types. "" names what this sandbox does
# not keep, so that the field is always null.
EXPANDABLE = {
    "application_fee": {
        "account": "account",
        "application": "",
        "balance_transaction": "balance_transaction",
        "charge": "charge",
        "originating_transaction": "charge",
    },
    "balance_transaction": {"source": ANY},
    "charge": {
        "application": "",
        "application_fee": "application_fee",
        "balance_transaction": "balance_transaction",
        "customer": "customer",
        "failure_balance_transaction": "balance_transaction",
        "on_behalf_of": "account",
        "payment_intent": "payment_intent",
        "review": "review",
        "source_transfer": "",
        "transfer": "",
    },
    "customer": {"default_source": "", "test_clock": ""},
    "dispute": {"charge": "charge", "payment_intent": "payment_intent"},
    "fee_refund": {"balance_transaction": "balance_transaction", "fee": "application_fee"},
    "payment_intent": {
        "application": "",
        "customer": "customer",
        "latest_charge": "charge",
        "on_behalf_of": "account",
        "payment_method": "payment_method",
        "review": "review",
        "source": "",
    },
    "payment_method": {"customer": "customer"},
    "payout": {
        "application_fee": "application_fee",
        "balance_transaction": "balance_transaction",
        "destination": "",
        "failure_balance_transaction": "balance_transaction",
        "original_payout": "payout",
        "reversed_by": "payout",
    },
    "refund": {
        "balance_transaction": "balance_transaction",
        "charge": "charge",
        "customer": "customer",
        "failure_balance_transaction": "balance_transaction",
        "payment_intent": "payment_intent",
        "source_transfer_reversal": "",
        "transfer_reversal": "",
    },
    "review": {"charge": "charge", "payment_intent": "payment_intent"},
    "setup_intent": {
        "application": "",
        "customer": "customer",
        "latest_attempt": "",
        "mandate": "",
        "on_behalf_of": "account",
        "payment_method": "payment_method",
        "single_use_mandate": "",
    },
}


def expand(body: dict[str, Any], paths: list[str]) -> dict[str, Any]:
    """A copy of an answer in which each path's id is the object itself.

    Raises ParameterRefused for a path that cannot be expanded or is more than four levels deep.
    """
    expanded = copy.deepcopy(body)
    for path in paths:
        steps = path.split(".")
        if len(steps) > EXPANSION_DEPTH:
            raise ParameterRefused(f"You cannot expand more than {EXPANSION_DEPTH} levels of a property", param="expand")
        _expand_path(expanded, steps, path)
    return expanded


def _expand_path(body: dict[str, Any], steps: list[str], path: str) -> None:
    field, rest = steps[0], steps[1:]
    if body["object"] == "list" and field == "data" and rest:
        for item in body["data"]:
            _expand_path(item, rest, path)
        return
    include = _INCLUDABLE.get((body["object"], field))
    if include is not None:
        body[field] = include(body)
    elif field in EXPANDABLE.get(body["object"], {}):
        body[field] = _object(EXPANDABLE[body["object"]][field], body.get(field))
    else:
        raise ParameterRefused(f"This property cannot be expanded ({path}).", param="expand")
    if rest and body[field] is not None:
        _expand_path(body[field], rest, path)


def _object(object_type: str, value: Any) -> Any:
    """The object that an id names, under whichever account: an application fee is the platform's, its charge the seller's."""
    if not isinstance(value, str) or not object_type:
        return value  # null, or expanded by an earlier path
    rows = SandboxObject.objects.filter(stripe_id=value)
    row = (rows if object_type == ANY else rows.filter(object_type=object_type)).first()
    return copy.deepcopy(row.data) if row else value


def _refunds_of(charge: dict[str, Any]) -> dict[str, Any]:
    rows = SandboxObject.objects.filter(object_type="refund", charge=charge["id"]).order_by("-id")
    page = list(rows[: DEFAULT_LIMIT + 1])
    return {
        "object": "list",
        "data": [row.data for row in page[:DEFAULT_LIMIT]],
        "has_more": len(page) > DEFAULT_LIMIT,
        "url": f"/v1/charges/{charge['id']}/refunds",
    }


# Fields that are left out of an answer until they are asked for (https://docs.stripe.com/expand#includable-properties).
_INCLUDABLE: dict[tuple[str, str], Callable[[dict[str, Any]], dict[str, Any]]] = {("charge", "refunds"): _refunds_of}
