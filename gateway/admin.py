"""Operations as operators see them: what was asked of Stripe, and what came of it."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin import display
from django.contrib.admin.views.main import ChangeList
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from unfold.contrib.filters.admin import AutocompleteSelectFilter, MultipleChoicesDropdownFilter

from commercecore_payments.admin.actions import ActionForm, Asked, Done, Preface, confirmed_action
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
from commercecore_payments.admin.export import ExportableAdmin
from commercecore_payments.admin.filters import DateRangeFilter
from commercecore_payments.admin.records import RELATED_ROWS, Briefing, ReadOnlyAdmin, RelatedTable
from commercecore_payments.admin.unfolded import SimpleListFilter
from commercecore_payments.recovery import Recovered, Result, close_as_not_done, recover
from gateway.models import OPEN_STATUSES, Operation, RecoveryAttempt, Status, subject_type
from gateway.reviews import (
    WORDS,
    amount_asked,
    at,
    briefing_of,
    facts_about,
    kind_in_words,
    next_by_itself,
    warning_before_closing,
)
from gateway.subjects import about_a_record_called, name_of, names_of_subjects, stake_of, subject_model, subject_of
from staff.rights import Right

STATUS_COLOURS: dict[str, str] = {
    Status.SENDING: MOVING,
    Status.UNKNOWN: WAITING,
    Status.NEEDS_REVIEW: BAD,
    Status.SUCCEEDED: GOOD,
    Status.DECLINED: BAD,
    Status.REJECTED: BAD,
    Status.NOT_SENT: BAD,
}
ACTS: dict[str, str] = {
    RecoveryAttempt.Act.SENT_AGAIN: "Sent again",
    RecoveryAttempt.Act.LOOKED: "Looked at Stripe",
    RecoveryAttempt.Act.PARKED: "Left to a person",
    RecoveryAttempt.Act.REVIEWED: "Closed by a person",
}
# Letters of an error in a list: about two of its lines.
ERROR_LENGTH = 60


class NotDoneForm(ActionForm):
    """Why a person is sure that Stripe did nothing."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields[
            "reason"
        ].help_text = "What you saw at Stripe, such as: no refund of this payment in the dashboard, 24 November."


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


def operations_about(*subjects: Model) -> RelatedTable:
    """The newest operations about these records, for the page of the first of them."""
    about = Q()
    for subject in subjects:
        about |= Q(subject_type=subject_type(subject), subject_id=subject.pk)
    rows = [_row(operation) for operation in Operation.objects.filter(about)[:RELATED_ROWS]]
    address = list_address(Operation, subject_type=subject_type(subjects[0]), subject_id=subjects[0].pk)
    headers = ("Operation", "Created", "Kind", "Status", "Times sent", "Error")
    return RelatedTable("Operations at Stripe", headers, rows, address if len(rows) == RELATED_ROWS else "", of=Operation)


def requests_before(moment: datetime, *, about: tuple[str, int]) -> RelatedTable:
    """The newest operations about a record, its `subject_type` and `subject_id`, until then: each with the request that asked."""
    of_type, identifier = about
    found = Operation.objects.filter(subject_type=of_type, subject_id=identifier, created_at__lte=moment)[:RELATED_ROWS]
    rows = [
        (link(operation, operation.id), operation.created_at, kind_in_words(operation), code(operation.request_id))
        for operation in found
    ]
    address = list_address(Operation, subject_type=of_type, subject_id=identifier) if len(rows) == RELATED_ROWS else ""
    return RelatedTable("What was asked before it", ("Operation", "Created", "Kind", "Our request"), rows, address, of=Operation)


def _row(operation: Operation) -> tuple[Any, ...]:
    status = status_label(operation, STATUS_COLOURS)
    error = shortened(operation.error_message, ERROR_LENGTH)
    return (link(operation, operation.id), operation.created_at, kind_in_words(operation), status, operation.attempts, error)


