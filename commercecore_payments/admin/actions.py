"""Actions of the staff: a page that previews it and asks why, a POST that does it once, and what to show afterwards.

An action is a method of a RecordAdmin under `confirmed_action`, on one record, or on its list where it is about none of those.
commercecore_payments/admin/confirmation.py asks and performs.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import wraps
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import messages
from django.contrib.auth.models import User
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from unfold.decorators import action
from unfold.widgets import UnfoldAdminTextareaWidget

from commercecore_payments.actors import Actor
from developers.models import App, Developer
from staff.audit import Outcome
from staff.rights import Right

if TYPE_CHECKING:
    from commercecore_payments.admin.confirmation import ConfirmedActions

# Letters of a reason: a sentence or two. It is read in the audit log, beside others.
MAX_REASON_LENGTH = 500

# Invisible characters that turn the direction of reading, by which a line in a log can be made to say something else
# (unicode.org/reports/tr36, "Bidirectional Text Spoofing").
TURNS_READING = re.compile("[\u202a-\u202e\u2066-\u2069]")


class ActionForm(forms.Form):
    """What is asked before an action: its own fields, declared in a subclass, and always the reason, which comes last.

    `record` is what the action is about, for initial values and bounds.
    """

    reason = forms.CharField(
        label="Why",
        max_length=MAX_REASON_LENGTH,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text="For the audit log: who reads it later was not there.",
    )

    def __init__(self, *args: Any, record: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.record = record
        self.order_fields([name for name in self.fields if name != "reason"])

    def clean_reason(self) -> str:
        """Raises ValidationError where nobody could read it, or would read it otherwise than it is written."""
        reason: str = self.cleaned_data["reason"]
        if not any(letter.isalnum() for letter in reason) or TURNS_READING.search(reason):
            raise forms.ValidationError("Say it in words.", code="unreadable")
        return reason


# A name and what there is of it.
Fact = tuple[str, Any]


@dataclass(frozen=True, slots=True)
class Preface:
    """What is told before an action besides its own text: the facts, and what may go wrong."""

    facts: Sequence[Fact] = ()
    warning: str = ""


@dataclass(frozen=True, slots=True)
class Done:
    """What an action did. A `secret` is shown on the answer itself: no cookie and no session ever holds it.

    `level` is the urgency of the banner, by django.contrib.messages: a warning where something is left to do.
    `operation_id` is the write to Stripe that was made, for the audit log.
    """

    message: str
    level: int = messages.SUCCESS
    secret_name: str = ""
    secret: str = field(default="", repr=False)
    operation_id: str = ""
    outcome: Outcome = Outcome.DONE


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody on the staff asked for: the form's answers, why, and who it is. `request_id` is that of the POST.

    `seen` are the facts that the decision rests on, as `ConfirmedActions.facts_behind` told them.
    """

    answers: Mapping[str, Any]
    reason: str
    user: User
    request_id: str = ""
    seen: Any = None

    @property
    def operator(self) -> str:
        """The name by which the staff knows whoever asked."""
        return self.user.get_username()

    def actor(self, *, developer: Developer, app: App | None) -> Actor:
        """For the API's operations: on behalf of the developer, by the operator."""
        return Actor(developer=developer, app=app, request_id=self.request_id, operator=self.operator)


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked before an action: its title is the button, its text says what will happen."""

    name: str
    title: str
    text: str
    right: Right
    form_class: type[ActionForm]


# Does it to the record, which is None on a list. A ServiceError of its operation is shown to the operator, and written down as a
# refusal.
Perform = Callable[[Any, Any, Asked], Done]
ActionView = Callable[..., HttpResponse]


def confirmed_action(
    title: str, *, right: Right, text: str, icon: str, form_class: type[ActionForm] = ActionForm
) -> Callable[[Perform], ActionView]:
    """Makes a method of a RecordAdmin one of its `actions_detail` or `actions_list`: GET asks, and POST alone does it, once.

    It takes `right` and the permission to view the records, and runs outside any transaction, so that it may call Stripe.
    """

    def decorate(perform: Perform) -> ActionView:
        question = Question(name=perform.__name__, title=title, text=text, right=right, form_class=form_class)

        @wraps(perform)
        def view(admin: "ConfirmedActions", request: HttpRequest, object_id: str | None = None) -> HttpResponse:
            return admin.ask_or_perform(request, object_id, question, perform)

        decorated: ActionView = action(description=title, permissions=["view"], icon=icon)(view)
        # Not among django-unfold's `permissions`, which it looks up in the database whenever the project is checked.
        vars(decorated)["question"] = question
        return decorated

    return decorate


def question_of(view: Any) -> Question:
    """What a `confirmed_action` asks, and which right it takes."""
    question: Question = vars(view)["question"]
    return question


def record_key(record: Model) -> str:
    """Names one record among all, for its one-time tokens."""
    return f"{record._meta.label_lower}:{record.pk}"
