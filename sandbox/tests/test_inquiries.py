"""Inquiries: a bank asks about a payment, and takes the money only if it makes a dispute of it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import stripe

from sandbox.tests.conftest import NOON
from sandbox.timeline import due

pytestmark = pytest.mark.usefixtures("noon")

Make = Callable[..., Any]
Options = dict[str, str]
Books = Callable[[], list[int]]

AMOUNT, FEE = 1000, 1500  # of the payments that the fixture `pay` makes, and Stripe's for a dispute in US dollars
TAKEN, GIVEN_BACK = -AMOUNT - FEE, AMOUNT + FEE


@pytest.fixture
def inquiry(v1: Any, at_seller: Options, pay: Make) -> Make:
    """Makes a payment that its bank asks about, and gives the inquiry."""
    return lambda: v1.disputes.list({"payment_intent": pay("pm_card_createDisputeInquiry").id}, at_seller).data[0]


@pytest.fixture
def booked(v1: Any, at_seller: Options) -> Books:
    """Tells the net of everything that disputes have booked, the oldest first."""
    return lambda: [each.net for each in v1.balance_transactions.list({"type": "adjustment"}, at_seller)][::-1]


class TestAnInquiry:
    def test_moves_no_money(self, inquiry: Make, booked: Books) -> None:
        opened = inquiry()
        assert (opened.status, opened.is_charge_refundable) == ("warning_needs_response", True)
        assert (list(opened.balance_transactions), booked()) == ([], [])

    def test_leaves_its_charge_refundable(self, v1: Any, at_seller: Options, inquiry: Make) -> None:
        refund = v1.refunds.create({"charge": inquiry().charge}, at_seller)
        assert (refund.amount, refund.status) == (AMOUNT, "succeeded")

    @pytest.mark.parametrize("text", ["winning_evidence", "losing_evidence"])
    def test_is_closed_by_evidence(self, v1: Any, at_seller: Options, inquiry: Make, booked: Books, text: str) -> None:
        opened = inquiry()
        sent = v1.disputes.update(opened.id, {"evidence": {"uncategorized_text": text}}, at_seller)
        assert sent.status == "warning_under_review"
        assert v1.disputes.retrieve(opened.id, None, at_seller).status == "warning_closed"
        assert booked() == []

    def test_that_is_escalated_becomes_a_dispute_which_takes_the_money_and_asks_anew(
        self, v1: Any, at_seller: Options, inquiry: Make, booked: Books
    ) -> None:
        opened = inquiry()
        due.move_clock(timedelta(days=3))
        sent = self.escalate(v1, at_seller, opened)
        assert (sent.status, list(sent.balance_transactions)) == ("warning_under_review", [])
        escalated = v1.disputes.retrieve(opened.id, None, at_seller)
        assert (escalated.status, escalated.is_charge_refundable) == ("needs_response", False)
        assert escalated.payment_method_details.card.case_type == "chargeback"
        assert escalated.evidence_details.due_by == int((NOON + timedelta(days=10)).timestamp())
        assert booked() == [TAKEN]
        assert [(moved.net, moved.source) for moved in escalated.balance_transactions] == [(TAKEN, opened.id)]

    def test_that_was_escalated_is_answered_like_any_dispute(
        self, v1: Any, at_seller: Options, inquiry: Make, booked: Books
    ) -> None:
        opened = self.escalated(v1, at_seller, inquiry)
        won = v1.disputes.update(opened.id, {"evidence": {"uncategorized_text": "winning_evidence"}}, at_seller)
        assert (won.status, won.evidence_details.submission_count) == ("under_review", 2)
        assert v1.disputes.retrieve(opened.id, None, at_seller).status == "won"
        assert booked() == [TAKEN, GIVEN_BACK]

    def test_that_was_escalated_is_lost_at_its_own_deadline_and_not_at_that_of_the_inquiry(
        self, v1: Any, at_seller: Options, inquiry: Make, booked: Books
    ) -> None:
        opened = self.escalated(v1, at_seller, inquiry, after=timedelta(days=3))
        due.move_clock(timedelta(days=7, seconds=-1))
        assert v1.disputes.retrieve(opened.id, None, at_seller).status == "needs_response"
        due.move_clock(timedelta(seconds=1))
        assert v1.disputes.retrieve(opened.id, None, at_seller).status == "lost"
        assert booked() == [TAKEN]

    def test_that_was_escalated_keeps_its_charge_from_being_refunded(self, v1: Any, at_seller: Options, inquiry: Make) -> None:
        opened = self.escalated(v1, at_seller, inquiry)
        with pytest.raises(stripe.InvalidRequestError) as refused:
            v1.refunds.create({"charge": opened.charge}, at_seller)
        assert (refused.value.http_status, refused.value.code) == (400, "charge_disputed")
        assert v1.refunds.list(None, at_seller).data == []

    def test_is_escalated_for_what_refunds_have_left(self, v1: Any, at_seller: Options, inquiry: Make, booked: Books) -> None:
        opened = inquiry()
        v1.refunds.create({"charge": opened.charge, "amount": 200}, at_seller)
        self.escalate(v1, at_seller, opened)
        assert v1.disputes.retrieve(opened.id, None, at_seller).amount == AMOUNT - 200
        assert booked() == [TAKEN + 200]

    def test_about_a_charge_that_was_refunded_is_closed_instead(
        self, v1: Any, at_seller: Options, inquiry: Make, booked: Books
    ) -> None:
        opened = inquiry()
        v1.refunds.create({"charge": opened.charge}, at_seller)
        self.escalate(v1, at_seller, opened)
        assert v1.disputes.retrieve(opened.id, None, at_seller).status == "warning_closed"
        assert booked() == []

    @staticmethod
    def escalate(v1: Any, at_seller: Options, opened: Any) -> Any:
        """Sends the evidence that escalates an inquiry, and gives the answer."""
        return v1.disputes.update(opened.id, {"evidence": {"uncategorized_text": "escalate_inquiry_evidence"}}, at_seller)

    def escalated(self, v1: Any, at_seller: Options, inquiry: Make, after: timedelta = timedelta()) -> Any:
        """An inquiry that became a dispute."""
        opened = inquiry()
        due.move_clock(after)
        self.escalate(v1, at_seller, opened)
        return v1.disputes.retrieve(opened.id, None, at_seller)

    def test_is_closed_by_its_seller(self, v1: Any, at_seller: Options, inquiry: Make, booked: Books) -> None:
        assert v1.disputes.close(inquiry().id, None, at_seller).status == "warning_closed"
        assert booked() == []

    def test_is_closed_at_the_deadline(self, v1: Any, at_seller: Options, inquiry: Make, booked: Books) -> None:
        opened = inquiry()
        due.move_clock(timedelta(days=7))
        assert v1.disputes.retrieve(opened.id, None, at_seller).status == "warning_closed"
        assert booked() == []
