"""The front page's figures of money: captured, accepted and declined, refunded, each over today, 7 and SHOWN_DAYS days."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.db.models import Model
from django.utils.html import format_html

from commercecore_payments.admin.charts import Chart, bars
from commercecore_payments.admin.display import EMPTY, list_address
from commercecore_payments.admin.records import RelatedTable
from commercecore_payments.money import format_amount
from explanations.declines import decline_in_words
from explanations.words import plain
from figures.operations import SHOWN_DAYS
from figures.reading import Figures, Rate, Volume
from refunds.models import Refund
from transactions.models import Transaction
from transactions.outcomes import Outcome

LONGEST = f"{SHOWN_DAYS} days"
# The periods of every figure: their number of days, today included.
PERIODS: Mapping[str, int] = {"Today": 1, "7 days": 7, LONGEST: SHOWN_DAYS}
# Beyond these a reason is rare, and the list of declined payments shows it.
MOST_REASONS = 6
# One chart a currency: the others stand in the table.
MOST_CHARTS = 3


def volume_table(figures: Figures) -> RelatedTable:
    """Captured money by currency, and below each amount what is left of it after refunds."""
    volumes = {name: figures.volume(days) for name, days in PERIODS.items()}
    rows = [
        (
            currency.upper(),
            *(_volume_cell(figures, days, currency, volumes[name].get(currency)) for name, days in PERIODS.items()),
        )
        for currency in volumes[LONGEST]
    ]
    return RelatedTable("Captured money, and net of refunds", ("Currency", *PERIODS), rows)


def _volume_cell(figures: Figures, days: int, currency: str, volume: Volume | None) -> str:
    if volume is None:
        return EMPTY
    address = _address(Transaction, figures, days, currency=currency, outcome=Outcome.PAID.value)
    note = f"net {format_amount(volume.net_minor, currency)}, {_number(volume.count, 'payment')}"
    return _cell(address, format_amount(volume.received_minor, currency), note)


def rate_table(figures: Figures) -> RelatedTable:
    """How many payments the banks accepted and declined, and of the declined ones why."""
    rates = {name: figures.rate(days) for name, days in PERIODS.items()}
    rows: list[tuple[Any, ...]] = [
        ("Success rate", *(_cell(_address(Transaction, figures, days, outcome="decided"), percent(rates[name]))
                           for name, days in PERIODS.items())),
        ("Accepted", *(_cell(_address(Transaction, figures, days, outcome="accepted"), f"{rates[name].accepted:,}")
                       for name, days in PERIODS.items())),
        ("Declined", *(_cell(_address(Transaction, figures, days, outcome=Outcome.DECLINED.value), f"{rates[name].declined:,}")
                       for name, days in PERIODS.items())),
    ]  # fmt: skip
    return RelatedTable("Accepted and declined payments", ("Payments", *PERIODS), rows)


def declines_table(figures: Figures) -> RelatedTable:
    """The most frequent reasons of all SHOWN_DAYS days, in words."""
    counts = {name: figures.declines(days) for name, days in PERIODS.items()}
    rows = []
    for codes in list(counts[LONGEST])[:MOST_REASONS]:
        cells = (_decline_cell(figures, days, codes, counts[name].get(codes, 0)) for name, days in PERIODS.items())
        why = _noted(plain(codes[0] or codes[1]).capitalize(), decline_in_words(*codes).why)
        rows.append((why, *cells))
    return RelatedTable("Why payments were declined", ("Reason", *PERIODS), rows)


def _decline_cell(figures: Figures, days: int, codes: tuple[str, str], count: int) -> str:
    decline_code, error_code = codes
    filters = {"outcome": Outcome.DECLINED.value, "error_code": error_code, "decline_code": decline_code}
    return _cell(_address(Transaction, figures, days, **filters), f"{count:,}")


def refunds_table(figures: Figures) -> RelatedTable:
    """Refunds that were begun, without those that failed."""
    refunded = {name: figures.refunded(days) for name, days in PERIODS.items()}
    rows = [
        (
            currency.upper(),
            *(_refund_cell(figures, days, currency, refunded[name].get(currency)) for name, days in PERIODS.items()),
        )
        for currency in refunded[LONGEST]
    ]
    return RelatedTable("Refunds", ("Currency", *PERIODS), rows)


def _refund_cell(figures: Figures, days: int, currency: str, refunded: tuple[int, int] | None) -> str:
    if refunded is None:
        return EMPTY
    count, amount = refunded
    address = _address(Refund, figures, days, currency=currency, money="taken")
    return _cell(address, format_amount(amount, currency), _number(count, "refund"))


def charts(figures: Figures) -> list[Chart]:
    """Captured money by day, of the currencies with the most payments; then the success rate by day."""
    currencies = list(figures.volume(SHOWN_DAYS))[:MOST_CHARTS]
    drawn = [_volume_chart(figures, currency) for currency in currencies]
    return [*drawn, _rate_chart(figures)] if drawn or figures.rate(SHOWN_DAYS).share is not None else []


def _volume_chart(figures: Figures, currency: str) -> Chart:
    volumes = figures.volume_by_day(currency)
    texts = [format_amount(volume.received_minor, currency) for volume in volumes]
    highest = max(volume.received_minor for volume in volumes)
    total = format_amount(sum(volume.received_minor for volume in volumes), currency)
    best = figures.all_days[[volume.received_minor for volume in volumes].index(highest)]
    return _chart(
        figures,
        name=f"volume-{currency}",
        title=f"Captured money by day, {currency.upper()}",
        summary=f"{total} in {LONGEST}; the most on {best}, {format_amount(highest, currency)}.",
        values=[float(volume.received_minor) for volume in volumes],
        texts=texts,
        top=(float(highest), format_amount(highest, currency)),
        filters={"currency": currency, "outcome": Outcome.PAID.value},
    )


def _rate_chart(figures: Figures) -> Chart:
    rates = figures.rate_by_day()
    return _chart(
        figures,
        name="success-rate",
        title="Success rate by day",
        summary=f"Of the payments that a bank decided on, {percent(figures.rate(SHOWN_DAYS))} were accepted in {LONGEST}.",
        values=[rate.share for rate in rates],
        texts=[f"{percent(rate)} of {rate.accepted + rate.declined:,}" for rate in rates],
        top=(1.0, "100 %"),
        filters={"outcome": "decided"},
    )


def _chart(
    figures: Figures, *, name: str, title: str, summary: str, values: list[Any], texts: list[str], top: tuple[float, str],
    filters: Mapping[str, Any],
) -> Chart:  # fmt: skip
    days = figures.all_days
    rows = [
        (str(day), _cell(list_address(Transaction, **filters, created_at_from=day, created_at_to=day), text))
        for day, text in zip(days, texts, strict=True)
    ]
    table = RelatedTable("", ("Day", "Number"), rows[::-1])
    return Chart(
        name, title, summary, bars(days, values, texts, top=top[0]), top[1], str(days[0]), str(days[-1]), table
    )  # fmt: skip


def percent(rate: Rate) -> str:
    """Rounded down, so that 100 % is said of no day on which a payment was declined."""
    return EMPTY if rate.share is None else f"{int(rate.share * 1000) / 10:.1f} %"


def _address(model: type[Model], figures: Figures, days: int, **filters: Any) -> str:
    first, last = figures.days(days)
    return list_address(model, **filters, created_at_from=first, created_at_to=last)


def _cell(address: str, number: str, note: str = "") -> str:
    """A number that leads to the list behind it, and what is said below it."""
    shown = format_html('<a class="text-link" href="{}">{}</a>', address, number)
    return _noted(shown, note) if note else shown


def _noted(text: str, note: str) -> str:
    return format_html('<span class="figure-cell">{}<span class="figure-note">{}</span></span>', text, note)


def _number(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def tables(figures: Figures) -> Iterable[RelatedTable]:
    """Those with rows: nothing has to be said of what never happened."""
    made = (volume_table(figures), rate_table(figures), declines_table(figures))
    return [table for table in made if table.rows]
