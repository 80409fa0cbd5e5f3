"""The smallest honest view that starts a payment, as one would write it in an afternoon: what the service is measured against.

One lookup of the token, one INSERT, one call through the SDK with the SDK's own transport, one UPDATE, each committed. It is a
view of Django REST framework, as an API in Django is written, with a class that finds the token, and everything else as the
framework and `startproject` leave it: their parsers and renderers, the middleware that every new project has. It has no
serializer, no limits, no log and no metrics, and promises nothing of what happens when it is killed. What differs from the
defaults makes it cheaper: a pool of connections in place of a new one for each request, and none of the SDK's telemetry.
"""

import hashlib
from functools import cache
from http import HTTPStatus
from typing import Any

import stripe
from django.conf import settings
from django.db import connection, models
from django.urls import path
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView


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


class TokenAuthentication(BaseAuthentication):
    """Whoever has a token is let in."""

    def authenticate(self, request: Request) -> tuple[Token, None]:
        token = Token.objects.filter(digest=digest(request.headers.get("X-Developer-Token", ""))).first()
        if token is None:
            raise AuthenticationFailed
        return token, None


class PaymentView(APIView):
    """Payments."""

    authentication_classes = (TokenAuthentication,)

    def post(self, request: Request) -> Response:
        """`POST /api/v1/transactions`"""
        return Response({"data": create_payment(request.user, request.data)}, status=HTTPStatus.CREATED)


def create_payment(token: Any, asked: Any) -> dict[str, Any]:
    """The payment's row before the call and after it, and the call between them."""
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
    return {"transaction_id": intent.id, "client_secret": intent.client_secret, "status": intent.status}


urlpatterns = [path("api/v1/transactions", PaymentView.as_view())]
