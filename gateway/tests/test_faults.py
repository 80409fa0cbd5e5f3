"""What becomes of a write to Stripe whose call fails: nothing is lost, and nothing unknown is called failed."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection, transaction

from accounts.models import ConnectedAccount
from commercecore_payments.tests.tenants import Tenant, intent_at_stripe, refunds_at_stripe
from gateway.models import Operation
from gateway.operations import send
from gateway.tests.faults import (
    Answer,
    fail_inside,
    key_in_use,
    limit_rate,
    refuse_connection,
    stripe_fails,
    time_out_after,
    time_out_before,
)
from refunds.models import Refund
from transactions.models import Transaction

LOST_OR_UNSURE = pytest.mark.parametrize(
    "fault", [time_out_before, time_out_after, fail_inside, limit_rate, key_in_use], ids=lambda fault: fault.__name__
)


def assert_outcome_unknown(response: Any, operation: Operation) -> None:
    assert response.status_code == 503
    assert response["Retry-After"] == "5"
    assert response.json()["details"]["code"] == "outcome_unknown"
    assert response.json()["details"]["operation_id"] == operation.pk
    assert (operation.status, operation.closed_at) == ("unknown", None)


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
        with time_machine.travel(datetime.now(UTC) + timedelta(seconds=36), tick=True):
            assert self.create(tenant, seller).status_code == 201
        assert Operation.objects.get(kind="payment_intent.create").status == "succeeded"


def killed(send: Any, *request: Any) -> Answer:
    """The process dies while it waits."""
    raise KeyboardInterrupt


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

    def test_keeps_another_confirmation_out_while_it_is_under_way(
        self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        transaction_id = tenant.create_payment(seller)
        with stripe_fails(monkeypatch, killed, path="/confirm"), pytest.raises(KeyboardInterrupt):
            tenant.confirm(seller, transaction_id)
        response = tenant.confirm(seller, transaction_id)
        assert (response.status_code, response.json()["details"]["code"]) == (409, "operation_in_progress")
        assert intent_at_stripe(seller, transaction_id)["amount_received"] == 0


class TestARefund:
    @LOST_OR_UNSURE
    def test_whose_outcome_is_unknown_keeps_its_amount_reserved(
        self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch, fault: Any
    ) -> None:
        transaction_id = tenant.pay(seller, amount=1000)
        with stripe_fails(monkeypatch, fault, path="/refunds"):
            response = tenant.refund(seller, amount=600)
        assert_outcome_unknown(response, Operation.objects.get(kind="refund.create"))

        response = tenant.refund(seller, amount=500)
        assert response.status_code == 409
        assert response.json()["details"]["refundable_amount"] == 400
        assert sum(refunds_at_stripe(seller, transaction_id)) in (0, 600)

    @pytest.mark.parametrize("fault", [time_out_before, time_out_after])
    def test_is_made_once_when_the_same_refund_is_asked_for_again(
        self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch, fault: Any
    ) -> None:
        transaction_id = tenant.pay(seller, amount=1000)
        with stripe_fails(monkeypatch, fault, path="/refunds"):
            tenant.refund(seller, amount=600)
        assert tenant.refund(seller, amount=600).status_code == 201
        assert refunds_at_stripe(seller, transaction_id) == [600]
        assert Refund.objects.get().status == "succeeded"
        assert Transaction.objects.get().amount_refunded_minor == 600

    def test_of_all_that_is_left_does_not_continue_a_part_whose_outcome_is_unknown(
        self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        transaction_id = tenant.pay(seller, amount=1000)
        with stripe_fails(monkeypatch, time_out_after, path="/refunds"):
            tenant.refund(seller, amount=600)
        assert tenant.refund(seller).json()["data"]["amount"] == 400
        assert tenant.refund(seller).json()["data"]["amount"] == 600  # now the part is all that is not known
        assert refunds_at_stripe(seller, transaction_id) == [400, 600]
        assert Transaction.objects.get().amount_refunded_minor == 1000

    def test_that_never_left_frees_its_amount(self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch) -> None:
        tenant.pay(seller, amount=1000)
        with stripe_fails(monkeypatch, refuse_connection, path="/refunds"):
            assert tenant.refund(seller).status_code == 503
        assert Refund.objects.get().status == "creation_failed"
        assert tenant.refund(seller).json()["data"]["amount"] == 1000


class TestAnAccount:
    def test_whose_creation_is_unknown_is_made_once(self, tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
        with stripe_fails(monkeypatch, time_out_after, path="/accounts"):
            response = tenant.post("/connected-accounts", {"email": "seller@example.com"})
        assert_outcome_unknown(response, Operation.objects.get())
        response = tenant.post("/connected-accounts", {"email": "seller@example.com"})
        assert response.status_code == 201
        account = ConnectedAccount.objects.get()
        assert (account.status, account.stripe_account_id) == ("active", response.json()["data"]["account_id"])
        assert Operation.objects.get().attempts == 2

    def test_whose_deletion_is_unknown_is_read_before_anything_is_sent_again(
        self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with stripe_fails(monkeypatch, time_out_after, path="/accounts"):
            assert tenant.delete(f"/connected-accounts/{seller}").status_code == 503
        with stripe_fails(monkeypatch, time_out_after, path="/accounts") as met:
            response = tenant.delete(f"/connected-accounts/{seller}")
        assert (response.status_code, met) == (200, [])
        assert ConnectedAccount.objects.get().status == "deleted"


class TestSavingACard:
    def test_is_continued_through_its_whole_chain(self, tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
        body = {"payment_method_id": "pm_card_visa"}
        with stripe_fails(monkeypatch, time_out_after, path="/customers"):
            assert tenant.post("/payment-methods", body).status_code == 503
        with stripe_fails(monkeypatch, time_out_after, path="/setup_intents"):
            assert tenant.post("/payment-methods", body).status_code == 503
        response = tenant.post("/payment-methods", body)
        assert (response.status_code, response.json()["data"]["status"]) == (201, "saved")
        assert [(one.kind, one.status, one.attempts) for one in Operation.objects.order_by("created_at")] == [
            ("customer.create", "succeeded", 2),
            ("setup_intent.create", "succeeded", 2),
        ]


class TestTheGateway:
    def test_calls_stripe_in_no_transaction(self, tenant: Tenant, seller: str) -> None:
        operation = Operation.objects.get(kind="account.create")
        with transaction.atomic(), pytest.raises(RuntimeError, match="inside a database transaction"):
            send(operation)

    def test_gives_its_connection_back_while_stripe_is_waited_for(
        self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        held: list[bool] = []

        def look(send: Any, *request: Any) -> Answer:
            held.append(connection.connection is not None)
            return send(*request)

        with stripe_fails(monkeypatch, look, path="/v1"):
            tenant.pay(seller)
        assert held == [False, False]

    def test_sends_the_same_bytes_again(self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch) -> None:
        sent: list[tuple[Any, ...]] = []

        def lose(send: Any, *request: Any) -> Answer:
            method, url, headers, body = request
            sent.append((method, url, body, headers["Idempotency-Key"], headers["Stripe-Version"]))
            return time_out_before(send, *request)

        body = {"order_id": "1", "account_id": seller, "amount": 1000, "metadata": {"zebra": "1", "ant": "ünï"}}
        with stripe_fails(monkeypatch, lose, path="/payment_intents"):
            tenant.post("/transactions", body)
            tenant.post("/transactions", body)
        assert len(sent) == 2
        assert sent[0] == sent[1]

    def test_an_unexpected_error_of_ours_leaves_the_operation_open(
        self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def answer_nonsense(send: Any, *request: Any) -> Answer:
            send(*request)
            return '{"object": "payment_intent"}', 200, {}

        with stripe_fails(monkeypatch, answer_nonsense, path="/payment_intents"), pytest.raises(KeyError):
            tenant.post("/transactions", {"order_id": "1", "account_id": seller, "amount": 1000})
        assert Operation.objects.get(kind="payment_intent.create").status == "sending"
        assert Transaction.objects.get().holds_order
