"""Recovery: what was left without a known outcome is taken up in time, and once; no process that was held up acts on it late."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from structlog.contextvars import get_contextvars

from commercecore_payments import clock, recovery
from commercecore_payments.operation_kinds import ENDINGS
from commercecore_payments.recovery import CLAIM_LASTS, Result, claim_due
from commercecore_payments.tests.lost_calls import (
    DAY,
    HOUR,
    MINUTE,
    lose_refund,
    recovered_after,
)
from commercecore_payments.tests.tenants import Tenant, charges_at_stripe, refunds_at_stripe
from commercecore_payments.tests.test_races import at_once
from gateway.endings import Ending, bring_to_an_end
from gateway.errors import StripeConfigurationRefused
from gateway.models import Kind, Operation, RecoveryAttempt, recovery_due_after
from gateway.outcomes import Fault
from gateway.tests.faults import (
    fail_inside,
    refuse_connection,
    stripe_fails,
    time_out_before,
)


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

    def test_names_in_the_log_the_operation_that_a_line_is_about(
        self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        tenant.pay(seller)
        lose_refund(tenant, seller, monkeypatch, time_out_before, amount=400)
        with stripe_fails(monkeypatch, time_out_before, path="/refunds"):
            tenant.refund(seller, amount=300)
        lost = list(Operation.objects.filter(status="unknown").order_by("created_at"))
        named = []

        def note(operation: Operation, ending: Any) -> Any:
            named.append((operation.pk, get_contextvars()["operation_id"]))
            return bring_to_an_end(operation, ending)

        monkeypatch.setattr(recovery, "bring_to_an_end", note)
        assert recovered_after(MINUTE) == [Result.SETTLED, Result.SETTLED]
        assert named == [(one.pk, one.pk) for one in lost]

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
