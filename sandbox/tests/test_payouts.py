"""Payouts: what an account has available goes to its bank, by day or by hand."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import stripe

from sandbox.connect import decisions
from sandbox.connect.onboarding import OnboardingDetails, complete_onboarding
from sandbox.models import SandboxObject, SandboxTask
from sandbox.tests.payout_facts import AT_ONCE, DAY, NET, midnight
from sandbox.timeline import due

pytestmark = pytest.mark.usefixtures("noon")

Make = Callable[..., Any]
Options = dict[str, str]


@pytest.fixture
def manual(v1: Any, at_seller: Options) -> None:
    """The seller asks for payouts by hand."""
    v1.accounts.update(at_seller["stripe_account"], {"settings": {"payouts": {"schedule": {"interval": "manual"}}}})


@pytest.fixture
def available(v1: Any, at_seller: Options) -> Callable[[], int]:
    """Tells what the seller has available in US dollars."""
    return lambda: int(v1.balance.retrieve(None, at_seller).available[0].amount)


def bookings(v1: Any, at_seller: Options, **filters: str) -> list[tuple[str, int]]:
    return [(each.type, each.net) for each in v1.balance_transactions.list(filters, at_seller)]


class TestAnAutomaticPayout:
    def test_takes_everything_at_the_end_of_the_day(self, v1: Any, at_seller: Options, pay: Make, available: Make) -> None:
        pay(AT_ONCE), pay(AT_ONCE)
        assert (available(), v1.payouts.list(None, at_seller).data) == (2 * NET, [])
        due.move_clock(timedelta(hours=12))
        (made,) = v1.payouts.list(None, at_seller).data
        assert made.id.startswith("po_1")
        assert (made.amount, made.currency, made.status, made.automatic) == (2 * NET, "usd", "pending", True)
        assert (made.created, made.arrival_date) == (midnight(2), midnight(4))
        assert available() == 0
        destination = v1.accounts.retrieve(at_seller["stripe_account"]).external_accounts.data[0].id
        assert made.destination == destination

    def test_waits_until_the_money_is_available(self, v1: Any, at_seller: Options, pay: Make) -> None:
        pay()
        due.move_clock(timedelta(days=2, hours=11))
        assert v1.payouts.list(None, at_seller).data == []
        due.move_clock(timedelta(hours=1))
        assert [(each.amount, each.created) for each in v1.payouts.list(None, at_seller)] == [(NET, midnight(4))]

    def test_names_what_it_carried(self, v1: Any, at_seller: Options, pay: Make) -> None:
        pay(AT_ONCE)
        due.move_clock(DAY)
        pay(AT_ONCE, amount=2000)
        due.move_clock(DAY)
        second, first = v1.payouts.list(None, at_seller).data
        assert bookings(v1, at_seller, payout=first.id) == [("payout", -NET), ("charge", NET)]
        assert bookings(v1, at_seller, payout=second.id) == [("payout", -1912), ("charge", 1912)]

    def test_is_sent_and_arrives(self, v1: Any, at_seller: Options, pay: Make, available: Make) -> None:
        pay(AT_ONCE)
        due.move_clock(DAY)
        (made,) = v1.payouts.list({"status": "pending"}, at_seller).data
        due.move_clock(DAY)
        sent = v1.payouts.retrieve(made.id, None, at_seller)
        assert (sent.status, sent.reconciliation_status) == ("in_transit", "in_progress")
        due.move_clock(DAY)
        arrived = v1.payouts.retrieve(made.id, {"expand": ["balance_transaction"]}, at_seller)
        assert (arrived.status, arrived.reconciliation_status, arrived.failure_code) == ("paid", "completed", None)
        assert (arrived.balance_transaction.type, arrived.balance_transaction.amount) == ("payout", -NET)
        assert available() == 0

    def test_is_told_of_all_along(self, v1: Any, at_seller: Options, pay: Make) -> None:
        pay(AT_ONCE)
        due.move_clock(3 * DAY)
        events = SandboxObject.objects.filter(object_type="event", data__type__startswith="payout.").order_by("id")
        told = ["created", "updated", "paid", "reconciliation_completed"]
        assert [event.data["type"] for event in events] == [f"payout.{name}" for name in told]
        assert [event.data["created"] for event in events] == [midnight(2), midnight(3), midnight(4), midnight(4)]

    def test_is_made_for_each_currency(self, v1: Any, at_seller: Options, pay: Make) -> None:
        pay(AT_ONCE)
        pay(AT_ONCE, currency="eur")
        due.move_clock(DAY)
        assert sorted(each.currency for each in v1.payouts.list(None, at_seller)) == ["eur", "usd"]

    def test_is_not_made_of_debts(self, v1: Any, at_seller: Options, pay: Make, available: Make) -> None:
        payment = pay(AT_ONCE)
        v1.refunds.create({"payment_intent": payment.id}, at_seller)
        due.move_clock(DAY)
        assert (v1.payouts.list(None, at_seller).data, available()) == ([], NET - 1000)

    def test_can_not_be_canceled(self, v1: Any, at_seller: Options, pay: Make, available: Make) -> None:
        pay(AT_ONCE)
        due.move_clock(DAY)
        (made,) = v1.payouts.list(None, at_seller).data
        with pytest.raises(stripe.InvalidRequestError):
            v1.payouts.cancel(made.id, None, at_seller)
        assert (v1.payouts.retrieve(made.id, None, at_seller).status, available()) == ("pending", 0)

    def test_is_not_made_for_an_account_that_was_deleted(self, v1: Any, at_seller: Options, pay: Make) -> None:
        pay(AT_ONCE)
        v1.accounts.delete(at_seller["stripe_account"])
        assert due.move_clock(DAY) == 1
        assert SandboxTask.objects.count() == 0


class TestABankThatSendsTheMoneyBack:
    @pytest.fixture
    def seller(self, new_account: Callable[[], str], request: pytest.FixtureRequest) -> Options:
        account = new_account()
        complete_onboarding(account_id=account, details=OnboardingDetails(account_number=request.param))
        return {"stripe_account": account}

    @staticmethod
    def pay(v1: Any, seller: Options) -> None:
        never = {"enabled": True, "allow_redirects": "never"}
        paid = {"amount": 1000, "currency": "usd", "payment_method": AT_ONCE, "confirm": True}
        v1.payment_intents.create({**paid, "automatic_payment_methods": never}, seller)
        v1.balance.retrieve(None, seller)

    @pytest.mark.parametrize(
        ("seller", "code"),
        [("000111111116", "no_account"), ("000111111113", "account_closed"), ("000222222227", "insufficient_funds")],
        indirect=["seller"],
    )
    def test_fails_the_payout(self, v1: Any, seller: Options, code: str) -> None:
        self.pay(v1, seller)
        due.move_clock(3 * DAY)
        (failed,) = v1.payouts.list(None, seller).data
        assert (failed.status, failed.failure_code) == ("failed", code)
        returned = v1.balance_transactions.retrieve(failed.failure_balance_transaction, None, seller)
        assert (returned.type, returned.amount, returned.source) == ("payout_failure", NET, failed.id)
        assert v1.balance.retrieve(None, seller).available[0].amount == NET

    @pytest.mark.parametrize("seller", ["000111111116"], indirect=True)
    def test_gets_no_more_until_it_is_replaced(self, v1: Any, seller: Options) -> None:
        self.pay(v1, seller)
        due.move_clock(30 * DAY)
        assert len(v1.payouts.list(None, seller).data) == 1
        assert v1.accounts.retrieve(seller["stripe_account"]).external_accounts.data[0].status == "errored"
        complete_onboarding(account_id=seller["stripe_account"])
        due.move_clock(3 * DAY)
        assert [each.status for each in v1.payouts.list(None, seller)] == ["paid", "failed"]
        assert v1.balance.retrieve(None, seller).available[0].amount == 0

    @pytest.mark.parametrize("seller", ["000111111116"], indirect=True)
    def test_stays_so_where_the_seller_names_no_other(self, v1: Any, seller: Options) -> None:
        complete_onboarding(account_id=seller["stripe_account"])
        self.pay(v1, seller)
        due.move_clock(3 * DAY)
        assert [each.failure_code for each in v1.payouts.list(None, seller)] == ["no_account"]

    @pytest.mark.parametrize("seller", ["000111111116"], indirect=True)
    def test_fails_what_was_on_its_way_when_it_was_replaced(self, v1: Any, seller: Options) -> None:
        self.pay(v1, seller)
        due.move_clock(timedelta(hours=12))
        complete_onboarding(account_id=seller["stripe_account"], details=OnboardingDetails())
        due.move_clock(2 * DAY)
        assert [each.status for each in v1.payouts.list(None, seller)] == ["failed"]
        due.move_clock(3 * DAY)
        assert [each.status for each in v1.payouts.list(None, seller)] == ["paid", "failed"]


@pytest.mark.usefixtures("manual")
class TestAPayoutByHand:
    def test_takes_what_it_says(self, v1: Any, at_seller: Options, pay: Make, available: Make) -> None:
        pay(AT_ONCE)
        asked = {"amount": 400, "currency": "usd", "description": "Rent", "metadata": {"week": "49"}}
        made = v1.payouts.create(asked, at_seller)
        assert (made.amount, made.status, made.automatic, made.description) == (400, "pending", False, "Rent")
        assert (made.metadata["week"], made.reconciliation_status) == ("49", "not_applicable")
        assert available() == NET - 400
        due.move_clock(2 * DAY)
        assert v1.payouts.retrieve(made.id, None, at_seller).status == "paid"

    def test_is_the_only_one(self, v1: Any, at_seller: Options, pay: Make, available: Make) -> None:
        pay(AT_ONCE)
        due.move_clock(9 * DAY)
        assert (v1.payouts.list(None, at_seller).data, available()) == ([], NET)

    def test_of_an_account_that_is_deleted_meanwhile_is_refused(
        self, v1: Any, at_seller: Options, pay: Make, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        pay(AT_ONCE)
        v1.accounts.delete(at_seller["stripe_account"])
        monkeypatch.setattr("sandbox.api.server._require_account", lambda request: None)  # it was there a moment ago
        with pytest.raises(stripe.PermissionError) as refused:
            v1.payouts.create({"amount": 100, "currency": "usd"}, at_seller)
        assert refused.value.error is not None
        assert (refused.value.http_status, refused.value.error.code) == (403, "account_invalid")
        assert SandboxObject.objects.filter(object_type="payout").count() == 0

    def test_of_more_than_is_available_is_refused(self, v1: Any, at_seller: Options, pay: Make, available: Make) -> None:
        pay(AT_ONCE)
        with pytest.raises(stripe.InvalidRequestError) as refused:
            v1.payouts.create({"amount": NET + 1, "currency": "usd"}, at_seller)
        assert (refused.value.http_status, refused.value.code) == (400, "balance_insufficient")
        assert (v1.payouts.list(None, at_seller).data, available()) == ([], NET)

    def test_of_what_is_pending_is_refused(self, v1: Any, at_seller: Options, pay: Make) -> None:
        pay()
        with pytest.raises(stripe.InvalidRequestError) as refused:
            v1.payouts.create({"amount": 1, "currency": "usd"}, at_seller)
        assert refused.value.code == "balance_insufficient"

    def test_goes_back_while_it_is_pending(self, v1: Any, at_seller: Options, pay: Make, available: Make) -> None:
        pay(AT_ONCE)
        made = v1.payouts.create({"amount": NET, "currency": "usd"}, at_seller)
        canceled = v1.payouts.cancel(made.id, None, at_seller)
        assert (canceled.status, available()) == ("canceled", NET)
        assert bookings(v1, at_seller, source=made.id) == [("payout_cancel", NET), ("payout", -NET)]
        due.move_clock(9 * DAY)
        assert (v1.payouts.retrieve(made.id, None, at_seller).status, available()) == ("canceled", NET)

    def test_that_was_sent_does_not_come_back(self, v1: Any, at_seller: Options, pay: Make, available: Make) -> None:
        pay(AT_ONCE)
        made = v1.payouts.create({"amount": NET, "currency": "usd"}, at_seller)
        due.move_clock(DAY)
        with pytest.raises(stripe.InvalidRequestError):
            v1.payouts.cancel(made.id, None, at_seller)
        assert (v1.payouts.retrieve(made.id, None, at_seller).status, available()) == ("in_transit", 0)

    def test_keeps_new_metadata(self, v1: Any, at_seller: Options, pay: Make) -> None:
        pay(AT_ONCE)
        made = v1.payouts.create({"amount": 1, "currency": "usd", "metadata": {"a": "1"}}, at_seller)
        assert v1.payouts.update(made.id, {"metadata": {"b": "2"}}, at_seller).metadata.to_dict() == {"a": "1", "b": "2"}

    def test_gives_way_to_the_days_again(self, v1: Any, at_seller: Options, pay: Make, available: Make) -> None:
        pay(AT_ONCE)
        v1.payouts.create({"amount": 41, "currency": "usd"}, at_seller)
        daily = {"settings": {"payouts": {"schedule": {"interval": "daily"}}}}
        assert v1.accounts.update(at_seller["stripe_account"], daily).settings.payouts.schedule.interval == "daily"
        due.move_clock(DAY)
        assert [each.amount for each in v1.payouts.list(None, at_seller)] == [900, 41]
        assert available() == 0


NO_BANK = "Sorry, you don't have any external accounts in that currency (usd)."


class TestAnAccountWithoutABank:
    def test_is_not_paid_out(self, v1: Any, new_account: Callable[[], str]) -> None:
        with pytest.raises(stripe.InvalidRequestError) as refused:
            v1.payouts.create({"amount": 1, "currency": "usd"}, {"stripe_account": new_account()})
        assert (refused.value.http_status, refused.value.code, str(refused.value.user_message)) == (400, None, NO_BANK)
        assert SandboxObject.objects.filter(object_type="payout").count() == 0

    def test_is_told_so_though_its_payouts_are_disabled_too(self, v1: Any, at_seller: Options, pay: Make) -> None:
        complete_onboarding(account_id=at_seller["stripe_account"], details=OnboardingDetails(account_number="000111111116"))
        pay(AT_ONCE)
        due.move_clock(3 * DAY)  # the bank sends it back
        for state in ("active", "under_review"):
            decisions.bring_into(at_seller["stripe_account"], state)
            with pytest.raises(stripe.InvalidRequestError) as refused:
                v1.payouts.create({"amount": 1, "currency": "usd"}, at_seller)
            assert str(refused.value.user_message) == NO_BANK

    def test_may_be_the_platform(self, v1: Any) -> None:
        with pytest.raises(stripe.InvalidRequestError) as refused:
            v1.payouts.create({"amount": 1, "currency": "usd"})
        assert (refused.value.http_status, refused.value.code, str(refused.value.user_message)) == (400, None, NO_BANK)
        assert SandboxObject.objects.filter(object_type="payout").count() == 0


class TestASchedule:
    @pytest.mark.parametrize("interval", ["weekly", "hourly"])
    def test_is_daily_or_manual(self, v1: Any, at_seller: Options, interval: str) -> None:
        account = at_seller["stripe_account"]
        with pytest.raises(stripe.InvalidRequestError) as refused:
            v1.accounts.update(account, {"settings": {"payouts": {"schedule": {"interval": interval}}}})
        assert refused.value.param == "settings[payouts][schedule][interval]"
        assert v1.accounts.retrieve(account).settings.payouts.schedule.interval == "daily"
