"""Which columns a list can be sorted by: those that an index leads through, so that no page sorts a whole table."""

from collections.abc import Iterator
from functools import cache
from typing import Any

from django.core.exceptions import FieldDoesNotExist
from django.db.models import DateTimeField, Index, Model, UniqueConstraint

# Each query of a list asks for one environment's rows alone (EnvironmentManager): behind it an index goes on in order.
ENVIRONMENT = "environment"
# The order of rows: names of columns, "-" before those whose greatest values come first.
Order = tuple[str, ...]


@cache
def order_through(model: type[Model], column: str) -> Order:
    """The order of an index that begins with `column`, from its smallest value on; empty where no such index leads through it.

    The values of the column have to be times, or each one's own. Of a status there are few, and an index through it serves a
    list that is filtered as well only as long as what is looked for lies at its beginning: the filter by status is for that.
    """
    key = _key(model)
    name = key if column == "pk" else column
    try:
        field: Any = model._meta.get_field(name)
    except FieldDoesNotExist:  # of a related record, or what the database calculates
        return ()
    if field.is_relation or field.null:
        return ()
    if (name,) in _unique(model):
        return (name,)
    if not isinstance(field, DateTimeField):
        return ()
    found = next((order for order in _indexes(model) if order[0].removeprefix("-") == name), ())
    from_smallest = backwards(found) if found and found[0].startswith("-") else found
    # Those of the same moment are few: PostgreSQL sorts them, and them alone (an incremental sort).
    return from_smallest if not found or found[-1].removeprefix("-") == key else (*from_smallest, key)


def backwards(order: Order) -> Order:
    """The same index read from its end."""
    return tuple(name.removeprefix("-") if name.startswith("-") else f"-{name}" for name in order)


def _key(model: type[Model]) -> str:
    return str(model._meta.pk.name)


def _unique(model: type[Model]) -> list[Order]:
    columns: list[Any] = list(model._meta.concrete_fields)
    constraints = [constraint for constraint in model._meta.total_unique_constraints if _is_plain(constraint)]
    return [
        *((field.name,) for field in columns if field.unique),
        *(_behind_the_environment(tuple(constraint.fields)) for constraint in constraints),
    ]


def _indexes(model: type[Model]) -> Iterator[Order]:
    columns: list[Any] = list(model._meta.concrete_fields)
    yield from (_behind_the_environment(tuple(index.fields)) for index in model._meta.indexes if _is_plain(index))
    yield from ((field.name,) for field in columns if field.db_index)


def _is_plain(index: Any) -> bool:
    """Whether it holds all rows by their columns, in the order in which the database compares those."""
    return type(index) in (Index, UniqueConstraint) and bool(index.fields) and not index.condition and not index.opclasses


def _behind_the_environment(order: Order) -> Order:
    return order[1:] if order[0] == ENVIRONMENT and len(order) > 1 else order
