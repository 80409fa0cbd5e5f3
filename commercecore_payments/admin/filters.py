"""Filters of lists that cost no look at the whole table."""

from abc import ABC, abstractmethod
from datetime import UTC, datetime, time, timedelta
from typing import Any

from django.contrib.admin import ModelAdmin
from django.contrib.admin.options import IncorrectLookupParameters
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.dateparse import parse_date

from commercecore_payments.admin.unfolded import FieldFilter, SimpleListFilter
from commercecore_payments.money import CURRENCIES

# Nothing here is older than Stripe; the calendar's last day has no day after it.
OLDEST_YEAR, NEWEST_YEAR = 2010, 2999
# A worker looks for what is due twice a second. So long nothing waits but for a worker that does not run, or has too much to do:
# our own choice, so that a new version can be deployed meanwhile.
OVERDUE_AFTER = timedelta(minutes=5)


class DateRangeFilter(FieldFilter):
    """From one day to another, both whole and in UTC."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        first, last = self._day("from"), self._day("to")
        if first is not None:
            queryset = queryset.filter(**{f"{self.field_path}__gte": first})
        if last is not None:
            queryset = queryset.filter(**{f"{self.field_path}__lt": last + timedelta(days=1)})
        return queryset

    def _day(self, end: str) -> datetime | None:
        """The first moment of the day that was asked for. Raises IncorrectLookupParameters where it is none."""
        text = str(self.used_parameters.get(f"{self.field_path}_{end}", ""))
        if not text:
            return None
        try:
            day = parse_date(text)
        except ValueError:  # the shape of a date, and no such day
            day = None
        if day is None or not OLDEST_YEAR <= day.year <= NEWEST_YEAR:
            raise IncorrectLookupParameters(f"{text} is no date.")
        return datetime.combine(day, time.min, tzinfo=UTC)


class CurrencyFilter(SimpleListFilter):
    """One of Stripe's currencies. Those that occur would have to be looked for in the whole table."""

    title = "currency"
    parameter_name = "currency"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, str]]:
        return [(currency, currency.upper()) for currency in sorted(CURRENCIES)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(currency=self.value()) if self.value() else queryset


class OverdueFilter(SimpleListFilter, ABC):
    """What a worker should have done OVERDUE_AFTER ago, or earlier."""

    title = "what is overdue"
    parameter_name = "overdue"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, str]]:
        return [("yes", "Overdue")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return self.overdue(queryset) if self.value() == "yes" else queryset

    @abstractmethod
    def overdue(self, rows: Any) -> QuerySet[Any]:
        """Those of `rows` that are overdue: a filter of each kind of record says which these are."""
