"""What the models of several apps need of their rows."""

from collections.abc import Mapping
from typing import Any

from django.db.models import Model

from commercecore_payments.statements import column_names, update


class ChangedMeanwhile(Exception):
    """Somebody else has changed a row since it was read. Whoever meets it leaves the transaction, and looks."""


def column_values(row: Model) -> dict[str, Any]:
    """What stands in the row's columns, by their names: compared with an earlier one, it tells whether anything is new."""
    here = row.__dict__
    return {name: here[name] if name in here else getattr(row, name) for name in column_names(type(row))}


def save_changes(row: Any, before: Mapping[str, Any]) -> None:
    """Writes what is new in a row since `before`, where nobody else has written it since: its `version` tells.

    A row that is locked always fits. Raises ChangedMeanwhile.
    """
    changes = {name: value for name, value in column_values(row).items() if before[name] != value}
    if not update(type(row), row.pk, changes, guard={"version": before["version"]}):
        raise ChangedMeanwhile
