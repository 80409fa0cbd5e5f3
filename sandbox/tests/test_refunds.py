"""Refunds: never more than was paid."""

from collections.abc import Callable
from typing import Any

import pytest
import stripe

from sandbox.money import refund_lifecycle
from sandbox.timeline import due

Make = Callable[..., Any]


def nets(v1: Any, account: dict[str, str]) -> list[int]:
    """The net amounts of an account's books, oldest first."""
    return [booked.net for booked in v1.balance_transactions.list(None, account).data][::-1]


class TestRefunding:
    def test_the_whole_gives_everything_back(self, v1: Any, at_seller: dict[str, str], pay: Make) -> None:
        payment = pay()
        refund = v1.refunds.create({"payment_intent": payment.id}, at_seller)
        assert refund.id.startswith("re_3")
        assert (refund.status, refund.amount, refund.currency) == ("succeeded", 1000, "usd")
        assert (refund.payment_intent, refund.charge) == (payment.id, payment.latest_charge)
        charge = v1.charges.retrieve(payment.latest_charge, None, at_seller)
        assert (charge.refunded, charge.amount_refunded) == (True, 1000)

    def test_parts_adds_up(self, v1: Any, at_seller: dict[str, str], pay: Make) -> None:
        payment = pay()
        v1.refunds.create({"payment_intent": payment.id, "amount": 300}, at_seller)
        charge = v1.charges.retrieve(payment.latest_charge, None, at_seller)
        assert (charge.refunded, charge.amount_refunded) == (False, 300)
        rest = v1.refunds.create({"charge": payment.latest_charge}, at_seller)
        assert rest.amount == 700
        assert v1.charges.retrieve(payment.latest_charge, None, at_seller).refunded is True
        amounts = [refund.amount for refund in v1.refunds.list({"payment_intent": payment.id}, at_seller)]
        assert amounts == [700, 300]

    def test_more_than_is_left_is_refused(self, v1: Any, at_seller: dict[str, str], pay: Make) -> None:
        payment = pay()
        v1.refunds.create({"payment_intent": payment.id, "amount": 500}, at_seller)
        with pytest.raises(stripe.InvalidRequestError) as refused:
            v1.refunds.create({"payment_intent": payment.id, "amount": 2000}, at_seller)
        assert (refused.value.http_status, refused.value.code, refused.value.param) == (400, None, "amount")
        assert "Refund amount ($20.00) is greater than unrefunded amount on charge ($5.00)" in str(refused.value)
        assert v1.charges.retrieve(payment.latest_charge, None, at_seller).amount_refunded == 500

    def test_what_was_refunded_is_refused(self, v1: Any, at_seller: dict[str, str], pay: Make) -> None:
        payment = pay()
        v1.refunds.create({"payment_intent": payment.id}, at_seller)
        with pytest.raises(stripe.InvalidRequestError) as refused:
            v1.refunds.create({"payment_intent": payment.id, "amount": 1}, at_seller)
        assert (refused.value.http_status, refused.value.code) == (400, "charge_already_refunded")
        assert f"Charge {payment.latest_charge} has already been refunded." in str(refused.value)
        assert len(v1.refunds.list({"charge": payment.latest_charge}, at_seller).data) == 1

    def test_a_partly_captured_payment_stops_at_what_was_captured(self, v1: Any, at_seller: dict[str, str], pay: Make) -> None:
        held = pay(capture_method="manual")
        v1.payment_intents.capture(held.id, {"amount_to_capture": 600}, at_seller)
        with pytest.raises(stripe.InvalidRequestError):
            v1.refunds.create({"payment_intent": held.id, "amount": 601}, at_seller)
        assert v1.refunds.create({"payment_intent": held.id}, at_seller).amount == 600

    def test_what_is_only_held_is_refused(self, v1: Any, at_seller: dict[str, str], pay: Make) -> None:
        held = pay(capture_method="manual")
        with pytest.raises(stripe.InvalidRequestError) as refused:
            v1.refunds.create({"payment_intent": held.id}, at_seller)
        assert refused.value.code == "charge_not_refundable"
        assert v1.refunds.list(None, at_seller).data == []

    def test_what_was_never_paid_is_refused(self, v1: Any, at_seller: dict[str, str], new_payment: Make) -> None:
        with pytest.raises(stripe.InvalidRequestError) as refused:
            v1.refunds.create({"payment_intent": new_payment().id}, at_seller)
        assert "does not have a successful charge to refund" in str(refused.value)

    @pytest.mark.parametrize(
        ("parameters", "code", "param"),
        [
            ({}, "parameter_missing", None),
            ({"payment_intent": "pi_unknown"}, "resource_missing", "payment_intent"),
            ({"charge": "ch_unknown"}, "resource_missing", "charge"),
            ({"charge": "ch_unknown", "amount": 0}, "parameter_invalid_integer", "amount"),
            ({"charge": "ch_unknown", "reason": "boredom"}, None, "reason"),
            ({"charge": "ch_unknown", "reverse_transfer": True}, None, "reverse_transfer"),
        ],
    )
    def test_with_bad_parameters_is_refused(
        self, v1: Any, at_seller: dict[str, str], parameters: dict[str, Any], code: str | None, param: str | None
    ) -> None:
        with pytest.raises(stripe.InvalidRequestError) as refused:
            v1.refunds.create(parameters, at_seller)
        assert (refused.value.http_status, refused.value.code, refused.value.param) == (400, code, param)

    def test_keeps_reason_and_metadata(self, v1: Any, at_seller: dict[str, str], pay: Make) -> None:
        parameters = {"payment_intent": pay().id, "reason": "duplicate", "metadata": {"ticket": "9"}}
        refund = v1.refunds.create(parameters, at_seller)
        assert (refund.reason, refund.metadata.to_dict()) == ("duplicate", {"ticket": "9"})


