"""The audit log: who did what, when, to which record, why and with what outcome. django-auditlog keeps it, append-only.

What the staff edits by forms is registered below: django-auditlog then writes an entry for every save, whoever saves.
Records that the API writes are never registered, since each of its requests would pay for it. What the staff does to those
goes through the admin's actions, which write their own entries with `record_action`.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from auditlog.models import LogEntry
from auditlog.registry import auditlog
from django.contrib.auth.models import Group, User
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model, Q, QuerySet

from commercecore_payments.environments import Environment, current_environment
from developers.models import App, Developer, DeveloperToken, RevokedJsonWebToken


class Outcome(StrEnum):
    """How an action ended."""

    DONE = "done"
    WAITS = "waits"  # for a second person, with nothing sent to Stripe yet
    REFUSED = "refused"  # by this service or by Stripe, with nothing done
    UNKNOWN = "unknown"  # sent to Stripe, and no answer that proves what came of it
    BROKE_OFF = "broke_off"  # it failed in a way that nobody foresaw


def hidden(_value: str) -> str:
    """In place of a secret's old and new value: that it changed is told, and nothing of it."""
    return "***"


def register_models() -> None:
    """What the staff edits by forms. A login is no edit."""
    auditlog.register(
        User,
        exclude_fields=["last_login"],
        mask_fields=["password"],
        mask_callable="staff.audit.hidden",
        m2m_fields={"groups", "user_permissions"},
    )
    auditlog.register(Group, m2m_fields={"permissions"})
    auditlog.register(Developer)
    auditlog.register(App)
    auditlog.register(DeveloperToken, exclude_fields=["digest"])
    auditlog.register(RevokedJsonWebToken)


def record_action(
    record: Model,
    *,
    user: User,
    action: str,
    reason: str,
    outcome: Outcome,
    message: str,
    answers: Mapping[str, Any] | None = None,
    operation_id: str = "",
    request_id: str = "",
) -> LogEntry:
    """Writes down what `user` did to the record, or tried to. `message` and `answers` hold no secret.

    `answers` are the choices of the action's form, such as an amount; `operation_id` is the write to Stripe that was made.
    """
    told = {
        "action": action,
        "reason": reason,
        "outcome": outcome.value,
        "message": message,
        "answers": texts_of(answers or {}),
        "operation": operation_id,
        "request": request_id,
        "environment": current_environment(),
    }
    entry: LogEntry = LogEntry.objects.log_create(
        record, force_log=True, action=LogEntry.Action.UPDATE, actor=user, actor_email=user.email, additional_data=told
    )
    return entry


def texts_of(answers: Mapping[str, Any]) -> dict[str, str]:
    """The answers that were given, as JSON can hold them."""
    return {name: str(value) for name, value in answers.items() if value not in (None, "")}


def of_this_environment(entries: QuerySet[LogEntry]) -> QuerySet[LogEntry]:
    """Without those about records of another environment: they are that one's. Edits by form name none, and stay."""
    others = [environment for environment in Environment if environment != current_environment()]
    return entries.exclude(additional_data__environment__in=others)


def latest_of_the_staff(*, by: User | None = None) -> QuerySet[LogEntry]:
    """What the staff did or tried, the newest first: everybody, or one of them. What the service does by itself is left out."""
    entries = LogEntry.objects.filter(actor__isnull=False) if by is None else LogEntry.objects.filter(actor=by)
    return of_this_environment(entries).select_related("actor", "content_type").order_by("-timestamp", "-pk")


def entries_about(*records: Model) -> QuerySet[LogEntry]:
    """The entries about any of these records, the newest first."""
    about = Q(pk__in=[])
    for record in records:
        about |= Q(content_type=ContentType.objects.get_for_model(record), object_pk=str(record.pk))
    found: QuerySet[LogEntry] = LogEntry.objects.filter(about).select_related("actor").order_by("-timestamp", "-pk")
    return found
