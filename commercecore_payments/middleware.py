"""What happens to every request before and after its view."""

from collections.abc import Callable
from time import perf_counter

from django.http import HttpRequest, HttpResponse
from structlog.contextvars import bind_contextvars, clear_contextvars

from commercecore_payments.log_lines import logger_named
from commercecore_payments.metrics.requests import count_request
from commercecore_payments.request_ids import HEADER, request_id_of
from commercecore_payments.views import bad_request

logger = logger_named("commercecore_payments.requests")


def request_id(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Gives every request its id, found in its answer, errors, records and log lines, and tells what came of the request."""

    def handle(request: HttpRequest) -> HttpResponse:
        began_s = perf_counter()
        known = request_id_of(request)
        request.request_id = known  # type: ignore[attr-defined]
        # Not at the end: Django and gunicorn write lines when the answer has left here. gunicorn.conf.py forgets it then.
        clear_contextvars()
        bind_contextvars(request_id=known, method=request.method, path=request.path)
        response = get_response(request)
        response[HEADER] = known
        _tell(request, response, duration_s=perf_counter() - began_s)
        return response

    return handle


def _tell(request: HttpRequest, response: HttpResponse, *, duration_s: float) -> None:
    """The one line of every request, and its place in the metrics."""
    count_request(request, response, duration_s=duration_s)
    logger.info("request finished", status=response.status_code, duration_ms=round(duration_s * 1000, 1))


def refuse_nul(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Refuses a NUL in the address: no id holds one, and PostgreSQL takes none, wherever a view would look for it."""

    def handle(request: HttpRequest) -> HttpResponse:
        if "\x00" in request.path or "%00" in request.META.get("QUERY_STRING", ""):
            return bad_request(request)
        return get_response(request)

    return handle
