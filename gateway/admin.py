"""Operations as operators see them: what was asked of Stripe, and what came of it."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.apps import apps
from django.contrib import admin
from django.contrib.admin import display
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import AutocompleteSelectFilter, MultipleChoicesDropdownFilter

from commercecore_payments.admin.actions import Done, confirmed_action
from commercecore_payments.admin.display import (
    BAD,
    EMPTY,
    GOOD,
    MOVING,
    WAITING,
    code,
    link,
    link_to,
    linked,
    list_address,
    pretty_json,
    shortened,
    status_in,
    status_label,
)
from commercecore_payments.admin.filters import DateRangeFilter
from commercecore_payments.admin.records import RELATED_ROWS, ReadOnlyAdmin, RelatedTable
from commercecore_payments.admin.unfolded import SimpleListFilter
from commercecore_payments.recovery import close_as_not_done, recover
from gateway.models import OPEN_STATUSES, Operation, Status, subject_type

STATUS_COLOURS: dict[str, str] = {
    Status.SENDING: MOVING,
    Status.UNKNOWN: WAITING,
    Status.NEEDS_REVIEW: BAD,
    Status.SUCCEEDED: GOOD,
    Status.DECLINED: BAD,
    Status.REJECTED: BAD,
    Status.NOT_SENT: BAD,
}
# Letters of an error in a list: about two of its lines.
ERROR_LENGTH = 60


class NotDoneForm(forms.Form):
    """Why a person is sure that Stripe did nothing."""

    reason = forms.CharField(
        max_length=255, help_text="What you saw at Stripe, such as: no refund of this payment in the dashboard, 24 November."
    )


class OpenFilter(SimpleListFilter):
    """Those whose outcome is not known yet: what an operator looks for first."""

    title = "outcome"
    parameter_name = "open"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        return [("yes", "Not known yet"), ("no", "Known")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "yes":
            return queryset.filter(status__in=OPEN_STATUSES)
        return queryset.exclude(status__in=OPEN_STATUSES) if self.value() == "no" else queryset


def subject_model(name: str) -> type[Model] | None:
    """The model of an operation's subject, found by name: the gateway imports none of the apps that it serves."""
    return next((model for model in apps.get_models() if subject_type(model) == name), None)


def subject_of(operation: Operation) -> Model | None:
    """The record that the operation is about, read from the database."""
    model = subject_model(operation.subject_type)
    return model._default_manager.filter(pk=operation.subject_id).first() if model is not None else None


def operations_about(*subjects: Model) -> RelatedTable:
    """The newest operations about these records, for the page of the first of them."""
    about = Q()
    for subject in subjects:
        about |= Q(subject_type=subject_type(subject), subject_id=subject.pk)
    rows = [_row(operation) for operation in Operation.objects.filter(about)[:RELATED_ROWS]]
    address = list_address(Operation, subject_type=subject_type(subjects[0]), subject_id=subjects[0].pk)
    headers = ("Operation", "Created", "Kind", "Status", "Attempts", "Error")
    return RelatedTable("Operations at Stripe", headers, rows, address if len(rows) == RELATED_ROWS else "")


def _row(operation: Operation) -> tuple[Any, ...]:
    status = status_label(operation, STATUS_COLOURS)
    error = shortened(operation.error_message, ERROR_LENGTH)
    return (link(operation, operation.id), operation.created_at, code(operation.kind), status, operation.attempts, error)


