"""Events: filled and listed as Stripe's are, and told once of what really changed."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import stripe

from sandbox.api.wire import API_VERSION
from sandbox.tests.conftest import Options, Services
from sandbox.tests.told_events import Told, newest
from sandbox.timeline import due

Make = Callable[..., Any]


class TestAnEvent:
    def test_tells_the_object_and_the_request(self, v1: Services, at_seller: Options, new_payment: Make) -> None:
        made = new_payment()

        event = newest(v1, at_seller, "payment_intent.created")

        assert event.to_dict() == {
            "id": event.id,
            "object": "event",
            "account": at_seller["stripe_account"],
            "api_version": API_VERSION,
            "context": at_seller["stripe_account"],
            "created": event.created,
            "data": {"object": made.to_dict()},
            "livemode": False,
            "pending_webhooks": 0,
            "request": {"id": made.last_response.request_id, "idempotency_key": event.request.idempotency_key},
            "type": "payment_intent.created",
        }
        assert event.request.idempotency_key
        assert v1.events.retrieve(event.id, {}, at_seller).to_dict() == event.to_dict()

    def test_of_what_stripe_did_by_itself_names_no_request(self, v1: Services, at_seller: Options, pay: Make) -> None:
        pay(capture_method="manual")
        due.move_clock(timedelta(days=8))

        event = newest(v1, at_seller, "payment_intent.canceled")

        assert (event.request.id, event.request.idempotency_key) == (None, None)

    def test_of_an_update_has_the_old_values_of_what_changed_alone(self, v1: Services, at_seller: Options, pay: Make) -> None:
        pay()
        v1.balance.retrieve({}, at_seller)

        event = newest(v1, at_seller, "charge.updated")

        assert event.data.previous_attributes.to_dict() == {"balance_transaction": None}
        assert event.data.object.balance_transaction

    def test_is_not_told_again_by_a_replay(self, v1: Services, at_seller: Options, told: Told) -> None:
        once = at_seller | {"idempotency_key": "once"}
        first = v1.customers.create({"name": "Jenny"}, once)
        assert told() == ["customer.created"]

        assert v1.customers.create({"name": "Jenny"}, once).id == first.id

        assert told() == []

    def test_is_not_told_of_a_request_that_was_refused(self, v1: Services, at_seller: Options, pay: Make, told: Told) -> None:
        intent = pay()
        told()

        with pytest.raises(stripe.InvalidRequestError):
            v1.refunds.create({"payment_intent": intent.id, "amount": 1001}, at_seller)
        with pytest.raises(stripe.InvalidRequestError):
            v1.payment_intents.cancel(intent.id, {}, at_seller)

        assert told() == []

    def test_is_not_told_of_a_change_that_changes_nothing(self, v1: Services, at_seller: Options, told: Told) -> None:
        customer = v1.customers.create({"name": "Jenny"}, at_seller)
        told()

        v1.customers.update(customer.id, {"name": "Jenny"}, at_seller)

        assert told() == []

    def test_is_another_accounts_secret(self, v1: Services, at_seller: Options, new_seller: Callable[[], str]) -> None:
        event = newest(v1, at_seller, "account.updated")

        for options in ({}, {"stripe_account": new_seller()}):
            with pytest.raises(stripe.InvalidRequestError, match="No such event"):
                v1.events.retrieve(event.id, {}, options)

    def test_is_answered_for_thirty_days(self, v1: Services, at_seller: Options, new_payment: Make) -> None:
        new_payment()
        event = newest(v1, at_seller, "payment_intent.created")

        due.move_clock(timedelta(days=29, hours=23))
        assert v1.events.retrieve(event.id, {}, at_seller).id == event.id

        due.move_clock(timedelta(hours=2))
        assert v1.events.list({"type": "payment_intent.created"}, at_seller).data == []
        with pytest.raises(stripe.InvalidRequestError) as gone:
            v1.events.retrieve(event.id, {}, at_seller)
        assert gone.value.http_status == 404


class TestTheList:
    def test_finds_one_type_a_group_and_several(self, v1: Services, at_seller: Options, pay: Make) -> None:
        pay()
        v1.customers.create({}, at_seller)

        def found(**filters: Any) -> set[str]:
            return {event.type for event in v1.events.list(filters, at_seller).data}

        assert found(type="charge.succeeded") == {"charge.succeeded"}
        assert found(type="charge.*") == {"charge.succeeded", "charge.updated"}
        assert found(types=["customer.created", "charge.succeeded"]) == {"customer.created", "charge.succeeded"}

    def test_takes_a_type_or_types_but_not_both_and_twenty_at_most(self, v1: Services, at_seller: Options) -> None:
        for refused in ({"type": "charge.*", "types": ["charge.updated"]}, {"types": ["charge.updated"] * 21}):
            with pytest.raises(stripe.InvalidRequestError) as answer:
                v1.events.list(refused, at_seller)
            assert (answer.value.http_status, answer.value.param) == (400, "types")
