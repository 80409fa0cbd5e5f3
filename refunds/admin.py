"""Refunds as operators see them."""

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.contrib.admin import display
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import AutocompleteSelectFilter, ChoicesDropdownFilter, MultipleChoicesDropdownFilter

from commercecore_payments.admin.actions import Asked, Done, confirmed_action
from commercecore_payments.admin.display import (
    BAD,
    EMPTY,
    GOOD,
    MOVING,
    QUIET,
    WAITING,
    amount_of,
    code,
    link,
    linked,
    list_address,
    pretty_json,
    status_in,
    status_label,
)
from commercecore_payments.admin.export import ExportableAdmin
from commercecore_payments.admin.filters import CurrencyFilter, DateRangeFilter
from commercecore_payments.admin.records import RELATED_ROWS, ReadOnlyAdmin, RelatedTable, Stake
from commercecore_payments.admin.unfolded import SimpleListFilter
from commercecore_payments.money import format_amount
from gateway.admin import operations_about
from refunds.approval_admin import RefundApprovalAdmin
from refunds.models import NOT_REFUNDED, Refund, Status
from refunds.operations import refresh_refund
from staff.rights import Right
from stripe_events.admin import stripe_events_about
from webhooks.admin import events_about

__all__ = ["RefundAdmin", "RefundApprovalAdmin", "refunds_table"]

STATUS_COLOURS: dict[str, str] = {
    Status.CREATING: MOVING,
    Status.CREATION_FAILED: BAD,
    Status.PENDING: MOVING,
    Status.REQUIRES_ACTION: WAITING,
    Status.SUCCEEDED: GOOD,
    Status.FAILED: BAD,
    Status.CANCELED: QUIET,  # the money was never on its way, or is back: nobody has to act
}


def refunds_table(refunds: QuerySet[Any], **filters: Any) -> RelatedTable:
    """The newest of `refunds`; `filters` show the same ones in the list."""
    rows = [_row(refund) for refund in refunds.select_related("transaction")[:RELATED_ROWS]]
    address = list_address(Refund, **filters) if len(rows) == RELATED_ROWS else ""
    return RelatedTable("Refunds", ("Refund", "Created", "Status", "Amount", "Reason", "Failure"), rows, address, of=Refund)


def _row(refund: Refund) -> tuple[Any, ...]:
    status = status_label(refund, STATUS_COLOURS)
    amount = format_amount(refund.amount_minor, refund.currency)
    reasons = (refund.get_reason_display() or EMPTY, _plain(refund.failure_reason))
    return (link(refund), refund.created_at, status, amount, *reasons)


def _plain(failure_reason: str) -> str:
    """Stripe's word for it, such as `lost_or_stolen_card`, as people write it."""
    return failure_reason.replace("_", " ").capitalize() or EMPTY


class MoneyFilter(SimpleListFilter):
    """Whether money went back, or is on its way."""

    title = "money"
    parameter_name = "money"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        return [("taken", "Went back, or is on its way"), ("kept", "Stayed with the seller")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "kept":
            return queryset.filter(status__in=NOT_REFUNDED)
        return queryset.exclude(status__in=NOT_REFUNDED) if self.value() == "taken" else queryset


@admin.register(Refund)
class RefundAdmin(ExportableAdmin, ReadOnlyAdmin):
    list_display = ("name_of", "created_at", "status_label", "amount", "transaction_link", "order_id", "user_id")
    list_select_related = ("transaction",)
    list_filter = (
        MoneyFilter,
        ("status", MultipleChoicesDropdownFilter),
        CurrencyFilter,
        ("reason", ChoicesDropdownFilter),
        ("developer", AutocompleteSelectFilter),
        ("created_at", DateRangeFilter),
    )
    search_fields = (
        "stripe_refund_id__startswith",
        "transaction__stripe_payment_intent_id__startswith",
        "transaction__order_id__startswith",
        "transaction__account__stripe_account_id__startswith",
        "transaction__account__email__icontains",
        "user_id__startswith",
        "app__id__startswith",
        "developer__id__startswith",
    )
    search_fields_of_operations = (
        "stripe_refund_id__startswith",
        "transaction__stripe_payment_intent_id__startswith",
        "transaction__order_id__startswith",
    )
    related_to_its_name = ("transaction",)
    actions_detail = ("read_from_stripe",)
    search_help_text = "An id (refund, transaction, order, user, account, app, developer), or a seller's email."
    export_fields = (
        "stripe_refund_id",
        "status",
        "currency",
        "amount_minor",
        "reason",
        "failure_reason",
        "transaction__stripe_payment_intent_id",
        "transaction__order_id",
        "user_id",
        "operator",
        "developer_id",
        "app_id",
        "refund_application_fee",
        "external",
        "created_at",
        "updated_at",
    )
    fieldsets = (
        (None, {"fields": ("status_label", "amount", "reason", "why_it_failed", "refund_application_fee", "metadata_shown")}),
        ("Payment", {"fields": ("transaction", "order_id", "account")}),
        ("Caller", {"fields": ("user_id", "operator", "developer", "app")}),
        ("Record", {"fields": ("stripe_id", "environment", "external", "version", "created_at", "updated_at")}),
    )

    status_label = status_in(STATUS_COLOURS)
    amount = amount_of("amount_minor", description="amount")
    transaction_link = linked("transaction")

    @display(description="refund", ordering="stripe_refund_id")
    def name_of(self, record: Refund) -> str:
        return str(record)

    def stake_of(self, record: Refund) -> Stake:
        payment = record.transaction
        return Stake(record.amount_minor, record.currency, payment.order_id, payment)

    @display(description="why it failed")
    def why_it_failed(self, refund: Refund) -> str:
        return _plain(refund.failure_reason)

    @display(description="order", ordering="transaction__order_id")
    def order_id(self, refund: Refund) -> str:
        return refund.transaction.order_id

    @display(description="account")
    def account(self, refund: Refund) -> str:
        return link(refund.transaction.account)

    @display(description="refund at Stripe")
    def stripe_id(self, refund: Refund) -> str:
        return code(refund.stripe_refund_id)

    @display(description="metadata")
    def metadata_shown(self, refund: Refund) -> str:
        return pretty_json(refund.metadata)

    def related_tables(self, record: Refund) -> Iterable[RelatedTable]:
        return [events_about(record), stripe_events_about(record.stripe_refund_id), operations_about(record)]

    def actions_for(self, record: Refund) -> tuple[str, ...]:
        return self.actions_detail if record.stripe_refund_id else ()

    @confirmed_action(
        "Read from Stripe",
        right=Right.RESYNC,
        text="Asks Stripe for the refund and takes over its state. Nothing is changed at Stripe.",
        icon="sync",
    )
    def read_from_stripe(self, record: Refund, asked: Asked) -> Done:
        refresh_refund(record)
        return Done(f"{record} at Stripe: {record.get_status_display().lower()}.")
