"""What the addresses of the control API have in common: a test key, a form or a JSON object, and errors in Stripe's shape."""

import json
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from sandbox.api import server, waiting
from sandbox.api.errors import ParameterRefused, StripeError, unknown_route
from sandbox.api.parameters import Hash
from sandbox.api.wire import Answer, read_form, read_key
from sandbox.timeline import due
from sandbox.transport import door

JSON = "application/json"

# Gets the parameters that were read, and by their names the ids that stand in the address.
Answering = Callable[..., dict[str, Any]]
Doing = tuple[Hash, Answering]


def controlled(**doings: Doing) -> Callable[..., HttpResponse]:
    """A view of one address: for each method the parameters it takes, and what it does with them and the ids of the address."""

    @csrf_exempt
    def view(request: HttpRequest, **ids: str) -> HttpResponse:
        try:
            server.require_test_key(read_key(request.headers.get("Authorization", "")))
            if request.method not in doings:
                raise unknown_route(request.method or "", request.path)
            parameters, do = doings[request.method]
            sent = parameters.read(_parameters(request))
            with waiting.refused_in_vain():
                return door.http_response(server.finished(Answer(200, do(sent, **ids))))
        except StripeError as refused:
            return door.http_response(server.refuse(refused))

    return view


def ordered(takes: Hash, do: Answering) -> Callable[..., HttpResponse]:
    """A view of an order about an object, by POST: whoever gives one sees the present, so what is due is carried out first."""

    def order(sent: dict[str, Any], **ids: str) -> dict[str, Any]:
        due.carry_out_due()
        return do(sent, **ids)

    return controlled(POST=(takes, order))


def _parameters(request: HttpRequest) -> dict[str, Any]:
    """What a form or a JSON object says, a number or a truth value of the object written as a form writes it."""
    body = door.read_body(request, door.FORM, JSON)
    if request.content_type != JSON:
        return read_form(body)
    try:
        found = json.loads(body or "{}")
        json.dumps(found, ensure_ascii=False).encode()
    except (ValueError, RecursionError):  # half of a surrogate pair among them: JSON can spell it, and it is no text
        raise ParameterRefused("Invalid request: the body is no JSON.") from None
    if not isinstance(found, dict) or "\\u0000" in body:
        raise ParameterRefused("Invalid request: the body must be a JSON object, without null characters.")
    return {name: value if isinstance(value, str | dict | list) else json.dumps(value) for name, value in found.items()}
