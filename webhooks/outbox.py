"""Writing events: in the transaction that changes what they tell of, so that neither can be without the other."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from django.db import models, transaction
from django.db.models import F

from commercecore_payments.clock import database_now, now
from developers.models import App
from webhooks.models import Delivery, Event, EventCounter, EventType, WebhookEndpoint

# Standard Webhooks asks for bodies below 20 KB: https://github.com/standard-webhooks/standard-webhooks, "Payload size".
MAX_BODY_BYTES = 20_000


def write_event(event_type: EventType, *, subject: models.Model, data: Mapping[str, Any], apps: Iterable[App]) -> None:
    """Tells each of `apps` that something happened to `subject`, and plans the deliveries to their endpoints.

    Call it last in the transaction of the change, after every other lock: it locks the apps' counters until the commit, in one
    order, and so no sequence number is lost or used twice. `data` is the object as it is now, without secrets; `sequence` is
    added for each app. Raises TransactionManagementError outside of a transaction.
    """
    for app in sorted(apps, key=lambda one: one.pk):
        _write_for_app(event_type, subject=subject, data=data, app=app)


def _write_for_app(event_type: EventType, *, subject: models.Model, data: Mapping[str, Any], app: App) -> None:
    sequence = _next_sequence(app)
    moment = now()
    event = Event.objects.create(
        app=app,
        sequence=sequence,
        type=event_type,
        subject_type=str(subject._meta.model_name),
        subject_id=subject.pk,
        body=body_text(event_type, timestamp=moment, data={"sequence": sequence, **data}),
        created_at=moment,
    )
    endpoints = WebhookEndpoint.objects.enabled().filter(app=app).order_by("pk")
    plan_deliveries([event], [endpoint for endpoint in endpoints if endpoint.takes(event_type)])


def _next_sequence(app: App) -> int:
    """The app's next number. Its row is locked from here to the commit: whoever comes next waits, and a rollback frees it."""
    if transaction.get_autocommit():
        raise transaction.TransactionManagementError("An event is written in the transaction of what it tells of.")
    counters = EventCounter.objects.filter(app=app)
    if not counters.update(last_sequence=F("last_sequence") + 1):
        # Of two that make an app's first event at once, one makes the row; the other waits, and counts on.
        EventCounter.objects.bulk_create([EventCounter(app=app)], ignore_conflicts=True)
        counters.update(last_sequence=F("last_sequence") + 1)
    return int(counters.values_list("last_sequence", flat=True).get())


def lock_counter(app: App) -> None:
    """Holds the app's counter until the commit: no event of the app is written meanwhile, nor the deliveries of one planned."""
    counters = EventCounter.objects.filter(app=app).select_for_update()
    if counters.first() is None:
        EventCounter.objects.bulk_create([EventCounter(app=app)], ignore_conflicts=True)
        counters.get()


def plan_deliveries(events: Sequence[Event], endpoints: Iterable[WebhookEndpoint]) -> None:
    """Notes that each event, in this order, goes to each endpoint now.

    The caller holds the lock of the app's counter: it guards the endpoints' numbers.
    """
    chosen = [endpoint.pk for endpoint in endpoints]
    if not chosen or not events:
        return
    rows = WebhookEndpoint.objects.filter(pk__in=chosen)
    rows.update(last_sequence=F("last_sequence") + len(events))
    moment = database_now()
    Delivery.objects.bulk_create(
        [
            Delivery(event=event, endpoint_id=endpoint_id, sequence=sequence, next_attempt_at=moment, created_at=moment)
            for endpoint_id, last in rows.order_by("pk").values_list("pk", "last_sequence")
            for sequence, event in enumerate(events, start=last - len(events) + 1)
        ]
    )


def body_text(event_type: str, *, timestamp: datetime, data: Mapping[str, Any]) -> str:
    """The body of an event, as it is signed and sent. The caller's metadata is left out where it would be too long with it."""
    text = _json({"type": event_type, "timestamp": iso_time(timestamp), "data": dict(data)})
    if len(text.encode()) <= MAX_BODY_BYTES or "metadata" not in data:
        return text
    return _json({"type": event_type, "timestamp": iso_time(timestamp), "data": {**data, "metadata": None}})


def iso_time(moment: datetime) -> str:
    """`2026-12-01T09:30:00.123456Z`: ISO 8601 in UTC, as Standard Webhooks writes times."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _json(content: Mapping[str, Any]) -> str:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))
