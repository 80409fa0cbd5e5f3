"""The audit log as it is read: what was done, by whom, to what, why and with what outcome. Nobody changes it here."""

from functools import cache
from typing import Any

from auditlog.models import LogEntry
from django.contrib import admin
from django.contrib.admin import display
from django.contrib.admin.utils import quote
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from unfold.contrib.filters.admin import RelatedDropdownFilter

from commercecore_payments.admin.actions import question_of
from commercecore_payments.admin.display import (
    BAD,
    EMPTY,
    GOOD,
    WAITING,
    code,
    label,
    link_to,
    list_address,
    pretty_json,
    shortened,
)
from commercecore_payments.admin.filters import DateRangeFilter
from commercecore_payments.admin.records import ReadOnlyAdmin, RelatedTable
from commercecore_payments.admin.unfolded import SimpleListFilter
from commercecore_payments.admin_site import may_see
from gateway.models import Operation
from staff.audit import Outcome, latest_of_the_staff, of_this_environment

# Letters of a reason in a list: about two of its lines.
REASON_LENGTH = 60
# Letters of a record's name in a list: all of an id of Stripe's, and of an app's long name what leaves room for the outcome.
NAME_LENGTH = 60
# How django-auditlog's own entries are called, beside the actions of the admin.
EDITS: dict[int, str] = {
    LogEntry.Action.CREATE: "Added",
    LogEntry.Action.UPDATE: "Changed",
    LogEntry.Action.DELETE: "Deleted",
    LogEntry.Action.ACCESS: "Read",
}
OUTCOMES: dict[str, tuple[str, str]] = {
    Outcome.DONE: ("Done", GOOD),
    Outcome.WAITS: ("Waits", WAITING),
    Outcome.REFUSED: ("Refused", BAD),
    Outcome.UNKNOWN: ("Unknown", WAITING),
    Outcome.BROKE_OFF: ("Broke off", BAD),
}

admin.site.unregister(LogEntry)


@cache
def titles() -> dict[str, str]:
    """The actions of the admin by name, as their buttons call them: read once, since all are known by the first request."""
    return {
        name: question_of(getattr(type(known), name)).title
        for known in admin.site._registry.values()
        for name in (*getattr(known, "actions_detail", ()), *getattr(known, "actions_list", ()))
        if hasattr(type(known), name)
    }


class ActionFilter(SimpleListFilter):
    """One action of the admin."""

    title = "action"
    parameter_name = "did"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        return sorted(titles().items(), key=lambda pair: pair[1])

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(additional_data__action=self.value()) if self.value() else queryset


