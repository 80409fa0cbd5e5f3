"""X-Request-ID: where it comes from, and where it is found again."""

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from rest_framework.test import APIClient

from commercecore_payments.request_ids import MAX_LENGTH
from commercecore_payments.tests.tenants import Tenant
from gateway.models import Operation

# Empty, too long, of other letters, more than one, and what somebody put into the wrong header.
NOT_TAKEN = [
    *("", " ", "a" * (MAX_LENGTH + 1), "a b", "a,b", "a\nb", "a\x00", "ä", "١٢٣", "<b>", "${x}", "a/../b", "a%0a", "a;b", "a:b"),
    *("cct_sandbox_SCEorot83TEoohW2AnLvUB61g", "sk_live_51PwVFgRoSQz2jDze", "4242424242424242", "5555-5555-5555-4444"),
]


def asked(request_id: str) -> Any:
    return APIClient().post("/api/v1/nothing", headers={"X-Request-ID": request_id})


class TestTheIdOfARequest:
    @pytest.mark.parametrize(
        "sent",
        ["a", "3f2c1d0e-9b7a-4c55-8f1e-2a6b7c8d9e0f", "req_12345678901234", "A.b-C_9", "a" * MAX_LENGTH, "1764454465123456789"],
    )
    def test_is_the_callers_own_where_it_is_well_formed(self, sent: str) -> None:
        response = asked(sent)
        assert (response["X-Request-ID"], response.json()["meta"]["request_id"]) == (sent, sent)

    @pytest.mark.parametrize("sent", NOT_TAKEN)
    def test_is_one_of_ours_where_what_was_sent_cannot_be_taken(self, sent: str) -> None:
        response = asked(sent)
        assert response.status_code == 404
        assert response.json()["meta"]["request_id"] == response["X-Request-ID"]
        assert response["X-Request-ID"] != sent
        assert response["X-Request-ID"].startswith("req_")

    def test_is_recorded_and_finds_every_payment_that_it_was_about(self, tenant: Tenant, seller: str) -> None:
        """Two requests of one developer, a refund, and a request of another developer carry the same id."""
        other = Tenant.create()
        others = other.create_seller("other@example.com")
        first = tenant.pay(seller, order_id="1")
        same = {"X-Request-ID": "checkout-7"}
        body = {"order_id": "2", "account_id": seller, "amount": "1000"}
        second = tenant.post("/transactions", body, **same).json()["data"]["transaction_id"]
        refund = tenant.post("/refunds", {"order_id": "1", "account_id": seller}, **same)
        third = other.post("/transactions", {**body, "account_id": others}, **same).json()["data"]["transaction_id"]
        assert (refund.status_code, refund["X-Request-ID"]) == (201, "checkout-7")
        assert Operation.objects.filter(request_id="checkout-7").count() == 3
        out = StringIO()
        call_command("explain", "checkout-7", "--format", "json", stdout=out)
        assert {one["transaction_id"] for one in json.loads(out.getvalue())} == {first, second, third}

        # What the API tells one developer stays as it was: nothing of it is looked up by a request's id.
        assert tenant.get("/transactions/checkout-7").status_code == 404
        told = json.dumps([tenant.get(f"/transactions/{payment}/explain").json() for payment in (first, second)])
        assert told.count("checkout-7") == 2
        assert third not in told
        assert tenant.get(f"/transactions/{third}/explain").status_code == 404

    def test_that_two_requests_about_a_payment_share_hides_neither(self, tenant: Tenant, seller: str) -> None:
        same = {"X-Request-ID": "again"}
        body = {"order_id": "1", "account_id": seller, "amount": "1000"}
        payment = tenant.post("/transactions", body, **same).json()["data"]["transaction_id"]
        confirmed = {"account_id": seller, "transaction_id": payment, "payment_method_id": "pm_card_visa"}
        assert tenant.post("/transactions/confirm", confirmed, **same).status_code == 200
        timeline = tenant.get(f"/transactions/{payment}/explain").json()["data"]["timeline"]
        assert [entry["text"].partition(" asked ")[2] for entry in timeline if entry["kind"] == "request"] == [
            "for a payment (10.00 USD).",
            "to charge the buyer.",
        ]
