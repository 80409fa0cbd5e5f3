"""Counting finished days ahead of those who look."""

from dataclasses import astuple
from datetime import date, datetime, timedelta

from commercecore_payments.clock import database_now
from commercecore_payments.database_limits import statements_take_up_to
from figures.counting import DAY, PaymentGroup, RefundGroup, count_payments, count_refunds
from figures.models import DailyFigures

# What the front page shows, today included.
SHOWN_DAYS = 30
# A finished day still changes: holds are captured, payments refunded. As old as this its figures are at most while a worker
# runs. 29 days of 33,000 payments each, some 50 ms a day, are a second and a half of work in five minutes.
COUNTED_EVERY = timedelta(minutes=5)
# Seconds that the statement may take which counts a day: at 50 ms for 33,000 payments, a day of 40,000,000.
COUNTING_S = 60.0


def count_next_day() -> bool:
    """Counts the finished day whose figures are missing, or the oldest; whether there was any to count."""
    moment = database_now()
    day = _next_day(moment.date(), not_since=moment - COUNTED_EVERY)
    if day is None:
        return False
    with statements_take_up_to(COUNTING_S):
        DailyFigures.objects.update_or_create(
            day=day,
            defaults={
                "payments": [_without_day(group) for group in count_payments([day])],
                "refunds": [_without_day(group) for group in count_refunds([day])],
                "counted_at": moment,
            },
        )
    DailyFigures.objects.filter(day__lte=moment.date() - SHOWN_DAYS * DAY).delete()
    return True


def _next_day(today: date, *, not_since: datetime) -> date | None:
    finished = [today - number * DAY for number in range(1, SHOWN_DAYS)]
    counted = dict(DailyFigures.objects.filter(day__in=finished).values_list("day", "counted_at"))
    missing = [day for day in finished if day not in counted]
    if missing:
        return missing[0]
    oldest = min(finished, key=lambda day: counted[day])
    return oldest if counted[oldest] <= not_since else None


def _without_day(group: PaymentGroup | RefundGroup) -> list[str | int]:
    """The group as it is kept: the row names the day."""
    return list(astuple(group)[1:])
