"""The sandbox's own pages: what the offline Stripe holds, and orders to pay. Only where it stands in for Stripe."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.contrib.admin import display
from django.http import HttpRequest
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from accounts.models import ConnectedAccount
from commercecore_payments.admin.display import amount_of, code, pretty_json
from commercecore_payments.admin.filters import CurrencyFilter, DateRangeFilter
from commercecore_payments.admin.records import ReadOnlyAdmin, RecordAdmin
from commercecore_payments.money import CURRENCIES, amount_problem
from sandbox.models import ID_LENGTH, SandboxObject, SandboxOrder
from sandbox.orders import create_order
from sandbox.pages.console import without_secrets


class OrderForm(forms.ModelForm):
    """An unpaid order, as the marketplace would make one: whom it is for is told by the account."""

    account = forms.ModelChoiceField(ConnectedAccount.objects.none(), widget=UnfoldAdminSelectWidget)
    amount_minor = forms.IntegerField(
        widget=UnfoldAdminIntegerFieldWidget, label="Amount", help_text="In minor units: 1000 are 10.00 USD."
    )
    currency = forms.CharField(max_length=3, widget=UnfoldAdminTextInputWidget)
    order_id = forms.CharField(
        max_length=ID_LENGTH, required=False, widget=UnfoldAdminTextInputWidget, help_text="Empty: a new one is made up."
    )

    class Meta:
        model = SandboxOrder
        fields = ("order_id", "amount_minor", "currency")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["account"].queryset = ConnectedAccount.objects.active()  # type: ignore[attr-defined]
        self.fields["currency"].initial = settings.DEFAULT_CURRENCY

    def clean_currency(self) -> str:
        currency = str(self.cleaned_data["currency"]).lower()
        if currency not in CURRENCIES:
            raise forms.ValidationError("Stripe knows no such currency.")
        return currency

    def clean(self) -> dict[str, Any]:
        answers = super().clean() or self.cleaned_data
        if "amount_minor" in answers and "currency" in answers:
            problem = amount_problem(answers["amount_minor"], answers["currency"])
            if problem:
                self.add_error("amount_minor", problem)
        if answers.get("order_id") and "account" in answers:
            self._refuse_a_second_one(answers["order_id"], answers["account"].developer_id)
        return answers

    def _refuse_a_second_one(self, order_id: str, developer_id: str) -> None:
        if SandboxOrder.objects.filter(order_id=order_id, developer_id=developer_id).exists():
            self.add_error("order_id", "The developer has an order of this id already.")


class SandboxOrderAdmin(RecordAdmin):
    form = OrderForm
    list_display = ("order_id", "amount", "account_id", "developer_id", "created_at")
    list_filter = (CurrencyFilter, ("created_at", DateRangeFilter))
    search_fields = ("order_id__startswith", "account_id__startswith", "developer_id__startswith")
    search_help_text = "An id: of the order, of an account, of a developer."
    ordering = ("-created_at", "-id")
    fieldsets = ((None, {"fields": ("order_id", "amount", "account_id", "developer_id", "created_at")}),)
    add_fieldsets = ((None, {"fields": ("account", "amount_minor", "currency", "order_id")}),)

    amount = amount_of("amount_minor", description="amount")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: SandboxOrder, form: Any, change: bool) -> None:
        """Makes the order as the sandbox makes its own; an order cannot be changed."""
        answers = form.cleaned_data
        made = create_order(
            developer_id=answers["account"].developer_id,
            account_id=answers["account"].stripe_account_id,
            amount_minor=answers["amount_minor"],
            currency=answers["currency"],
            order_id=answers["order_id"] or None,
        )
        obj.pk, obj.order_id, obj.created_at = made.pk, made.order_id, made.created_at


class SandboxObjectAdmin(ReadOnlyAdmin):
    """What a caller of Stripe would get to see of the object. What the sandbox hides from them stays hidden here."""

    list_display = ("stripe_id", "object_type", "account", "deleted", "created_at")
    list_filter = ("object_type", ("created_at", DateRangeFilter))
    search_fields = (
        "stripe_id__startswith",
        "account__startswith",
        "customer__startswith",
        "payment_intent__startswith",
        "charge__startswith",
    )
    search_help_text = "An id: of the object, or of the account, customer, payment intent or charge that it belongs to."
    ordering = ("-created_at", "-id")
    fieldsets = (
        (None, {"fields": ("identity", "object_type", "account", "deleted", "created_at")}),
        ("As Stripe would answer it", {"fields": ("content",)}),
    )

    @display(description="id")
    def identity(self, row: SandboxObject) -> str:
        return code(row.stripe_id)

    @display(description="object")
    def content(self, row: SandboxObject) -> str:
        return pretty_json(without_secrets(row.data))


if settings.STRIPE_SANDBOX:
    admin.site.register(SandboxOrder, SandboxOrderAdmin)
    admin.site.register(SandboxObject, SandboxObjectAdmin)
