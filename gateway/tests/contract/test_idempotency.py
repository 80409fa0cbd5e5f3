"""Idempotency keys: https://docs.stripe.com/api/idempotent_requests."""

from collections.abc import Callable

import pytest
import stripe

from gateway.tests.contract.calls import NO_REDIRECTS, Options, Services, fault, refusal


class TestAnIdempotencyKey:
    def test_repeats_the_first_answer(self, v1: Services, at_seller: Options, new_key: str) -> None:
        options = {**at_seller, "idempotency_key": new_key}
        parameters = {"amount": 1000, "currency": "usd", **NO_REDIRECTS}
        first, again = (v1.payment_intents.create(parameters, options) for _ in range(2))
        assert again.id == first.id
        assert again.last_response.headers["Idempotent-Replayed"] == "true"

    def test_repeats_a_decline(self, v1: Services, at_seller: Options, new_key: str) -> None:
        options = {**at_seller, "idempotency_key": new_key}
        card = {"payment_method": "pm_card_visa_chargeDeclined", "confirm": True}
        parameters = {"amount": 1000, "currency": "usd", **NO_REDIRECTS, **card}
        ids = set()
        for _ in range(2):
            _, error = refusal(lambda: v1.payment_intents.create(parameters, options), stripe.CardError)
            ids.add(error["payment_intent"]["id"])
        assert len(ids) == 1

    def test_is_refused_for_other_parameters(self, v1: Services, at_seller: Options, new_key: str) -> None:
        options = {**at_seller, "idempotency_key": new_key}
        v1.customers.create({"description": "one"}, options)
        refused = fault(lambda: v1.customers.create({"description": "two"}, options), stripe.IdempotencyError)
        assert (refused.http_status, refused.type) == (400, "idempotency_error")

    def test_is_free_again_after_wrong_parameters(
        self, v1: Services, careless: Services, at_seller: Options, new_key: str
    ) -> None:
        options = {**at_seller, "idempotency_key": new_key}
        assert fault(lambda: careless.customers.create({"colour": "red"}, options)).code == "parameter_unknown"
        assert v1.customers.create({"description": "one"}, options).description == "one"

    @pytest.mark.unverified("Idempotency keys are kept apart for the platform and for each connected account.")
    def test_is_another_one_at_another_account(self, v1: Services, at_seller: Options, new_key: str) -> None:
        here = v1.customers.create({"description": "here"}, {"idempotency_key": new_key})
        there = v1.customers.create({"description": "there"}, {**at_seller, "idempotency_key": new_key})
        assert there.id != here.id


class TestALostAnswer:
    def test_is_found_by_what_was_written_into_the_object(
        self, v1: Services, at_seller: Options, new_payment: Callable[..., stripe.PaymentIntent], new_key: str
    ) -> None:
        made = new_payment(metadata={"commercecore_operation": new_key})
        listed = v1.payment_intents.list({"limit": 10}, at_seller).data
        assert [one.id for one in listed if one.metadata.to_dict().get("commercecore_operation") == new_key] == [made.id]
