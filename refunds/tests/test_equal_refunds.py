"""A refund equal to one whose outcome is not known yet: without a key of its own it is that one."""

from collections.abc import Callable
from typing import Any

import pytest

from commercecore_payments.tests.tenants import Tenant, refunds_at_stripe
from gateway.errors import OutcomeUnknown
from gateway.models import Operation, Status
from gateway.operations import record, send
from gateway.outcomes import Fault, Outcome
from gateway.tests.faults import killed, stripe_fails, time_out_after
from idempotency.tests.keyed import actor_with_key
from refunds.models import Refund
from refunds.operations import RefundRequest, request, request_refund, settle_refund
from transactions.models import Transaction


def under_way(tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch, **more: Any) -> Operation:
    """A refund that another request has sent, and that Stripe has not answered."""
    with stripe_fails(monkeypatch, killed, path="/refunds"), pytest.raises(KeyboardInterrupt):
        tenant.refund(seller, **more)
    return Operation.objects.get(kind="refund.create")


def while_waiting(monkeypatch: pytest.MonkeyPatch, happens: Callable[[], Any]) -> None:
    """Lets something happen during a caller's first wait."""
    waits = iter([happens])

    def sleep(_: float) -> None:
        next(waits, lambda: None)()

    monkeypatch.setattr("refunds.operations.request.time.sleep", sleep)


class TestAnEqualRefund:
    def test_that_is_under_way_is_waited_for_and_handed_back(
        self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        transaction_id = tenant.pay(seller, amount=1000)
        first = under_way(tenant, seller, monkeypatch, amount=400)
        while_waiting(monkeypatch, lambda: record(first, send(first), settle_refund))
        response = tenant.refund(seller, amount=400)
        assert response.status_code == 201
        assert response.json()["data"]["refund_id"] == Refund.objects.get().stripe_refund_id
        assert refunds_at_stripe(seller, transaction_id) == [400]

    def test_that_is_refused_meanwhile_is_told_so(self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch) -> None:
        tenant.pay(seller, amount=1000)
        first = under_way(tenant, seller, monkeypatch)
        refused = Outcome(status=Status.REJECTED, fault=Fault("Disputed.", http_status=400, code="charge_disputed"))
        while_waiting(monkeypatch, lambda: record(first, refused, settle_refund))
        response = tenant.refund(seller)
        assert (response.status_code, response.json()["details"]["code"]) == (409, "refund_refused")
        assert response.json()["details"]["stripe_code"] == "charge_disputed"

    def test_whose_outcome_is_lost_meanwhile_is_told_so_and_not_sent_again(
        self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        transaction_id = tenant.pay(seller, amount=1000)
        first = under_way(tenant, seller, monkeypatch)
        lost = Outcome(status=Status.UNKNOWN, fault=Fault("read timed out"))
        while_waiting(monkeypatch, lambda: record(first, lost, settle_refund))
        response = tenant.refund(seller)
        assert (response.status_code, response.json()["details"]["code"]) == (503, "outcome_unknown")
        assert response.json()["details"]["operation_id"] == first.pk
        assert refunds_at_stripe(seller, transaction_id) == []

    def test_that_takes_too_long_is_a_conflict(self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch) -> None:
        transaction_id = tenant.pay(seller, amount=1000)
        under_way(tenant, seller, monkeypatch, amount=400)
        monkeypatch.setattr(request, "WAIT_S", 0.3)
        response = tenant.refund(seller, amount=400)
        assert (response.status_code, response.json()["details"]["code"]) == (409, "operation_in_progress")
        assert response["Retry-After"] == "2"
        assert tenant.refund(seller, amount=300).status_code == 201  # another one need not wait
        assert refunds_at_stripe(seller, transaction_id) == [300]

    def test_that_gives_the_fee_back_is_another_one(self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch) -> None:
        tenant.pay(seller, amount=1000)
        under_way(tenant, seller, monkeypatch, amount=400)
        tenant.refund(seller, amount=400, refund_application_fee=True)
        assert Refund.objects.count() == 2


class TestARefundUnderAKey:
    def test_is_made_once_however_often_it_is_repeated(self, tenant: Tenant, seller: str) -> None:
        transaction_id = tenant.pay(seller, amount=1000)
        asked = RefundRequest(payment=Transaction.objects.select_related("account").get(), amount_minor=400)
        actor = actor_with_key(tenant, "key-1")
        assert request_refund(asked, actor=actor) == request_refund(asked, actor=actor)
        assert refunds_at_stripe(seller, transaction_id) == [400]
        request_refund(asked, actor=actor_with_key(tenant, "key-2"))
        assert refunds_at_stripe(seller, transaction_id) == [400, 400]

    def test_whose_outcome_was_lost_is_continued_by_its_own_key_alone(
        self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        transaction_id = tenant.pay(seller, amount=1000)
        asked = RefundRequest(payment=Transaction.objects.select_related("account").get(), amount_minor=400)
        actor = actor_with_key(tenant, "key-1")
        with stripe_fails(monkeypatch, time_out_after, path="/refunds"), pytest.raises(OutcomeUnknown):
            request_refund(asked, actor=actor)
        other = request_refund(asked, actor=actor_with_key(tenant, "key-2"))
        own = request_refund(asked, actor=actor)
        assert own != other
        assert refunds_at_stripe(seller, transaction_id) == [400, 400]
