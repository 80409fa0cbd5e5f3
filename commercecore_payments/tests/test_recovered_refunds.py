"""Refunds that recovery takes up: each is made once, or waits for a person with its money reserved."""

from typing import Any

import pytest

from commercecore_payments.operation_kinds import ENDINGS
from commercecore_payments.recovery import NotUnderReview, Result, close_as_not_done, recover
from commercecore_payments.tests.lost_calls import DAY, HOUR, MINUTE, acts, lose_refund, parked_refund, recovered_after
from commercecore_payments.tests.tenants import Tenant, refunds_at_stripe
from gateway.models import Operation, Status
from gateway.operations import record
from gateway.outcomes import Outcome
from gateway.snapshots import RefundSnapshot
from gateway.tests.faults import (
    fail_inside,
    killed,
    stripe_fails,
    time_out_after,
    time_out_before,
)
from refunds.models import Refund
from transactions.models import Transaction


class TestARefund:
    @pytest.mark.parametrize("fault", [time_out_before, time_out_after])
    def test_is_made_once(self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch, fault: Any) -> None:
        transaction_id = tenant.pay(seller)
        operation = lose_refund(tenant, seller, monkeypatch, fault)
        assert recovered_after(MINUTE) == [Result.SETTLED]
        assert refunds_at_stripe(seller, transaction_id) == [400]
        assert (Refund.objects.get().status, Transaction.objects.get().amount_refunded_minor) == ("succeeded", 400)
        assert acts(operation) == [("sent_again", "succeeded")]
        assert recovered_after(DAY) == []

    def test_of_a_process_that_was_killed_is_made_once(
        self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        transaction_id = tenant.pay(seller)
        with stripe_fails(monkeypatch, killed, path="/refunds"), pytest.raises(KeyboardInterrupt):
            tenant.refund(seller, amount=400)
        assert recovered_after(MINUTE) == [Result.SETTLED]
        assert refunds_at_stripe(seller, transaction_id) == [400]

    def test_is_not_sent_again_after_twenty_three_hours(
        self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        transaction_id = tenant.pay(seller)
        operation = lose_refund(tenant, seller, monkeypatch, time_out_before)
        assert recovered_after(23 * HOUR + MINUTE) == [Result.STILL_UNKNOWN]
        operation.refresh_from_db()
        assert (operation.attempts, operation.fruitless_looks) == (1, 1)
        assert refunds_at_stripe(seller, transaction_id) == []

    def test_that_stripe_answered_with_500_is_found_and_settled_if_it_was_made(
        self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail_after(send: Any, *request: Any) -> Any:
            send(*request)
            return fail_inside(send, *request)

        transaction_id = tenant.pay(seller)
        operation = lose_refund(tenant, seller, monkeypatch, fail_after)
        assert recovered_after(MINUTE) == [Result.SETTLED]
        operation.refresh_from_db()
        assert (operation.status, operation.attempts) == ("succeeded", 1)
        assert refunds_at_stripe(seller, transaction_id) == [400]
        assert acts(operation) == [("looked", "succeeded")]


class TestWhatCannotBeDecided:
    def test_waits_for_a_person_and_keeps_its_money_reserved(
        self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        transaction_id = tenant.pay(seller)
        operation = lose_refund(tenant, seller, monkeypatch, fail_inside, amount=600)
        looked = [recovered_after(passed * MINUTE) for passed in (1, 6, 12, 60 * 24)]
        assert looked == [[Result.STILL_UNKNOWN], [Result.STILL_UNKNOWN], [Result.NEEDS_REVIEW], []]
        operation.refresh_from_db()
        assert (operation.status, operation.attempts, operation.closed_at) == ("needs_review", 1, None)
        assert acts(operation) == [("looked", "unknown")] * 3 + [("parked", "needs_review")]
        response = tenant.refund(seller, amount=500)
        assert (response.status_code, response.json()["details"]["refundable_amount"]) == (409, 400)
        assert refunds_at_stripe(seller, transaction_id) == []

    def test_is_closed_by_a_person_and_frees_its_money(
        self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        transaction_id = tenant.pay(seller)
        operation = parked_refund(tenant, seller, monkeypatch)
        close_as_not_done(operation, reason="nothing in the dashboard")
        assert (operation.status, operation.error_message) == (
            "rejected",
            "A person found that it was not done: nothing in the dashboard",
        )
        assert acts(operation)[-1] == ("reviewed", "rejected")
        assert tenant.refund(seller, amount=1000).status_code == 201
        assert refunds_at_stripe(seller, transaction_id) == [1000]
        with pytest.raises(NotUnderReview):
            close_as_not_done(operation, reason="once more")

    def test_is_settled_all_the_same_when_stripes_success_turns_up_later(
        self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        tenant.pay(seller)
        operation = parked_refund(tenant, seller, monkeypatch)
        close_as_not_done(operation, reason="nothing in the dashboard")
        made = RefundSnapshot(id="re_late", status="succeeded", failure_reason="", metadata={})
        record(operation, Outcome(status=Status.SUCCEEDED, value=made), ENDINGS[operation.kind].settle)
        operation.refresh_from_db()
        assert (operation.status, Refund.objects.get().stripe_refund_id) == ("succeeded", "re_late")
        assert Transaction.objects.get().amount_refunded_minor == 400

    def test_is_not_closed_by_a_person_once_it_is_settled(
        self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        tenant.pay(seller)
        operation = parked_refund(tenant, seller, monkeypatch)
        seen_by_the_person = Operation.objects.get(pk=operation.pk)
        made = RefundSnapshot(id="re_late", status="succeeded", failure_reason="", metadata={})
        record(operation, Outcome(status=Status.SUCCEEDED, value=made), ENDINGS[operation.kind].settle)
        with pytest.raises(NotUnderReview):
            close_as_not_done(seen_by_the_person, reason="nothing in the dashboard")
        assert acts(operation)[-1] == ("parked", "needs_review")

    def test_is_looked_at_again_when_a_person_asks(self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch) -> None:
        tenant.pay(seller)
        operation = parked_refund(tenant, seller, monkeypatch)
        assert recover(operation).result == Result.NEEDS_REVIEW
        assert Operation.objects.get(pk=operation.pk).fruitless_looks == 4
