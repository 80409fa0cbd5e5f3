"""What waits, read from the database at the moment of a scrape: right for any number of processes, and never counted twice.

Each query follows an index and reads no more than MOST_COUNTED rows, or one row for each endpoint or app.
"""

import logging
import platform
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime

import django
from django.conf import settings
from django.db.models import Min, OuterRef, QuerySet, Subquery, Sum
from prometheus_client.core import Metric

from commercecore_payments.admin.attention import SHOWN_FOR, lapsing_holds
from commercecore_payments.admin.lists import MOST_COUNTED, counted
from commercecore_payments.clock import database_now, now
from commercecore_payments.heartbeats import seen_lately
from commercecore_payments.metrics.described import ONLY, Values, families
from commercecore_payments.views import database_answers
from disputes.models import Dispute
from gateway.client import API_VERSION
from gateway.models import OPEN_STATUSES, Operation
from reconciliation.models import Case, DifferenceType, Run
from refunds.models import RefundApproval
from stripe_events.models import Status as StripeEventStatus
from stripe_events.models import StripeEvent
from webhooks.models import Delivery, EventCounter, WebhookEndpoint

logger = logging.getLogger(__name__)


def operations() -> dict[str, Values]:
    """The writes to Stripe without a known outcome, and what recovery should have taken up."""
    moment = database_now()
    by_status = {(status.value,): Operation.objects.filter(status=status) for status in OPEN_STATUSES}
    return {
        "operations_open": {status: counted(rows) for status, rows in by_status.items()},
        "operation_oldest_open_age_seconds": {
            status: _age(moment, rows.order_by("created_at", "id"), "created_at") for status, rows in by_status.items()
        },
        "operation_oldest_due_age_seconds": {ONLY: _age(moment, Operation.objects.due_for_recovery(moment), "next_recovery_at")},
    }


def stripe_events() -> dict[str, Values]:
    """Stripe's events that are not applied."""
    moment = database_now()
    of_status = {status: StripeEvent.objects.filter(status=status) for status in StripeEventStatus}
    pending, failed = of_status[StripeEventStatus.PENDING], of_status[StripeEventStatus.FAILED]
    quarantined = of_status[StripeEventStatus.QUARANTINED].filter(received_at__gte=now() - SHOWN_FOR)
    counts = {("pending",): pending, ("failed",): failed, ("quarantined",): quarantined}
    due = StripeEvent.objects.due(moment).order_by("next_attempt_at", "id")
    return {
        "stripe_events_unapplied": {status: counted(rows) for status, rows in counts.items()},
        "stripe_event_oldest_pending_age_seconds": {ONLY: _age(moment, pending.order_by("received_at", "id"), "received_at")},
        "stripe_event_oldest_due_age_seconds": {ONLY: _age(moment, due, "next_attempt_at")},
    }


def deliveries() -> dict[str, Values]:
    """Events on their way to the consumers."""
    moment = database_now()
    taking = WebhookEndpoint.objects.enabled().exclude(paused_until__gt=moment)
    return {
        "deliveries_pending": {ONLY: counted(Delivery.objects.waiting())},
        "delivery_oldest_due_age_seconds": {
            ("working",): _age_of_longest_due(moment, taking.filter(failing_since=None)),
            ("failing",): _age_of_longest_due(moment, taking.exclude(failing_since=None)),
        },
        "events_written": {ONLY: EventCounter.objects.aggregate(total=Sum("last_sequence"))["total"] or 0},
        "deliveries_planned": {ONLY: WebhookEndpoint.objects.aggregate(total=Sum("last_sequence"))["total"] or 0},
    }


def endpoints() -> dict[str, Values]:
    """Consumers' webhook endpoints."""
    counts = WebhookEndpoint.objects.counts_in_trouble()
    enabled = WebhookEndpoint.objects.filter(status=WebhookEndpoint.Status.ENABLED, deleted_at=None).count()
    states: Values = {("enabled",): enabled, ("failing",): counts["failing"], ("disabled_for_failing",): counts["off"]}
    return {"webhook_endpoints": states}


def reconciliation() -> dict[str, Values]:
    """Whether our records agree with Stripe's books."""
    moment = database_now()
    last = Run.objects.filter(status=Run.Status.FINISHED).of_everything().first()
    cases = Case.objects.open().order_by().values_list("type", "currency", "at_stake_minor")[: MOST_COUNTED + 1]
    differences: Counter[tuple[str, ...]] = Counter({(kind.value,): 0 for kind in DifferenceType})
    at_stake: Counter[tuple[str, ...]] = Counter()
    for kind, currency, minor in cases:
        differences[(kind,)] += 1
        at_stake[(currency,)] += minor
    del at_stake[("",)]  # of those that are about no money
    return {
        "reconciliation_last_finished_age_seconds": {ONLY: _since(moment, last.finished_at)} if last is not None else {},
        "reconciliation_open_cases": differences,
        "reconciliation_at_stake_minor_units": at_stake,
    }


def workers() -> dict[str, Values]:
    return {"workers_alive": {ONLY: seen_lately().count()}}


def decisions() -> dict[str, Values]:
    """What waits for a person."""
    waiting = {
        ("refund_approval",): RefundApproval.objects.waiting(),
        ("dispute_response",): Dispute.objects.needing_response(),
        ("hold_about_to_lapse",): lapsing_holds(),
    }
    return {"decisions_waiting": {decision: counted(rows) for decision, rows in waiting.items()}}


# Each by the name under which it is told where it fails.
READINGS: dict[str, Callable[[], dict[str, Values]]] = {
    "operations": operations,
    "stripe_events": stripe_events,
    "deliveries": deliveries,
    "endpoints": endpoints,
    "reconciliation": reconciliation,
    "workers": workers,
    "decisions": decisions,
}


class Waiting:
    """A collector for prometheus_client. What cannot be read is told as such, and keeps nothing else from being told."""

    def collect(self) -> Iterator[Metric]:
        versions = (settings.STRIPE_ENVIRONMENT, platform.python_version(), django.get_version(), API_VERSION)
        is_up = database_answers()
        yield from families({"build_info": {versions: 1}, "database_up": {ONLY: int(is_up)}})
        if is_up:
            yield from _read_all()


def _read_all() -> Iterator[Metric]:
    failed: dict[tuple[str, ...], float] = {}
    for name, reading in READINGS.items():
        try:
            found = reading()
        except Exception:  # one that fails, whatever its reason, must not make an operator blind
            logger.exception("metrics: %s could not be read", name)
            found = {}
        failed[(name,)] = int(not found)
        yield from families(found)
    yield from families({"reading_failed": failed})


def _age_of_longest_due(moment: datetime, among: QuerySet[WebhookEndpoint]) -> float:
    """Of what these endpoints should have been sent, by one look into an index for each of them."""
    due = Delivery.objects.due(moment).filter(endpoint=OuterRef("pk")).order_by("next_attempt_at", "sequence")
    longest = among.order_by().annotate(due=Subquery(due.values("next_attempt_at")[:1]))
    return _since(moment, longest.aggregate(first=Min("due"))["first"])


def _age(moment: datetime, rows: QuerySet, column: str) -> float:
    """Of the first of the rows, in seconds, by the moment in its column."""
    return _since(moment, rows.values_list(column, flat=True).first())


def _since(moment: datetime, since: datetime | None) -> float:
    """Seconds; 0 where there is nothing."""
    return max(0.0, (moment - since).total_seconds()) if since is not None else 0.0