class OutcomeFilter(SimpleListFilter):
    """How an action ended. Edits by form have no outcome of their own: one that failed is none."""

    title = "outcome"
    parameter_name = "outcome"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        return [(outcome, text) for outcome, (text, _) in OUTCOMES.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(additional_data__outcome=self.value()) if self.value() else queryset


@admin.register(LogEntry)
class AuditLogAdmin(ReadOnlyAdmin):
    list_display = ("when", "who", "did", "about", "why", "outcome_label")
    list_select_related = ("actor", "content_type")
    list_filter = (("actor", RelatedDropdownFilter), ActionFilter, OutcomeFilter, ("timestamp", DateRangeFilter))
    search_fields = ("object_repr__startswith", "object_pk__startswith", "actor__username__startswith", "cid__startswith")
    search_help_text = "The beginning of a record's name, of an id, of a username, or of our request's id."
    ordering = ("-timestamp", "-pk")
    fieldsets = (
        (None, {"fields": ("when", "who", "did", "about", "why", "outcome_label", "told")}),
        ("What was chosen and changed", {"fields": ("answers", "changes_shown", "operation")}),
        ("Request", {"fields": ("our_request", "remote_addr")}),
    )

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Under the name by which the sidebar and the documentation call it; the library's is "Log entries"."""
        return super().changelist_view(request, {**(extra_context or {}), "title": "Audit log"})

    def get_queryset(self, request: HttpRequest) -> QuerySet[LogEntry]:
        """What is about records of another environment is that one's."""
        return of_this_environment(super().get_queryset(request))

    def name_of(self, record: LogEntry) -> str:
        return f"{_did(record)}: {record.object_repr}"

    @display(description="time", ordering="timestamp")
    def when(self, entry: LogEntry) -> str:
        return f"{entry.timestamp:%Y-%m-%d %H:%M:%S} UTC"

    @display(description="user", ordering="actor__username")
    def who(self, entry: LogEntry) -> str:
        return _who(entry)

    @display(description="action")
    def did(self, entry: LogEntry) -> str:
        return _did(entry)

    @display(description="record", ordering="object_repr")
    def about(self, entry: LogEntry) -> str:
        return _about(entry)

    @display(description="why")
    def why(self, entry: LogEntry) -> str:
        return shortened(_told(entry, "reason"), REASON_LENGTH)

    @display(description="outcome")
    def outcome_label(self, entry: LogEntry) -> str:
        return _outcome(entry)

    @display(description="what was told")
    def told(self, entry: LogEntry) -> str:
        return _told(entry, "message") or EMPTY

    @display(description="choices, amounts in minor units")
    def answers(self, entry: LogEntry) -> str:
        return pretty_json((entry.additional_data or {}).get("answers"))

    @display(description="changes")
    def changes_shown(self, entry: LogEntry) -> str:
        return pretty_json(entry.changes)

    @display(description="operation")
    def operation(self, entry: LogEntry) -> str:
        operation_id = _told(entry, "operation")
        return link_to(Operation, operation_id, operation_id) if operation_id else EMPTY

    @display(description="our request")
    def our_request(self, entry: LogEntry) -> str:
        return code(entry.cid or "")


def latest_actions_table(request: HttpRequest, *, rows: int) -> RelatedTable:
    """What the staff did or tried last: everybody for a superuser, else the user alone, at most `rows` of it."""
    user: Any = request.user
    entries = latest_of_the_staff(by=None if user.is_superuser else user)[:rows]
    shown = [(entry.timestamp, _who(entry), _did(entry), _about(entry), _outcome(entry)) for entry in entries]
    headers = ("Time", "User", "Action", "Record", "Outcome")
    return RelatedTable("Latest actions of the staff", headers, shown, _audit_log_address(request))


def _audit_log_address(request: HttpRequest) -> str:
    """Where all of them are; empty for whoever may not open the audit log."""
    user: Any = request.user
    if not may_see("auditlog", "logentry")(request):
        return ""
    return list_address(LogEntry, **({} if user.is_superuser else {"actor__id__exact": user.pk}))


def _who(entry: LogEntry) -> str:
    return entry.actor.get_username() if entry.actor is not None else "Nobody of the staff"


def _about(entry: LogEntry) -> str:
    """The kind of the record and its name, which leads to it where it has a page."""
    model = entry.content_type.model_class()
    known = admin.site._registry.get(model) if model is not None else None
    name = shortened(entry.object_repr, NAME_LENGTH)
    if known is None:
        return name
    return format_html(
        '<span class="record-reference">{} <a class="text-link" href="{}">{}</a></span>',
        known.opts.verbose_name,
        _address(entry),
        name,
    )


def _outcome(entry: LogEntry) -> str:
    outcome = _told(entry, "outcome")
    return label(*OUTCOMES[outcome]) if outcome in OUTCOMES else EMPTY


def _told(entry: LogEntry, name: str) -> str:
    return str((entry.additional_data or {}).get(name, ""))


def _did(entry: LogEntry) -> str:
    name = _told(entry, "action")
    return titles().get(name, name) if name else EDITS[entry.action]


def _address(entry: LogEntry) -> str:
    model = entry.content_type
    return reverse(f"admin:{model.app_label}_{model.model}_change", args=[quote(entry.object_pk)])
