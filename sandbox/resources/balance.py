"""The balance of an account (https://docs.stripe.com/api/balance): available and pending, by currency."""

from typing import Any

from sandbox.api.parameters import takes
from sandbox.api.wire import Request
from sandbox.money import ledger

RETRIEVE = takes()


def retrieve(request: Request) -> dict[str, Any]:
    """The balance of the platform, or of the account that the request is made for."""
    return ledger.balance(request.account)
