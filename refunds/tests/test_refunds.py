"""POST /refunds."""

from typing import Any

import pytest

from commercecore_payments.tests.tenants import Tenant, refunds_at_stripe
from gateway.client import stripe_client
from gateway.models import Operation
from refunds.models import Refund
from refunds.serializers import read_refund_request
from sandbox.models import SandboxObject
from sandbox.money import refund_booking, refund_lifecycle
from transactions.models import Transaction


def assert_refused(response: Any, status: int, code: str) -> None:
    assert (response.status_code, response.json()["details"]["code"]) == (status, code)


class TestARefund:
    def test_in_parts_and_then_the_rest(self, tenant: Tenant, seller: str) -> None:
        transaction_id = tenant.pay(seller, amount=1000)
        part = tenant.refund(seller, amount="300", reason="requested_by_customer").json()["data"]
        rest = tenant.refund(seller).json()["data"]
        assert (part["amount"], part["status"]) == (300, "succeeded")
        assert (rest["amount"], rest["status"]) == (700, "succeeded")
        assert refunds_at_stripe(seller, transaction_id) == [700, 300]
        payment = Transaction.objects.get()
        assert (payment.amount_refunded_minor, payment.status, payment.holds_order) == (1000, "succeeded", False)
        operation = Operation.objects.filter(kind="refund.create").earliest("created_at")
        assert operation.parameters == {
            "payment_intent": transaction_id,
            "amount": 300,
            "metadata": {"commercecore_operation": operation.pk},
            "reason": "requested_by_customer",
        }

    def test_twice_of_the_same_amount_is_two_refunds(self, tenant: Tenant, seller: str) -> None:
        transaction_id = tenant.pay(seller, amount=1000)
        first, second = tenant.refund(seller, amount=400), tenant.refund(seller, amount=400)
        assert first.json()["data"]["refund_id"] != second.json()["data"]["refund_id"]
        assert refunds_at_stripe(seller, transaction_id) == [400, 400]

    def test_of_more_than_is_left_is_refused(self, tenant: Tenant, seller: str) -> None:
        transaction_id = tenant.pay(seller, amount=1000)
        tenant.refund(seller, amount=800)
        response = tenant.refund(seller, amount=201)
        assert_refused(response, 409, "refund_exceeds_payment")
        assert response.json()["details"]["refundable_amount"] == 200
        assert refunds_at_stripe(seller, transaction_id) == [800]
        assert Refund.objects.count() == 1

    def test_of_what_was_wholly_refunded_is_refused(self, tenant: Tenant, seller: str) -> None:
        transaction_id = tenant.pay(seller)
        tenant.refund(seller)
        assert_refused(tenant.refund(seller), 409, "nothing_left_to_refund")
        assert refunds_at_stripe(seller, transaction_id) == [1000]

    def test_of_what_was_never_paid_is_refused(self, tenant: Tenant, seller: str) -> None:
        tenant.create_payment(seller)
        assert_refused(tenant.refund(seller), 409, "not_refundable")
        assert not Refund.objects.exists()

    def test_of_an_order_that_nobody_knows_is_not_found(self, tenant: Tenant, seller: str) -> None:
        assert_refused(tenant.refund(seller, order_id="nobody"), 404, "transaction_not_found")

    def test_by_a_stranger_is_not_found(self, tenant: Tenant, seller: str) -> None:
        transaction_id = tenant.pay(seller)
        assert_refused(Tenant.create().refund(seller), 404, "account_not_found")
        assert refunds_at_stripe(seller, transaction_id) == []

    def test_by_another_app_of_the_developer_is_not_found(self, tenant: Tenant, seller: str) -> None:
        from developers.tests.factories import AppFactory

        tenant.pay(seller)
        other = Tenant(tenant.developer, AppFactory.create(developer=tenant.developer), tenant.token)
        assert_refused(other.refund(seller), 404, "transaction_not_found")

    def test_that_stripe_settles_later_is_pending_and_counts(self, tenant: Tenant, seller: str) -> None:
        transaction_id = tenant.create_payment(seller)
        tenant.confirm(seller, transaction_id, "pm_card_pendingRefund")
        response = tenant.refund(seller, amount=600)
        assert (response.json()["data"]["status"], response.json()["data"]["message"]) == (
            "pending",
            "Refund requested successfully",
        )
        assert_refused(tenant.refund(seller, amount=500), 409, "refund_exceeds_payment")
        assert Transaction.objects.get().amount_refunded_minor == 600

    def test_that_is_pending_does_not_free_the_order(self, tenant: Tenant, seller: str) -> None:
        transaction_id = tenant.create_payment(seller)
        tenant.confirm(seller, transaction_id, "pm_card_pendingRefund")
        assert tenant.refund(seller).json()["data"]["status"] == "pending"
        response = tenant.post("/transactions", {"order_id": "2227222", "account_id": seller, "amount": 1000})
        assert_refused(response, 409, "order_taken")

    def test_that_the_sellers_balance_does_not_cover_is_pending_and_counts(self, tenant: Tenant, seller: str) -> None:
        covered: Any = {"settings": {"payouts": {"debit_negative_balances": False}}}
        stripe_client().v1.accounts.update(seller, covered)
        tenant.pay(seller, amount=1000)
        assert tenant.refund(seller, amount=600).json()["data"]["status"] == "pending"
        assert Refund.objects.get().status == "pending"
        assert_refused(tenant.refund(seller, amount=500), 409, "refund_exceeds_payment")
        assert Transaction.objects.get().amount_refunded_minor == 600

    @pytest.mark.parametrize(
        ("status", "reason", "told", "left"),
        [
            ("requires_action", None, "Refund requested successfully", 400),
            ("canceled", "merchant_request", "Refund was canceled", 1000),
            ("failed", "declined", "Refund failed", 1000),
        ],
    )
    def test_is_told_as_stripe_answers_it(
        self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch, status: str, reason: str | None, told: str, left: int
    ) -> None:
        def answer(charge: SandboxObject, row: SandboxObject) -> None:
            """No refund of a card begins like this: Stripe's answer to one of another payment method stands for it."""
            if status == "requires_action":
                refund_booking.become(row, status)
            else:
                refund_booking.undo(charge, row, status, reason)

        tenant.pay(seller, amount=1000)
        monkeypatch.setattr(refund_lifecycle, "proceed", answer)
        response = tenant.refund(seller, amount=600)
        assert response.status_code == 201
        assert (response.json()["data"]["status"], response.json()["data"]["message"]) == (status, told)
        refund = Refund.objects.get()
        assert (refund.status, refund.failure_reason) == (status, reason or "")
        assert Transaction.objects.get().amount_refunded_minor == 1000 - left
        monkeypatch.undo()
        refused = tenant.refund(seller, amount=1001)
        assert refused.json()["details"]["refundable_amount"] == left

    def test_of_the_newest_payment_where_an_order_was_paid_anew(self, tenant: Tenant, seller: str) -> None:
        tenant.pay(seller)
        tenant.refund(seller)
        second = tenant.pay(seller, amount=1500)
        assert tenant.refund(seller, amount=100).json()["data"]["transaction_id"] == second

    def test_that_was_made_in_stripes_dashboard_is_not_made_again(self, tenant: Tenant, seller: str) -> None:
        transaction_id = tenant.pay(seller)
        stripe_client().v1.refunds.create({"payment_intent": transaction_id}, {"stripe_account": seller})
        response = tenant.refund(seller)
        assert_refused(response, 409, "refund_refused")
        assert response.json()["details"]["stripe_code"] == "charge_already_refunded"
        assert Refund.objects.get().status == "creation_failed"
        assert refunds_at_stripe(seller, transaction_id) == [1000]

    @pytest.mark.parametrize("reason", ["duplicate", "fraudulent", "requested_by_customer"])
    def test_takes_stripes_reasons(self, tenant: Tenant, seller: str, reason: str) -> None:
        tenant.pay(seller)
        assert tenant.refund(seller, reason=reason).status_code == 201
        assert Refund.objects.get().reason == reason


