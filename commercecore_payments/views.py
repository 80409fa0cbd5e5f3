"""The root and status of the API, the landing page, and the answers to what no view answers."""

from typing import Any

from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt
from rest_framework.request import Request
from rest_framework.response import Response

from commercecore_payments.clock import now
from commercecore_payments.error_responses import plain_error
from commercecore_payments.errors import RouteNotFound, ServiceError, UnreadableRequest
from commercecore_payments.metrics.requests import UNEXPECTED
from commercecore_payments.viewsets import PublicViewSet
from sandbox.transport import door

DOCUMENTATION = "https://documenter.getpostman.com/view/36378381/2sAXqtb23"  # as documented

# What the landing page lists: every route of the API but its root and status.
ENDPOINTS = (
    ("POST /connected-accounts", "Creates a seller's account and the link to its onboarding"),
    ("POST /connected-accounts/onboarding", "Says how far the onboarding has come, and links to the rest of it"),
    ("POST /connected-accounts/login", "Makes a one-time link to the seller's dashboard"),
    ("GET /connected-accounts", "Lists a developer's accounts, and whether each can be paid"),
    ("GET /connected-accounts/{id}", "Reads an account, and what stands in its way"),
    ("GET /connected-accounts/{id}/balance", "Reads an account's money at Stripe"),
    ("DELETE /connected-accounts/{id}", "Deletes an account"),
    ("POST /transactions", "Starts the payment of an order"),
    ("POST /transactions/confirm", "Charges the buyer"),
    ("POST /transactions/{id}/capture", "Takes the money of a hold, or a part of it"),
    ("POST /transactions/{id}/cancel", "Gives up a payment, and frees its hold"),
    ("GET /transactions", "Lists an app's payments"),
    ("GET /transactions/{id}", "Reads a payment"),
    ("GET /transactions/{id}/explain", "Says why a payment is as it is, and all that happened to it"),
    ("POST /refunds", "Gives money back, the whole or a part"),
    ("GET /refunds", "Lists an app's refunds"),
    ("GET /refunds/{id}", "Reads a refund"),
    ("POST /payment-methods", "Saves a card for a user"),
    ("GET /payment-methods", "Lists a user's saved cards"),
    ("POST /payment-methods/{id}/preferred", "Makes a saved card the preferred one"),
    ("DELETE /payment-methods/{id}", "Forgets a saved card"),
    ("POST /webhook-endpoints", "Names an address that an app's events are sent to, and makes the secret that signs them"),
    ("GET /webhook-endpoints", "Lists an app's webhook endpoints"),
    ("GET /webhook-endpoints/{id}", "Reads a webhook endpoint"),
    ("PATCH /webhook-endpoints/{id}", "Changes a webhook endpoint, and switches it off and on"),
    ("DELETE /webhook-endpoints/{id}", "Deletes a webhook endpoint"),
    ("POST /webhook-endpoints/{id}/rotate-secret", "Makes a new secret; the one before signs beside it for a day"),
    ("GET /webhook-endpoints/{id}/deliveries", "Lists what was sent to a webhook endpoint, and what came back"),
    ("POST /webhook-endpoints/{id}/resend", "Sends a range of events again"),
    ("POST /webhook-endpoints/{id}/test", "Posts five checks to a webhook endpoint, and reports on each"),
    ("GET /events", "Lists an app's events, from any of them on"),
    ("POST /deliveries/{id}/resend", "Sends one event again"),
)


def naive_utc_text() -> str:
    """The present moment as the documentation writes it: `2024-09-22 00:44:56.093179`."""
    return now().replace(tzinfo=None).strftime("%Y-%m-%d %H:%M:%S.%f")


class RootViewSet(PublicViewSet):
    def retrieve(self, request: Request) -> Response:
        """`GET /api/v1`: the endpoints to start with. `timpstamp` is spelt as it was published."""
        timestamp = naive_utc_text()
        return Response(
            {
                "message": "Welcome to CommerceCore Payment Service API",
                "version": "v1",
                "timpstamp": timestamp,
                "timestamp": timestamp,
                "starter_endpoints": {
                    "create_connected_account": "/api/v1/connected-accounts",
                    "continue_onboarding": "/api/v1/connected-accounts/onboarding",
                    "login_account_dashboard": "/api/v1/connected-accounts/login",
                    "create_transaction": "/api/v1/transactions",
                    "confirm_transaction": "/api/v1/transactions/confirm",
                    "request_refund": "/api/v1/refunds",
                },
                "documentation": DOCUMENTATION,
            }
        )


class StatusViewSet(PublicViewSet):
    def retrieve(self, request: Request) -> Response:
        """`GET /api/v1/status`: 200 while the database answers, 503 when it does not."""
        connected = database_answers()
        body = {
            "status": "ok" if connected else "error",
            "service": "The Payment Service",
            "timestamp": naive_utc_text(),
            "base_url": request.build_absolute_uri("/api/v1"),
            "database_status": "connected" if connected else "disconnected",
        }
        return Response(body, status=200 if connected else 503)


def database_answers() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return False
    return True


def landing_page(request: HttpRequest) -> HttpResponse:
    """`/`: what this is, and the way to everything."""
    context: dict[str, Any] = {
        "environment": settings.STRIPE_ENVIRONMENT,
        "sandbox": settings.STRIPE_SANDBOX,
        "api_root": request.build_absolute_uri("/api/v1"),
        "endpoints": ENDPOINTS,
        "documentation": DOCUMENTATION,
    }
    return render(request, "commercecore_payments/landing.html", context)


@csrf_exempt  # it does nothing, and a page about a missing token would hide that the route does not exist
def unknown_route(request: HttpRequest, *_: object, **__: object) -> HttpResponse:
    """404: the one error shape below /api, a page elsewhere."""
    if is_api(request):
        return plain_error(request, RouteNotFound())
    return render(request, "commercecore_payments/not_found.html", status=404)


def bad_request(request: HttpRequest, *_: object, **__: object) -> HttpResponse:
    """400 from Django itself, such as an unknown host: nothing of the request is repeated."""
    if settings.STRIPE_SANDBOX and door.is_door(request):
        return door.bad_request()
    if not is_api(request):
        return HttpResponse("Bad request.", status=400, content_type="text/plain")
    return plain_error(request, UnreadableRequest())


def unexpected_failure(request: HttpRequest) -> HttpResponse:
    """500: the documented sentence and nothing of the inside. The log has the rest under the same request id."""
    UNEXPECTED.inc()
    if settings.STRIPE_SANDBOX and door.is_door(request):
        return door.unexpected_failure()
    if is_api(request):
        return plain_error(request, ServiceError())
    return render(request, "commercecore_payments/failure.html", status=500)


def is_api(request: HttpRequest) -> bool:
    return request.path == "/api" or request.path.startswith("/api/")
