"""Disputes that a test orders: how it brings one into each status, and reads what has been booked and told."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from sandbox.models import SandboxObject

Make = Callable[..., Any]
Options = dict[str, str]
Books = Callable[[], list[int]]

AMOUNT, FEE = 1000, 1500
TAKEN, GIVEN_BACK = -AMOUNT - FEE, AMOUNT + FEE
FORM = "application/x-www-form-urlencoded"
# The orders after which a new dispute, or a new inquiry, has each status.
WAYS: dict[str, tuple[str, list[str]]] = {
    "warning_needs_response": ("pm_card_createDisputeInquiry", []),
    "warning_under_review": ("pm_card_createDisputeInquiry", ["evidence"]),
    "warning_closed": ("pm_card_createDisputeInquiry", ["warning_closed"]),
    "prevented": ("pm_card_createDisputeInquiry", ["prevented"]),
    "needs_response": ("pm_card_createDispute", []),
    "under_review": ("pm_card_createDispute", ["evidence"]),
    "won": ("pm_card_createDispute", ["won"]),
    "lost": ("pm_card_createDispute", ["lost"]),
    "appeal_needs_response": ("pm_card_createDispute", ["lost", "appeal_needs_response"]),
    "appeal_under_review": ("pm_card_createDispute", ["lost", "appeal_needs_response", "appeal_under_review"]),
}


@pytest.fixture
def order(db: None) -> Callable[[str, str], Any]:
    """Orders a status of a dispute at the control API, and gives the answer."""
    client = Client(headers={"Authorization": "Bearer sk_test_x"}, enforce_csrf_checks=True)
    return lambda dispute, status: client.post(f"/sandbox/api/disputes/{dispute}", f"status={status}", content_type=FORM)


@pytest.fixture
def dispute_in(v1: Any, at_seller: Options, pay: Make, order: Make) -> Make:
    """Makes a dispute that has a status, and gives its id."""

    def make(status: str) -> str:
        card, ways = WAYS[status]
        opened = v1.disputes.list({"payment_intent": pay(card).id}, at_seller).data[0].id
        for way in ways:
            if way == "evidence":
                v1.disputes.update(opened, {"evidence": {"customer_name": "Ada"}}, at_seller)
            else:
                assert order(opened, way).status_code == 200
        assert v1.disputes.retrieve(opened, None, at_seller).status == status
        return str(opened)

    return make


@pytest.fixture
def booked(v1: Any, at_seller: Options) -> Books:
    """Tells the net of everything that disputes have booked, the oldest first."""
    return lambda: [each.net for each in v1.balance_transactions.list({"type": "adjustment"}, at_seller)][::-1]


@pytest.fixture
def told(db: None) -> Callable[[], list[str]]:
    """The names of all events about disputes, in their order."""
    events = SandboxObject.objects.filter(object_type="event", data__type__startswith="charge.dispute.")
    return lambda: [event.data["type"].removeprefix("charge.dispute.") for event in events.order_by("id")]
