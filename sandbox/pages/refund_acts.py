"""What the staff may let become of a refund on its page: what its bank or its buyer would decide."""

from functools import partial
from typing import Any

from django.http import HttpRequest, HttpResponse

from sandbox.models import SandboxObject
from sandbox.money import refund_lifecycle
from sandbox.pages.base import carried_out, message, staff_page_of_the_present

NAMES = {
    "succeeded": "Let it succeed",
    "requires_action": "Ask the buyer for details",
    "pending": "Let the buyer answer",
    "failed": "Let it fail",
}


def offered(row: SandboxObject) -> dict[str, Any] | None:
    """What the page of an object offers: the moves that are legal for a refund now; None for any other object."""
    if row.object_type != "refund":
        return None
    return {
        "status": refund_lifecycle.spoken_status(row),
        "moves": [(status, NAMES[status]) for status in refund_lifecycle.legal_moves(row)],
        "failure_reasons": refund_lifecycle.FAILURE_REASONS,
    }


@staff_page_of_the_present("POST")
def move(request: HttpRequest, refund_id: str) -> HttpResponse:
    """Moves a refund, and shows it; a move that is not legal any more, or never was, is told."""
    status, reason = request.POST.get("status", ""), request.POST.get("failure_reason", "unknown")
    if reason not in refund_lifecycle.FAILURE_REASONS:
        return message(request, "There is no such reason", "Stripe knows no such failure_reason.", status=400)
    order = partial(refund_lifecycle.order, refund_id, status, reason)
    return carried_out(request, refund_id, order, refused="This refund cannot be moved so")
