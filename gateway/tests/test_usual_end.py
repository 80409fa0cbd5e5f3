"""The usual end of an operation, which looks at nothing first: what it takes for granted is guarded, or looked at after all."""

from typing import Any

import pytest

from commercecore_payments.clock import database_now
from commercecore_payments.tests.tenants import Tenant
from gateway.models import Operation
from gateway.tests.faults import Answer, stripe_fails
from transactions.models import Transaction

pytestmark = pytest.mark.django_db(transaction=True)


class TestAPayment:
    def test_that_somebody_else_has_changed_meanwhile_is_looked_at(
        self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def change_meanwhile(send: Any, *request: Any) -> Answer:
            Transaction.objects.get().change_return_url("https://shop.example.com/changed")
            return send(*request)

        with stripe_fails(monkeypatch, change_meanwhile, path="/payment_intents"):
            transaction_id = tenant.create_payment(seller)
        payment, operation = Transaction.objects.get(), Operation.objects.get(kind="payment_intent.create")
        assert payment.stripe_payment_intent_id == transaction_id
        assert (payment.status, payment.version) == ("requires_payment_method", 3)
        assert payment.return_url == "https://shop.example.com/changed"
        assert (operation.status, operation.result_id, operation.http_status) == ("succeeded", transaction_id, 200)

    def test_that_another_attempt_has_followed_is_not_called_failed(
        self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def follow_and_refuse(send: Any, *request: Any) -> Answer:
            Operation.objects.filter(kind="payment_intent.create").update(attempts=2, last_sent_at=database_now())
            return '{"error": {"type": "invalid_request_error", "message": "No."}}', 400, {}

        body = {"order_id": "1", "account_id": seller, "amount": 1000}
        with stripe_fails(monkeypatch, follow_and_refuse, path="/payment_intents"):
            response = tenant.post("/transactions", body)
        assert (response.status_code, response.json()["details"]["code"]) == (503, "outcome_unknown")
        payment, operation = Transaction.objects.get(), Operation.objects.get(kind="payment_intent.create")
        assert (payment.status, payment.holds_order, payment.version) == ("creating", True, 1)
        assert (operation.status, operation.attempts, operation.closed_at, operation.error_message) == ("sending", 2, None, "")

    def test_that_is_closed_already_stays_as_it_was_closed(
        self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def close_first(send: Any, *request: Any) -> Answer:
            Operation.objects.filter(kind="payment_intent.create").update(
                status="rejected", http_status=400, closed_at=database_now()
            )
            return '{"error": {"type": "invalid_request_error", "message": "No."}}', 400, {}

        with stripe_fails(monkeypatch, close_first, path="/payment_intents"):
            tenant.post("/transactions", {"order_id": "1", "account_id": seller, "amount": 1000})
        operation = Operation.objects.get(kind="payment_intent.create")
        assert (operation.status, operation.error_message) == ("rejected", "")
        assert Transaction.objects.get().version == 1
