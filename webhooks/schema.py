"""The webhook endpoints, events and deliveries, as the API's description shows them."""

from commercecore_payments.openapi.operations import AppSchema, Described, Link
from commercecore_payments.openapi.shapes import (
    address,
    closed,
    const,
    count,
    flag,
    identifier,
    integer,
    iso_moment,
    list_of,
    moment,
    nullable,
    one_of,
    ref,
    text,
)
from webhooks import errors, serializers
from webhooks.models import ALL_EVENTS, Delivery, EventType, WebhookEndpoint

ENDPOINT_ID = identifier("we", "The endpoint's id.")
HAS_MORE = flag("Whether more follow.")
ENDPOINT = {
    "id": ENDPOINT_ID,
    "url": address("Where events are sent."),
    "description": text(),
    "events": list_of(one_of([ALL_EVENTS, *EventType.values]), "The types of events that are sent, or `*` alone for all."),
    "status": one_of(WebhookEndpoint.Status.values),
    "disabled_reason": one_of(["", *WebhookEndpoint.DisabledReason.values], "Why it is disabled; empty where it is not."),
    "disabled_at": nullable(moment()),
    "failing_since": nullable(moment("Since when nothing has arrived.")),
    "paused_until": nullable(moment("Until when nothing is sent, as the endpoint asked.")),
    "last_sequence": count("The number of its newest delivery."),
    "created": moment(),
}
DELETED = {"message": text(), "id": ENDPOINT_ID, "deleted": const(True)}

COMPONENTS = {
    "WebhookEndpoint": closed(ENDPOINT),
    "WebhookEndpointWithSecret": closed(
        {"message": text(), **ENDPOINT, "secret": text("Signs what is sent. It is shown this once.", pattern="^whsec_")}
    ),
    "WebhookEndpointList": closed({"webhook_endpoints": list_of(ref("WebhookEndpoint")), "has_more": HAS_MORE}),
    "DeletedWebhookEndpoint": closed(DELETED),
    "DeliveryAttempt": closed(
        {
            "number": integer(minimum=1),
            "started_at": moment(),
            "duration_ms": integer("Milliseconds.", minimum=0),
            "http_status": nullable(integer("What the receiver answered; null where nothing came.")),
            "error": text("Why no answer came, or empty."),
            "answer": text("The beginning of the answer's body."),
        }
    ),
    "Delivery": closed(
        {
            "id": identifier("dl"),
            "webhook_endpoint_id": ENDPOINT_ID,
            "sequence": count("Counted for this endpoint, without a gap."),
            "event": closed({"id": identifier("msg"), "type": one_of(EventType.values), "sequence": count()}),
            "status": one_of(Delivery.Status.values),
            "next_attempt_at": nullable(moment("Null once nothing more is going to be sent.")),
            "attempts": list_of(ref("DeliveryAttempt"), "The newest ones, the oldest of them first."),
        }
    ),
    "DeliveryList": closed({"deliveries": list_of(ref("Delivery"))}),
    "Resent": closed({"id": ENDPOINT_ID, "resent": count("How many events are sent again.")}),
    "TrialCheck": closed(
        {
            "name": one_of(["good", "badly_signed", "stale", "doubled", "reordered"]),
            "passed": flag(),
            "sent": text(),
            "expected": text(),
            "http_statuses": list_of(nullable(integer()), "One for each message; null where no answer came."),
            "errors": list_of(text()),
            "advice": text("What to change; empty where it passed."),
        }
    ),
    "TrialReport": closed({"passed": flag(), "checks": list_of(ref("TrialCheck"))}),
    "Event": closed(
        {
            "id": identifier("msg", "The same as `webhook-id` of its deliveries."),
            "sequence": count("Counted for each app, without a gap."),
            "type": one_of(EventType.values),
            "timestamp": iso_moment(),
            "data": {
                "description": "What it tells of, as it was at that moment: see the webhook of the same type.",
                "anyOf": [
                    ref(name)
                    for name in (
                        "PaymentEventData",
                        "ExpiringPaymentEventData",
                        "RefundEventData",
                        "AccountEventData",
                        "DisputeEventData",
                    )
                ],
            },
        }
    ),
    "EventList": closed({"events": list_of(ref("Event"))}),
    "TestEventData": closed({"sequence": count(), "check": text("The name of the check.")}),
}

_ID = {"id": "/data/id"}

