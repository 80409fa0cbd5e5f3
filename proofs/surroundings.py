"""What a simulation is surrounded by: an empty database, a clock that moves by the simulation alone, no real waiting."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from unittest import mock

from django.core.management.color import no_style
from django.db import connection
from django.utils import timezone

from commercecore_payments import clock
from commercecore_payments.testing.emptying import WRITTEN_BY_MIGRATIONS, without_triggers
from gateway import models as gateway_models
from refunds.operations import request as refund_requests
from sandbox.models import SandboxClock
from sandbox.objects import events

# A moment in the life of the simulated marketplace: any will do, as long as it is always the same.
BEGINNING = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
# Clocks of machines that differ by more than this are an operator's fault, and told by other means.
LARGEST_SKEW_S = 300
TICK = timedelta(milliseconds=1)
# Seconds that a simulated wait lasts at least: nobody else acts in it, so what polls more often would only poll in vain.
SHORTEST_WAIT_S = 1.0


@contextmanager
def surroundings(random: Random) -> Iterator[timedelta]:
    """An empty database, a clock that stands still by itself, and a Stripe whose clock differs. Yields by how much it does."""
    _empty_the_database()
    skew = timedelta(seconds=random.choice((0, 0, 0, random.randint(-LARGEST_SKEW_S, LARGEST_SKEW_S))))
    SandboxClock.objects.create(pk=1, ahead_s=int(skew.total_seconds()))
    with ExitStack() as patches:
        if connection.vendor == "sqlite":  # PostgreSQL has a clock of its own, which nobody here can stop
            patches.enter_context(mock.patch.object(timezone, "now", _ticking()))
        # Nobody reads Stripe's events here: writing them would take a fifth of the time.
        patches.enter_context(mock.patch.object(events, "record"))
        yield skew


def _empty_the_database() -> None:
    """All rows but those that the migrations wrote, and the counters of the keys: a seed tells the same story each time."""
    tables = {*connection.introspection.django_table_names(only_existing=True, include_views=False)} - WRITTEN_BY_MIGRATIONS
    statements = connection.ops.sql_flush(no_style(), sorted(tables), reset_sequences=True, allow_cascade=False)
    connection.ops.execute_sql_flush(without_triggers(statements))


@contextmanager
def simulated_waiting(pass_time: Callable[[float], None]) -> Iterator[None]:
    """While open, what the service counts and waits by is the clock that the simulation moves.

    A process can be held up by a jump, and whoever waits for a refund that is under way passes simulated seconds.
    """
    with (
        mock.patch.object(gateway_models, "elapsed_s", _elapsed_s),
        mock.patch.object(refund_requests, "time", _Waiting(pass_time)),
    ):
        yield


@dataclass(frozen=True)
class _Waiting:
    """Stands where a module of the service has `time`."""

    pass_time: Callable[[float], None]

    def sleep(self, seconds: float) -> None:
        self.pass_time(max(seconds, SHORTEST_WAIT_S))

    @staticmethod
    def monotonic() -> float:
        return _elapsed_s()


def _elapsed_s() -> float:
    return clock.now().timestamp()


def _ticking() -> Callable[[], datetime]:
    present = BEGINNING

    def now() -> datetime:
        nonlocal present
        present += TICK
        return present

    return now
