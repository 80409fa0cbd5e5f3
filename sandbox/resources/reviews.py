"""Reviews (https://docs.stripe.com/api/radar/reviews): opened by the sandbox, approved by the seller."""

from typing import Any

from sandbox.api.pagination import list_page
from sandbox.api.parameters import takes, takes_page
from sandbox.api.wire import Request
from sandbox.money import reviews
from sandbox.objects import state

RETRIEVE = takes()
LIST = takes_page()
APPROVE = takes()


def retrieve(request: Request, review: str) -> dict[str, Any]:
    """The review, open or closed."""
    return state.addressed(request.account, "review", review, param="id").data


def list_(request: Request) -> dict[str, Any]:
    """The open reviews, newest first: "Returns a list of Review objects that have open set to true" (the SDK)."""
    return list_page(request, "review", "/v1/reviews", data__open=True)


def approve(request: Request, review: str) -> dict[str, Any]:
    """Closes a review, for its payment is fine. Raises a 400 where it is closed already."""
    return reviews.approve(request.account, review).data
