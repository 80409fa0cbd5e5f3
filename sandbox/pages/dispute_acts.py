"""What the staff may let become of a dispute on its page: what the buyer's bank or its network would decide."""

from functools import partial
from typing import Any

from django.http import HttpRequest, HttpResponse

from sandbox.models import SandboxObject
from sandbox.money import dispute_orders
from sandbox.pages.base import carried_out, staff_page_of_the_present

NAMES = {
    "appeal_needs_response": "Open an appeal",
    "appeal_under_review": "Send the appeal",
    "lost": "Let the buyer win",
    "needs_response": "Escalate the inquiry",
    "prevented": "Prevent the dispute",
    "warning_closed": "Close the inquiry",
    "won": "Let the seller win",
}


def offered(row: SandboxObject) -> dict[str, Any] | None:
    """What the page of an object offers: the moves that may follow for a dispute now; None for any other object."""
    if row.object_type != "dispute":
        return None
    return {"status": row.data["status"], "moves": [(to, NAMES[to]) for to in dispute_orders.following(row)]}


@staff_page_of_the_present("POST")
def move(request: HttpRequest, dispute_id: str) -> HttpResponse:
    """Moves a dispute, and shows it; a move that cannot follow any more, or never could, is told."""
    order = partial(dispute_orders.move, dispute_id, request.POST.get("status", ""))
    return carried_out(request, dispute_id, order, refused="This dispute cannot be moved so")
