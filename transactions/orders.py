"""The order lookup: what is to be paid for an order, when the caller names the order alone.

The order service is asked at `COMMERCECORE_ORDERS_URL`; in the sandbox, without one, the sandbox's own orders answer.
docs/orders.md has its contract.
"""

import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import requests
from django.conf import settings

from commercecore_payments.errors import InvalidBody
from commercecore_payments.money import CURRENCIES, amount_problem
from developers.models import Developer
from gateway.operations import leave_the_database
from sandbox.orders import find_order
from transactions.errors import OrderNotFound, OrderServiceFailed, OrderServiceUnreachable

# An order is four short fields; what is longer is no order, and is not read to its end.
MAX_ANSWER_BYTES = 65_536

# The caller's own headers, handed on so that the order service can decide who may see the order.
HEADERS_HANDED_ON = ("X-Developer-Token", "Authorization", "X-User-ID", "X-App-ID")


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be paid: `amount_minor` in minor units of `currency`, to the connected account `account_id`."""

    order_id: str
    account_id: str
    amount_minor: int
    currency: str


def look_up_order(order_id: str, *, developer: Developer, headers: Mapping[str, str]) -> Order:
    """The order as the order service knows it.

    Raises OrderNotFound, OrderServiceUnreachable (documented), OrderServiceFailed, or InvalidBody where no order
    service is configured beside a real Stripe.
    """
    if settings.COMMERCECORE_ORDERS_URL:
        return _ask_order_service(order_id, headers=headers)
    if not settings.STRIPE_SANDBOX:
        missing = ["This field is required: no order service is configured."]
        raise InvalidBody("Invalid request body. 'amount' field is required.", fields={"amount": missing, "account_id": missing})
    found = find_order(developer_id=developer.pk, order_id=order_id)
    if found is None:
        raise OrderNotFound
    return Order(found.order_id, found.account_id, found.amount_minor, found.currency)


def _ask_order_service(order_id: str, *, headers: Mapping[str, str]) -> Order:
    if order_id in (".", ".."):  # in an address these would name another resource
        raise OrderNotFound
    leave_the_database()
    address = f"{settings.COMMERCECORE_ORDERS_URL}/{quote(order_id, safe='')}"
    try:
        with requests.get(
            address,
            headers={"Accept": "application/json", **headers},
            timeout=settings.ORDERS_TIMEOUT_S,
            allow_redirects=False,
            stream=True,
        ) as answer:
            return _read_answer(order_id, status=answer.status_code, body=_bounded_body(answer))
    except requests.exceptions.RequestException as error:
        raise OrderServiceUnreachable from error


def _bounded_body(answer: requests.Response) -> bytes:
    """The answer's body, its first 65,536 bytes and one more at the most.

    Raises requests.exceptions.Timeout when it is not there within ORDERS_TIMEOUT_S: requests itself bounds each read
    alone, and a body that drips would never end. Single bytes are asked for, since a larger piece waits until it is full.
    """
    deadline = time.monotonic() + settings.ORDERS_TIMEOUT_S
    body = bytearray()
    for piece in answer.iter_content(chunk_size=1):
        body += piece
        if time.monotonic() > deadline:
            raise requests.exceptions.Timeout("The order service's answer took too long.")
        if len(body) > MAX_ANSWER_BYTES:
            break
    return bytes(body)


def _read_answer(order_id: str, *, status: int, body: bytes) -> Order:
    if status in (403, 404):  # an order that this caller may not see does not exist for it
        raise OrderNotFound
    if status != 200 or len(body) > MAX_ANSWER_BYTES:
        raise OrderServiceFailed
    try:
        return _order(order_id, json.loads(body))
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise OrderServiceFailed from error


def _order(order_id: str, data: Any) -> Order:
    """The order in the service's answer. Raises KeyError, TypeError or ValueError where it is none."""
    amount, account_id, currency = data["amount"], data["account_id"], data["currency"]
    if isinstance(amount, bool) or not isinstance(amount, int | str) or not str(amount).isascii() or not str(amount).isdigit():
        raise ValueError("The amount is no whole number of minor units.")
    if not isinstance(currency, str) or not re.fullmatch(r"acct_[A-Za-z0-9_]+", account_id):
        raise TypeError("The account is a connected account's id, and the currency a text.")
    if currency.lower() not in CURRENCIES or amount_problem(int(amount), currency.lower()):
        raise ValueError("The amount cannot be charged.")
    return Order(order_id, account_id, int(amount), currency.lower())
