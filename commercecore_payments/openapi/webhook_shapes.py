"""The webhooks of the API's description: each type of event, as it is posted to an endpoint."""

from collections.abc import Mapping

from commercecore_payments.openapi.examples import recorded
from commercecore_payments.openapi.shapes import Shape, closed, const, identifier, iso_moment, ref, text
from webhooks.models import EventType
from webhooks.trial import TEST_EVENT

# Of each type: when it is told, and what its `data` is.
TOLD: Mapping[str, tuple[str, str]] = {
    EventType.PAYMENT_SUCCEEDED: ("The money was taken.", "PaymentEventData"),
    EventType.PAYMENT_FAILED: ("An attempt to pay failed. The payment can be tried again.", "PaymentEventData"),
    EventType.PAYMENT_REQUIRES_ACTION: ("The buyer has to pass a challenge.", "PaymentEventData"),
    EventType.PAYMENT_CAPTURABLE: ("Money is held, and waits to be captured.", "PaymentEventData"),
    EventType.PAYMENT_CAPTURE_EXPIRING: ("A hold lapses in 48, 24 or 2 hours.", "ExpiringPaymentEventData"),
    EventType.PAYMENT_CANCELED: ("The payment was given up, or its hold has lapsed.", "PaymentEventData"),
    EventType.REFUND_PROCESSED: ("The money went back.", "RefundEventData"),
    EventType.REFUND_FAILED: ("The money did not go back, and can be refunded again.", "RefundEventData"),
    EventType.ACCOUNT_UPDATED: ("Something of a connected account has changed.", "AccountEventData"),
    EventType.ACCOUNT_DELETED: ("The account was deleted, or the seller has left the platform.", "AccountEventData"),
    EventType.DISPUTE_CREATED: ("A buyer's bank asks money back, or inquires.", "DisputeEventData"),
    EventType.DISPUTE_CLOSED: ("The dispute is won, lost, prevented or was an inquiry.", "DisputeEventData"),
    TEST_EVENT: ("Sent by a test of the endpoint alone: it tells of nothing.", "TestEventData"),
}

# https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
HEADERS: Mapping[str, Shape] = {
    "webhook-id": identifier("msg", "The event's id, the same at every attempt: take each once."),
    "webhook-timestamp": text("When this attempt was made, in seconds since 1970.", pattern="^[0-9]+$"),
    "webhook-signature": text("One signature for each secret that is valid, apart by a space.", pattern="^v1,[A-Za-z0-9+/=]+"),
    "webhook-endpoint-sequence": text("The delivery's number, counted for this endpoint.", pattern="^[0-9]+$"),
}
OF_DELIVERIES_ALONE = "webhook-endpoint-sequence"


def webhooks() -> dict[str, Shape]:
    """By type, the operation that a receiver serves."""
    return {event_type: {"post": _posted(event_type)} for event_type in TOLD}


def event_shape(event_type: str) -> Shape:
    """The body that is signed and sent."""
    return closed({"type": const(event_type), "timestamp": iso_moment("When it happened."), "data": ref(TOLD[event_type][1])})


def _posted(event_type: str) -> Shape:
    media: Shape = {"schema": event_shape(event_type)}
    example = recorded()["webhooks"].get(event_type)
    if example is not None:
        media["examples"] = {"recorded": {"summary": event_type, "value": example}}
    names = [name for name in HEADERS if event_type != TEST_EVENT or name != OF_DELIVERIES_ALONE]
    return {
        "operationId": f"webhook_{event_type.replace('.', '_')}",
        "summary": event_type,
        "description": TOLD[event_type][0],
        "tags": ["Webhooks and Events"],
        "parameters": [{"name": name, "in": "header", "required": True, "schema": HEADERS[name]} for name in names],
        "requestBody": {"required": True, "content": {"application/json": media}},
        "responses": {
            "2XX": {"description": "Taken. Answer first, and work afterwards."},
            "410": {"description": "Gone: the endpoint is disabled, and nothing more is sent to it."},
            "default": {"description": "Not taken: it is sent again, later and later."},
        },
    }
