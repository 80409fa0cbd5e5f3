"""Ordered faults: what goes wrong between a program and Stripe, made to happen so that the program can be tested.

A fault is ordered in one of three ways. The header `Sandbox-Fault` of a request to the sandbox is for that request. The
same header on a request of this service's own API is for the calls to Stripe that are made while it is handled. And a plan
(`order`) hits later requests, or events, until its number of times is used up.
"""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import F, Q, QuerySet

from sandbox.api.errors import ParameterRefused
from sandbox.api.wire import Request
from sandbox.faults.fault_headers import read_header
from sandbox.faults.fault_kinds import (
    DELAYING,
    EVENT_KINDS,
    KINDS,
    LONGEST_EVENT_DELAY_S,
    LONGEST_REQUEST_DELAY_S,
    METHODS,
    MOST_TIMES,
    REQUEST_KINDS,
    Fault,
)
from sandbox.models import ID_LENGTH, SandboxFault
from sandbox.objects.event_types import EVENT_TYPES
from sandbox.timeline import clock


@dataclass
class _Present:
    """The fault that a request of our own API brought along, and how often it was met."""

    fault: Fault
    met: int = 0


_present: ContextVar[_Present | None] = ContextVar("sandbox_present_fault", default=None)


def order(
    kind: str,
    *,
    account: str = "",
    method: str = "",
    path: str = "",
    event_type: str = "",
    times: int = 1,
    delay_s: float = 0.0,
) -> SandboxFault:
    """Plans a fault for the next `times` requests or events that fit; what is left empty fits everything.

    `account` is a connected account's id, `path` a part of the address, `delay_s` seconds. Raises ParameterRefused, which
    names the parameter, for what no fault can be.
    """
    _require_kind(kind, method=method, path=path, event_type=event_type)
    _require_texts(account=account, path=path)
    _require_numbers(kind, times=times, delay_s=delay_s)
    return SandboxFault.objects.create(
        kind=kind, account=account, method=method, path=path, event_type=event_type,
        times_left=times, delay_s=delay_s, created_at=clock.now(),
    )  # fmt: skip


def planned() -> QuerySet[SandboxFault]:
    """The faults that are still to happen, in the order in which they were ordered."""
    return SandboxFault.objects.filter(times_left__gt=0).order_by("id")


def cancel(fault_id: int) -> SandboxFault | None:
    """Takes one planned fault back, and gives it as it stood. None where there is none of this id, any more or at all."""
    with transaction.atomic():
        row = SandboxFault.objects.select_for_update().filter(pk=fault_id).first()
        if row is not None:
            SandboxFault.objects.filter(pk=fault_id).delete()
        return row


def cancel_all() -> int:
    """Takes back every planned fault. Answers how many there were."""
    with transaction.atomic():
        # Locked in the order in which a change locks them for its events, so that neither waits for the other.
        rows = list(SandboxFault.objects.select_for_update().order_by("id"))
        return SandboxFault.objects.filter(pk__in=[row.pk for row in rows]).delete()[0]


@contextmanager
def present(fault: Fault) -> Iterator[Callable[[], int]]:
    """While open, the calls to Stripe of this thread meet `fault`, its number of times. Yields how often one has."""
    found = _Present(fault)
    token = _present.set(found)
    try:
        yield lambda: found.met
    finally:
        _present.reset(token)


def meet(request: Request) -> Fault | None:
    """The fault that this request meets, if any; it is used up by it. Raises ParameterRefused for a malformed header."""
    if request.fault:
        fault = read_header(request.fault)
        return fault if fault.fits(request.method, request.path) else None
    return _meet_present(request) or _meet_planned(request)


def meet_event(kind: str, *, account: str, event_type: str) -> Fault | None:
    """The planned fault of this kind that an event meets, if any; it is used up by it."""
    rows = planned().filter(Q(event_type="") | Q(event_type=event_type), kind=kind, account__in=("", account))
    return _use_up(rows, lambda _: True)


def _meet_present(request: Request) -> Fault | None:
    found = _present.get()
    if found is None or found.met >= found.fault.times:
        return None
    # Reads are met only where they are named: a write is what a program has to get right.
    if not found.fault.method and request.method == "GET":
        return None
    if not found.fault.fits(request.method, request.path):
        return None
    found.met += 1
    return found.fault


def _meet_planned(request: Request) -> Fault | None:
    rows = planned().filter(kind__in=REQUEST_KINDS, account__in=("", request.account), method__in=("", request.method))
    return _use_up(rows, lambda row: row.path in request.path)


def _use_up(rows: QuerySet[SandboxFault], fits: Callable[[SandboxFault], bool]) -> Fault | None:
    """The first planned fault that fits and is still there; of two requests at once, each uses up a time of its own."""
    for row in rows:
        if not fits(row):
            continue
        same = SandboxFault.objects.filter(pk=row.pk)
        if same.filter(times_left__gt=1).update(times_left=F("times_left") - 1) or same.filter(times_left=1).delete()[0]:
            return Fault(row.kind, delay_s=row.delay_s)
    return None


def _require_kind(kind: str, *, method: str, path: str, event_type: str) -> None:
    about_events = kind in EVENT_KINDS
    _require(kind in KINDS, "kind", f"must be one of {', '.join(sorted(KINDS))}")
    _require(method in ("", *METHODS), "method", f"must be one of {', '.join(METHODS)}")
    _require(not (about_events and method), "method", "an event has no method")
    _require(not (about_events and path), "path", "an event has no path")
    _require(about_events or not event_type, "event_type", "a request has no type of event")
    _require(event_type in ("", *EVENT_TYPES), "event_type", "must be a type of Stripe's events, such as charge.refunded")


def _require_texts(**texts: str) -> None:
    for param, text in texts.items():
        fine = len(text) <= ID_LENGTH and "\x00" not in text
        _require(fine, param, f"must be at most {ID_LENGTH} characters, none of them null")


def _require_numbers(kind: str, *, times: int, delay_s: float) -> None:
    longest = LONGEST_EVENT_DELAY_S if kind in EVENT_KINDS else LONGEST_REQUEST_DELAY_S
    _require(1 <= times <= MOST_TIMES, "times", f"must be between 1 and {MOST_TIMES}")
    _require(math.isfinite(delay_s) and 0 <= delay_s <= longest, "delay_s", f"must be between 0 and {longest} seconds")
    _require(delay_s > 0 or kind not in DELAYING, "delay_s", f"{kind} needs a delay above 0 seconds")


def _require(fine: bool, param: str, rule: str) -> None:
    if not fine:
        raise ParameterRefused(f"Invalid {param}: {rule}.", param=param)


def as_json(row: SandboxFault) -> dict[str, Any]:
    """A planned fault as the control API answers it. Delays are in seconds, moments in epoch seconds."""
    fields = ("kind", "account", "method", "path", "event_type", "times_left", "delay_s")
    told = {name: getattr(row, name) for name in fields}
    return {"id": row.pk, "object": "sandbox_fault", "created": int(row.created_at.timestamp()), **told}
