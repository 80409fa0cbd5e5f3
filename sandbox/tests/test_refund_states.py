"""Refunds that do not go through at once: they wait for money or for their buyer, and may never arrive."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import stripe
import time_machine

from sandbox.models import SandboxObject
from sandbox.money import disputes, refund_lifecycle
from sandbox.objects import journal, state
from sandbox.tests.conftest import Options, Services
from sandbox.tests.refund_readings import COVERED, nets, refunded, status_of, told
from sandbox.timeline import due

Make = Callable[..., Any]
NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)
DAY, SECOND = timedelta(days=1), timedelta(seconds=1)


@pytest.fixture(autouse=True)
def noon() -> Iterator[None]:
    """The real clock stands still."""
    with time_machine.travel(NOON, tick=False):
        yield


@pytest.fixture
def covered(v1: Services, at_seller: Options) -> Options:
    """The seller, whose balance has to cover every refund."""
    v1.accounts.update(at_seller["stripe_account"], COVERED)
    return at_seller


@pytest.fixture
def waiting(v1: Services, covered: Options, pay: Make) -> Any:
    """A refund of 10.00 USD at a seller who has 9.41."""
    return v1.refunds.create({"payment_intent": pay("pm_card_bypassPending").id}, covered)


class TestARefundThatTheBalanceDoesNotCover:
    def test_waits_and_moves_no_money(self, v1: Services, covered: Options, waiting: Any) -> None:
        assert (waiting.status, waiting.pending_reason, waiting.balance_transaction) == ("pending", "insufficient_funds", None)
        assert nets(v1, covered) == [("charge", 941)]
        assert refunded(v1, covered, waiting) == (1000, True)
        assert told(v1, covered, -2) == ["charge.refunded", "refund.created"]

    def test_leaves_nothing_to_refund_twice(self, v1: Services, covered: Options, waiting: Any) -> None:
        with pytest.raises(stripe.InvalidRequestError) as refused:
            v1.refunds.create({"charge": waiting.charge, "amount": 1}, covered)
        assert (refused.value.http_status, refused.value.code) == (400, "charge_already_refunded")
        assert nets(v1, covered) == [("charge", 941)]

    def test_goes_through_as_soon_as_money_comes(self, v1: Services, covered: Options, waiting: Any, pay: Make) -> None:
        pay("pm_card_bypassPending", amount=92)  # 59 of it are left after the fee: exactly what was missing
        assert status_of(v1, covered, waiting) == ("succeeded", None)
        assert nets(v1, covered) == [("charge", 941), ("charge", 59), ("refund", -1000)]
        booked = v1.refunds.retrieve(waiting.id, {"expand": ["balance_transaction"]}, covered).balance_transaction
        assert (booked.source, booked.amount, booked.status) == (waiting.id, -1000, "available")
        assert told(v1, covered, -1) == ["refund.updated"]

    def test_waits_for_money_that_is_pending(self, v1: Services, covered: Options, waiting: Any, pay: Make) -> None:
        pay()
        due.move_clock(DAY)
        assert status_of(v1, covered, waiting) == ("pending", "insufficient_funds")
        due.move_clock(DAY)
        assert status_of(v1, covered, waiting) == ("succeeded", None)

    def test_waits_by_a_single_cent(self, v1: Services, covered: Options, pay: Make) -> None:
        payment = pay("pm_card_bypassPending")
        assert v1.refunds.create({"payment_intent": payment.id, "amount": 942 - 1}, covered).status == "succeeded"
        assert v1.balance.retrieve(None, covered).available[0].amount == 0
        assert v1.refunds.create({"payment_intent": payment.id, "amount": 1}, covered).status == "pending"

    def test_goes_first_where_it_is_the_older_one(self, v1: Services, covered: Options, waiting: Any, pay: Make) -> None:
        larger = v1.refunds.create({"payment_intent": pay(amount=2000).id, "amount": 1005}, covered)
        smaller = v1.refunds.create({"payment_intent": pay(amount=2000).id, "amount": 942}, covered)
        pay("pm_card_bypassPending", amount=2000)  # 1912: with the 941 enough for two of the three
        found = [status_of(v1, covered, refund)[0] for refund in (waiting, larger, smaller)]
        assert found == ["succeeded", "succeeded", "pending"]
        pay("pm_card_bypassPending", amount=130)  # 96: enough for the third with the 848 that are left
        assert status_of(v1, covered, smaller) == ("succeeded", None)

    def test_waits_in_its_own_currency(self, v1: Services, covered: Options, waiting: Any, pay: Make) -> None:
        pay("pm_card_bypassPending", currency="eur", amount=5000)
        assert status_of(v1, covered, waiting) == ("pending", "insufficient_funds")

    def test_goes_through_once_the_balance_may_go_below_zero(self, v1: Services, covered: Options, waiting: Any) -> None:
        v1.accounts.update(covered["stripe_account"], {"settings": {"payouts": {"debit_negative_balances": True}}})
        assert status_of(v1, covered, waiting) == ("succeeded", None)
        assert v1.balance.retrieve(None, covered).available[0].amount == -59

    def test_fails_after_45_days(self, v1: Services, covered: Options, waiting: Any) -> None:
        due.move_clock(45 * DAY - SECOND)
        assert status_of(v1, covered, waiting) == ("pending", "insufficient_funds")
        before = len(told(v1, covered, 0))
        due.move_clock(SECOND)
        failed = v1.refunds.retrieve(waiting.id, None, covered)
        assert (failed.status, failed.failure_reason) == ("failed", "insufficient_funds")
        assert ("failure_balance_transaction" in failed, "pending_reason" in failed) == (False, False)
        assert nets(v1, covered) == [("charge", 941)]
        assert refunded(v1, covered, waiting) == (0, False)
        assert told(v1, covered, before) == ["charge.updated", "refund.updated", "refund.failed"]

    def test_keeps_what_there_is_from_being_paid_out(self, v1: Services, covered: Options, waiting: Any) -> None:
        due.move_clock(44 * DAY)
        assert v1.payouts.list(None, covered).data == []
        due.move_clock(3 * DAY)
        assert [payout.amount for payout in v1.payouts.list(None, covered)] == [941]

    def test_leaves_what_it_did_not_need_to_be_paid_out(self, v1: Services, covered: Options, waiting: Any, pay: Make) -> None:
        due.move_clock(3 * DAY)
        pay("pm_card_bypassPending")
        due.move_clock(DAY)
        assert [payout.amount for payout in v1.payouts.list(None, covered)] == [941 + 941 - 1000]

    def test_keeps_no_other_currency(self, v1: Services, covered: Options, waiting: Any, pay: Make) -> None:
        pay("pm_card_bypassPending", currency="eur")
        due.move_clock(3 * DAY)
        assert [payout.currency for payout in v1.payouts.list(None, covered)] == ["eur"]

    def test_fails_where_its_charge_is_disputed(self, v1: Services, covered: Options, waiting: Any) -> None:
        dispute(waiting, "pm_card_createDispute")
        assert status_of(v1, covered, waiting) == ("failed", "charge_for_pending_refund_disputed")
        assert refunded(v1, covered, waiting) == (0, False)
        assert [found.amount for found in v1.disputes.list(None, covered)] == [1000]
        assert nets(v1, covered) == [("charge", 941), ("adjustment", -2500)]

    def test_goes_on_waiting_where_a_bank_only_asks(self, v1: Services, covered: Options, waiting: Any, pay: Make) -> None:
        other = v1.refunds.create({"payment_intent": pay(amount=2000).id, "amount": 1500}, covered)
        dispute(other, "pm_card_createDisputeInquiry")
        assert [found.amount for found in v1.disputes.list(None, covered)] == [500]
        assert status_of(v1, covered, other) == ("pending", "insufficient_funds")

    @pytest.mark.parametrize(
        ("card", "first", "later"),
        [
            ("pm_card_pendingRefund", ("pending", "processing"), ("succeeded", None)),
            ("pm_card_refundFail", ("succeeded", None), ("failed", "expired_or_canceled_card")),
        ],
    )
    def test_goes_on_as_its_card_does(
        self, v1: Services, covered: Options, pay: Make, card: str, first: tuple[str, str], later: tuple[str, str]
    ) -> None:
        refund = v1.refunds.create({"payment_intent": pay(card).id, "amount": 500}, covered)
        due.move_clock(timedelta(hours=2))
        assert status_of(v1, covered, refund) == ("pending", "insufficient_funds")
        pay("pm_card_bypassPending")
        assert status_of(v1, covered, refund) == first
        due.move_clock(timedelta(hours=1))
        assert status_of(v1, covered, refund) == later


class TestTheApplicationFeeOfAWaitingRefund:
    @pytest.fixture
    def waiting(self, v1: Services, covered: Options, pay: Make) -> Any:
        payment = pay("pm_card_bypassPending", application_fee_amount=100)
        return v1.refunds.create({"payment_intent": payment.id, "refund_application_fee": True}, covered)

    def test_stays_while_it_waits(self, v1: Services, covered: Options, waiting: Any) -> None:
        assert (waiting.status, waiting.pending_reason) == ("pending", "insufficient_funds")
        assert nets(v1, None) == [("application_fee", 100)]

    def test_is_given_back_as_it_goes_through(self, v1: Services, covered: Options, waiting: Any, pay: Make) -> None:
        pay("pm_card_bypassPending")
        assert status_of(v1, covered, waiting) == ("succeeded", None)
        assert nets(v1, None) == [("application_fee", 100), ("application_fee_refund", -100)]
        assert nets(v1, covered) == [("charge", 841), ("charge", 941), ("refund", -900)]

    def test_stays_for_good_where_it_fails(self, v1: Services, covered: Options, waiting: Any) -> None:
        due.move_clock(refund_lifecycle.WAITS_AT_MOST)
        assert status_of(v1, covered, waiting) == ("failed", "insufficient_funds")
        assert nets(v1, None) == [("application_fee", 100)]

    def test_cannot_be_given_back_where_there_is_none(self, v1: Services, covered: Options, pay: Make) -> None:
        payment = pay()
        with pytest.raises(stripe.InvalidRequestError) as refused:
            v1.refunds.create({"payment_intent": payment.id, "refund_application_fee": True}, covered)
        assert (refused.value.http_status, refused.value.param) == (400, "refund_application_fee")
        assert v1.refunds.list(None, covered).data == []
        assert v1.charges.retrieve(payment.latest_charge, None, covered).amount_refunded == 0


class TestARefundThatRequiresAction:
    @pytest.fixture
    def asking(self, v1: Services, at_seller: Options, pay: Make) -> Any:
        payment = pay("pm_card_pendingRefund", receipt_email="jenny@example.com")
        refund = v1.refunds.create({"payment_intent": payment.id}, at_seller)
        refund_lifecycle.order(refund.id, "requires_action")
        return v1.refunds.retrieve(refund.id, None, at_seller)

    def test_tells_what_the_buyer_was_sent(self, asking: Any) -> None:
        assert (asking.status, "pending_reason" in asking) == ("requires_action", False)
        now = int(NOON.timestamp())
        sent = {"email_sent_at": now, "email_sent_to": "jenny@example.com"}
        details = {"email_sent": sent, "expires_at": now + 45 * 24 * 3600}
        assert asking.next_action.to_dict() == {"type": "display_details", "display_details": details}

    def test_can_be_canceled_and_its_money_comes_back(self, v1: Services, at_seller: Options, asking: Any) -> None:
        before = len(told(v1, at_seller, 0))
        canceled = v1.refunds.cancel(asking.id, {"expand": ["failure_balance_transaction"]}, at_seller)
        assert (canceled.status, canceled.failure_reason) == ("canceled", "merchant_request")
        assert "next_action" not in canceled
        booked = canceled.failure_balance_transaction
        assert (booked.type, booked.reporting_category, booked.amount) == ("refund_failure", "refund_failure", 1000)
        assert booked.source == asking.id
        assert nets(v1, at_seller) == [("charge", 941), ("refund", -1000), ("refund_failure", 1000)]
        assert refunded(v1, at_seller, asking) == (0, False)
        assert told(v1, at_seller, before) == ["charge.updated", "refund.updated"]

    def test_that_was_canceled_can_be_made_anew(self, v1: Services, at_seller: Options, asking: Any) -> None:
        v1.refunds.cancel(asking.id, None, at_seller)
        assert v1.refunds.create({"charge": asking.charge}, at_seller).amount == 1000

    def test_is_canceled_by_stripe_after_45_days(self, v1: Services, at_seller: Options, asking: Any) -> None:
        due.move_clock(refund_lifecycle.ACTION_LASTS - SECOND)
        assert status_of(v1, at_seller, asking) == ("requires_action", None)
        due.move_clock(SECOND)
        assert status_of(v1, at_seller, asking) == ("canceled", None)
        assert ("refund_failure", 1000) in nets(v1, at_seller)
        assert refunded(v1, at_seller, asking) == (0, False)

    def test_that_is_asked_anew_has_another_45_days(self, v1: Services, at_seller: Options, asking: Any) -> None:
        due.move_clock(DAY)
        refund_lifecycle.order(asking.id, "pending")
        refund_lifecycle.order(asking.id, "requires_action")
        due.move_clock(44 * DAY)
        assert status_of(v1, at_seller, asking) == ("requires_action", None)
        due.move_clock(DAY)
        assert status_of(v1, at_seller, asking) == ("canceled", None)

    def test_is_expired_by_stripes_help_for_tests(self, v1: Services, at_seller: Options, asking: Any) -> None:
        expired = v1.test_helpers.refunds.expire(asking.id, None, at_seller)
        assert (expired.status, "failure_reason" in expired) == ("canceled", False)
        assert nets(v1, at_seller) == [("charge", 941), ("refund", -1000), ("refund_failure", 1000)]

    def test_that_was_answered_is_not_expired(self, v1: Services, at_seller: Options, asking: Any) -> None:
        refund_lifecycle.order(asking.id, "succeeded")
        due.move_clock(46 * DAY)
        assert status_of(v1, at_seller, asking) == ("succeeded", None)


class TestCancelingARefundInAnyOtherStatus:
    @pytest.mark.parametrize("act", ["cancel", "expire"])
    @pytest.mark.parametrize(
        ("card", "moves", "status"),
        [
            ("pm_card_visa", (), "succeeded"),
            ("pm_card_visa", ("failed",), "failed"),
            ("pm_card_pendingRefund", (), "pending"),
        ],
    )
    def test_is_refused_and_moves_nothing(
        self, v1: Services, at_seller: Options, pay: Make, act: str, card: str, moves: tuple[str, ...], status: str
    ) -> None:
        refund = v1.refunds.create({"payment_intent": pay(card).id}, at_seller)
        for move in moves:
            refund_lifecycle.order(refund.id, move)
        before = (nets(v1, at_seller), told(v1, at_seller, 0), refunded(v1, at_seller, refund))
        with pytest.raises(stripe.InvalidRequestError) as refused:
            (v1.refunds.cancel if act == "cancel" else v1.test_helpers.refunds.expire)(refund.id, None, at_seller)
        assert refused.value.http_status == 400
        assert f"You cannot {act} this refund because it has a status of {status}." in str(refused.value)
        assert (nets(v1, at_seller), told(v1, at_seller, 0), refunded(v1, at_seller, refund)) == before
        assert status_of(v1, at_seller, refund)[0] == status

    def test_twice_is_refused(self, v1: Services, at_seller: Options, pay: Make) -> None:
        refund = v1.refunds.create({"payment_intent": pay("pm_card_pendingRefund").id}, at_seller)
        refund_lifecycle.order(refund.id, "requires_action")
        v1.refunds.cancel(refund.id, None, at_seller)
        before = told(v1, at_seller, 0)
        with pytest.raises(stripe.InvalidRequestError) as refused:
            v1.refunds.cancel(refund.id, None, at_seller)
        assert refused.value.http_status == 400
        assert "You cannot cancel this refund because it has a status of canceled." in str(refused.value)
        assert (status_of(v1, at_seller, refund)[0], told(v1, at_seller, 0)) == ("canceled", before)
        assert nets(v1, at_seller) == [("charge", 941), ("refund", -1000), ("refund_failure", 1000)]


def dispute(refund: Any, card: str) -> None:
    """The bank disputes the charge of a refund, as it does that of this card."""
    with journal.change():
        charge = SandboxObject.objects.get(stripe_id=refund.charge)
        charge.hidden["card"] = card
        state.save(charge)
        disputes.open_dispute(charge.account, charge.stripe_id)
