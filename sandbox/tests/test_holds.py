"""Holds that nobody captures."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import stripe

from sandbox.tests.conftest import NOON, Options, Services
from sandbox.timeline import due

pytestmark = pytest.mark.usefixtures("noon")

Make = Callable[..., Any]
IN_A_WEEK = int((NOON + timedelta(days=7)).timestamp())


class TestAHold:
    def test_says_until_when_it_can_be_captured(self, pay: Make) -> None:
        held = pay(capture_method="manual", expand=["latest_charge"])
        assert held.latest_charge.payment_method_details.card.capture_before == IN_A_WEEK
        assert "capture_before" not in pay(expand=["latest_charge"]).latest_charge.payment_method_details.card

    def test_lasts_seven_days(self, v1: Services, at_seller: Options, pay: Make) -> None:
        held = pay(capture_method="manual")
        due.move_clock(timedelta(days=7) - timedelta(seconds=1))
        assert v1.payment_intents.retrieve(held.id, None, at_seller).status == "requires_capture"
        assert v1.payment_intents.capture(held.id, None, at_seller).status == "succeeded"

    def test_lapses_by_itself(self, v1: Services, at_seller: Options, pay: Make) -> None:
        held = pay(capture_method="manual")
        due.move_clock(timedelta(days=8))
        lapsed = v1.payment_intents.retrieve(held.id, {"expand": ["latest_charge.refunds"]}, at_seller)
        assert (lapsed.status, lapsed.cancellation_reason, lapsed.amount_capturable) == ("canceled", "automatic", 0)
        assert lapsed.canceled_at == IN_A_WEEK
        charge = lapsed.latest_charge
        assert (charge.captured, charge.refunded, charge.amount_refunded) == (False, True, 1000)
        assert [(refund.reason, refund.balance_transaction) for refund in charge.refunds] == [("expired_uncaptured_charge", None)]
        assert v1.balance_transactions.list(None, at_seller).data == []

    def test_that_lapsed_is_captured_no_more(self, v1: Services, at_seller: Options, pay: Make) -> None:
        held = pay(capture_method="manual")
        due.move_clock(timedelta(days=7))
        with pytest.raises(stripe.InvalidRequestError) as refused:
            v1.payment_intents.capture(held.id, None, at_seller)
        assert refused.value.code == "payment_intent_unexpected_state"
        assert v1.payment_intents.retrieve(held.id, None, at_seller).amount_received == 0

    def test_that_was_captured_does_not_lapse(self, v1: Services, at_seller: Options, pay: Make) -> None:
        held = pay(capture_method="manual")
        v1.payment_intents.capture(held.id, None, at_seller)
        due.move_clock(timedelta(days=8))
        kept = v1.payment_intents.retrieve(held.id, {"expand": ["latest_charge"]}, at_seller)
        assert (kept.status, kept.latest_charge.amount_refunded) == ("succeeded", 0)

    def test_that_was_canceled_keeps_its_reason(self, v1: Services, at_seller: Options, pay: Make) -> None:
        held = pay(capture_method="manual")
        v1.payment_intents.cancel(held.id, {"cancellation_reason": "duplicate"}, at_seller)
        due.move_clock(timedelta(days=8))
        assert v1.payment_intents.retrieve(held.id, None, at_seller).cancellation_reason == "duplicate"
        assert len(v1.refunds.list({"payment_intent": held.id}, at_seller).data) == 1
