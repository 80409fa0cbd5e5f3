"""The published documentation, played example by example: each saved request gets its saved answer.

Where the documentation contradicts itself, docs/decisions/ says what was decided. Every error carries both of the
documentation's shapes, so an example's fields are asserted as a part of the body.
"""

import re
from typing import Any

import pytest
from django.urls import URLPattern
from rest_framework.test import APIClient

from accounts.models import ConnectedAccount
from commercecore_payments.tests.tenants import BASE, Tenant
from commercecore_payments.urls import ID, api
from commercecore_payments.views import ENDPOINTS
from sandbox.orders import create_order
from transactions.models import Transaction


def contains(body: dict[str, Any], example: dict[str, Any]) -> bool:
    """Whether `body` says all that the example says."""
    return all(
        contains(body[key], value) if isinstance(value, dict) else body.get(key) == value for key, value in example.items()
    )


@pytest.mark.django_db
class TestApiHealthAndStatus:
    def test_root_response(self) -> None:
        response = APIClient().get("/api/v1")
        body = response.json()
        assert response.status_code == 200
        for name in ("timpstamp", "timestamp"):
            assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}", body.pop(name))
        assert body == {
            "message": "Welcome to CommerceCore Payment Service API",
            "version": "v1",
            "starter_endpoints": {
                "create_connected_account": "/api/v1/connected-accounts",
                "continue_onboarding": "/api/v1/connected-accounts/onboarding",
                "login_account_dashboard": "/api/v1/connected-accounts/login",
                "create_transaction": "/api/v1/transactions",
                "confirm_transaction": "/api/v1/transactions/confirm",
                "request_refund": "/api/v1/refunds",
            },
            "documentation": "https://documenter.getpostman.com/view/36378381/2sAXqtb23",
        }

    def test_api_status(self) -> None:
        response = APIClient().get("/api/v1/status")
        body = response.json()
        assert response.status_code == 200
        assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}", body.pop("timestamp"))
        assert body == {
            "status": "ok",
            "service": "The Payment Service",
            "base_url": BASE,
            "database_status": "connected",
        }


