"""What the models of several apps need of their rows."""

from typing import Any

from django.db.models import Model


def column_values(row: Model) -> dict[str, Any]:
    """What stands in the row's columns, by their names: compared with an earlier one, it tells whether anything is new."""
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}
