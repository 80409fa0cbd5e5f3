"""`manage.py migrate`, beside a service that goes on: it waits for no lock for long, and tries again."""

import time
from typing import Any

import psycopg
from django.core.management.commands import migrate
from django.db import OperationalError, connections

from commercecore_payments.database_limits import limits_of_migrations

# How often a migration is begun that did not get its lock, and the seconds between: three minutes in all. A lock that is not
# given by then is held by somebody whom an operator has to look at (pg_stat_activity).
ATTEMPTS = 30
PAUSE_S = 3.0


class Command(migrate.Command):
    def handle(self, *args: Any, **options: Any) -> None:
        """Django's own, under the limits of migrations. What was applied stays so: each attempt goes on where one failed."""
        connection = connections[options["database"]]
        for attempt in range(1, ATTEMPTS + 1):
            try:
                with limits_of_migrations(connection):
                    super().handle(*args, **options)
                return
            except OperationalError as error:
                if attempt == ATTEMPTS or not isinstance(error.__cause__, psycopg.errors.LockNotAvailable):
                    raise
                self.stderr.write("A table is locked by others: the migration is tried again.")
                time.sleep(PAUSE_S)
