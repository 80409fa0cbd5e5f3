"""Faults that callers of this service's own API order for the calls to Stripe that their request leads to."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from commercecore_payments.error_responses import plain_error
from commercecore_payments.errors import BadRequest
from commercecore_payments.views import is_api
from sandbox.api.errors import ParameterRefused
from sandbox.faults import plans
from sandbox.faults.fault_headers import HEADER, read_header

MET_HEADER = "Sandbox-Faults-Met"


class InvalidFault(BadRequest):
    """The header names no fault of the sandbox's."""

    code = "invalid_sandbox_fault"


def order_faults(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Reads `Sandbox-Fault` of a request to the API; the answer tells in `Sandbox-Faults-Met` how many calls met it."""

    def handle(request: HttpRequest) -> HttpResponse:
        ordered = request.headers.get(HEADER, "")
        if not ordered or not is_api(request):
            return get_response(request)
        try:
            fault = read_header(ordered)
        except ParameterRefused as malformed:
            return plain_error(request, InvalidFault(str(malformed)))
        with plans.present(fault) as times_met:
            response = get_response(request)
            response[MET_HEADER] = str(times_met())
            return response

    return handle
