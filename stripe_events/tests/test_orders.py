"""Events arrive in any order, doubled, before and after the API has written down what it did itself: the end is the same."""

from collections.abc import Callable, Iterator
from itertools import permutations
from typing import Any

import pytest

from commercecore_payments.tests.tenants import Tenant
from gateway.tests.faults import stripe_fails
from sandbox.money.authentication import answer_open_challenge
from stripe_events.models import Status, StripeEvent
from stripe_events.tests.arrivals import arrive, told_by_stripe, work
from transactions.models import Transaction
from webhooks.models import Event

# A card is declined, another one is challenged and passes, the hold is captured.
TOLD_BY_STRIPE = (
    "payment_intent.created",
    "payment_intent.payment_failed",
    "payment_intent.requires_action",
    "payment_intent.amount_capturable_updated",
    "payment_intent.succeeded",
)
TOLD_BY_US = ["payment.failed", "payment.requires_action", "payment.capturable", "payment.succeeded"]


# Of the longer orders the usual run plays one in so many, and `--every-order` all of them.
ONE_IN = 30


@pytest.fixture
def orders(first: str, request: pytest.FixtureRequest) -> list[tuple[str, ...]]:
    """The orders that begin with this event."""
    every = list(orders_beginning_with(first))
    if request.config.getoption("--every-order"):
        return every
    return [order for number, order in enumerate(every) if len(order) == 1 or number % ONE_IN == 0]


def orders_beginning_with(first: str) -> Iterator[tuple[str, ...]]:
    """Every order of one to five of the events that begins with this one."""
    others = [name for name in TOLD_BY_STRIPE if name != first]
    for length in range(len(TOLD_BY_STRIPE)):
        for rest in permutations(others, length):
            yield (first, *rest)


def begin_payment(tenant: Tenant, seller: str, *, order_id: str) -> str:
    """The id of a payment that was declined, then challenged; the buyer has passed, and nobody here knows."""
    payment_id = tenant.create_payment(seller, order_id=order_id, capture_method="manual")
    tenant.confirm(seller, payment_id, "pm_card_visa_chargeDeclined")
    tenant.confirm(seller, payment_id, "pm_card_threeDSecure2Required")
    answer_open_challenge(intent_id=payment_id, authenticated=True)
    return payment_id


def doubled(seller: str, payment_id: str, order: tuple[str, ...]) -> list[dict[str, Any]]:
    """The payment's events in this order, each twice."""
    told = {content["type"]: content for content in told_by_stripe(seller, about=payment_id)}
    return [told[name] for name in order for _ in range(2)]


def assert_told_once_and_captured(tenant: Tenant, payment_id: str) -> None:
    payment = Transaction.objects.get(stripe_payment_intent_id=payment_id)
    assert (payment.status, payment.amount_received_minor, payment.amount_capturable_minor) == ("succeeded", 1000, 0)
    told = Event.objects.filter(subject_type="transaction", subject_id=payment.pk).order_by("sequence")
    assert [event.type for event in told] == TOLD_BY_US
    assert not StripeEvent.objects.exclude(status__in=(Status.APPLIED, Status.UNHANDLED)).exists()


@pytest.mark.parametrize("first", TOLD_BY_STRIPE)
class TestEveryOrderOfUpToFiveEventsEachDoubled:
    def test_before_the_api_commits_ends_in_one_state_and_tells_each_change_once(
        self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch, orders: list[tuple[str, ...]]
    ) -> None:
        for number, order in enumerate(orders):
            payment_id = begin_payment(tenant, seller, order_id=f"order-{number}")

            def events_come_first(send: Callable[..., Any], *request: Any, of: str = payment_id, order: Any = order) -> Any:
                answer = send(*request)
                arrive(doubled(seller, of, order))
                work()
                return answer

            with stripe_fails(monkeypatch, events_come_first, path="/capture") as met:
                assert tenant.post(f"/transactions/{payment_id}/capture", {}).status_code == 200
            assert len(met) == 1
            work(ahead_s=5)
            assert_told_once_and_captured(tenant, payment_id)

    def test_after_the_api_has_committed_ends_in_one_state_and_tells_each_change_once(
        self, tenant: Tenant, seller: str, orders: list[tuple[str, ...]]
    ) -> None:
        for number, order in enumerate(orders):
            payment_id = begin_payment(tenant, seller, order_id=f"order-{number}")
            assert tenant.post(f"/transactions/{payment_id}/capture", {}).status_code == 200
            arrive(doubled(seller, payment_id, order))
            work()
            assert_told_once_and_captured(tenant, payment_id)
