"""What the models of several apps need of their rows."""

from collections.abc import Mapping
from typing import Any

from django.db.models import Model

from commercecore_payments.statements import Row, column_names, stored_row, update


class ChangedMeanwhile(Exception):
    """Somebody else has changed a row since it was read. Whoever meets it leaves the transaction, and looks."""


def twin(row: Row) -> Row:
    """Another instance with the same values, which changes by itself: what copy.copy makes, without the detour over pickling."""
    other = stored_row(type(row), row.__dict__.items())
    other._state.adding = row._state.adding
    other._state.fields_cache.update(row._state.fields_cache)
    return other


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
