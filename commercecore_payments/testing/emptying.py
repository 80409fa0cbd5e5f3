"""Empties the database after a test that really committed.

Django's own way truncates every table and writes the content types and permissions anew: on PostgreSQL that took longer than
most tests. Here what the migrations wrote stays, and only tables that hold rows are emptied.
"""

from functools import cache

from django.db import connection
from django.test import TransactionTestCase

# Written by Django after each migration, and changed by no test.
WRITTEN_BY_MIGRATIONS = frozenset({"django_content_type", "auth_permission"})


def empty_after_tests() -> None:
    """From now on, every test that commits ends with `empty`."""
    TransactionTestCase._fixture_teardown = lambda _: empty()  # type: ignore[attr-defined]


def empty() -> None:
    """Deletes every row but those that Django wrote after migrating; the counters of the primary keys go on."""
    deletions = [f"DELETE FROM {_quoted(table)}" for table in _filled_tables()]  # noqa: S608 - the names of our models' tables
    if deletions:
        connection.ops.execute_sql_flush(deletions)


def _filled_tables() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(_which_tables_hold_rows())
        return [table for (table,) in cursor.fetchall()]


@cache
def _which_tables_hold_rows() -> str:
    tables = sorted({*connection.introspection.django_table_names()} - WRITTEN_BY_MIGRATIONS)
    return " UNION ALL ".join(f"SELECT '{table}' WHERE EXISTS (SELECT 1 FROM {_quoted(table)})" for table in tables)  # noqa: S608 - the same


def _quoted(table: str) -> str:
    return str(connection.ops.quote_name(table))
