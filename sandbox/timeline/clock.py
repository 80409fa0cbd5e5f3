"""The sandbox's clock: the real one, moved ahead as far as somebody asked, so that what takes Stripe days can be seen now.

It is Stripe's side of the story alone: the service's own clock stays, as it would beside a Stripe that is far ahead.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime, timedelta

from commercecore_payments import clock
from sandbox.models import SandboxClock

# The moment at which a task that is carried out late was due: what it writes is dated then.
_as_of: ContextVar[datetime | None] = ContextVar("sandbox_as_of", default=None)
# Thirty years: further than any payment's life, and no date overflows.
FURTHEST = timedelta(days=30 * 365)
ROW = 1


class TooFar(Exception):
    """The clock goes forward alone, and not further than thirty years."""


def now() -> datetime:
    """The sandbox's present moment, in UTC."""
    return _as_of.get() or clock.now() + ahead()


def now_seconds() -> int:
    """The sandbox's present moment in epoch seconds, Stripe's unit of time."""
    return int(now().timestamp())


def ahead() -> timedelta:
    """How far the sandbox is ahead of the real clock."""
    seconds = SandboxClock.objects.filter(pk=ROW).values_list("ahead_s", flat=True).first()
    return timedelta(seconds=seconds or 0)


def move_ahead(by: timedelta) -> None:
    """Moves the clock forward, in whole seconds. Raises TooFar backwards or beyond thirty years.

    What became due is not carried out here: `due.move_clock` does both.
    """
    row = lock()
    moved = timedelta(seconds=row.ahead_s) + by
    if by < timedelta() or moved > FURTHEST:
        raise TooFar("The sandbox's clock goes forward alone, by thirty years at most.")
    row.ahead_s = int(moved.total_seconds())
    row.save()


def lock() -> SandboxClock:
    """The clock's row, locked until the transaction ends: nobody else moves the clock or carries out what is due."""
    return SandboxClock.objects.select_for_update().get_or_create(pk=ROW)[0]


@contextmanager
def as_of(moment: datetime) -> Iterator[None]:
    """While open, the sandbox's present is this moment."""
    token = _as_of.set(moment)
    try:
        yield
    finally:
        _as_of.reset(token)
