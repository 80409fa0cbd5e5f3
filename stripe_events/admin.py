"""Stripe's events as operators see them: what was received, and what came of it."""

from collections.abc import Iterator, Mapping
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin import display
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import ChoicesDropdownFilter, MultipleChoicesDropdownFilter

from accounts.models import ConnectedAccount
from commercecore_payments.admin.actions import Asked, Done, confirmed_action
from commercecore_payments.admin.display import (
    BAD,
    EMPTY,
    GOOD,
    MOVING,
    QUIET,
    WAITING,
    code,
    link,
    list_address,
    pretty_json,
    shortened,
    status_in,
    status_label,
)
from commercecore_payments.admin.filters import OVERDUE_AFTER, DateRangeFilter, OverdueFilter
from commercecore_payments.admin.records import RELATED_ROWS, Briefing, ReadOnlyAdmin, RelatedTable
from commercecore_payments.admin.unfolded import SimpleListFilter
from commercecore_payments.clock import database_now, now
from disputes.models import Dispute
from payouts.models import Payout
from refunds.models import Refund
from staff.rights import Right
from stripe_events.applying import apply_now
from stripe_events.models import WAITS_TOO_LONG_AFTER, Status, StripeEvent
from transactions.models import Transaction

STATUS_COLOURS: dict[str, str] = {
    Status.PENDING: MOVING,
    Status.APPLIED: GOOD,
    Status.UNHANDLED: QUIET,
    Status.QUARANTINED: WAITING,
    Status.FAILED: BAD,
}
# Letters of a note or an error in a list: about two of its lines.
NOTE_LENGTH = 60
# How the ids of objects at Stripe begin, and where the record of such an object has its id.
RECORDS: Mapping[str, tuple[type[Model], str]] = {
    "pi": (Transaction, "stripe_payment_intent_id"),
    "ch": (Transaction, "stripe_charge_id"),
    "py": (Transaction, "stripe_charge_id"),
    "re": (Refund, "stripe_refund_id"),
    "pyr": (Refund, "stripe_refund_id"),
    "du": (Dispute, "stripe_dispute_id"),
    "dp": (Dispute, "stripe_dispute_id"),
    "po": (Payout, "stripe_payout_id"),
    "acct": (ConnectedAccount, "stripe_account_id"),
}


class TroubleFilter(SimpleListFilter):
    """Those that could not be applied: what an operator looks for first."""

    title = "trouble"
    parameter_name = "trouble"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        return [("yes", "In trouble")]

    def queryset(self, request: HttpRequest, queryset: Any) -> QuerySet[Any]:
        found: QuerySet[Any] = queryset.in_trouble() if self.value() == "yes" else queryset
        return found


def overdue(events: Any) -> QuerySet[Any]:
    """Those that a worker should have applied OVERDUE_AFTER ago. One that waits for something is due again each time."""
    found: QuerySet[Any] = events.due(database_now() - OVERDUE_AFTER)
    return found


class OverdueEventFilter(OverdueFilter):
    def overdue(self, rows: Any) -> QuerySet[Any]:
        return overdue(rows)


def stripe_events_about(*object_ids: str) -> RelatedTable:
    """The newest events about these objects at Stripe."""
    known = [object_id for object_id in object_ids if object_id]
    rows = [_row(event) for event in StripeEvent.objects.filter(object_id__in=known).defer("payload")[:RELATED_ROWS]]
    headers = ("Stripe event", "Happened", "Type", "Status", "What came of it", "About")
    address = list_address(StripeEvent, object_id__in=",".join(known)) if len(rows) == RELATED_ROWS else ""
    return RelatedTable("What Stripe told", headers, rows, address, of=StripeEvent)


def _row(event: StripeEvent) -> tuple[Any, ...]:
    status = status_label(event, STATUS_COLOURS)
    outcome = shortened(event.error or event.note, NOTE_LENGTH)
    return (link(event), event.happened_at, event.type, status, outcome, code(event.object_id))


