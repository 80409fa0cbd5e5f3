"""`/metrics`, for the operator's Prometheus alone."""

import hmac

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.views.decorators.csrf import csrf_exempt
from prometheus_client import CONTENT_TYPE_LATEST

from commercecore_payments.metrics.exposition import exposition
from commercecore_payments.views import unknown_route


@csrf_exempt  # it changes nothing, and a page about a missing token would hide that the route does not exist
def metrics(request: HttpRequest) -> HttpResponse:
    """404 without METRICS_TOKEN, 401 without it in the request; else the metrics of every process."""
    if not settings.METRICS_TOKEN:
        return unknown_route(request)
    if not _is_operators(request):
        return HttpResponse("Unauthorized\n", status=401, content_type="text/plain", headers={"WWW-Authenticate": "Bearer"})
    if request.method not in ("GET", "HEAD"):
        return HttpResponseNotAllowed(["GET", "HEAD"])
    return HttpResponse(exposition(), content_type=CONTENT_TYPE_LATEST, headers={"Cache-Control": "no-store"})


def _is_operators(request: HttpRequest) -> bool:
    """Compared in a time that tells nothing of how much of the token is right."""
    sent = request.headers.get("Authorization", "").encode()
    return hmac.compare_digest(sent, f"Bearer {settings.METRICS_TOKEN}".encode())
