"""The audit log as it is read: what was done, by whom, to what, why and with what outcome. Nobody changes it here."""

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
from commercecore_payments.admin.display import BAD, EMPTY, GOOD, WAITING, code, label, link_to, pretty_json, shortened
from commercecore_payments.admin.filters import DateRangeFilter
from commercecore_payments.admin.records import ReadOnlyAdmin
from commercecore_payments.admin.unfolded import SimpleListFilter
from commercecore_payments.environments import Environment, current_environment
from gateway.models import Operation
from staff.audit import Outcome

# Letters of a reason in a list: about two of its lines.
REASON_LENGTH = 60
# How django-auditlog's own entries are called, beside the actions of the admin.
EDITS: dict[int, str] = {
    LogEntry.Action.CREATE: "Added",
    LogEntry.Action.UPDATE: "Changed",
    LogEntry.Action.DELETE: "Deleted",
    LogEntry.Action.ACCESS: "Read",
}
OUTCOMES: dict[str, tuple[str, str]] = {
    Outcome.DONE: ("Done", GOOD),
    Outcome.REFUSED: ("Refused", BAD),
    Outcome.UNKNOWN: ("Unknown", WAITING),
    Outcome.BROKE_OFF: ("Broke off", BAD),
}

admin.site.unregister(LogEntry)


def titles() -> dict[str, str]:
    """The actions of the admin by name, as their buttons call them."""
    return {
        name: question_of(getattr(type(known), name)).title
        for known in admin.site._registry.values()
        for name in getattr(known, "actions_detail", ())
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
        others = [environment for environment in Environment if environment != current_environment()]
        return super().get_queryset(request).exclude(additional_data__environment__in=others)

    def name_of(self, record: LogEntry) -> str:
        return f"{_did(record)}: {record.object_repr}"

    @display(description="time", ordering="timestamp")
    def when(self, entry: LogEntry) -> str:
        return f"{entry.timestamp:%Y-%m-%d %H:%M:%S} UTC"

    @display(description="user", ordering="actor__username")
    def who(self, entry: LogEntry) -> str:
        return entry.actor.get_username() if entry.actor is not None else "Nobody of the staff"

    @display(description="action")
    def did(self, entry: LogEntry) -> str:
        return _did(entry)

    @display(description="record", ordering="object_repr")
    def about(self, entry: LogEntry) -> str:
        model = entry.content_type.model_class()
        known = admin.site._registry.get(model) if model is not None else None
        if known is None:
            return str(entry.object_repr)
        address = _address(entry)
        return format_html(
            '<span class="record-reference">{} <a class="text-link" href="{}">{}</a></span>',
            known.opts.verbose_name,
            address,
            entry.object_repr,
        )

    @display(description="why")
    def why(self, entry: LogEntry) -> str:
        return shortened(_told(entry, "reason"), REASON_LENGTH)

    @display(description="outcome")
    def outcome_label(self, entry: LogEntry) -> str:
        outcome = _told(entry, "outcome")
        return label(*OUTCOMES[outcome]) if outcome in OUTCOMES else EMPTY

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


def _told(entry: LogEntry, name: str) -> str:
    return str((entry.additional_data or {}).get(name, ""))


def _did(entry: LogEntry) -> str:
    name = _told(entry, "action")
    return titles().get(name, name) if name else EDITS[entry.action]


def _address(entry: LogEntry) -> str:
    model = entry.content_type
    return reverse(f"admin:{model.app_label}_{model.model}_change", args=[quote(entry.object_pk)])
