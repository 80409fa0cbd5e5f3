"""The form of the checkout."""

from typing import Any

from django import forms
from django.db import IntegrityError

from accounts.models import ConnectedAccount
from commercecore_payments.money import CURRENCIES, amount_problem
from sandbox.models import ID_LENGTH, SandboxOrder
from sandbox.pages import checkout
from sandbox.pages.offered_cards import grouped_choices
from transactions.models import CaptureMethod

NEW_ORDER = "new"
FIRST_AMOUNT_MINOR = 2500
CAPTURES = [(CaptureMethod.AUTOMATIC, "Capture the money at once"), (CaptureMethod.MANUAL, "Only hold it")]


class CheckoutForm(forms.Form):
    """A seller's unpaid order or a new one, and the card that pays it.

    The id of a new order stands in the form, so that a form that is sent twice names one order.
    """

    seller = forms.CharField(max_length=ID_LENGTH, widget=forms.HiddenInput)
    order = forms.CharField(max_length=ID_LENGTH)
    new_order_id = forms.RegexField(r"^order_[A-Za-z0-9_-]{1,64}$", widget=forms.HiddenInput)
    amount_minor = forms.IntegerField(
        required=False, initial=FIRST_AMOUNT_MINOR, label="Amount", help_text="In minor units: 2500 are 25.00 USD."
    )
    currency = forms.CharField(required=False, max_length=3, label="Currency", help_text="Three letters, such as usd.")
    card = forms.ChoiceField(label="Test card", choices=grouped_choices)
    capture = forms.ChoiceField(label="Money", choices=CAPTURES, initial=CaptureMethod.AUTOMATIC, widget=forms.RadioSelect)

    def __init__(self, *args: Any, seller: ConnectedAccount | None = None, **options: Any) -> None:
        super().__init__(*args, **options)
        self._seller = seller
        self._order: SandboxOrder | None = None

    def clean_currency(self) -> str:
        return str(self.cleaned_data["currency"]).lower()

    def clean(self) -> dict[str, Any]:
        answers = super().clean() or self.cleaned_data
        if self.errors or self._seller is None:
            return answers
        if answers["order"] != NEW_ORDER:
            self._order = checkout.order_of(self._seller, answers["order"])
            if self._order is None:
                self.add_error("order", "The seller has no such order.")
        elif self._new_order_is_payable(answers):
            self._make_order(self._seller, answers)
        return answers

    def chosen_order(self) -> SandboxOrder:
        """The order of a valid form."""
        if self._order is None:
            raise LookupError("The form is not valid, and names no order.")
        return self._order

    def _new_order_is_payable(self, answers: dict[str, Any]) -> bool:
        if answers["currency"] not in CURRENCIES:
            self.add_error("currency", "Stripe knows no such currency.")
        elif answers["amount_minor"] is None:
            self.add_error("amount_minor", "A new order needs an amount.")
        elif problem := amount_problem(answers["amount_minor"], answers["currency"]):
            self.add_error("amount_minor", problem)
        return not self.errors

    def _make_order(self, seller: ConnectedAccount, answers: dict[str, Any]) -> None:
        try:
            self._order = checkout.new_order(
                seller, order_id=answers["new_order_id"], amount_minor=answers["amount_minor"], currency=answers["currency"]
            )
        except IntegrityError:
            self.add_error("order", "Another seller has an order of this id: open the page again.")
