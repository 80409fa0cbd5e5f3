"""How long a request waits for an object that another one holds, and what it is told then: Stripe's `lock_timeout`."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from django.db import OperationalError, connection

from sandbox.faults import fault_kinds

# Stripe publishes no number: the sandbox's own, many times what a request takes here. PostgreSQL alone is told; SQLite has
# one writer, for whom a connection waits as long as the settings say (`timeout` in commercecore_payments/settings.py).
LONGEST_WAIT_MS = 5_000


@contextmanager
def limited() -> Iterator[None]:
    """While open, nothing in the present transaction waits longer for a lock, on PostgreSQL.

    The limit would outlast a savepoint that is kept, so it is set back. A failure rolls back, and the limit with the rest.
    """
    if connection.vendor != "postgresql":
        yield
        return
    before = _limit()
    _set_limit(f"{LONGEST_WAIT_MS}ms")
    yield
    _set_limit(before)


@contextmanager
def refused_in_vain() -> Iterator[None]:
    """Raises a 429 (lock_timeout) for what waited in vain for a lock: the request had no effect, and its key is free again.

    https://docs.stripe.com/error-codes#lock-timeout. On a SQLite that stays busy, the key is freed when it counts as abandoned.
    """
    try:
        yield
    except OperationalError as error:
        if was_in_vain(error):
            raise fault_kinds.refusal("lock_timeout") from error
        raise


def was_in_vain(error: OperationalError) -> bool:
    """Whether the database failed since it had waited for a lock for as long as it may."""
    cause = error.__cause__
    if isinstance(cause, sqlite3.OperationalError):
        # Its last byte: SQLite tells in the others what it was busy with.
        return getattr(cause, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY
    return isinstance(cause, psycopg.errors.LockNotAvailable)


def _limit() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('lock_timeout')")
        return str(cursor.fetchone()[0])


def _set_limit(limit: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [limit])  # true: until the transaction ends
