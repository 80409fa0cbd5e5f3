"""Rows for the tests of lists, written straight into the database: a list that asked Stripe about them would fail."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from accounts.models import ConnectedAccount
from commercecore_payments.tests.tenants import Tenant
from paymentmethods.models import Customer, PaymentMethod
from refunds.models import Refund
from transactions.models import Transaction
from webhooks.models import WebhookEndpoint

_numbers = count(1)


def make_account(tenant: Tenant, **more: Any) -> ConnectedAccount:
    number = next(_numbers)
    known = {"stripe_account_id": f"acct_{number}", "email": f"{number}@example.com", "status": "active", "stripe_created": 1}
    made: ConnectedAccount = ConnectedAccount.objects.create(developer=tenant.developer, **known | more)
    return made


def make_payment(tenant: Tenant, **more: Any) -> Transaction:
    """One of the app's own; with `external=True` one that was made past this service."""
    number = next(_numbers)
    own = {"app": tenant.app, "user_id": tenant.user_id, "order_id": f"order-{number}"}
    whose = {"holds_order": False} if more.get("external") else own
    account = more.pop("account", None) or make_account(tenant)
    known = {"stripe_payment_intent_id": f"pi_{number}", "status": "succeeded", "amount_minor": 1000, "currency": "usd"}
    known |= {"amount_received_minor": 1000, "developer": tenant.developer, "account": account}
    made: Transaction = Transaction.objects.create(**whose | known | more)
    return made


def make_refund(tenant: Tenant, **more: Any) -> Refund:
    """One of the app's own payments' unless another payment is named."""
    payment = more.pop("transaction", None) or make_payment(tenant)
    known = {"stripe_refund_id": f"re_{next(_numbers)}", "status": "succeeded", "amount_minor": 400, "currency": "usd"}
    known |= {"app": payment.app, "developer": tenant.developer, "transaction": payment, "external": payment.external}
    known |= {"account": payment.account, "user_id": payment.user_id}
    made: Refund = Refund.objects.create(**known | more)
    return made


def make_method(tenant: Tenant, **more: Any) -> PaymentMethod:
    customer, _ = Customer.objects.get_or_create(developer=tenant.developer, user_id=tenant.user_id)
    identifier = f"pm_{next(_numbers)}"
    known = {"customer": customer, "app": tenant.app, "given_id": identifier, "stripe_payment_method_id": identifier}
    made: PaymentMethod = PaymentMethod.objects.create(**known | {"status": "saved", "type": "card"} | more)
    return made


def make_endpoint(tenant: Tenant, **more: Any) -> WebhookEndpoint:
    known = {"app": tenant.app, "url": "https://shop.example/hooks", "event_types": ["*"], "secret": "x", "secret_key_id": "1"}
    made: WebhookEndpoint = WebhookEndpoint.objects.create(**known | more)
    return made


# Each list that goes newest first: its address, the name of its rows, the id of a row in an answer, the same in our database.
LISTS: dict[str, tuple[str, str, str, Callable[..., Any]]] = {
    "/connected-accounts": ("connected_accounts", "account_id", "stripe_account_id", make_account),
    "/transactions": ("transactions", "transaction_id", "stripe_payment_intent_id", make_payment),
    "/refunds": ("refunds", "refund_id", "stripe_refund_id", make_refund),
    "/payment-methods": ("payment_methods", "payment_method_id", "stripe_payment_method_id", make_method),
    "/webhook-endpoints": ("webhook_endpoints", "id", "pk", make_endpoint),
}


# When the first of the rows below was made.
BEGAN = datetime(2026, 11, 1, tzinfo=UTC)


def made(tenant: Tenant, path: str, number: int) -> list[str]:
    """The ids of new rows of a list, the newest first: two in each second, of which the later one is newer."""
    _, _, identifier, make = LISTS[path]
    rows = [make(tenant, created_at=BEGAN + timedelta(seconds=place // 2)) for place in range(number)]
    rows.sort(key=lambda row: (row.created_at, row.pk), reverse=True)
    return [getattr(row, identifier) for row in rows]


def shown(tenant: Tenant, address: str) -> list[str]:
    """The ids that a list answers with."""
    response = tenant.get(address)
    assert response.status_code == 200, response.json()
    name, key, _, _ = LISTS[address.partition("?")[0]]
    return [row[key] for row in response.json()["data"][name]]
