"""GET /payment-methods and POST /payment-methods/{id}/preferred."""

from typing import Any

import pytest

from commercecore_payments.tests.tenants import Tenant
from paymentmethods.models import PaymentMethod

CARDS = ("pm_card_visa", "pm_card_amex", "pm_card_mastercard")


def save(tenant: Tenant, card: str = "pm_card_visa", **more: Any) -> str:
    data = tenant.post("/payment-methods", {"payment_method_id": card, **more}).json()["data"]
    return str(data["payment_method_id"])


def listed(tenant: Tenant, query: str = "") -> tuple[list[str], bool]:
    response = tenant.get(f"/payment-methods{query}")
    assert response.status_code == 200
    data = response.json()["data"]
    return [method["payment_method_id"] for method in data["payment_methods"]], data["has_more"]


class TestTheList:
    def test_shows_what_tells_the_cards_apart_and_which_is_preferred(self, tenant: Tenant) -> None:
        method_id = save(tenant, "pm_card_mastercard", preferred=True)
        stored = PaymentMethod.objects.get()
        assert tenant.get("/payment-methods").json()["data"] == {
            "payment_methods": [
                {
                    "payment_method_id": method_id,
                    "status": "saved",
                    "type": "card",
                    "brand": "mastercard",
                    "last4": "4444",
                    "exp_month": stored.exp_month,
                    "exp_year": stored.exp_year,
                    "preferred": True,
                    "user_id": "usr_ada",
                }
            ],
            "has_more": False,
        }

    def test_is_empty_for_a_user_who_saved_none(self, tenant: Tenant) -> None:
        save(tenant.as_user("usr_bob"))
        assert listed(tenant) == ([], False)

    def test_goes_from_page_to_page_newest_first(self, tenant: Tenant) -> None:
        oldest, middle, newest = (save(tenant, card) for card in CARDS)
        assert listed(tenant, "?limit=2") == ([newest, middle], True)
        assert listed(tenant, f"?limit=2&starting_after={middle}") == ([oldest], False)
        assert listed(tenant, f"?limit=1&starting_after={newest}&app_id={tenant.app.pk}") == ([middle], True)

    def test_goes_on_behind_a_card_that_was_detached_meanwhile(self, tenant: Tenant) -> None:
        oldest, middle, newest = (save(tenant, card) for card in CARDS)
        tenant.delete(f"/payment-methods/{middle}")
        assert listed(tenant) == ([newest, oldest], False)
        assert listed(tenant, f"?starting_after={middle}") == ([oldest], False)

    def test_leaves_out_what_is_not_saved(self, tenant: Tenant) -> None:
        save(tenant, "pm_card_authenticationRequired")
        tenant.post("/payment-methods", {"payment_method_id": "pm_card_chargeDeclined"})
        assert listed(tenant) == ([], False)

    @pytest.mark.parametrize(
        ("query", "field"),
        [
            ("limit=0", "limit"),
            ("limit=101", "limit"),
            ("limit=x", "limit"),
            ("starting_after=1", "starting_after"),
            ("page=2", "page"),
        ],
    )
    def test_takes_no_other_page(self, tenant: Tenant, query: str, field: str) -> None:
        response = tenant.get(f"/payment-methods?{query}")
        assert (response.status_code, list(response.json()["details"]["fields"])) == (400, [field])

    def test_does_not_go_on_behind_anothers_card(self, tenant: Tenant) -> None:
        bobs = save(tenant.as_user("usr_bob"))
        response = tenant.get(f"/payment-methods?starting_after={bobs}")
        assert (response.status_code, response.json()["details"]["code"]) == (400, "unknown_starting_point")


class TestPreferring:
    def test_prefers_one_card_and_no_other(self, tenant: Tenant) -> None:
        first, second = save(tenant, preferred=True), save(tenant, "pm_card_amex")
        response = tenant.post(f"/payment-methods/{second}/preferred")
        data = response.json()["data"]
        assert (response.status_code, data["payment_method_id"], data["preferred"], data["status"]) == (
            200,
            second,
            True,
            "saved",
        )
        assert dict(PaymentMethod.objects.values_list("stripe_payment_method_id", "preferred")) == {first: False, second: True}
        assert tenant.post(f"/payment-methods/{second}/preferred").status_code == 200

    def test_of_a_card_that_is_none_of_the_users_is_not_found(self, tenant: Tenant) -> None:
        bobs, waiting = save(tenant.as_user("usr_bob")), save(tenant, "pm_card_authenticationRequired")
        for method_id in (bobs, waiting, "pm_nobody"):
            response = tenant.post(f"/payment-methods/{method_id}/preferred")
            assert (response.status_code, response.json()["details"]["code"]) == (404, "payment_method_not_found")
        assert not PaymentMethod.objects.filter(preferred=True).exists()

    def test_sees_that_a_challenge_was_passed(self, tenant: Tenant) -> None:
        data = tenant.post("/payment-methods", {"payment_method_id": "pm_card_authenticationRequired"}).json()["data"]
        page = data["next_action"]["use_stripe_sdk"]["stripe_js"].removeprefix("http://127.0.0.1:8000")
        tenant.client.post(page, {"outcome": "complete"})
        assert tenant.post(f"/payment-methods/{data['payment_method_id']}/preferred").json()["data"]["preferred"] is True
