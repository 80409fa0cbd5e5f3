"""Whom the contract is tested with: Stripe itself where `make test-stripe` named a key, else the sandbox.

This file alone knows which of the two it is. The tests beside it ask through the gateway's own client.
"""

import os
import secrets
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
import stripe
from django.conf import settings

from gateway.client import stripe_client, transport
from gateway.reads import create_account_link
from gateway.tests.contract.calls import NO_REDIRECTS, Options, Services

UNVERIFIED = "unverified"
SELLER_VARIABLE = "STRIPE_TEST_ACCOUNT"


@pytest.fixture
def v1(transactional_db: None) -> Services:
    """The services of the gateway's own client."""
    return stripe_client().v1


@pytest.fixture
def careless(transactional_db: None) -> Services:
    """The services of a client beside the gateway's: it sends what the gateway never may, to be refused for it."""
    return stripe.StripeClient(settings.STRIPE_SECRET_KEY, max_network_retries=0, http_client=transport()).v1


@pytest.fixture
def new_account(v1: Services) -> Callable[[], str]:
    """Makes an Express account that is not onboarded, and gives its id."""

    return lambda: _new_account(v1)


def _new_account(v1: Services) -> str:
    capabilities = {"card_payments": {"requested": True}, "transfers": {"requested": True}}
    return str(v1.accounts.create({"type": "express", "country": "US", "capabilities": capabilities}).id)


@pytest.fixture
def seller(v1: Services) -> str:
    """The id of an onboarded account."""
    return _sandbox_seller(_new_account(v1)) if settings.STRIPE_SANDBOX else _stripe_seller()


def _sandbox_seller(account_id: str) -> str:
    from sandbox.connect.onboarding import complete_onboarding

    complete_onboarding(account_id=account_id)
    return account_id


@cache
def _stripe_seller() -> str:
    """The account that is configured, else the first that can charge: only a person can onboard one at Stripe."""
    configured = os.environ.get(SELLER_VARIABLE, "")
    if configured:
        return configured
    v1: Services = stripe_client().v1
    for account in v1.accounts.list({"limit": 100}).auto_paging_iter():
        if account.charges_enabled:
            return str(account.id)
    shop = "https://example.com/"
    account_id = _new_account(v1)
    link = create_account_link(account_id, return_url=shop, refresh_url=shop)
    pytest.exit(
        f"No connected account of this Stripe account can charge. Onboard {account_id} with test data at {link.url} "
        f"(good for five minutes), then run again with {SELLER_VARIABLE}={account_id}",
        returncode=pytest.ExitCode.TESTS_FAILED,
    )


@pytest.fixture
def at_seller(seller: str) -> Options:
    """The options of a call on behalf of the seller."""
    return {"stripe_account": seller}


@pytest.fixture
def new_payment(v1: Services, at_seller: Options) -> Callable[..., stripe.PaymentIntent]:
    """Makes a payment intent of 10.00 USD at the seller, as the service does; other parameters may be given."""

    def make(**parameters: Any) -> stripe.PaymentIntent:
        made: stripe.PaymentIntent = v1.payment_intents.create(
            {"amount": 1000, "currency": "usd", **NO_REDIRECTS, **parameters}, at_seller
        )
        return made

    return make


@pytest.fixture
def pay(new_payment: Callable[..., stripe.PaymentIntent]) -> Callable[..., stripe.PaymentIntent]:
    """Makes a payment of 10.00 USD and confirms it at once, with a test card."""

    def make(payment_method: str = "pm_card_visa", **parameters: Any) -> stripe.PaymentIntent:
        return new_payment(payment_method=payment_method, confirm=True, **parameters)

    return make


@pytest.fixture
def new_key() -> str:
    """An idempotency key that nobody has used, today or at an earlier run."""
    return f"contract-{secrets.token_hex(12)}"


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Notes the fact that an unverified test is about, for the summary."""
    for mark in item.iter_markers(UNVERIFIED):
        item.user_properties.append((UNVERIFIED, mark.args[0]))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Against Stripe: says which of the unverified facts held."""
    if settings.STRIPE_SANDBOX:
        return
    terminalreporter.section("What was unverified of Stripe")
    for outcome, word in (("passed", "held"), ("failed", "DID NOT HOLD"), ("error", "could not be tried")):
        for report in terminalreporter.stats.get(outcome, []):
            for name, fact in getattr(report, "user_properties", []):
                if name == UNVERIFIED and (report.when == "call" or outcome == "error"):
                    terminalreporter.write_line(f"{word}: {fact}")
