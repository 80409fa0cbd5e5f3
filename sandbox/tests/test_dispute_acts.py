"""What a bank does about a dispute when it is ordered to: by the control API, and on the dispute's own page."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import stripe
import time_machine
from django.test import Client

from sandbox.models import SandboxObject
from sandbox.money import dispute_orders
from sandbox.tests.bank_debits import capable, confirmed
from sandbox.timeline import due

Make = Callable[..., Any]
Options = dict[str, str]
Books = Callable[[], list[int]]

NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)
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


@pytest.fixture(autouse=True)
def noon() -> Iterator[None]:
    """The real clock stands still."""
    with time_machine.travel(NOON, tick=False):
        yield


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
