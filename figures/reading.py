"""The figures of the last days: of finished ones as a worker counted them, of all others as they are at this moment."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property

from commercecore_payments.clock import database_now
from figures.counting import DAY, PaymentGroup, RefundGroup, count_payments, count_refunds
from figures.models import DailyFigures
from figures.operations import SHOWN_DAYS
from refunds.models import NOT_REFUNDED
from transactions.outcomes import ACCEPTED, Outcome

# Older ones are not shown: the worker that counts does not run, or has too much to do. Three times COUNTED_EVERY.
GOOD_FOR = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Volume:
    """Captured money of one currency in minor units: all of it, and of it refunded since; and of how many payments."""

    received_minor: int
    refunded_minor: int
    count: int

    @property
    def net_minor(self) -> int:
        return self.received_minor - self.refunded_minor


@dataclass(frozen=True, slots=True)
class Rate:
    """Of the payments that a bank has decided on: how many it accepted, and how many it declined."""

    accepted: int
    declined: int

    @property
    def share(self) -> float | None:
        """From 0 to 1; None where nothing was decided."""
        decided = self.accepted + self.declined
        return self.accepted / decided if decided else None


@dataclass(frozen=True)
class Figures:
    """The groups of the last SHOWN_DAYS days until `today`; `as_of` is when the oldest of them were counted."""

    today: date
    payments: list[PaymentGroup]
    refunds: list[RefundGroup]
    as_of: datetime

    def days(self, number: int) -> tuple[date, date]:
        """The first and the last of so many days until today."""
        return self.today - (number - 1) * DAY, self.today

    @cached_property
    def all_days(self) -> list[date]:
        return [self.today - number * DAY for number in reversed(range(SHOWN_DAYS))]

    def volume(self, number_of_days: int) -> Mapping[str, Volume]:
        """By currency, the one with the most payments first: amounts of different currencies do not compare."""
        return _volumes(group for group in self.payments if group.day >= self.days(number_of_days)[0])

    def volume_by_day(self, currency: str) -> list[Volume]:
        """Of each of `all_days`."""
        by_day = defaultdict(list)
        for group in self.payments:
            if group.currency == currency:
                by_day[group.day].append(group)
        return [_volumes(by_day[day]).get(currency, Volume(0, 0, 0)) for day in self.all_days]

    def rate(self, number_of_days: int) -> Rate:
        return _rate(group for group in self.payments if group.day >= self.days(number_of_days)[0])

    def rate_by_day(self) -> list[Rate]:
        """Of each of `all_days`."""
        by_day = defaultdict(list)
        for group in self.payments:
            by_day[group.day].append(group)
        return [_rate(by_day[day]) for day in self.all_days]

    def declines(self, number_of_days: int) -> Mapping[tuple[str, str], int]:
        """How many payments were declined, by decline code and error code; the most frequent first."""
        counts: dict[tuple[str, str], int] = defaultdict(int)
        for group in self.payments:
            if group.outcome == Outcome.DECLINED and group.day >= self.days(number_of_days)[0]:
                counts[group.decline_code, group.error_code] += group.count
        return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))

    def refunded(self, number_of_days: int) -> Mapping[str, tuple[int, int]]:
        """Refunds that were begun, by currency: how many, and their amounts in minor units. Failed ones are none."""
        sums: dict[str, tuple[int, int]] = defaultdict(lambda: (0, 0))
        for group in self.refunds:
            if group.status not in NOT_REFUNDED and group.day >= self.days(number_of_days)[0]:
                count, amount = sums[group.currency]
                sums[group.currency] = (count + group.count, amount + group.amount_minor)
        return dict(sorted(sums.items(), key=lambda item: (-item[1][0], item[0])))


def read_figures() -> Figures:
    """A few queries where a worker counts: its rows, and today's payments and refunds. Where none does, those of every day."""
    moment = database_now()
    today = moment.date()
    kept = list(DailyFigures.objects.filter(day__gt=today - SHOWN_DAYS * DAY, day__lt=today, counted_at__gt=moment - GOOD_FOR))
    counted = {row.day for row in kept}
    others = [day for number in range(SHOWN_DAYS) if (day := today - number * DAY) not in counted]
    payments = [PaymentGroup(row.day, *group) for row in kept for group in row.payments]
    refunds = [RefundGroup(row.day, *group) for row in kept for group in row.refunds]
    as_of = min((row.counted_at for row in kept), default=moment)
    return Figures(today, payments + count_payments(others), refunds + count_refunds(others), as_of)


def _volumes(groups: Iterable[PaymentGroup]) -> dict[str, Volume]:
    sums: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for group in groups:
        if group.outcome == Outcome.PAID:
            for place, amount in enumerate((group.received_minor, group.refunded_minor, group.count)):
                sums[group.currency][place] += amount
    return {currency: Volume(*sums[currency]) for currency in sorted(sums, key=lambda name: (-sums[name][2], name))}


def _rate(groups: Iterable[PaymentGroup]) -> Rate:
    accepted = declined = 0
    for group in groups:
        if group.outcome in ACCEPTED:
            accepted += group.count
        elif group.outcome == Outcome.DECLINED:
            declined += group.count
    return Rate(accepted, declined)