class TestTheMoneyOfARefund:
    def test_leaves_the_balance_and_stripes_fee_stays(self, v1: Any, at_seller: dict[str, str], pay: Make) -> None:
        sent = {"payment_intent": pay().id, "amount": 300, "expand": ["balance_transaction"]}
        refund = v1.refunds.create(sent, at_seller)
        booked = refund.balance_transaction
        assert (booked.type, booked.reporting_category, booked.source) == ("refund", "refund", refund.id)
        assert (booked.amount, booked.fee, booked.net, booked.status) == (-300, 0, -300, "available")
        assert nets(v1, at_seller) == [941, -300]

    def test_that_was_only_held_never_moved(self, v1: Any, at_seller: dict[str, str], pay: Make) -> None:
        held = pay(capture_method="manual")
        v1.payment_intents.cancel(held.id, None, at_seller)
        [released] = v1.refunds.list({"payment_intent": held.id}, at_seller)
        assert (released.amount, released.balance_transaction) == (1000, None)
        assert nets(v1, at_seller) == []

    def test_may_be_more_than_there_is(self, v1: Any, at_seller: dict[str, str], pay: Make) -> None:
        v1.refunds.create({"payment_intent": pay("pm_card_bypassPending").id}, at_seller)
        assert v1.balance.retrieve(None, at_seller).available[0].amount == -59


class TestARefundOfThePendingCard:
    def test_is_pending_at_first_and_its_money_is_gone(self, v1: Any, at_seller: dict[str, str], pay: Make) -> None:
        payment = pay("pm_card_pendingRefund")
        refund = v1.refunds.create({"payment_intent": payment.id}, at_seller)
        assert (refund.status, refund.pending_reason) == ("pending", "processing")
        assert v1.charges.retrieve(payment.latest_charge, None, at_seller).amount_refunded == 1000
        assert nets(v1, at_seller) == [941, -1000]

    def test_settles_later(self, v1: Any, at_seller: dict[str, str], pay: Make) -> None:
        refund = v1.refunds.create({"payment_intent": pay("pm_card_pendingRefund").id}, at_seller)
        due.move_clock(refund_lifecycle.SETTLES_AFTER)
        settled = v1.refunds.retrieve(refund.id, None, at_seller)
        assert (settled.status, "pending_reason" in settled) == ("succeeded", False)
        assert nets(v1, at_seller) == [941, -1000]


class TestARefundOfTheFailingCard:
    def test_succeeds_at_first(self, v1: Any, at_seller: dict[str, str], pay: Make) -> None:
        refund = v1.refunds.create({"payment_intent": pay("pm_card_refundFail").id}, at_seller)
        assert refund.status == "succeeded"
        assert "failure_reason" not in refund

    def test_fails_later_and_its_money_comes_back(self, v1: Any, at_seller: dict[str, str], pay: Make) -> None:
        payment = pay("pm_card_refundFail")
        refund = v1.refunds.create({"payment_intent": payment.id}, at_seller)
        due.move_clock(refund_lifecycle.FAILS_AFTER)
        failed = v1.refunds.retrieve(refund.id, {"expand": ["failure_balance_transaction"]}, at_seller)
        assert (failed.status, failed.failure_reason) == ("failed", "expired_or_canceled_card")
        booked = failed.failure_balance_transaction
        assert (booked.type, booked.amount, booked.source) == ("refund_failure", 1000, refund.id)
        charge = v1.charges.retrieve(payment.latest_charge, None, at_seller)
        assert (charge.amount_refunded, charge.refunded) == (0, False)
        assert nets(v1, at_seller) == [941, -1000, 1000]

    def test_can_be_tried_again(self, v1: Any, at_seller: dict[str, str], pay: Make) -> None:
        payment = pay("pm_card_refundFail")
        v1.refunds.create({"payment_intent": payment.id}, at_seller)
        due.move_clock(refund_lifecycle.FAILS_AFTER)
        assert v1.refunds.create({"payment_intent": payment.id}, at_seller).amount == 1000


class TestAnExistingRefund:
    def test_changes_its_metadata_alone(self, v1: Any, at_seller: dict[str, str], pay: Make) -> None:
        refund = v1.refunds.create({"payment_intent": pay().id, "metadata": {"a": "1"}}, at_seller)
        changed = v1.refunds.update(refund.id, {"metadata": {"b": "2"}}, at_seller)
        assert changed.metadata.to_dict() == {"a": "1", "b": "2"}
        with pytest.raises(stripe.InvalidRequestError) as refused:
            v1.refunds.update(refund.id, {"amount": 1}, at_seller)
        assert (refused.value.code, refused.value.param) == ("parameter_unknown", "amount")

    def test_cannot_be_canceled(self, v1: Any, at_seller: dict[str, str], pay: Make) -> None:
        refund = v1.refunds.create({"payment_intent": pay("pm_card_pendingRefund").id}, at_seller)
        with pytest.raises(stripe.InvalidRequestError) as refused:
            v1.refunds.cancel(refund.id, None, at_seller)
        assert refused.value.http_status == 400
        assert v1.refunds.retrieve(refund.id, None, at_seller).status == "pending"

    def test_is_a_404_where_it_does_not_exist(self, v1: Any, at_seller: dict[str, str]) -> None:
        with pytest.raises(stripe.InvalidRequestError) as refused:
            v1.refunds.retrieve("re_unknown", None, at_seller)
        assert (refused.value.http_status, refused.value.code) == (404, "resource_missing")
