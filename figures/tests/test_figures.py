"""Figures of the last days: what is counted, on which day, and how a worker's counting ahead is used."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from commercecore_payments import clock
from commercecore_payments.clock import moved_ahead
from commercecore_payments.tests.tenants import Tenant
from figures.models import DailyFigures
from figures.operations import count_next_day
from figures.reading import Rate, Volume, read_figures
from refunds.models import Refund
from transactions.models import Transaction

DAY = timedelta(days=1)


def days_ago(number: int, *, at_the_end: bool = False) -> datetime:
    """The first moment of that UTC day, or the last."""
    day = datetime.combine(clock.now().date(), datetime.min.time(), tzinfo=UTC) - number * DAY
    return day + DAY - timedelta(microseconds=1) if at_the_end else day


def payment(order_id: str, begun_at: datetime, *, received: int = 0, refunded: int = 0, **more: Any) -> Transaction:
    """A copy of the one payment that the tenant made, with these amounts in minor units."""
    model = Transaction.objects.earliest("pk")
    fields = {field.attname: getattr(model, field.attname) for field in Transaction._meta.fields if not field.primary_key}
    own = {"order_id": order_id, "stripe_payment_intent_id": f"pi_{order_id}", "created_at": begun_at}
    amounts = {"amount_received_minor": received, "amount_refunded_minor": refunded, "amount_minor": max(received, 5000)}
    status = {} if received else {"status": "requires_payment_method", "error_code": "", "decline_code": ""}
    made: Transaction = Transaction.objects.create(**{**fields, **own, **amounts, **status, **more})
    return made


DECLINED: dict[str, Any] = {"error_code": "card_declined", "decline_code": "insufficient_funds"}


@pytest.fixture
def books(tenant: Tenant, seller: str) -> Transaction:
    """Payments of several days; the oldest is a day too old for every figure."""
    tenant.pay(seller, order_id="first", amount=1000)
    first = Transaction.objects.get()
    payment("euro", days_ago(0), received=700, refunded=200, currency="eur")
    payment("week", days_ago(6), received=500)
    payment("month", days_ago(7, at_the_end=True), received=900, refunded=900)
    payment("oldest", days_ago(29), received=300)
    payment("too-old", days_ago(30, at_the_end=True), received=800)
    payment("declined", days_ago(0), **DECLINED)
    payment("declined-before", days_ago(10), error_code="card_declined", decline_code="do_not_honor")
    payment("held", days_ago(1), status="requires_capture", amount_capturable_minor=5000)
    payment("open", days_ago(1))
    return first


class TestFigures:
    def test_sum_captured_money_by_currency_over_whole_days_in_utc(self, books: Transaction) -> None:
        figures = read_figures()
        assert figures.volume(1) == {"usd": Volume(1000, 0, 1), "eur": Volume(700, 200, 1)}
        assert figures.volume(7)["usd"] == Volume(1500, 0, 2)
        assert figures.volume(30)["usd"] == Volume(2700, 900, 4)
        assert figures.volume(30)["usd"].net_minor == 1800
        assert [volume.received_minor for volume in figures.volume_by_day("usd")][-8:] == [900, 500, 0, 0, 0, 0, 0, 1000]

    def test_call_a_payment_accepted_once_the_bank_said_yes_and_count_none_that_it_never_decided_on(
        self, books: Transaction
    ) -> None:
        figures = read_figures()
        assert (figures.rate(1), figures.rate(7), figures.rate(30)) == (Rate(2, 1), Rate(4, 1), Rate(6, 2))
        assert figures.declines(30) == {("do_not_honor", "card_declined"): 1, ("insufficient_funds", "card_declined"): 1}
        assert figures.declines(1) == {("insufficient_funds", "card_declined"): 1}

    def test_count_a_refund_on_its_own_day_and_none_that_failed(self, tenant: Tenant, seller: str) -> None:
        tenant.pay(seller, amount=1000)
        tenant.refund(seller, amount=300)
        tenant.refund(seller, amount=200)
        failed = Refund.objects.latest("pk")
        Refund.objects.filter(pk=failed.pk).update(status="failed")
        assert read_figures().refunded(30) == {"usd": (1, 300)}
        Refund.objects.exclude(pk=failed.pk).update(created_at=days_ago(7, at_the_end=True))
        assert (read_figures().refunded(7), read_figures().refunded(30)) == ({}, {"usd": (1, 300)})


def count_all() -> int:
    """Lets a worker count until nothing is left; how often there was something."""
    number = 0
    while count_next_day():
        number += 1
    return number


class TestCountingAhead:
    def test_changes_no_figure(self, books: Transaction) -> None:
        before = read_figures()
        assert count_all() == 29
        after = read_figures()
        assert [
            (before.volume(days), before.rate(days), before.declines(days), before.refunded(days)) for days in (1, 7, 30)
        ] == [(after.volume(days), after.rate(days), after.declines(days), after.refunded(days)) for days in (1, 7, 30)]

    def test_lets_today_be_read_as_it_is_and_earlier_days_as_they_were_counted(self, books: Transaction) -> None:
        count_all()
        payment("another", days_ago(0), received=50)
        payment("found-late", days_ago(3), received=70)
        assert read_figures().volume(7)["usd"] == Volume(1550, 0, 3)

    def test_is_done_again_after_five_minutes(self, books: Transaction) -> None:
        count_all()
        Transaction.objects.filter(order_id="week").update(amount_refunded_minor=100)
        with moved_ahead(timedelta(minutes=4, seconds=50)):
            assert (count_all(), read_figures().volume(7)["usd"]) == (0, Volume(1500, 0, 2))
        with moved_ahead(timedelta(minutes=5, seconds=5)):
            assert (count_all(), read_figures().volume(7)["usd"]) == (29, Volume(1500, 100, 2))

    def test_is_not_believed_for_longer_than_fifteen_minutes(self, books: Transaction) -> None:
        count_all()
        Transaction.objects.filter(order_id="week").update(amount_refunded_minor=100)
        with moved_ahead(timedelta(minutes=14, seconds=50)):
            assert read_figures().volume(7)["usd"] == Volume(1500, 0, 2)
        with moved_ahead(timedelta(minutes=15, seconds=5)):
            assert read_figures().volume(7)["usd"] == Volume(1500, 100, 2)

    def test_keeps_no_day_that_is_not_shown(self, books: Transaction) -> None:
        count_all()
        with moved_ahead(2 * DAY):
            count_all()
            today = clock.now().date()
        assert sorted(DailyFigures.objects.values_list("day", flat=True)) == [today - n * DAY for n in range(29, 0, -1)]
