"""For tests of the admin: staff with chosen permissions, records of every kind, and the addresses of pages."""

from typing import Any

from django.contrib.admin.utils import quote
from django.contrib.auth.models import Permission, User
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from accounts.models import ConnectedAccount
from commercecore_payments.tests.tenants import Tenant
from developers.models import App, Developer, DeveloperToken, RevokedJsonWebToken
from developers.operations import revoke_json_web_token
from gateway.models import Operation
from idempotency.models import IdempotencyKey
from paymentmethods.models import Customer, PaymentMethod
from refunds.models import Refund
from sandbox.models import SandboxObject, SandboxOrder
from sandbox.orders import create_order
from transactions.models import Transaction

MONEY_RECORDS: tuple[type[Any], ...] = (ConnectedAccount, Transaction, Refund, PaymentMethod, Customer, Operation)
OWN_RECORDS: tuple[type[Any], ...] = (
    *MONEY_RECORDS,
    Developer,
    App,
    DeveloperToken,
    RevokedJsonWebToken,
    IdempotencyKey,
    SandboxOrder,
    SandboxObject,
)


def staff_client(*permissions: str, superuser: bool = False, csrf: bool = False) -> Client:
    """The browser of someone on the staff with these permissions, such as `transactions.view_transaction`."""
    user = User.objects.create_user("operator", password="correct horse", is_staff=True, is_superuser=superuser)
    for permission in permissions:
        app_label, codename = permission.split(".")
        user.user_permissions.add(Permission.objects.get(content_type__app_label=app_label, codename=codename))
    client = Client(enforce_csrf_checks=csrf)
    client.force_login(user)
    return client


def list_page(model: type[Model]) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


def add_page(model: type[Model]) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_add")


def record_page(record: Model, page: str = "change") -> str:
    """The address of a record's own page, or of one of its actions: `change`, `delete`, `history`, `revoke` …"""
    return reverse(f"admin:{record._meta.app_label}_{record._meta.model_name}_{page}", args=[quote(str(record.pk))])


def make_records(tenant: Tenant, seller: str) -> str:
    """At least one record of every kind, made as callers make them. The id of the transaction that was refunded."""
    transaction_id = tenant.pay(seller, order_id="2227222")
    tenant.post("/refunds", {"order_id": "2227222", "account_id": seller, "amount": 300}, **{"Idempotency-Key": "refund-1"})
    tenant.confirm(seller, tenant.create_payment(seller, order_id="declined"), "pm_card_visa_chargeDeclined")
    tenant.post("/payment-methods", {"payment_method_id": "pm_card_visa"})
    revoke_json_web_token(kid="main", jti="token-1", reason="leaked")
    create_order(developer_id=tenant.developer.pk, account_id=seller, amount_minor=2500, currency="usd", order_id="order_1")
    return transaction_id
