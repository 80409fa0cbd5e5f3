"""Refunds and confirmations whose calls to Stripe were lost, and what recovery makes of them, for tests."""

from datetime import timedelta
from typing import Any

import pytest

from commercecore_payments import clock
from commercecore_payments.recovery import Result, recover_due
from commercecore_payments.tests.tenants import Tenant
from gateway.models import Kind, Operation
from gateway.tests.faults import fail_inside, stripe_fails

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


def parked_refund(tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch) -> Operation:
    """The operation of a refund of 400 that waits for a person."""
    operation = lose_refund(tenant, seller, monkeypatch, fail_inside)
    for passed in (1, 6, 12):
        recovered_after(passed * MINUTE)
    operation.refresh_from_db()
    assert operation.status == "needs_review"
    return operation


def acts(operation: Operation) -> list[tuple[str, str]]:
    """What recovery did of it, in order, and what came of each."""
    return [(attempt.act, attempt.result) for attempt in operation.recovery_attempts.all()]
