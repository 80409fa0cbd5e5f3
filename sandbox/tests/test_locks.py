"""A lock that somebody else holds: Stripe waits for it, and not for long."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from threading import Event
from typing import Any

import pytest
import stripe
from django.db import connection, transaction
from django.test import Client

from sandbox.api import server, waiting
from sandbox.api.wire import Request
from sandbox.models import SandboxIdempotencyKey, SandboxObject, SandboxTask
from sandbox.money import settlement
from sandbox.tests.at_once import at_once, at_seller, v1
from sandbox.timeline import due

__all__ = ["at_seller", "v1"]  # the fixtures of these names
pytestmark = pytest.mark.django_db(transaction=True)

# DATABASE_LOCK_TIMEOUT_S, where nothing else is set.
OF_EVERY_SESSION = "10s"


class TestALockThatAnotherHolds:
    """A seller's charge that somebody works on for longer than a request waits."""

    @pytest.fixture(autouse=True)
    def waits_briefly(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(waiting, "LONGEST_WAIT_MS", 200)

    @pytest.fixture
    def charge(self, v1: Any, at_seller: dict[str, str]) -> str:
        paid = {"amount": 1000, "currency": "usd", "payment_method": "pm_card_visa", "confirm": True}
        intent = v1.payment_intents.create(paid | {"return_url": "https://shop.example"}, at_seller)
        due.carry_out_due()
        return str(intent.latest_charge)

    @staticmethod
    @contextmanager
    def locked(stripe_id: str) -> Iterator[None]:
        """Another connection holds the lock of an object for as long as this is open."""
        held, done = Event(), Event()

        def hold() -> None:
            try:
                with transaction.atomic():
                    SandboxObject.objects.select_for_update().get(stripe_id=stripe_id)
                    held.set()
                    done.wait(30)
            finally:
                connection.close()

        with ThreadPoolExecutor(1) as pool:
            holder = pool.submit(hold)
            assert held.wait(10)
            try:
                yield
            finally:
                done.set()
            holder.result()

    def test_is_told_after_a_while_and_leaves_the_key_free(self, v1: Any, at_seller: dict[str, str], charge: str) -> None:
        once = at_seller | {"idempotency_key": "refund-1"}
        with self.locked(charge):
            before = SandboxObject.objects.count()
            began = time.monotonic()
            with pytest.raises(stripe.RateLimitError) as refused:
                v1.refunds.create({"charge": charge}, once)
            assert 0.2 <= time.monotonic() - began < 5
            assert refused.value.error is not None
            assert (refused.value.http_status, refused.value.error.code) == (429, "lock_timeout")
            assert SandboxObject.objects.count() == before
            assert SandboxIdempotencyKey.objects.filter(key="refund-1").count() == 0
        refund = v1.refunds.create({"charge": charge}, once)
        assert (refund.status, refund.amount) == ("succeeded", 1000)
        assert v1.refunds.create({"charge": charge}, once).id == refund.id

    def test_is_told_without_a_key_as_well(self, v1: Any, at_seller: dict[str, str], charge: str) -> None:
        read = Request("POST", f"/v1/charges/{charge}", {"description": "Boots"}, "sk_test_x", at_seller["stripe_account"])
        with self.locked(charge):
            answer = server.answer(read)
        assert (answer.status, answer.body["error"]["code"]) == (429, "lock_timeout")
        assert v1.charges.retrieve(charge, None, at_seller).description is None

    def test_is_told_by_the_control_api_and_the_staffs_pages_too(
        self, v1: Any, at_seller: dict[str, str], charge: str, control: Client, staff_browser: Client
    ) -> None:
        refund = v1.refunds.create({"charge": charge}, at_seller)
        staff_browser.handler.enforce_csrf_checks = False
        with self.locked(refund.id):
            refused = control.post(f"/sandbox/api/refunds/{refund.id}", {"status": "failed"}, content_type="application/json")
            assert (refused.status_code, refused.json()["error"]["code"]) == (429, "lock_timeout")
            page = staff_browser.post(f"/sandbox/refunds/{refund.id}", {"status": "failed"})
            assert page.status_code == 429
        assert v1.refunds.retrieve(refund.id, None, at_seller).status == "succeeded"

    def test_that_is_given_back_in_time_is_waited_for(
        self, v1: Any, at_seller: dict[str, str], charge: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(waiting, "LONGEST_WAIT_MS", 20_000)
        with ThreadPoolExecutor(1) as pool:
            with self.locked(charge):
                refunding = pool.submit(at_once, [partial(v1.refunds.create, {"charge": charge}, at_seller)])
                time.sleep(0.5)
                assert not refunding.done()
            assert refunding.result()[0].status == "succeeded"

    def test_hinders_nobody_who_only_reads(self, v1: Any, at_seller: dict[str, str], charge: str) -> None:
        with self.locked(charge):
            assert v1.charges.retrieve(charge, None, at_seller).amount == 1000

    def test_limits_no_transaction_around_the_request(self, v1: Any, at_seller: dict[str, str], charge: str) -> None:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL lock_timeout = '7s'")
            v1.customers.create({"name": "Ada"}, at_seller)
            assert self.limit() == "7s"
            with self.locked(charge), pytest.raises(stripe.RateLimitError):
                v1.refunds.create({"charge": charge}, at_seller)
            assert self.limit() == "7s"
            with pytest.raises(stripe.InvalidRequestError):
                v1.refunds.create({"charge": charge, "amount": 1001}, at_seller)
            assert self.limit() == "7s"
        assert self.limit() == OF_EVERY_SESSION

    def test_keeps_what_is_due_and_nobody_who_asks_for_something_else(
        self, v1: Any, at_seller: dict[str, str], charge: str
    ) -> None:
        paid = {"amount": 1000, "currency": "usd", "payment_method": "pm_card_createDispute", "confirm": True}
        intent = v1.payment_intents.create(paid | {"return_url": "https://shop.example"}, at_seller)
        with self.locked(intent.latest_charge):
            assert v1.charges.retrieve(charge, None, at_seller).amount == 1000
            assert v1.disputes.list({"payment_intent": intent.id}, at_seller).data == []
            assert SandboxTask.objects.filter(kind=settlement.CHARGE_SETTLES).count() == 1
        (dispute,) = v1.disputes.list({"payment_intent": intent.id}, at_seller).data
        assert (dispute.amount, SandboxTask.objects.filter(kind=settlement.CHARGE_SETTLES).count()) == (1000, 0)
        assert self.limit() == OF_EVERY_SESSION

    @staticmethod
    def limit() -> str:
        with connection.cursor() as cursor:
            cursor.execute("SHOW lock_timeout")
            return str(cursor.fetchone()[0])
