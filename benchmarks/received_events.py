"""Events to measure, and the two doors that take them: the service's own, and the least that one could do."""

import io
import json
import secrets
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

import stripe
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import include, path
from django.views.decorators.csrf import csrf_exempt

from commercecore_payments.clock import now
from commercecore_payments.demo import create_demo_tenant
from sandbox.models import SandboxObject
from stripe_events.models import Status, StripeEvent

Environ = dict[str, Any]
BARE = "/benchmark/bare"
OWN = "/webhooks/stripe"
TABLE = "CREATE TABLE bare_event (id text PRIMARY KEY, body jsonb NOT NULL)"
INSERT = "INSERT INTO bare_event (id, body) VALUES (%s, %s) ON CONFLICT DO NOTHING"


@csrf_exempt
def bare_view(request: HttpRequest) -> HttpResponse:
    """Verifies, inserts, answers."""
    secret = settings.STRIPE_CONNECT_WEBHOOK_SECRETS
    stripe.WebhookSignature.verify_header(request.body, request.headers["Stripe-Signature"], secret, 300)
    with connection.cursor() as cursor:
        cursor.execute(INSERT, [json.loads(request.body)["id"], request.body.decode()])
    return HttpResponse(status=200)


# The addresses of the service, and the bare view beside them.
urlpatterns = [path(BARE.removeprefix("/"), bare_view), path("", include("commercecore_payments.urls"))]


def doors() -> dict[str, Callable[[Environ], None]]:
    """Both ways in, by name, through the same application with the same middleware."""
    settings.ROOT_URLCONF = __name__
    with connection.cursor() as cursor:
        cursor.execute(TABLE)
    application = WSGIHandler()
    return {"own": lambda environ: _post(application, OWN, environ), "bare": lambda environ: _post(application, BARE, environ)}


def _post(application: WSGIHandler, address: str, environ: Environ) -> None:
    answer = application.get_response(WSGIRequest({**environ, "PATH_INFO": address}))
    answer.close()
    if answer.status_code != HTTPStatus.OK:
        raise RuntimeError(f"An event was answered with {answer.status_code}.")


def pay(number: int) -> list[dict[str, Any]]:
    """What Stripe tells of so many payments that the API has made: of each that it was begun, and that it succeeded."""
    demo = create_demo_tenant()
    headers = {"X-Developer-Token": demo.developer_token, "X-App-ID": demo.app_id, "X-User-ID": demo.user_id}
    client = Client(headers=headers, SERVER_NAME="127.0.0.1")
    for order in range(number):
        body = {"order_id": f"benchmark-{order}", "account_id": demo.account_id, "amount": 1000}
        made = client.post("/api/v1/transactions", json.dumps(body), content_type="application/json").json()["data"]
        confirmed = {
            "account_id": demo.account_id, "transaction_id": made["transaction_id"], "payment_method_id": "pm_card_visa",
        }  # fmt: skip
        client.post("/api/v1/transactions/confirm", json.dumps(confirmed), content_type="application/json")
    rows = SandboxObject.objects.filter(object_type="event", account=demo.account_id).order_by("pk")
    return [row.data for row in rows if row.data["type"] in ("payment_intent.created", "payment_intent.succeeded")]


def signed(told: list[dict[str, Any]], number: int) -> list[Environ]:
    """So many posts, each of an event with an id of its own, signed now."""
    return [_environ({**told[each % len(told)], "id": f"evt_{secrets.token_hex(12)}"}) for each in range(number)]


def _environ(content: Mapping[str, Any]) -> Environ:
    text = json.dumps(content, indent=2)  # as Stripe writes them
    secret = settings.STRIPE_CONNECT_WEBHOOK_SECRETS
    body = text.encode()
    return {
        "REQUEST_METHOD": "POST",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8000",
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(body)),
        "HTTP_STRIPE_SIGNATURE": stripe.WebhookSignature.generate_signature_header(text, secret, int(now().timestamp())),
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": io.StringIO(),
        "wsgi.url_scheme": "http",
    }


def check() -> None:
    """Raises RuntimeError where an event was not stored as one that a worker applies: this is not what should be measured."""
    if not StripeEvent.objects.exists() or StripeEvent.objects.exclude(status=Status.PENDING).exists():
        raise RuntimeError("An event was not stored as it should.")
