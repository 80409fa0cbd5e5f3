"""Transactions as operators see them."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.contrib.admin import display
from django.db.models import QuerySet
from unfold.contrib.filters.admin import AutocompleteSelectFilter, ChoicesDropdownFilter, MultipleChoicesDropdownFilter

from commercecore_payments.admin.display import (
    BAD,
    EMPTY,
    GOOD,
    MOVING,
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
from commercecore_payments.admin.records import RELATED_ROWS, RelatedTable, Stake
from commercecore_payments.money import format_amount
from disputes.admin import MOST_URGENT_FIRST, disputes_table
from disputes.models import Dispute
from refunds.admin import refunds_table
from refunds.models import Refund
from transactions.filters import OutcomeFilter
from transactions.models import Status, Transaction
from transactions.payment_actions import PaymentActions

STATUS_COLOURS: dict[str, str] = {
    Status.CREATING: MOVING,
    Status.CREATION_FAILED: BAD,
    Status.REQUIRES_ACTION: WAITING,
    Status.PROCESSING: MOVING,
    Status.REQUIRES_CAPTURE: MOVING,
    Status.SUCCEEDED: GOOD,
}


def payments_table(payments: QuerySet[Any], *, title: str, rows: int = RELATED_ROWS, **filters: Any) -> RelatedTable:
    """The newest of `payments`, at most `rows` of them; `filters` show the same ones in the list."""
    shown = [_row(payment) for payment in payments.select_related("account")[:rows]]
    headers = ("Transaction", "Created", "Status", "Amount", "Order", "Account")
    return RelatedTable(title, headers, shown, list_address(Transaction, **filters), of=Transaction)


def _row(payment: Transaction) -> tuple[Any, ...]:
    status = status_label(payment, STATUS_COLOURS)
    amount = format_amount(payment.amount_minor, payment.currency)
    return (link(payment), payment.created_at, status, amount, payment.order_id, link(payment.account))


@admin.register(Transaction)
class TransactionAdmin(ExportableAdmin, PaymentActions):
    class Media:
        css = {"all": ["explanations/explanation.css"]}

    list_display = (
        "__str__",
        "created_at",
        "status_label",
        "amount",
        "received",
        "held_until",
        "refunded",
        "order_id",
        "account_link",
        "user_id",
    )
    list_select_related = ("account",)
    list_filter = (
        OutcomeFilter,
        ("status", MultipleChoicesDropdownFilter),
        CurrencyFilter,
        ("capture_method", ChoicesDropdownFilter),
        ("developer", AutocompleteSelectFilter),
        ("account", AutocompleteSelectFilter),
        ("created_at", DateRangeFilter),
    )
    search_fields = (
        "stripe_payment_intent_id__startswith",
        "stripe_charge_id__startswith",
        "order_id__startswith",
        "user_id__startswith",
        "account__stripe_account_id__startswith",
        "account__email__icontains",
        "app__id__startswith",
        "developer__id__startswith",
    )
    search_fields_of_operations = (
        "stripe_payment_intent_id__startswith",
        "stripe_charge_id__startswith",
        "order_id__startswith",
    )
    change_form_before_template = "explanations/before_payment.html"
    search_help_text = "An id (transaction, charge, order, user, account, app, developer), or a seller's email."
    export_fields = (
        "stripe_payment_intent_id",
        "status",
        "currency",
        "amount_minor",
        "amount_received_minor",
        "amount_refunded_minor",
        "amount_capturable_minor",
        "application_fee_minor",
        "order_id",
        "user_id",
        "account__stripe_account_id",
        "account__email",
        "developer_id",
        "app_id",
        "stripe_charge_id",
        "stripe_payment_method_id",
        "capture_method",
        "capture_before",
        "error_code",
        "decline_code",
        "error_message",
        "external",
        "created_at",
        "updated_at",
    )
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "status_label",
                    "amount",
                    "received",
                    "capturable",
                    "capture_before",
                    "refunded",
                    "fee",
                    "what_went_wrong",
                )
            },
        ),
        ("Order", {"fields": ("order_id", "holds_order", "account", "user_id", "developer", "app")}),
        (
            "At Stripe",
            {
                "fields": (
                    "intent",
                    "charge",
                    "method",
                    "capture_method",
                    "statement_descriptor_suffix",
                    "return_url",
                    "metadata_shown",
                )
            },
        ),
        ("Record", {"fields": ("environment", "external", "version", "created_at", "updated_at")}),
    )

    status_label = status_in(STATUS_COLOURS)
    amount = amount_of("amount_minor", description="amount")
    received = amount_of("amount_received_minor", description="received")
    capturable = amount_of("amount_capturable_minor", description="held, not captured")
    refunded = amount_of("amount_refunded_minor", description="refunded")
    fee = amount_of("application_fee_minor", description="application fee")
    account_link = linked("account")

    @display(description="held until", ordering="capture_before")
    def held_until(self, payment: Transaction) -> datetime | None:
        return payment.capture_before

    @display(description="last error")
    def what_went_wrong(self, payment: Transaction) -> str:
        parts = (payment.error_message, payment.error_code, payment.decline_code)
        return " · ".join(part for part in parts if part) or EMPTY

    @display(description="payment intent")
    def intent(self, payment: Transaction) -> str:
        return code(payment.stripe_payment_intent_id)

    @display(description="charge")
    def charge(self, payment: Transaction) -> str:
        return code(payment.stripe_charge_id)

    @display(description="payment method")
    def method(self, payment: Transaction) -> str:
        return code(payment.stripe_payment_method_id)

    @display(description="metadata")
    def metadata_shown(self, payment: Transaction) -> str:
        return pretty_json(payment.metadata)

    def stake_of(self, record: Transaction) -> Stake:
        return Stake(record.amount_minor, record.currency, record.order_id, record)

    def related_tables(self, record: Transaction) -> Iterable[RelatedTable]:
        """Its refunds and disputes. What else there is about it stands in the timeline above."""
        disputes = Dispute.objects.filter(transaction=record).order_by(*MOST_URGENT_FIRST)
        return [
            refunds_table(Refund.objects.of(record), transaction__id__exact=record.pk),
            disputes_table(disputes, transaction__id__exact=record.pk),
        ]
