"""The forms of the sandbox's own pages."""

from datetime import timedelta
from typing import Any

from django import forms

from sandbox.faults.fault_kinds import EVENT_KINDS, METHODS, REQUEST_KINDS

FAULT_NAMES = {
    "refuse_connection": "Refuse the connection",
    "time_out_before": "Time out, nothing happened",
    "time_out_after": "Time out, though it happened",
    "drop_answer": "Drop the answer, though it happened",
    "fail_inside": "Answer 500, nothing happened",
    "fail_after": "Answer 500, though it happened",
    "limit_rate": "Answer 429, too many requests",
    "lock_timeout": "Answer 429, the object is locked",
    "key_in_use": "Answer 409, the idempotency key is in use",
    "answer_slowly": "Answer slowly",
    "delay_event": "Deliver an event late",
    "double_event": "Deliver an event twice",
    "drop_event": "Deliver an event never",
    "shuffle_event": "Deliver an event out of order",
}
# Thirty years, as sandbox.clock allows.
MOST_HOURS = 30 * 365 * 24


def fault_choices() -> list[tuple[str, list[tuple[str, str]]]]:
    """Every kind of fault with its name, those of requests and those of events apart."""
    groups = {"Requests to Stripe": REQUEST_KINDS, "Events": EVENT_KINDS}
    order = list(FAULT_NAMES)
    return [(title, [(kind, FAULT_NAMES[kind]) for kind in sorted(kinds, key=order.index)]) for title, kinds in groups.items()]


class FaultForm(forms.Form):
    """A fault to be ordered; its bounds are those of `plans.order`. What is empty hits everything."""

    kind = forms.ChoiceField(label="Fault", choices=fault_choices)
    times = forms.IntegerField(label="How often", initial=1)
    delay_s = forms.FloatField(label="Delay", initial=0, help_text="In seconds: of a slow answer, or of a late event.")
    account = forms.CharField(required=False, help_text="Such as acct_…; empty: every account.")
    method = forms.ChoiceField(required=False, choices=[("", "Every method"), *((name, name) for name in METHODS)])
    path = forms.CharField(required=False, help_text="A part of the address, such as /confirm; empty: every address.")
    event_type = forms.CharField(
        label="Type of event", required=False, help_text="Such as charge.refunded, for events alone; empty: every type."
    )


class ClockForm(forms.Form):
    """How far the sandbox's clock is to be moved, in hours."""

    hours = forms.IntegerField(min_value=1, max_value=MOST_HOURS, initial=24, help_text="Whole hours, forward.")

    def by(self) -> timedelta:
        """The answer of a valid form."""
        answers: dict[str, Any] = self.cleaned_data
        return timedelta(hours=answers["hours"])
