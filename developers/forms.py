"""What an operator is asked for a new token."""

from datetime import datetime, timedelta
from typing import Any

from django import forms
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminTextInputWidget

from commercecore_payments import clock
from commercecore_payments.admin.actions import ActionForm
from developers.models import MAX_NAME_LENGTH

# Ten years: a token for longer is one that should be revoked when it is no longer needed.
MAX_DAYS = 3650


# A week to put the new token into every place where the old one stands.
LONGEST_OVERLAP_HOURS = 7 * 24


class NewTokenForm(ActionForm):
    """`cleaned_data` has the token's name, and `expires_at`, or None for a token that works until it is revoked."""

    name = forms.CharField(
        max_length=MAX_NAME_LENGTH, widget=UnfoldAdminTextInputWidget, help_text="What it is for, to tell it apart later."
    )
    days = forms.IntegerField(
        min_value=1,
        max_value=MAX_DAYS,
        required=False,
        widget=UnfoldAdminIntegerFieldWidget,
        help_text="How many days it works. Empty: until it is revoked.",
    )

    def clean(self) -> dict[str, Any]:
        days = self.cleaned_data.get("days")
        return {**self.cleaned_data, "expires_at": _in_days(days) if days else None}


class RotationForm(ActionForm):
    """`cleaned_data` has `old_ends_at`: until when the old token works beside the new one, or None where it ends at once."""

    hours = forms.IntegerField(
        label="Hours that the old token still works",
        min_value=0,
        max_value=LONGEST_OVERLAP_HOURS,
        initial=24,
        widget=UnfoldAdminIntegerFieldWidget,
        help_text="So that nothing fails before the new one is everywhere. 0: it is revoked at once, as after a leak.",
    )

    def clean(self) -> dict[str, Any]:
        hours = self.cleaned_data.get("hours")
        return {**self.cleaned_data, "old_ends_at": clock.now() + timedelta(hours=hours) if hours else None}


def _in_days(days: int) -> datetime:
    return clock.now() + timedelta(days=days)
