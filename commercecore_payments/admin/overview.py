"""The first page: what waits for an operator, how the money goes, and what happened last."""

from collections.abc import Iterator
from typing import Any

from django.contrib.admin.models import LogEntry
from django.db.models import Count, Min, Sum
from django.http import HttpRequest
from django.utils.html import format_html

from accounts.models import ConnectedAccount
from accounts.obstacles import obstacles_table
from commercecore_payments.admin import money_tables
from commercecore_payments.admin.attention import figures_for, lapsing_holds, lapsing_holds_address, may_list
from commercecore_payments.admin.display import link, shortened
from commercecore_payments.admin.records import RelatedTable
from commercecore_payments.money import format_amount
from figures.reading import read_figures
from refunds.models import Refund
from transactions.admin import payments_table
from transactions.models import Transaction

# Rows of each table on the first page: what fits below the figures without much scrolling.
LATEST = 8
# Rows of what waits, which stands above the figures of money: the list has all of them.
MOST_URGENT = 5
# Letters of what somebody did: as many as stand in one line beside the other columns.
MESSAGE_LENGTH = 50


def add_overview(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """django-unfold's hook for the first page. Shows nothing that the user may not open."""
    figures = figures_for(request)
    return {
        **context,
        "figures": figures,
        "loud_figures": [figure for figure in figures if figure.calls_for_action],
        "quiet_figures": [figure for figure in figures if not figure.calls_for_action],
        "urgent_tables": list(urgent_tables(request)),
        **money(request),
        "related_tables": list(latest_tables(request)),
    }


def urgent_tables(request: HttpRequest) -> Iterator[RelatedTable]:
    """Where money or sellers wait: none where nothing does."""
    if may_list(request, Transaction):
        yield from holds_tables()
    if may_list(request, ConnectedAccount):
        table = obstacles_table(ConnectedAccount.objects.all(), rows=MOST_URGENT)
        if table.rows:
            yield table


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
    }


def holds_tables() -> Iterator[RelatedTable]:
    """Holds that lapse soon: what is at risk in each currency, and the largest ones."""
    soon = lapsing_holds()
    at_risk = (
        soon.order_by()
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
    if not rows:
        return
    yield RelatedTable("Money at risk: holds about to lapse", ("At risk", "Holds", "The first lapses"), rows)
    largest = soon.select_related("account").order_by("-amount_capturable_minor", "capture_before", "pk")[:MOST_URGENT]
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
    yield RelatedTable("The largest of them", headers, shown, lapsing_holds_address())


def latest_tables(request: HttpRequest) -> Iterator[RelatedTable]:
    if may_list(request, Transaction):
        yield payments_table(Transaction.objects.all(), title="Latest transactions", rows=LATEST)
    yield from latest_actions(request.user)


def latest_actions(user: Any) -> list[RelatedTable]:
    """What was done in the admin: by everybody for a superuser, else by the user alone. No table where it is nothing."""
    entries = LogEntry.objects.select_related("user", "content_type").order_by("-action_time")
    if not user.is_superuser:
        entries = entries.filter(user_id=user.pk)
    rows = [_action_row(entry) for entry in entries[:LATEST]]
    return [RelatedTable("Latest actions of the staff", ("Time", "User", "Record", "Action"), rows)] if rows else []


def _action_row(entry: LogEntry) -> tuple[Any, ...]:
    address = entry.get_admin_url()
    record = format_html('<a class="text-link" href="{}">{}</a>', address, entry.object_repr) if address else entry.object_repr
    return (entry.action_time, entry.user.get_username(), record, shortened(entry.get_change_message(), MESSAGE_LENGTH))
