"""The requests of the Postman collection, in their order: each takes what those before it were answered."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Step:
    """One request. `operation` is as the description names it; `keeps` maps variables to where in the answer they stand.

    `{id}` of the address is the variable `of`. `fresh` names variables that get a new random value before it. `sandbox` is the
    address of one of the sandbox's own doors, for what a seller does in a browser.
    """

    name: str
    operation: str = ""
    body: Mapping[str, Any] | None = None
    of: str = ""
    query: str = ""
    keeps: Mapping[str, str] = field(default_factory=dict)
    fresh: tuple[str, ...] = ()
    status: int = 200
    sandbox: str = ""


@dataclass(frozen=True, slots=True)
class Folder:
    name: str
    steps: tuple[Step, ...]


_CONFIRM = {
    "account_id": "{{account_id}}",
    "transaction_id": "{{transaction_id}}",
    "payment_method_id": "pm_card_visa",
}
_ORDER = {"order_id": "{{order_id}}", "account_id": "{{account_id}}", "amount": "2500"}
_TRANSACTION = {"transaction_id": "data.transaction_id"}

FOLDERS: tuple[Folder, ...] = (
    Folder(
        "API Health and Status",
        (Step("API Root", "GET /"), Step("API Status", "GET /status")),
    ),
    Folder(
        "Connected Accounts",
        (
            Step(
                "Create Connected Account",
                "POST /connected-accounts",
                {"email": "seller-{{seller}}@example.com"},
                status=201,
                keeps={"account_id": "data.account_id"},
                fresh=("seller",),
            ),
            Step("Onboarding", "POST /connected-accounts/onboarding", {"account_id": "{{account_id}}"}, status=201),
            Step("Submit the Onboarding Form (sandbox)", sandbox="/sandbox/api/accounts/{{account_id}}/onboarding"),
            Step("Login Dashboard", "POST /connected-accounts/login", {"account_id": "{{account_id}}"}, status=201),
            Step("Retrieve Connected Accounts", "GET /connected-accounts/{id}", of="account_id"),
            Step("List Connected Accounts", "GET /connected-accounts", query="limit=10"),
            Step("Read an Account's Balance", "GET /connected-accounts/{id}/balance", of="account_id"),
        ),
    ),
    Folder(
        "Transactions",
        (
            Step("Create Transaction", "POST /transactions", _ORDER, status=201, keeps=_TRANSACTION, fresh=("order_id",)),
            Step("Confirm Transaction", "POST /transactions/confirm", _CONFIRM, keeps={"paid_order_id": "@order_id"}),
            Step("Retrieve Transaction", "GET /transactions/{id}", of="transaction_id"),
            Step("List Transactions", "GET /transactions", query="order_id={{paid_order_id}}&limit=10"),
            Step("Explain Transaction", "GET /transactions/{id}/explain", of="transaction_id"),
            Step(
                "Create a Held Transaction",
                "POST /transactions",
                {**_ORDER, "capture_method": "manual", "application_fee_amount": 250},
                status=201,
                keeps=_TRANSACTION,
                fresh=("order_id",),
            ),
            Step("Hold the Money", "POST /transactions/confirm", _CONFIRM),
            Step(
                "Try a Capture (dry run)",
                "POST /transactions/{id}/capture",
                {"amount": 2000, "dry_run": True},
                of="transaction_id",
            ),
            Step("Capture Transaction", "POST /transactions/{id}/capture", {"amount": 2000}, of="transaction_id"),
            Step(
                "Create a Transaction to Cancel",
                "POST /transactions",
                _ORDER,
                status=201,
                keeps=_TRANSACTION,
                fresh=("order_id",),
            ),
            Step(
                "Cancel Transaction", "POST /transactions/{id}/cancel", {"cancellation_reason": "abandoned"}, of="transaction_id"
            ),
        ),
    ),
    Folder(
        "Refund",
        (
            Step(
                "Request Refund",
                "POST /refunds",
                {"order_id": "{{paid_order_id}}", "account_id": "{{account_id}}", "amount": 1000},
                status=201,
                keeps={"refund_id": "data.refund_id"},
            ),
            Step("List Refunds", "GET /refunds", query="order_id={{paid_order_id}}&limit=10"),
            Step("Retrieve Refund", "GET /refunds/{id}", of="refund_id"),
        ),
    ),
    Folder(
        "Payment Method",
        (
            Step(
                "Create Payment Method",
                "POST /payment-methods",
                {"payment_method_id": "pm_card_visa", "type": "card", "preferred": False},
                status=201,
                keeps={"payment_method_id": "data.payment_method_id"},
            ),
            Step("List Payment Methods", "GET /payment-methods", query="limit=10"),
            Step("Prefer Payment Method", "POST /payment-methods/{id}/preferred", {}, of="payment_method_id"),
        ),
    ),
    Folder(
        "Webhooks and Events",
        (
            Step("List Events", "GET /events", query="after=0&limit=10"),
            Step(
                "Create Webhook Endpoint",
                "POST /webhook-endpoints",
                {"url": "{{webhook_url}}", "events": ["*"], "description": "From Postman"},
                status=201,
                keeps={"webhook_endpoint_id": "data.id"},
            ),
            Step("List Webhook Endpoints", "GET /webhook-endpoints"),
            Step("Retrieve Webhook Endpoint", "GET /webhook-endpoints/{id}", of="webhook_endpoint_id"),
            Step(
                "Change Webhook Endpoint",
                "PATCH /webhook-endpoints/{id}",
                {"description": "Changed from Postman"},
                of="webhook_endpoint_id",
            ),
            Step("Test Webhook Endpoint", "POST /webhook-endpoints/{id}/test", {}, of="webhook_endpoint_id"),
            Step("Rotate Webhook Secret", "POST /webhook-endpoints/{id}/rotate-secret", {}, of="webhook_endpoint_id"),
            Step("Resend Events", "POST /webhook-endpoints/{id}/resend", {"after": 0, "until": 1}, of="webhook_endpoint_id"),
            Step(
                "List Deliveries",
                "GET /webhook-endpoints/{id}/deliveries",
                of="webhook_endpoint_id",
                query="limit=10",
                keeps={"delivery_id": "data.deliveries.0.id"},
            ),
            Step("Resend Delivery", "POST /deliveries/{id}/resend", {}, of="delivery_id"),
        ),
    ),
    Folder(
        "Cleaning Up",
        (
            Step("Delete Webhook Endpoint", "DELETE /webhook-endpoints/{id}", of="webhook_endpoint_id"),
            Step("Forget Payment Method", "DELETE /payment-methods/{id}", of="payment_method_id"),
            Step("Delete Account", "DELETE /connected-accounts/{id}", of="account_id"),
        ),
    ),
)
