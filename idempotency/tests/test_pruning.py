"""Old keys are forgotten: never one that is held, nor one whose request may still have an effect."""

from datetime import timedelta
from typing import Any

import pytest

from commercecore_payments.clock import moved_ahead
from commercecore_payments.tests.tenants import Tenant
from commercecore_payments.work import JOBS
from gateway.models import Operation
from gateway.tests.faults import stripe_fails, time_out_before
from idempotency.models import IdempotencyKey
from idempotency.operations import LEASE, RETENTION, forget_old_keys, hold_key
from idempotency.tests.keyed import is_replay, under

# An answered key is unused since the end of its lease.
OLD = RETENTION + LEASE + timedelta(minutes=1)


def create_account(tenant: Tenant, number: int = 1) -> Any:
    return tenant.post("/connected-accounts", {"email": f"seller{number}@example.com"}, **under(f"key-{number}"))


class TestAKey:
    def test_is_kept_for_72_hours_and_forgotten_by_the_worker(self, tenant: Tenant) -> None:
        first = create_account(tenant)
        with moved_ahead(RETENTION - timedelta(minutes=1)):
            assert forget_old_keys(limit=10) == 0
            second = create_account(tenant)
            assert not JOBS["idempotency keys"].do_next()
        assert (second.content, is_replay(second)) == (first.content, True)
        with moved_ahead(OLD):
            assert [JOBS["idempotency keys"].do_next() for _ in range(2)] == [True, False]

    def test_is_forgotten_afterwards_and_its_operations_stay(self, tenant: Tenant) -> None:
        create_account(tenant)
        with moved_ahead(OLD):
            assert forget_old_keys(limit=10) == 1
        assert IdempotencyKey.objects.count() == 0
        assert Operation.objects.get().caller_key is None

    def test_that_is_held_is_kept(self, tenant: Tenant) -> None:
        with moved_ahead(OLD):
            hold_key(key="k", fingerprint="f", actor=tenant.actor)
            assert forget_old_keys(limit=10) == 0
        with moved_ahead(OLD + RETENTION):
            assert forget_old_keys(limit=10) == 0

    def test_counts_from_its_last_attempt(self, tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
        with stripe_fails(monkeypatch, time_out_before, path="/accounts"):
            create_account(tenant)
        with moved_ahead(timedelta(hours=22)):
            assert create_account(tenant).status_code == 201
        with moved_ahead(OLD):
            assert forget_old_keys(limit=10) == 0

    def test_of_a_request_whose_outcome_is_unknown_is_kept(self, tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
        with stripe_fails(monkeypatch, time_out_before, path="/accounts"):
            create_account(tenant)
        create_account(tenant, 2)
        with moved_ahead(OLD):
            assert forget_old_keys(limit=10) == 1
        assert Operation.objects.get(status="unknown").caller_key == IdempotencyKey.objects.get()

    def test_is_one_of_as_many_as_were_asked_for_the_oldest_first(self, tenant: Tenant) -> None:
        for number in range(3):
            with moved_ahead(timedelta(minutes=number)):
                create_account(tenant, number)
        with moved_ahead(OLD + timedelta(minutes=3)):
            assert forget_old_keys(limit=2) == 2
            assert IdempotencyKey.objects.get().key == "key-2"
            assert forget_old_keys(limit=2) == 1
