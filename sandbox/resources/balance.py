"""The balance of an account (https://docs.stripe.com/api/balance): available and pending, by currency."""

from collections.abc import Callable
from typing import Any

from sandbox.api.parameters import takes
from sandbox.api.wire import Request
from sandbox.money import ledger
from sandbox.objects import state

RETRIEVE = takes()
# The platform's own currency, shown as zero where it has no money yet; a connected account names its own.
PLATFORM_CURRENCY = "usd"


def retrieve(request: Request) -> dict[str, Any]:
    """The balance of the platform, or of the account that the request is made for."""
    account = request.account
    known = ledger.currencies(account) or [_default_currency(account)]
    return {
        "object": "balance",
        "available": _amounts(account, known, ledger.available),
        "livemode": False,
        "pending": _amounts(account, known, ledger.pending),
    }


def _amounts(account: str, known: list[str], read: Callable[[str, str], int]) -> list[dict[str, Any]]:
    return [
        {"amount": amount, "currency": currency, "source_types": {"card": amount}}
        for currency in known
        for amount in [read(account, currency)]
    ]


def _default_currency(account: str) -> str:
    if not account:
        return PLATFORM_CURRENCY
    return str(state.referred("", "account", account, param="account").data["default_currency"])
