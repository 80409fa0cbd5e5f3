"""Empties the database after a test that really committed.

Django's own way truncates every table and writes the content types and permissions anew: on PostgreSQL that took longer than
most tests. Here what the migrations wrote stays, and only tables that hold rows are emptied.
"""

from functools import cache

from django.db import connection
from django.test import TransactionTestCase

# Written by migrations, or by Django after them, and changed by no test.
WRITTEN_BY_MIGRATIONS = frozenset({"django_content_type", "auth_permission", "auth_group", "auth_group_permissions"})
# Its triggers refuse every deletion, this one included: staff/migrations.
APPEND_ONLY = "auditlog_logentry"


def empty_after_tests() -> None:
    """From now on, every test that commits ends with `empty`."""
    TransactionTestCase._fixture_teardown = lambda _: empty()  # type: ignore[attr-defined]


def empty() -> None:
    """Deletes every row but those that Django wrote after migrating; the counters of the primary keys go on."""
    filled = _filled_tables()
    deletions = [f"DELETE FROM {_quoted(table)}" for table in filled]  # noqa: S608 - the names of our models' tables
    if APPEND_ONLY in filled:
        deletions = without_triggers(deletions)
    if deletions:
        connection.ops.execute_sql_flush(deletions)


def without_triggers(deletions: list[str]) -> list[str]:
    """Within their one transaction the append-only table takes the deletions, and afterwards none as before."""
    if connection.vendor == "postgresql":
        return [f"ALTER TABLE {APPEND_ONLY} DISABLE TRIGGER USER", *deletions, f"ALTER TABLE {APPEND_ONLY} ENABLE TRIGGER USER"]
    with connection.cursor() as cursor:
        cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = %s", [APPEND_ONLY])
        triggers = cursor.fetchall()
    return [*(f"DROP TRIGGER {name}" for name, _ in triggers), *deletions, *(sql for _, sql in triggers)]


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
