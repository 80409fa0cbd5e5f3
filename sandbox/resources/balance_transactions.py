"""Balance transactions (https://docs.stripe.com/api/balance_transactions) as an account reads them."""

from typing import Any

from sandbox.api.pagination import list_page
from sandbox.api.parameters import Text, takes, takes_page
from sandbox.api.wire import Request
from sandbox.objects import state

RETRIEVE = takes()
LIST = takes_page(currency=Text(), payout=Text(), source=Text(), type=Text())
# Which payout carried a transaction is not shown of it: the payout notes it in what is hidden.
_FILTERS = {"currency": "data__currency", "payout": "hidden__payout", "source": "data__source", "type": "data__type"}


def retrieve(request: Request, transaction: str) -> dict[str, Any]:
    """The balance transaction."""
    return state.addressed(request.account, "balance_transaction", transaction, param="id").data


def list_(request: Request) -> dict[str, Any]:
    """Balance transactions, newest first, of a type, a currency, a payout or the object behind them where one is named."""
    filters = {_FILTERS[name]: value for name, value in request.parameters.items() if name in _FILTERS}
    return list_page(request, "balance_transaction", "/v1/balance_transactions", **filters)
