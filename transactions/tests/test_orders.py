"""The order lookup at an order service."""

from typing import Any

import pytest
import requests
import responses

from commercecore_payments.tests.tenants import Tenant
from transactions.models import Transaction

ORDERS = "https://orders.example/api/orders"


@pytest.fixture(autouse=True)
def order_service(settings: Any) -> Any:
    settings.COMMERCECORE_ORDERS_URL = ORDERS
    with responses.RequestsMock() as mock:
        yield mock


class TestTheOrderService:
    def test_is_asked_with_the_callers_own_headers(self, tenant: Tenant, seller: str, order_service: Any) -> None:
        order = {"order_id": "a/b 1", "account_id": seller, "amount": 4200, "currency": "EUR", "lines": []}
        call = order_service.get(f"{ORDERS}/a%2Fb%201", json=order)
        assert tenant.post("/transactions", {"order_id": "a/b 1"}).status_code == 201
        sent = call.calls[0].request.headers
        assert (sent["X-Developer-Token"], sent["X-App-ID"], sent["X-User-ID"]) == (tenant.token, tenant.app.pk, "usr_ada")
        payment = Transaction.objects.get()
        assert (payment.order_id, payment.amount_minor, payment.currency) == ("a/b 1", 4200, "eur")

    def test_may_write_the_amount_as_text(self, tenant: Tenant, seller: str, order_service: Any) -> None:
        order_service.get(f"{ORDERS}/1", json={"account_id": seller, "amount": "4200", "currency": "usd"})
        assert tenant.post("/transactions", {"order_id": "1"}).status_code == 201
        assert Transaction.objects.get().amount_minor == 4200

    @pytest.mark.parametrize("status", [403, 404])
    def test_that_does_not_show_the_order_makes_it_unknown(self, tenant: Tenant, order_service: Any, status: int) -> None:
        order_service.get(f"{ORDERS}/1", status=status)
        response = tenant.post("/transactions", {"order_id": "1"})
        assert (response.status_code, response.json()["details"]["code"]) == (404, "order_not_found")

    @pytest.mark.parametrize(
        "error", [requests.exceptions.ConnectionError(), requests.exceptions.ReadTimeout()], ids=["refused", "silent"]
    )
    def test_that_cannot_be_reached_is_the_documented_500(self, tenant: Tenant, order_service: Any, error: Exception) -> None:
        order_service.get(f"{ORDERS}/1", body=error)
        response = tenant.post("/transactions", {"order_id": "1"})
        assert (response.status_code, response.json()["details"]["message"]) == (500, "All connection attempts failed")
        assert not Transaction.objects.exists()

    @pytest.mark.parametrize(
        "answer",
        [
            {"status": 500},
            {"status": 302, "headers": {"Location": "http://127.0.0.1/secret"}},
            {"body": "<html>"},
            {"json": []},
            {"json": {"account_id": "acct_1", "currency": "usd"}},
            {"json": {"account_id": "acct_1", "currency": "usd", "amount": 10.5}},
            {"json": {"account_id": "acct_1", "currency": "usd", "amount": True}},
            {"json": {"account_id": "acct_1", "currency": "usd", "amount": -5}},
            {"json": {"account_id": "acct_1", "currency": "usd", "amount": "1" * 5000}},
            {"json": {"account_id": 7, "currency": "usd", "amount": 5}},
            {"json": {"account_id": "acct_1", "currency": "usd", "amount": 10**12}},
            {"body": "[" * 60_000},
            {"json": {"account_id": "acct_\x00", "currency": "usd", "amount": 1000}},
            {"json": {"account_id": "acct_\ud800", "currency": "usd", "amount": 1000}},
            {"json": {"account_id": "acct_1", "currency": "nope", "amount": 5}},
            {"json": {"account_id": "acct_1", "currency": "usd", "amount": 1000, "filler": "x" * 65_536}},
        ],
        ids=range(16),
    )
    def test_that_answers_no_order_fails_and_nothing_is_charged(
        self, tenant: Tenant, seller: str, order_service: Any, answer: dict[str, Any]
    ) -> None:
        order_service.get(f"{ORDERS}/1", **answer)
        response = tenant.post("/transactions", {"order_id": "1"})
        assert (response.status_code, response.json()["details"]["code"]) == (503, "order_service_failed")
        assert not Transaction.objects.exists()