@admin.register(StripeEvent)
class StripeEventAdmin(ReadOnlyAdmin):
    list_display = ("__str__", "received_at", "type", "status_label", "outcome", "object_code", "account_code", "failures")
    list_filter = (
        TroubleFilter,
        OverdueEventFilter,
        ("status", MultipleChoicesDropdownFilter),
        ("source", ChoicesDropdownFilter),
        ("received_at", DateRangeFilter),
        ("happened_at", DateRangeFilter),
    )
    search_fields = ("event_id__startswith", "object_id__startswith", "account_id__startswith", "type__startswith")
    actions_detail = ("apply_now",)
    search_help_text = "An id (of the event, of the object at Stripe, of the account), or the beginning of a type."
    fieldsets = (
        (None, {"fields": ("status_label", "note_shown", "error_shown", "failures", "due", "applied_at")}),
        ("What it tells", {"fields": ("type", "happened_at", "object_code", "record", "account_code", "account_record")}),
        ("Received", {"fields": ("received_at", "source", "environment", "livemode", "api_version", "identity")}),
        ("Content", {"fields": ("payload_shown",)}),
    )

    status_label = status_in(STATUS_COLOURS)

    def get_queryset(self, request: HttpRequest) -> QuerySet[StripeEvent]:
        """A list shows no contents, which are long."""
        return super().get_queryset(request).defer("payload")

    def name_of(self, record: StripeEvent) -> str:
        return f"{record.type} {record.event_id}"

    @display(description="about", ordering="object_id")
    def object_code(self, event: StripeEvent) -> str:
        return code(event.object_id)

    @display(description="account", ordering="account_id")
    def account_code(self, event: StripeEvent) -> str:
        return code(event.account_id) if event.account_id else "Platform"

    @display(description="what came of it")
    def outcome(self, event: StripeEvent) -> str:
        return shortened(event.error or event.note, NOTE_LENGTH)

    @display(description="what came of it")
    def note_shown(self, event: StripeEvent) -> str:
        return event.note or EMPTY

    @display(description="last error")
    def error_shown(self, event: StripeEvent) -> str:
        return event.error or EMPTY

    @display(description="taken up next")
    def due(self, event: StripeEvent) -> str:
        return f"{event.next_attempt_at:%Y-%m-%d %H:%M:%S} UTC" if event.status == Status.PENDING else EMPTY

    @display(description="record here")
    def record(self, event: StripeEvent) -> str:
        return link(record_of(event.object_id))

    @display(description="seller")
    def account_record(self, event: StripeEvent) -> str:
        return link(record_of(event.account_id))

    @display(description="event at Stripe")
    def identity(self, event: StripeEvent) -> str:
        return code(event.event_id)

    @display(description="as Stripe sent it")
    def payload_shown(self, event: StripeEvent) -> str:
        return pretty_json(event.payload)

    def briefing(self, record: StripeEvent) -> Briefing | None:
        return next(_briefings(record), None)

    def actions_for(self, record: StripeEvent) -> tuple[str, ...]:
        return () if record.status == Status.APPLIED else self.actions_detail

    @confirmed_action(
        "Apply now",
        right=Right.REPLAY_STRIPE_EVENTS,
        text="Does what the event means here, as if it had just come: the object is read from Stripe, and nothing is sent there.",
        icon="play_arrow",
    )
    def apply_now(self, record: StripeEvent, asked: Asked) -> Done:
        applied = apply_now(record)
        if applied.status == Status.APPLIED:
            return Done(f"The event is applied. {applied.note}".strip())
        status = applied.get_status_display().lower()
        return Done(f"The event is {status}, and not applied: {applied.error or applied.note}", messages.WARNING)


def record_of(object_id: str) -> Model | None:
    """The record of an object at Stripe, told by how its id begins; None where nothing here stands for it."""
    known = RECORDS.get(object_id.partition("_")[0])
    if known is None:
        return None
    model, field = known
    return model._default_manager.filter(**{field: object_id}).first()


def _briefings(event: StripeEvent) -> Iterator[Briefing]:
    """What has to be explained about an event that was not applied."""
    facts = [("Last error", event.error or EMPTY), ("Attempts that failed", event.failures)]
    again = "Apply it again with Apply now, once you have removed the cause."
    if event.status == Status.FAILED:
        happened = "Every attempt to apply this event has failed, and no other follows by itself."
        yield Briefing("This event was given up", happened, facts, [again], is_urgent=True)
    elif event.status == Status.PENDING and event.failures:
        happened = (
            f"An attempt to apply this event has failed. It is tried again by itself at {event.next_attempt_at:%H:%M:%S} UTC."
        )
        yield Briefing("This event could not be applied yet", happened, facts, ["Nothing has to be done.", again])
    elif event.status == Status.PENDING and event.received_at < now() - WAITS_TOO_LONG_AFTER:
        yield _briefing_of_one_that_waits(event)
    elif event.status == Status.QUARANTINED:
        happened = event.note or "This event is of an account or an environment that is not ours."
        advice = "Apply it with Apply now once its account is known here; else leave it."
        yield Briefing("This event is kept apart", happened, [("Account", event.account_id or "Platform")], [advice])


def _briefing_of_one_that_waits(event: StripeEvent) -> Briefing:
    """For too long: what an event waits for is over within minutes, as a rule."""
    facts = [
        ("Waits for", event.note or "A worker"),
        ("Since", f"{event.received_at:%Y-%m-%d %H:%M:%S} UTC"),
        ("Taken up next", f"{event.next_attempt_at:%Y-%m-%d %H:%M:%S} UTC"),
    ]
    if not event.note:
        return Briefing("This event waits", "No worker has taken this event up.", facts, ["See to it that a worker runs."])
    happened = "This event was taken up, and cannot be applied before something else here is over."
    advice = [
        "Look for an operation of the same seller whose outcome is not known, and bring it to an end.",
        "The event is then applied by itself within a minute. Apply now does it at once, or says what it still waits for.",
    ]
    return Briefing("This event waits", happened, facts, advice)
