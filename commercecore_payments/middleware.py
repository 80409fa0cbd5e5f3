"""What happens to every request before and after its view."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from commercecore_payments.identifiers import new_identifier
from commercecore_payments.views import bad_request

# Stripe's own request ids have 14 letters; where we refuse without asking Stripe, ours stands in their place.
REQUEST_ID_LENGTH = 14


def request_id(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Gives every request an id of its own (`req_…`), found in its answer, its errors and its records."""

    def handle(request: HttpRequest) -> HttpResponse:
        request.request_id = new_identifier("req", REQUEST_ID_LENGTH)  # type: ignore[attr-defined]
        response = get_response(request)
        response["X-Request-ID"] = request.request_id  # type: ignore[attr-defined]
        return response

    return handle


def refuse_nul(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Refuses a NUL in the address: no id holds one, and PostgreSQL takes none, wherever a view would look for it."""

    def handle(request: HttpRequest) -> HttpResponse:
        if "\x00" in request.path or "%00" in request.META.get("QUERY_STRING", ""):
            return bad_request(request)
        return get_response(request)

    return handle
