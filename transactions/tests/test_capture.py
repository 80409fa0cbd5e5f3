"""Holds: made, captured whole or in part, once, and told with the moment at which they lapse."""

from datetime import timedelta
from typing import Any

import pytest

from commercecore_payments import clock
from commercecore_payments.recovery import recover_due
from commercecore_payments.tests.tenants import Tenant, charges_at_stripe, intent_at_stripe
from gateway.client import stripe_client
from gateway.models import Operation
from gateway.tests.faults import (
    LOST_OR_UNSURE,
    assert_outcome_unknown,
    fail_inside,
    killed,
    refuse_connection,
    stripe_fails,
    time_out_after,
    time_out_before,
)
from sandbox.timeline import due
from transactions.models import Transaction

A_WEEK_S = 7 * 24 * 60 * 60


@pytest.fixture
def held(tenant: Tenant, seller: str) -> str:
    """The id of a payment of 1000 whose money is held."""
    transaction_id = tenant.create_payment(seller, capture_method="manual", application_fee_amount=100)
    assert tenant.confirm(seller, transaction_id).json()["data"]["status"] == "requires_capture"
    return transaction_id


def capture(tenant: Tenant, transaction_id: str, **body: Any) -> Any:
    return tenant.post(f"/transactions/{transaction_id}/capture", body)


def code_of(response: Any) -> tuple[int, str]:
    return response.status_code, response.json()["details"]["code"]


def captured_at_stripe(seller: str, transaction_id: str) -> list[int]:
    return [charge["amount_captured"] for charge in charges_at_stripe(seller, transaction_id)]


class TestAHold:
    def test_tells_when_it_lapses(self, tenant: Tenant, seller: str) -> None:
        transaction_id = tenant.create_payment(seller, capture_method="manual")
        data = tenant.confirm(seller, transaction_id).json()["data"]
        [charge] = charges_at_stripe(seller, transaction_id)
        lapses = charge["payment_method_details"]["card"]["capture_before"]
        assert (data["status"], data["capture_before"]) == ("requires_capture", lapses)
        assert lapses == charge["created"] + A_WEEK_S
        read = tenant.get(f"/transactions/{transaction_id}").json()["data"]
        assert (read["capture_before"], read["amount_capturable"], read["amount_received"]) == (lapses, 1000, 0)

    def test_is_none_where_the_money_is_taken_at_once(self, tenant: Tenant, seller: str) -> None:
        transaction_id = tenant.create_payment(seller)
        assert "capture_before" not in tenant.confirm(seller, transaction_id).json()["data"]
        assert tenant.get(f"/transactions/{transaction_id}").json()["data"]["capture_before"] is None

    def test_that_lapsed_cannot_be_captured(self, tenant: Tenant, seller: str, held: str) -> None:
        due.move_clock(timedelta(days=8))
        assert code_of(capture(tenant, held)) == (409, "not_capturable")
        payment = Transaction.objects.get()
        assert (payment.status, payment.capture_before, payment.holds_order) == ("canceled", None, False)
        assert captured_at_stripe(seller, held) == [0]


class TestACapture:
    def test_takes_all_that_is_held(self, tenant: Tenant, seller: str, held: str) -> None:
        response = capture(tenant, held)
        assert (response.status_code, response.json()["meta"]["message"]) == (200, "Payment captured successfully")
        assert response.json()["data"] == {
            "message": "Payment captured successfully",
            "transaction_id": held,
            "account_id": seller,
            "order_id": "2227222",
            "status": "succeeded",
            "amount": 1000,
            "amount_capturable": 0,
            "amount_received": 1000,
            "amount_refunded": 0,
            "application_fee_amount": 100,
            "currency": "usd",
        }
        assert captured_at_stripe(seller, held) == [1000]
        assert Transaction.objects.get().capture_before is None

    def test_takes_a_part_and_releases_the_rest(self, tenant: Tenant, seller: str, held: str) -> None:
        data = capture(tenant, held, amount=400, application_fee_amount=40).json()["data"]
        assert (data["status"], data["amount_received"], data["amount_capturable"]) == ("succeeded", 400, 0)
        assert captured_at_stripe(seller, held) == [400]
        [fee] = stripe_client().v1.application_fees.list({}).data
        assert (fee.amount, data["application_fee_amount"]) == (40, 40)
        assert tenant.refund(seller, amount=500).json()["details"]["refundable_amount"] == 400

    def test_of_less_than_the_fee_gives_all_of_it_to_the_platform(self, tenant: Tenant, seller: str, held: str) -> None:
        data = capture(tenant, held, amount=60).json()["data"]
        assert (data["status"], data["amount_received"]) == ("succeeded", 60)
        assert stripe_client().v1.application_fees.list({}).data[0].amount == 60

    def test_happens_once(self, tenant: Tenant, seller: str, held: str) -> None:
        capture(tenant, held, amount=400)
        assert code_of(capture(tenant, held, amount=400)) == (409, "already_captured")
        assert code_of(capture(tenant, held)) == (409, "already_captured")
        assert captured_at_stripe(seller, held) == [400]

    @pytest.mark.parametrize(
        ("body", "answer"),
        [
            ({"amount": 1001}, (409, "capture_exceeds_hold")),
            ({"amount": 0}, (400, "invalid_body")),
            ({"amount": 50, "application_fee_amount": 51}, (400, "invalid_body")),
            ({"application_fee_amount": 1001}, (400, "invalid_body")),
            ({"application_fee_amount": -1}, (400, "invalid_body")),
            ({"final_capture": False}, (400, "invalid_body")),
        ],
    )
    def test_refuses_what_it_cannot_take(
        self, tenant: Tenant, seller: str, held: str, body: dict[str, Any], answer: tuple[int, str]
    ) -> None:
        assert code_of(capture(tenant, held, **body)) == answer
        assert intent_at_stripe(seller, held)["amount_capturable"] == 1000
        assert not Operation.objects.filter(kind="payment_intent.capture").exists()

    def test_needs_a_hold(self, tenant: Tenant, seller: str) -> None:
        transaction_id = tenant.create_payment(seller)
        assert code_of(capture(tenant, transaction_id)) == (409, "not_capturable")
        tenant.confirm(seller, transaction_id)
        assert code_of(capture(tenant, transaction_id)) == (409, "already_captured")
        assert captured_at_stripe(seller, transaction_id) == [1000]

    def test_is_the_apps_own_affair(self, tenant: Tenant, seller: str, held: str) -> None:
        assert code_of(capture(Tenant.create(), held)) == (404, "transaction_not_found")
        assert captured_at_stripe(seller, held) == [0]

    def test_of_what_somebody_has_captured_past_us_is_told_as_done(self, tenant: Tenant, seller: str, held: str) -> None:
        stripe_client().v1.payment_intents.capture(held, {"amount_to_capture": 300}, {"stripe_account": seller})
        assert code_of(capture(tenant, held)) == (409, "already_captured")
        assert Transaction.objects.get().amount_received_minor == 300


