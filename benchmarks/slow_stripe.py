"""A Stripe that does nothing but let itself be waited for.

The sandbox is no measure here: it would spend processor time and database connections of its own, in the very process that
is measured. This one sleeps, as a thread sleeps that waits at a socket, and answers the same payment intent under a new id.
What a real connection costs besides (sockets and encryption) is not in it; `benchmarks.stripe_server` adds the sockets.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import stripe

import gateway.client
import gateway.operations
from benchmarks.payment_intent import answered_payment_intent
from gateway.models import CONNECT_TIMEOUT_S
from gateway.transport import PooledClient

STRIPE_ADDRESS = "https://api.stripe.com"


class SlowStripe(stripe.HTTPClient):
    """Stands where the SDK's connection to Stripe would be, and answers each creation of a payment after `wait_s` seconds."""

    name = "slow"

    def __init__(self, wait_s: float) -> None:
        super().__init__()
        self._wait_s = wait_s

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        post_data: Any = None,
        *,
        _usage: list[str] | None = None,
    ) -> tuple[str, int, Mapping[str, str]]:
        """Raises ValueError for whatever is not the creation of a payment intent."""
        if (method, url) != ("post", f"{STRIPE_ADDRESS}/v1/payment_intents"):
            raise ValueError(f"The slow Stripe creates payment intents alone, and was asked: {method} {url}")
        time.sleep(self._wait_s)
        return answered_payment_intent(), 200, {"Request-Id": "req_benchmark"}

    def close(self) -> None:
        """There is no connection to close."""


class RedirectedClient(PooledClient):
    """The product's own connection to Stripe, which leads to `address` instead."""

    def __init__(self, address: str, *, timeout_s: float) -> None:
        super().__init__(address=address, connect_timeout_s=CONNECT_TIMEOUT_S, read_timeout_s=timeout_s)
        self._address = address

    def request(self, method: str, url: str, *request: Any, **options: Any) -> Any:
        return super().request(method, url.replace(STRIPE_ADDRESS, self._address, 1), *request, **options)


@contextmanager
def stripe_is(transport: stripe.HTTPClient) -> Iterator[None]:
    """While open, the service speaks to Stripe through `transport`."""
    with patch.object(gateway.client, "transport", lambda: transport):
        gateway.client.stripe_client.cache_clear()
        try:
            yield
        finally:
            gateway.client.stripe_client.cache_clear()


@contextmanager
def connections_are_held() -> Iterator[None]:
    """While open, nothing gives its database connection back while it waits for Stripe: the mistake that is measured."""
    with patch.object(gateway.operations, "leave_the_database", lambda: None):
        yield