OPERATIONS = {
    "POST /webhook-endpoints": Described(
        summary="Create a webhook endpoint",
        description="Names an address that the app's events are sent to, and makes the secret that signs them.",
        body=serializers.EndpointRequest,
        status=201,
        message=True,
        data=ref("WebhookEndpointWithSecret"),
        errors=(errors.AddressNotAllowed, errors.TooManyEndpoints),
        leads_to={
            "read": Link("GET /webhook-endpoints/{id}", path=_ID),
            "change": Link("PATCH /webhook-endpoints/{id}", path=_ID),
            "rotateSecret": Link("POST /webhook-endpoints/{id}/rotate-secret", path=_ID),
            "listDeliveries": Link("GET /webhook-endpoints/{id}/deliveries", path=_ID),
            "resend": Link("POST /webhook-endpoints/{id}/resend", path=_ID),
            "delete": Link("DELETE /webhook-endpoints/{id}", path=_ID),
        },
    ),
    "GET /webhook-endpoints": Described(
        summary="List webhook endpoints",
        description="Those of the app, newest first, without their secrets.",
        query=serializers.ListEndpointsQuery,
        is_paged=True,
        data=ref("WebhookEndpointList"),
    ),
    "GET /webhook-endpoints/{id}": Described(
        summary="Retrieve a webhook endpoint",
        description="Without its secret, which is shown by its creation and by a rotation alone.",
        data=ref("WebhookEndpoint"),
        errors=(errors.EndpointNotFound,),
    ),
    "PATCH /webhook-endpoints/{id}": Described(
        summary="Change a webhook endpoint",
        description="What is left out stays. `status` switches it off and on.",
        body=serializers.EndpointChanges,
        data=ref("WebhookEndpoint"),
        errors=(errors.EndpointNotFound, errors.AddressNotAllowed),
    ),
    "DELETE /webhook-endpoints/{id}": Described(
        summary="Delete a webhook endpoint",
        description="Nothing more is sent to it.",
        message=True,
        data=ref("DeletedWebhookEndpoint"),
        errors=(errors.EndpointNotFound,),
    ),
    "POST /webhook-endpoints/{id}/rotate-secret": Described(
        summary="Rotate a webhook secret",
        description="Makes a new secret. The one before signs beside it for 24 hours more.",
        body=serializers.NothingMore,
        message=True,
        data=ref("WebhookEndpointWithSecret"),
        errors=(errors.EndpointNotFound,),
    ),
    "GET /webhook-endpoints/{id}/deliveries": Described(
        summary="List deliveries",
        description="What was sent to the endpoint behind its own sequence number `after`, the oldest first, and what came back.",
        query=serializers.ListDeliveriesQuery,
        is_paged=True,
        meta={"has_more": HAS_MORE},
        data=ref("DeliveryList"),
        errors=(errors.EndpointNotFound,),
    ),
    "POST /webhook-endpoints/{id}/resend": Described(
        summary="Resend events",
        description="Sends the events behind `after`, up to `until` and with it, once more.",
        body=serializers.ResendRequest,
        data=ref("Resent"),
        errors=(errors.EndpointNotFound, errors.EndpointIsOff, errors.TooManyEvents),
    ),
    "POST /webhook-endpoints/{id}/test": Described(
        summary="Test a webhook endpoint",
        description="Posts five checks, good and bad ones, and reports how the endpoint took each. Nothing of it is kept.",
        body=serializers.NothingMore,
        data=ref("TrialReport"),
        errors=(errors.EndpointNotFound, errors.SecretUnreadable),
    ),
    "GET /events": Described(
        summary="List events",
        description="What happened, behind the sequence number `after`, the oldest first.",
        query=serializers.ListEventsQuery,
        is_paged=True,
        meta={
            "oldest_sequence": count("The oldest that is kept, or 0."),
            "latest_sequence": count("The newest ever, or 0."),
            "has_more": HAS_MORE,
        },
        data=ref("EventList"),
    ),
    "POST /deliveries/{id}/resend": Described(
        summary="Resend a delivery",
        description="Sends one event to one endpoint once more.",
        body=serializers.NothingMore,
        data=ref("Delivery"),
        errors=(errors.DeliveryNotFound, errors.EndpointIsOff),
    ),
}

SCHEMA = AppSchema(
    tag="Webhooks and Events",
    description="What an app is told, signed as Standard Webhooks has it, and where it is sent.",
    components=COMPONENTS,
    operations=OPERATIONS,
)
