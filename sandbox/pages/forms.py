"""The form of the onboarding page."""

from django import forms

from sandbox.connect.onboarding import OnboardingDetails

_TEST_DATA = OnboardingDetails()


class OnboardingForm(forms.Form):
    """What a seller tells Stripe, filled with test data."""

    business_type = forms.ChoiceField(
        choices=[("individual", "Individual"), ("company", "Company"), ("non_profit", "Non-profit")],
        initial=_TEST_DATA.business_type,
        widget=forms.TextInput,  # every field is a plain input, so that a script can fill the form as a person does
        help_text="individual, company or non_profit",
    )
    business_name = forms.CharField(max_length=100, initial=_TEST_DATA.business_name)
    first_name = forms.CharField(max_length=100, initial=_TEST_DATA.first_name)
    last_name = forms.CharField(max_length=100, initial=_TEST_DATA.last_name)
    website = forms.URLField(initial=_TEST_DATA.website, assume_scheme="https")
    product_description = forms.CharField(max_length=500, initial=_TEST_DATA.product_description)
    routing_number = forms.RegexField(r"^[0-9]{6,9}$", initial=_TEST_DATA.routing_number, help_text="A test number of Stripe's")
    account_number = forms.RegexField(
        r"^[0-9]{4,17}$", initial=_TEST_DATA.account_number, help_text="A test number; its last four digits are kept"
    )

    def details(self) -> OnboardingDetails:
        """The answers of a valid form."""
        return OnboardingDetails(**self.cleaned_data)
