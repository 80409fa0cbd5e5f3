"""The clock that can be moved, and what becomes due on it."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from commercecore_payments import clock as service_clock
from sandbox.models import SandboxObject, SandboxTask
from sandbox.objects import journal, state
from sandbox.tests.conftest import NOON, Options, Services
from sandbox.timeline import clock, due, schedule

pytestmark = pytest.mark.usefixtures("noon")


@pytest.fixture
def customer(v1: Services) -> SandboxObject:
    return SandboxObject.objects.get(stripe_id=v1.customers.create({}).id)


@pytest.fixture
def carried_out(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, datetime]]:
    """A kind of task that notes its object and the moment at which it believes to be."""
    seen: list[tuple[str, datetime]] = []
    monkeypatch.setitem(due.TASKS, "noted", lambda account, stripe_id: seen.append((stripe_id, clock.now())))
    return seen


class TestTheSandboxsClock:
    def test_is_the_real_one_at_first(self, db: None) -> None:
        assert clock.now() == NOON
        assert clock.now_seconds() == int(NOON.timestamp())

    def test_moves_ahead_and_leaves_the_services_clock_alone(self, db: None) -> None:
        due.move_clock(timedelta(days=7))
        due.move_clock(timedelta(hours=1))
        assert clock.now() == NOON + timedelta(days=7, hours=1)
        assert clock.ahead() == timedelta(days=7, hours=1)
        assert service_clock.now() == NOON

    @pytest.mark.parametrize("by", [timedelta(seconds=-1), timedelta(days=365 * 30 + 1)], ids=["back", "too far"])
    def test_moves_neither_back_nor_out_of_sight(self, db: None, by: timedelta) -> None:
        with pytest.raises(clock.TooFar):
            due.move_clock(by)
        assert clock.now() == NOON

    def test_dates_what_is_made(self, v1: Services) -> None:
        due.move_clock(timedelta(days=1))
        assert v1.customers.create({}).created == int((NOON + timedelta(days=1)).timestamp())


class TestATask:
    def test_waits_for_its_moment(self, customer: SandboxObject, carried_out: list[tuple[str, datetime]]) -> None:
        schedule.at(NOON + timedelta(hours=2), "noted", customer)
        assert due.move_clock(timedelta(hours=1)) == 0
        assert (carried_out, SandboxTask.objects.count()) == ([], 1)

    def test_is_carried_out_once_as_of_its_moment(self, customer: SandboxObject, carried_out: list[tuple[str, datetime]]) -> None:
        schedule.at(NOON + timedelta(hours=2), "noted", customer)
        assert due.move_clock(timedelta(days=9)) == 1
        assert due.carry_out_due() == 0
        assert carried_out == [(customer.stripe_id, NOON + timedelta(hours=2))]

    def test_comes_in_the_order_of_its_moment(self, customer: SandboxObject, carried_out: list[tuple[str, datetime]]) -> None:
        for hours in (3, 1, 2):
            schedule.at(NOON + timedelta(hours=hours), "noted", customer)
        due.move_clock(timedelta(days=1))
        assert [moment for _, moment in carried_out] == [NOON + timedelta(hours=hours) for hours in (1, 2, 3)]

    def test_noted_twice_is_noted_once(self, customer: SandboxObject) -> None:
        for _ in range(2):
            schedule.at(NOON, "noted", customer)
        assert SandboxTask.objects.count() == 1

    def test_is_carried_out_by_the_next_request(
        self, v1: Services, customer: SandboxObject, carried_out: list[tuple[str, datetime]]
    ) -> None:
        schedule.at(NOON, "noted", customer)
        v1.customers.list()
        assert carried_out == [(customer.stripe_id, NOON)]

    def test_that_fails_stays_due_and_leaves_nothing_behind(
        self, customer: SandboxObject, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(account: str, stripe_id: str) -> None:
            customer.data["name"] = "half done"
            state.save(customer)
            raise LookupError("the task's own bug")

        monkeypatch.setitem(due.TASKS, "failing", fail)
        schedule.at(NOON, "failing", customer)
        with pytest.raises(LookupError):
            due.carry_out_due()
        assert SandboxTask.objects.count() == 1
        assert SandboxObject.objects.get(pk=customer.pk).data["name"] is None


class TestAChange:
    def test_is_one_moment_however_long_it_takes(self, v1: Services, pay: Callable[..., Any], at_seller: Options) -> None:
        with time_machine.travel(NOON, tick=False) as traveller:

            def later() -> datetime:
                traveller.shift(1)
                return timezone.now()

            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(service_clock, "now", later)
                payment = pay()
            v1.charges.retrieve(payment.latest_charge, None, at_seller)  # its balance transaction was due at once
        events = [event for event in v1.events.list(None, at_seller).data if event.type.startswith(("charge", "payment"))]
        assert {event.type for event in events} == {
            "payment_intent.created", "charge.succeeded", "payment_intent.succeeded", "charge.updated"
        }  # fmt: skip
        assert {event.created for event in events} == {payment.created}


class TestAnObject:
    def test_is_written_inside_of_a_change_alone(self, customer: SandboxObject) -> None:
        customer.data["name"] = "Ada"
        with pytest.raises(journal.OutsideOfAChange):
            state.save(customer)
        assert SandboxObject.objects.get(pk=customer.pk).data["name"] is None