class TestConnectedAccounts:
    def test_unauthorized_to_create_account(self, transactional_db: None) -> None:
        response = APIClient().post("/api/v1/connected-accounts", {"email": "johndoe@example.com"}, format="json")
        assert response.status_code == 401
        assert contains(response.json(), {"detail": "Unauthorized"})
        assert response["WWW-Authenticate"] == 'Bearer realm="api"'
        assert not ConnectedAccount.objects.exists()

    def test_create_connected_account(self, tenant: Tenant) -> None:
        response = tenant.post("/connected-accounts", {"email": "johndoe@example.com.com"})
        body = response.json()
        assert response.status_code == 201
        assert re.fullmatch(r"acct_[A-Za-z0-9]{16}", body["data"].pop("account_id"))
        assert body["data"].pop("public_key").startswith("pk_test_")
        assert body["links"].pop("onboarding_url").startswith("http://127.0.0.1:8000/onboarding/")
        assert body == {
            "data": {
                "message": "Connected account created successfully onboarding link expires in 18 hours "
                "use the 'onboarding_url' to complete the onboarding"
            },
            "meta": {"status_code": 201},
            "links": {"self": f"{BASE}/connected-accounts"},
        }

    def test_the_email_field_is_required(self, tenant: Tenant) -> None:
        response = tenant.post("/connected-accounts", {})
        assert response.status_code == 400
        assert contains(response.json(), {"detail": "Invalid request body. 'email' field is required."})
        assert not ConnectedAccount.objects.exists()

    def test_an_account_with_this_email_already_exists(self, tenant: Tenant) -> None:
        tenant.create_seller("seller@example.com")
        response = tenant.post("/connected-accounts", {"email": "Seller@Example.com"})
        assert response.status_code == 409
        assert contains(response.json(), {"detail": "An account with this email already exists."})
        assert ConnectedAccount.objects.count() == 1

    def test_an_invalid_or_expired_token(self, tenant: Tenant) -> None:
        tenant.token = "b9f10f7c-4743-4423-a2c0-888168864f5d"
        response = tenant.post("/connected-accounts", {"email": "seller@example.com"})
        assert response.status_code == 401
        assert contains(response.json(), {"detail": "Invalid or expired token"})
        assert not ConnectedAccount.objects.exists()

    def test_created_onboarding(self, tenant: Tenant) -> None:
        account_id = tenant.create_seller(onboarded=False)
        response = tenant.post("/connected-accounts/onboarding", {"account_id": account_id})
        body = response.json()
        assert response.status_code == 201
        assert body["links"].pop("onboarding_url").startswith("http://127.0.0.1:8000/onboarding/")
        assert "external_account" in body["data"].pop("requirements")["currently_due"]
        assert body == {
            "data": {
                "message": "Onboarding link expires in 18 hours use the 'onboarding_url' to complete the onboarding",
                "status": "incomplete",
            },
            "meta": {"status_code": 201},
            "links": {"self": f"{BASE}/connected-accounts/onboarding"},
        }

    def test_error_complete_onboarding(self, tenant: Tenant) -> None:
        account_id = tenant.create_seller(onboarded=False)
        response = tenant.post("/connected-accounts/login", {"account_id": account_id})
        assert response.status_code == 500
        assert re.fullmatch(
            r"An error occurred while creating the login link\.Request req_[A-Za-z0-9]+: "
            r"Cannot create a login link for an account that has not completed onboarding\.",
            response.json()["detail"],
        )

    def test_login_dashboard(self, tenant: Tenant, seller: str) -> None:
        response = tenant.post("/connected-accounts/login", {"account_id": seller})
        body = response.json()
        assert response.status_code == 201
        assert body["data"]["login_url"].endswith("/" + body["data"]["token"])
        assert body["data"]["expires_in"] == 300
        assert body["links"] == {"self": f"{BASE}/connected-accounts/login", "login_url": body["data"]["login_url"]}

    def test_retrieve_connected_accounts(self, tenant: Tenant) -> None:
        account_id = tenant.create_seller("johndoe@example.com", onboarded=False)
        response = tenant.get(f"/connected-accounts/{account_id}")
        body = response.json()
        assert response.status_code == 200
        assert isinstance(body["data"].pop("created"), int)
        # Beside what is documented:
        assert [body["data"].pop(name) for name in ("can_charge", "can_be_paid_out")] == [False, False]
        assert len(body["data"].pop("blockers")) == 1
        assert body == {
            "data": {
                "account_id": account_id,
                "metadata": {"developer_id": tenant.developer.pk},
                "email": "johndoe@example.com",
                "capabilities": {
                    "bank_transfer_payments": "inactive",
                    "card_payments": "inactive",
                    "link_payments": "inactive",
                    "transfers": "inactive",
                    "us_bank_transfer_payments": "inactive",
                },
            },
            "meta": {"status_code": 200},
            "links": {"self": f"{BASE}/connected-accounts/{account_id}"},
        }

    def test_retrieving_unauthorized(self, tenant: Tenant, seller: str) -> None:
        response = APIClient().get(f"/api/v1/connected-accounts/{seller}")
        assert response.status_code == 401
        assert contains(response.json(), {"detail": "Unauthorized"})

    def test_delete_account(self, tenant: Tenant, seller: str) -> None:
        response = tenant.delete(f"/connected-accounts/{seller}")
        assert response.status_code == 200
        assert response.json() == {
            "data": {"account_id": seller, "deleted": True},
            "meta": {"status_code": 200},
            "links": {"self": f"{BASE}/connected-accounts/{seller}"},
        }


