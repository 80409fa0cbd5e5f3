"""What the staff may let become of a refund on its page: what its bank or its buyer would decide."""

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from sandbox.api.errors import StripeError
from sandbox.models import SandboxObject
from sandbox.money import refund_lifecycle
from sandbox.pages.base import message, staff_page
from sandbox.timeline import due

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


@staff_page("POST")
def move(request: HttpRequest, refund_id: str) -> HttpResponse:
    """Moves a refund, and shows it; a move that is not legal any more, or never was, is told."""
    due.carry_out_due()
    status, reason = request.POST.get("status", ""), request.POST.get("failure_reason", "unknown")
    if reason not in refund_lifecycle.FAILURE_REASONS:
        return message(request, "There is no such reason", "Stripe knows no such failure_reason.", status=400)
    try:
        refund_lifecycle.order(refund_id, status, reason)
    except StripeError as refused:
        return message(request, "This refund cannot be moved so", str(refused), status=refused.status)
    return HttpResponseRedirect(reverse("sandbox:object", args=[refund_id]))
