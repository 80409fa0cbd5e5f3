"""`expand` (https://docs.stripe.com/api/expanding_objects): ids in an answer replaced by the objects they name."""

import copy
from collections.abc import Callable
from typing import Any

from sandbox import state
from sandbox.errors import ParameterRefused
from sandbox.models import SandboxObject
from sandbox.pagination import DEFAULT_LIMIT
from sandbox.parameters import EXPANSION_DEPTH

# Which fields of which object can be expanded, and what they name: the SDK's types. "" names what this sandbox does
# not keep, so that the field is always null.
EXPANDABLE = {
    "charge": {
        "application": "",
        "application_fee": "",
        "balance_transaction": "",
        "customer": "customer",
        "failure_balance_transaction": "",
        "on_behalf_of": "account",
        "payment_intent": "payment_intent",
        "review": "",
        "source_transfer": "",
        "transfer": "",
    },
    "customer": {"default_source": "", "test_clock": ""},
    "payment_intent": {
        "application": "",
        "customer": "customer",
        "latest_charge": "charge",
        "on_behalf_of": "account",
        "payment_method": "payment_method",
        "review": "",
        "source": "",
    },
    "payment_method": {"customer": "customer"},
    "refund": {
        "balance_transaction": "",
        "charge": "charge",
        "customer": "customer",
        "failure_balance_transaction": "",
        "payment_intent": "payment_intent",
        "source_transfer_reversal": "",
        "transfer_reversal": "",
    },
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


def expand(account: str, body: dict[str, Any], paths: list[str]) -> dict[str, Any]:
    """A copy of an answer in which each path's id is the object itself.

    Raises ParameterRefused for a path that cannot be expanded or is more than four levels deep.
    """
    expanded = copy.deepcopy(body)
    for path in paths:
        steps = path.split(".")
        if len(steps) > EXPANSION_DEPTH:
            raise ParameterRefused(f"You cannot expand more than {EXPANSION_DEPTH} levels of a property", param="expand")
        _expand_path(account, expanded, steps, path)
    return expanded


def _expand_path(account: str, body: dict[str, Any], steps: list[str], path: str) -> None:
    field, rest = steps[0], steps[1:]
    if body["object"] == "list" and field == "data" and rest:
        for item in body["data"]:
            _expand_path(account, item, rest, path)
        return
    include = _INCLUDABLE.get((body["object"], field))
    if include is not None:
        body[field] = include(account, body)
    elif field in EXPANDABLE.get(body["object"], {}):
        body[field] = _object(account, EXPANDABLE[body["object"]][field], body.get(field))
    else:
        raise ParameterRefused(f"This property cannot be expanded ({path}).", param="expand")
    if rest and body[field] is not None:
        _expand_path(account, body[field], rest, path)


def _object(account: str, object_type: str, value: Any) -> Any:
    if not isinstance(value, str) or not object_type:
        return value  # null, or expanded by an earlier path
    row = state.find(account, object_type, value)
    return copy.deepcopy(row.data) if row else value


def _refunds_of(account: str, charge: dict[str, Any]) -> dict[str, Any]:
    rows = SandboxObject.objects.filter(account=account, object_type="refund", charge=charge["id"]).order_by("-id")
    page = list(rows[: DEFAULT_LIMIT + 1])
    return {
        "object": "list",
        "data": [row.data for row in page[:DEFAULT_LIMIT]],
        "has_more": len(page) > DEFAULT_LIMIT,
        "url": f"/v1/charges/{charge['id']}/refunds",
    }


# Fields that are left out of an answer until they are asked for (https://docs.stripe.com/expand#includable-properties).
_INCLUDABLE: dict[tuple[str, str], Callable[[str, dict[str, Any]], dict[str, Any]]] = {("charge", "refunds"): _refunds_of}
