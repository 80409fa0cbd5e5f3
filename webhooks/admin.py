"""What the API's consumers are told, and how it reaches them, as operators see it."""

import json
from collections.abc import Iterable
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin import display
from django.contrib.admin.views.main import ChangeList
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest
from django.utils.text import Truncator
from unfold.contrib.filters.admin import AutocompleteSelectFilter, ChoicesDropdownFilter, MultipleChoicesDropdownFilter

from commercecore_payments.admin.actions import Asked, Done, confirmed_action
from commercecore_payments.admin.display import (
    BAD,
    EMPTY,
    GOOD,
    MOVING,
    QUIET,
    code,
    label,
    link,
    link_to,
    linked,
    list_address,
    pretty_json,
    shortened,
    status_in,
    status_label,
)
from commercecore_payments.admin.filters import OVERDUE_AFTER, DateRangeFilter, OverdueFilter
from commercecore_payments.admin.records import RELATED_ROWS, ReadOnlyAdmin, RelatedTable
from commercecore_payments.clock import database_now
from developers.models import App
from gateway.admin import requests_before
from gateway.models import subject_type
from gateway.subjects import about_a_record_called, names_of_subjects, subject_model
from staff.rights import Right
from webhooks.by_operator import send_again, send_event_again, send_range_again, switch_off_endpoint, switch_on_endpoint
from webhooks.forms import RangeForm
from webhooks.models import Delivery, DeliveryAttempt, Event, WebhookEndpoint

DELIVERY_COLOURS: dict[str, str] = {
    Delivery.Status.PENDING: MOVING,
    Delivery.Status.SUCCEEDED: GOOD,
    Delivery.Status.FAILED: BAD,
    Delivery.Status.STOPPED: QUIET,
}
# Why an endpoint is off, as operators read it.
REASONS: dict[str, str] = {
    WebhookEndpoint.DisabledReason.BY_DEVELOPER: "The developer switched it off",
    WebhookEndpoint.DisabledReason.BY_OPERATOR: "An operator switched it off",
    WebhookEndpoint.DisabledReason.GONE: "It answered that it is gone (410)",
    WebhookEndpoint.DisabledReason.FAILING: "Nothing arrived for five days",
}
# Letters of an address in a list: as many as stand in one line beside the other columns.
URL_LENGTH = 50
# Letters of a receiver's answer or of an error in a table: about two of its lines.
ANSWER_LENGTH = 60


def events_about(*subjects: Model, **filters: Any) -> RelatedTable:
    """The newest events about these records; `filters` show the same ones in the list, and are left out for one record."""
    about = Q()
    for subject in subjects:
        about |= Q(subject_type=subject_type(subject), subject_id=subject.pk)
    found = Event.objects.filter(about).select_related("app")[:RELATED_ROWS]
    rows = [(link(event, event.type), event.created_at, link(event.app), event.sequence) for event in found]
    of_one = {"subject_type": subject_type(subjects[0]), "subject_id": subjects[0].pk}
    address = list_address(Event, **(filters or of_one))
    headers = ("Event", "Created", "App", "Sequence")
    return RelatedTable("What consumers were told", headers, rows, address if len(rows) == RELATED_ROWS else "", of=Event)


def endpoints_of(app: App) -> RelatedTable:
    """The newest endpoints of the app, deleted ones included."""
    found = WebhookEndpoint.objects.filter(app=app)[:RELATED_ROWS]
    rows = [(link(endpoint), shortened(endpoint.url, URL_LENGTH), endpoint_state(endpoint), why_off(endpoint),
             endpoint.failing_since or EMPTY, endpoint.last_sequence) for endpoint in found]  # fmt: skip
    address = list_address(WebhookEndpoint, app__id__exact=app.pk) if len(rows) == RELATED_ROWS else ""
    headers = ("Endpoint", "Address", "State", "Why it is off", "Failing since", "Last sequence")
    return RelatedTable("Webhook endpoints", headers, rows, address, of=WebhookEndpoint)


