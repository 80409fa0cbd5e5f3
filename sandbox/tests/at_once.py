"""Calls at once: what the tests of locks and races share, on a database that runs many requests at once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import stripe
from django.db import connection

from sandbox.connect.onboarding import complete_onboarding
from sandbox.transport.http_client import SandboxHTTPClient

THREADS = 8


@pytest.fixture
def v1(transactional_db: None) -> Any:
    """The SDK's services; what they do is committed, so that other threads see it."""
    if connection.vendor == "sqlite":
        pytest.skip("SQLite has one writer at a time, and its tests share one connection: nothing runs at once")
    return stripe.StripeClient("sk_test_x", http_client=SandboxHTTPClient()).v1


@pytest.fixture
def at_seller(v1: Any) -> dict[str, str]:
    """The options of a call on behalf of an onboarded account."""
    card_payments = {"card_payments": {"requested": True}}
    account = str(v1.accounts.create({"type": "express", "capabilities": card_payments}).id)
    complete_onboarding(account_id=account)
    return {"stripe_account": account}


def at_once(calls: list[Callable[[], Any]]) -> list[Any]:
    """What each of many calls at once gave: its answer, or Stripe's error."""

    def one(call: Callable[[], Any]) -> Any:
        try:
            return call()
        except stripe.StripeError as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(one, calls))


def succeeded(outcomes: list[Any]) -> list[Any]:
    """The outcomes that are answers."""
    return [outcome for outcome in outcomes if not isinstance(outcome, stripe.StripeError)]
