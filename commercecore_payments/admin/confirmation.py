"""How an action of the staff is asked for and carried out: preview, reason, one-time token, and the record of it."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.contrib.admin.utils import quote, unquote
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.text import capfirst

from commercecore_payments.admin.actions import ActionForm, Asked, Done, Perform, Preface, Question, question_of, record_key
from commercecore_payments.admin.unfolded import ModelAdmin
from commercecore_payments.errors import ServiceError
from gateway.errors import OutcomeUnknown
from gateway.models import Operation
from staff import tokens
from staff.audit import Outcome, record_action
from staff.interrupted import attempt_at
from staff.models import UsedForm
from staff.rights import Right

logger = logging.getLogger(__name__)

EXPIRED = "This form is not valid any more, and nothing was done. Look at the record as it is now, and confirm once more."
CHANGED = "The record has changed since you were shown it, and nothing was done. See whether it is still needed."
STILL_GOING_ON = "it is being carried out at this moment. Look at the record in a moment."


@dataclass(frozen=True, slots=True)
class Confirmation:
    """One form of an action: what it is about, the question, and what does it. On the list of `model` it is about no record."""

    model: type[Model]
    record: Any
    question: Question
    perform: Perform

    def bound_to(self, request: HttpRequest) -> tokens.Bound:
        """What the form's one-time token is good for."""
        about = record_key(self.record) if self.record is not None else self.model._meta.label_lower
        return tokens.Bound(user_id=int(request.user.pk or 0), record=about, action=self.question.name)

    def logged_under(self, user: User) -> Model:
        """What the audit log has it under: without a record the user, as it has an export."""
        found: Model = self.record if self.record is not None else user
        return found

    def attempt(self, asked: Asked) -> dict[str, Any]:
        """What is about to be done, for the audit log in case that nobody lives to tell what came of it."""
        return attempt_at(
            self.logged_under(asked.user),
            user=asked.user,
            action=self.question.name,
            reason=asked.reason,
            answers=asked.answers,
            request_id=asked.request_id,
        )


