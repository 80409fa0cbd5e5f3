"""What the staff is asked before it moves the money of a payment."""

from typing import Any

from django import forms
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldBooleanSwitchWidget

from commercecore_payments.admin.actions import ActionForm
from commercecore_payments.admin.amounts import AmountField
from commercecore_payments.money import format_amount
from refunds.models import Reason
from refunds.operations.request import refundable_minor
from transactions.models import CANCELLATION_REASONS

NO_REASON = ("", "None")


def choices_of(names: Any) -> list[tuple[str, str]]:
    """Stripe's words as people write them."""
    return [NO_REASON, *((str(name), str(name).replace("_", " ").capitalize()) for name in names)]


class RefundForm(ActionForm):
    """How much goes back, what Stripe is told of it, and whether the platform gives its fee back."""

    stripe_reason = forms.ChoiceField(
        label="Reason for Stripe",
        choices=choices_of(Reason.values),
        required=False,
        widget=UnfoldAdminSelectWidget,
        help_text="“Fraudulent” also puts the card and the email on Stripe's block lists.",
    )
    refund_application_fee = forms.BooleanField(
        label="Give the application fee back, in proportion", required=False, widget=UnfoldBooleanSwitchWidget
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        payment = self.record
        self.fields["amount"] = AmountField(currency=payment.currency, maximum_minor=refundable_minor(payment))
        if not payment.application_fee_minor:
            del self.fields["refund_application_fee"]
        self.order_fields(["amount", "stripe_reason", "refund_application_fee", "reason"])


class CaptureForm(ActionForm):
    """How much of the hold is taken."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        payment = self.record
        held_minor = payment.amount_capturable_minor
        help_text = f"At most {format_amount(held_minor, payment.currency)}. The rest is released, and cannot be captured later."
        self.fields["amount"] = AmountField(currency=payment.currency, maximum_minor=held_minor, help_text=help_text)
        self.order_fields(["amount", "reason"])


class CancelForm(ActionForm):
    """What Stripe is told of the cancellation."""

    stripe_reason = forms.ChoiceField(
        label="Reason for Stripe", choices=choices_of(CANCELLATION_REASONS), required=False, widget=UnfoldAdminSelectWidget
    )