def deliveries_table(deliveries: QuerySet[Any], **filters: Any) -> RelatedTable:
    """The newest of `deliveries`; `filters` show the same ones in the list."""
    found = deliveries.select_related("event", "endpoint")[:RELATED_ROWS]
    rows = [(link(delivery), delivery.created_at, link(delivery.event, delivery.event.type), link(delivery.endpoint),
             delivery.sequence, status_label(delivery, DELIVERY_COLOURS), delivery.attempts) for delivery in found]  # fmt: skip
    address = list_address(Delivery, **filters) if len(rows) == RELATED_ROWS else ""
    headers = ("Delivery", "Created", "Event", "Endpoint", "Sequence", "Status", "Attempts")
    return RelatedTable("Deliveries", headers, rows, address, of=Delivery)


def _short(url: str) -> str:
    """As text for a link, which cannot hold the markup of `shortened`."""
    return Truncator(url).chars(URL_LENGTH)


def endpoint_state(endpoint: WebhookEndpoint) -> str:
    if endpoint.deleted_at is not None:
        return label("Deleted", QUIET)
    return label("Enabled", GOOD) if endpoint.is_enabled else label("Disabled", BAD)


def why_off(endpoint: WebhookEndpoint) -> str:
    return REASONS.get(endpoint.disabled_reason, endpoint.disabled_reason) or EMPTY


@admin.register(Event)
class EventAdmin(ReadOnlyAdmin):
    list_display = ("type_name", "created_at", "subject", "app_link", "sequence")
    list_select_related = ("app",)
    list_filter = (
        ("type", MultipleChoicesDropdownFilter),
        ("app", AutocompleteSelectFilter),
        ("created_at", DateRangeFilter),
    )
    search_fields = ("id__startswith", "app__id__startswith", "app__name__icontains")
    actions_detail = ("send_event_again",)
    search_help_text = "An id (of the event, of its app, of the payment, refund or dispute that it is about), or an app's name."
    fieldsets = (
        (None, {"fields": ("type_name", "subject_record", "app", "sequence", "created_at", "identity", "environment")}),
        ("Content", {"fields": ("body_shown",)}),
    )

    app_link = linked("app")

    def name_of(self, record: Event) -> str:
        return f"{record.type} {record.id}"

    def get_changelist_instance(self, request: HttpRequest) -> ChangeList:
        """Names the records that the events on the page are about, so that no row has to be asked for its own."""
        changelist = super().get_changelist_instance(request)
        rows: list[Any] = list(changelist.result_list)
        names = names_of_subjects(rows)
        for row in rows:
            row.subject_name = names.get((row.subject_type, row.subject_id))
        changelist.result_list = rows  # the page iterates over it
        return changelist

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Event], search_term: str
    ) -> tuple[QuerySet[Event], bool]:
        """Those with such an id of their own, and those about a record with such an id."""
        found, may_have_duplicates = super().get_search_results(request, queryset, search_term)
        term = search_term.strip()
        return found | queryset.filter(about_a_record_called(term)) if term else found, may_have_duplicates

    @display(description="type", ordering="type")
    def type_name(self, event: Event) -> str:
        return event.type

    @display(description="about")
    def subject(self, event: Any) -> str:
        """By the name that `get_changelist_instance` has found for it."""
        return _link_to_subject(event, event.subject_name)

    @display(description="about")
    def subject_record(self, event: Event) -> str:
        return _link_to_subject(event, names_of_subjects([event]).get((event.subject_type, event.subject_id)))

    @display(description="id")
    def identity(self, event: Event) -> str:
        return code(event.id)

    @display(description="what is sent")
    def body_shown(self, event: Event) -> str:
        return pretty_json(json.loads(event.body))

    def related_tables(self, record: Event) -> Iterable[RelatedTable]:
        return [
            deliveries_table(record.deliveries.all(), event__id__exact=record.pk),
            requests_before(record.created_at, about=(record.subject_type, record.subject_id)),
        ]

    @confirmed_action(
        "Send again",
        right=Right.RESEND_WEBHOOKS,
        text="It is sent within a moment to every endpoint of its app that is on and takes its type, whatever came of it before.",
        icon="replay",
    )
    def send_event_again(self, record: Event, asked: Asked) -> Done:
        endpoints = send_event_again(event=record)
        if not endpoints:
            return Done("Nothing was sent: no endpoint of the app that is on takes this event.", messages.WARNING)
        return Done(f"The event is due now at {endpoints} endpoint{'' if endpoints == 1 else 's'}.")


