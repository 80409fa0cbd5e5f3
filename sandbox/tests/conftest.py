"""A platform with the real SDK in its hands, and sellers at the sandbox."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import stripe
import time_machine
from django.contrib.auth.models import User
from django.test import Client

from commercecore_payments.tests.service import environment_of_its_own, serving
from sandbox.connect.onboarding import complete_onboarding
from sandbox.transport.http_client import SandboxHTTPClient

Services = Any  # the SDK's services under `client.v1`
Options = dict[str, str]

NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)


@pytest.fixture
def noon() -> Iterator[None]:
    """The real clock stands still, at NOON."""
    with time_machine.travel(NOON, tick=False):
        yield


@pytest.fixture
def v1(db: None) -> Services:
    """The SDK's services, answered by the sandbox."""
    return stripe.StripeClient("sk_test_x", http_client=SandboxHTTPClient()).v1


@pytest.fixture
def new_account(v1: Services) -> Callable[[], str]:
    """Makes an Express account that is not onboarded, and gives its id."""

    def make() -> str:
        capabilities = {"card_payments": {"requested": True}, "transfers": {"requested": True}}
        return str(v1.accounts.create({"type": "express", "country": "US", "capabilities": capabilities}).id)

    return make


@pytest.fixture
def new_seller(new_account: Callable[[], str]) -> Callable[[], str]:
    """Makes an onboarded account, and gives its id."""

    def make() -> str:
        account = new_account()
        complete_onboarding(account_id=account)
        return account

    return make


@pytest.fixture
def at_seller(new_seller: Callable[[], str]) -> Options:
    """The options of a call on behalf of an onboarded account."""
    return {"stripe_account": new_seller()}


@pytest.fixture
def new_payment(v1: Services, at_seller: Options) -> Callable[..., Any]:
    """Makes a payment intent of 10.00 USD at the seller, which redirects no buyer; other parameters may be given."""

    def make(**parameters: Any) -> Any:
        never = {"enabled": True, "allow_redirects": "never"}
        defaults = {"amount": 1000, "currency": "usd", "automatic_payment_methods": never}
        return v1.payment_intents.create(defaults | parameters, at_seller)

    return make


@pytest.fixture
def pay(new_payment: Callable[..., Any]) -> Callable[..., Any]:
    """Makes a payment of 10.00 USD with a test payment method, confirmed at once."""

    def make(payment_method: str = "pm_card_visa", **parameters: Any) -> Any:
        return new_payment(payment_method=payment_method, confirm=True, **parameters)

    return make


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a really running service, which the tests that ask for it share."""
    with environment_of_its_own(tmp_path_factory.mktemp("served")) as environment, serving(environment):
        yield f"http://127.0.0.1:{environment['PORT']}"


@pytest.fixture
def staff_browser(db: None) -> Client:
    """The browser of somebody on the staff, held to the forms' token as real ones are."""
    client = Client(enforce_csrf_checks=True)
    client.force_login(User.objects.create_user("operator", is_staff=True))
    return client


@pytest.fixture
def told(v1: Services, at_seller: Options) -> Callable[[], list[str]]:
    """Gives the names of the seller's events since the last look, in the order in which they happened."""
    seen: set[str] = set()

    def look() -> list[str]:
        events = [event for event in v1.events.list({"limit": 100}, at_seller).data if event.id not in seen]
        seen.update(event.id for event in events)
        return [event.type for event in reversed(events)]

    look()  # what the onboarding told is no matter of most tests
    return look


@pytest.fixture
def control(db: None) -> Client:
    """A program with a test key, held to no form's token."""
    return Client(headers={"Authorization": "Bearer sk_test_x"}, enforce_csrf_checks=True)


@pytest.fixture
def browser() -> Client:
    """A browser that is held to the form's token, as real ones are."""
    return Client(enforce_csrf_checks=True)
