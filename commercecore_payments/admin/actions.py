"""Actions on one record: a page that asks first, a POST that does it, and what to show afterwards."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import wraps
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from unfold.decorators import action

if TYPE_CHECKING:
    from commercecore_payments.admin.records import RecordAdmin


@dataclass(frozen=True, slots=True)
class Done:
    """What an action did. A `secret` is shown on the answer itself: no cookie and no session ever holds it.

    `level` is the urgency of the banner, by django.contrib.messages: a warning where something is left to do.
    """

    message: str
    level: int = messages.SUCCESS
    secret_name: str = ""
    secret: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked before an action: its title is the button, its text says what will happen."""

    name: str
    title: str
    text: str
    form_class: type[forms.Form]


# Does it to the record with the form's answers, to which `operator` is added, the username of whoever gives them. A
# ServiceError of its operation is shown to the operator.
Perform = Callable[[Any, Any, dict[str, Any]], Done]
ActionView = Callable[["RecordAdmin", HttpRequest, str], HttpResponse]


def confirmed_action(
    title: str, *, text: str, icon: str, form_class: type[forms.Form] = forms.Form
) -> Callable[[Perform], ActionView]:
    """Makes a method of a RecordAdmin one of its `actions_detail`: GET asks, and POST alone does it.

    It takes the permission "operate" (see RecordAdmin), and runs outside any transaction, so that it may call Stripe.
    """

    def decorate(perform: Perform) -> ActionView:
        question = Question(name=perform.__name__, title=title, text=text, form_class=form_class)

        @wraps(perform)
        def view(admin: "RecordAdmin", request: HttpRequest, object_id: str) -> HttpResponse:
            return admin.ask_or_perform(request, object_id, question, perform)

        decorated: ActionView = action(description=title, permissions=["operate"], icon=icon)(view)
        return decorated

    return decorate
