"""The one clock: every time in the project comes from here, so that tests and proofs can move it.

Two questions, two answers. `now` is this machine's clock: good for what people read. `database_now` is the database's: what
one process writes and another compares, such as a lease, is judged by it alone, since the clocks of two machines differ.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import DateTimeField, Expression
from django.utils import timezone

from commercecore_payments.database_kind import is_postgresql

_ahead = timedelta()


def now() -> datetime:
    """The present moment in UTC, with its time zone."""
    return timezone.now() + _ahead


def database_now() -> datetime:
    """The present moment of the database, in UTC: the same for every machine that shares it.

    SQLite has no clock of its own: it runs in this process.
    """
    if not is_postgresql():
        return now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement_timestamp()")  # not now(), which stands still for a whole transaction
        moment: datetime = cursor.fetchone()[0]
    return moment + _ahead


def database_now_sql(later: timedelta = timedelta()) -> tuple[str, Any]:
    """`database_now`, so much later, as a text for a statement and its one parameter: what is only written need not be read."""
    if not is_postgresql():
        return "%s", connection.ops.adapt_datetimefield_value(now() + later)
    return "statement_timestamp() + %s", _ahead + later


def database_now_us_sql() -> tuple[str, int]:
    """`database_now` in microseconds since 1970, as a text for a statement and its one parameter."""
    if not is_postgresql():
        return "%s", int(now().timestamp() * 1_000_000)
    return "(extract(epoch FROM statement_timestamp()) * 1000000)::bigint + %s", _ahead // timedelta(microseconds=1)


class DatabaseNow(Expression):
    """`database_now`, so much later, as an expression for the ORM."""

    def __init__(self, later: timedelta = timedelta()) -> None:
        super().__init__(output_field=DateTimeField())
        self._later = later

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        text, parameter = database_now_sql(self._later)
        return text, (parameter,)


def elapsed_s() -> float:
    """Seconds since this machine started, its sleep included: for how long something takes, and for nothing else."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


@contextmanager
def moved_ahead(by: timedelta) -> Iterator[None]:
    """While open, both clocks of this process and of those that it forks are `by` further ahead (behind, if negative)."""
    global _ahead  # noqa: PLW0603 - the one place where the clock is kept
    before = _ahead
    _ahead = before + by
    try:
        yield
    finally:
        _ahead = before
