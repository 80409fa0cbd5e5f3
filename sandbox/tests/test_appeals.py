"""Appeals of a dispute's decision: opened by order, answered with their own evidence, decided by the network."""

from datetime import timedelta
from typing import Any

import pytest
import stripe

from sandbox.tests.ordered_disputes import GIVEN_BACK, TAKEN, WAYS, Books, Make, Options, booked, dispute_in, order
from sandbox.timeline import due

__all__ = ["booked", "dispute_in", "order"]  # the fixtures of these names
pytestmark = pytest.mark.usefixtures("noon")


class TestAnAppeal:
    def test_is_submitted_with_its_own_evidence(self, v1: Any, at_seller: Options, dispute_in: Make, booked: Books) -> None:
        dispute = dispute_in("appeal_needs_response")
        card = {"reason_for_filing": "It was delivered.", "supporting_files": ["file_1"]}
        staged = v1.disputes.update(dispute, {"evidence": {"appeal": {"card": card}}, "submit": False}, at_seller)
        assert (staged.status, staged.evidence.appeal.card.to_dict()) == ("appeal_needs_response", card)
        sent = v1.disputes.update(dispute, {"submit": True}, at_seller)
        assert (sent.status, sent.evidence.appeal.card.to_dict()) == ("appeal_under_review", card)
        assert booked() == [TAKEN]

    def test_takes_no_other_evidence(self, v1: Any, at_seller: Options, dispute_in: Make) -> None:
        dispute = dispute_in("appeal_needs_response")
        with pytest.raises(stripe.InvalidRequestError) as refused:
            v1.disputes.update(dispute, {"evidence": {"uncategorized_text": "winning_evidence"}}, at_seller)
        assert (refused.value.http_status, refused.value.param) == (400, "evidence")
        assert "`evidence[appeal][card]`" in str(refused.value)
        read = v1.disputes.retrieve(dispute, None, at_seller)
        assert (read.status, read.evidence.uncategorized_text) == ("appeal_needs_response", None)

    def test_is_no_evidence_of_a_dispute(self, v1: Any, at_seller: Options, dispute_in: Make) -> None:
        dispute = dispute_in("needs_response")
        with pytest.raises(stripe.InvalidRequestError) as refused:
            v1.disputes.update(dispute, {"evidence": {"appeal": {"card": {"reason_for_filing": "No"}}}}, at_seller)
        assert (refused.value.http_status, refused.value.param) == (400, "evidence[appeal]")
        read = v1.disputes.retrieve(dispute, None, at_seller)
        assert (read.status, read.evidence.appeal) == ("needs_response", None)

    @pytest.mark.parametrize("status", ["appeal_needs_response", "appeal_under_review"])
    def test_that_nobody_decides_is_lost_at_its_deadline(
        self, v1: Any, at_seller: Options, dispute_in: Make, order: Make, booked: Books, status: str
    ) -> None:
        dispute = dispute_in("lost")
        due.move_clock(timedelta(days=3))
        for ordered in WAYS[status][1][1:]:
            assert order(dispute, ordered).status_code == 200
        due.move_clock(timedelta(days=7, seconds=-1))
        assert v1.disputes.retrieve(dispute, None, at_seller).status == status
        due.move_clock(timedelta(seconds=1))
        assert v1.disputes.retrieve(dispute, None, at_seller).status == "lost"
        assert booked() == [TAKEN]

    def test_is_given_up_by_closing(self, v1: Any, at_seller: Options, dispute_in: Make, booked: Books) -> None:
        assert v1.disputes.close(dispute_in("appeal_needs_response"), None, at_seller).status == "lost"
        assert booked() == [TAKEN]

    def test_is_not_decided_by_the_evidence_that_went_before(
        self, v1: Any, at_seller: Options, pay: Make, order: Make, booked: Books
    ) -> None:
        opened = v1.disputes.list({"payment_intent": pay("pm_card_createDispute").id}, at_seller).data[0].id
        v1.disputes.update(opened, {"evidence": {"uncategorized_text": "losing_evidence"}}, at_seller)
        assert order(opened, "appeal_needs_response").status_code == 200
        v1.disputes.update(opened, {"submit": True}, at_seller)
        assert v1.disputes.retrieve(opened, None, at_seller).status == "appeal_under_review"
        assert booked() == [TAKEN]

    @pytest.mark.parametrize(
        ("reason", "status", "money"),
        [("winning_evidence", "won", [TAKEN, GIVEN_BACK]), ("losing_evidence", "lost", [TAKEN])],
    )
    def test_is_decided_by_a_test_text_as_its_reason(
        self, v1: Any, at_seller: Options, dispute_in: Make, booked: Books, reason: str, status: str, money: list[int]
    ) -> None:
        dispute = dispute_in("appeal_needs_response")
        sent = v1.disputes.update(dispute, {"evidence": {"appeal": {"card": {"reason_for_filing": reason}}}}, at_seller)
        assert (sent.status, len(sent.balance_transactions)) == ("appeal_under_review", 1)
        assert v1.disputes.retrieve(dispute, None, at_seller).status == status
        assert booked() == money

    @pytest.mark.parametrize("reason", ["escalate_inquiry_evidence", "It was delivered."])
    def test_is_decided_by_no_other_text(self, v1: Any, at_seller: Options, dispute_in: Make, booked: Books, reason: str) -> None:
        dispute = dispute_in("appeal_needs_response")
        v1.disputes.update(dispute, {"evidence": {"appeal": {"card": {"reason_for_filing": reason}}}}, at_seller)
        assert v1.disputes.retrieve(dispute, None, at_seller).status == "appeal_under_review"
        assert booked() == [TAKEN]

    def test_begins_without_what_an_earlier_one_said(
        self, v1: Any, at_seller: Options, dispute_in: Make, order: Make, booked: Books
    ) -> None:
        dispute = dispute_in("appeal_needs_response")
        losing = {"evidence": {"appeal": {"card": {"reason_for_filing": "losing_evidence"}}}}
        v1.disputes.update(dispute, losing, at_seller)
        assert order(dispute, "appeal_needs_response").json()["evidence"]["appeal"] is None
        v1.disputes.update(dispute, {"submit": True}, at_seller)
        assert v1.disputes.retrieve(dispute, None, at_seller).status == "appeal_under_review"
        assert booked() == [TAKEN]

    @pytest.mark.parametrize(("before", "method", "count"), [("under_review", "manual", 2), ("lost", "not_submitted", 1)])
    def test_leaves_how_the_dispute_itself_was_answered(
        self, v1: Any, at_seller: Options, dispute_in: Make, order: Make, before: str, method: str, count: int
    ) -> None:
        dispute = dispute_in(before)
        assert order(dispute, "appeal_needs_response").status_code == 200
        appeal = {"evidence": {"appeal": {"card": {"reason_for_filing": "It was delivered."}}}}
        details = v1.disputes.update(dispute, appeal, at_seller).evidence_details
        assert (details.submission_method, details.submission_count) == (method, count)

    def test_is_staged_field_by_field(self, v1: Any, at_seller: Options, dispute_in: Make) -> None:
        dispute = dispute_in("appeal_needs_response")

        def stage(card: Any) -> Any:
            sent = {"evidence": {"appeal": card and {"card": card}}, "submit": False}
            appeal = v1.disputes.update(dispute, sent, at_seller).evidence.appeal
            return appeal and appeal.card.to_dict()

        assert stage({"reason_for_filing": "Delivered"}) == {"reason_for_filing": "Delivered", "supporting_files": None}
        assert stage({"supporting_files": ["file_1"]}) == {"reason_for_filing": "Delivered", "supporting_files": ["file_1"]}
        assert stage({"reason_for_filing": ""}) == {"reason_for_filing": None, "supporting_files": ["file_1"]}
        assert stage("") is None
        assert stage({"supporting_files": ["file_2"]}) == {"reason_for_filing": None, "supporting_files": ["file_2"]}
