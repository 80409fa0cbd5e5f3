"""For how long PostgreSQL may be waited for, and for how long it may work: each limit in one place, with where it comes from.

A request's statements take milliseconds. Its limits are far above that, and below what its caller waits: a database that is
overloaded, or a lock that nobody gives up, ends in a 503 `database_unavailable` and not in a pile of threads.

    client 60 s+ > proxy > a call to Stripe 35 s > a statement 20 s > a lock 10 s, a free connection 10 s > a new connection 5 s
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from commercecore_payments.environment_variables import EnvironmentVariables

POSTGRESQL = "postgresql"
# Seconds for a new connection, of each host in DATABASE_URL: two lost SYNs, which TCP repeats after one and three (RFC 6298).
CONNECT_TIMEOUT_S = 5
# Seconds of a statement. The slowest of the API takes some 10 ms, of the admin beside a million payments below one second
# (docs/performance.md). Twice a lock's wait, which is part of it.
STATEMENT_TIMEOUT_S = 20.0
# Seconds that a statement waits for a lock. A payment's row is locked for a few milliseconds, and 64 callers of one account wait
# for each other for a second or so.
LOCK_TIMEOUT_S = 10.0
# Seconds that a transaction may do nothing: nobody else is waited for inside of one, so only a process that was stopped or cut
# off does, and holds locks. Half of the two minutes for which a recovery holds an operation.
IDLE_IN_TRANSACTION_TIMEOUT_S = 60.0
# Of a connection on which nothing is heard: asked after 30 s, then every 10 s, given up after three: a minute, in place of the
# two hours of Linux (tcp(7)). What was sent and not acknowledged for 30 s ends it too: no keepalive is sent beside unsent data.
KEEPALIVES = {"keepalives": 1, "keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3}
TCP_USER_TIMEOUT_MS = 30_000
# Seconds that a migration waits for the lock of a table: who comes after it waits as long, since PostgreSQL's locks are a queue.
MIGRATION_LOCK_TIMEOUT_S = 3.0


def connection_options(env: EnvironmentVariables, database: Mapping[str, Any]) -> dict[str, Any]:
    """What libpq is told of each connection (postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS).

    What stands in DATABASE_URL goes before. A standby is refused: of several hosts the one that takes writes is looked for, and
    no decision about money is taken from a copy that is behind.
    """
    options: dict[str, Any] = {
        "application_name": "commercecore",
        "connect_timeout": env.int("DATABASE_CONNECT_TIMEOUT_S", default=CONNECT_TIMEOUT_S),
        "tcp_user_timeout": TCP_USER_TIMEOUT_MS,
        "target_session_attrs": "read-write",
        **KEEPALIVES,
    }
    # A pooler of transactions refuses this parameter: there the role carries the limits (docs/deployment.md).
    if not is_behind_transaction_pooler(env):
        options["options"] = startup_options(
            statement_timeout_s=env.float("DATABASE_STATEMENT_TIMEOUT_S", default=STATEMENT_TIMEOUT_S),
            lock_timeout_s=env.float("DATABASE_LOCK_TIMEOUT_S", default=LOCK_TIMEOUT_S),
        )
    return {**options, **database.get("OPTIONS", {})}


def is_behind_transaction_pooler(env: EnvironmentVariables) -> bool:
    """Whether two statements outside a transaction may meet two sessions: then nothing may be kept in one."""
    return bool(env.bool("DATABASE_TRANSACTION_POOLER", default=False))


def startup_options(*, statement_timeout_s: float, lock_timeout_s: float) -> str:
    """The limits of a session, in the form of PostgreSQL's command line. 0 is no limit."""
    limits = {
        "statement_timeout": statement_timeout_s,
        "lock_timeout": lock_timeout_s,
        "idle_in_transaction_session_timeout": IDLE_IN_TRANSACTION_TIMEOUT_S,
    }
    return " ".join(f"-c {name}={round(limit_s * 1000)}" for name, limit_s in limits.items())


@contextmanager
def statements_take_up_to(limit_s: float) -> Iterator[None]:
    """While open, in a transaction, a statement may take so many seconds: for what counts or deletes a great deal.

    Local to the transaction, so that it works behind a pooler of transactions as well, and nobody inherits it.
    """
    with transaction.atomic():
        connection = connections[DEFAULT_DB_ALIAS]
        if connection.vendor == POSTGRESQL:
            with connection.cursor() as cursor:
                cursor.execute("SELECT set_config('statement_timeout', %s, true)", [f"{round(limit_s * 1000)}ms"])
        yield


@contextmanager
def limits_of_migrations(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """While open, the connection's statements may take as long as they like, and wait for a lock for a moment only.

    An index of a big table takes minutes, beside everybody. A lock that is waited for keeps everybody out.
    """
    if connection.vendor != POSTGRESQL:
        yield
        return
    set_limit(connection, "statement_timeout", "0")
    set_limit(connection, "lock_timeout", f"{round(MIGRATION_LOCK_TIMEOUT_S * 1000)}ms")
    try:
        yield
    finally:
        with connection.cursor() as cursor:  # the connection goes back to the pool, with the limits that it came with
            cursor.execute("RESET statement_timeout")
            cursor.execute("RESET lock_timeout")


@contextmanager
def waiting_for_transactions(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """While open, what waits for all older transactions, as an index made CONCURRENTLY does, waits for as long as they last.

    It keeps nobody from writing meanwhile, and given up midway it leaves an index that serves nobody.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('lock_timeout')")
        before = cursor.fetchone()[0]
    set_limit(connection, "lock_timeout", "0")
    yield
    set_limit(connection, "lock_timeout", before)


def set_limit(connection: BaseDatabaseWrapper, name: str, limit: str) -> None:
    """Of the session: for migrations, which have a connection of their own and no pooler before it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config(%s, %s, false)", [name, limit])
