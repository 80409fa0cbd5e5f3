"""Idempotency keys, as Stripe keeps them."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import stripe
import time_machine

from commercecore_payments import clock
from sandbox.api import idempotency, server
from sandbox.api.routes import find_route
from sandbox.api.wire import Answer, Request
from sandbox.models import SandboxIdempotencyKey, SandboxObject
from sandbox.tests.refusals import told

Make = Callable[..., Any]
KEY = {"idempotency_key": "key-1"}


def sent(key: str = "key-1", **parameters: Any) -> Request:
    """A request for a new customer, as it comes off the wire."""
    return Request("POST", "/v1/customers", parameters, "sk_test_x", idempotency_key=key)


class TestTheSameKeyTwice:
    def test_answers_the_first_answer_again(self, v1: Any) -> None:
        first = v1.customers.create({"name": "Ada"}, KEY)
        second = v1.customers.create({"name": "Ada"}, KEY)
        assert second.to_dict() == first.to_dict()
        assert "Idempotent-Replayed" not in first.last_response.headers
        assert second.last_response.headers["Idempotent-Replayed"] == "true"
        assert second.last_response.headers["Original-Request"] == first.last_response.request_id
        assert second.last_response.request_id != first.last_response.request_id
        assert len(v1.customers.list().data) == 1

    def test_answers_a_decline_again(self, v1: Any, at_seller: dict[str, str], new_payment: Make) -> None:
        payment = new_payment()
        declined = []
        for _ in range(2):
            with pytest.raises(stripe.CardError) as refused:
                v1.payment_intents.confirm(payment.id, {"payment_method": "pm_card_chargeDeclined"}, at_seller | KEY)
            declined.append(refused.value)
        assert declined[0].json_body == declined[1].json_body
        assert (declined[1].headers or {})["Idempotent-Replayed"] == "true"
        assert len(v1.charges.list(None, at_seller).data) == 1

    def test_answers_a_refusal_again_though_it_would_succeed_now(
        self, v1: Any, at_seller: dict[str, str], new_payment: Make
    ) -> None:
        payment = new_payment()
        for _ in range(2):
            with pytest.raises(stripe.InvalidRequestError) as refused:
                v1.payment_intents.capture(payment.id, None, at_seller | KEY)
            assert refused.value.code == "payment_intent_unexpected_state"
            if not v1.payment_intents.retrieve(payment.id, None, at_seller).latest_charge:
                v1.payment_intents.update(payment.id, {"capture_method": "manual"}, at_seller)
                v1.payment_intents.confirm(payment.id, {"payment_method": "pm_card_visa"}, at_seller)
        assert v1.payment_intents.retrieve(payment.id, None, at_seller).status == "requires_capture"

    def test_with_other_parameters_or_another_address_is_refused(self, v1: Any) -> None:
        v1.customers.create({"name": "Ada"}, KEY)
        for call in (lambda: v1.customers.create({"name": "Bob"}, KEY), lambda: v1.setup_intents.create(None, KEY)):
            with pytest.raises(stripe.IdempotencyError) as refused:
                call()
            assert refused.value.http_status == 400
            assert "Try using a key other than 'key-1'" in str(refused.value)
        assert [customer.name for customer in v1.customers.list()] == ["Ada"]

    def test_at_another_account_is_another_key(self, v1: Any, at_seller: dict[str, str]) -> None:
        here, there = v1.customers.create(None, KEY), v1.customers.create(None, at_seller | KEY)
        assert here.id != there.id

    def test_may_correct_a_bad_parameter(self, v1: Any) -> None:
        for parameters in ({"foo": "bar"}, {"email": "nobody"}):
            with pytest.raises(stripe.InvalidRequestError):
                v1.customers.create(parameters, KEY)
        assert v1.customers.create({"name": "Ada"}, KEY).name == "Ada"

    def test_may_correct_an_amount(self, v1: Any) -> None:
        with pytest.raises(stripe.InvalidRequestError):
            v1.payment_intents.create({"amount": 1, "currency": "usd"}, KEY)
        assert v1.payment_intents.create({"amount": 100, "currency": "usd"}, KEY).amount == 100

    def test_after_24_hours_is_a_new_request(self, v1: Any) -> None:
        with time_machine.travel(datetime(2026, 11, 24, tzinfo=UTC), tick=False) as traveller:
            first = v1.customers.create(None, KEY)
            traveller.shift(timedelta(hours=24) - timedelta(seconds=1))
            assert v1.customers.create(None, KEY).id == first.id
            traveller.shift(timedelta(seconds=1))
            assert v1.customers.create(None, KEY).id != first.id
        assert SandboxIdempotencyKey.objects.count() == 1

    def test_does_nothing_for_a_read(self, v1: Any) -> None:
        v1.customers.list(None, KEY)
        assert SandboxIdempotencyKey.objects.count() == 0


class TestAKey:
    def test_may_have_255_characters_and_no_more(self, v1: Any) -> None:
        v1.customers.create(None, {"idempotency_key": "k" * 255})
        with pytest.raises(stripe.IdempotencyError) as refused:
            v1.customers.create(None, {"idempotency_key": "k" * 256})
        assert refused.value.http_status == 400

    def test_in_flight_is_a_409(self, v1: Any) -> None:
        assert isinstance(idempotency.claim(sent()), idempotency.Claim)
        with pytest.raises(stripe.StripeError) as refused:
            v1.customers.create(None, KEY)
        assert (refused.value.http_status, told(refused).code) == (409, "idempotency_key_in_use")
        assert v1.customers.list().data == []

    def test_left_in_flight_by_a_killed_request_comes_free(self, v1: Any) -> None:
        with time_machine.travel(clock.now(), tick=False) as traveller:
            idempotency.claim(sent())
            traveller.shift(timedelta(seconds=61))
            first = v1.customers.create(None, KEY)
            assert v1.customers.create(None, KEY).id == first.id

    def test_that_was_taken_over_undoes_the_slow_request(self, v1: Any) -> None:
        with time_machine.travel(clock.now(), tick=False) as traveller:
            slow = idempotency.claim(sent())
            assert isinstance(slow, idempotency.Claim)
            traveller.shift(timedelta(seconds=61))
            fast = v1.customers.create(None, KEY)
        route, ids = find_route("POST", "/v1/customers")
        with pytest.raises(idempotency.TakenOver) as refused:
            server.carry_out_claimed(route, sent(), ids, slow, "req_slow")
        assert refused.value.status == 409
        assert [customer.id for customer in v1.customers.list()] == [fast.id]

    def test_keeps_a_failure_of_the_server(self, v1: Any) -> None:
        claimed = idempotency.claim(sent())
        assert isinstance(claimed, idempotency.Claim)
        failure = Answer(500, {"error": {"type": "api_error", "message": "Sorry"}}, {"Original-Request": "req_1"})
        idempotency.finish(claimed, failure)
        with pytest.raises(stripe.APIError) as refused:
            v1.customers.create(None, KEY)
        assert (refused.value.http_status, (refused.value.headers or {})["Idempotent-Replayed"]) == (500, "true")
        assert SandboxObject.objects.count() == 0


class TestARequestThatFailsInside:
    def test_of_the_sandbox_itself_gives_its_key_back(self, v1: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(*_: Any) -> None:
            raise ZeroDivisionError

        with monkeypatch.context() as patch:
            patch.setattr("sandbox.api.server.expand", fail)
            with pytest.raises(ZeroDivisionError):
                v1.customers.create(None, {"idempotency_key": "key-1"})
        assert SandboxIdempotencyKey.objects.count() == 0
        assert v1.customers.list().data == []
        assert v1.customers.create(None, {"idempotency_key": "key-1"}).id
