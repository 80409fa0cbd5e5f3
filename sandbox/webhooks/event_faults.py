"""Ordered faults of events: what becomes of an event's deliveries when they are planned."""

from datetime import timedelta

from sandbox.faults import plans
from sandbox.faults.fault_kinds import EVENT_KINDS
from sandbox.models import SandboxDelivery, SandboxObject

# How long an event waits for a later one to overtake it, where the order named no delay: the sandbox's own number.
LONGEST_HOLD_S = 60.0


def lock_planned() -> None:
    """Locks every fault that is planned for events, in one order, until the transaction ends; whoever writes events begins so.

    Events meet faults in the order of the events. Two changes whose events come in different orders would each use up a
    fault that the other one waits for.
    """
    list(plans.planned().filter(kind__in=EVENT_KINDS).select_for_update().values_list("pk"))


def befall(event: SandboxObject, planned: list[SandboxDelivery]) -> list[SandboxDelivery]:
    """The deliveries as they are to be kept, after the faults that this event meets; each fault is used up by it.

    An event that goes nowhere meets none, so that a fault waits for one that somebody would have received.
    """
    if not planned:
        return planned
    if _meets("drop_event", event) is not None:
        for delivery in planned:
            delivery.status = SandboxDelivery.Status.DROPPED
        return planned
    _postpone(event, planned)
    if _meets("double_event", event) is None:
        return planned
    return planned + [_copy(delivery) for delivery in planned]


def _postpone(event: SandboxObject, planned: list[SandboxDelivery]) -> None:
    late, held = _meets("delay_event", event), _meets("shuffle_event", event)
    for delivery in planned:
        if late is not None:
            delivery.due_at += timedelta(seconds=late)
        if held is not None:
            delivery.status = SandboxDelivery.Status.HELD
            delivery.due_at += timedelta(seconds=held or LONGEST_HOLD_S)


def _meets(kind: str, event: SandboxObject) -> float | None:
    """The delay in seconds of a planned fault of this kind that the event meets; None where it meets none."""
    fault = plans.meet_event(kind, account=event.account, event_type=event.data["type"])
    return None if fault is None else fault.delay_s


def _copy(delivery: SandboxDelivery) -> SandboxDelivery:
    copied = ("event", "endpoint", "status", "due_at", "created_at")
    return SandboxDelivery(**{name: getattr(delivery, name) for name in copied})
