"""Holds that are about to lapse: their apps are told in time to capture them."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q, QuerySet

from commercecore_payments.clock import database_now
from transactions.events import tell
from transactions.models import Status, Transaction
from webhooks.models import EventType

# Hours before a hold lapses at which its app is told, the earliest first: two working days, one, and the last moment.
WARNED_HOURS_BEFORE = (48, 24, 2)


def warn_of_next_lapse() -> bool:
    """Tells the app of the hold that lapses next, where that is due; whether there was any.

    Each of WARNED_HOURS_BEFORE is told once. One that was missed, by a hold that is shorter or a worker that did not run, is
    not made up for: the latest that is due is told alone.
    """
    if not _due(database_now()).exists():
        return False  # a look first: on SQLite each transaction that may write waits for the one writer
    with transaction.atomic(durable=True):
        moment = database_now()
        payment = _due(moment).select_for_update(skip_locked=True).order_by("capture_before", "pk").first()
        if payment is None:
            return False
        hours = _hours_to_tell(payment, moment)
        payment.note_capture_warning(hours)
        tell(EventType.PAYMENT_CAPTURE_EXPIRING, payment, hours_left=hours)
    return True


def _due(moment: datetime) -> QuerySet[Transaction]:
    """Holds that have not lapsed, and have come so near to it that their app was not told yet how near."""
    is_due = Q()
    for hours in WARNED_HOURS_BEFORE:
        not_told = Q(capture_warned_hours=None) | Q(capture_warned_hours__gt=hours)
        is_due |= Q(capture_before__lte=moment + timedelta(hours=hours)) & not_told
    return Transaction.objects.filter(is_due, status=Status.REQUIRES_CAPTURE, capture_before__gt=moment)


def _hours_to_tell(payment: Transaction, moment: datetime) -> int:
    """The smallest of WARNED_HOURS_BEFORE within which the hold lapses."""
    lapses_at = payment.capture_before or moment
    return min(hours for hours in WARNED_HOURS_BEFORE if lapses_at <= moment + timedelta(hours=hours))
