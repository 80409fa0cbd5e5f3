"""What comes in for webhook endpoints, events and deliveries, and what goes out. Times are seconds since 1970, in UTC."""

import json
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from rest_framework import serializers

from commercecore_payments.pages import Page
from commercecore_payments.queries import HOW_MANY, MAX_PAGE_SIZE, STARTING_AFTER, ListQuery, QuerySerializer
from commercecore_payments.serializers import IdentifierField, OneOfField, StrictSerializer, TextField
from webhooks.events import newest_attempts
from webhooks.models import (
    ALL_EVENTS,
    MAX_DESCRIPTION_LENGTH,
    MAX_URL_LENGTH,
    Delivery,
    DeliveryAttempt,
    Event,
    EventType,
    WebhookEndpoint,
)
from webhooks.trial import Finding

# What every 64-bit column holds: more events than anybody has.
MAX_SEQUENCE_DIGITS = 18

# What is told of an endpoint's fields, where it is made and where it is changed.
WHERE = "Your receiver: https, public, on port 443 or 8443. In the sandbox http, any port and this machine too."
WHICH = "Names of events, each once; or `*` alone, for all of them, those that are yet to come too."
NOTE = "A note for yourself."


class EventTypesField(serializers.ListField):
    """Names of events, each once; or `*` alone, which is every event, those that are yet to come too."""

    default_error_messages = {
        "doubled": "An event is named twice.",
        "many": "There are not so many events.",
        "all": f"{ALL_EVENTS} stands alone: it is every event.",
    }

    def __init__(self, **options: Any) -> None:
        super().__init__(child=OneOfField([ALL_EVENTS, *EventType.values]), allow_empty=False, **options)

    def to_internal_value(self, data: Any) -> list[str]:
        if isinstance(data, list) and len(data) > len(EventType.values):  # each would be complained of
            self.fail("many")
        names: list[str] = super().to_internal_value(data)
        if len(set(names)) < len(names):
            self.fail("doubled")
        if ALL_EVENTS in names and len(names) > 1:
            self.fail("all")
        return names


class SequenceField(serializers.Field[int, Any, int, Any]):
    """A sequence number, or 0 for none, as a number or as text. Nothing is rounded or trimmed."""

    default_error_messages = {"invalid": "A sequence number is a whole number from 0 on."}

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, int) and not 0 <= data < 10**MAX_SEQUENCE_DIGITS:  # before it becomes text, which may be long
            self.fail("invalid")
        if not re.fullmatch(rf"[0-9]{{1,{MAX_SEQUENCE_DIGITS}}}", str(data)):
            self.fail("invalid")
        return int(data)

    def to_representation(self, value: int) -> int:
        return value


class EndpointRequest(StrictSerializer):
    """Where events are sent, and which of them."""

    # Judged by webhooks/addresses.py.
    url = TextField(max_length=MAX_URL_LENGTH, help_text=WHERE)
    events = EventTypesField(help_text=WHICH)
    description = TextField(max_length=MAX_DESCRIPTION_LENGTH, allow_blank=True, default="", help_text=NOTE)


class EndpointChanges(StrictSerializer):
    """What is left out stays."""

    url = TextField(max_length=MAX_URL_LENGTH, required=False, help_text=WHERE)
    events = EventTypesField(required=False, help_text=WHICH)
    description = TextField(max_length=MAX_DESCRIPTION_LENGTH, allow_blank=True, required=False, help_text=NOTE)
    status = OneOfField(
        WebhookEndpoint.Status.values,
        required=False,
        help_text="Whether it is sent events. Those of the time when it was not are resent on request.",
    )


class NothingMore(StrictSerializer):
    """The address says it all."""


class ResendRequest(StrictSerializer):
    """The events behind `after`, up to `until` and with it, by the app's sequence numbers."""

    after = SequenceField(help_text="The sequence of the event before the first, or 0.")
    until = SequenceField(help_text="The sequence of the last event.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["until"] <= attrs["after"]:
            raise serializers.ValidationError({"until": ["Must be greater than after."]})
        return attrs


class ListEventsQuery(QuerySerializer):
    after = SequenceField(default=0, help_text="The sequence behind which the page begins, or 0.")
    limit = serializers.IntegerField(min_value=1, max_value=MAX_PAGE_SIZE, default=MAX_PAGE_SIZE, help_text=HOW_MANY)


class ListDeliveriesQuery(ListEventsQuery):
    status = OneOfField(Delivery.Status.values, default=None, help_text="Those that are so now.")


class ListEndpointsQuery(ListQuery):
    starting_after = IdentifierField("we", required=False, help_text=STARTING_AFTER)
    status = OneOfField(WebhookEndpoint.Status.values, required=False, help_text="Those that are so now.")


def endpoint_details(endpoint: WebhookEndpoint) -> dict[str, Any]:
    return {
        "id": endpoint.pk,
        "url": endpoint.url,
        "description": endpoint.description,
        "events": endpoint.event_types,
        "status": endpoint.status,
        "disabled_reason": endpoint.disabled_reason,
        "disabled_at": _seconds(endpoint.disabled_at),
        "failing_since": _seconds(endpoint.failing_since),
        "paused_until": _seconds(endpoint.paused_until),
        "last_sequence": endpoint.last_sequence,
        "created": int(endpoint.created_at.timestamp()),
    }


def endpoint_list(page: Page[WebhookEndpoint]) -> dict[str, Any]:
    return {"webhook_endpoints": [endpoint_details(endpoint) for endpoint in page.rows], "has_more": page.has_more}


def event_row(event: Event) -> dict[str, Any]:
    """The event's id and number, and what is sent: the type, the timestamp and the data of the stored body."""
    return {"id": event.pk, "sequence": event.sequence, **json.loads(event.body)}


def delivery_details(delivery: Delivery) -> dict[str, Any]:
    """`next_attempt_at` is null once nothing more is going to be sent."""
    is_pending = delivery.status == Delivery.Status.PENDING
    return {
        "id": delivery.pk,
        "webhook_endpoint_id": delivery.endpoint_id,
        "sequence": delivery.sequence,
        "event": {"id": delivery.event_id, "type": delivery.event.type, "sequence": delivery.event.sequence},
        "status": delivery.status,
        "next_attempt_at": _seconds(delivery.next_attempt_at) if is_pending else None,
        "attempts": [_attempt_details(attempt) for attempt in newest_attempts(delivery)],
    }


def _attempt_details(attempt: DeliveryAttempt) -> dict[str, Any]:
    return {
        "number": attempt.number,
        "started_at": _seconds(attempt.started_at),
        "duration_ms": attempt.duration_ms,
        "http_status": attempt.http_status,
        "error": attempt.error,
        "answer": attempt.answer,
    }


def trial_report(findings: Sequence[Finding]) -> dict[str, Any]:
    return {"passed": all(finding.passed for finding in findings), "checks": [_check_report(finding) for finding in findings]}


def _check_report(finding: Finding) -> dict[str, Any]:
    return {
        "name": finding.check.name,
        "passed": finding.passed,
        "sent": finding.check.sent,
        "expected": finding.check.expected,
        "http_statuses": finding.http_statuses,
        "errors": finding.errors,
        "advice": finding.advice,
    }


def _seconds(moment: datetime | None) -> int | None:
    return int(moment.timestamp()) if moment is not None else None
