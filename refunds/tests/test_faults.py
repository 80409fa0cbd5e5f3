"""Refunds whose calls to Stripe fail: their amounts stay reserved, and none is made twice."""

from typing import Any

import pytest

from commercecore_payments.tests.tenants import Tenant, refunds_at_stripe
from gateway.models import Operation
from gateway.tests.faults import (
    LOST_OR_UNSURE,
    Answer,
    Send,
    assert_outcome_unknown,
    fail_inside,
    refuse_connection,
    sent_late,
    stripe_error,
    stripe_fails,
    time_out_after,
    time_out_before,
)
from refunds.models import Refund
from transactions.models import Transaction


def fail_after(send: Send, *request: Any) -> Answer:
    """Stripe does it, and answers a 500 all the same."""
    send(*request)
    return stripe_error(500, {"type": "api_error", "message": "Something went wrong on Stripe's end."})


class TestARefund:
    @LOST_OR_UNSURE
    def test_whose_outcome_is_unknown_keeps_its_amount_reserved(
        self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch, fault: Any
    ) -> None:
        transaction_id = tenant.pay(seller, amount=1000)
        with stripe_fails(monkeypatch, fault, path="/refunds"):
            response = tenant.refund(seller, amount=600)
        assert_outcome_unknown(response, Operation.objects.get(kind="refund.create"))

        response = tenant.refund(seller, amount=500)
        assert response.status_code == 409
        assert response.json()["details"]["refundable_amount"] == 400
        assert refunds_at_stripe(seller, transaction_id) == ([600] if fault is time_out_after else [])

    @pytest.mark.parametrize("fault", [time_out_before, time_out_after])
    def test_is_made_once_when_the_same_refund_is_asked_for_again(
        self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch, fault: Any
    ) -> None:
        transaction_id = tenant.pay(seller, amount=1000)
        with stripe_fails(monkeypatch, fault, path="/refunds"):
            tenant.refund(seller, amount=600)
        assert tenant.refund(seller, amount=600).status_code == 201
        assert refunds_at_stripe(seller, transaction_id) == [600]
        assert Refund.objects.get().status == "succeeded"
        assert Transaction.objects.get().amount_refunded_minor == 600

    def test_of_all_that_is_left_does_not_continue_a_part_whose_outcome_is_unknown(
        self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        transaction_id = tenant.pay(seller, amount=1000)
        with stripe_fails(monkeypatch, time_out_after, path="/refunds"):
            tenant.refund(seller, amount=600)
        assert tenant.refund(seller).json()["data"]["amount"] == 400
        assert tenant.refund(seller).json()["data"]["amount"] == 600  # now the part is all that is not known
        assert refunds_at_stripe(seller, transaction_id) == [400, 600]
        assert Transaction.objects.get().amount_refunded_minor == 1000

    def test_that_met_a_500_is_found_by_its_metadata(self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch) -> None:
        transaction_id = tenant.pay(seller, amount=1000)
        with stripe_fails(monkeypatch, fail_after, path="/refunds"):
            assert tenant.refund(seller, amount=600).status_code == 503
        again = tenant.refund(seller, amount=600)
        assert (again.status_code, again.json()["data"]["status"]) == (201, "succeeded")
        assert refunds_at_stripe(seller, transaction_id) == [600]
        assert (Operation.objects.get(kind="refund.create").status, Refund.objects.get().status) == ("succeeded", "succeeded")

    def test_that_met_a_500_and_is_not_found_stays_unknown(
        self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        transaction_id = tenant.pay(seller, amount=1000)
        with stripe_fails(monkeypatch, fail_inside, path="/refunds"):
            tenant.refund(seller, amount=600)
        assert_outcome_unknown(tenant.refund(seller, amount=600), Operation.objects.get(kind="refund.create"))
        assert refunds_at_stripe(seller, transaction_id) == []
        assert tenant.refund(seller, amount=500).json()["details"]["refundable_amount"] == 400

    def test_that_never_left_frees_its_amount(self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch) -> None:
        tenant.pay(seller, amount=1000)
        with stripe_fails(monkeypatch, refuse_connection, path="/refunds"):
            assert tenant.refund(seller).status_code == 503
        assert Refund.objects.get().status == "creation_failed"
        assert tenant.refund(seller).json()["data"]["amount"] == 1000


class TestARefundOfAPaymentWhoseOutcomeIsUnknown:
    """Nothing was received as far as is known here, and that may change: no final answer is given."""

    @pytest.mark.parametrize(("capture_method", "step"), [("automatic", "/confirm"), ("manual", "/capture")])
    def test_waits_for_it(
        self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch, capture_method: str, step: str
    ) -> None:
        late, under = sent_late(), {"Idempotency-Key": "k"}
        transaction_id = tenant.create_payment(seller, capture_method=capture_method)
        with stripe_fails(monkeypatch, late, path=step):
            tenant.confirm(seller, transaction_id)
            if capture_method == "manual":
                tenant.post(f"/transactions/{transaction_id}/capture", {})
        body = {"order_id": "2227222", "account_id": seller, "amount": 400}
        early = tenant.post("/refunds", body, **under)
        assert (early.status_code, early.json()["details"]["code"]) == (409, "operation_in_progress")
        late.arrives()
        assert tenant.get(f"/transactions/{transaction_id}").json()["data"]["status"] == "succeeded"
        assert tenant.post("/refunds", body, **under).status_code == 201
        assert refunds_at_stripe(seller, transaction_id) == [400]
