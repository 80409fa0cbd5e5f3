"""What Stripe told us, and what was told to the app: events in and out, with every attempt to deliver them."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from explanations.sources import Sources
from explanations.structure import Detail, Entry, Kind, Reader, RecordKey, Tone
from explanations.words import address, at, sentence, shortened
from stripe_events.models import Source, Status, StripeEvent
from webhooks.events import newest_attempts
from webhooks.models import Delivery, DeliveryAttempt, Event

BECAME: Mapping[str, tuple[str, Tone]] = {
    Status.PENDING: ("it waits to be applied", Tone.WAITING),
    Status.APPLIED: ("applied", Tone.GOOD),
    Status.UNHANDLED: ("ignored", Tone.QUIET),
    Status.QUARANTINED: ("kept apart, and not applied", Tone.BAD),
    Status.FAILED: ("given up after every attempt to apply it failed", Tone.BAD),
}


def event_entries(sources: Sources) -> Iterator[Entry]:
    yield from (_stripe_event(event, sources.reader) for event in sources.stripe_events)
    of_event: dict[str, list[Delivery]] = defaultdict(list)
    for delivery in sources.deliveries:
        of_event[delivery.event_id].append(delivery)
    for event in sources.events:
        yield _event(event, of_event[event.pk])
        for delivery in of_event[event.pk]:
            yield from _attempts(delivery)
            yield from _end(delivery)


def _stripe_event(event: StripeEvent, reader: Reader) -> Entry:
    became, tone = BECAME[event.status]
    if event.status == Status.PENDING and event.failures:
        became, tone = "it could not be applied yet, and is tried again", Tone.BAD
    # The notes and errors are our own words about our own insides.
    why = event.error or event.note
    note = f" {sentence(shortened(why))}" if why and reader.is_staff else ""
    return Entry(
        at=event.received_at,
        kind=Kind.STRIPE_EVENT,
        text=f"Stripe told {event.type}: {became}.{note}",
        tone=tone,
        details=tuple(_about_event(event)),
        record=RecordKey("stripe_events.stripeevent", str(event.pk)),
    )


def _about_event(event: StripeEvent) -> Iterator[Detail]:
    yield "Event at Stripe", event.event_id
    yield "About", event.object_id
    yield "Happened", at(event.happened_at)
    yield "Came by", "webhook" if event.source == Source.WEBHOOK else "Stripe's list of events"


def _event(event: Event, deliveries: Sequence[Delivery]) -> Entry:
    nowhere = "" if deliveries else " No endpoint takes it: it stands in GET /events."
    return Entry(
        at=event.created_at,
        kind=Kind.EVENT,
        text=f"{event.app.name or event.app_id} is told {event.type}.{nowhere}",
        details=(("Event", event.pk), ("Sequence", str(event.sequence))),
        record=RecordKey("webhooks.event", event.pk),
    )


def _attempts(delivery: Delivery) -> Iterator[Entry]:
    """The newest attempts; how many there were before them stands beside the oldest of those."""
    attempts = newest_attempts(delivery)
    for attempt in attempts:
        before = f" There were {attempt.number - 1} attempts before." if attempt is attempts[0] and attempt.number > 1 else ""
        yield _attempt(delivery, attempt, before)


def _attempt(delivery: Delivery, attempt: DeliveryAttempt, before: str) -> Entry:
    arrived = attempt.http_status is not None and 200 <= attempt.http_status < 300
    receiver, event_type = address(delivery.endpoint.url), delivery.event.type
    if arrived:
        text = f"{event_type} arrived at {receiver} ({attempt.http_status})."
    elif attempt.http_status is not None:
        text = f"{receiver} answered {event_type} with {attempt.http_status}{_said(attempt)}"
    else:
        text = f"{receiver} did not answer {event_type}{_said(attempt)}"
    details = (
        ("Delivery", delivery.pk),
        ("Endpoint", delivery.endpoint_id),
        ("Attempt", str(attempt.number)),
        ("Took", f"{attempt.duration_ms:,} ms"),
    )
    record = RecordKey("webhooks.delivery", delivery.pk)
    return Entry(attempt.started_at, Kind.DELIVERY, text + before, Tone.GOOD if arrived else Tone.BAD, details, record)


def _said(attempt: DeliveryAttempt) -> str:
    said = shortened(attempt.error or attempt.answer)
    return f": “{said}”" if said else "."


def _end(delivery: Delivery) -> Iterator[Entry]:
    """What its attempts do not tell: that it was given up or stopped, or that another attempt follows."""
    receiver, event_type = address(delivery.endpoint.url), delivery.event.type
    record = RecordKey("webhooks.delivery", delivery.pk)
    if delivery.status == Delivery.Status.PENDING:
        text = f"{event_type} is sent to {receiver}{' again' if delivery.attempts else ''}."
        yield Entry(delivery.next_attempt_at, Kind.DELIVERY, text, Tone.WAITING, (), record, is_ahead=True)
    elif delivery.finished_at is not None and delivery.status == Delivery.Status.FAILED:
        text = f"{event_type} was given up for {receiver}: every attempt was in vain."
        yield Entry(delivery.finished_at, Kind.DELIVERY, text, Tone.BAD, (), record)
    elif delivery.finished_at is not None and delivery.status == Delivery.Status.STOPPED:
        text = f"{event_type} is not sent to {receiver} any more: the endpoint was switched off or deleted."
        yield Entry(delivery.finished_at, Kind.DELIVERY, text, Tone.BAD, (), record)
