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
        _expand_path([expanded], steps, path)
    return expanded


def _expand_path(bodies: list[dict[str, Any]], steps: list[str], path: str) -> None:
    """Expands a path of all bodies at once: a page of a list asks the database no more often than one object."""
    field, rest = steps[0], steps[1:]
    if field == "data" and rest and all(body["object"] == "list" for body in bodies):
        inner = [item for body in bodies for item in body["data"]]
    else:
        _expand_field(bodies, field, path)
        inner = [body[field] for body in bodies if body[field] is not None]
    if rest and inner:
        _expand_path(inner, rest, path)


def _expand_field(bodies: list[dict[str, Any]], field: str, path: str) -> None:
    for object_type in {body["object"] for body in bodies}:
        alike = [body for body in bodies if body["object"] == object_type]
        if (object_type, field) in _INCLUDABLE:
            _INCLUDABLE[object_type, field](alike)
        elif field in EXPANDABLE.get(object_type, {}):
            _put_objects(alike, field, EXPANDABLE[object_type][field])
        else:
            raise ParameterRefused(f"This property cannot be expanded ({path}).", param="expand")


def _put_objects(bodies: list[dict[str, Any]], field: str, object_type: str) -> None:
    """Puts the objects that ids name in their places.

    They are found under whichever account: an application fee is the platform's, its charge the seller's. What is null stays
    so, and what an earlier path has expanded.
    """
    named = [body[field] for body in bodies if isinstance(body.get(field), str)] if object_type else []
    rows = SandboxObject.objects.filter(stripe_id__in=named) if named else SandboxObject.objects.none()
    found = {row.stripe_id: row.data for row in rows if object_type in (ANY, row.object_type)}
    for body in bodies:
        value = body.get(field)
        body[field] = copy.deepcopy(found[value]) if isinstance(value, str) and value in found else value


def _put_refunds(charges: list[dict[str, Any]]) -> None:
    """Puts the newest refunds of each charge beside it."""
    named = [charge["id"] for charge in charges]
    accounts = SandboxObject.objects.filter(stripe_id__in=named).values("account")
    rows = SandboxObject.objects.filter(account__in=accounts, object_type="refund", charge__in=named).order_by(
        "-created_at", "-id"
    )
    of_charge: dict[str, list[Any]] = {charge_id: [] for charge_id in named}
    for row in rows:
        of_charge[row.charge].append(row.data)
    for charge in charges:
        refunds = of_charge[charge["id"]]
        charge["refunds"] = {
            "object": "list",
            "data": refunds[:DEFAULT_LIMIT],
            "has_more": len(refunds) > DEFAULT_LIMIT,
            "url": f"/v1/charges/{charge['id']}/refunds",
        }


# Fields that are left out of an answer until they are asked for (https://docs.stripe.com/expand#includable-properties).
_INCLUDABLE: dict[tuple[str, str], Callable[[list[dict[str, Any]]], None]] = {("charge", "refunds"): _put_refunds}
