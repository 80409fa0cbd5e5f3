"""Payments whose creation fails on the way to Stripe: the order is not lost, and gets no second payment."""

from typing import Any

import pytest

from gateway.models import Operation
from gateway.tests.faults import (
    assert_outcome_unknown,
    fail_inside,
    key_in_use,
    killed,
    limit_rate,
    refuse_connection,
    time_out_after,
    time_out_before,
)
from transactions.models import Transaction
from transactions.tests.shops import Shop, assert_under_way, later


def the_creation() -> Operation:
    return Operation.objects.get(kind="payment_intent.create")


class TestACreationOfAPayment:
    @pytest.mark.parametrize("fault", [time_out_before, time_out_after, limit_rate, key_in_use])
    def test_whose_outcome_is_unknown_is_continued_by_the_same_request(self, shop: Shop, fault: Any) -> None:
        response = shop.create(fault)
        operation = the_creation()
        assert_outcome_unknown(response, operation)
        assert Transaction.objects.get().status == "creating"

        response = shop.create()
        assert response.status_code == 201
        payment = Transaction.objects.get()
        assert payment.status == "requires_payment_method"
        assert payment.stripe_payment_intent_id == response.json()["data"]["transaction_id"]
        operation.refresh_from_db()
        assert (operation.status, operation.attempts) == ("succeeded", 2)
        assert shop.at_stripe(payment.stripe_payment_intent_id)["amount"] == 1000

    def test_that_met_a_500_is_not_sent_again(self, shop: Shop) -> None:
        shop.create(fail_inside)
        operation = the_creation()
        assert_outcome_unknown(shop.create(), operation)
        operation.refresh_from_db()
        assert operation.attempts == 1

    def test_that_never_left_is_told_as_not_sent_and_frees_the_order(self, shop: Shop) -> None:
        response = shop.create(refuse_connection)
        assert (response.status_code, response.json()["details"]["code"]) == (503, "stripe_unreachable")
        assert the_creation().status == "not_sent"
        assert Transaction.objects.get().status == "creation_failed"
        assert shop.create().status_code == 201
        assert Transaction.objects.holding_the_order().count() == 1

    def test_that_is_refused_only_at_its_second_sending_stays_unknown(self, shop: Shop) -> None:
        shop.create(time_out_after)
        assert_outcome_unknown(shop.create(refuse_connection), the_creation())
        assert shop.create().status_code == 201

    def test_is_not_sent_again_after_its_key_may_have_been_forgotten(self, shop: Shop) -> None:
        shop.create(time_out_before)
        with later(hours=23, minutes=1), shop.broken(time_out_before, "/payment_intents") as met:
            response = shop.create()
        assert met == []
        assert_outcome_unknown(response, the_creation())

    def test_that_was_killed_while_sending_waits_for_its_call_and_is_then_continued(self, shop: Shop) -> None:
        with pytest.raises(KeyboardInterrupt):
            shop.create(killed)
        assert the_creation().status == "sending"

        early = shop.create()
        assert_under_way(early)
        assert early["Retry-After"] == "2"
        with later(seconds=41):
            assert shop.create().status_code == 201
        assert the_creation().status == "succeeded"
