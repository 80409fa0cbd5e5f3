"""Capabilities (https://docs.stripe.com/api/capabilities), read from the account that has them."""

from typing import Any

from sandbox.api.errors import resource_missing
from sandbox.api.parameters import takes
from sandbox.api.wire import Request
from sandbox.objects import account_parts
from sandbox.resources import accounts

RETRIEVE = takes()
LIST = takes()


def retrieve(request: Request, account: str, capability: str) -> dict[str, Any]:
    """One capability of an account. Raises a 404 for a name that is none."""
    row = accounts.find(request, account)
    if capability not in accounts.CAPABILITIES:
        raise resource_missing("capability", capability, "capability", status=404)
    return account_parts.capability(row.data, capability)


def list_(request: Request, account: str) -> dict[str, Any]:
    """The capabilities that an account has asked for, by name."""
    row = accounts.find(request, account)
    return {
        "object": "list",
        "data": [account_parts.capability(row.data, name) for name in sorted(row.data["capabilities"])],
        "has_more": False,
        "url": f"/v1/accounts/{account}/capabilities",
    }
