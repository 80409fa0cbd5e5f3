"""Disputes: the bank takes the money, and gives it back to whoever convinces it."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import stripe
import time_machine

from sandbox.models import SandboxObject
from sandbox.timeline import due

Make = Callable[..., Any]
Options = dict[str, str]

NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)
AMOUNT = 1000  # of the payments that the fixture `pay` makes
FEE = 1500  # Stripe's for a dispute in US dollars


@pytest.fixture(autouse=True)
def noon() -> Iterator[None]:
    """The real clock stands still."""
    with time_machine.travel(NOON, tick=False):
        yield


@pytest.fixture
def dispute(v1: Any, at_seller: Options, pay: Make) -> Make:
    """Makes a payment with a card that is disputed, and gives the dispute."""

    def make(card: str = "pm_card_createDispute", **parameters: Any) -> Any:
        payment = pay(card, **parameters)
        assert payment.status == "succeeded"
        return v1.disputes.list({"payment_intent": payment.id}, at_seller).data[0]

    return make


@pytest.fixture
def adjustments(v1: Any, at_seller: Options) -> Callable[[], list[tuple[int, int, str]]]:
    """Tells amount, fee and reporting category of everything that disputes have booked, newest first."""

    def read() -> list[tuple[int, int, str]]:
        booked = v1.balance_transactions.list({"type": "adjustment"}, at_seller)
        return [(each.amount, each.fee, each.reporting_category) for each in booked]

    return read


class TestADispute:
    def test_takes_the_money_and_a_fee(self, v1: Any, at_seller: Options, dispute: Make, adjustments: Make) -> None:
        opened = dispute()
        assert opened.id.startswith("du_1")
        assert (opened.status, opened.reason, opened.amount, opened.currency) == ("needs_response", "fraudulent", AMOUNT, "usd")
        assert opened.evidence_details.due_by == int((NOON + timedelta(days=7)).timestamp())
        assert opened.is_charge_refundable is False
        assert v1.charges.retrieve(opened.charge, None, at_seller).disputed is True
        assert adjustments() == [(-AMOUNT, FEE, "dispute")]
        assert [(moved.net, moved.source) for moved in opened.balance_transactions] == [(-AMOUNT - FEE, opened.id)]

    def test_has_the_reason_of_its_card(self, dispute: Make) -> None:
        assert dispute("pm_card_createDisputeProductNotReceived").reason == "product_not_received"

    def test_is_about_what_was_not_refunded(self, v1: Any, at_seller: Options, new_payment: Make, adjustments: Make) -> None:
        held = new_payment(payment_method="pm_card_createDispute", confirm=True, capture_method="manual")
        assert v1.disputes.list(None, at_seller).data == []
        v1.payment_intents.capture(held.id, {"amount_to_capture": 600}, at_seller)
        assert [each.amount for each in v1.disputes.list({"charge": held.latest_charge}, at_seller)] == [600]
        assert adjustments() == [(-600, FEE, "dispute")]

    def test_is_never_opened_for_another_card(self, v1: Any, at_seller: Options, pay: Make) -> None:
        payment = pay("pm_card_visa")
        assert v1.disputes.list(None, at_seller).data == []
        assert v1.charges.retrieve(payment.latest_charge, None, at_seller).disputed is False

    def test_keeps_its_charge_from_being_refunded(self, v1: Any, at_seller: Options, dispute: Make) -> None:
        opened = dispute()
        with pytest.raises(stripe.InvalidRequestError) as refused:
            v1.refunds.create({"charge": opened.charge}, at_seller)
        assert (refused.value.http_status, refused.value.code) == (400, "charge_disputed")
        assert v1.refunds.list(None, at_seller).data == []
        assert v1.charges.retrieve(opened.charge, None, at_seller).amount_refunded == 0

    def test_is_found_by_its_account_alone(self, v1: Any, dispute: Make, new_seller: Callable[[], str]) -> None:
        opened = dispute()
        elsewhere = {"stripe_account": new_seller()}
        assert v1.disputes.list(None, elsewhere).data == []
        with pytest.raises(stripe.InvalidRequestError) as refused:
            v1.disputes.retrieve(opened.id, None, elsewhere)
        assert (refused.value.http_status, refused.value.code) == (404, "resource_missing")

    def test_expands_to_its_charge_and_payment(self, v1: Any, at_seller: Options, dispute: Make) -> None:
        read = v1.disputes.retrieve(dispute().id, {"expand": ["charge", "payment_intent"]}, at_seller)
        assert (read.charge.object, read.payment_intent.latest_charge) == ("charge", read.charge.id)


class TestTheEventsOfADispute:
    @pytest.fixture
    def told(self) -> Callable[[], list[str]]:
        """The names of all events about disputes, in their order."""
        events = SandboxObject.objects.filter(object_type="event", data__type__startswith="charge.dispute.")
        return lambda: [event.data["type"].removeprefix("charge.dispute.") for event in events.order_by("id")]

    def test_tell_its_whole_life(self, v1: Any, at_seller: Options, dispute: Make, told: Callable[[], list[str]]) -> None:
        opened = dispute()
        assert told() == ["created", "funds_withdrawn"]
        v1.disputes.update(opened.id, {"evidence": {"uncategorized_text": "winning_evidence"}}, at_seller)
        v1.disputes.retrieve(opened.id, None, at_seller)
        assert told()[2:] == ["updated", "funds_reinstated", "closed"]

    def test_of_an_inquiry_tell_of_no_money(
        self, v1: Any, at_seller: Options, dispute: Make, told: Callable[[], list[str]]
    ) -> None:
        v1.disputes.close(dispute("pm_card_createDisputeInquiry").id, None, at_seller)
        assert told() == ["created", "closed"]

    def test_of_an_escalated_inquiry_tell_of_the_money(
        self, v1: Any, at_seller: Options, dispute: Make, told: Callable[[], list[str]]
    ) -> None:
        opened = dispute("pm_card_createDisputeInquiry")
        v1.disputes.update(opened.id, {"evidence": {"uncategorized_text": "escalate_inquiry_evidence"}}, at_seller)
        assert told() == ["created", "updated"]
        v1.disputes.retrieve(opened.id, None, at_seller)
        assert told()[2:] == ["funds_withdrawn", "updated"]


class TestEvidence:
    def test_that_wins_brings_back_the_money_and_the_fee(
        self, v1: Any, at_seller: Options, dispute: Make, adjustments: Make
    ) -> None:
        opened = dispute()
        sent = v1.disputes.update(opened.id, {"evidence": {"uncategorized_text": "winning_evidence"}}, at_seller)
        assert (sent.status, sent.evidence_details.submission_count) == ("under_review", 1)
        won = v1.disputes.retrieve(opened.id, None, at_seller)
        assert won.status == "won"
        assert sum(moved.net for moved in won.balance_transactions) == 0
        assert adjustments() == [(AMOUNT, -FEE, "dispute_reversal"), (-AMOUNT, FEE, "dispute")]

    def test_that_wins_lets_the_charge_be_refunded_again(self, v1: Any, at_seller: Options, dispute: Make) -> None:
        opened = dispute()
        v1.disputes.update(opened.id, {"evidence": {"uncategorized_text": "winning_evidence"}}, at_seller)
        won = v1.disputes.retrieve(opened.id, None, at_seller)
        assert (won.is_charge_refundable, v1.charges.retrieve(won.charge, None, at_seller).disputed) == (True, True)
        assert v1.refunds.create({"charge": won.charge}, at_seller).status == "succeeded"

    def test_that_loses_brings_back_nothing(self, v1: Any, at_seller: Options, dispute: Make, adjustments: Make) -> None:
        opened = dispute()
        v1.disputes.update(opened.id, {"evidence": {"uncategorized_text": "losing_evidence"}}, at_seller)
        assert v1.disputes.retrieve(opened.id, None, at_seller).status == "lost"
        assert adjustments() == [(-AMOUNT, FEE, "dispute")]

    def test_that_says_anything_else_is_reviewed_until_the_deadline(
        self, v1: Any, at_seller: Options, dispute: Make, adjustments: Make
    ) -> None:
        opened = dispute()
        v1.disputes.update(opened.id, {"evidence": {"product_description": "A rocket"}}, at_seller)
        due.move_clock(timedelta(days=7, seconds=-1))
        assert v1.disputes.retrieve(opened.id, None, at_seller).status == "under_review"
        due.move_clock(timedelta(seconds=1))
        assert v1.disputes.retrieve(opened.id, None, at_seller).status == "lost"
        assert adjustments() == [(-AMOUNT, FEE, "dispute")]

    def test_that_escalates_inquiries_decides_no_dispute(
        self, v1: Any, at_seller: Options, dispute: Make, adjustments: Make
    ) -> None:
        opened = dispute()
        v1.disputes.update(opened.id, {"evidence": {"uncategorized_text": "escalate_inquiry_evidence"}}, at_seller)
        assert v1.disputes.retrieve(opened.id, None, at_seller).status == "under_review"
        assert adjustments() == [(-AMOUNT, FEE, "dispute")]

    def test_is_kept_for_later_where_it_is_not_submitted(self, v1: Any, at_seller: Options, dispute: Make) -> None:
        opened = dispute()
        evidence = {"uncategorized_text": "winning_evidence", "customer_name": "Ada"}
        staged = v1.disputes.update(opened.id, {"evidence": evidence, "submit": False}, at_seller)
        assert (staged.status, staged.evidence.customer_name) == ("needs_response", "Ada")
        assert (staged.evidence_details.has_evidence, staged.evidence_details.submission_count) == (True, 0)
        assert v1.disputes.retrieve(opened.id, None, at_seller).status == "needs_response"
        v1.disputes.update(opened.id, {"submit": True}, at_seller)
        assert v1.disputes.retrieve(opened.id, None, at_seller).status == "won"

    def test_is_submitted_once(self, v1: Any, at_seller: Options, dispute: Make) -> None:
        opened = dispute()
        v1.disputes.update(opened.id, {"evidence": {"customer_name": "Ada"}}, at_seller)
        with pytest.raises(stripe.InvalidRequestError) as refused:
            v1.disputes.update(opened.id, {"evidence": {"uncategorized_text": "winning_evidence"}}, at_seller)
        assert refused.value.http_status == 400
        read = v1.disputes.retrieve(opened.id, None, at_seller)
        assert (read.status, read.evidence.uncategorized_text) == ("under_review", None)

    def test_that_is_missing_loses_at_the_deadline(self, v1: Any, at_seller: Options, dispute: Make, adjustments: Make) -> None:
        opened = dispute()
        due.move_clock(timedelta(days=7))
        assert v1.disputes.retrieve(opened.id, None, at_seller).status == "lost"
        assert adjustments() == [(-AMOUNT, FEE, "dispute")]

    def test_changes_nothing_of_metadata_and_is_not_changed_by_it(self, v1: Any, at_seller: Options, dispute: Make) -> None:
        noted = v1.disputes.update(dispute().id, {"metadata": {"case": "7"}}, at_seller)
        assert (noted.metadata["case"], noted.status) == ("7", "needs_response")
        assert noted.evidence_details.submission_count == 0


class TestClosing:
    def test_loses_for_good(self, v1: Any, at_seller: Options, dispute: Make, adjustments: Make) -> None:
        opened = dispute()
        assert v1.disputes.close(opened.id, None, at_seller).status == "lost"
        for late in (v1.disputes.close, lambda *of: v1.disputes.update(of[0], {"submit": True}, of[2])):
            with pytest.raises(stripe.InvalidRequestError) as refused:
                late(opened.id, None, at_seller)
            assert refused.value.http_status == 400
        due.move_clock(timedelta(days=30))
        assert v1.disputes.retrieve(opened.id, None, at_seller).status == "lost"
        assert adjustments() == [(-AMOUNT, FEE, "dispute")]
