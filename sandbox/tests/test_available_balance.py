"""The event `balance.available`: an account has more money to pay out than before."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from sandbox.models import SandboxObject
from sandbox.money import ledger
from sandbox.objects import journal
from sandbox.tests.conftest import NOON, Options, Services
from sandbox.timeline import due

pytestmark = pytest.mark.usefixtures("noon")

Make = Callable[..., Any]
UNTIL_AVAILABLE = timedelta(days=1, hours=12)  # at the second midnight


@pytest.fixture
def told(v1: Services) -> Callable[[str], list[Any]]:
    """Gives an account's events of this type, the oldest first; "" is the platform."""

    def read(account: str) -> list[Any]:
        due.carry_out_due()
        options = {"stripe_account": account} if account else None
        return v1.events.list({"type": "balance.available"}, options).data[::-1]

    return read


@pytest.fixture(autouse=True)
def keeps_its_money(noon: None, v1: Services, at_seller: Options) -> None:
    """The seller is paid out when it asks to be."""
    manual = {"settings": {"payouts": {"schedule": {"interval": "manual"}}}}
    v1.accounts.update(at_seller["stripe_account"], manual)


class TestMoneyThatBecomesAvailable:
    def test_is_told_with_the_balance_as_it_is_then(
        self, v1: Services, at_seller: Options, pay: Make, told: Callable[[str], list[Any]]
    ) -> None:
        seller = at_seller["stripe_account"]
        pay()
        due.move_clock(UNTIL_AVAILABLE - timedelta(seconds=1))
        assert told(seller) == []
        due.move_clock(timedelta(seconds=1))
        [event] = told(seller)
        assert (event.account, event.context, event.created) == (seller, seller, int((NOON + UNTIL_AVAILABLE).timestamp()))
        assert (event.request.id, event.request.idempotency_key) == (None, None)
        assert event.data.object.to_dict() == {
            "object": "balance",
            "available": [{"amount": 941, "currency": "usd", "source_types": {"card": 941}}],
            "livemode": False,
            "pending": [{"amount": 0, "currency": "usd", "source_types": {"card": 0}}],
        }
        assert event.data.object.to_dict() == v1.balance.retrieve(None, at_seller).to_dict()

    def test_at_once_is_told_after_all_else_by_the_request_that_brought_it(
        self, v1: Services, at_seller: Options, pay: Make, told: Callable[[str], list[Any]]
    ) -> None:
        payment = pay("pm_card_bypassPending", capture_method="automatic")
        [event] = told(at_seller["stripe_account"])
        assert event.data.object.available[0].amount == 941
        assert event.request.id == payment.last_response.request_id
        assert SandboxObject.objects.filter(object_type="event").latest("pk").stripe_id == event.id

    def test_is_told_to_the_platform_of_its_fees(self, pay: Make, told: Callable[[str], list[Any]]) -> None:
        pay(application_fee_amount=100)
        due.carry_out_due()
        due.move_clock(UNTIL_AVAILABLE)
        [event] = told("")
        assert event.to_dict().keys() & {"account", "context"} == set()
        assert event.data.object.available[0].amount == 100

    def test_is_not_told_of_a_payment_that_costs_more_than_it_brings(
        self, v1: Services, at_seller: Options, pay: Make, told: Callable[[str], list[Any]]
    ) -> None:
        for card in ("pm_card_visa", "pm_card_bypassPending"):
            pay(card, application_fee_amount=1000)
        due.carry_out_due()
        due.move_clock(UNTIL_AVAILABLE)
        assert v1.balance.retrieve(None, at_seller).available[0].amount == -2 * 59
        assert told(at_seller["stripe_account"]) == []

    def test_is_not_told_of_money_that_goes(
        self, v1: Services, at_seller: Options, pay: Make, told: Callable[[str], list[Any]]
    ) -> None:
        payment = pay("pm_card_bypassPending", capture_method="automatic")
        v1.refunds.create({"payment_intent": payment.id, "amount": 300}, at_seller)
        v1.payouts.create({"amount": 100, "currency": "usd"}, at_seller)
        assert len(told(at_seller["stripe_account"])) == 1

    def test_is_told_once_for_a_change_that_brings_it_twice(self, at_seller: Options, told: Callable[[str], list[Any]]) -> None:
        seller = at_seller["stripe_account"]
        with journal.change():
            for amount in (500, 300):
                ledger.book(
                    account=seller, type="adjustment", amount=amount, currency="usd", source="ch_3x",
                    reporting_category="other_adjustment", description="",
                )  # fmt: skip
        assert [event.data.object.available[0].amount for event in told(seller)] == [800]

    def test_is_told_of_a_dispute_that_was_won(
        self, v1: Services, at_seller: Options, pay: Make, told: Callable[[str], list[Any]]
    ) -> None:
        pay("pm_card_createDispute")
        [dispute] = v1.disputes.list(None, at_seller).data
        assert told(at_seller["stripe_account"]) == []
        v1.disputes.update(dispute.id, {"evidence": {"uncategorized_text": "winning_evidence"}}, at_seller)
        [event] = told(at_seller["stripe_account"])
        assert (event.data.object.available[0].amount, event.data.object.pending[0].amount) == (0, 941)