class TestWhatARefundNames:
    def test_is_an_order_or_a_transaction(self, tenant: Tenant, seller: str) -> None:
        transaction_id = tenant.pay(seller)
        answer = tenant.post("/refunds", {"transaction_id": transaction_id, "account_id": seller, "amount": 300})
        assert (answer.status_code, answer.json()["data"]["order_id"]) == (201, "2227222")

    def test_is_not_both(self, tenant: Tenant, seller: str) -> None:
        body = {"transaction_id": tenant.pay(seller), "order_id": "2227222", "account_id": seller}
        answer = tenant.post("/refunds", body)
        assert (answer.status_code, list(answer.json()["details"]["fields"])) == (400, ["transaction_id"])
        assert not Refund.objects.exists()

    def test_is_a_payment_at_that_account(self, tenant: Tenant, seller: str) -> None:
        transaction_id = tenant.pay(seller)
        elsewhere = tenant.create_seller("other@example.com")
        assert tenant.post("/refunds", {"transaction_id": transaction_id, "account_id": elsewhere}).status_code == 404
        assert not Refund.objects.exists()

    def test_is_missed_as_documented(self, tenant: Tenant) -> None:
        answer = tenant.post("/refunds", {})
        assert (answer.status_code, answer.json()["detail"]) == (400, "Invalid request body. 'order_id' field is required.")


class ReadBetween(dict[str, Any]):
    """A body; while it is read, another request's is read from its beginning to its end."""

    def get(self, name: str, default: Any = None) -> Any:
        if name == "order_id":
            assert read_refund_request({"order_id": "1", "account_id": "acct_1"})["order_id"] == "1"
            assert read_refund_request({"transaction_id": "pi_1", "account_id": "acct_1"})["transaction_id"] == "pi_1"
            assert read_refund_request({"order_id": "1", "account_id": "acct_1"})["order_id"] == "1"
        return super().get(name, default)


class TestRequestsAtTheSameMoment:
    def test_do_not_change_what_each_other_has_to_name(self) -> None:
        asked = read_refund_request(ReadBetween(transaction_id="pi_1", account_id="acct_1"))
        assert (asked["transaction_id"], "order_id" in asked) == ("pi_1", False)