@admin.register(Operation)
class OperationAdmin(ExportableAdmin, ReadOnlyAdmin):
    list_display = ("id", "created_at", "kind_name", "status_label", "subject", "error", "times_sent", "developer_link")
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
    search_help_text = (
        "An id: of the operation, of the order, payment or refund that it is about, of an object or a request at Stripe, "
        "of our own request, or of a user."
    )
    actions_detail = ("recover_now", "close_not_done")
    export_fields = (
        "id",
        "kind",
        "status",
        "subject_type",
        "subject_id",
        "stripe_account",
        "target_id",
        "result_id",
        "stripe_request_id",
        "request_id",
        "developer_id",
        "app_id",
        "user_id",
        "attempts",
        "http_status",
        "error_type",
        "error_code",
        "decline_code",
        "error_message",
        "created_at",
        "last_sent_at",
        "closed_at",
    )
    fieldsets = (
        (
            None,
            {"fields": ("status_label", "kind_shown", "amount", "subject_record", "result", "what_went_wrong", "stripe_request")},
        ),
        (
            "Sending",
            {"fields": ("created_at", "times_sent", "last_sent_at", "closed_at", "status_at_stripe", "due", "withdrawn_at")},
        ),
        ("What was asked", {"fields": ("account", "target", "parameters_shown", "idempotency", "version")}),
        ("Caller", {"fields": ("environment", "developer", "app", "user_id", "operator", "our_request", "caller_key")}),
    )

    status_label = status_in(STATUS_COLOURS)
    developer_link = linked("developer")

    def name_of(self, record: Operation) -> str:
        return f"{kind_in_words(record)} {record.id}"

    @display(description="kind", ordering="kind")
    def kind_name(self, operation: Operation) -> str:
        return kind_in_words(operation)

    @display(description="kind")
    def kind_shown(self, operation: Operation) -> str:
        return format_html("{} · {}", kind_in_words(operation), code(operation.kind))

    def get_changelist_instance(self, request: HttpRequest) -> ChangeList:
        """Names the records that the operations on the page are about, so that no row has to be asked for its own."""
        changelist = super().get_changelist_instance(request)
        rows: list[Any] = list(changelist.result_list)
        names = names_of_subjects(rows)
        for row in rows:
            row.subject_name = names.get((row.subject_type, row.subject_id))
        changelist.result_list = rows  # the page iterates over it
        return changelist

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Operation], search_term: str
    ) -> tuple[QuerySet[Operation], bool]:
        """Those with such an id of their own, and those about a record with such an id."""
        found, may_have_duplicates = super().get_search_results(request, queryset, search_term)
        term = search_term.strip()
        return found | queryset.filter(about_a_record_called(term)) if term else found, may_have_duplicates

    @display(description="about")
    def subject(self, operation: Any) -> str:
        """By the name that `get_changelist_instance` has found for it."""
        model = subject_model(operation.subject_type)
        name = operation.subject_name or f"{operation.subject_type} {operation.subject_id}"
        return name if model is None else link_to(model, operation.subject_id, name)

    @display(description="about")
    def subject_record(self, operation: Operation) -> str:
        record = subject_of(operation)
        return link(record, name_of(record)) if record is not None else EMPTY

    @display(description="amount")
    def amount(self, operation: Operation) -> str:
        return amount_asked(operation, stake_of(operation))

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

    @display(description="HTTP status of Stripe's answer")
    def status_at_stripe(self, operation: Operation) -> str:
        return EMPTY if operation.http_status is None else str(operation.http_status)

    @display(description="times sent", ordering="attempts")
    def times_sent(self, operation: Operation) -> str:
        return str(operation.attempts)

    @display(description="taken up next")
    def due(self, operation: Operation) -> str:
        return EMPTY if operation.next_recovery_at is None else at(operation.next_recovery_at)

    @display(description="API version")
    def version(self, operation: Operation) -> str:
        return operation.api_version

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

    def briefing(self, record: Operation) -> Briefing | None:
        return briefing_of(record, stake_of(record)) if record.is_open else None

    def preface(self, record: Operation, action: str) -> Preface:
        warning = warning_before_closing(record) if action == "close_not_done" else ""
        return Preface(facts_about(record, stake_of(record)), warning)

    def tables_before(self, record: Operation) -> Iterable[RelatedTable]:
        newest = record.recovery_attempts.order_by("-id")[:RELATED_ROWS]
        rows = [
            (attempt.created_at, ACTS[attempt.act], attempt.get_result_display(), attempt.message) for attempt in reversed(newest)
        ]
        return [RelatedTable("What recovery tried", ("Time", "What", "Status afterwards", "Message"), rows)] if rows else []

    def actions_for(self, record: Operation) -> tuple[str, ...]:
        if record.status == Status.NEEDS_REVIEW:
            return ("recover_now", "close_not_done")
        return ("recover_now",) if record.is_open else ()

    @confirmed_action(
        "Recover now",
        right=Right.RETRY_OPERATION,
        text="Sends the same request again under its own key where that is still safe, else looks at Stripe without sending.",
        icon="healing",
    )
    def recover_now(self, record: Operation, asked: Asked) -> Done:
        return _told(recover(record))

    @confirmed_action(
        "Close as not done",
        right=Right.REVIEW_OPERATION,
        text="Your word that Stripe did not do it. Frees what the operation reserved.",
        icon="block",
        form_class=NotDoneForm,
    )
    def close_not_done(self, record: Operation, asked: Asked) -> Done:
        close_as_not_done(record, reason=asked.reason, by=asked.operator)
        return Done(f"{record.id} is closed as not done: {asked.reason}")


def _told(recovered: Recovered) -> Done:
    """What recovery found, and what a person can do next: a warning where the operation is still open."""
    operation = recovered.operation
    name = WORDS[operation.kind].name
    if recovered.result == Result.SETTLED:
        became = "Stripe has done it" if operation.status == Status.SUCCEEDED else "it was not done"
        return Done(f"The {name} is settled: {became} ({operation.id}). {recovered.message}".strip())
    if recovered.result == Result.UNDER_WAY:
        return Done(f"Nothing was done: {recovered.message} Try again in a minute.", messages.WARNING)
    found = recovered.message or "No answer came."
    return Done(f"What became of the {name} is still not known: {found} {_next(operation)}", messages.WARNING)


def _next(operation: Operation) -> str:
    operation.refresh_from_db()
    if operation.status == Status.NEEDS_REVIEW:
        advice = "If it was not done, close it as not done; else recover it again later."
        return f"Look at Stripe yourself, as this page says. {advice}"
    return f"Nothing has to be done. {next_by_itself(operation)}"
