"""Instances of models, made without Django's way through every field (docs/decisions/cost-of-a-payment.md)."""

from collections.abc import Callable, Iterable
from functools import cache
from typing import Any, TypeVar

from django.db import DEFAULT_DB_ALIAS
from django.db.models import Model
from django.db.models.base import ModelState

Row = TypeVar("Row", bound=Model)


def stored_row(model: type[Row], columns: Iterable[tuple[str, Any]]) -> Row:
    """An instance for a row of the database, as `Model.from_db` makes it of all columns, without its way through every field.

    A column's value is what stands under its name in the instance: none of our models has a field that keeps it otherwise,
    or listens to instances being made.
    """
    row = model.__new__(model)
    row.__dict__.update(columns)
    row._state = ModelState()
    row._state.adding, row._state.db = False, DEFAULT_DB_ALIAS
    return row


def new_row(model: type[Row], **given: Any) -> Row:
    """A new instance, not stored yet: what `model(**given)` makes, with its fields' defaults, by a plan that is made once.

    Raises TypeError for a name that no field has.
    """
    row = stored_row(model, ())
    row._state.adding, row._state.db = True, None
    for name, column, is_relation, default in _plan(model):
        if is_relation and name in given:
            related = given.pop(name)
            row.__dict__[column] = None if related is None else related.pk
            row._state.fields_cache[name] = related
        else:
            row.__dict__[column] = given.pop(column) if column in given else default()
    if given:
        raise TypeError(f"{model.__name__} has no {', '.join(given)}")
    return row


@cache
def _plan(model: type[Model]) -> tuple[tuple[str, str, bool, Callable[[], Any]], ...]:
    return tuple((f.name, f.attname, f.is_relation, f.get_default) for f in model._meta.concrete_fields)


def twin(row: Row) -> Row:
    """Another instance with the same values, which changes by itself: what copy.copy makes, without the detour over pickling."""
    other = stored_row(type(row), row.__dict__.items())
    other._state.adding = row._state.adding
    other._state.fields_cache.update(row._state.fields_cache)
    return other
