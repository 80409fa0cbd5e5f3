"""Payouts as operators see them."""

from collections.abc import Iterable
from functools import partial
from typing import Any

from django.contrib import admin
from django.contrib.admin import display
from django.db.models import QuerySet
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from unfold.contrib.filters.admin import AutocompleteSelectFilter, BooleanRadioFilter, MultipleChoicesDropdownFilter

from commercecore_payments.admin.display import (
    BAD,
    EMPTY,
    GOOD,
    MOVING,
    QUIET,
    amount_of,
    code,
    link,
    linked,
    list_address,
    shortened,
    status_in,
    status_label,
)
from commercecore_payments.admin.export import ExportableAdmin
from commercecore_payments.admin.filters import CurrencyFilter, DateRangeFilter
from commercecore_payments.admin.records import RELATED_ROWS, ReadOnlyAdmin, RelatedTable
from commercecore_payments.money import format_amount
from payouts.models import Payout, Status
from payouts.statement_page import statement_page
from stripe_events.admin import stripe_events_about

STATUS_COLOURS: dict[str, str] = {
    Status.PENDING: MOVING,
    Status.IN_TRANSIT: MOVING,
    Status.PAID: GOOD,
    Status.FAILED: BAD,
    Status.CANCELED: QUIET,  # the money never left the seller's balance
}
# Letters of a failure in a list: about two of its lines.
FAILURE_LENGTH = 60


def payouts_table(payouts: QuerySet[Any], **filters: Any) -> RelatedTable:
    """The newest of `payouts`; `filters` show the same ones in the list."""
    rows = [_row(payout) for payout in payouts[:RELATED_ROWS]]
    address = list_address(Payout, **filters) if len(rows) == RELATED_ROWS else ""
    return RelatedTable("Payouts", ("Payout", "Made", "Status", "Amount", "Arrives", "Failure"), rows, address, of=Payout)


def _row(payout: Payout) -> tuple[Any, ...]:
    amount = format_amount(payout.amount_minor, payout.currency)
    failure = shortened(payout.failure_message, FAILURE_LENGTH)
    return (link(payout), payout.made_at, status_label(payout, STATUS_COLOURS), amount, _arrival_day(payout), failure)


def _arrival_day(payout: Payout) -> str:
    return f"{payout.arrives_at:%Y-%m-%d}" if payout.arrives_at is not None else EMPTY


@admin.register(Payout)
class PayoutAdmin(ExportableAdmin, ReadOnlyAdmin):
    list_display = ("__str__", "made_at", "status_label", "amount", "arrival_day", "account_link", "automatic", "failure")
    list_select_related = ("account",)
    list_filter = (
        ("status", MultipleChoicesDropdownFilter),
        CurrencyFilter,
        ("automatic", BooleanRadioFilter),
        ("developer", AutocompleteSelectFilter),
        ("account", AutocompleteSelectFilter),
        ("arrives_at", DateRangeFilter),
        ("made_at", DateRangeFilter),
    )
    search_fields = (
        "stripe_payout_id__startswith",
        "account__stripe_account_id__startswith",
        "account__email__icontains",
        "developer__id__startswith",
    )
    search_help_text = "An id (payout, account, developer), or a seller's email."
    export_fields = (
        "stripe_payout_id",
        "status",
        "currency",
        "amount_minor",
        "arrives_at",
        "automatic",
        "account__stripe_account_id",
        "account__email",
        "developer_id",
        "failure_code",
        "failure_message",
        "made_at",
        "updated_at",
    )
    export_ordering = "made_at"
    fieldsets = (
        (None, {"fields": ("status_label", "amount", "arrival_day", "automatic", "what_went_wrong", "statement")}),
        ("Seller", {"fields": ("account", "developer")}),
        ("Record", {"fields": ("stripe_id", "made_at", "environment", "created_at", "updated_at")}),
    )

    status_label = status_in(STATUS_COLOURS)
    amount = amount_of("amount_minor", description="amount")
    account_link = linked("account")

    @display(description="arrives", ordering="arrives_at")
    def arrival_day(self, payout: Payout) -> str:
        return _arrival_day(payout)

    @display(description="failure")
    def failure(self, payout: Payout) -> str:
        return shortened(payout.failure_message, FAILURE_LENGTH)

    @display(description="why it failed")
    def what_went_wrong(self, payout: Payout) -> str:
        return " · ".join(part for part in (payout.failure_message, payout.failure_code) if part) or EMPTY

    @display(description="made of")
    def statement(self, payout: Payout) -> str:
        address = reverse("admin:payouts_payout_statement", args=[payout.pk])
        return format_html('<a class="text-link" href="{}">Statement</a>', address)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(partial(statement_page, self))
        return [path("<int:object_id>/statement/", view, name="payouts_payout_statement"), *super().get_urls()]

    @display(description="payout at Stripe")
    def stripe_id(self, payout: Payout) -> str:
        return code(payout.stripe_payout_id)

    def related_tables(self, record: Payout) -> Iterable[RelatedTable]:
        return [stripe_events_about(record.stripe_payout_id)]
