"""What an app is told of its payments: each change once, in the transaction that makes it."""

import json
from typing import Any

import pytest
from django.db import transaction

from commercecore_payments.tests.tenants import Tenant
from gateway.tests.faults import stripe_fails, time_out_before
from transactions import events
from transactions.models import Transaction
from webhooks import outbox
from webhooks.models import Event


def told() -> list[str]:
    return list(Event.objects.order_by("sequence").values_list("type", flat=True))


def newest() -> dict[str, Any]:
    body: dict[str, Any] = json.loads(Event.objects.latest("sequence").body)
    return body


class TestAnAppIsTold:
    def test_of_a_payment_that_succeeded_with_all_of_it(self, tenant: Tenant, seller: str) -> None:
        payment_id = tenant.create_payment(seller, metadata={"cart": "C-1"}, application_fee_amount=30)
        tenant.confirm(seller, payment_id)
        payment = Transaction.objects.get()
        body = newest()
        assert list(body) == ["type", "timestamp", "data"]
        assert body["type"] == "payment.succeeded"
        assert body["data"] == {
            "sequence": 1,
            "transaction_id": payment_id,
            "version": payment.version,
            "status": "succeeded",
            "order_id": "2227222",
            "account_id": seller,
            "user_id": "usr_ada",
            "external": False,
            "amount": 1000,
            "amount_capturable": 0,
            "amount_received": 1000,
            "amount_refunded": 0,
            "application_fee_amount": 30,
            "currency": "usd",
            "capture_method": "automatic",
            "capture_before": None,
            "statement_descriptor_suffix": "",
            "metadata": {"cart": "C-1"},
            "last_error": None,
            "created": int(payment.created_at.timestamp()),
        }

    def test_of_every_declined_attempt(self, tenant: Tenant, seller: str) -> None:
        payment_id = tenant.create_payment(seller)
        for _ in range(2):
            tenant.confirm(seller, payment_id, "pm_card_visa_chargeDeclined")
        tenant.confirm(seller, payment_id)
        assert told() == ["payment.failed", "payment.failed", "payment.succeeded"]

    def test_why_an_attempt_failed(self, tenant: Tenant, seller: str) -> None:
        tenant.confirm(seller, tenant.create_payment(seller), "pm_card_visa_chargeDeclinedInsufficientFunds")
        error = newest()["data"]["last_error"]
        assert (error["code"], error["decline_code"]) == ("card_declined", "insufficient_funds")

    def test_of_an_attempt_that_failed_without_a_code(self, tenant: Tenant, seller: str) -> None:
        tenant.create_payment(seller)
        payment = Transaction.objects.get()
        with transaction.atomic(), events.changes_told(payment):
            payment.error_message = "The bank gave no reason."
            payment.save()
        assert told() == ["payment.failed"]

    def test_nothing_more_of_a_failed_attempt_where_the_card_alone_is_another(self, tenant: Tenant, seller: str) -> None:
        tenant.confirm(seller, tenant.create_payment(seller), "pm_card_visa_chargeDeclined")
        payment = Transaction.objects.get()
        with transaction.atomic(), events.changes_told(payment):
            payment.stripe_payment_method_id = "pm_another"
            payment.save()
        assert told() == ["payment.failed"]

    def test_of_a_hold_its_capture_and_its_refund(self, tenant: Tenant, seller: str) -> None:
        payment_id = tenant.create_payment(seller, capture_method="manual")
        tenant.confirm(seller, payment_id)
        tenant.post(f"/transactions/{payment_id}/capture", {"amount": 600})
        tenant.refund(seller)
        assert told() == ["payment.capturable", "payment.succeeded", "refund.processed"]

    def test_of_a_cancellation(self, tenant: Tenant, seller: str) -> None:
        tenant.post(f"/transactions/{tenant.create_payment(seller)}/cancel", {})
        assert told() == ["payment.canceled"]

    def test_of_another_card_that_is_challenged_too(self, tenant: Tenant, seller: str) -> None:
        payment_id = tenant.create_payment(seller)
        for _ in range(2):
            tenant.confirm(seller, payment_id, "pm_card_threeDSecure2Required")
        tenant.get(f"/transactions/{payment_id}")
        assert told() == ["payment.requires_action", "payment.requires_action"]


class TestAnAppIsNotTold:
    def test_of_what_is_read_again(self, tenant: Tenant, seller: str) -> None:
        payment_id = tenant.create_payment(seller, capture_method="manual")
        tenant.confirm(seller, payment_id)
        for _ in range(3):
            tenant.get(f"/transactions/{payment_id}")
        assert told() == ["payment.capturable"]

    def test_of_what_nobody_knows(self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch) -> None:
        payment_id = tenant.create_payment(seller)
        with stripe_fails(monkeypatch, time_out_before, path="/confirm"):
            assert tenant.confirm(seller, payment_id).status_code == 503
        assert told() == []

    def test_of_a_change_that_was_rolled_back(self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch) -> None:
        payment_id = tenant.create_payment(seller)
        whole = outbox.write_event

        def fails_afterwards(*what: Any, **of_whom: Any) -> None:
            whole(*what, **of_whom)
            raise RuntimeError("the process is out of memory")

        with monkeypatch.context() as patch:
            patch.setattr(events, "write_event", fails_afterwards)
            with pytest.raises(RuntimeError):
                tenant.confirm(seller, payment_id)
        assert (Transaction.objects.get().status, told()) == ("requires_payment_method", [])

    def test_a_client_secret(self, tenant: Tenant, seller: str) -> None:
        payment_id = tenant.create_payment(seller)
        tenant.confirm(seller, payment_id, "pm_card_threeDSecure2Required")
        assert "secret" not in Event.objects.get().body
        assert "redirect_to_url" not in Event.objects.get().body
