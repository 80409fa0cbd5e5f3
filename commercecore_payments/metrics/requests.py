"""Requests, by the template of their route: never by their address, which holds ids."""

from functools import lru_cache

from django.contrib.admindocs.views import simplify_regex
from django.http import HttpRequest, HttpResponse
from prometheus_client import Counter, Histogram

from commercecore_payments.metrics.registry import BUCKETS_S, REGISTRY, counting

REQUESTS = Counter(
    "commercecore_requests",
    "Requests that were answered, by the template of the route, the method and the status.",
    ("route", "method", "status"),
    registry=REGISTRY,
)
DURATION = Histogram(
    "commercecore_request_duration_seconds",
    "Seconds from a request's arrival in the application to its answer, by the template of the route and the method.",
    ("route", "method"),
    buckets=BUCKETS_S,
    registry=REGISTRY,
)
# Told apart from the statuses: the documented API answers some mistakes of callers with 500 too.
UNEXPECTED = Counter(
    "commercecore_unexpected_failures",
    "Requests that ended in an error that nobody foresaw: the log has its traceback.",
    registry=REGISTRY,
)
# Those of RFC 9110 and RFC 5789. Others are strangers' inventions, and would be as many series.
METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"))
OTHER = "other"
# Of what no route answers: unknown addresses, and files that the pages load.
NO_ROUTE = "none"


def count_request(request: HttpRequest, response: HttpResponse, *, duration_s: float) -> None:
    """Counts one answered request."""
    match = request.resolver_match
    route = template_of(match.route) if match is not None and match.route else NO_ROUTE
    method = request.method if request.method in METHODS else OTHER
    with counting():
        requests, durations = _series(route, method, response.status_code)
        requests.inc()
        durations.observe(duration_s)


@lru_cache(maxsize=4096)  # each route has few methods and statuses; looking a series up costs more than counting
def _series(route: str, method: str, status: int) -> tuple[Counter, Histogram]:
    return REQUESTS.labels(route, method, status), DURATION.labels(route, method)


@lru_cache(maxsize=1024)  # there are some hundred routes, most of them the admin's
def template_of(route: str) -> str:
    """A route's expression as people read it: `/api/v1/transactions/<identifier>/capture`."""
    return str(simplify_regex(route.replace("/?$", "").replace("?$", "")).rstrip("/") or "/")