def _link_to_subject(event: Event, name: str | None) -> str:
    model = subject_model(event.subject_type)
    text = name or f"{event.subject_type} {event.subject_id}"
    return text if model is None else link_to(model, event.subject_id, text)


@admin.register(WebhookEndpoint)
class WebhookEndpointAdmin(ReadOnlyAdmin):
    """Its secrets are not among the fields: they are shown to nobody here."""

    list_display = ("__str__", "created_at", "address", "state", "why_off", "failing_since", "app_link", "last_sequence")
    list_select_related = ("app",)
    list_filter = (
        ("status", ChoicesDropdownFilter),
        ("disabled_reason", ChoicesDropdownFilter),
        ("failing_since", admin.EmptyFieldListFilter),
        ("deleted_at", admin.EmptyFieldListFilter),
        ("app", AutocompleteSelectFilter),
        ("created_at", DateRangeFilter),
    )
    secret_fields = ("secret", "previous_secret")
    search_fields = ("id__startswith", "url__icontains", "app__id__startswith", "app__name__icontains")
    actions_detail = ("send_range_again", "switch_off", "switch_on")
    search_help_text = "An id (of the endpoint, of its app), a part of its address, or an app's name."
    fieldsets = (
        (None, {"fields": ("state", "why_off", "disabled_at", "whole_address", "description", "event_types_shown")}),
        ("Deliveries", {"fields": ("last_sequence", "failing_since", "paused_until", "previous_secret_expires_at")}),
        ("Record", {"fields": ("identity", "app", "environment", "created_at", "deleted_at")}),
    )

    app_link = linked("app")

    @display(description="address", ordering="url")
    def address(self, endpoint: WebhookEndpoint) -> str:
        return shortened(endpoint.url, URL_LENGTH)

    @display(description="address")
    def whole_address(self, endpoint: WebhookEndpoint) -> str:
        return code(endpoint.url)

    @display(description="state", ordering="status")
    def state(self, endpoint: WebhookEndpoint) -> str:
        return endpoint_state(endpoint)

    @display(description="why it is off", ordering="disabled_reason")
    def why_off(self, endpoint: WebhookEndpoint) -> str:
        return why_off(endpoint)

    @display(description="events")
    def event_types_shown(self, endpoint: WebhookEndpoint) -> str:
        return ", ".join("all" if name == "*" else name for name in endpoint.event_types) or EMPTY

    @display(description="id")
    def identity(self, endpoint: WebhookEndpoint) -> str:
        return code(endpoint.id)

    def related_tables(self, record: WebhookEndpoint) -> Iterable[RelatedTable]:
        return [deliveries_table(record.deliveries.all(), endpoint__id__exact=record.pk)]

    def actions_for(self, record: WebhookEndpoint) -> tuple[str, ...]:
        if record.deleted_at is not None:
            return ()
        return ("send_range_again", "switch_off") if record.is_enabled else ("switch_on",)

    @confirmed_action(
        "Send a range again",
        right=Right.RESEND_WEBHOOKS,
        text="Events of the app are sent to this endpoint within a moment, those that it missed while it was off, too.",
        icon="replay",
        form_class=RangeForm,
    )
    def send_range_again(self, record: WebhookEndpoint, asked: Asked) -> Done:
        after, until = asked.answers["first"] - 1, asked.answers["last"]
        events = send_range_again(endpoint=record, after=after, until=until)
        return Done(f"{events} event{'' if events == 1 else 's'} of those numbered {after + 1} to {until} are due now.")

    @confirmed_action(
        "Switch off",
        right=Right.MANAGE_WEBHOOK_ENDPOINTS,
        text="Nothing more is sent to it, and what is on its way is stopped. Its developer can switch it on again.",
        icon="block",
    )
    def switch_off(self, record: WebhookEndpoint, asked: Asked) -> Done:
        switch_off_endpoint(endpoint=record)
        return Done(f"The endpoint {record} is switched off.")

    @confirmed_action(
        "Switch on",
        right=Right.MANAGE_WEBHOOK_ENDPOINTS,
        text="It is sent what happens from now on. What was stopped is sent where somebody sends it again.",
        icon="check",
    )
    def switch_on(self, record: WebhookEndpoint, asked: Asked) -> Done:
        switch_on_endpoint(endpoint=record)
        return Done(f"The endpoint {record} is switched on.")


