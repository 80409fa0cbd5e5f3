"""Recovery: what was left without a known outcome comes to its end, once, and nobody is charged late."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from commercecore_payments import clock, recovery
from commercecore_payments.operation_kinds import ENDINGS
from commercecore_payments.recovery import CLAIM_LASTS, NotUnderReview, Result, claim_due, close_as_not_done, recover, recover_due
from commercecore_payments.tests.tenants import Tenant, charges_at_stripe, intent_at_stripe, refunds_at_stripe
from commercecore_payments.tests.test_races import at_once
from gateway.endings import Ending, bring_to_an_end
from gateway.errors import StripeConfigurationRefused
from gateway.models import Kind, Operation, RecoveryAttempt, Status, recovery_due_after
from gateway.operations import record
from gateway.outcomes import Fault, Outcome
from gateway.snapshots import RefundSnapshot
from gateway.tests.faults import (
    fail_inside,
    killed,
    refuse_connection,
    stripe_fails,
    time_out_after,
    time_out_before,
)
from refunds.models import Refund
from transactions.models import Transaction

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def lose_refund(tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch, fault: Any, amount: int = 400) -> Operation:
    """The operation of a refund whose call met `fault`, of a payment of 1000."""
    with stripe_fails(monkeypatch, fault, path="/refunds"):
        assert tenant.refund(seller, amount=amount).status_code == 503
    return Operation.objects.open().get(kind=Kind.REFUND_CREATE)


def lose_confirmation(
    tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch, fault: Any, card: str = "pm_card_visa", **more: Any
) -> str:
    """The id of a payment, made with `more`, whose confirmation met `fault`."""
    transaction_id = tenant.create_payment(seller, **more)
    with stripe_fails(monkeypatch, fault, path="/confirm"):
        assert tenant.confirm(seller, transaction_id, card).status_code == 503
    return transaction_id


def recovered_after(passed: timedelta) -> list[Result]:
    """What recovery makes of everything that is due when so much time has passed."""
    with clock.moved_ahead(passed):
        return [one.result for one in recover_due()]


def acts(operation: Operation) -> list[tuple[str, str]]:
    return [(attempt.act, attempt.result) for attempt in operation.recovery_attempts.all()]


class TestTheTable:
    def test_knows_every_kind(self) -> None:
        assert set(ENDINGS) == set(Kind)


class TestTheSchedule:
    def test_is_a_minute_five_thirty_two_hours_six_and_twenty_then_daily(self) -> None:
        created = moment = clock.now()
        ages = []
        for _ in range(8):
            moment = recovery_due_after(created, moment)
            ages.append(moment - created)
        assert ages == [MINUTE, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 6 * HOUR, 20 * HOUR, 43 * HOUR, 66 * HOUR]

    def test_leaves_alone_what_is_not_due(self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch) -> None:
        tenant.pay(seller)
        operation = lose_refund(tenant, seller, monkeypatch, time_out_before)
        assert recovered_after(timedelta(seconds=55)) == []
        operation.refresh_from_db()
        assert (operation.status, operation.attempts) == ("unknown", 1)


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


def parked_refund(tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch) -> Operation:
    """The operation of a refund of 400 that waits for a person."""
    operation = lose_refund(tenant, seller, monkeypatch, fail_inside)
    for passed in (1, 6, 12):
        recovered_after(passed * MINUTE)
    operation.refresh_from_db()
    assert operation.status == "needs_review"
    return operation


class TestAConfirmation:
    def test_is_sent_again_while_the_buyer_may_still_be_there(
        self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        transaction_id = lose_confirmation(tenant, seller, monkeypatch, time_out_before)
        assert recovered_after(MINUTE) == [Result.SETTLED]
        assert intent_at_stripe(seller, transaction_id)["amount_received"] == 1000

    def test_charges_nobody_who_has_left(self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch) -> None:
        transaction_id = lose_confirmation(tenant, seller, monkeypatch, time_out_before)
        assert recovered_after(2 * MINUTE + timedelta(seconds=1)) == [Result.SETTLED]
        operation = Operation.objects.get(kind=Kind.PAYMENT_INTENT_CONFIRM)
        assert (operation.status, operation.error_message) == (
            "rejected",
            "The payment intent was found requires_payment_method, and not as it was asked for.",
        )
        assert charges_at_stripe(seller, transaction_id) == []
        assert Transaction.objects.get().status == "requires_payment_method"
        assert tenant.confirm(seller, transaction_id).json()["data"]["status"] == "succeeded"
        assert len(charges_at_stripe(seller, transaction_id)) == 1

    def test_that_took_effect_is_found_hours_later(self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch) -> None:
        transaction_id = lose_confirmation(tenant, seller, monkeypatch, time_out_after)
        assert recovered_after(5 * HOUR) == [Result.SETTLED]
        assert Transaction.objects.get().status == "succeeded"
        assert len(charges_at_stripe(seller, transaction_id)) == 1

    def test_that_led_to_a_challenge_is_found_hours_later(
        self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        lose_confirmation(tenant, seller, monkeypatch, time_out_after, card="pm_card_authenticationRequired")
        assert recovered_after(5 * HOUR) == [Result.SETTLED]
        assert Operation.objects.get(kind=Kind.PAYMENT_INTENT_CONFIRM).status == "succeeded"
        assert Transaction.objects.get().status == "requires_action"

    def test_whose_hold_has_lapsed_since_is_no_failure(
        self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        transaction_id = lose_confirmation(tenant, seller, monkeypatch, time_out_after, capture_method="manual")
        assert recovered_after(8 * DAY) == [Result.SETTLED]
        assert intent_at_stripe(seller, transaction_id)["status"] == "canceled"
        assert Operation.objects.get(kind=Kind.PAYMENT_INTENT_CONFIRM).status == "succeeded"
        payment = Transaction.objects.get()
        assert (payment.status, payment.holds_order, payment.amount_received_minor) == ("canceled", False, 0)


class TestAConfirmationWhoseCallerWishesOtherwiseByNow:
    def test_is_not_sent_again_where_the_payment_was_to_be_canceled(
        self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        transaction_id = lose_confirmation(tenant, seller, monkeypatch, time_out_before)
        assert tenant.post(f"/transactions/{transaction_id}/cancel", {}).status_code == 409
        with stripe_fails(monkeypatch, time_out_before, path="/confirm") as sent:
            assert recovered_after(MINUTE) == [Result.UNDER_WAY]
            with clock.moved_ahead(timedelta(seconds=91)):
                canceled = tenant.post(f"/transactions/{transaction_id}/cancel", {})
        assert (canceled.json()["data"]["status"], sent) == ("canceled", [])
        assert charges_at_stripe(seller, transaction_id) == []

    def test_is_not_sent_again_where_another_card_was_to_pay(
        self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        transaction_id = lose_confirmation(tenant, seller, monkeypatch, time_out_before)
        assert tenant.confirm(seller, transaction_id, "pm_card_mastercard").status_code == 409
        assert recovered_after(MINUTE) == [Result.UNDER_WAY]
        assert tenant.confirm(seller, transaction_id).status_code == 409
        with clock.moved_ahead(timedelta(seconds=91)):
            assert tenant.confirm(seller, transaction_id, "pm_card_mastercard").status_code == 200
        cards = [charge["payment_method_details"]["card"]["brand"] for charge in charges_at_stripe(seller, transaction_id)]
        assert cards == ["mastercard"]

    def test_is_not_sent_again_where_the_order_costs_something_else(
        self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        transaction_id = lose_confirmation(tenant, seller, monkeypatch, time_out_before)
        changed = {"order_id": "2227222", "account_id": seller, "amount": 2000}
        assert tenant.post("/transactions", changed).status_code == 409
        assert recovered_after(MINUTE) == [Result.UNDER_WAY]
        with clock.moved_ahead(timedelta(seconds=91)):
            assert tenant.post("/transactions", changed).status_code == 201
        assert intent_at_stripe(seller, transaction_id)["amount"] == 2000
        assert charges_at_stripe(seller, transaction_id) == []

    def test_is_found_where_it_took_effect_all_the_same(
        self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        transaction_id = lose_confirmation(tenant, seller, monkeypatch, time_out_after)
        response = tenant.post(f"/transactions/{transaction_id}/cancel", {})
        assert (response.status_code, response.json()["details"]["code"]) == (409, "not_cancelable")
        assert Transaction.objects.get().status == "succeeded"

    def test_is_sent_again_after_a_mere_read(self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch) -> None:
        transaction_id = lose_confirmation(tenant, seller, monkeypatch, time_out_before)
        assert tenant.get(f"/transactions/{transaction_id}").status_code == 200
        assert recovered_after(MINUTE) == [Result.SETTLED]
        assert len(charges_at_stripe(seller, transaction_id)) == 1


class TestRecovery:
    def test_waits_for_a_stripe_that_is_down_without_giving_up(
        self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        tenant.pay(seller)
        operation = lose_refund(tenant, seller, monkeypatch, time_out_before)
        tried = []
        with stripe_fails(monkeypatch, refuse_connection, path="/v1"):
            for minutes in range(0, 21 * 60, 10):
                if recovered_after(minutes * MINUTE):
                    tried.append(minutes)
        assert tried == [10, 30, 120, 360, 1200]
        operation.refresh_from_db()
        assert (operation.status, operation.fruitless_looks) == ("unknown", 0)
        assert recovered_after(2 * DAY) == [Result.STILL_UNKNOWN]  # Stripe is back, and shows no refund
        assert recovered_after(2 * DAY + 6 * MINUTE) == [Result.STILL_UNKNOWN]
        assert recovered_after(2 * DAY + 12 * MINUTE) == [Result.NEEDS_REVIEW]

    def test_does_not_call_a_key_that_stripe_refuses_a_look_in_vain(
        self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        tenant.pay(seller)
        operation = lose_refund(tenant, seller, monkeypatch, fail_inside)

        def refuse_key(_: Operation) -> Any:
            raise StripeConfigurationRefused(Fault(message="Expired API Key provided", http_status=401))

        whole = ENDINGS[Kind.REFUND_CREATE]
        monkeypatch.setitem(ENDINGS, Kind.REFUND_CREATE, Ending(whole.settle, refuse_key))
        assert recovered_after(MINUTE) == [Result.STILL_UNKNOWN]
        assert Operation.objects.get(pk=operation.pk).fruitless_looks == 0

    def test_takes_up_what_an_earlier_version_has_reserved(
        self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        tenant.pay(seller)
        lose_refund(tenant, seller, monkeypatch, time_out_before)
        Operation.objects.update(next_recovery_at=None)
        assert recovered_after(timedelta(seconds=50)) == []
        assert recovered_after(MINUTE) == [Result.SETTLED]

    def test_goes_on_with_the_others_where_one_fails(self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch) -> None:
        tenant.pay(seller)
        first = lose_refund(tenant, seller, monkeypatch, time_out_before, amount=400)
        with stripe_fails(monkeypatch, time_out_before, path="/refunds"):
            tenant.refund(seller, amount=300)
        whole = bring_to_an_end

        def fail_once(operation: Operation, ending: Any) -> Any:
            if operation.pk == first.pk:
                raise TypeError("a bug")
            return whole(operation, ending)

        monkeypatch.setattr(recovery, "bring_to_an_end", fail_once)
        assert sorted(recovered_after(MINUTE)) == [Result.SETTLED, Result.STILL_UNKNOWN]
        assert RecoveryAttempt.objects.get(operation=first).message == "Recovery failed: TypeError."

    def test_takes_over_what_a_recovery_that_died_had_claimed(
        self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        tenant.pay(seller)
        lose_refund(tenant, seller, monkeypatch, time_out_before)
        with clock.moved_ahead(MINUTE):
            assert claim_due() is not None
            assert claim_due() is None
        with clock.moved_ahead(MINUTE + CLAIM_LASTS):
            assert claim_due() is not None

    @pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no row locks to test")
    def test_passes_over_what_another_has_locked(self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch) -> None:
        tenant.pay(seller)
        for amount in (100, 110, 120, 130):
            with stripe_fails(monkeypatch, time_out_before, path="/refunds"):
                tenant.refund(seller, amount=amount)
        with clock.moved_ahead(MINUTE):
            claimed = [one for one in at_once(tenant, lambda *_: claim_due()) if one is not None]
        assert len({one.pk for one in claimed}) == len(claimed) == 4


class TestAProcessThatWasHeldUp:
    def test_does_not_say_that_nothing_was_done_when_another_has_done_it(
        self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        transaction_id = tenant.pay(seller)

        def sleep_while_recovery_does_it(operation: Operation) -> bool:
            monkeypatch.setattr(Operation, "is_too_late_to_send", lambda self: self is operation)
            assert recovered_after(MINUTE) == [Result.SETTLED]
            return True

        monkeypatch.setattr(Operation, "is_too_late_to_send", sleep_while_recovery_does_it)
        assert tenant.refund(seller, amount=300).status_code == 201
        assert refunds_at_stripe(seller, transaction_id) == [300]

    def test_sends_nothing(self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch) -> None:
        transaction_id = tenant.create_payment(seller)
        monkeypatch.setattr(Operation, "is_too_late_to_send", lambda self: True)
        response = tenant.confirm(seller, transaction_id)
        assert (response.status_code, response.json()["details"]["code"]) == (503, "stripe_unreachable")
        assert charges_at_stripe(seller, transaction_id) == []
        assert Operation.objects.get(kind=Kind.PAYMENT_INTENT_CONFIRM).status == "not_sent"

    def test_is_told_so_by_the_time_since_it_took_the_operation(self, tenant: Tenant, seller: str) -> None:
        operation = Operation.objects.get(kind=Kind.ACCOUNT_CREATE)
        assert not operation.is_too_late_to_send()
        operation.taken_at_s = clock.elapsed_s() - 4
        assert not operation.is_too_late_to_send()
        operation.taken_at_s = clock.elapsed_s() - 6
        assert operation.is_too_late_to_send()
