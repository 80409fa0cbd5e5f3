"""The form of the onboarding page."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from django import forms

from sandbox.connect import onboarding
from sandbox.connect.onboarding import OnboardingDetails
from sandbox.models import SandboxObject
from sandbox.money import payouts

# The SDK's values of an account's `business_type`.
BUSINESS_TYPES = {
    "individual": "Individual",
    "company": "Company",
    "non_profit": "Non-profit",
    "government_entity": "Government entity",
}
_ONE_OF_THEM = f"one of {', '.join(BUSINESS_TYPES)}"


class OnboardingForm(forms.Form):
    """What a seller tells Stripe, filled with what the account says already, and with test data for the rest.

    Its rules are those of the control API, too. `known` is what it is filled with.
    """

    business_type = forms.ChoiceField(
        choices=list(BUSINESS_TYPES.items()),
        widget=forms.TextInput,  # every field is a plain input, so that a script can fill the form as a person does
        help_text=_ONE_OF_THEM.capitalize(),
        error_messages={"invalid_choice": f"Must be {_ONE_OF_THEM}."},
    )
    business_name = forms.CharField(max_length=100)
    first_name = forms.CharField(max_length=100)
    last_name = forms.CharField(max_length=100)
    website = forms.URLField(assume_scheme="https")
    product_description = forms.CharField(max_length=500)
    routing_number = forms.RegexField(r"^[0-9]{6,9}$", help_text="A test number of Stripe's")
    account_number = forms.RegexField(r"^[0-9]{4,17}$", help_text="A test number; its last four digits are kept")

    def __init__(self, account: SandboxObject, sent: Mapping[str, Any] | None = None) -> None:
        self.known = asdict(onboarding.known_details(account))
        super().__init__(sent, initial=self.known)
        if bank := payouts.bank_account(account):
            number = self.fields["account_number"]
            number.required = False
            number.help_text += f"; empty: the present one, •••• {bank['last4']}"

    def clean(self) -> dict[str, Any]:
        """The answers. Refuses another routing number for a bank account whose number nobody kept."""
        answers = self.cleaned_data
        moved = answers.get("routing_number", self.known["routing_number"]) != self.known["routing_number"]
        if moved and answers.get("account_number") == "":
            self.add_error("account_number", "Another routing number needs the account number as well.")
        return answers

    def details(self) -> OnboardingDetails:
        """The answers of a valid form."""
        return OnboardingDetails(**self.cleaned_data)
