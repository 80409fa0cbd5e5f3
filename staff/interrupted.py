"""Actions during which the process died: what was asked for is kept before anything is done, and so reaches the audit log."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.apps import apps
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Model

from commercecore_payments.clock import now
from commercecore_payments.environments import current_environment
from staff.audit import Outcome, record_action, texts_of
from staff.models import UsedForm

# Stripe's timeouts and the waiting for an equal request take a minute or two at the most. Our own choice.
INTERRUPTED_AFTER = timedelta(minutes=10)
WHAT_CAME_OF_IT = "The service ended while it was carried out, at {at:%Y-%m-%d %H:%M:%S} UTC: it may or may not have happened."


def attempt_at(
    record: Model, *, user: User, action: str, reason: str, answers: Mapping[str, Any], request_id: str
) -> dict[str, Any]:
    """What `write_down_next` needs, as JSON."""
    return {
        "environment": current_environment(),
        "record": [record._meta.label_lower, str(record.pk)],
        "user": user.pk,
        "action": action,
        "reason": reason,
        "answers": texts_of(answers),
        "request": request_id,
    }


def write_down_next() -> bool:
    """Writes the entry of one action that was begun and of which nobody told what came of it; whether there was any."""
    begun = UsedForm.objects.filter(told="", used_at__lt=now() - INTERRUPTED_AFTER)
    used = begun.filter(attempt__environment=current_environment()).first()
    if used is None:
        return False
    told = WHAT_CAME_OF_IT.format(at=used.used_at)
    with transaction.atomic():
        if UsedForm.objects.filter(pk=used.pk, told="").update(told=told):  # one of several workers
            _write_down(used.attempt, told)
    return True


def _write_down(attempt: Mapping[str, Any], told: str) -> None:
    label, key = attempt["record"]
    user = User.objects.get(pk=attempt["user"])  # nobody deletes a user
    record: Model = apps.get_model(label)._base_manager.filter(pk=key).first() or user
    record_action(
        record,
        user=user,
        action=attempt["action"],
        reason=attempt["reason"],
        outcome=Outcome.UNKNOWN,
        message=told,
        answers=attempt["answers"],
        request_id=attempt["request"],
    )
