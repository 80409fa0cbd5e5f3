"""The books of an account: what a payment brings, what Stripe takes of it, and when it is available."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import stripe

from sandbox.money.currencies import spoken
from sandbox.money.settlement import stripe_fee
from sandbox.tests.conftest import NOON, Options, Services
from sandbox.timeline import due

pytestmark = pytest.mark.usefixtures("noon")

Make = Callable[..., Any]
AFTER_TWO_NIGHTS = int(datetime(2026, 12, 3, tzinfo=UTC).timestamp())


def transactions(v1: Services, account: Options, **filters: Any) -> list[Any]:
    return list(v1.balance_transactions.list(filters, account).data)


def amounts(balance: Any) -> tuple[dict[str, int], dict[str, int]]:
    """Available and pending, by currency."""
    available, pending = ({money.currency: money.amount for money in moneys} for moneys in (balance.available, balance.pending))
    return available, pending


class TestAPayment:
    def test_settles_after_its_answer(self, v1: Services, at_seller: Options, pay: Make) -> None:
        payment = pay(expand=["latest_charge"])
        assert (payment.status, payment.latest_charge.balance_transaction) == ("succeeded", None)
        charge = v1.charges.retrieve(payment.latest_charge.id, {"expand": ["balance_transaction"]}, at_seller)
        booked = charge.balance_transaction
        assert booked.id.startswith("txn_3")
        assert (booked.type, booked.reporting_category, booked.source) == ("charge", "charge", charge.id)
        assert (booked.amount, booked.fee, booked.net, booked.currency) == (1000, 59, 941, "usd")
        assert (booked.status, booked.available_on) == ("pending", AFTER_TWO_NIGHTS)
        [fee] = booked.fee_details
        assert (fee.type, fee.amount, fee.application) == ("stripe_fee", 59, None)

    def test_captured_synchronously_settles_in_its_answer(self, v1: Services, at_seller: Options, pay: Make) -> None:
        charge = pay(capture_method="automatic", expand=["latest_charge"]).latest_charge
        [booked] = transactions(v1, at_seller)
        assert charge.balance_transaction == booked.id

    def test_held_settles_when_it_is_captured(self, v1: Services, at_seller: Options, pay: Make) -> None:
        held = pay(capture_method="manual")
        assert transactions(v1, at_seller) == []
        parameters = {"amount_to_capture": 600, "expand": ["latest_charge"]}
        captured = v1.payment_intents.capture(held.id, parameters, at_seller)
        [booked] = transactions(v1, at_seller)
        assert captured.latest_charge.balance_transaction == booked.id
        assert (booked.amount, booked.fee) == (600, 47)

    def test_declined_books_nothing(self, v1: Services, at_seller: Options, pay: Make) -> None:
        with pytest.raises(stripe.CardError):
            pay("pm_card_chargeDeclined")
        assert transactions(v1, at_seller) == []

    def test_is_available_after_two_nights(self, v1: Services, at_seller: Options, pay: Make) -> None:
        pay()
        due.move_clock(timedelta(hours=35))
        assert [booked.status for booked in transactions(v1, at_seller)] == ["pending"]
        due.move_clock(timedelta(hours=1))
        assert [booked.status for booked in transactions(v1, at_seller, type="charge")] == ["available"]
        assert amounts(v1.balance.retrieve(None, at_seller))[1] == {"usd": 0}

    def test_with_the_bypassing_card_is_available_at_once(self, v1: Services, at_seller: Options, pay: Make) -> None:
        pay("pm_card_bypassPending")
        assert amounts(v1.balance.retrieve(None, at_seller)) == ({"usd": 941}, {"usd": 0})
        [booked] = transactions(v1, at_seller)
        assert (booked.status, booked.available_on) == ("available", int(NOON.timestamp()))

    def test_of_the_platform_itself_is_booked_there(self, v1: Services, at_seller: Options) -> None:
        never = {"enabled": True, "allow_redirects": "never"}
        v1.payment_intents.create(
            {
                "amount": 2000,
                "currency": "usd",
                "automatic_payment_methods": never,
                "payment_method": "pm_card_visa",
                "confirm": True,
            }
        )
        assert [booked.net for booked in transactions(v1, {})] == [1912]
        assert transactions(v1, at_seller) == []


class TestStripesFee:
    @pytest.mark.parametrize(
        ("amount", "currency", "fee"),
        [
            (1000, "usd", 59),
            (50, "usd", 31),  # 1.45 is 1
            (1500, "usd", 74),  # 43.5 is 44
            (1000, "eur", 54),
            (1000, "jpy", 29),
            (10000, "bhd", 290),
        ],
    )
    def test_is_a_share_and_a_fixed_part(self, amount: int, currency: str, fee: int) -> None:
        assert stripe_fee(amount, currency) == fee


class TestAnAmount:
    @pytest.mark.parametrize(
        ("amount", "currency", "text"), [(-59, "usd", "-$0.59"), (-100, "jpy", "-¥100"), (59, "eur", "€0.59")]
    )
    def test_is_spoken_with_its_sign(self, amount: int, currency: str, text: str) -> None:
        assert spoken(amount, currency) == text


class TestABalance:
    def test_of_an_account_without_money_is_zero_in_its_own_currency(self, v1: Services, at_seller: Options) -> None:
        for account in (None, at_seller):
            balance = v1.balance.retrieve(None, account)
            assert (balance.object, balance.livemode) == ("balance", False)
            assert amounts(balance) == ({"usd": 0}, {"usd": 0})

    def test_is_kept_by_currency(self, v1: Services, at_seller: Options, pay: Make) -> None:
        pay()
        pay(currency="jpy")
        pay("pm_card_bypassPending", currency="eur")
        available, pending = amounts(v1.balance.retrieve(None, at_seller))
        assert available == {"eur": 946, "jpy": 0, "usd": 0}
        assert pending == {"eur": 0, "jpy": 971, "usd": 941}

    def test_of_one_account_is_not_anothers(
        self, v1: Services, at_seller: Options, new_seller: Callable[[], str], pay: Make
    ) -> None:
        pay()
        other = {"stripe_account": new_seller()}
        assert amounts(v1.balance.retrieve(None, at_seller))[1] == {"usd": 941}
        assert amounts(v1.balance.retrieve(None, other)) == ({"usd": 0}, {"usd": 0})


class TestBalanceTransactions:
    def test_are_listed_newest_first_and_filtered(self, v1: Services, at_seller: Options, pay: Make) -> None:
        first, second = pay(), pay(currency="eur")
        refund = v1.refunds.create({"payment_intent": first.id}, at_seller)
        assert [booked.type for booked in transactions(v1, at_seller)] == ["refund", "charge", "charge"]
        assert [booked.amount for booked in transactions(v1, at_seller, type="refund")] == [-1000]
        assert [booked.source for booked in transactions(v1, at_seller, currency="eur")] == [second.latest_charge]
        assert [booked.id for booked in transactions(v1, at_seller, source=refund.id)] == [refund.balance_transaction]
        assert transactions(v1, at_seller, payout="po_unknown") == []
        assert transactions(v1, at_seller, created={"gt": int(NOON.timestamp())}) == []

    def test_come_in_pages(self, v1: Services, at_seller: Options, pay: Make) -> None:
        for _ in range(3):
            pay()
        page = v1.balance_transactions.list({"limit": 2}, at_seller)
        assert (len(page.data), page.has_more) == (2, True)
        rest = v1.balance_transactions.list({"starting_after": page.data[1].id}, at_seller)
        assert (len(rest.data), rest.has_more) == (1, False)

    def test_name_the_object_behind_them(self, v1: Services, at_seller: Options, pay: Make) -> None:
        payment = pay()
        [listed] = v1.balance_transactions.list({"expand": ["data.source"]}, at_seller).data
        assert (listed.source.object, listed.source.id) == ("charge", payment.latest_charge)
        read = v1.balance_transactions.retrieve(listed.id, {"expand": ["source.payment_intent"]}, at_seller)
        assert read.source.payment_intent.id == payment.id

    def test_of_another_account_are_a_404(self, v1: Services, at_seller: Options, pay: Make) -> None:
        pay()
        [booked] = transactions(v1, at_seller)
        with pytest.raises(stripe.InvalidRequestError) as refused:
            v1.balance_transactions.retrieve(booked.id)
        assert (refused.value.http_status, refused.value.code) == (404, "resource_missing")


class TestACharge:
    def test_changes_what_is_not_about_money(self, v1: Services, at_seller: Options, pay: Make) -> None:
        charge = pay(metadata={"order": "7"}).latest_charge
        changes = {"description": "Two tickets", "metadata": {"seat": "9"}, "fraud_details": {"user_report": "safe"}}
        changed = v1.charges.update(charge, changes, at_seller)
        assert (changed.description, changed.fraud_details.user_report) == ("Two tickets", "safe")
        assert changed.metadata.to_dict() == {"order": "7", "seat": "9"}

    def test_keeps_its_amount(self, v1: Services, at_seller: Options, pay: Make) -> None:
        charge = pay().latest_charge
        with pytest.raises(stripe.InvalidRequestError) as refused:
            v1.charges.update(charge, {"amount": 1}, at_seller)
        assert (refused.value.code, refused.value.param) == ("parameter_unknown", "amount")
        assert v1.charges.retrieve(charge, None, at_seller).amount == 1000
