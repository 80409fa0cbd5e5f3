"""Which events the staff wants sent again."""

from typing import Any

from django import forms
from unfold.widgets import UnfoldAdminIntegerFieldWidget

from commercecore_payments.admin.actions import ActionForm
from webhooks.resending import MOST_EVENTS


class RangeForm(ActionForm):
    """From one sequence number of the app's events to another, both included."""

    first = forms.IntegerField(
        label="From event number", min_value=1, widget=UnfoldAdminIntegerFieldWidget, help_text="The app's sequence number."
    )
    last = forms.IntegerField(
        label="To event number",
        min_value=1,
        widget=UnfoldAdminIntegerFieldWidget,
        help_text=f"At most {MOST_EVENTS:,} events at once.",
    )

    def clean(self) -> dict[str, Any]:
        first, last = self.cleaned_data.get("first"), self.cleaned_data.get("last")
        if first is not None and last is not None and last < first:
            raise forms.ValidationError("The last number has to be the first, or one after it.")
        return self.cleaned_data
