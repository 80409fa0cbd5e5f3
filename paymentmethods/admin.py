"""Saved cards and the customers that they hang on, as operators see them."""

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.contrib.admin import display
from unfold.contrib.filters.admin import AutocompleteSelectFilter, BooleanRadioFilter, ChoicesDropdownFilter

from commercecore_payments.admin.display import (
    BAD,
    EMPTY,
    GOOD,
    MOVING,
    QUIET,
    WAITING,
    code,
    link,
    linked,
    list_address,
    status_in,
    status_label,
)
from commercecore_payments.admin.filters import DateRangeFilter
from commercecore_payments.admin.records import RELATED_ROWS, ReadOnlyAdmin, RelatedTable
from gateway.admin import operations_about
from paymentmethods.models import Customer, PaymentMethod, Status

STATUS_COLOURS: dict[str, str] = {
    Status.SAVING: MOVING,
    Status.REQUIRES_ACTION: WAITING,
    Status.SAVED: GOOD,
    Status.FAILED: BAD,
    Status.DETACHING: MOVING,
    Status.DETACHED: QUIET,
}


def card_text(method: PaymentMethod) -> str:
    """The card as its owner knows it: `Visa •••• 4242, 12/2027`."""
    if not method.last4:
        return EMPTY
    expiry = f", {method.exp_month:02d}/{method.exp_year}" if method.exp_month and method.exp_year else ""
    return f"{method.brand.title()} •••• {method.last4}{expiry}"


@admin.register(PaymentMethod)
class PaymentMethodAdmin(ReadOnlyAdmin):
    list_display = ("__str__", "created_at", "card", "status_label", "preferred", "user_id", "customer_link")
    list_select_related = ("customer",)
    list_filter = (
        ("status", ChoicesDropdownFilter),
        ("preferred", BooleanRadioFilter),
        ("customer__developer", AutocompleteSelectFilter),
        ("created_at", DateRangeFilter),
    )
    search_fields = (
        "stripe_payment_method_id__startswith",
        "stripe_setup_intent_id__startswith",
        "given_id__startswith",
        "last4",
        "customer__user_id__startswith",
        "customer__stripe_customer_id__startswith",
        "app__id__startswith",
        "customer__developer__id__startswith",
    )
    search_help_text = "An id (payment method, setup intent, customer, user, app, developer), or the last four digits of a card."
    fieldsets = (
        (None, {"fields": ("status_label", "card", "preferred", "wants_preferred", "what_went_wrong")}),
        ("Owner", {"fields": ("user_id", "customer", "developer", "app")}),
        ("At Stripe", {"fields": ("method", "setup_intent", "given", "type")}),
        ("Record", {"fields": ("environment", "created_at", "updated_at")}),
    )

    status_label = status_in(STATUS_COLOURS)
    customer_link = linked("customer")

    @display(description="card")
    def card(self, method: PaymentMethod) -> str:
        return card_text(method)

    @display(description="user", ordering="customer__user_id")
    def user_id(self, method: PaymentMethod) -> str:
        return method.customer.user_id

    @display(description="developer")
    def developer(self, method: PaymentMethod) -> str:
        return link(method.customer.developer)

    @display(description="last error")
    def what_went_wrong(self, method: PaymentMethod) -> str:
        parts = (method.error_message, method.error_code, method.decline_code)
        return " · ".join(part for part in parts if part) or EMPTY

    @display(description="payment method")
    def method(self, method: PaymentMethod) -> str:
        return code(method.stripe_payment_method_id)

    @display(description="setup intent")
    def setup_intent(self, method: PaymentMethod) -> str:
        return code(method.stripe_setup_intent_id)

    @display(description="as the caller named it")
    def given(self, method: PaymentMethod) -> str:
        return code(method.given_id)

    def related_tables(self, record: PaymentMethod) -> Iterable[RelatedTable]:
        return [operations_about(record)]


@admin.register(Customer)
class CustomerAdmin(ReadOnlyAdmin):
    list_display = ("__str__", "created_at", "user_id", "developer_link")
    list_select_related = ("developer",)
    list_filter = (("developer", AutocompleteSelectFilter), ("created_at", DateRangeFilter))
    search_fields = ("stripe_customer_id__startswith", "user_id__startswith", "developer__id__startswith")
    search_help_text = "An id: of the customer, of a user, of a developer."
    fieldsets = ((None, {"fields": ("stripe_id", "user_id", "developer", "environment", "created_at")}),)

    developer_link = linked("developer")

    @display(description="customer at Stripe")
    def stripe_id(self, customer: Customer) -> str:
        return code(customer.stripe_customer_id)

    def related_tables(self, record: Customer) -> Iterable[RelatedTable]:
        return [self._methods(record), operations_about(record)]

    def _methods(self, customer: Customer) -> RelatedTable:
        rows = [_row(method) for method in PaymentMethod.objects.filter(customer=customer)[:RELATED_ROWS]]
        headers = ("Payment method", "Created", "Card", "Status", "Preferred")
        return RelatedTable("Payment methods", headers, rows, list_address(PaymentMethod, customer__id__exact=customer.pk))


def _row(method: PaymentMethod) -> tuple[Any, ...]:
    preferred = "Yes" if method.preferred else EMPTY
    return (link(method), method.created_at, card_text(method), status_label(method, STATUS_COLOURS), preferred)
