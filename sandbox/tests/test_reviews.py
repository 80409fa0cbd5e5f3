"""Reviews of risky payments: opened by the rule, closed by whoever decides about the payment."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import stripe
import time_machine

from sandbox.models import SandboxObject
from sandbox.money import cards
from sandbox.money.bank_answers import Dispute
from sandbox.timeline import due

Make = Callable[..., Any]
Options = dict[str, str]
Told = Callable[[], list[str]]

NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)
RISKY = "pm_card_riskLevelElevated"


@pytest.fixture(autouse=True)
def noon() -> Iterator[None]:
    """The real clock stands still."""
    with time_machine.travel(NOON, tick=False):
        yield


@pytest.fixture
def told(db: None) -> Told:
    """The names of all events about reviews, in their order."""
    events = SandboxObject.objects.filter(object_type="event", data__type__startswith="review.")
    return lambda: [event.data["type"] for event in events.order_by("id")]


@pytest.fixture
def review_of(v1: Any, at_seller: Options) -> Make:
    """Reads the review of a payment as it is now."""
    return lambda payment: v1.reviews.retrieve(payment.review, None, at_seller)


class TestARiskyPayment:
    def test_is_taken_and_leaves_a_review(self, v1: Any, at_seller: Options, pay: Make, told: Told) -> None:
        payment = pay(RISKY)
        assert payment.status == "succeeded"
        assert payment.review.startswith("prv_1")
        assert v1.charges.retrieve(payment.latest_charge, None, at_seller).review == payment.review
        assert v1.reviews.retrieve(payment.review, None, at_seller).to_dict() == {
            "id": payment.review,
            "object": "review",
            "billing_zip": None,
            "charge": None,
            "closed_reason": None,
            "created": int(NOON.timestamp()),
            "ip_address": None,
            "ip_address_location": None,
            "livemode": False,
            "open": True,
            "opened_reason": "rule",
            "payment_intent": payment.id,
            "reason": "rule",
            "session": None,
        }
        assert told() == ["review.opened"]

    def test_is_reviewed_while_it_is_only_held(self, pay: Make, review_of: Make) -> None:
        held = pay(RISKY, capture_method="manual")
        assert (held.status, review_of(held).open) == ("requires_capture", True)

    def test_shows_its_review_in_place_of_the_id(self, v1: Any, at_seller: Options, pay: Make) -> None:
        payment = pay(RISKY, expand=["review", "latest_charge.review"])
        assert payment.review.payment_intent == payment.id
        assert payment.latest_charge.review.id == payment.review.id
        read = v1.reviews.retrieve(payment.review.id, {"expand": ["payment_intent.latest_charge", "charge"]}, at_seller)
        assert (read.payment_intent.latest_charge.amount, read.charge) == (1000, None)

    def test_tells_the_postal_code_that_its_buyer_gave(
        self, v1: Any, at_seller: Options, new_payment: Make, review_of: Make
    ) -> None:
        details = {"address": {"postal_code": "98140"}}
        card = {"type": "card", "card": {"token": "tok_riskLevelElevated"}, "billing_details": details}
        method = v1.payment_methods.create(card, at_seller)
        payment = new_payment(payment_method=method.id, confirm=True)
        assert review_of(payment).billing_zip == "98140"

    @pytest.mark.parametrize("card", ["pm_card_visa", "pm_card_createDispute"])
    def test_is_no_payment_of_usual_risk(self, v1: Any, at_seller: Options, pay: Make, told: Told, card: str) -> None:
        assert pay(card).review is None
        assert (v1.reviews.list(None, at_seller).data, told()) == ([], [])

    def test_is_no_payment_that_was_blocked(self, v1: Any, at_seller: Options, pay: Make, told: Told) -> None:
        with pytest.raises(stripe.CardError) as refused:
            pay("pm_card_radarBlock")
        assert (refused.value.http_status, refused.value.code) == (402, "card_declined")
        assert (v1.reviews.list(None, at_seller).data, told()) == ([], [])


class TestApproving:
    def test_closes_a_review_and_leaves_the_payment(
        self, v1: Any, at_seller: Options, pay: Make, review_of: Make, told: Told
    ) -> None:
        payment = pay(RISKY)
        approved = v1.reviews.approve(payment.review, None, at_seller)
        assert (approved.open, approved.closed_reason, approved.reason) == (False, "approved", "approved")
        assert approved.opened_reason == "rule"
        assert review_of(payment).to_dict() == approved.to_dict()
        assert told() == ["review.opened", "review.closed"]
        assert v1.charges.retrieve(payment.latest_charge, None, at_seller).amount_refunded == 0

    def test_of_a_closed_review_is_refused(self, v1: Any, at_seller: Options, pay: Make, review_of: Make, told: Told) -> None:
        payment = pay(RISKY)
        v1.refunds.create({"payment_intent": payment.id}, at_seller)
        with pytest.raises(stripe.InvalidRequestError) as refused:
            v1.reviews.approve(payment.review, None, at_seller)
        assert refused.value.http_status == 400
        assert review_of(payment).closed_reason == "refunded"
        assert told() == ["review.opened", "review.closed"]

    def test_reaches_only_the_reviews_of_its_account(
        self, v1: Any, pay: Make, review_of: Make, new_seller: Callable[[], str]
    ) -> None:
        payment = pay(RISKY)
        elsewhere = {"stripe_account": new_seller()}
        for call in (v1.reviews.retrieve, v1.reviews.approve):
            with pytest.raises(stripe.InvalidRequestError) as refused:
                call(payment.review, None, elsewhere)
            assert (refused.value.http_status, refused.value.code) == (404, "resource_missing")
        assert v1.reviews.list(None, elsewhere).data == []
        assert review_of(payment).open is True


class TestAReviewIsClosed:
    @pytest.mark.parametrize(
        ("reason", "closed"),
        [(None, "refunded"), ("requested_by_customer", "refunded"), ("fraudulent", "refunded_as_fraud")],
    )
    def test_by_a_refund_of_everything(
        self, v1: Any, at_seller: Options, pay: Make, review_of: Make, told: Told, reason: str | None, closed: str
    ) -> None:
        payment = pay(RISKY)
        v1.refunds.create({"payment_intent": payment.id} | ({"reason": reason} if reason else {}), at_seller)
        review = review_of(payment)
        assert (review.open, review.closed_reason, review.reason) == (False, closed, closed)
        assert told() == ["review.opened", "review.closed"]

    def test_by_the_last_of_several_refunds(self, v1: Any, at_seller: Options, pay: Make, review_of: Make) -> None:
        payment = pay(RISKY)
        v1.refunds.create({"payment_intent": payment.id, "amount": 400, "reason": "fraudulent"}, at_seller)
        assert review_of(payment).open is True
        v1.refunds.create({"payment_intent": payment.id, "amount": 600}, at_seller)
        assert review_of(payment).closed_reason == "refunded"

    def test_by_a_cancellation(self, v1: Any, at_seller: Options, pay: Make, review_of: Make, told: Told) -> None:
        held = pay(RISKY, capture_method="manual")
        v1.payment_intents.cancel(held.id, None, at_seller)
        assert (review_of(held).open, review_of(held).closed_reason) == (False, "canceled")
        assert told() == ["review.opened", "review.closed"]

    def test_by_the_end_of_a_hold(self, pay: Make, review_of: Make) -> None:
        held = pay(RISKY, capture_method="manual")
        due.move_clock(timedelta(days=7))
        assert review_of(held).closed_reason == "canceled"

    def test_by_a_dispute(
        self, v1: Any, at_seller: Options, pay: Make, review_of: Make, told: Told, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        disputed = replace(cards.CARDS[RISKY], dispute=Dispute("fraudulent", "10.4"))
        monkeypatch.setitem(cards.CARDS, RISKY, disputed)  # none of Stripe's cards is both risky and disputed
        payment = pay(RISKY)
        assert len(v1.disputes.list({"payment_intent": payment.id}, at_seller).data) == 1
        assert review_of(payment).closed_reason == "disputed"
        assert told() == ["review.opened", "review.closed"]

    def test_once_with_its_first_reason(self, v1: Any, at_seller: Options, pay: Make, review_of: Make, told: Told) -> None:
        payment = pay(RISKY)
        v1.reviews.approve(payment.review, None, at_seller)
        v1.refunds.create({"payment_intent": payment.id}, at_seller)
        assert review_of(payment).closed_reason == "approved"
        assert told() == ["review.opened", "review.closed"]

    def test_not_by_a_capture(self, v1: Any, at_seller: Options, pay: Make, review_of: Make) -> None:
        held = pay(RISKY, capture_method="manual")
        v1.payment_intents.capture(held.id, {"amount_to_capture": 600}, at_seller)
        assert review_of(held).open is True


class TestTheList:
    def test_is_of_open_reviews_newest_first(self, v1: Any, at_seller: Options, pay: Make) -> None:
        first, second, third = (pay(RISKY).review for _ in range(3))
        v1.reviews.approve(second, None, at_seller)
        page = v1.reviews.list({"limit": 1}, at_seller)
        assert ([review.id for review in page.data], page.has_more, page.url) == ([third], True, "/v1/reviews")
        assert [review.id for review in v1.reviews.list({"starting_after": third}, at_seller)] == [first]

    def test_is_filtered_by_the_moment_of_opening(self, v1: Any, at_seller: Options, pay: Make) -> None:
        earlier = pay(RISKY).review
        due.move_clock(timedelta(hours=1))
        later = pay(RISKY).review
        opened = int(NOON.timestamp())
        assert [review.id for review in v1.reviews.list({"created": {"gt": opened}}, at_seller)] == [later]
        assert [review.id for review in v1.reviews.list({"created": opened}, at_seller)] == [earlier]
