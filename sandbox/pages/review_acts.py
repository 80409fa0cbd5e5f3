"""What the staff may do about an open review on its page: what the seller would in Stripe's dashboard."""

from functools import partial

from django.http import HttpRequest, HttpResponse

from sandbox.models import SandboxObject
from sandbox.money import reviews
from sandbox.pages.base import carried_out, staff_page_of_the_present


def offered(row: SandboxObject) -> bool:
    """Whether the page of an object offers to approve it: it is a review that is open."""
    return row.object_type == "review" and bool(row.data["open"])


@staff_page_of_the_present("POST")
def approve(request: HttpRequest, review_id: str) -> HttpResponse:
    """Approves a review, and shows it; that it is closed already is told."""
    return carried_out(request, review_id, partial(reviews.order_approval, review_id), refused="This review cannot be approved")