@admin.register(Operation)
class OperationAdmin(ReadOnlyAdmin):
    list_display = ("id", "created_at", "kind_code", "status_label", "error", "subject", "attempts", "developer_link")
    list_select_related = ("developer",)
    list_filter = (
        OpenFilter,
        ("status", MultipleChoicesDropdownFilter),
        ("kind", MultipleChoicesDropdownFilter),
        ("developer", AutocompleteSelectFilter),
        ("created_at", DateRangeFilter),
    )
    search_fields = (
        "id__startswith",
        "stripe_account__startswith",
        "target_id__startswith",
        "result_id__startswith",
        "stripe_request_id__startswith",
        "request_id__startswith",
        "user_id__startswith",
    )
    search_help_text = "An id: of the operation, of an object or a request at Stripe, of our own request, or of a user."
    actions_detail = ("recover_now", "close_not_done")
    fieldsets = (
        (None, {"fields": ("status_label", "kind_code", "subject_record", "result", "what_went_wrong", "stripe_request")}),
        ("Sending", {"fields": ("created_at", "attempts", "last_sent_at", "closed_at", "http_status", "next_recovery_at")}),
        ("What was asked", {"fields": ("account", "target", "parameters_shown", "idempotency", "api_version")}),
        ("Caller", {"fields": ("environment", "developer", "app", "user_id", "our_request", "caller_key")}),
    )

    status_label = status_in(STATUS_COLOURS)
    developer_link = linked("developer")

    @display(description="kind", ordering="kind")
    def kind_code(self, operation: Operation) -> str:
        return code(operation.kind)

    @display(description="about")
    def subject(self, operation: Operation) -> str:
        """Named by its type and key alone, so that a list of them reads nothing more."""
        model = subject_model(operation.subject_type)
        name = f"{operation.subject_type} {operation.subject_id}"
        return (
            name if model is None else link_to(model, operation.subject_id, f"{model._meta.verbose_name} {operation.subject_id}")
        )

    @display(description="about")
    def subject_record(self, operation: Operation) -> str:
        return link(subject_of(operation))

    @display(description="error")
    def error(self, operation: Operation) -> str:
        return shortened(operation.error_message, ERROR_LENGTH)

    @display(description="error")
    def what_went_wrong(self, operation: Operation) -> str:
        """Stripe's sentence, and its codes for those who look them up."""
        parts = (operation.error_message, operation.error_type, operation.error_code, operation.decline_code)
        return " · ".join(part for part in parts if part) or EMPTY

    @display(description="made at Stripe")
    def result(self, operation: Operation) -> str:
        return code(operation.result_id)

    @display(description="Stripe's request")
    def stripe_request(self, operation: Operation) -> str:
        return code(operation.stripe_request_id)

    @display(description="connected account")
    def account(self, operation: Operation) -> str:
        return code(operation.stripe_account)

    @display(description="object of the call")
    def target(self, operation: Operation) -> str:
        return code(operation.target_id)

    @display(description="parameters")
    def parameters_shown(self, operation: Operation) -> str:
        return pretty_json(operation.parameters)

    @display(description="idempotency key")
    def idempotency(self, operation: Operation) -> str:
        return code(operation.idempotency_key)

    @display(description="our request")
    def our_request(self, operation: Operation) -> str:
        return code(operation.request_id)

    def related_tables(self, record: Operation) -> Iterable[RelatedTable]:
        rows = [
            (attempt.created_at, attempt.get_act_display(), attempt.get_result_display(), attempt.message)
            for attempt in record.recovery_attempts.all()[:RELATED_ROWS]
        ]
        return [RelatedTable("What recovery tried", ("Time", "Act", "Status afterwards", "Message"), rows)] if rows else []

    def actions_for(self, record: Operation) -> tuple[str, ...]:
        if record.status == Status.NEEDS_REVIEW:
            return ("recover_now", "close_not_done")
        return ("recover_now",) if record.is_open else ()

    @confirmed_action(
        "Recover now",
        text="Sends the same request again under its own key where that is still safe, else looks at Stripe without sending.",
        icon="healing",
    )
    def recover_now(self, record: Operation, answers: dict[str, Any]) -> Done:
        recovered = recover(record)
        return Done(f"{record.id} is {recovered.result.replace('_', ' ')}. {recovered.message}".strip())

    @confirmed_action(
        "Close as not done",
        text="Frees what the operation reserved. Look at Stripe's dashboard first: if Stripe did it, money may move twice.",
        icon="block",
        form_class=NotDoneForm,
    )
    def close_not_done(self, record: Operation, answers: dict[str, Any]) -> Done:
        close_as_not_done(record, reason=answers["reason"])
        return Done(f"{record.id} is closed as not done: {answers['reason']}")
