"""The comparisons that the worker carries out."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
import time_machine

from commercecore_payments import clock
from commercecore_payments.tests.tenants import Tenant
from gateway.errors import StripeUnreachable
from reconciliation.by_worker import ask_for_run, compare_next
from reconciliation.errors import RunUnderWay
from reconciliation.models import Run
from reconciliation.running import LEASE, Runner
from reconciliation.scope import Scope
from reconciliation.tests.test_processes import itself, needs_linux
from sandbox.faults.plans import order
from transactions.models import Transaction

NIGHT = datetime(2026, 12, 1, 3, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def at_three(settings: Any) -> None:
    settings.RECONCILE_NIGHTLY_AT = time(3, 0)


def whole_night() -> int:
    """How many pieces the worker did until nothing was left."""
    pieces = 0
    while compare_next():
        pieces += 1
    return pieces


class TestTheNight:
    def test_is_compared_once_and_mended(self, tenant: Tenant, seller: str) -> None:
        tenant.pay(seller, amount=5000)
        Transaction.objects.update(amount_received_minor=1)
        with time_machine.travel(NIGHT, tick=True):
            assert whole_night() == 3  # the accounts, the seller's books, the fees
            assert whole_night() == 0
        run = Run.objects.get()
        assert (run.status, run.asked_by, run.mended, run.left_open) == (Run.Status.FINISHED, "the worker, nightly", 1, 0)
        assert Transaction.objects.get().amount_received_minor == 5000

    @pytest.mark.parametrize(("hour", "runs"), [(2, 0), (3, 1), (8, 1), (9, 0)])
    def test_begins_within_six_hours_or_not_at_all(self, transactional_db: None, hour: int, runs: int) -> None:
        with time_machine.travel(NIGHT.replace(hour=hour), tick=True):
            whole_night()
        assert Run.objects.count() == runs

    def test_is_not_compared_where_nobody_wants_it(self, transactional_db: None, settings: Any) -> None:
        settings.RECONCILE_NIGHTLY_AT = None
        with time_machine.travel(NIGHT, tick=True):
            assert whole_night() == 0
        assert Run.objects.count() == 0

    def test_waits_for_a_stripe_that_is_out_of_reach(self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("gateway.listing.WAITS_S", ())
        order("refuse_connection", method="GET", path="/v1/payment_intents")
        with time_machine.travel(NIGHT, tick=True):
            assert whole_night() == 1
            run = Run.objects.get()
            assert (run.status, run.error) == (Run.Status.RUNNING, "Stripe could not be asked. Please try again.")
            with clock.moved_ahead(timedelta(minutes=9)):
                assert whole_night() == 0
            with clock.moved_ahead(timedelta(minutes=11)):
                assert whole_night() == 2
        run.refresh_from_db()
        assert (run.status, run.error, run.resumed) == (Run.Status.FINISHED, "", 1)

    def test_that_did_not_end_is_given_up_when_the_next_begins(self, tenant: Tenant, seller: str) -> None:
        with time_machine.travel(NIGHT, tick=True):
            assert compare_next()
        with time_machine.travel(NIGHT.replace(day=2), tick=True):
            assert whole_night() == 3
        statuses = Run.objects.order_by("pk").values_list("status", "error")
        assert list(statuses) == [("failed", "It did not end before the next night."), ("finished", "")]


class TestARunWhoseWorkerDied:
    @needs_linux
    def test_is_continued_at_once_on_the_same_machine(self, tenant: Tenant, seller: str, settings: Any) -> None:
        settings.RECONCILE_NIGHTLY_AT = None
        run = ask_for_run(Scope(), mends=False, asked_by="ada")
        assert compare_next()
        Run.objects.update(holder=str(replace(itself(), started="1")))  # the number is this process's by now
        assert whole_night() == 2
        run.refresh_from_db()
        assert (run.status, run.resumed) == (Run.Status.FINISHED, 1)

    def test_elsewhere_is_continued_when_its_lease_has_run_out(self, tenant: Tenant, seller: str, settings: Any) -> None:
        settings.RECONCILE_NIGHTLY_AT = None
        ask_for_run(Scope(), mends=False, asked_by="ada")
        assert compare_next()
        Run.objects.update(holder=str(replace(itself(), started="1", namespace="another")))
        assert whole_night() == 0
        with clock.moved_ahead(LEASE + timedelta(seconds=1)):
            assert whole_night() == 2

    def test_is_left_to_the_worker_that_has_taken_it_over_meanwhile(
        self, tenant: Tenant, seller: str, settings: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        settings.RECONCILE_NIGHTLY_AT = None
        run = ask_for_run(Scope(), mends=False, asked_by="ada")

        def be_followed(runner: Runner) -> bool:
            Run.objects.update(holder="another:1:1:another")
            raise StripeUnreachable

        monkeypatch.setattr(Runner, "next_piece", be_followed)
        assert compare_next() is False
        run.refresh_from_db()
        assert (run.holder, run.error) == ("another:1:1:another", "")


class TestTheStaff:
    def test_asks_for_a_comparison_which_the_worker_carries_out(self, tenant: Tenant, seller: str, settings: Any) -> None:
        settings.RECONCILE_NIGHTLY_AT = None
        run = ask_for_run(Scope(account_id=seller), mends=False, asked_by="ada")
        with pytest.raises(RunUnderWay):
            ask_for_run(Scope(account_id=seller), mends=False, asked_by="bob")
        assert whole_night() == 3
        run.refresh_from_db()
        assert (run.status, run.asked, run.asked_by, run.resumed) == (
            Run.Status.FINISHED,
            f"account {seller}, by the staff",
            "ada",
            0,
        )
