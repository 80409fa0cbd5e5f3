"""Disputes as operators see them: the most urgent first."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.contrib.admin import display
from django.db.models import Case, F, QuerySet, When
from django.http import HttpRequest
from unfold.contrib.filters.admin import AutocompleteSelectFilter, MultipleChoicesDropdownFilter

from commercecore_payments.admin.display import (
    BAD,
    EMPTY,
    GOOD,
    MOVING,
    QUIET,
    WAITING,
    amount_of,
    code,
    label,
    link,
    linked,
    list_address,
    status_in,
    status_label,
)
from commercecore_payments.admin.export import ExportableAdmin
from commercecore_payments.admin.filters import CurrencyFilter, DateRangeFilter
from commercecore_payments.admin.records import RELATED_ROWS, Briefing, ReadOnlyAdmin, RelatedTable
from commercecore_payments.admin.unfolded import SimpleListFilter
from commercecore_payments.clock import now
from commercecore_payments.money import format_amount
from disputes.models import NEEDING_RESPONSE, Dispute, Status
from stripe_events.admin import stripe_events_about
from webhooks.admin import events_about

STATUS_COLOURS: dict[str, str] = {
    Status.WARNING_NEEDS_RESPONSE: WAITING,
    Status.WARNING_UNDER_REVIEW: MOVING,
    Status.WARNING_CLOSED: QUIET,
    Status.NEEDS_RESPONSE: WAITING,
    Status.UNDER_REVIEW: MOVING,
    Status.APPEAL_NEEDS_RESPONSE: WAITING,
    Status.APPEAL_UNDER_REVIEW: MOVING,
    Status.WON: GOOD,
    Status.LOST: BAD,
    Status.PREVENTED: GOOD,
}
# What a response is needed for, as operators are told it (docs.stripe.com/disputes/how-disputes-work).
WHAT_HAPPENED: dict[str, str] = {
    Status.WARNING_NEEDS_RESPONSE: "The buyer's bank asks about the payment, and has taken no money. Without an answer until the "
    "date below it may become a dispute.",
    Status.NEEDS_RESPONSE: "The buyer's bank has taken the money back. Without evidence until the date below it is lost.",
    Status.APPEAL_NEEDS_RESPONSE: "The bank has decided against the seller, who may appeal until the date below.",
}
# From then on the label is red: our own choice, so that a weekend leaves a working day to gather evidence.
URGENT = timedelta(days=3)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


class ResponseFilter(SimpleListFilter):
    """Those that somebody has to answer: what an operator looks for first."""

    title = "response"
    parameter_name = "response"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        return [("needed", "Needed"), ("not_needed", "Not needed")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "needed":
            return queryset.filter(status__in=NEEDING_RESPONSE)
        return queryset.exclude(status__in=NEEDING_RESPONSE) if self.value() == "not_needed" else queryset


def disputes_table(disputes: QuerySet[Any], **filters: Any) -> RelatedTable:
    """The most urgent of `disputes`; `filters` show the same ones in the list."""
    rows = [_row(dispute) for dispute in disputes.order_by(*MOST_URGENT_FIRST).select_related("transaction")[:RELATED_ROWS]]
    address = list_address(Dispute, **filters) if len(rows) == RELATED_ROWS else ""
    headers = ("Dispute", "Opened", "Status", "Amount", "Reason", "Time left", "Payment")
    return RelatedTable("Disputes", headers, rows, address, of=Dispute)


def _row(dispute: Dispute) -> tuple[Any, ...]:
    status = status_label(dispute, STATUS_COLOURS)
    amount = format_amount(dispute.amount_minor, dispute.currency)
    facts = (_in_words(dispute.reason), time_left(dispute), link(dispute.transaction))
    return (link(dispute), dispute.opened_at, status, amount, *facts)


def time_left(dispute: Dispute) -> str:
    """How long evidence is still taken, as a label; nothing where none is asked for."""
    if not dispute.needs_response or dispute.evidence_due_at is None:
        return EMPTY
    left = dispute.evidence_due_at - now()
    return label(_in_days(left), BAD if left < URGENT else WAITING)


def _in_days(left: timedelta) -> str:
    if left < timedelta(0):
        return "Overdue"
    number, unit = (left // DAY, "day") if left >= DAY else (left // HOUR, "hour")
    return f"{number} {unit}{'' if number == 1 else 's'} left"


def _in_words(reason: str) -> str:
    """Stripe's word for it, such as `product_not_received`, as people write it."""
    return reason.replace("_", " ").capitalize()


