"""Canceling: nothing is taken, a hold is released, and the order may be paid anew."""

from datetime import timedelta
from typing import Any

import pytest

from commercecore_payments import clock
from commercecore_payments.recovery import recover_due
from commercecore_payments.tests.tenants import Tenant, charges_at_stripe, intent_at_stripe
from gateway import reads
from gateway.client import stripe_client
from gateway.models import Operation
from gateway.snapshots import PaymentIntentSnapshot
from gateway.tests.faults import LOST_OR_UNSURE, assert_outcome_unknown, fail_inside, stripe_fails, time_out_before
from transactions.models import Transaction
from transactions.tests.test_capture import capture, code_of


def cancel(tenant: Tenant, transaction_id: str, **body: Any) -> Any:
    return tenant.post(f"/transactions/{transaction_id}/cancel", body)


class TestACancellation:
    @pytest.mark.parametrize("reason", ["", "duplicate", "fraudulent", "requested_by_customer", "abandoned"])
    def test_gives_up_a_payment_that_was_not_made(self, tenant: Tenant, seller: str, reason: str) -> None:
        transaction_id = tenant.create_payment(seller)
        response = cancel(tenant, transaction_id, **({"cancellation_reason": reason} if reason else {}))
        assert (response.status_code, response.json()["meta"]["message"]) == (200, "Payment canceled successfully")
        assert (response.json()["data"]["status"], response.json()["data"]["amount_received"]) == ("canceled", 0)
        found = intent_at_stripe(seller, transaction_id)
        assert (found["status"], found["cancellation_reason"]) == ("canceled", reason or None)

    def test_releases_a_hold(self, tenant: Tenant, seller: str) -> None:
        transaction_id = tenant.create_payment(seller, capture_method="manual")
        tenant.confirm(seller, transaction_id)
        assert cancel(tenant, transaction_id).json()["data"]["amount_capturable"] == 0
        [charge] = charges_at_stripe(seller, transaction_id)
        assert (charge["amount_captured"], charge["refunded"]) == (0, True)
        assert code_of(capture(tenant, transaction_id)) == (409, "not_capturable")

    def test_frees_the_order(self, tenant: Tenant, seller: str) -> None:
        first = tenant.create_payment(seller)
        cancel(tenant, first)
        second = tenant.create_payment(seller)
        assert second != first
        assert tenant.confirm(seller, second).json()["data"]["status"] == "succeeded"

    def test_happens_once(self, tenant: Tenant, seller: str) -> None:
        transaction_id = tenant.create_payment(seller)
        cancel(tenant, transaction_id)
        assert code_of(cancel(tenant, transaction_id)) == (409, "already_canceled")
        assert Operation.objects.filter(kind="payment_intent.cancel").count() == 1

    def test_comes_too_late_for_a_payment(self, tenant: Tenant, seller: str) -> None:
        transaction_id = tenant.pay(seller)
        assert code_of(cancel(tenant, transaction_id)) == (409, "not_cancelable")
        assert intent_at_stripe(seller, transaction_id)["amount_received"] == 1000

    def test_that_lost_a_race_tells_what_has_happened(self, tenant: Tenant, seller: str) -> None:
        transaction_id = tenant.create_payment(seller)
        paid_past_us = {"payment_method": "pm_card_visa"}
        stripe_client().v1.payment_intents.confirm(transaction_id, paid_past_us, {"stripe_account": seller})  # type: ignore[arg-type]
        assert code_of(cancel(tenant, transaction_id)) == (409, "not_cancelable")
        assert Transaction.objects.get().status == "succeeded"

    def test_refuses_a_reason_of_its_own_and_another_app(self, tenant: Tenant, seller: str) -> None:
        transaction_id = tenant.create_payment(seller)
        assert code_of(cancel(tenant, transaction_id, cancellation_reason="automatic")) == (400, "invalid_body")
        assert code_of(cancel(Tenant.create(), transaction_id)) == (404, "transaction_not_found")
        assert intent_at_stripe(seller, transaction_id)["status"] == "requires_payment_method"

    def test_does_not_send_an_unknown_confirmation_again(
        self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        transaction_id = tenant.create_payment(seller)
        with stripe_fails(monkeypatch, time_out_before, path="/confirm"):
            tenant.confirm(seller, transaction_id)
        assert code_of(cancel(tenant, transaction_id)) == (409, "operation_in_progress")
        with clock.moved_ahead(timedelta(seconds=91)):
            assert cancel(tenant, transaction_id).status_code == 200
        assert charges_at_stripe(seller, transaction_id) == []

    @LOST_OR_UNSURE
    def test_whose_outcome_is_unknown_is_continued_by_the_same_request(
        self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch, fault: Any
    ) -> None:
        transaction_id = tenant.create_payment(seller)
        with stripe_fails(monkeypatch, fault, path="/cancel"):
            response = cancel(tenant, transaction_id)
        assert_outcome_unknown(response, Operation.objects.get(kind="payment_intent.cancel"))
        with clock.moved_ahead(timedelta(seconds=91)):
            assert cancel(tenant, transaction_id).json()["data"]["status"] == "canceled"
        assert Transaction.objects.get().holds_order is False

    def test_is_finished_by_recovery(self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch) -> None:
        transaction_id = tenant.create_payment(seller)
        with stripe_fails(monkeypatch, time_out_before, path="/cancel"):
            cancel(tenant, transaction_id)
        with clock.moved_ahead(timedelta(minutes=1)):
            assert [one.result for one in recover_due()] == ["settled"]
        assert intent_at_stripe(seller, transaction_id)["status"] == Transaction.objects.get().status == "canceled"


class TestACancellationThatTwoFindAtOnce:
    def test_is_told_as_it_was_written_down(self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch) -> None:
        transaction_id, under = tenant.create_payment(seller), {"Idempotency-Key": "k"}
        with stripe_fails(monkeypatch, fail_inside, path="/cancel"):
            assert tenant.post(f"/transactions/{transaction_id}/cancel", {}, **under).status_code == 503
        whole, is_first = reads.retrieve_payment_intent, iter([True])

        def overtaken(payment_intent_id: str, *, account_id: str) -> PaymentIntentSnapshot:
            found = whole(payment_intent_id, account_id=account_id)
            if next(is_first, False):
                stripe_client().v1.payment_intents.cancel(transaction_id, {}, {"stripe_account": seller})
                tenant.get(f"/transactions/{transaction_id}")
            return found

        monkeypatch.setattr(reads, "retrieve_payment_intent", overtaken)
        repeated = tenant.post(f"/transactions/{transaction_id}/cancel", {}, **under)
        assert (repeated.status_code, repeated.json()["data"]["status"]) == (200, "canceled")
