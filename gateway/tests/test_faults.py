"""What becomes of a write to Stripe whose call fails: nothing is lost, and nothing unknown is called failed."""

from typing import Any

import pytest
from django.db import connection, transaction

from accounts.models import ConnectedAccount
from commercecore_payments.tests.tenants import Tenant, refunds_at_stripe
from gateway.client import stripe_client
from gateway.models import Operation, Status
from gateway.operations import record, send
from gateway.outcomes import Fault, Outcome
from gateway.tests.faults import (
    Answer,
    answer,
    assert_outcome_unknown,
    fail_inside,
    stripe_fails,
    time_out_after,
    time_out_before,
)
from refunds.models import Refund
from refunds.operations import settle_refund


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

    def test_whose_deletion_is_refused_at_its_second_sending_is_in_use_again(
        self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with stripe_fails(monkeypatch, time_out_before, path="/accounts"):
            tenant.delete(f"/connected-accounts/{seller}")
        refused = answer(400, {"type": "invalid_request_error", "message": "It has a balance."})
        with stripe_fails(monkeypatch, refused, path="/accounts"):
            assert tenant.delete(f"/connected-accounts/{seller}").status_code == 400
        assert tenant.pay(seller)

    def test_whose_deletion_is_unknown_is_read_before_anything_is_sent_again(
        self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with stripe_fails(monkeypatch, time_out_after, path="/accounts"):
            assert tenant.delete(f"/connected-accounts/{seller}").status_code == 503
        with stripe_fails(monkeypatch, time_out_after, path="/accounts") as met:
            response = tenant.delete(f"/connected-accounts/{seller}")
        assert (response.status_code, met) == (200, [])
        assert ConnectedAccount.objects.get().status == "deleted"

    def test_whose_creation_took_effect_before_a_500_is_found(self, tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail_after(send: Any, *request: Any) -> Answer:
            send(*request)
            return fail_inside(send, *request)

        with stripe_fails(monkeypatch, fail_after, path="/accounts"):
            assert tenant.post("/connected-accounts", {"email": "seller@example.com"}).status_code == 503
        assert tenant.post("/connected-accounts", {"email": "seller@example.com"}).status_code == 201
        assert [one.id for one in stripe_client().v1.accounts.list({}).data] == [ConnectedAccount.objects.get().stripe_account_id]
        assert Operation.objects.get().attempts == 1

    def test_whose_deletion_was_not_heard_is_told_again_under_its_key(
        self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        key = {"Idempotency-Key": "delete-1"}
        with stripe_fails(monkeypatch, time_out_after, path="/accounts"):
            assert tenant.delete(f"/connected-accounts/{seller}", **key).status_code == 503
        assert tenant.delete(f"/connected-accounts/{seller}", **key).status_code == 200
        assert tenant.delete(f"/connected-accounts/{seller}", **key)["Idempotent-Replayed"] == "true"
        assert tenant.delete(f"/connected-accounts/{seller}").status_code == 404


class TestSavingACard:
    def test_goes_on_with_a_new_customer_after_a_500(self, tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
        body = {"payment_method_id": "pm_card_visa"}
        with stripe_fails(monkeypatch, fail_inside, path="/customers"):
            assert tenant.post("/payment-methods", body).status_code == 503
        assert tenant.post("/payment-methods", body).json()["data"]["status"] == "saved"

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

    def test_an_answer_that_cannot_be_read_is_unknown(self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch) -> None:
        def answer_nonsense(send: Any, *request: Any) -> Answer:
            send(*request)
            return '{"object": "payment_intent"}', 200, {}

        body = {"order_id": "1", "account_id": seller, "amount": 1000}
        with stripe_fails(monkeypatch, answer_nonsense, path="/payment_intents"):
            response = tenant.post("/transactions", body)
        assert_outcome_unknown(response, Operation.objects.get(kind="payment_intent.create"))
        assert tenant.post("/transactions", body).status_code == 201

    @pytest.mark.parametrize("error", ["text", None, [], 7])
    def test_an_error_without_a_shape_is_unknown(
        self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch, error: Any
    ) -> None:
        with stripe_fails(monkeypatch, answer(400, error), path="/payment_intents"):
            response = tenant.post("/transactions", {"order_id": "1", "account_id": seller, "amount": 1000})
        assert response.status_code == 503
        assert Operation.objects.get(kind="payment_intent.create").is_open

    def test_a_402_where_no_card_is_charged_is_no_success(
        self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        tenant.pay(seller)
        declined = answer(402, {"type": "card_error", "code": "card_declined", "message": "No."})
        with stripe_fails(monkeypatch, declined, path="/v1"):
            assert tenant.refund(seller).status_code == 409
            assert tenant.post("/connected-accounts", {"email": "b@example.com"}).status_code == 400
            assert tenant.post("/payment-methods", {"payment_method_id": "pm_card_visa"}).status_code == 400
            assert tenant.post("/transactions", {"order_id": "2", "account_id": seller, "amount": 1000}).status_code == 400
        assert Refund.objects.get().status == "creation_failed"

    def test_an_attempt_that_was_followed_cannot_say_that_nothing_was_done(
        self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        transaction_id = tenant.pay(seller)
        with stripe_fails(monkeypatch, time_out_before, path="/refunds"):
            tenant.refund(seller)
        slow = Operation.objects.get(kind="refund.create")
        with stripe_fails(monkeypatch, time_out_after, path="/refunds"):
            tenant.refund(seller)
        record(slow, Outcome(status=Status.NOT_SENT, fault=Fault(message="refused")), settle_refund)
        assert Operation.objects.get(kind="refund.create").status == "unknown"
        assert tenant.refund(seller).status_code == 201
        assert refunds_at_stripe(seller, transaction_id) == [1000]
