"""`POST /webhooks/stripe`: where Stripe sends its events."""

import logging

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from gateway.webhook_signatures import NotSignedByStripe
from stripe_events.receipt import NotAnEvent, receive

logger = logging.getLogger(__name__)

SIGNATURE_HEADER = "Stripe-Signature"


@csrf_exempt  # its signature is the proof
@require_POST
def receive_event(request: HttpRequest) -> HttpResponse:
    """200 once the event is stored, or was before; 400 for what Stripe did not sign, 413 for what is longer than any event is.

    A worker applies it. A failure of ours is a 500, and Stripe sends the event again.
    """
    try:
        receive(request.body, request.headers.get(SIGNATURE_HEADER, ""))
    except (NotSignedByStripe, NotAnEvent) as refused:
        logger.warning("an event was refused: %s", refused)
        return HttpResponse(f"{refused}\n", status=400, content_type="text/plain")
    except RequestDataTooBig:  # whoever sends it has shown no signature: it is no error of ours, and needs no traceback
        logger.warning("an event was refused: The body is too large.")
        return HttpResponse("The body is too large.\n", status=413, content_type="text/plain")
    return HttpResponse(status=200)
