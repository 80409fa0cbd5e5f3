"""What follows where a connected account is disabled: no payments and no payouts, and all that was under way goes on."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
import stripe
from django.test import Client

from sandbox.connect import decisions
from sandbox.models import SandboxObject
from sandbox.tests.conftest import NOON
from sandbox.tests.payout_facts import AT_ONCE, DAY, NET, midnight
from sandbox.timeline import clock, due

pytestmark = pytest.mark.usefixtures("noon")

Make = Callable[..., Any]
Options = dict[str, str]


@pytest.fixture
def disabled(at_seller: Options) -> Options:
    """The options of a call on behalf of a seller that Stripe has disabled."""
    decisions.bring_into(at_seller["stripe_account"], "under_review")
    return at_seller


class TestADisabledAccount:
    def test_takes_no_payment(self, v1: Any, disabled: Options, new_payment: Make) -> None:
        intent = new_payment(payment_method="pm_card_visa")
        with pytest.raises(stripe.InvalidRequestError, match="Your account cannot currently make charges") as refused:
            v1.payment_intents.confirm(intent.id, None, disabled)
        assert (refused.value.http_status, refused.value.code) == (400, None)
        assert v1.payment_intents.retrieve(intent.id, None, disabled).status == "requires_confirmation"
        assert v1.charges.list(None, disabled).data == []
        assert v1.balance_transactions.list(None, disabled).data == []

    def test_can_still_capture_and_cancel_what_is_held(self, v1: Any, at_seller: Options, pay: Make) -> None:
        captured, canceled = pay(capture_method="manual"), pay(capture_method="manual")
        decisions.bring_into(at_seller["stripe_account"], "rejected.other")
        assert v1.payment_intents.capture(captured.id, None, at_seller).status == "succeeded"
        assert v1.payment_intents.cancel(canceled.id, None, at_seller).status == "canceled"

    def test_can_still_refund(self, v1: Any, at_seller: Options, pay: Make) -> None:
        paid = pay(AT_ONCE)
        decisions.bring_into(at_seller["stripe_account"], "rejected.fraud")
        refund = v1.refunds.create({"payment_intent": paid.id, "amount": 400}, at_seller)
        assert (refund.status, refund.amount) == ("succeeded", 400)
        assert v1.balance.retrieve(None, at_seller).available[0].amount == NET - 400

    def test_ends_a_payment_that_waits_for_its_buyer(self, v1: Any, at_seller: Options, pay: Make) -> None:
        payment = pay("pm_card_authenticationRequired", return_url="https://shop.example/back")
        decisions.bring_into(at_seller["stripe_account"], "under_review")
        challenge = urlsplit(payment.next_action.redirect_to_url.url).path
        assert Client().post(challenge, {"outcome": "complete"}).status_code == 302
        assert v1.payment_intents.retrieve(payment.id, None, at_seller).status == "succeeded"

    def test_is_paid_out_by_nobody(self, v1: Any, at_seller: Options, pay: Make) -> None:
        pay(AT_ONCE)
        v1.balance.retrieve(None, at_seller)
        decisions.bring_into(at_seller["stripe_account"], "listed")
        due.move_clock(3 * DAY)
        before = list(SandboxObject.objects.values_list("pk", "data", "hidden"))
        with pytest.raises(stripe.InvalidRequestError, match="Payouts have been disabled on this account") as refused:
            v1.payouts.create({"amount": 100, "currency": "usd"}, at_seller)
        assert (refused.value.http_status, refused.value.code) == (400, "payouts_not_allowed")
        assert list(SandboxObject.objects.values_list("pk", "data", "hidden")) == before
        assert v1.payouts.list(None, at_seller).data == []
        assert v1.balance.retrieve(None, at_seller).available[0].amount == NET

    def test_is_paid_out_the_day_after_it_is_enabled_again(self, v1: Any, at_seller: Options, pay: Make) -> None:
        pay(AT_ONCE)
        v1.balance.retrieve(None, at_seller)
        decisions.bring_into(at_seller["stripe_account"], "listed")
        due.move_clock(3 * DAY)
        decisions.bring_into(at_seller["stripe_account"], "active")
        due.move_clock(DAY)
        assert [(each.amount, each.status) for each in v1.payouts.list(None, at_seller)] == [(NET, "pending")]


class TestAPayoutOfAnAccountThatIsDisabledMeanwhile:
    @pytest.fixture(autouse=True)
    def payout(self, noon: None, v1: Any, at_seller: Options, pay: Make) -> None:
        """One that was made at midnight, and not sent."""
        pay(AT_ONCE)
        v1.balance.retrieve(None, at_seller)
        due.move_clock(DAY)
        decisions.bring_into(at_seller["stripe_account"], "platform_paused")

    def statuses(self, v1: Any, at_seller: Options) -> list[str]:
        return [each.status for each in v1.payouts.list(None, at_seller)]

    def test_waits_and_is_sent_once_the_account_is_enabled_again(self, v1: Any, at_seller: Options) -> None:
        due.move_clock(5 * DAY)
        assert self.statuses(v1, at_seller) == ["pending"]
        decisions.bring_into(at_seller["stripe_account"], "active")
        due.move_clock(DAY)
        assert self.statuses(v1, at_seller) == ["in_transit"]
        [sent] = v1.payouts.list(None, at_seller).data
        assert sent.arrival_date == midnight(9)  # a day after it was sent, and not when it should have arrived
        due.move_clock(DAY)
        assert clock.now() - NOON == 8 * DAY
        assert self.statuses(v1, at_seller) == ["paid"]
        [event] = v1.events.list({"type": "payout.updated"}, at_seller).data
        assert event.data.previous_attributes.to_dict() == {"arrival_date": midnight(4), "status": "pending"}
        assert v1.balance.retrieve(None, at_seller).available[0].amount == 0

    def test_is_canceled_after_ten_days(self, v1: Any, at_seller: Options) -> None:
        due.move_clock(9 * DAY)
        assert self.statuses(v1, at_seller) == ["pending"]
        due.move_clock(DAY)
        [payout] = v1.payouts.list(None, at_seller).data
        assert (payout.status, payout.reconciliation_status) == ("canceled", "completed")
        returned = v1.balance_transactions.retrieve(payout.failure_balance_transaction, None, at_seller)
        assert (returned.type, returned.amount) == ("payout_cancel", NET)
        assert v1.balance.retrieve(None, at_seller).available[0].amount == NET
        decisions.bring_into(at_seller["stripe_account"], "active")
        due.move_clock(3 * DAY)
        assert self.statuses(v1, at_seller) == ["paid", "canceled"]