# Those that need a response by their date, those without a date after them; then the others, the newest first.
_IS_NEEDED = Case(When(status__in=NEEDING_RESPONSE, then=0), default=1)
_DUE_WHERE_NEEDED = Case(When(status__in=NEEDING_RESPONSE, then=F("evidence_due_at")))
MOST_URGENT_FIRST = (_IS_NEEDED.asc(), _DUE_WHERE_NEEDED.asc(nulls_last=True), "-opened_at", "-id")


@admin.register(Dispute)
class DisputeAdmin(ExportableAdmin, ReadOnlyAdmin):
    list_display = (
        "__str__",
        "status_label",
        "time_left",
        "evidence_due_at",
        "amount",
        "reason_in_words",
        "transaction_link",
        "account_link",
        "opened_at",
    )
    list_select_related = ("transaction", "account")
    ordering = MOST_URGENT_FIRST
    list_filter = (
        ResponseFilter,
        ("status", MultipleChoicesDropdownFilter),
        CurrencyFilter,
        ("developer", AutocompleteSelectFilter),
        ("account", AutocompleteSelectFilter),
        ("evidence_due_at", DateRangeFilter),
        ("opened_at", DateRangeFilter),
    )
    search_fields = (
        "stripe_dispute_id__startswith",
        "stripe_charge_id__startswith",
        "transaction__stripe_payment_intent_id__startswith",
        "transaction__order_id__startswith",
        "account__stripe_account_id__startswith",
        "account__email__icontains",
        "developer__id__startswith",
    )
    search_fields_of_operations = (
        "stripe_dispute_id__startswith",
        "transaction__stripe_payment_intent_id__startswith",
        "transaction__order_id__startswith",
    )
    search_help_text = "An id (dispute, charge, transaction, order, account, developer), or a seller's email."
    export_fields = (
        "stripe_dispute_id",
        "status",
        "reason",
        "currency",
        "amount_minor",
        "evidence_due_at",
        "has_evidence",
        "transaction__stripe_payment_intent_id",
        "transaction__order_id",
        "account__stripe_account_id",
        "account__email",
        "developer_id",
        "app_id",
        "opened_at",
        "updated_at",
    )
    export_ordering = "opened_at"
    fieldsets = (
        (None, {"fields": ("status_label", "time_left", "evidence_due_at", "has_evidence", "amount", "reason_in_words")}),
        ("Payment", {"fields": ("transaction", "order_id", "charge", "account", "developer", "app")}),
        ("Record", {"fields": ("stripe_id", "opened_at", "version", "environment", "created_at", "updated_at")}),
    )

    status_label = status_in(STATUS_COLOURS)
    amount = amount_of("amount_minor", description="amount")
    transaction_link = linked("transaction")
    account_link = linked("account")

    @display(description="time left", ordering="evidence_due_at")
    def time_left(self, dispute: Dispute) -> str:
        return time_left(dispute)

    @display(description="reason", ordering="reason")
    def reason_in_words(self, dispute: Dispute) -> str:
        return _in_words(dispute.reason)

    @display(description="order")
    def order_id(self, dispute: Dispute) -> str:
        return dispute.transaction.order_id or EMPTY if dispute.transaction is not None else EMPTY

    @display(description="charge")
    def charge(self, dispute: Dispute) -> str:
        return code(dispute.stripe_charge_id)

    @display(description="dispute at Stripe")
    def stripe_id(self, dispute: Dispute) -> str:
        return code(dispute.stripe_dispute_id)

    def briefing(self, record: Dispute) -> Briefing | None:
        return _briefing(record) if record.needs_response else None

    def related_tables(self, record: Dispute) -> Iterable[RelatedTable]:
        return [events_about(record), stripe_events_about(record.stripe_dispute_id)]


def _briefing(dispute: Dispute) -> Briefing:
    due = dispute.evidence_due_at
    facts = [
        ("Amount", format_amount(dispute.amount_minor, dispute.currency)),
        ("Evidence is taken until", f"{due:%Y-%m-%d %H:%M:%S} UTC" if due is not None else EMPTY),
        ("Evidence so far", "Some was written down" if dispute.has_evidence else "None"),
    ]
    return Briefing(
        "This dispute needs a response",
        WHAT_HAPPENED[dispute.status],
        facts,
        ["Evidence is sent at Stripe, and not from here. Stripe then tells us of it, and this page changes by itself."],
        is_urgent=due is not None and due - now() < URGENT,
    )
