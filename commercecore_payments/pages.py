"""Lists a page at a time, newest first.

A page begins behind a row, by the row's place in the order of (created, id), and never at a number of rows: however deep it
lies, the database reads as many rows as the page has. Nothing is counted: whether there are more is told by asking for one
more. Why so: docs/decisions/lists.md.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import F, Model, QuerySet
from django.db.models.fields.tuple_lookups import Tuple, TupleLessThan
from django.db.models.lookups import LessThan
from django.db.models.sql.compiler import SQLCompiler

from commercecore_payments.errors import BadRequest

Rows = TypeVar("Rows", bound=QuerySet[Any])
Row = TypeVar("Row", bound=Model)


class UnknownStartingPoint(BadRequest):
    """The row behind which a list is to go on is none of the caller's. `of_what` says what was looked for, and whose."""

    code = "unknown_starting_point"

    def __init__(self, of_what: str) -> None:
        message = f"starting_after names no {of_what}."
        super().__init__(message, fields={"starting_after": [message]})


# The filters of a list by their names in an address. What a caller names is looked up here, and is never a key for the database.
Filters = Mapping[str, Callable[[Rows, Any], Rows]]


def created_from(rows: Rows, moment: datetime) -> Rows:
    return rows.filter(created_at__gte=moment)


def created_before(rows: Rows, moment: datetime) -> Rows:
    """Without that moment, so that of two ranges that meet there each row is in one."""
    return rows.filter(created_at__lt=moment)


def narrowed(rows: Rows, filters: Filters[Rows], asked: Mapping[str, Any]) -> Rows:
    """The rows that pass each filter that was asked for. Raises KeyError for one that the list has not."""
    for name, value in asked.items():
        rows = filters[name](rows, value)
    return rows


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """Some rows, the newest first, and whether there are more behind them."""

    rows: list[Row]
    has_more: bool

    @property
    def goes_on_behind(self) -> Row | None:
        """The last row, where there are more behind it."""
        return self.rows[-1] if self.has_more else None


def newest_first(*sources: QuerySet[Row], behind: Row | None, limit: int) -> Page[Row]:
    """At most `limit` rows of all sources together by (created, id), from behind the row `behind` on.

    Each source is asked for by itself, in the order of an index of its own: no index leads through an OR of them.
    """
    found = [row for rows in sources for row in _behind(rows, behind).order_by("-created_at", "-pk")[: limit + 1]]
    if len(sources) > 1:
        found.sort(key=_place, reverse=True)
    return Page(found[:limit], has_more=len(found) > limit)


def starting_point(rows: QuerySet[Row], named: str, *, column: str, of_what: str) -> Row | None:
    """The row behind which a list goes on: the one of `rows` with the id `named` in `column`; None where `named` is empty.

    Of several, such as a card that was detached and saved again, it is the latest. Raises UnknownStartingPoint, with `of_what`.
    """
    if not named:
        return None
    row = rows.filter(**{column: named}).order_by("-pk").first()
    if row is None:
        raise UnknownStartingPoint(of_what)
    return row


class _RowLessThan(TupleLessThan):
    """`(created_at, id) < (…, …)`: an index leads to it, as it does not to the same with OR, as which Django tells it to SQLite.

    SQLite compares rows too: https://sqlite.org/rowvalue.html.
    """

    def as_sqlite(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> Any:
        return LessThan.as_sql(self, compiler, connection)


def _behind(rows: QuerySet[Row], row: Row | None) -> QuerySet[Row]:
    return rows if row is None else rows.filter(_RowLessThan(Tuple(F("created_at"), F("pk")), _place(row)))


def _place(row: Any) -> tuple[datetime, Any]:
    return row.created_at, row.pk
