"""POST /payment-methods."""

from typing import Any

from commercecore_payments.tests.tenants import Tenant
from gateway.client import stripe_client
from gateway.models import Operation
from paymentmethods.models import Customer, PaymentMethod


def save(tenant: Tenant, card: str = "pm_card_visa", **more: Any) -> Any:
    return tenant.post("/payment-methods", {"payment_method_id": card, **more})


class TestSavingACard:
    def test_keeps_what_tells_it_apart(self, tenant: Tenant) -> None:
        data = save(tenant, "pm_card_mastercard").json()["data"]
        method = PaymentMethod.objects.get()
        assert (method.brand, method.last4, method.status) == ("mastercard", "4444", "saved")
        assert (method.exp_month, method.exp_year) == (data["exp_month"], data["exp_year"])
        assert data["payment_method_id"] == method.stripe_payment_method_id
        at_stripe = stripe_client().v1.payment_methods.retrieve(method.stripe_payment_method_id)
        assert at_stripe.customer == method.customer.stripe_customer_id

    def test_makes_one_customer_a_user(self, tenant: Tenant) -> None:
        save(tenant)
        save(tenant, "pm_card_amex")
        save(tenant.as_user("usr_bob"))
        assert sorted(Customer.objects.values_list("user_id", flat=True)) == ["usr_ada", "usr_bob"]
        assert Operation.objects.filter(kind="customer.create").count() == 2

    def test_prefers_one_at_a_time(self, tenant: Tenant) -> None:
        save(tenant, preferred=True)
        bobs = save(tenant.as_user("usr_bob"), preferred=True).json()["data"]["payment_method_id"]
        second = save(tenant, "pm_card_amex", preferred=True).json()["data"]
        assert second["preferred"] is True
        preferred = PaymentMethod.objects.filter(preferred=True).values_list("stripe_payment_method_id", flat=True)
        assert set(preferred) == {second["payment_method_id"], bobs}

    def test_again_hands_it_back_and_may_prefer_it_now(self, tenant: Tenant) -> None:
        first = save(tenant).json()["data"]
        again = save(tenant, first["payment_method_id"], preferred=True)
        assert (again.status_code, again.json()["data"]) == (201, {**first, "preferred": True})
        assert PaymentMethod.objects.count() == 1
        assert save(tenant, first["payment_method_id"]).json()["data"]["preferred"] is True
        assert save(tenant, first["payment_method_id"], preferred=False).json()["data"]["preferred"] is False

    def test_that_is_declined_saves_nothing(self, tenant: Tenant) -> None:
        response = save(tenant, "pm_card_chargeDeclined")
        details = response.json()["details"]
        assert (response.status_code, details["code"], details["decline_code"]) == (402, "card_declined", "generic_decline")
        method = PaymentMethod.objects.get()
        assert (method.status, method.decline_code, method.stripe_payment_method_id) == ("failed", "generic_decline", "")

    def test_that_nobody_knows_is_refused(self, tenant: Tenant) -> None:
        response = save(tenant, "pm_1nobodyknowsthis")
        assert (response.status_code, response.json()["details"]["code"]) == (400, "payment_method_refused")
        method = PaymentMethod.objects.get()
        assert (method.status, method.error_code) == ("failed", "resource_missing")

    def test_of_another_user_is_refused(self, tenant: Tenant) -> None:
        bobs = save(tenant.as_user("usr_bob")).json()["data"]["payment_method_id"]
        stolen, unknown = save(tenant, bobs).json(), save(tenant, "pm_1nobodyknowsthis").json()
        assert stolen["detail"] == unknown["detail"]
        assert {**stolen["details"], "stripe_request_id": ""} == {**unknown["details"], "stripe_request_id": ""}
        assert PaymentMethod.objects.of(tenant.developer, "usr_ada").usable().count() == 0

    def test_whose_challenge_failed_is_declined_and_may_be_tried_again(self, tenant: Tenant) -> None:
        data = save(tenant, "pm_card_authenticationRequired").json()["data"]
        page = data["next_action"]["use_stripe_sdk"]["stripe_js"].removeprefix("http://127.0.0.1:8000")
        tenant.client.post(page, {"outcome": "fail"})
        declined = save(tenant, data["payment_method_id"])
        assert (declined.status_code, declined.json()["details"]["code"]) == (402, "card_declined")
        again = save(tenant, data["payment_method_id"])
        assert (again.status_code, again.json()["data"]["status"]) == (201, "requires_action")
        assert save(tenant).status_code == 201

    def test_that_asks_for_a_challenge_is_saved_once_it_is_passed(self, tenant: Tenant) -> None:
        response = save(tenant, "pm_card_authenticationRequired", preferred=True)
        data = response.json()["data"]
        assert (response.status_code, data["status"], data["preferred"]) == (201, "requires_action", False)
        assert PaymentMethod.objects.of(tenant.developer, "usr_ada").usable().count() == 0

        page = data["next_action"]["use_stripe_sdk"]["stripe_js"].removeprefix("http://127.0.0.1:8000")
        assert tenant.client.post(page, {"outcome": "complete"}).status_code == 200
        after = save(tenant, data["payment_method_id"]).json()["data"]
        assert (after["status"], after["preferred"]) == ("saved", True)
        assert PaymentMethod.objects.count() == 1
