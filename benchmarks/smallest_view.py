"""The smallest honest view that starts a payment, as one would write it in an afternoon: what the service is measured against.

One lookup of the token, one INSERT, one call through the SDK with the SDK's own transport, one UPDATE, each committed. No
REST framework, and the middleware that every new project has. It promises nothing of what happens when it is killed.
"""

import hashlib
import json
from functools import cache
from http import HTTPStatus
from typing import Any

import stripe
from django.conf import settings
from django.db import connection, models
from django.http import HttpRequest, JsonResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt


class Token(models.Model):
    """Whose requests are taken."""

    digest = models.CharField(max_length=64, unique=True)  # a SHA-256 in hexadecimal

    objects: models.Manager[Any] = models.Manager()

    class Meta:
        app_label = "smallest"


class Payment(models.Model):
    """A payment, and its intent at Stripe."""

    token = models.ForeignKey(Token, models.PROTECT)
    order_id = models.CharField(max_length=255)
    account_id = models.CharField(max_length=255)
    amount_minor = models.BigIntegerField()
    status = models.CharField(max_length=32, default="creating")
    stripe_id = models.CharField(max_length=255, blank=True)

    objects: models.Manager[Any] = models.Manager()

    class Meta:
        app_label = "smallest"


def digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def make_tables(token: str) -> None:
    """Both tables, and the one token."""
    with connection.schema_editor() as editor:
        editor.create_model(Token)
        editor.create_model(Payment)
    Token.objects.create(digest=digest(token))


@cache
def stripe_client() -> stripe.StripeClient:
    """With the SDK's own transport, which asks `requests`."""
    address: str = settings.STRIPE_ADDRESS  # type: ignore[misc]  # of the benchmark's own settings
    return stripe.StripeClient(settings.STRIPE_SECRET_KEY, base_addresses={"api": address})


@csrf_exempt
def create_payment(request: HttpRequest) -> JsonResponse:
    """`POST /api/v1/transactions`"""
    token = Token.objects.get(digest=digest(request.headers["X-Developer-Token"]))
    asked = json.loads(request.body)
    payment = Payment.objects.create(
        token=token, order_id=asked["order_id"], account_id=asked["account_id"], amount_minor=asked["amount"]
    )
    intent = stripe_client().v1.payment_intents.create(
        {
            "amount": payment.amount_minor,
            "currency": "usd",
            "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
            "metadata": {"order": payment.order_id},
        },
        {"stripe_account": payment.account_id, "idempotency_key": f"payment-{payment.pk}"},
    )
    payment.stripe_id, payment.status = intent.id, intent.status
    payment.save(update_fields=["stripe_id", "status"])
    data = {"transaction_id": intent.id, "client_secret": intent.client_secret, "status": intent.status}
    return JsonResponse({"data": data}, status=HTTPStatus.CREATED)


urlpatterns = [path("api/v1/transactions", create_payment)]