def overdue(deliveries: Any) -> QuerySet[Any]:
    """Those that a worker should have posted OVERDUE_AFTER ago: nobody holds them, and their endpoint takes posts since then."""
    moment = database_now()
    longest_ago = moment - OVERDUE_AFTER
    open_endpoints = WebhookEndpoint.objects.enabled().filter(Q(paused_until=None) | Q(paused_until__lte=longest_ago))
    is_free = Q(leased_until=None) | Q(leased_until__lte=moment)
    found: QuerySet[Any] = deliveries.due(longest_ago).filter(is_free, endpoint__in=open_endpoints)
    return found


class OverdueDeliveryFilter(OverdueFilter):
    def overdue(self, rows: Any) -> QuerySet[Any]:
        return overdue(rows)


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    list_display = ("__str__", "created_at", "status_label", "event_link", "endpoint_link", "sequence", "attempts", "due")
    list_select_related = ("event", "endpoint")
    list_filter = (
        OverdueDeliveryFilter,
        ("status", MultipleChoicesDropdownFilter),
        ("endpoint", AutocompleteSelectFilter),
        ("created_at", DateRangeFilter),
    )
    search_fields = ("id__startswith", "event__id__startswith", "endpoint__id__startswith", "endpoint__url__icontains")
    actions_detail = ("send_again",)
    search_help_text = "An id (of the delivery, of its event, of its endpoint), or a part of the endpoint's address."
    fieldsets = (
        (None, {"fields": ("status_label", "event_link", "endpoint", "whole_address", "sequence")}),
        ("Attempts", {"fields": ("attempts", "due", "leased_until", "finished_at")}),
        ("Record", {"fields": ("identity", "environment", "created_at")}),
    )

    status_label = status_in(DELIVERY_COLOURS)

    @display(description="event", ordering="event__type")
    def event_link(self, delivery: Delivery) -> str:
        return link(delivery.event, delivery.event.type)

    @display(description="endpoint", ordering="endpoint__url")
    def endpoint_link(self, delivery: Delivery) -> str:
        return link(delivery.endpoint, _short(delivery.endpoint.url))

    @display(description="address")
    def whole_address(self, delivery: Delivery) -> str:
        return code(delivery.endpoint.url)

    @display(description="next attempt", ordering="next_attempt_at")
    def due(self, delivery: Delivery) -> str:
        is_waiting = delivery.status == Delivery.Status.PENDING
        return f"{delivery.next_attempt_at:%Y-%m-%d %H:%M:%S} UTC" if is_waiting else EMPTY

    @display(description="id")
    def identity(self, delivery: Delivery) -> str:
        return code(delivery.id)

    def related_tables(self, record: Delivery) -> Iterable[RelatedTable]:
        newest = record.attempt_log.order_by("-id")[:RELATED_ROWS]
        rows = [_attempt_row(attempt) for attempt in reversed(newest)]
        return [RelatedTable("Attempts", ("Number", "Started", "Took", "Answered", "What came back"), rows)]

    def actions_for(self, record: Delivery) -> tuple[str, ...]:
        """To an endpoint that is off nothing is sent."""
        return self.actions_detail if record.endpoint.is_enabled else ()

    @confirmed_action(
        "Send again",
        right=Right.RESEND_WEBHOOKS,
        text="It is sent within a moment, whatever came of it before, and again by the whole schedule where that fails.",
        icon="replay",
    )
    def send_again(self, record: Delivery, asked: Asked) -> Done:
        send_again(delivery=record)
        return Done(f"The delivery {record} is due now.")


def _attempt_row(attempt: DeliveryAttempt) -> tuple[Any, ...]:
    answered = EMPTY if attempt.http_status is None else str(attempt.http_status)
    came_back = shortened(attempt.error or attempt.answer, ANSWER_LENGTH)
    return (attempt.number, attempt.started_at, f"{attempt.duration_ms:,} ms", answered, came_back)
