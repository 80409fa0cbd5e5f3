"""What a command needs of the database before it begins, and what it says where it is missing."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.core.management.base import CommandError
from django.db import DEFAULT_DB_ALIAS, Error, OperationalError, connections
from django.db.backends.base.base import NO_DB_ALIAS, BaseDatabaseWrapper

from gateway.models import Operation


def refuse_unreachable_database() -> None:
    """Raises CommandError where no connection can be made."""
    with _one_connection():
        return


def refuse_database_without_tables() -> None:
    """Raises CommandError where no connection can be made, or the database was never migrated."""
    with _one_connection() as connection, connection.cursor() as cursor:
        if Operation._meta.db_table not in connection.introspection.table_names(cursor):
            raise CommandError("The database has no tables yet: manage.py migrate makes them.")


@contextmanager
def failures_in_one_sentence() -> Iterator[None]:
    """Raises CommandError where the database fails meanwhile."""
    try:
        yield
    except Error as error:
        raise CommandError(f"The database failed: {_in_one_line(error)}") from error


@contextmanager
def _one_connection() -> Iterator[BaseDatabaseWrapper]:
    """A connection beside the pool, which would try again and again and then not say why."""
    connection = connections[DEFAULT_DB_ALIAS].copy(alias=NO_DB_ALIAS)
    if settings.DATABASE_URL and connection.vendor != "postgresql":
        raise CommandError("DATABASE_URL is not the address of a PostgreSQL database: postgres://user:password@host:5432/name")
    try:
        connection.ensure_connection()
    except OperationalError as error:
        name = "DATABASE_URL" if settings.DATABASE_URL else connection.settings_dict["NAME"]
        raise CommandError(f"The database in {name} cannot be reached: {_in_one_line(error)}") from error
    try:
        yield connection
    finally:
        connection.close()


def _in_one_line(error: Exception) -> str:
    return " ".join(str(error).split())
