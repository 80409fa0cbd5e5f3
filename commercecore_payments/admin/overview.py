"""The first page: what waits for an operator, how the money goes, and what happened last."""

from collections.abc import Iterator
from typing import Any

from django.db.models import Count, Min, Sum
from django.http import HttpRequest
from django.utils.html import format_html

from accounts.models import ConnectedAccount
from accounts.readiness_admin import cannot_be_paid_table
from commercecore_payments.admin import money_tables
from commercecore_payments.admin.attention import figures_for, lapsing_holds, lapsing_holds_address, may_list
from commercecore_payments.admin.display import link
from commercecore_payments.admin.records import RelatedTable
from commercecore_payments.money import format_amount
from figures.operations import SHOWN_DAYS
from figures.reading import read_figures
from refunds.models import Refund
from staff.admin import latest_actions_table
from transactions.admin import payments_table
from transactions.models import Transaction

# Rows of each table on the first page: what fits below the figures without much scrolling.
LATEST = 8
# Rows of what waits, which stands above the figures of money: the list has all of them.
MOST_URGENT = 5


def add_overview(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """django-unfold's hook for the first page. Shows nothing that the user may not open."""
    figures = figures_for(request)
    return {
        **context,
        "figures": figures,
        "loud_figures": [figure for figure in figures if figure.calls_for_action],
        "quiet_figures": [figure for figure in figures if not figure.calls_for_action],
        "money_at_risk": [table for table in money_at_risk(request) if table.rows],
        "urgent_tables": [table for table in urgent_tables(request) if table.rows],
        **money(request),
        "latest_tables": list(latest_tables(request)),
    }


def urgent_tables(request: HttpRequest) -> Iterator[RelatedTable]:
    """Where money or sellers wait."""
    if may_list(request, Transaction):
        yield largest_at_risk()
    if may_list(request, ConnectedAccount):
        yield cannot_be_paid_table(ConnectedAccount.objects.all(), rows=MOST_URGENT)


def money(request: HttpRequest) -> dict[str, Any]:
    """The figures of money: of payments, and of refunds, each for whoever may see those."""
    sees_payments, sees_refunds = may_list(request, Transaction), may_list(request, Refund)
    if not (sees_payments or sees_refunds):
        return {"money_tables": [], "charts": []}
    figures = read_figures()
    tables = list(money_tables.tables(figures)) if sees_payments else []
    refunds = money_tables.refunds_table(figures)
    return {
        "money_tables": [*tables, refunds] if sees_refunds and refunds.rows else tables,
        "charts": money_tables.charts(figures) if sees_payments else [],
        "money_as_of": figures.as_of,
        "shown_days": SHOWN_DAYS,
    }


def money_at_risk(request: HttpRequest) -> Iterator[RelatedTable]:
    """Of the holds that lapse soon, what is at risk in each currency."""
    if not may_list(request, Transaction):
        return
    at_risk = (
        lapsing_holds()
        .order_by()
        .values("currency")
        .annotate(total=Sum("amount_capturable_minor"), number=Count("pk"), first=Min("capture_before"))
    )
    rows = [
        (
            format_html(
                '<a class="text-link" href="{}">{}</a>',
                lapsing_holds_address(currency=group["currency"]),
                format_amount(group["total"], group["currency"]),
            ),
            f"{group['number']:,}",
            group["first"],
        )
        for group in sorted(at_risk, key=lambda group: -group["total"])
    ]
    yield RelatedTable("Money at risk: holds about to lapse", ("At risk", "Holds", "The first lapses"), rows)


def largest_at_risk() -> RelatedTable:
    """The largest of the holds that lapse soon."""
    largest = lapsing_holds().select_related("account").order_by("-amount_capturable_minor", "capture_before", "pk")[:MOST_URGENT]
    shown = [
        (
            link(hold),
            format_amount(hold.amount_capturable_minor, hold.currency),
            hold.capture_before,
            hold.order_id,
            link(hold.account),
        )
        for hold in largest
    ]
    headers = ("Transaction", "At risk", "Lapses", "Order", "Account")
    return RelatedTable("The largest holds about to lapse", headers, shown, lapsing_holds_address())


def latest_tables(request: HttpRequest) -> Iterator[RelatedTable]:
    if may_list(request, Transaction):
        yield payments_table(Transaction.objects.all(), title="Latest transactions", rows=LATEST)
    actions = latest_actions_table(request, rows=LATEST)
    if actions.rows:
        yield actions