class TestTransactions:
    def test_initiated_transaction(self, tenant: Tenant, seller: str) -> None:
        order_id = "01922494-61b1-74e6-9d0c-0a04717d13e4"
        create_order(developer_id=tenant.developer.pk, account_id=seller, amount_minor=4200, currency="usd", order_id=order_id)
        response = tenant.post("/transactions", {"order_id": order_id})
        body = response.json()
        assert response.status_code == 201
        transaction_id = body["data"].pop("transaction_id")
        assert re.fullmatch(rf"{transaction_id}_secret_[A-Za-z0-9]+", body["data"].pop("client_secret"))
        assert body == {
            "data": {"status": "requires_payment_method"},
            "meta": {"message": "Payment initiated successfully", "status_code": 201},
            "links": {"self": f"{BASE}/transactions"},
        }
        payment = Transaction.objects.get(stripe_payment_intent_id=transaction_id)
        assert (payment.amount_minor, payment.currency, payment.order_id) == (4200, "usd", order_id)

    def test_a_transaction_with_account_and_amount(self, tenant: Tenant, seller: str) -> None:
        response = tenant.post("/transactions", {"order_id": "2227222", "account_id": seller, "amount": "1000"})
        assert response.status_code == 201
        assert response.json()["data"]["status"] == "requires_payment_method"
        assert Transaction.objects.get().amount_minor == 1000

    def test_failure_to_connect_to_third_service(self, tenant: Tenant, settings: Any) -> None:
        settings.COMMERCECORE_ORDERS_URL = "http://127.0.0.1:9/orders"  # the discard port: nobody listens
        response = tenant.post("/transactions", {"order_id": "2227222"})
        assert response.status_code == 500
        assert contains(
            response.json(),
            {
                "error": "Internal Server Error",
                "meta": {
                    "success": False,
                    "status_code": 500,
                    "request_method": "POST",
                    "request_path": f"{BASE}/transactions",
                },
                "details": {"message": "All connection attempts failed"},
            },
        )
        assert not Transaction.objects.exists()

    def test_payment_already_confirmed(self, tenant: Tenant, seller: str) -> None:
        transaction_id = tenant.pay(seller)
        response = tenant.confirm(seller, transaction_id)
        assert response.status_code == 500
        assert re.fullmatch(
            r"An error occurred while confirming the payment intentRequest req_[A-Za-z0-9]+: "
            r"You cannot confirm this PaymentIntent because it has already succeeded after being previously confirmed\. "
            r"Check if the payment method is valid, and also check if you havecompleted the onboarding process",
            response.json()["detail"],
        )

    def test_confirm_transaction(self, tenant: Tenant, seller: str) -> None:
        transaction_id = tenant.create_payment(seller)
        response = tenant.confirm(seller, transaction_id)
        assert response.status_code == 200
        assert response.json() == {
            "data": {
                "message": "Payment confirmed successfully",
                "status_code": 200,
                "account_id": seller,
                "status": "succeeded",
                "transaction_id": transaction_id,
            },
            "meta": {"message": "Payment confirmed successfully", "status_code": 200},
            "links": {"self": f"{BASE}/transactions/confirm"},
        }

    def test_no_account_id_passed(self, tenant: Tenant, seller: str) -> None:
        transaction_id = tenant.create_payment(seller)
        body = {"payment_method_id": "pm_card_visa", "transaction_id": transaction_id}
        response = tenant.post("/transactions/confirm", body)
        assert response.status_code == 500
        assert contains(
            response.json(),
            {
                "error": "Internal Server Error",
                "meta": {
                    "success": False,
                    "status_code": 500,
                    "request_method": "POST",
                    "request_path": f"{BASE}/transactions/confirm",
                },
                "details": {"message": "'account_id'"},
            },
        )
        assert Transaction.objects.get().status == "requires_payment_method"


class TestRefunds:
    def test_provide_app_id(self, transactional_db: None) -> None:
        response = APIClient().post("/api/v1/refunds")
        assert response.status_code == 400
        assert contains(
            response.json(),
            {
                "error": "Bad Request",
                "meta": {"success": False, "status_code": 400, "request_method": "POST", "request_path": f"{BASE}/refunds"},
                "details": {"message": "Provide app_id in the header"},
            },
        )

    def test_provide_user_token(self, transactional_db: None) -> None:
        response = APIClient().post("/api/v1/refunds?app_id=ap_3PTM8LFUcfdlW_njLpfcSmAJ6")
        assert response.status_code == 401
        assert contains(response.json(), {"detail": "Please provide a valid user token in the header"})

    def test_request_refund(self, tenant: Tenant, seller: str) -> None:
        transaction_id = tenant.pay(seller, order_id="2227222", amount="1000")
        response = tenant.post("/refunds", {"order_id": "2227222", "account_id": seller})
        body = response.json()
        assert response.status_code == 201
        assert re.fullmatch(r"re_[A-Za-z0-9]+", body["data"].pop("refund_id"))
        assert body == {
            "data": {
                "message": "Refund processed successfully",
                "status": "succeeded",
                "amount": 1000,
                "currency": "usd",
                "order_id": "2227222",
                "transaction_id": transaction_id,
            },
            "meta": {"message": "Refund processed successfully", "status_code": 201},
            "links": {"self": f"{BASE}/refunds"},
        }