class TestACaptureWhoseCallFails:
    @LOST_OR_UNSURE
    def test_stays_unknown_and_is_continued_by_the_same_request(
        self, tenant: Tenant, seller: str, held: str, monkeypatch: pytest.MonkeyPatch, fault: Any
    ) -> None:
        with stripe_fails(monkeypatch, fault, path="/capture"):
            response = capture(tenant, held, amount=600)
        operation = Operation.objects.get(kind="payment_intent.capture")
        assert_outcome_unknown(response, operation)
        with clock.moved_ahead(timedelta(seconds=41)):
            again = capture(tenant, held, amount=600)
        assert (again.status_code, again.json()["data"]["amount_received"]) == (200, 600)
        assert captured_at_stripe(seller, held) == [600]

    def test_is_not_done_twice_by_another_amount(
        self, tenant: Tenant, seller: str, held: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with stripe_fails(monkeypatch, time_out_after, path="/capture"):
            capture(tenant, held, amount=600)
        assert code_of(capture(tenant, held, amount=500)) == (409, "already_captured")
        assert captured_at_stripe(seller, held) == [600]

    def test_that_never_left_may_be_asked_for_again(
        self, tenant: Tenant, seller: str, held: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with stripe_fails(monkeypatch, refuse_connection, path="/capture"):
            assert code_of(capture(tenant, held)) == (503, "stripe_unreachable")
        assert capture(tenant, held).status_code == 200

    def test_is_finished_by_recovery_when_its_process_died(
        self, tenant: Tenant, seller: str, held: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with stripe_fails(monkeypatch, killed, path="/capture"), pytest.raises(KeyboardInterrupt):
            capture(tenant, held, amount=600)
        assert code_of(capture(tenant, held, amount=600)) == (409, "operation_in_progress")
        with clock.moved_ahead(timedelta(minutes=1)):
            assert [one.result for one in recover_due()] == ["settled"]
        assert (Transaction.objects.get().status, captured_at_stripe(seller, held)) == ("succeeded", [600])

    @pytest.mark.parametrize(("fault", "status"), [(time_out_before, "requires_capture"), (time_out_after, "succeeded")])
    def test_is_only_looked_at_after_a_day(
        self, tenant: Tenant, seller: str, held: str, monkeypatch: pytest.MonkeyPatch, fault: Any, status: str
    ) -> None:
        with stripe_fails(monkeypatch, fault, path="/capture"):
            capture(tenant, held)
        with clock.moved_ahead(timedelta(days=1)), stripe_fails(monkeypatch, fail_inside, path="/capture") as met:
            assert [one.result for one in recover_due()] == ["settled"]
        assert (met, Transaction.objects.get().status) == ([], status)

    def test_shows_in_a_read_which_ends_it(self, tenant: Tenant, seller: str, held: str, monkeypatch: pytest.MonkeyPatch) -> None:
        with stripe_fails(monkeypatch, time_out_before, path="/capture"):
            capture(tenant, held, amount=600)
            operation = Operation.objects.get(kind="payment_intent.capture")
            shown = tenant.get(f"/transactions/{held}").json()["data"]
        assert shown["open_operations"] == [{"id": operation.pk, "kind": "payment_intent.capture", "status": "unknown"}]
        read = tenant.get(f"/transactions/{held}").json()["data"]
        assert (read["status"], read["amount_received"], read["open_operations"]) == ("succeeded", 600, [])


class TestACaptureUnderAKey:
    def test_is_told_again_even_when_its_answer_was_not_stored(
        self, tenant: Tenant, seller: str, held: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        key = {"Idempotency-Key": "capture-1"}
        with stripe_fails(monkeypatch, time_out_after, path="/capture"):
            assert tenant.post(f"/transactions/{held}/capture", {"amount": 600}, **key).status_code == 503
        assert tenant.get(f"/transactions/{held}").json()["data"]["status"] == "succeeded"
        response = tenant.post(f"/transactions/{held}/capture", {"amount": 600}, **key)
        assert (response.status_code, response.json()["data"]["amount_received"]) == (200, 600)
        assert captured_at_stripe(seller, held) == [600]
