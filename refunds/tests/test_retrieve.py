"""GET /refunds/{id}, and what becomes of a refund at Stripe after it was made."""

import logging
from typing import Any

import pytest

from commercecore_payments.tests.tenants import Tenant, refunds_at_stripe
from developers.tests.factories import AppFactory
from gateway import reads
from gateway.models import Operation
from gateway.snapshots import RefundSnapshot
from refunds.models import LEGAL_MOVES, Refund, Status
from refunds.operations import refresh_refund
from sandbox.money import refund_lifecycle
from transactions.models import Transaction


def refund_id_of(response: Any) -> str:
    assert response.status_code == 201
    return str(response.json()["data"]["refund_id"])


def pending_refund(tenant: Tenant, seller: str, **more: Any) -> str:
    tenant.confirm(seller, tenant.create_payment(seller), "pm_card_pendingRefund")
    return refund_id_of(tenant.refund(seller, **more))


def snapshot(status: str) -> RefundSnapshot:
    return RefundSnapshot(id="re_1", status=status, failure_reason="", metadata={})


class TestReadingARefund:
    def test_tells_all_of_it(self, tenant: Tenant, seller: str) -> None:
        transaction_id = tenant.pay(seller)
        refund_id = refund_id_of(tenant.refund(seller, amount=300, reason="duplicate", metadata={"ticket": "T-1"}))
        response = tenant.get(f"/refunds/{refund_id}")
        assert (response.status_code, response.json()["meta"]["status_code"]) == (200, 200)
        assert response.json()["data"] == {
            "message": "Refund processed successfully",
            "refund_id": refund_id,
            "version": 2,
            "status": "succeeded",
            "amount": 300,
            "currency": "usd",
            "order_id": "2227222",
            "transaction_id": transaction_id,
            "account_id": seller,
            "user_id": "usr_ada",
            "external": False,
            "reason": "duplicate",
            "failure_reason": "",
            "refund_application_fee": False,
            "metadata": {"ticket": "T-1"},
            "created": int(Refund.objects.get().created_at.timestamp()),
        }

    def test_finds_those_of_other_payment_methods_too(self, tenant: Tenant, seller: str) -> None:
        tenant.pay(seller)
        tenant.refund(seller)
        Refund.objects.update(stripe_refund_id="pyr_1", status="failed")
        assert tenant.get("/refunds/pyr_1").json()["data"]["status"] == "failed"

    def test_of_another_app_or_developer_is_not_found(self, tenant: Tenant, seller: str) -> None:
        tenant.pay(seller)
        refund_id = refund_id_of(tenant.refund(seller))
        other_app = Tenant(tenant.developer, AppFactory.create(developer=tenant.developer), tenant.token)
        for stranger in (other_app, Tenant.create()):
            response = stranger.get(f"/refunds/{refund_id}")
            assert (response.status_code, response.json()["details"]["code"]) == (404, "refund_not_found")
        assert tenant.get("/refunds/re_nobody").status_code == 404

    def test_shows_what_became_of_a_pending_one(self, tenant: Tenant, seller: str) -> None:
        refund_id = pending_refund(tenant, seller)
        assert tenant.get(f"/refunds/{refund_id}").json()["data"]["status"] == "pending"
        refund_lifecycle.order(refund_id, "succeeded")
        assert tenant.get(f"/refunds/{refund_id}").json()["data"]["status"] == "succeeded"
        assert Transaction.objects.get().holds_order is False

    def test_of_a_deleted_account_shows_what_was_last_seen(
        self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        tenant.pay(seller)
        refund_id = refund_id_of(tenant.refund(seller))
        account = Transaction.objects.get().account
        account.mark_deleted()
        monkeypatch.delattr(reads, "retrieve_refund")
        assert tenant.get(f"/refunds/{refund_id}").json()["data"]["status"] == "succeeded"


class TestARefundThatFailsLater:
    def test_frees_its_amount_and_holds_its_order_again(self, tenant: Tenant, seller: str) -> None:
        tenant.pay(seller, amount=1000)
        refund_id = refund_id_of(tenant.refund(seller))
        assert Transaction.objects.get().holds_order is False

        refund_lifecycle.order(refund_id, "failed", "lost_or_stolen_card")
        data = tenant.get(f"/refunds/{refund_id}").json()["data"]
        assert (data["status"], data["failure_reason"], data["message"]) == ("failed", "lost_or_stolen_card", "Refund failed")
        payment = Transaction.objects.get()
        assert (payment.amount_refunded_minor, payment.holds_order) == (0, True)
        assert tenant.refund(seller).json()["data"]["amount"] == 1000

    def test_leaves_the_order_to_whoever_pays_it_by_now(self, tenant: Tenant, seller: str) -> None:
        first = tenant.pay(seller, amount=1000)
        refund_id = refund_id_of(tenant.refund(seller))
        second = tenant.pay(seller, amount=1000)
        refund_lifecycle.order(refund_id, "failed")
        assert tenant.get(f"/refunds/{refund_id}").json()["data"]["status"] == "failed"
        held = dict(Transaction.objects.values_list("stripe_payment_intent_id", "holds_order"))
        assert held == {first: False, second: True}
        assert Transaction.objects.get(stripe_payment_intent_id=first).amount_refunded_minor == 0

    def test_as_a_part_holds_an_order_that_was_refunded_in_parts(self, tenant: Tenant, seller: str) -> None:
        transaction_id = tenant.pay(seller, amount=1000)
        tenant.refund(seller, amount=400)
        refund_id = refund_id_of(tenant.refund(seller))
        refund_lifecycle.order(refund_id, "failed")
        tenant.get(f"/refunds/{refund_id}")
        payment = Transaction.objects.get()
        assert (payment.amount_refunded_minor, payment.holds_order) == (400, True)
        assert refunds_at_stripe(seller, transaction_id) == [600, 400]


class TestASlowReadOfARefund:
    def test_takes_no_status_back(self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch) -> None:
        refund_id = pending_refund(tenant, seller)
        slow = Refund.objects.select_related("transaction__account").get()
        read = reads.retrieve_refund

        def late(refund_id: str, *, account_id: str) -> RefundSnapshot:
            """Its answer is on the way while another reader learns what the buyer is asked."""
            answer = read(refund_id, account_id=account_id)
            monkeypatch.setattr(reads, "retrieve_refund", read)
            refund_lifecycle.order(refund_id, "requires_action")
            tenant.get(f"/refunds/{refund_id}")
            return answer

        monkeypatch.setattr(reads, "retrieve_refund", late)
        assert refresh_refund(slow).status == "requires_action"
        assert (Refund.objects.get().status, slow.stripe_refund_id) == ("requires_action", refund_id)


class TestTheLegalMovesOfARefund:
    def test_name_every_status(self) -> None:
        assert set(LEGAL_MOVES) == set(Status)

    @pytest.mark.parametrize(("before", "after"), [("failed", "succeeded"), ("canceled", "pending"), ("succeeded", "pending")])
    def test_let_no_old_answer_in(
        self, tenant: Tenant, seller: str, caplog: pytest.LogCaptureFixture, before: str, after: str
    ) -> None:
        tenant.pay(seller)
        tenant.refund(seller)
        refund = Refund.objects.get()
        refund.status = before
        with caplog.at_level(logging.WARNING, "refunds.models"):
            refund.apply(snapshot(after))
        assert refund.status == before
        assert f"cannot become {after} after {before}" in caplog.text

    def test_take_over_a_status_that_is_new_at_stripe(self, tenant: Tenant, seller: str) -> None:
        tenant.pay(seller)
        tenant.refund(seller)
        refund = Refund.objects.get()
        refund.apply(snapshot("in_transit"))
        assert refund.status == "in_transit"
        refund.apply(snapshot("failed"))
        assert refund.status == "failed"


class TestARefundsOptions:
    def test_are_sent_as_they_were_asked_for(self, tenant: Tenant, seller: str) -> None:
        transaction_id = tenant.pay(seller)
        tenant.refund(seller, amount=300, metadata={"ticket": "T-1"}, refund_application_fee=True)
        operation = Operation.objects.get(kind="refund.create")
        assert operation.parameters == {
            "payment_intent": transaction_id,
            "amount": 300,
            "metadata": {"ticket": "T-1", "commercecore_operation": operation.pk},
            "refund_application_fee": True,
        }
        refund = Refund.objects.get()
        assert (refund.refund_application_fee, refund.metadata) == (True, {"ticket": "T-1"})

    @pytest.mark.parametrize("more", [{"refund_application_fee": "yes"}, {"metadata": {"commercecore_operation": "op_1"}}])
    def test_that_are_none_are_refused(self, tenant: Tenant, seller: str, more: dict[str, Any]) -> None:
        transaction_id = tenant.pay(seller)
        response = tenant.refund(seller, **more)
        assert (response.status_code, list(response.json()["details"]["fields"])) == (400, list(more))
        assert refunds_at_stripe(seller, transaction_id) == []
