"""The sandbox's door for every program that speaks to Stripe: `/v1/…` of this service's own address.

stripe-node, stripe-ruby or curl are pointed at it by their base address, with any `sk_test_…` key. It takes no session and
no CSRF token: the key is what a request is known by, as at Stripe.
"""

from http import HTTPStatus

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from sandbox.api import server
from sandbox.api.errors import ParameterRefused, StripeError
from sandbox.api.wire import Answer, Request, read_request
from sandbox.faults import fault_kinds
from sandbox.transport import lost_answers

# No documented request comes near it: 50 keys of metadata of 500 characters each are 28 KB, percent-encoded or not.
MAX_BODY_BYTES = 65_536
FORM = "application/x-www-form-urlencoded"


@csrf_exempt
def stripe_api(request: HttpRequest, *_: str) -> HttpResponse:
    """Answers one request as Stripe would; no answer at all where a fault was ordered that leaves none."""
    try:
        return http_response(_answer(request))
    except StripeError as refused:
        return http_response(server.refuse(refused))


def _answer(request: HttpRequest) -> Answer:
    read = read_http(request)
    try:
        found = server.answer(read)
    except fault_kinds.NoAnswer as unanswered:
        lost_answers.lose(request, unanswered.fault)
        return Answer(HTTPStatus.OK, {})  # written to a closed connection: it reaches nobody
    fault_kinds.wait(found.delay_s)
    return found


def read_http(request: HttpRequest) -> Request:
    """The request as the sandbox takes it. Raises StripeError for a body that is too large, in chunks, or no form."""
    body = read_body(request, FORM)
    return read_request(method=request.method or "", url=request.get_full_path(), headers=request.headers, form=body)


def read_body(request: HttpRequest, *types: str) -> str:
    """The body, as text. Raises StripeError where it is too large, in chunks, no UTF-8, or of none of these media types."""
    if request.headers.get("Transfer-Encoding"):  # the server hands on no body then, which would look like none
        raise StripeError("Send the body with its Content-Length, and not in chunks.", status=HTTPStatus.LENGTH_REQUIRED)
    raw = request.read(MAX_BODY_BYTES + 1)
    if len(raw) > MAX_BODY_BYTES:
        message = f"The request body is larger than {MAX_BODY_BYTES} bytes."
        raise StripeError(message, status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    if raw and request.content_type not in types:
        # Stripe's own sentence is [reported]; that it comes with 400 is unverified.
        raise ParameterRefused(f"Invalid request (check that your POST content type is {types[0]}).")
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise ParameterRefused("Invalid request: the body is no UTF-8 text.") from None


def http_response(answer: Answer) -> HttpResponse:
    """An answer of Stripe's as it travels, kept by nobody on its way."""
    response = HttpResponse(answer.text(), status=answer.status, headers=answer.headers)
    response["Cache-Control"] = "no-cache, no-store"
    response["Sandbox"] = "this is no real Stripe"
    return response


def is_door(request: HttpRequest) -> bool:
    """Whether an address is one at which errors have Stripe's shape."""
    return request.path == "/v1" or request.path.startswith(("/v1/", "/sandbox/api/"))


def bad_request() -> HttpResponse:
    """400 for what the server refused before it came here, such as an unknown host: nothing of it is repeated."""
    return http_response(server.refuse(StripeError("Invalid request.")))


def unexpected_failure() -> HttpResponse:
    """500 that says nothing of the inside. Django has logged what happened."""
    failed = StripeError(fault_kinds.SERVER_FAILED, status=HTTPStatus.INTERNAL_SERVER_ERROR, type="api_error")
    return http_response(server.refuse(failed))
