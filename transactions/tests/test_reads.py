"""What is read from Stripe while something newer is written here."""

from collections.abc import Callable
from typing import Any

import pytest

from accounts.models import ConnectedAccount
from commercecore_payments.tests.tenants import Tenant
from gateway import reads
from gateway.client import stripe_client
from gateway.snapshots import PaymentIntentSnapshot
from transactions.models import Transaction
from transactions.operations import refresh_transaction


def slow_read(monkeypatch: pytest.MonkeyPatch, meanwhile: Callable[[], Any]) -> None:
    """Lets `meanwhile` happen between Stripe's answer to the next read and its arrival here."""
    read = reads.retrieve_payment_intent

    def late(payment_intent_id: str, *, account_id: str) -> PaymentIntentSnapshot:
        answer = read(payment_intent_id, account_id=account_id)
        monkeypatch.setattr(reads, "retrieve_payment_intent", read)
        meanwhile()
        return answer

    monkeypatch.setattr(reads, "retrieve_payment_intent", late)


class TestASlowRead:
    def test_takes_no_status_back(self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch) -> None:
        transaction_id = tenant.create_payment(seller)
        payment = Transaction.objects.select_related("account").get()
        slow_read(monkeypatch, lambda: tenant.confirm(seller, transaction_id, "pm_card_threeDSecure2Required"))
        refresh_transaction(payment)
        assert Transaction.objects.get().status == "requires_action"

    def test_of_a_payment_that_was_paid_meanwhile_keeps_it_paid(
        self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        transaction_id = tenant.create_payment(seller)
        payment = Transaction.objects.select_related("account").get()
        slow_read(monkeypatch, lambda: tenant.confirm(seller, transaction_id))
        refresh_transaction(payment)
        payment.refresh_from_db()
        assert (payment.status, payment.amount_received_minor) == ("succeeded", 1000)


class TestADeletedAccount:
    def test_shows_its_payments_as_they_were_last_seen(self, tenant: Tenant, seller: str) -> None:
        transaction_id = tenant.create_payment(seller)
        tenant.delete(f"/connected-accounts/{seller}")
        assert ConnectedAccount.objects.get().status == "deleted"
        data = tenant.get(f"/transactions/{transaction_id}").json()["data"]
        assert data["status"] == "requires_payment_method"


class TestAReadThatFindsNothingNew:
    def test_keeps_nobody_from_what_was_read_later(self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch) -> None:
        transaction_id = tenant.create_payment(seller, capture_method="manual")
        whole, reads_so_far = reads.retrieve_payment_intent, iter(range(9))
        old = whole(transaction_id, account_id=seller)
        options: Any = {"stripe_account": seller}
        stripe_client().v1.payment_intents.confirm(transaction_id, {"payment_method": "pm_card_visa"}, options)

        def overtaken(payment_intent_id: str, *, account_id: str) -> PaymentIntentSnapshot:
            number = next(reads_so_far)
            if number == 1:
                return old
            found = whole(payment_intent_id, account_id=account_id)
            if number == 0:
                tenant.get(f"/transactions/{transaction_id}")
            return found

        monkeypatch.setattr(reads, "retrieve_payment_intent", overtaken)
        assert tenant.post(f"/transactions/{transaction_id}/capture", {}).status_code == 200