class ConfirmedActions(ModelAdmin):
    """The pages of records that have `confirmed_action` methods: `actions_detail` on each, and `actions_list` on their list."""

    actions_detail: Sequence[str] = ()
    actions_list: Sequence[str] = ()

    def name_of(self, record: Any) -> str:
        """What people call the record: its id at Stripe, or what it is about before it has one."""
        return str(record)

    def facts_behind(self, action: str, record: Any) -> Any:
        """What the decision to confirm `action` rests on, as for JSON: it is refused where that has changed since it was asked.

        None where the action itself refuses what is not possible any more, whatever its user was shown. Show it in `preface`.
        """
        return None

    def what_happened(self, action: str, record: Any) -> str:
        """What may have changed the record since its user was asked to confirm `action`, in a sentence; empty where unknown."""
        return ""

    def actions_for(self, record: Any) -> Sequence[str]:
        """The names of those of `actions_detail` that make sense for the record as it is now."""
        return self.actions_detail

    def preface(self, record: Any, action: str) -> Preface:
        """What is told before `action`, one of `actions_detail`."""
        return Preface()

    def preface_of_list(self, action: str) -> Preface:
        """What is told before `action`, one of `actions_list`."""
        return Preface()

    def get_actions_list(self, request: HttpRequest) -> list[Any]:
        """django-unfold's hook: the buttons above the list."""
        shown: list[Any] = super().get_actions_list(request)  # type: ignore[misc]
        return [button for button in shown if request.user.has_perm(self._right(button.path).permission)]

    def get_actions_detail(self, request: HttpRequest, object_id: str) -> list[Any]:
        """django-unfold's hook: the buttons above the record."""
        record = self.get_object(request, unquote(object_id))
        if record is None:
            return []
        offered = self.actions_for(record)
        shown: list[Any] = super().get_actions_detail(request, object_id)  # type: ignore[misc]
        return [button for button in shown if button.path in offered and self._may_do(request.user, record, button.path)]

    def _may_do(self, user: Any, record: Any, action: str) -> bool:
        return bool(user.has_perm(self._right(action).permission)) and self.is_for(user, record, action)

    def _right(self, action: str) -> Right:
        return question_of(getattr(type(self), action)).right

    def is_for(self, user: Any, record: Any, action: str) -> bool:
        """Whether this user, who has the action's right, may do it with this very record."""
        return True

    def ask_or_perform(self, request: HttpRequest, object_id: str | None, question: Question, perform: Perform) -> HttpResponse:
        """Asks on GET; on a POST of the form that was shown, performs the action, unless the same form was sent before.

        `object_id` is the record's; None on a list.
        """
        if not request.user.has_perm(question.right.permission):
            raise PermissionDenied
        record = self.get_object(request, unquote(object_id)) if object_id is not None else None
        if record is None and object_id is not None:
            raise Http404
        confirmation = Confirmation(self.model, record, question, perform)
        if request.method == "POST":
            return self._receive(request, confirmation)
        return (
            self._ask(request, confirmation) if self._is_offered(request, confirmation) else self._too_late(request, confirmation)
        )

    def _receive(self, request: HttpRequest, confirmation: Confirmation) -> HttpResponse:
        sent = tokens.form_of(request.POST.get("form_token", ""), confirmation.bound_to(request))
        if sent is None:
            messages.error(request, EXPIRED)
            return HttpResponseRedirect(request.path)
        return self._told_of_earlier(request, confirmation, sent) or self._take(request, confirmation, sent)

    def _facts(self, confirmation: Confirmation) -> Any:
        name, record = confirmation.question.name, confirmation.record
        return self.facts_behind(name, record) if record is not None else None

    def _is_offered(self, request: HttpRequest, confirmation: Confirmation) -> bool:
        name, record = confirmation.question.name, confirmation.record
        if record is None:
            return name in self.actions_list
        return name in self.actions_for(record) and self.is_for(request.user, record, name)

    def _ask(self, request: HttpRequest, confirmation: Confirmation, form: ActionForm | None = None) -> HttpResponse:
        question, record = confirmation.question, confirmation.record
        content = {
            "title": question.title,
            "question": question,
            "form": form or question.form_class(record=record),
            "form_token": request.POST.get("form_token") or self._new_token(request, confirmation),
            "preface": self.preface(record, question.name) if record is not None else self.preface_of_list(question.name),
        }
        return self._page(request, record, "question", content)

    def _new_token(self, request: HttpRequest, confirmation: Confirmation) -> str:
        return tokens.new_token(confirmation.bound_to(request), facts=self._facts(confirmation))

    def _too_late(self, request: HttpRequest, confirmation: Confirmation) -> HttpResponse:
        why = f"“{confirmation.question.title}” is not possible any more: the record has changed."
        return self._tell_what_happened(request, confirmation, why)

    def _tell_what_happened(self, request: HttpRequest, confirmation: Confirmation, why: str) -> HttpResponse:
        """On the record's page: somebody who is only asked once more confirms what a colleague has just done."""
        record = confirmation.record
        happened = self.what_happened(confirmation.question.name, record) if record is not None else ""
        messages.error(request, f"{why} {happened}".strip())
        return self._back_to(record)

    def _told_of_earlier(self, request: HttpRequest, confirmation: Confirmation, sent: tokens.Form) -> HttpResponse | None:
        """What the same form has come to that was sent before; None where it was not."""
        earlier = tokens.earlier_use(sent.nonce)
        if earlier is None:
            return None
        what = earlier.told or STILL_GOING_ON
        messages.warning(request, f"This form was sent before, and nothing was done twice. What came of it: {what}")
        return self._back_to(confirmation.record)

    def _take(self, request: HttpRequest, confirmation: Confirmation, sent: tokens.Form) -> HttpResponse:
        """Whoever is first to claim the token performs; a form with errors is shown again under the same token.

        Of a form that is sent twice at the same moment the first may have changed the record already: the second is told so.
        """
        if not self._is_offered(request, confirmation):
            return self._told_of_earlier(request, confirmation, sent) or self._too_late(request, confirmation)
        facts = self._facts(confirmation)
        if sent.seen != tokens.digest_of(facts):
            return self._told_of_earlier(request, confirmation, sent) or self._tell_what_happened(request, confirmation, CHANGED)
        form = confirmation.question.form_class(request.POST, record=confirmation.record)
        if not form.is_valid():
            return self._ask(request, confirmation, form)
        asked = _asked(request, form, seen=facts)
        used = tokens.claim(sent.nonce, username=asked.operator, attempt=confirmation.attempt(asked))
        if used is None:
            return self._told_of_earlier(request, confirmation, sent) or self._tell_what_happened(request, confirmation, CHANGED)
        return self._perform(request, confirmation, asked, used)

    def _perform(self, request: HttpRequest, confirmation: Confirmation, asked: Asked, used: UsedForm) -> HttpResponse:
        record, question = confirmation.record, confirmation.question
        try:
            done = confirmation.perform(self, record, asked)
        except OutcomeUnknown as error:
            told = f"{error.message} Operation {error.operation_id}."
            self._write_down(confirmation, asked, used, Outcome.UNKNOWN, told, operation_id=error.operation_id)
            messages.warning(request, _unknown(error.operation_id))
            return self._back_to(record)
        except ServiceError as error:
            self._write_down(confirmation, asked, used, Outcome.REFUSED, error.message)
            messages.error(request, error.message)
            return self._back_to(record)
        except Exception as error:  # whatever it was, the attempt has to be in the audit log; the error goes on
            told = f"It broke off ({type(error).__name__}): it may or may not have happened."
            self._write_down(confirmation, asked, used, Outcome.BROKE_OFF, told)
            raise
        self._write_down(confirmation, asked, used, done.outcome, done.message, operation_id=done.operation_id)
        self.log_change(request, confirmation.logged_under(asked.user), f"{question.title}: {done.message} Why: {asked.reason}")
        return self._show(request, confirmation, done)

    def _show(self, request: HttpRequest, confirmation: Confirmation, done: Done) -> HttpResponse:
        if done.secret:
            content = {"title": confirmation.question.title, "done": done}
            return self._page(request, confirmation.record, "shown_once", content)
        messages.add_message(request, done.level, done.message)
        return self._back_to(confirmation.record)

    def _write_down(
        self, confirmation: Confirmation, asked: Asked, used: UsedForm, outcome: Outcome, told: str, *, operation_id: str = ""
    ) -> None:
        """In the audit log, and for whoever sends the same form again: both or neither, which staff.interrupted then tells."""
        with transaction.atomic():
            used.note(told)
            record_action(
                confirmation.logged_under(asked.user),
                user=asked.user,
                action=confirmation.question.name,
                reason=asked.reason,
                outcome=outcome,
                message=told,
                answers=asked.answers,
                operation_id=operation_id,
                request_id=asked.request_id,
            )

    def _page(self, request: HttpRequest, record: Any, name: str, content: dict[str, Any]) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": record,
            "record_name": self.name_of(record) if record is not None else capfirst(str(self.opts.verbose_name_plural)),
            "record_url": self._address_of(record),
            **content,
        }
        return TemplateResponse(request, f"commercecore_payments/admin/{name}.html", context)

    def _address_of(self, record: Any) -> str:
        name = f"admin:{self.opts.app_label}_{self.opts.model_name}"
        return reverse(f"{name}_change", args=[quote(str(record.pk))]) if record is not None else reverse(f"{name}_changelist")

    def _back_to(self, record: Any) -> HttpResponse:
        return HttpResponseRedirect(self._address_of(record))


def _asked(request: HttpRequest, form: ActionForm, *, seen: Any) -> Asked:
    answers = {name: value for name, value in form.cleaned_data.items() if name != "reason"}
    user: Any = request.user
    return Asked(answers, form.cleaned_data["reason"], user, getattr(request, "request_id", ""), seen)


def _unknown(operation_id: str) -> str:
    address = reverse(f"admin:{Operation._meta.app_label}_{Operation._meta.model_name}_change", args=[quote(operation_id)])
    return format_html(
        "The outcome is not known yet: it may or may not have happened. It is found out by itself; do not do it again meanwhile. "
        '<a class="underline" href="{}">The operation {}</a>',
        address,
        operation_id,
    )
