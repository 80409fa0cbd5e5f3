"""The control API of the sandbox: orders faults and moves the clock, for programs that are tested against it."""

from datetime import timedelta
from typing import Any

from sandbox.api.errors import ParameterRefused, StripeError
from sandbox.api.parameters import Choice, Hash, Integer, Parameter, Text, required
from sandbox.faults import plans
from sandbox.faults.fault_kinds import KINDS, METHODS, MOST_TIMES
from sandbox.models import ID_LENGTH
from sandbox.timeline import clock, due
from sandbox.transport.controlled import controlled

NO_PARAMETERS = Hash({})
FAULT = Hash(
    {
        "kind": required(Choice(tuple(sorted(KINDS)))),
        "account": Parameter(Text(ID_LENGTH)),
        "method": Parameter(Choice(METHODS)),
        "path": Parameter(Text(ID_LENGTH)),
        "event_type": Parameter(Text()),
        "times": Parameter(Integer(1, MOST_TIMES)),
        "delay_s": Parameter(Text()),
    }
)
CLOCK = Hash({"advance_s": required(Integer(maximum=int(clock.FURTHEST.total_seconds())))})


def _list_faults(_: dict[str, Any]) -> dict[str, Any]:
    data = [plans.as_json(row) for row in plans.planned()]
    return {"object": "list", "url": "/sandbox/api/faults", "has_more": False, "data": data}


def _order_fault(sent: dict[str, Any]) -> dict[str, Any]:
    wanted = {name: value for name, value in sent.items() if name in ("account", "method", "path", "event_type", "times")}
    return plans.as_json(plans.order(sent["kind"], delay_s=_seconds(sent.get("delay_s", "0")), **wanted))


def _cancel_faults(_: dict[str, Any]) -> dict[str, Any]:
    return {"object": "sandbox_faults", "canceled": plans.cancel_all()}


def _cancel_fault(_: dict[str, Any], fault: str) -> dict[str, Any]:
    """The fault that was taken back, as it stood until then."""
    row = plans.cancel(int(fault))
    if row is None:
        raise StripeError(f"No such fault: '{fault}'", status=404, code="resource_missing", param="fault")
    return plans.as_json(row)


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


faults_api = controlled(GET=(NO_PARAMETERS, _list_faults), POST=(FAULT, _order_fault), DELETE=(NO_PARAMETERS, _cancel_faults))
fault_api = controlled(DELETE=(NO_PARAMETERS, _cancel_fault))
clock_api = controlled(GET=(NO_PARAMETERS, _tell_clock), POST=(CLOCK, _move_clock))
# An address below that nobody answers: an unknown one is told in Stripe's shape as well.
unknown_api = controlled()
