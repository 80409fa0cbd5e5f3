"""Whether this process can serve: not about to stop, its database answers and takes writes, and every migration is applied."""

import logging
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooSlow
from threading import Lock

from django.db import DEFAULT_DB_ALIAS, Error, connections
from django.db.backends.base.base import NO_DB_ALIAS, BaseDatabaseWrapper
from django.db.migrations.loader import MigrationLoader

from commercecore_payments import draining
from commercecore_payments.clock import elapsed_s

logger = logging.getLogger(__name__)

# Seconds within which the database has to answer. A new connection and two statements take some 10 ms beside it; the probes of
# docs/deployment.md wait for three seconds.
ANSWER_WITHIN_S = 2.0
# Seconds for which an answer is good: whatever asks, and however often, makes one connection a second at the most.
FRESH_S = 1.0


class Readiness:
    """Asks the database in a thread of its own: a server that takes connections and says nothing holds nobody up."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="readiness")
        self._look: Future[bool] | None = None
        self._begun_s = 0.0
        self._is_migrated = False

    def is_ready(self) -> bool:
        if draining.has_begun():
            return False
        try:
            return self._fresh_look().result(timeout=ANSWER_WITHIN_S)
        except TooSlow:
            logger.warning("not ready: the database has not answered for %s s", ANSWER_WITHIN_S)
            return False

    def _fresh_look(self) -> "Future[bool]":
        """The look that is under way or was begun lately, or else a new one. One that hangs is followed by none."""
        with self._lock:
            if self._look is None or (self._look.done() and elapsed_s() - self._begun_s > FRESH_S):
                self._begun_s = elapsed_s()
                self._look = self._thread.submit(self._ask)
            return self._look

    def _ask(self) -> bool:
        # Beside the pool: one whose connections are all in use is busy, and not unwell.
        connection = connections[DEFAULT_DB_ALIAS].copy(alias=NO_DB_ALIAS)
        try:
            return _takes_writes(connection) and self._has_all_migrations(connection)
        except Error as error:
            logger.warning("not ready: the database failed: %s", error)
            return False
        finally:
            connection.close()

    def _has_all_migrations(self, connection: BaseDatabaseWrapper) -> bool:
        """Those that this version of the code knows. Once they are applied they stay so, and are not asked for again."""
        if not self._is_migrated:
            newest = MigrationLoader(None, ignore_no_migrations=True).graph.leaf_nodes()
            self._is_migrated = set(newest) <= _applied_migrations(connection)
            if not self._is_migrated:
                logger.warning("not ready: migrations are to be applied")
        return self._is_migrated


def _takes_writes(connection: BaseDatabaseWrapper) -> bool:
    """Whether it answers, and is no standby."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT NOT pg_is_in_recovery()" if connection.vendor == "postgresql" else "SELECT 1")
        return bool(cursor.fetchone()[0])


def _applied_migrations(connection: BaseDatabaseWrapper) -> set[tuple[str, str]]:
    with connection.cursor() as cursor:  # Django's own recorder knows connections by their alias, and this one has none
        cursor.execute("SELECT app, name FROM django_migrations")
        return set(cursor.fetchall())


readiness = Readiness()
