"""Payments whose calls to Stripe fail: nothing is lost, and nobody is charged twice or late."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

from commercecore_payments.tests.tenants import Tenant, charges_at_stripe, intent_at_stripe
from gateway.models import Operation
from gateway.tests.faults import (
    LOST_OR_UNSURE,
    Answer,
    assert_outcome_unknown,
    fail_inside,
    key_in_use,
    killed,
    limit_rate,
    refuse_connection,
    stripe_error,
    stripe_fails,
    time_out_after,
    time_out_before,
)
from transactions.models import Transaction

CHANGED = {"order_id": "2227222", "amount": 1500}


def refuse_all_but_confirmations(send: Any, *request: Any) -> Answer:
    """Stripe refuses what is sent, as it may when the object has moved on, and lets a confirmation through."""
    if request[1].endswith("/confirm"):
        return send(*request)
    return stripe_error(400, {"type": "invalid_request_error", "message": "No."})


class TestACreationOfAPayment:
    def create(self, tenant: Tenant, seller: str) -> Any:
        return tenant.post("/transactions", {"order_id": "1", "account_id": seller, "amount": 1000})

    @pytest.mark.parametrize("fault", [time_out_before, time_out_after, limit_rate, key_in_use])
    def test_whose_outcome_is_unknown_is_continued_by_the_same_request(
        self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch, fault: Any
    ) -> None:
        with stripe_fails(monkeypatch, fault, path="/payment_intents"):
            response = self.create(tenant, seller)
        operation = Operation.objects.get(kind="payment_intent.create")
        assert_outcome_unknown(response, operation)
        assert Transaction.objects.get().status == "creating"

        response = self.create(tenant, seller)
        assert response.status_code == 201
        payment = Transaction.objects.get()
        assert (payment.status, payment.stripe_payment_intent_id) == (
            "requires_payment_method",
            response.json()["data"]["transaction_id"],
        )
        operation.refresh_from_db()
        assert (operation.status, operation.attempts) == ("succeeded", 2)
        assert intent_at_stripe(seller, payment.stripe_payment_intent_id)["amount"] == 1000

    def test_that_met_a_500_is_not_sent_again(self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch) -> None:
        with stripe_fails(monkeypatch, fail_inside, path="/payment_intents"):
            self.create(tenant, seller)
        operation = Operation.objects.get(kind="payment_intent.create")
        assert_outcome_unknown(self.create(tenant, seller), operation)
        operation.refresh_from_db()
        assert operation.attempts == 1

    def test_that_never_left_is_told_as_not_sent_and_frees_the_order(
        self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with stripe_fails(monkeypatch, refuse_connection, path="/payment_intents"):
            response = self.create(tenant, seller)
        assert (response.status_code, response.json()["details"]["code"]) == (503, "stripe_unreachable")
        assert Operation.objects.get(kind="payment_intent.create").status == "not_sent"
        assert Transaction.objects.get().status == "creation_failed"
        assert self.create(tenant, seller).status_code == 201
        assert Transaction.objects.holding_the_order().count() == 1

    def test_that_is_refused_only_at_its_second_sending_stays_unknown(
        self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with stripe_fails(monkeypatch, time_out_after, path="/payment_intents"):
            self.create(tenant, seller)
        with stripe_fails(monkeypatch, refuse_connection, path="/payment_intents"):
            response = self.create(tenant, seller)
        assert_outcome_unknown(response, Operation.objects.get(kind="payment_intent.create"))
        assert self.create(tenant, seller).status_code == 201

    def test_is_not_sent_again_after_its_key_may_have_been_forgotten(
        self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with stripe_fails(monkeypatch, time_out_before, path="/payment_intents"):
            self.create(tenant, seller)
        a_day_later = time_machine.travel(datetime.now(UTC) + timedelta(hours=23, minutes=1), tick=True)
        with a_day_later, stripe_fails(monkeypatch, time_out_before, path="/payment_intents") as met:
            response = self.create(tenant, seller)
        assert met == []
        assert_outcome_unknown(response, Operation.objects.get(kind="payment_intent.create"))

    def test_that_was_killed_while_sending_waits_for_its_call_and_is_then_continued(
        self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with stripe_fails(monkeypatch, killed, path="/payment_intents"), pytest.raises(KeyboardInterrupt):
            self.create(tenant, seller)
        assert Operation.objects.get(kind="payment_intent.create").status == "sending"

        early = self.create(tenant, seller)
        assert (early.status_code, early.json()["details"]["code"]) == (409, "operation_in_progress")
        assert early["Retry-After"] == "2"
        with time_machine.travel(datetime.now(UTC) + timedelta(seconds=41), tick=True):
            assert self.create(tenant, seller).status_code == 201
        assert Operation.objects.get(kind="payment_intent.create").status == "succeeded"


class TestAConfirmation:
    @LOST_OR_UNSURE
    def test_whose_outcome_is_unknown_charges_once_when_it_is_repeated(
        self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch, fault: Any
    ) -> None:
        transaction_id = tenant.create_payment(seller)
        with stripe_fails(monkeypatch, fault, path="/confirm"):
            response = tenant.confirm(seller, transaction_id)
        assert_outcome_unknown(response, Operation.objects.get(kind="payment_intent.confirm"))
        assert Transaction.objects.get().status == "requires_payment_method"

        response = tenant.confirm(seller, transaction_id)
        assert (response.status_code, response.json()["data"]["status"]) == (200, "succeeded")
        assert Transaction.objects.get().amount_received_minor == 1000
        assert intent_at_stripe(seller, transaction_id)["amount_received"] == 1000
        assert not Operation.objects.open().exists()

    def test_is_only_looked_at_once_two_minutes_have_passed(
        self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        transaction_id = tenant.create_payment(seller)
        with stripe_fails(monkeypatch, time_out_after, path="/confirm"):
            tenant.confirm(seller, transaction_id)
        the_buyer_has_left = time_machine.travel(datetime.now(UTC) + timedelta(minutes=2, seconds=1), tick=True)
        with the_buyer_has_left, stripe_fails(monkeypatch, time_out_after, path="/confirm") as met:
            response = tenant.confirm(seller, transaction_id)
        assert met == []
        assert (response.status_code, response.json()["data"]["status"]) == (200, "succeeded")
        assert Operation.objects.get(kind="payment_intent.confirm").status == "succeeded"

    def test_repeated_with_another_card_waits_and_does_not_charge_the_first(
        self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        transaction_id = tenant.create_payment(seller)
        with stripe_fails(monkeypatch, time_out_before, path="/confirm"):
            tenant.confirm(seller, transaction_id, "pm_card_visa")
        at_once = tenant.confirm(seller, transaction_id, "pm_card_mastercard")
        assert (at_once.status_code, at_once.json()["details"]["code"]) == (409, "operation_in_progress")
        with time_machine.travel(datetime.now(UTC) + timedelta(seconds=41), tick=True):
            assert tenant.confirm(seller, transaction_id, "pm_card_mastercard").status_code == 200
        charges = charges_at_stripe(seller, transaction_id)
        assert [charge["payment_method_details"]["card"]["brand"] for charge in charges] == ["mastercard"]
        first, second = Operation.objects.filter(kind="payment_intent.confirm").order_by("created_at")
        assert (first.status, second.status) == ("rejected", "succeeded")

    def test_does_not_take_the_challenge_of_another_card_for_its_own(
        self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        transaction_id = tenant.create_payment(seller)
        assert tenant.confirm(seller, transaction_id, "pm_card_threeDSecure2Required").json()["data"]["next_action"]
        with stripe_fails(monkeypatch, time_out_before, path="/confirm"):
            tenant.confirm(seller, transaction_id, "pm_card_visa")
        assert tenant.get(f"/transactions/{transaction_id}").json()["data"]["status"] == "requires_action"
        assert Operation.objects.filter(kind="payment_intent.confirm").latest("created_at").is_open
        with time_machine.travel(datetime.now(UTC) + timedelta(minutes=3), tick=True):
            assert tenant.confirm(seller, transaction_id, "pm_card_visa").json()["data"]["status"] == "succeeded"

    def test_repeated_with_another_card_finds_that_the_first_has_paid(
        self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        transaction_id = tenant.create_payment(seller)
        with stripe_fails(monkeypatch, time_out_after, path="/confirm"):
            tenant.confirm(seller, transaction_id, "pm_card_visa")
        response = tenant.in_version("2026-12-01").confirm(seller, transaction_id, "pm_card_mastercard")
        assert (response.status_code, response.json()["details"]["code"]) == (409, "already_confirmed")
        assert Transaction.objects.get().status == "succeeded"
        assert len(charges_at_stripe(seller, transaction_id)) == 1

    def test_repeated_after_a_decline_that_was_not_heard_tries_the_card_once(
        self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        transaction_id = tenant.create_payment(seller)
        with stripe_fails(monkeypatch, time_out_after, path="/confirm"):
            tenant.confirm(seller, transaction_id, "pm_card_chargeDeclined")
        assert tenant.confirm(seller, transaction_id, "pm_card_chargeDeclined").status_code == 402
        assert len(charges_at_stripe(seller, transaction_id)) == 1

    def test_with_a_saved_card_is_continued_with_the_same_clone(
        self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        saved = tenant.post("/payment-methods", {"payment_method_id": "pm_card_visa"}).json()["data"]["payment_method_id"]
        transaction_id = tenant.create_payment(seller)
        for path in ("/payment_methods", "/confirm"):
            with stripe_fails(monkeypatch, time_out_after, path=path):
                assert tenant.confirm(seller, transaction_id, saved).status_code == 503
        assert tenant.confirm(seller, transaction_id, saved).json()["data"]["status"] == "succeeded"
        confirmation = Operation.objects.get(kind="payment_intent.confirm")
        assert (confirmation.status, confirmation.attempts) == ("succeeded", 2)
        assert len(charges_at_stripe(seller, transaction_id)) == 1

    @pytest.mark.parametrize("path", ["/payment_methods", "/payment_intents/pi_"])
    def test_goes_on_after_a_500_in_a_step_before_it(
        self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch, path: str
    ) -> None:
        transaction_id = self.fail_before_confirming(tenant, seller, monkeypatch, fail_inside, path)
        assert tenant.post("/transactions", {**CHANGED, "account_id": seller}).status_code == 201
        assert tenant.confirm(seller, transaction_id).json()["data"]["status"] == "succeeded"
        assert intent_at_stripe(seller, transaction_id)["amount_received"] == 1500

    @pytest.mark.parametrize(("path", "charged_minor"), [("/payment_methods", 1500), ("/payment_intents/pi_", 1000)])
    def test_goes_on_while_a_step_before_it_is_refused_at_every_further_sending(
        self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch, path: str, charged_minor: int
    ) -> None:
        transaction_id = self.fail_before_confirming(tenant, seller, monkeypatch, time_out_before, path)
        with stripe_fails(monkeypatch, refuse_all_but_confirmations, path="/v1"):
            response = tenant.confirm(seller, transaction_id)
        assert (response.status_code, response.json()["data"]["status"]) == (200, "succeeded")
        assert intent_at_stripe(seller, transaction_id)["amount_received"] == charged_minor
        assert not Operation.objects.open().exists()

    def fail_before_confirming(self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch, fault: Any, path: str) -> str:
        """The id of a payment whose change to 1500, or whose saved card's clone, met `fault`."""
        saved = tenant.post("/payment-methods", {"payment_method_id": "pm_card_visa"}).json()["data"]["payment_method_id"]
        transaction_id = tenant.create_payment(seller, amount=1000)
        with stripe_fails(monkeypatch, fault, path=path) as met:
            tenant.post("/transactions", {**CHANGED, "account_id": seller})
            assert tenant.confirm(seller, transaction_id, saved).status_code == 503
        assert met
        return transaction_id

    def test_is_not_sent_again_by_another_request_for_its_order(
        self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        transaction_id = tenant.create_payment(seller)
        with stripe_fails(monkeypatch, time_out_before, path="/confirm"):
            tenant.confirm(seller, transaction_id)
        body = {"order_id": "2227222", "account_id": seller, "amount": 2000}
        assert tenant.post("/transactions", body).status_code == 409
        with time_machine.travel(datetime.now(UTC) + timedelta(seconds=41), tick=True):
            assert tenant.post("/transactions", body).status_code == 201
        assert charges_at_stripe(seller, transaction_id) == []
        assert intent_at_stripe(seller, transaction_id)["amount"] == 2000

    def test_that_took_effect_is_settled_by_a_read(self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch) -> None:
        transaction_id = tenant.create_payment(seller)
        with stripe_fails(monkeypatch, time_out_after, path="/confirm"):
            tenant.confirm(seller, transaction_id)
        assert tenant.get(f"/transactions/{transaction_id}").json()["data"]["status"] == "succeeded"
        assert not Operation.objects.open().exists()

    def test_keeps_another_confirmation_out_while_it_is_under_way(
        self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        transaction_id = tenant.create_payment(seller)
        with stripe_fails(monkeypatch, killed, path="/confirm"), pytest.raises(KeyboardInterrupt):
            tenant.confirm(seller, transaction_id)
        response = tenant.confirm(seller, transaction_id)
        assert (response.status_code, response.json()["details"]["code"]) == (409, "operation_in_progress")
        assert intent_at_stripe(seller, transaction_id)["amount_received"] == 0
