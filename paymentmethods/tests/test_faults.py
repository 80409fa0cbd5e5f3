"""Saving a card when Stripe's answers are lost: one customer, one setup, and the same card for the same request."""

from typing import Any

import pytest

from commercecore_payments.tests.tenants import Tenant
from gateway.client import stripe_client
from gateway.errors import OutcomeUnknown
from gateway.models import Operation
from gateway.tests.faults import Answer, Send, assert_outcome_unknown, fail_inside, stripe_error, stripe_fails, time_out_after
from idempotency.tests.keyed import actor_with_key
from paymentmethods.models import Customer, PaymentMethod
from paymentmethods.operations import detach_payment_method, save_payment_method

SETUP, CUSTOMERS = "/setup_intents", "/customers"


def fail_after(send: Send, *request: Any) -> Answer:
    """Stripe does it, and answers a 500 all the same."""
    send(*request)
    return stripe_error(500, {"type": "api_error", "message": "Something went wrong on Stripe's end."})


def save(tenant: Tenant, card: str = "pm_card_visa") -> Any:
    return tenant.post("/payment-methods", {"payment_method_id": card})


def setups_at_stripe() -> int:
    return len(stripe_client().v1.setup_intents.list().data)


class TestASetupThatMetA500:
    def test_is_found_by_its_metadata(self, tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
        with stripe_fails(monkeypatch, fail_after, path=SETUP):
            assert_outcome_unknown(save(tenant), Operation.objects.get(kind="setup_intent.create"))
        response = save(tenant)
        assert (response.status_code, response.json()["data"]["status"], setups_at_stripe()) == (201, "saved", 1)
        assert PaymentMethod.objects.count() == 1

    def test_is_declined_where_it_is_found_declined(self, tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
        with stripe_fails(monkeypatch, fail_after, path=SETUP):
            save(tenant, "pm_card_chargeDeclined")
        response = save(tenant, "pm_card_chargeDeclined")
        details = response.json()["details"]
        assert (response.status_code, details["code"], details["decline_code"]) == (402, "card_declined", "generic_decline")
        assert PaymentMethod.objects.get().status == "failed"

    def test_stays_unknown_where_it_is_not_found(self, tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
        with stripe_fails(monkeypatch, fail_inside, path=SETUP):
            save(tenant)
        assert_outcome_unknown(save(tenant), Operation.objects.get(kind="setup_intent.create"))
        assert setups_at_stripe() == 0


class TestACustomerThatMetA500:
    @pytest.mark.parametrize("fault", [fail_after, fail_inside], ids=lambda fault: fault.__name__)
    def test_is_found_or_made_anew(self, tenant: Tenant, monkeypatch: pytest.MonkeyPatch, fault: Any) -> None:
        with stripe_fails(monkeypatch, fault, path=CUSTOMERS):
            assert_outcome_unknown(save(tenant), Operation.objects.get(kind="customer.create"))
        assert save(tenant).status_code == 201
        assert [one.id for one in stripe_client().v1.customers.list().data] == [Customer.objects.get().stripe_customer_id]


class TestARequestUnderAKey:
    def test_saves_one_card_however_often_it_is_repeated(self, tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
        actor = actor_with_key(tenant)
        for lost in (CUSTOMERS, SETUP):
            with stripe_fails(monkeypatch, time_out_after, path=lost), pytest.raises(OutcomeUnknown):
                save_payment_method(payment_method_id="pm_card_visa", preferred=True, actor=actor)
        first, _ = save_payment_method(payment_method_id="pm_card_visa", preferred=True, actor=actor)
        second, _ = save_payment_method(payment_method_id="pm_card_visa", preferred=True, actor=actor)
        assert (first, first.preferred, setups_at_stripe()) == (second, True, 1)
        other, _ = save_payment_method(payment_method_id="pm_card_visa", preferred=None, actor=actor_with_key(tenant, "key-2"))
        assert other != first

    def test_reads_its_challenge_anew(self, tenant: Tenant) -> None:
        actor = actor_with_key(tenant)
        card = "pm_card_authenticationRequired"
        _, first = save_payment_method(payment_method_id=card, preferred=None, actor=actor)
        method, second = save_payment_method(payment_method_id=card, preferred=None, actor=actor)
        assert first is not None
        assert second is not None
        assert (second.client_secret, second.next_action) == (first.client_secret, first.next_action)
        assert (method.status, setups_at_stripe()) == ("requires_action", 1)

    def test_detaches_once_and_says_so_each_time(self, tenant: Tenant) -> None:
        method_id = save(tenant).json()["data"]["payment_method_id"]
        actor = actor_with_key(tenant)
        assert detach_payment_method(payment_method_id=method_id, actor=actor).status == "detached"
        assert detach_payment_method(payment_method_id=method_id, actor=actor).status == "detached"
        assert Operation.objects.filter(kind="payment_method.detach").count() == 1
