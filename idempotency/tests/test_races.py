"""Eight callers under one key at the same moment: one is carried out."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any

import pytest
from django.db import connection, connections, transaction

from commercecore_payments.actors import HeldKey
from commercecore_payments.clock import moved_ahead
from commercecore_payments.tests.tenants import Tenant, refunds_at_stripe
from commercecore_payments.tests.test_races import CALLERS, LATE_S, at_once
from gateway.models import Operation
from gateway.tests.faults import killed, stripe_fails
from idempotency.models import IdempotencyKey
from idempotency.operations import forget_old_keys, keep_hold
from idempotency.tests.keyed import is_replay, under
from idempotency.tests.test_pruning import OLD, create_account
from idempotency.tests.test_takeover import LATER, hold

pytestmark = pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no row locks to test")


class TestEightCallersAtOnce:
    def test_under_one_key_refund_once(self, tenant: Tenant, seller: str) -> None:
        transaction_id = tenant.pay(seller, amount=1000)
        answers = at_once(tenant, lambda caller, _: refund(caller, seller))
        carried_out = [one for one in answers if one.status_code == 201 and not is_replay(one)]
        told = {(one.status_code, is_replay(one)) for one in answers if one is not carried_out[0]}
        assert len(carried_out) == 1
        assert told <= {(409, False), (201, True)}
        assert refunds_at_stripe(seller, transaction_id) == [100]
        assert {one.content for one in answers if one.status_code == 201} == {carried_out[0].content}

    def test_with_different_bodies_carry_one_of_them_out(self, tenant: Tenant, seller: str) -> None:
        transaction_id = tenant.pay(seller, amount=1000)
        answers = at_once(tenant, lambda caller, number: refund(caller, seller, amount=100 + number))
        assert Counter(one.status_code for one in answers) == {201: 1, 422: CALLERS - 1}
        assert len(refunds_at_stripe(seller, transaction_id)) == 1

    def test_take_a_dead_ones_key_over_once(self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch) -> None:
        transaction_id = tenant.pay(seller, amount=1000)
        with stripe_fails(monkeypatch, killed, path="/refunds"), pytest.raises(KeyboardInterrupt):
            refund(tenant, seller)
        with moved_ahead(LATER):
            answers = at_once(tenant, lambda caller, _: refund(caller, seller))
        assert sum(one.status_code == 201 and not is_replay(one) for one in answers) == 1
        assert {one.status_code for one in answers} <= {201, 409}
        assert refunds_at_stripe(seller, transaction_id) == [100]
        assert (IdempotencyKey.objects.get().attempt, Operation.objects.get(kind="refund.create").attempts) == (2, 2)

    def test_whose_validation_fails_leave_no_row(self, tenant: Tenant) -> None:
        answers = at_once(tenant, lambda caller, _: caller.post("/connected-accounts", {"email": "no"}, **under()))
        assert {one.status_code for one in answers} <= {400, 409}
        assert IdempotencyKey.objects.count() == 0

    def test_forget_each_old_key_once(self, tenant: Tenant) -> None:
        for number in range(CALLERS):
            create_account(tenant, number)
        with moved_ahead(OLD):
            forgotten = at_once(tenant, lambda _, __: forget_old_keys(limit=3))
            forgotten.append(forget_old_keys(limit=CALLERS))
        assert sum(forgotten) == CALLERS
        assert max(forgotten[:-1]) <= 3


class TestATakeover:
    def test_waits_for_what_the_holder_is_reserving(self, tenant: Tenant) -> None:
        held = hold(tenant)

        def take_over() -> HeldKey:
            try:
                return hold(tenant)
            finally:
                connections.close_all()

        with moved_ahead(LATER), ThreadPoolExecutor(1) as pool:
            with transaction.atomic():
                keep_hold(held)
                taken = pool.submit(take_over)
                assert wait([taken], timeout=LATE_S).not_done == {taken}
            assert taken.result(timeout=10) == HeldKey(row_id=held.row_id, attempt=2)


def refund(tenant: Tenant, seller: str, *, amount: int = 100) -> Any:
    return tenant.post("/refunds", {"order_id": "2227222", "account_id": seller, "amount": amount}, **under())
