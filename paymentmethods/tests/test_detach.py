"""DELETE /payment-methods/{id}."""

from datetime import timedelta
from typing import Any

import pytest

from commercecore_payments import clock
from commercecore_payments.tests.tenants import Tenant, charges_at_stripe
from gateway import reads
from gateway.client import stripe_client
from gateway.models import Operation
from gateway.tests.faults import (
    LOST_OR_UNSURE,
    assert_outcome_unknown,
    fail_inside,
    killed,
    refuse_connection,
    stripe_fails,
    time_out_after,
    time_out_before,
)
from paymentmethods.models import PaymentMethod
from paymentmethods.tests.test_saved import listed, save

DETACH = "/detach"


def customer_at_stripe(method_id: str) -> Any:
    return stripe_client().v1.payment_methods.retrieve(method_id).customer


def assert_not_found(response: Any) -> None:
    assert (response.status_code, response.json()["details"]["code"]) == (404, "payment_method_not_found")


class TestDetachingACard:
    def test_takes_it_from_its_customer_for_good(self, tenant: Tenant) -> None:
        method_id = save(tenant, preferred=True)
        response = tenant.delete(f"/payment-methods/{method_id}")
        data = response.json()["data"]
        assert (response.status_code, data["status"], data["preferred"]) == (200, "detached", False)
        assert customer_at_stripe(method_id) is None
        assert listed(tenant) == ([], False)
        assert_not_found(tenant.delete(f"/payment-methods/{method_id}"))
        assert_not_found(tenant.post(f"/payment-methods/{method_id}/preferred"))
        operation = Operation.objects.get(kind="payment_method.detach")
        assert (operation.status, operation.target_id, operation.parameters) == ("succeeded", method_id, {})
        assert PaymentMethod.objects.get().status == "detached"

    def test_of_another_user_is_not_found(self, tenant: Tenant) -> None:
        bobs = save(tenant.as_user("usr_bob"))
        assert_not_found(tenant.delete(f"/payment-methods/{bobs}"))
        assert customer_at_stripe(bobs) is not None

    def test_lets_nobody_pay_with_it(self, tenant: Tenant, seller: str) -> None:
        method_id = save(tenant)
        tenant.delete(f"/payment-methods/{method_id}")
        transaction_id = tenant.create_payment(seller)
        response = tenant.confirm(seller, transaction_id, method_id)
        assert (response.status_code, response.json()["details"]["code"]) == (400, "confirmation_refused")
        assert charges_at_stripe(seller, transaction_id) == []

    def test_lets_it_not_be_saved_again(self, tenant: Tenant) -> None:
        method_id = save(tenant)
        tenant.delete(f"/payment-methods/{method_id}")
        response = tenant.post("/payment-methods", {"payment_method_id": method_id})
        assert (response.status_code, response.json()["details"]["code"]) == (400, "payment_method_refused")
        assert save(tenant) != method_id  # the same card, entered anew
        assert sorted(PaymentMethod.objects.values_list("status", flat=True)) == ["detached", "failed", "saved"]

    def test_outlives_what_its_setup_intent_says(self, tenant: Tenant) -> None:
        method_id = save(tenant, preferred=True)
        tenant.delete(f"/payment-methods/{method_id}")
        method = PaymentMethod.objects.get()
        method.apply(reads.retrieve_setup_intent(method.stripe_setup_intent_id))
        assert (method.status, method.preferred) == ("detached", False)

    def test_that_was_detached_in_stripes_dashboard_takes_that_over(self, tenant: Tenant) -> None:
        method_id = save(tenant)
        stripe_client().v1.payment_methods.detach(method_id)
        response = tenant.delete(f"/payment-methods/{method_id}")
        assert (response.status_code, response.json()["data"]["status"]) == (200, "detached")
        assert_not_found(tenant.delete(f"/payment-methods/{method_id}"))


class TestADetachmentThatFails:
    @LOST_OR_UNSURE
    def test_leaves_the_card_out_of_use_until_it_is_known(
        self, tenant: Tenant, monkeypatch: pytest.MonkeyPatch, fault: Any
    ) -> None:
        method_id = save(tenant, preferred=True)
        with stripe_fails(monkeypatch, fault, path=DETACH):
            response = tenant.delete(f"/payment-methods/{method_id}")
        assert_outcome_unknown(response, Operation.objects.get(kind="payment_method.detach"))
        method = PaymentMethod.objects.get()
        assert (method.status, method.preferred) == ("detaching", False)
        assert listed(tenant) == ([], False)
        assert_not_found(tenant.post(f"/payment-methods/{method_id}/preferred"))
        saved = tenant.post("/payment-methods", {"payment_method_id": method_id})
        assert (saved.status_code, saved.json()["details"]["code"]) == (409, "operation_in_progress")

    @pytest.mark.parametrize("fault", [time_out_before, time_out_after, fail_inside])
    def test_is_continued_by_a_repeat(self, tenant: Tenant, monkeypatch: pytest.MonkeyPatch, fault: Any) -> None:
        method_id = save(tenant)
        with stripe_fails(monkeypatch, fault, path=DETACH):
            tenant.delete(f"/payment-methods/{method_id}")
        response = tenant.delete(f"/payment-methods/{method_id}")
        assert (response.status_code, response.json()["data"]["status"]) == (200, "detached")
        assert customer_at_stripe(method_id) is None
        assert not Operation.objects.open().exists()

    def test_is_found_by_a_look_when_it_may_not_be_sent_again(self, tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
        method_id = save(tenant)
        with stripe_fails(monkeypatch, time_out_after, path=DETACH):
            tenant.delete(f"/payment-methods/{method_id}")
        with clock.moved_ahead(timedelta(hours=24)), stripe_fails(monkeypatch, time_out_after, path=DETACH) as sent:
            response = tenant.delete(f"/payment-methods/{method_id}")
        assert (response.status_code, response.json()["data"]["status"], sent) == (200, "detached", [])

    def test_that_is_under_way_is_a_conflict(self, tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
        method_id = save(tenant)
        with stripe_fails(monkeypatch, killed, path=DETACH), pytest.raises(KeyboardInterrupt):
            tenant.delete(f"/payment-methods/{method_id}")
        response = tenant.delete(f"/payment-methods/{method_id}")
        assert (response.status_code, response.json()["details"]["code"]) == (409, "operation_in_progress")
        assert customer_at_stripe(method_id) is not None

    def test_that_never_left_leaves_the_card_as_it_was(self, tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
        method_id = save(tenant)
        with stripe_fails(monkeypatch, refuse_connection, path=DETACH):
            assert tenant.delete(f"/payment-methods/{method_id}").status_code == 503
        assert listed(tenant) == ([method_id], False)
        assert tenant.delete(f"/payment-methods/{method_id}").status_code == 200
