"""What happens to a process at a crash point, and what happens afterwards."""

from collections.abc import Callable
from contextlib import ExitStack

from django.db import connection

from commercecore_payments import clock
from commercecore_payments.recovery import recover_due
from proofs.answers import Told
from proofs.crash_points import AFTER_STRIPE, BEFORE_STRIPE, Act, answers_get_lost, die, lose_connection, refuse_connection
from proofs.scenes import LATE_FOR_ALL, LATE_FOR_CONFIRMATIONS, PATIENCE, Scene, is_write

# Holds open what moved the clock of a process that was held up, for as long as it lives.
_clocks = ExitStack()


def overtaken(label: str) -> None:
    """The process is held up for so long that recovery takes its operation over, and goes on afterwards."""
    _clocks.enter_context(clock.moved_ahead(PATIENCE))  # for good: its own clock has moved on as well
    for _ in recover_due():
        pass
    connection.close()


def refused_after_another(label: str) -> None:
    """The same, and recovery's answer is lost; the process then finds that nothing of its own left."""
    with answers_get_lost():
        overtaken(label)
    refuse_connection(label)


# What happens to a process at a point.
FATES: dict[str, Act] = {
    "killed": die,
    "connection_lost": lose_connection,
    "overtaken": overtaken,
    "refused_after_another": refused_after_another,
}


def fates(label: str) -> list[str]:
    """What can happen at a point: a kill anywhere, a lost connection around calls of Stripe, and more around its writes."""
    if not label.startswith((BEFORE_STRIPE, AFTER_STRIPE)):
        return ["killed"]
    if not is_write(label):
        return ["killed", "connection_lost"]
    return [*FATES] if label.startswith(BEFORE_STRIPE) else ["killed", "connection_lost", "overtaken"]


def nobody_repeats(scene: Scene) -> None:
    """Recovery alone ends it, by its schedule."""
    scene.world.settle_down()


def caller_repeats(scene: Scene) -> Told:
    """The caller repeats the request, and recovery comes after it."""
    told = scene.repeat_until_answered()
    scene.world.settle_down()
    return told


def caller_repeats_after_recovery(scene: Scene) -> Told:
    scene.world.settle_down()
    return scene.repeat_until_answered()


def late(scene: Scene) -> None:
    """Recovery was out of service: nothing may be sent any more, and least of all charged."""
    scene.world.move_clock(LATE_FOR_CONFIRMATIONS if scene.operation.charges else LATE_FOR_ALL)
    scene.world.settle_down()


ENDINGS: dict[str, Callable[[Scene], Told | None]] = {
    "nobody_repeats": nobody_repeats,
    "late": late,
    "caller_repeats": caller_repeats,
    "caller_repeats_after_recovery": caller_repeats_after_recovery,
}
