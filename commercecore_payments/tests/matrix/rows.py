"""The whole database at one moment, and which rows have moved since; but for how often somebody has asked."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.apps import apps
from django.db import connection
from django.db.models import Model

from rate_limits.models import Bucket

Rows = Mapping[tuple[str, str], str]


def all_rows(*, but: Iterable[type[Model]] = ()) -> Rows:
    """Every row of every table, the sandbox's too, as text, by its table and key."""
    left_out = {Bucket._meta.db_table, *(model._meta.db_table for model in but)}
    tables = {
        model._meta.db_table: model._meta.pk.column for model in apps.get_models(include_auto_created=True) if model._meta.managed
    }
    found: dict[tuple[str, str], str] = {}
    with connection.cursor() as cursor:
        for table, key in tables.items():
            if table not in left_out:
                cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")  # noqa: S608 - the names of our models' tables
                place = [column[0] for column in cursor.description].index(key)
                found |= {(table, str(row[place])): _text(row) for row in cursor.fetchall()}
    return found


def moved(before: Rows, after: Rows) -> dict[str, list[str]]:
    """The tables and keys of the rows that were made, and of those that were changed or deleted."""
    made = [" ".join(key) for key in after.keys() - before.keys()]
    changed = [" ".join(key) for key, row in before.items() if after.get(key) != row]
    return {"made": sorted(made), "changed": sorted(changed)}


def _text(row: Iterable[Any]) -> str:
    return "\x1f".join(str(value) for value in row)
