"""For tests of the admin: staff with chosen permissions, records of every kind, and the addresses of pages."""

import json
from collections.abc import Mapping
from typing import Any

from auditlog.models import LogEntry
from django.contrib.admin.utils import quote
from django.contrib.auth.models import Permission, User
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from accounts.models import ConnectedAccount
from commercecore_payments.tests.tenants import Tenant
from developers.models import App, Developer, DeveloperToken, RevokedJsonWebToken
from developers.operations import revoke_json_web_token
from disputes.models import Dispute
from gateway.client import stripe_client
from gateway.models import Operation
from idempotency.models import IdempotencyKey
from paymentmethods.models import Customer, PaymentMethod
from payouts.models import Payout
from reconciliation.models import Case, Run
from reconciliation.tests.comparison import reconcile
from refunds.models import Refund, RefundApproval
from sandbox.models import SandboxObject, SandboxOrder
from sandbox.orders import create_order
from stripe_events.applying import apply_now
from stripe_events.models import Source, StripeEvent
from stripe_events.receipt import read_json, store
from transactions.models import Transaction
from webhooks.endpoints import create_endpoint
from webhooks.models import Delivery, Event, WebhookEndpoint

MONEY_RECORDS: tuple[type[Any], ...] = (
    ConnectedAccount,
    Transaction,
    Refund,
    RefundApproval,
    Dispute,
    Payout,
    PaymentMethod,
    Customer,
    Operation,
    StripeEvent,
    Event,
    WebhookEndpoint,
    Delivery,
    Case,
    Run,
)
OWN_RECORDS: tuple[type[Any], ...] = (
    *MONEY_RECORDS,
    Developer,
    App,
    DeveloperToken,
    RevokedJsonWebToken,
    IdempotencyKey,
    LogEntry,
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


def html_of(client: Client, address: str, **query: Any) -> str:
    """The page at this address, which has to open."""
    response = client.get(address, query)
    assert response.status_code == 200
    return response.content.decode()


REASON = "as the ticket says"


def perform(client: Client, record: Model, action: str, answers: Mapping[str, Any] | None = None, *, reason: str = REASON) -> Any:
    """Opens the page of an action and sends its form: the answer to that."""
    address = record_page(record, action)
    return client.post(address, {"form_token": form_token(client, address), "reason": reason, **(answers or {})})


def form_token(client: Client, address: str) -> str:
    """The one-time token of an action's form; empty where there is no form."""
    context: Any = client.get(address).context
    return str(context["form_token"]) if context is not None and "form_token" in context else ""


def make_records(tenant: Tenant, seller: str) -> str:
    """At least one record of every kind, made as callers and Stripe make them. The id of the transaction that was refunded."""
    create_endpoint(url="https://shop.example/hooks", event_types=["*"], actor=tenant.actor)
    transaction_id = tenant.create_payment(seller, order_id="2227222")
    tenant.confirm(seller, transaction_id, "pm_card_bypassPending")  # available at once, for the payout
    tenant.post("/refunds", {"order_id": "2227222", "account_id": seller, "amount": 300}, **{"Idempotency-Key": "refund-1"})
    stripe_client().v1.payouts.create({"amount": 400, "currency": "usd"}, {"stripe_account": seller})
    tenant.confirm(seller, tenant.create_payment(seller, order_id="declined"), "pm_card_visa_chargeDeclined")
    tenant.confirm(seller, tenant.create_payment(seller, order_id="disputed"), "pm_card_createDispute")
    for event_type in ("payment_intent.succeeded", "charge.dispute.created", "payout.created"):
        apply_now(receive_newest(seller, event_type))
    tenant.post("/payment-methods", {"payment_method_id": "pm_card_visa"})
    revoke_json_web_token(kid="main", jti="token-1", reason="leaked")
    RefundApproval.objects.create(
        transaction=Transaction.objects.get(stripe_payment_intent_id=transaction_id),
        amount_minor=100,
        currency="usd",
        reason="the parcel was damaged",
        requested_by=User.objects.create_user("asking", is_staff=True),
    )
    create_order(developer_id=tenant.developer.pk, account_id=seller, amount_minor=2500, currency="usd", order_id="order_1")
    stripe_client().v1.accounts.create({"type": "express"})  # which this service knows nothing of
    reconcile()
    return transaction_id


def receive_newest(seller: str, event_type: str) -> StripeEvent:
    """The seller's newest event of this type, stored and not applied yet."""
    listed = stripe_client().v1.events.list({"type": event_type}, {"stripe_account": seller})
    stored = store(read_json(json.dumps(listed.data[0].to_dict())), source=Source.LIST)
    assert stored is not None
    return stored