class TestPaymentMethods:
    def test_create_payment_method(self, tenant: Tenant) -> None:
        response = tenant.post("/payment-methods", {"payment_method_id": "pm_card_visa", "type": "card", "preferred": False})
        body = response.json()
        assert response.status_code == 201
        assert re.fullmatch(r"pm_[A-Za-z0-9]+", body["data"].pop("payment_method_id"))
        assert body["data"].pop("exp_year") > 2026
        assert 1 <= body["data"].pop("exp_month") <= 12
        assert body == {
            "data": {
                "message": "Payment method saved successfully",
                "status": "saved",
                "type": "card",
                "brand": "visa",
                "last4": "4242",
                "preferred": False,
                "user_id": "usr_ada",
            },
            "meta": {"message": "Payment method saved successfully", "status_code": 201},
            "links": {"self": f"{BASE}/payment-methods"},
        }


class TestVersions:
    """The documented 500s for a caller's mistakes have a right status in the next version, and differ in nothing else."""

    def answers(self, tenant: Tenant, path: str, body: Any) -> tuple[Any, Any]:
        return tenant.post(path, body), tenant.in_version("2026-12-01").post(path, body)

    def assert_differ_only_in_status(self, old: Any, new: Any, status: int, phrase: str) -> None:
        assert (old.status_code, new.status_code) == (500, status)
        assert (old["CommerceCore-Version"], new["CommerceCore-Version"]) == ("2024-09-26", "2026-12-01")
        before, after = old.json(), new.json()
        assert (before["error"], after["error"]) == ("Internal Server Error", phrase)
        assert after["meta"]["status_code"] == status
        for body in (before, after):
            del body["error"], body["meta"]["status_code"], body["meta"]["request_id"]
        request_ids = re.compile(r"req_[A-Za-z0-9]+")
        assert request_ids.sub("", str(before)) == request_ids.sub("", str(after))

    def test_confirming_twice_is_a_conflict(self, tenant: Tenant, seller: str) -> None:
        body = {"account_id": seller, "transaction_id": tenant.pay(seller), "payment_method_id": "pm_card_visa"}
        self.assert_differ_only_in_status(*self.answers(tenant, "/transactions/confirm", body), 409, "Conflict")

    def test_a_login_link_before_onboarding_is_a_conflict(self, tenant: Tenant) -> None:
        body = {"account_id": tenant.create_seller(onboarded=False)}
        old, new = self.answers(tenant, "/connected-accounts/login", body)
        self.assert_differ_only_in_status(old, new, 409, "Conflict")

    def test_an_order_service_out_of_reach_is_unavailable(self, tenant: Tenant, settings: Any) -> None:
        settings.COMMERCECORE_ORDERS_URL = "http://127.0.0.1:9/orders"
        old, new = self.answers(tenant, "/transactions", {"order_id": "2227222"})
        self.assert_differ_only_in_status(old, new, 503, "Service Unavailable")

    def test_a_confirmation_without_account_is_a_bad_request(self, tenant: Tenant) -> None:
        body = {"transaction_id": "pi_1", "payment_method_id": "pm_card_visa"}
        self.assert_differ_only_in_status(*self.answers(tenant, "/transactions/confirm", body), 400, "Bad Request")

    def test_an_app_pinned_to_the_next_version_needs_no_header(self, tenant: Tenant, seller: str) -> None:
        transaction_id = tenant.pay(seller)
        tenant.app.api_version = "2026-12-01"
        tenant.app.save()
        assert tenant.confirm(seller, transaction_id).status_code == 409

    def test_an_unknown_version_is_refused(self, tenant: Tenant, seller: str) -> None:
        response = tenant.in_version("2020-01-01").post("/refunds", {"order_id": "1", "account_id": seller})
        assert response.status_code == 400
        assert response.json()["details"]["code"] == "unknown_version"


class TestTheLandingPage:
    def test_lists_every_route(self, tenant: Tenant) -> None:
        page = tenant.client.get("/").content.decode()
        routes = {
            f"{method.upper()} {str(route.pattern).replace(ID, '{id}').strip('^$').removesuffix('/?')}"
            for route in api
            if isinstance(route, URLPattern) and route.name not in ("root", "status")
            for method in route.callback.actions  # type: ignore[attr-defined]
            if method != "head"  # which REST framework adds to a view that was asked before
        }
        assert {address for address, _ in ENDPOINTS} == routes
        assert all(address.partition(" ")[2] in page for address in routes)
