"""A process that dies while it holds a key: the next request takes the key over, and what was done is not done again."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction

from commercecore_payments.actors import HeldKey
from commercecore_payments.clock import moved_ahead
from commercecore_payments.tests.tenants import Tenant, refunds_at_stripe
from gateway.models import Operation
from gateway.tests.faults import killed, stripe_fails
from idempotency.errors import KeyInUse
from idempotency.models import IdempotencyKey
from idempotency.operations import LEASE, StoredAnswer, forget_key, free_key, hold_key, keep_hold, store_answer
from idempotency.tests.keyed import assert_refused, is_replay, under
from refunds import operations as refund_operations

LATER = LEASE + timedelta(seconds=1)


def die(*_: Any, **__: Any) -> None:
    raise KeyboardInterrupt


def killed_after(send: Any, *request: Any) -> Any:
    """Stripe does it, and the process dies before it hears of it."""
    send(*request)
    raise KeyboardInterrupt


@pytest.fixture
def ask(tenant: Tenant, seller: str) -> Callable[[], Any]:
    """The same refund of 300 under the same key, however often it is asked for."""
    tenant.pay(seller, amount=1000)
    return lambda: tenant.post("/refunds", {"order_id": "2227222", "account_id": seller, "amount": 300}, **under())


def refunded(tenant: Tenant, seller: str) -> list[int]:
    return refunds_at_stripe(seller, Operation.objects.get(kind="payment_intent.create").result_id)


class TestARequestWhoseProcessDied:
    @pytest.mark.parametrize("fault", [killed, killed_after], ids=["before the effect", "after the effect"])
    def test_holds_its_key_until_the_lease_lapses_and_refunds_once(
        self, tenant: Tenant, seller: str, ask: Callable[[], Any], monkeypatch: pytest.MonkeyPatch, fault: Any
    ) -> None:
        with stripe_fails(monkeypatch, fault, path="/refunds"), pytest.raises(KeyboardInterrupt):
            ask()
        waiting = ask()
        assert_refused(waiting, 409, "idempotency_key_in_use")
        assert waiting["Retry-After"] == "2"
        with moved_ahead(LEASE - timedelta(seconds=5)):
            assert ask().status_code == 409
        with moved_ahead(LATER):
            taken_over, replayed = ask(), ask()
        assert (taken_over.status_code, is_replay(taken_over)) == (201, False)
        assert (replayed.content, is_replay(replayed)) == (taken_over.content, True)
        assert refunded(tenant, seller) == [300]
        assert Operation.objects.filter(kind="refund.create").count() == 1
        assert IdempotencyKey.objects.get().attempt == 2

    def test_after_it_was_settled_is_told_of_the_refund_that_was_made(
        self, tenant: Tenant, seller: str, ask: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        whole = refund_operations.request_refund

        def die_afterwards(*arguments: Any, **named: Any) -> Any:
            whole(*arguments, **named)
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(refund_operations, "request_refund", die_afterwards)
            with pytest.raises(KeyboardInterrupt):
                ask()
        assert Operation.objects.get(kind="refund.create").status == "succeeded"
        with moved_ahead(LATER):
            taken_over = ask()
        assert (taken_over.status_code, is_replay(taken_over)) == (201, False)
        assert refunded(tenant, seller) == [300]
        assert Operation.objects.filter(kind="refund.create").count() == 1

    def test_before_anything_was_reserved_is_carried_out_by_the_next(
        self, tenant: Tenant, seller: str, ask: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(refund_operations, "request_refund", die)
            with pytest.raises(KeyboardInterrupt):
                ask()
        with moved_ahead(LATER):
            assert ask().status_code == 201
        assert refunded(tenant, seller) == [300]

    def test_cannot_be_taken_over_by_another_request(
        self, tenant: Tenant, seller: str, ask: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with stripe_fails(monkeypatch, killed, path="/refunds"), pytest.raises(KeyboardInterrupt):
            ask()
        with moved_ahead(LATER):
            other = tenant.post("/refunds", {"order_id": "2227222", "account_id": seller, "amount": 400}, **under())
        assert_refused(other, 422, "idempotency_key_reused")
        assert refunded(tenant, seller) == []


class TestARequestThatWasHeldUp:
    def test_before_it_reserved_anything_is_refused_once_another_took_over(
        self, tenant: Tenant, seller: str, ask: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        whole, answers = refund_operations.request_refund, []

        def overtaken(*arguments: Any, **named: Any) -> Any:
            monkeypatch.undo()
            with moved_ahead(LATER):
                answers.append(ask())
            return whole(*arguments, **named)

        monkeypatch.setattr(refund_operations, "request_refund", overtaken)
        slow = ask()
        [second] = answers
        assert second.status_code == 201
        assert_refused(slow, 409, "idempotency_key_in_use")
        assert (ask().content, is_replay(ask())) == (second.content, True)
        assert refunded(tenant, seller) == [300]

    def test_while_another_is_at_work_reserves_nothing(
        self, tenant: Tenant, seller: str, ask: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        whole = refund_operations.request_refund

        def overtaken(*arguments: Any, **named: Any) -> Any:
            row = IdempotencyKey.objects.get()
            with moved_ahead(LATER):
                hold_key(key=row.key, fingerprint=row.fingerprint, actor=tenant.actor)
            return whole(*arguments, **named)

        monkeypatch.setattr(refund_operations, "request_refund", overtaken)
        assert_refused(ask(), 409, "idempotency_key_in_use")
        assert not Operation.objects.filter(kind="refund.create").exists()
        assert refunded(tenant, seller) == []


class TestWhoeverLostTheKey:
    @pytest.fixture
    def slow(self, tenant: Tenant) -> HeldKey:
        """Held once, and taken over since."""
        held = hold(tenant)
        with moved_ahead(LATER):
            assert hold(tenant) == HeldKey(row_id=held.row_id, attempt=2)
        return held

    def test_reserves_nothing(self, slow: HeldKey) -> None:
        with transaction.atomic(), pytest.raises(KeyInUse):
            keep_hold(slow)
        with transaction.atomic():
            keep_hold(HeldKey(row_id=slow.row_id, attempt=2))

    def test_stores_no_answer(self, slow: HeldKey, caplog: pytest.LogCaptureFixture) -> None:
        store_answer(slow, status_code=201, body="{}", api_version="2024-09-26")
        assert IdempotencyKey.objects.get().answered_at is None
        assert "the answer of attempt 1 is not final or came too late" in caplog.text

    def test_neither_frees_nor_forgets_it(self, slow: HeldKey) -> None:
        until = IdempotencyKey.objects.get().held_until
        free_key(slow)
        forget_key(slow)
        assert IdempotencyKey.objects.get().held_until == until

    def test_does_not_replace_the_answer(self, tenant: Tenant, slow: HeldKey) -> None:
        second = HeldKey(row_id=slow.row_id, attempt=2)
        store_answer(second, status_code=201, body='{"by": "the second"}', api_version="2024-09-26")
        store_answer(slow, status_code=500, body='{"by": "the first"}', api_version="2024-09-26")
        store_answer(second, status_code=500, body='{"by": "the second, twice"}', api_version="2024-09-26")
        stored = hold_key(key="k", fingerprint="f", actor=tenant.actor)
        assert stored == StoredAnswer(status_code=201, body={"by": "the second"}, api_version="2024-09-26")


def hold(tenant: Tenant) -> HeldKey:
    held = hold_key(key="k", fingerprint="f", actor=tenant.actor)
    assert isinstance(held, HeldKey)
    return held
