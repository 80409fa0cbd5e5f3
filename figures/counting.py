"""Payments and refunds, counted from their own rows. A day's are those that were begun on it, in UTC, as they stand now."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.db.models import Count, Q, QuerySet, Sum
from django.db.models.functions import TruncDate

from refunds.models import Refund
from transactions.models import Transaction
from transactions.outcomes import outcome_of_each

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class PaymentGroup:
    """Payments of one day that are alike. Amounts in minor units: captured, and of it refunded since."""

    day: date
    currency: str
    outcome: str
    error_code: str
    decline_code: str
    count: int
    received_minor: int
    refunded_minor: int


@dataclass(frozen=True, slots=True)
class RefundGroup:
    """Refunds of one day that are alike. The amount is in minor units."""

    day: date
    currency: str
    status: str
    count: int
    amount_minor: int


def count_payments(days: Collection[date]) -> list[PaymentGroup]:
    """The payments that were begun on these days: reads each of their rows once."""
    groups = _on_days(Transaction.objects.all(), days).annotate(outcome=outcome_of_each())
    groups = groups.values("day", "currency", "outcome", "error_code", "decline_code")
    counted = groups.annotate(
        count=Count("pk"), received_minor=Sum("amount_received_minor"), refunded_minor=Sum("amount_refunded_minor")
    )
    return [PaymentGroup(**group) for group in counted] if days else []


def count_refunds(days: Collection[date]) -> list[RefundGroup]:
    """The refunds that were begun on these days."""
    groups = _on_days(Refund.objects.all(), days).values("day", "currency", "status")
    # A refund's amount has the name that the sum would have: it is given after the grouping.
    counted = groups.annotate(count=Count("pk"), total=Sum("amount_minor"))
    return [RefundGroup(amount_minor=group.pop("total"), **group) for group in counted] if days else []


def _on_days(rows: QuerySet[Any], days: Collection[date]) -> QuerySet[Any]:
    begun = Q()
    for first, last in _runs(sorted(days)):
        begun |= Q(created_at__gte=_start(first), created_at__lt=_start(last) + DAY)
    return rows.filter(begun).order_by().annotate(day=TruncDate("created_at", tzinfo=UTC))


def _runs(days: list[date]) -> Iterable[tuple[date, date]]:
    """The first and the last of each unbroken run of days: a range of an index each."""
    first = None
    for number, day in enumerate(days):
        first = first or day
        if number + 1 == len(days) or days[number + 1] != day + DAY:
            yield first, day
            first = None


def _start(day: date) -> datetime:
    return datetime.combine(day, time.min, tzinfo=UTC)
