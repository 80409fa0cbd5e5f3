"""What a bank does about a dispute when it is ordered to: by the control API, and on the dispute's own page."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from sandbox.money import dispute_orders
from sandbox.tests.bank_debits import capable, confirmed
from sandbox.tests.ordered_disputes import (
    FORM,
    GIVEN_BACK,
    TAKEN,
    WAYS,
    Books,
    Make,
    Options,
    booked,
    dispute_in,
    order,
    told,
)
from sandbox.timeline import due

__all__ = ["booked", "dispute_in", "order", "told"]  # the fixtures of these names
pytestmark = pytest.mark.usefixtures("noon")


class TestAnOrder:
    @pytest.mark.parametrize(
        ("status", "to", "money", "events"),
        [
            ("warning_needs_response", "needs_response", [TAKEN], ["funds_withdrawn", "updated"]),
            ("warning_needs_response", "prevented", [], ["updated"]),
            ("warning_needs_response", "warning_closed", [], ["closed"]),
            ("warning_under_review", "needs_response", [TAKEN], ["funds_withdrawn", "updated"]),
            ("warning_under_review", "prevented", [], ["updated"]),
            ("warning_under_review", "warning_closed", [], ["closed"]),
            ("needs_response", "won", [TAKEN, GIVEN_BACK], ["funds_reinstated", "closed"]),
            ("needs_response", "lost", [TAKEN], ["closed"]),
            ("under_review", "won", [TAKEN, GIVEN_BACK], ["funds_reinstated", "closed"]),
            ("under_review", "lost", [TAKEN], ["closed"]),
            ("under_review", "appeal_needs_response", [TAKEN], ["updated"]),
            ("appeal_needs_response", "appeal_under_review", [TAKEN], ["updated"]),
            ("appeal_needs_response", "won", [TAKEN, GIVEN_BACK], ["funds_reinstated", "closed"]),
            ("appeal_needs_response", "lost", [TAKEN], ["closed"]),
            ("appeal_under_review", "won", [TAKEN, GIVEN_BACK], ["funds_reinstated", "closed"]),
            ("appeal_under_review", "lost", [TAKEN], ["closed"]),
            ("won", "lost", [TAKEN, GIVEN_BACK, TAKEN], ["funds_withdrawn", "closed"]),
            ("lost", "won", [TAKEN, GIVEN_BACK], ["funds_reinstated", "closed"]),
            ("lost", "appeal_needs_response", [TAKEN], ["updated"]),
        ],
    )
    def test_moves_a_dispute_and_its_money(
        self, v1: Any, at_seller: Options, dispute_in: Make, order: Make, booked: Books, told: Callable[[], list[str]],
        status: str, to: str, money: list[int], events: list[str],
    ) -> None:  # fmt: skip
        dispute = dispute_in(status)
        before = len(told())

        answer = order(dispute, to)

        assert (answer.status_code, answer.json()["id"], answer.json()["status"]) == (200, dispute, to)
        read = v1.disputes.retrieve(dispute, None, at_seller)
        assert read.to_dict() == answer.json()
        assert [moved.net for moved in read.balance_transactions] == money == booked()
        assert told()[before:] == events

    @pytest.mark.parametrize("status", list(WAYS))
    def test_that_cannot_follow_is_refused_with_those_that_can(
        self, v1: Any, at_seller: Options, dispute_in: Make, order: Make, booked: Books, told: Callable[[], list[str]],
        status: str,
    ) -> None:  # fmt: skip
        dispute = dispute_in(status)
        before = (v1.disputes.retrieve(dispute, None, at_seller).to_dict(), booked(), told())
        following = dispute_orders.NEXT[status]

        for to in WAYS.keys() - set(following):
            answer = order(dispute, to)
            assert (answer.status_code, answer.json()["error"]["param"]) == (400, "status")
            assert answer.json()["error"]["message"].endswith(
                f"it can become {', '.join(following)}." if following else "it is over."
            )

        assert (v1.disputes.retrieve(dispute, None, at_seller).to_dict(), booked(), told()) == before

    def test_for_no_dispute_or_no_status_is_refused(self, dispute_in: Make, order: Make, booked: Books) -> None:
        assert order("du_1none", "won").status_code == 404
        assert order("du_1none", "won").json()["error"]["code"] == "resource_missing"
        dispute = dispute_in("needs_response")
        assert (order(dispute, "charge_refunded").status_code, order(dispute, "").status_code) == (400, 400)
        assert booked() == [TAKEN]

    def test_needs_a_key_and_no_get(self, dispute_in: Make, client: Client) -> None:
        address = f"/sandbox/api/disputes/{dispute_in('needs_response')}"
        assert client.post(address, "status=won", content_type=FORM).status_code == 401
        assert client.get(address, headers={"Authorization": "Bearer sk_test_x"}).status_code == 404

    def test_sees_what_is_due(self, v1: Any, at_seller: Options, dispute_in: Make, order: Make, booked: Books) -> None:
        dispute = dispute_in("needs_response")
        v1.disputes.update(dispute, {"evidence": {"uncategorized_text": "losing_evidence"}}, at_seller)
        assert order(dispute, "lost").status_code == 400  # it is lost by now
        assert order(dispute, "won").json()["status"] == "won"
        due.move_clock(timedelta(days=8))
        assert v1.disputes.retrieve(dispute, None, at_seller).status == "won"
        assert booked() == [TAKEN, GIVEN_BACK]

    def test_about_a_refunded_inquiry_takes_no_money(
        self, v1: Any, at_seller: Options, dispute_in: Make, order: Make, booked: Books
    ) -> None:
        inquiry = dispute_in("warning_needs_response")
        v1.refunds.create({"charge": v1.disputes.retrieve(inquiry, None, at_seller).charge}, at_seller)
        assert order(inquiry, "needs_response").json()["status"] == "warning_closed"
        assert booked() == []

    def test_that_escalates_fails_a_refund_which_still_waits(
        self, v1: Any, at_seller: Options, dispute_in: Make, order: Make, booked: Books
    ) -> None:
        inquiry = dispute_in("warning_needs_response")
        seller = at_seller["stripe_account"]
        v1.accounts.update(seller, {"settings": {"payouts": {"debit_negative_balances": False}}})
        waiting = v1.refunds.create({"charge": v1.disputes.retrieve(inquiry, None, at_seller).charge}, at_seller)
        assert waiting.status == "pending"
        assert order(inquiry, "needs_response").json()["status"] == "needs_response"
        failed = v1.refunds.retrieve(waiting.id, None, at_seller)
        assert (failed.status, failed.failure_reason) == ("failed", "charge_for_pending_refund_disputed")
        assert booked() == [TAKEN]

    def test_reaches_no_dispute_of_a_bank_debit(
        self, v1: Any, at_seller: Options, order: Make, booked: Books, staff_browser: Client
    ) -> None:
        capable(v1, at_seller["stripe_account"])
        v1.payment_intents.create(confirmed("pm_usBankAccount_dispute"), at_seller)
        due.move_clock(timedelta(days=10))
        [dispute] = v1.disputes.list(None, at_seller).data
        assert (dispute.status, booked()) == ("lost", [TAKEN])
        for status in WAYS:
            assert order(dispute.id, status).status_code == 400
        assert v1.disputes.retrieve(dispute.id, None, at_seller).status == "lost"
        assert booked() == [TAKEN]
        assert "Nothing more" in staff_browser.get(f"/sandbox/objects/{dispute.id}").content.decode()

    def test_that_prevents_an_inquiry_leaves_its_charge_refundable(self, v1: Any, at_seller: Options, dispute_in: Make) -> None:
        prevented = v1.disputes.retrieve(dispute_in("prevented"), None, at_seller)
        assert prevented.payment_method_details.card.case_type == "block"
        assert v1.refunds.create({"charge": prevented.charge}, at_seller).status == "succeeded"


class TestThePageOfADispute:
    @staticmethod
    def token(page: Any) -> str:
        """The forms' token of a page."""
        return str(page.context["csrf_token"])

    def test_offers_what_may_follow_and_does_it(
        self, v1: Any, at_seller: Options, dispute_in: Make, staff_browser: Client, booked: Books
    ) -> None:
        dispute = dispute_in("needs_response")
        page = staff_browser.get(f"/sandbox/objects/{dispute}")
        for name in ("Let the seller win", "Let the buyer win"):
            assert name in page.content.decode()
        assert "Close the inquiry" not in page.content.decode()

        sent = {"status": "won", "csrfmiddlewaretoken": self.token(page)}
        answer = staff_browser.post(f"/sandbox/disputes/{dispute}", sent)

        assert (answer.status_code, answer["Location"]) == (302, f"/sandbox/objects/{dispute}")
        assert v1.disputes.retrieve(dispute, None, at_seller).status == "won"
        assert booked() == [TAKEN, GIVEN_BACK]

    def test_offers_nothing_where_all_is_over(self, dispute_in: Make, staff_browser: Client) -> None:
        page = staff_browser.get(f"/sandbox/objects/{dispute_in('warning_closed')}").content.decode()
        assert "Nothing more: it is in <code>warning_closed</code>." in page

    def test_is_the_only_one_with_these_acts(self, v1: Any, at_seller: Options, pay: Make, staff_browser: Client) -> None:
        page = staff_browser.get(f"/sandbox/objects/{pay().id}").content.decode()
        assert "bank decides" not in page

    @pytest.mark.parametrize("status", ["warning_closed", "", "nonsense"])
    def test_tells_what_cannot_follow(self, dispute_in: Make, staff_browser: Client, booked: Books, status: str) -> None:
        dispute = dispute_in("needs_response")
        sent = {"status": status, "csrfmiddlewaretoken": self.token(staff_browser.get(f"/sandbox/objects/{dispute}"))}
        answer = staff_browser.post(f"/sandbox/disputes/{dispute}", sent)
        assert answer.status_code == 400
        assert "it can become won, lost." in answer.content.decode()
        assert booked() == [TAKEN]

    def test_tells_that_there_is_no_such_dispute(self, dispute_in: Make, staff_browser: Client) -> None:
        page = staff_browser.get(f"/sandbox/objects/{dispute_in('needs_response')}")
        sent = {"status": "won", "csrfmiddlewaretoken": self.token(page)}
        assert staff_browser.post("/sandbox/disputes/du_1none", sent).status_code == 404

    def test_is_for_the_staff_alone_and_needs_its_token(
        self, v1: Any, at_seller: Options, dispute_in: Make, staff_browser: Client, booked: Books
    ) -> None:
        dispute = dispute_in("needs_response")
        assert staff_browser.post(f"/sandbox/disputes/{dispute}", {"status": "won"}).status_code == 403
        assert "/admin/login/" in Client().post(f"/sandbox/disputes/{dispute}", {"status": "won"})["Location"]
        assert staff_browser.get(f"/sandbox/disputes/{dispute}").status_code == 405
        assert v1.disputes.retrieve(dispute, None, at_seller).status == "needs_response"
        assert booked() == [TAKEN]
