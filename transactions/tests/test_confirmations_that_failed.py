"""Payments whose confirmation fails on the way to Stripe: nothing is lost, and nobody is charged twice or late."""

from contextlib import ExitStack
from typing import Any
from unittest import mock

import pytest
import stripe

from gateway import reads
from gateway.client import stripe_client
from gateway.models import Operation
from gateway.snapshots import PaymentIntentSnapshot
from gateway.tests.faults import (
    LOST_OR_UNSURE,
    Answer,
    answer,
    assert_outcome_unknown,
    fail_inside,
    killed,
    limit_rate,
    sent_late,
    stripe_error,
    time_out_after,
    time_out_before,
)
from transactions.models import Transaction
from transactions.tests.shops import MASTERCARD, VISA, Shop, assert_under_way, card_at, later, save_card

CHANGED = {"order_id": "2227222", "amount": 1500}


def the_confirmation() -> Operation:
    return Operation.objects.get(kind="payment_intent.confirm")


class TestAConfirmation:
    @LOST_OR_UNSURE
    def test_whose_outcome_is_unknown_charges_once_when_it_is_repeated(self, shop: Shop, fault: Any) -> None:
        transaction_id = shop.tenant.create_payment(shop.seller)
        assert_outcome_unknown(shop.confirm(transaction_id, fault=fault), the_confirmation())
        assert Transaction.objects.get().status == "requires_payment_method"

        response = shop.confirm(transaction_id)
        assert (response.status_code, response.json()["data"]["status"]) == (200, "succeeded")
        assert Transaction.objects.get().amount_received_minor == 1000
        assert shop.at_stripe(transaction_id)["amount_received"] == 1000
        assert not Operation.objects.open().exists()

    def test_is_only_looked_at_once_two_minutes_have_passed(self, shop: Shop) -> None:
        transaction_id = shop.confirmed(time_out_after)
        with later(minutes=2, seconds=1), shop.broken(time_out_after, "/confirm") as met:
            response = shop.confirm(transaction_id)
        assert met == []
        assert (response.status_code, response.json()["data"]["status"]) == (200, "succeeded")
        assert the_confirmation().status == "succeeded"

    def test_repeated_with_another_card_waits_and_does_not_charge_the_first(self, shop: Shop) -> None:
        transaction_id = shop.confirmed(time_out_before, VISA)
        assert_under_way(shop.confirm(transaction_id, MASTERCARD))
        with later(seconds=91):
            assert shop.confirm(transaction_id, MASTERCARD).status_code == 200
        brands = [charge["payment_method_details"]["card"]["brand"] for charge in shop.charges(transaction_id)]
        assert brands == ["mastercard"]
        first, second = Operation.objects.filter(kind="payment_intent.confirm").order_by("created_at")
        assert (first.status, second.status) == ("rejected", "succeeded")

    def test_does_not_take_the_challenge_of_another_card_for_its_own(self, shop: Shop) -> None:
        transaction_id = shop.tenant.create_payment(shop.seller)
        assert shop.confirm(transaction_id, "pm_card_threeDSecure2Required").json()["data"]["next_action"]
        visa = card_at(shop.seller, "tok_visa")
        shop.confirm(transaction_id, visa, time_out_before)
        assert shop.tenant.get(f"/transactions/{transaction_id}").json()["data"]["status"] == "requires_action"
        assert Operation.objects.filter(kind="payment_intent.confirm").latest("created_at").is_open
        with later(minutes=3):
            assert shop.confirm(transaction_id, visa).json()["data"]["status"] == "succeeded"

    def test_repeated_with_another_card_finds_that_the_first_has_paid(self, shop: Shop) -> None:
        transaction_id = shop.confirmed(time_out_after, VISA)
        response = shop.tenant.in_version("2026-12-01").confirm(shop.seller, transaction_id, MASTERCARD)
        assert (response.status_code, response.json()["details"]["code"]) == (409, "already_confirmed")
        assert Transaction.objects.get().status == "succeeded"
        assert len(shop.charges(transaction_id)) == 1

    def test_repeated_after_a_decline_that_was_not_heard_tries_the_card_once(self, shop: Shop) -> None:
        transaction_id = shop.confirmed(time_out_after, "pm_card_chargeDeclined")
        assert shop.confirm(transaction_id, "pm_card_chargeDeclined").status_code == 402
        assert len(shop.charges(transaction_id)) == 1

    def test_whose_decline_was_not_heard_is_told_declined_long_after(self, shop: Shop) -> None:
        card = card_at(shop.seller, "tok_chargeDeclined")
        transaction_id = shop.confirmed(time_out_after, card)
        with later(hours=1):
            response = shop.confirm(transaction_id, card)
        assert (response.status_code, response.json()["details"]["decline_code"]) == (402, "generic_decline")
        assert (the_confirmation().status, len(shop.charges(transaction_id))) == ("declined", 1)

    def test_is_not_called_declined_since_a_browser_tried_another_card(self, shop: Shop) -> None:
        transaction_id = shop.confirmed(time_out_before, card_at(shop.seller, "tok_visa"))
        with pytest.raises(stripe.CardError):
            stripe_client().v1.payment_intents.confirm(
                transaction_id, {"payment_method": "pm_card_chargeDeclined"}, {"stripe_account": shop.seller}
            )
        with later(minutes=3):
            shop.tenant.get(f"/transactions/{transaction_id}")
        assert (the_confirmation().status, the_confirmation().http_status) == ("rejected", None)

    def test_whose_decline_was_not_heard_tries_the_card_once_though_it_was_read_meanwhile(self, shop: Shop) -> None:
        card = card_at(shop.seller, "tok_chargeDeclined")
        transaction_id = shop.confirmed(time_out_after, card)
        early = shop.tenant.get(f"/transactions/{transaction_id}").json()["data"]
        assert [one["status"] for one in early["open_operations"]] == ["unknown"]
        with later(minutes=3):
            response = shop.confirm(transaction_id, card)
        assert (response.status_code, response.json()["details"]["decline_code"]) == (402, "generic_decline")
        assert (the_confirmation().status, len(shop.charges(transaction_id))) == ("declined", 1)

    def test_is_not_closed_by_whoever_looked_early_and_was_held_up_then(
        self, shop: Shop, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        late = sent_late()
        transaction_id = shop.confirmed(late)
        whole, is_first = reads.retrieve_payment_intent, iter([True])
        with ExitStack() as clocks:

            def held_up_afterwards(payment_intent_id: str, *, account_id: str) -> PaymentIntentSnapshot:
                found = whole(payment_intent_id, account_id=account_id)
                if next(is_first, False):
                    late.arrives()
                    clocks.enter_context(later(hours=1))
                return found

            clocks.enter_context(later(seconds=60))
            monkeypatch.setattr(reads, "retrieve_payment_intent", held_up_afterwards)
            assert_under_way(shop.confirm(transaction_id, MASTERCARD))
            assert shop.tenant.get(f"/transactions/{transaction_id}").json()["data"]["status"] == "succeeded"
        assert (the_confirmation().status, len(shop.charges(transaction_id))) == ("succeeded", 1)

    def test_is_captured_whole_while_its_hold_is_being_written_down(self, shop: Shop) -> None:
        transaction_id = shop.tenant.create_payment(shop.seller, capture_method="manual")
        captures: list[Any] = []

        def capture_meanwhile(send: Any, *request: Any) -> Answer:
            answered = send(*request)
            captures.append(shop.tenant.post(f"/transactions/{transaction_id}/capture", {"application_fee_amount": 100}))
            return answered

        shop.confirm(transaction_id, fault=capture_meanwhile)
        assert [one.json()["data"]["amount_received"] for one in captures] == [1000]
        assert shop.at_stripe(transaction_id)["amount_received"] == 1000

    def test_may_still_charge_after_our_key_was_refused_at_its_second_sending(self, shop: Shop) -> None:
        late, card = sent_late(), card_at(shop.seller, "tok_visa")
        transaction_id = shop.confirmed(late, card)
        refused = answer(403, {"type": "invalid_request_error", "message": "The key may not do this."})
        assert shop.confirm(transaction_id, card, refused).status_code == 503
        assert_under_way(shop.confirm(transaction_id, card_at(shop.seller, "tok_chargeDeclined")))
        late.arrives()
        assert shop.tenant.get(f"/transactions/{transaction_id}").json()["data"]["status"] == "succeeded"
        assert the_confirmation().status == "succeeded"

    def test_that_stripe_refuses_when_it_is_sent_again_is_told_in_stripes_words(self, shop: Shop) -> None:
        shop.seller = shop.tenant.create_seller("new@example.com", onboarded=False)
        transaction_id = shop.confirmed(time_out_before)
        told, at_a_first_sending = (shop.confirm(transaction_id).json()["detail"] for _ in range(2))
        assert told.partition(": ")[2] == at_a_first_sending.partition(": ")[2]
        assert told.startswith("An error occurred while confirming the payment intentRequest req_")
        assert "not as it was asked for" not in told

    def test_that_is_too_old_to_be_sent_again_by_then_is_carried_out_anew(self, shop: Shop) -> None:
        transaction_id = shop.confirmed(time_out_before)
        whole, is_first = Operation.may_be_sent_again, iter([True])
        with (
            later(minutes=2, seconds=1),
            mock.patch.object(Operation, "may_be_sent_again", lambda self: next(is_first, False) or whole(self)),
        ):
            assert shop.confirm(transaction_id).json()["data"]["status"] == "succeeded"
        assert len(shop.charges(transaction_id)) == 1

    def test_whose_hold_was_given_up_since_is_a_conflict(self, shop: Shop) -> None:
        transaction_id = shop.tenant.create_payment(shop.seller, capture_method="manual")
        shop.confirm(transaction_id, VISA, time_out_after)
        stripe_client().v1.payment_intents.cancel(transaction_id, {}, {"stripe_account": shop.seller})
        with later(minutes=3):
            response = shop.confirm(transaction_id)
        assert (response.status_code, response.json()["details"]["code"]) == (409, "transaction_canceled")
        assert the_confirmation().status == "succeeded"

    @pytest.mark.parametrize("status", [408, 409, 429, 502, 503, 504, 522])
    def test_is_not_closed_by_a_read_while_stripe_may_be_at_work_on_it(self, shop: Shop, status: int) -> None:
        still_working = answer(status, {"type": "api_error", "message": "Try again."})
        transaction_id = shop.confirmed(still_working)
        with later(seconds=60):
            shown = shop.tenant.get(f"/transactions/{transaction_id}").json()["data"]
        assert [one["status"] for one in shown["open_operations"]] == ["unknown"]
        charge_late = {"payment_method": VISA}
        stripe_client().v1.payment_intents.confirm(transaction_id, charge_late, {"stripe_account": shop.seller})  # type: ignore[arg-type]
        with later(seconds=70):
            assert shop.tenant.get(f"/transactions/{transaction_id}").json()["data"]["status"] == "succeeded"
        assert the_confirmation().status == "succeeded"

    def test_is_not_closed_by_a_read_while_it_is_sent_again(self, shop: Shop) -> None:
        transaction_id = shop.confirmed(limit_rate)
        seen: list[str] = []

        def read_meanwhile(send: Any, *request: Any) -> Answer:
            seen.extend(
                one["status"] for one in shop.tenant.get(f"/transactions/{transaction_id}").json()["data"]["open_operations"]
            )
            return send(*request)

        with later(seconds=100):
            assert shop.confirm(transaction_id, fault=read_meanwhile).status_code == 200
        assert (seen, the_confirmation().status) == (["sending"], "succeeded")

    def test_with_a_saved_card_is_continued_with_the_same_clone(self, shop: Shop) -> None:
        saved = save_card(shop)
        transaction_id = shop.tenant.create_payment(shop.seller)
        for path in ("/payment_methods", "/confirm"):
            assert shop.confirm(transaction_id, saved, time_out_after, path).status_code == 503
        assert shop.confirm(transaction_id, saved).json()["data"]["status"] == "succeeded"
        assert (the_confirmation().status, the_confirmation().attempts) == ("succeeded", 2)
        assert len(shop.charges(transaction_id)) == 1

    def test_is_not_sent_again_by_another_request_for_its_order(self, shop: Shop) -> None:
        transaction_id = shop.confirmed(time_out_before)
        body = {"order_id": "2227222", "account_id": shop.seller, "amount": 2000}
        assert shop.tenant.post("/transactions", body).status_code == 409
        with later(seconds=91):
            assert shop.tenant.post("/transactions", body).status_code == 201
        assert shop.charges(transaction_id) == []
        assert shop.at_stripe(transaction_id)["amount"] == 2000

    def test_that_took_effect_is_settled_by_a_read(self, shop: Shop) -> None:
        transaction_id = shop.confirmed(time_out_after)
        assert shop.tenant.get(f"/transactions/{transaction_id}").json()["data"]["status"] == "succeeded"
        assert not Operation.objects.open().exists()

    def test_keeps_another_confirmation_out_while_it_is_under_way(self, shop: Shop) -> None:
        transaction_id = shop.tenant.create_payment(shop.seller)
        with pytest.raises(KeyboardInterrupt):
            shop.confirm(transaction_id, fault=killed)
        assert_under_way(shop.confirm(transaction_id))
        assert shop.at_stripe(transaction_id)["amount_received"] == 0


class TestAStepBeforeAConfirmation:
    @pytest.mark.parametrize("path", ["/payment_methods", "/payment_intents/pi_"])
    def test_that_met_a_500_does_not_keep_the_payment_back(self, shop: Shop, path: str) -> None:
        transaction_id = fail_before_confirming(shop, fail_inside, path)
        assert shop.tenant.post("/transactions", {**CHANGED, "account_id": shop.seller}).status_code == 201
        assert shop.confirm(transaction_id).json()["data"]["status"] == "succeeded"
        assert shop.at_stripe(transaction_id)["amount_received"] == 1500

    @pytest.mark.parametrize(("path", "charged_minor"), [("/payment_methods", 1500), ("/payment_intents/pi_", 1000)])
    def test_that_is_refused_at_every_further_sending_does_not_either(self, shop: Shop, path: str, charged_minor: int) -> None:
        transaction_id = fail_before_confirming(shop, time_out_before, path)
        response = shop.confirm(transaction_id, fault=refuse_all_but_confirmations, path="/v1")
        assert (response.status_code, response.json()["data"]["status"]) == (200, "succeeded")
        assert shop.at_stripe(transaction_id)["amount_received"] == charged_minor
        assert not Operation.objects.open().exists()


def refuse_all_but_confirmations(send: Any, *request: Any) -> Answer:
    """Stripe refuses what is sent, as it may when the object has moved on, and lets a confirmation through."""
    if request[1].endswith("/confirm"):
        return send(*request)
    return stripe_error(400, {"type": "invalid_request_error", "message": "No."})


def fail_before_confirming(shop: Shop, fault: Any, path: str) -> str:
    """The id of a payment whose change to 1500, or whose saved card's clone, met `fault`."""
    saved = save_card(shop)
    transaction_id = shop.tenant.create_payment(shop.seller, amount=1000)
    with shop.broken(fault, path) as met:
        shop.tenant.post("/transactions", {**CHANGED, "account_id": shop.seller})
        assert shop.confirm(transaction_id, saved).status_code == 503
    assert met
    return transaction_id
