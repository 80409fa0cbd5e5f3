"""Confirmations that recovery takes up: nobody is charged late, or against what the caller wishes by now."""

from datetime import timedelta

import pytest

from commercecore_payments import clock
from commercecore_payments.recovery import Result
from commercecore_payments.tests.lost_calls import (
    DAY,
    HOUR,
    MINUTE,
    lose_confirmation,
    recovered_after,
)
from commercecore_payments.tests.tenants import Tenant, charges_at_stripe, intent_at_stripe
from gateway.models import Kind, Operation
from gateway.tests.faults import (
    stripe_fails,
    time_out_after,
    time_out_before,
)
from transactions.models import Transaction


class TestAConfirmation:
    def test_is_sent_again_while_the_buyer_may_still_be_there(
        self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        transaction_id = lose_confirmation(tenant, seller, monkeypatch, time_out_before)
        assert recovered_after(MINUTE) == [Result.SETTLED]
        assert intent_at_stripe(seller, transaction_id)["amount_received"] == 1000

    def test_charges_nobody_who_has_left(self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch) -> None:
        transaction_id = lose_confirmation(tenant, seller, monkeypatch, time_out_before)
        assert recovered_after(2 * MINUTE + timedelta(seconds=1)) == [Result.SETTLED]
        operation = Operation.objects.get(kind=Kind.PAYMENT_INTENT_CONFIRM)
        assert (operation.status, operation.error_message) == (
            "rejected",
            "The payment intent was found requires_payment_method, and not as it was asked for.",
        )
        assert charges_at_stripe(seller, transaction_id) == []
        assert Transaction.objects.get().status == "requires_payment_method"
        assert tenant.confirm(seller, transaction_id).json()["data"]["status"] == "succeeded"
        assert len(charges_at_stripe(seller, transaction_id)) == 1

    def test_that_took_effect_is_found_hours_later(self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch) -> None:
        transaction_id = lose_confirmation(tenant, seller, monkeypatch, time_out_after)
        assert recovered_after(5 * HOUR) == [Result.SETTLED]
        assert Transaction.objects.get().status == "succeeded"
        assert len(charges_at_stripe(seller, transaction_id)) == 1

    def test_that_led_to_a_challenge_is_found_hours_later(
        self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        lose_confirmation(tenant, seller, monkeypatch, time_out_after, card="pm_card_authenticationRequired")
        assert recovered_after(5 * HOUR) == [Result.SETTLED]
        assert Operation.objects.get(kind=Kind.PAYMENT_INTENT_CONFIRM).status == "succeeded"
        assert Transaction.objects.get().status == "requires_action"

    def test_whose_hold_has_lapsed_since_is_no_failure(
        self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        transaction_id = lose_confirmation(tenant, seller, monkeypatch, time_out_after, capture_method="manual")
        assert recovered_after(8 * DAY) == [Result.SETTLED]
        assert intent_at_stripe(seller, transaction_id)["status"] == "canceled"
        assert Operation.objects.get(kind=Kind.PAYMENT_INTENT_CONFIRM).status == "succeeded"
        payment = Transaction.objects.get()
        assert (payment.status, payment.holds_order, payment.amount_received_minor) == ("canceled", False, 0)


class TestAConfirmationWhoseCallerWishesOtherwiseByNow:
    def test_is_not_sent_again_where_the_payment_was_to_be_canceled(
        self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        transaction_id = lose_confirmation(tenant, seller, monkeypatch, time_out_before)
        assert tenant.post(f"/transactions/{transaction_id}/cancel", {}).status_code == 409
        with stripe_fails(monkeypatch, time_out_before, path="/confirm") as sent:
            assert recovered_after(MINUTE) == [Result.UNDER_WAY]
            with clock.moved_ahead(timedelta(seconds=91)):
                canceled = tenant.post(f"/transactions/{transaction_id}/cancel", {})
        assert (canceled.json()["data"]["status"], sent) == ("canceled", [])
        assert charges_at_stripe(seller, transaction_id) == []

    def test_is_not_sent_again_where_another_card_was_to_pay(
        self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        transaction_id = lose_confirmation(tenant, seller, monkeypatch, time_out_before)
        assert tenant.confirm(seller, transaction_id, "pm_card_mastercard").status_code == 409
        assert recovered_after(MINUTE) == [Result.UNDER_WAY]
        assert tenant.confirm(seller, transaction_id).status_code == 409
        with clock.moved_ahead(timedelta(seconds=91)):
            assert tenant.confirm(seller, transaction_id, "pm_card_mastercard").status_code == 200
        cards = [charge["payment_method_details"]["card"]["brand"] for charge in charges_at_stripe(seller, transaction_id)]
        assert cards == ["mastercard"]

    def test_is_not_sent_again_where_the_order_costs_something_else(
        self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        transaction_id = lose_confirmation(tenant, seller, monkeypatch, time_out_before)
        changed = {"order_id": "2227222", "account_id": seller, "amount": 2000}
        assert tenant.post("/transactions", changed).status_code == 409
        assert recovered_after(MINUTE) == [Result.UNDER_WAY]
        with clock.moved_ahead(timedelta(seconds=91)):
            assert tenant.post("/transactions", changed).status_code == 201
        assert intent_at_stripe(seller, transaction_id)["amount"] == 2000
        assert charges_at_stripe(seller, transaction_id) == []

    def test_is_found_where_it_took_effect_all_the_same(
        self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        transaction_id = lose_confirmation(tenant, seller, monkeypatch, time_out_after)
        response = tenant.post(f"/transactions/{transaction_id}/cancel", {})
        assert (response.status_code, response.json()["details"]["code"]) == (409, "not_cancelable")
        assert Transaction.objects.get().status == "succeeded"

    def test_is_sent_again_after_a_mere_read(self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch) -> None:
        transaction_id = lose_confirmation(tenant, seller, monkeypatch, time_out_before)
        assert tenant.get(f"/transactions/{transaction_id}").status_code == 200
        assert recovered_after(MINUTE) == [Result.SETTLED]
        assert len(charges_at_stripe(seller, transaction_id)) == 1
