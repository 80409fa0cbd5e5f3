"""The control API of the sandbox: orders faults and moves the clock, for programs that are tested against it.

It takes a form or a JSON object and a test key, and answers errors in Stripe's shape.
"""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from sandbox.api import server
from sandbox.api.errors import ParameterRefused, StripeError, unknown_route
from sandbox.api.parameters import Choice, Hash, Integer, Parameter, Text, required
from sandbox.api.wire import Answer, read_form, read_key
from sandbox.faults import plans
from sandbox.faults.fault_kinds import KINDS, METHODS, MOST_TIMES
from sandbox.models import ID_LENGTH
from sandbox.timeline import clock, due
from sandbox.transport import door

JSON = "application/json"
NO_PARAMETERS = Hash({})
FAULT = Hash(
    {
        "kind": required(Choice(tuple(sorted(KINDS)))),
        "account": Parameter(Text(ID_LENGTH)),
        "method": Parameter(Choice(METHODS)),
        "path": Parameter(Text(ID_LENGTH)),
        "event_type": Parameter(Text(plans.EVENT_TYPE_LENGTH)),
        "times": Parameter(Integer(1, MOST_TIMES)),
        "delay_s": Parameter(Text()),
    }
)
CLOCK = Hash({"advance_s": required(Integer(maximum=int(clock.FURTHEST.total_seconds())))})

Answering = Callable[[dict[str, Any]], dict[str, Any]]
Doing = tuple[Hash, Answering]


def _list_faults(_: dict[str, Any]) -> dict[str, Any]:
    data = [plans.as_json(row) for row in plans.planned()]
    return {"object": "list", "url": "/sandbox/api/faults", "has_more": False, "data": data}


def _order_fault(sent: dict[str, Any]) -> dict[str, Any]:
    wanted = {name: value for name, value in sent.items() if name in ("account", "method", "path", "event_type", "times")}
    return plans.as_json(plans.order(sent["kind"], delay_s=_seconds(sent.get("delay_s", "0")), **wanted))


def _cancel_faults(_: dict[str, Any]) -> dict[str, Any]:
    return {"object": "sandbox_faults", "canceled": plans.cancel_all()}


def _tell_clock(_: dict[str, Any]) -> dict[str, Any]:
    return {"object": "sandbox_clock", "now": clock.now_seconds(), "ahead_s": int(clock.ahead().total_seconds())}


def _move_clock(sent: dict[str, Any]) -> dict[str, Any]:
    try:
        carried_out = due.move_clock(timedelta(seconds=sent["advance_s"]))
    except clock.TooFar as refused:
        raise ParameterRefused(str(refused), param="advance_s") from None
    return _tell_clock({}) | {"carried_out": carried_out}


def _seconds(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ParameterRefused(f"Invalid number: {text[:20]}", param="delay_s") from None


def _control(**doings: Doing) -> Callable[[HttpRequest], HttpResponse]:
    """A view of one address: for each method the parameters it takes, and what it does."""

    @csrf_exempt
    def view(request: HttpRequest) -> HttpResponse:
        try:
            server.require_test_key(read_key(request.headers.get("Authorization", "")))
            if request.method not in doings:
                raise unknown_route(request.method or "", request.path)
            parameters, do = doings[request.method]
            return door.http_response(server.finished(Answer(200, do(parameters.read(_parameters(request))))))
        except StripeError as refused:
            return door.http_response(server.refuse(refused))

    return view


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


faults_api = _control(GET=(NO_PARAMETERS, _list_faults), POST=(FAULT, _order_fault), DELETE=(NO_PARAMETERS, _cancel_faults))
clock_api = _control(GET=(NO_PARAMETERS, _tell_clock), POST=(CLOCK, _move_clock))
