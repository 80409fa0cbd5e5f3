"""What Stripe's events do to refunds: those that settle later, and those that were made past this service."""

from dataclasses import replace
from typing import Any

import pytest

from commercecore_payments import clock
from commercecore_payments.tests.tenants import Tenant
from gateway import reads
from gateway.client import stripe_client
from gateway.models import Operation
from gateway.tests.faults import stripe_fails, time_out_after, time_out_before
from refunds.models import Refund
from refunds.operations.bring_up_to_date import ONLY_RELEASES
from sandbox.timeline import due
from stripe_events.models import Status, StripeEvent
from stripe_events.tests.arrivals import arrive, told_by_stripe, work
from transactions.models import Transaction
from transactions.tests.test_webhooks import WEEK, pay_past_us
from webhooks.models import Event


def refund_past_us(seller: str, payment_id: str, **more: Any) -> str:
    """The id of a refund that was made in Stripe's dashboard."""
    asked: Any = {"payment_intent": payment_id, **more}
    return str(stripe_client().v1.refunds.create(asked, {"stripe_account": seller}).id)


def told() -> list[str]:
    return list(Event.objects.order_by("sequence").values_list("type", flat=True))


class TestARefund:
    def test_that_was_pending_is_told_once_when_it_succeeds(self, tenant: Tenant, seller: str) -> None:
        tenant.confirm(seller, tenant.create_payment(seller), "pm_card_pendingRefund")
        assert tenant.refund(seller).json()["data"]["status"] == "pending"
        due.move_clock(WEEK)
        contents = told_by_stripe(seller, "refund.created", "refund.updated")
        arrive([*reversed(contents), *contents])
        work()
        assert Refund.objects.get().status == "succeeded"
        assert told() == ["payment.succeeded", "refund.processed"]

    def test_that_fails_after_it_succeeded_gives_its_amount_back_and_is_told(self, tenant: Tenant, seller: str) -> None:
        tenant.confirm(seller, tenant.create_payment(seller), "pm_card_refundFail")
        assert tenant.refund(seller, amount=400).json()["data"]["status"] == "succeeded"
        assert Transaction.objects.get().amount_refunded_minor == 400
        due.move_clock(WEEK)
        arrive(told_by_stripe(seller, "refund.failed", "refund.updated"))
        work()
        refund = Refund.objects.get()
        assert (refund.status, Transaction.objects.get().amount_refunded_minor) == ("failed", 0)
        assert told() == ["payment.succeeded", "refund.processed", "refund.failed"]

    def test_that_was_read_before_somebody_else_wrote_what_is_newer_is_read_again(
        self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        tenant.confirm(seller, tenant.create_payment(seller), "pm_card_pendingRefund")
        tenant.refund(seller)
        whole = reads.retrieve_refund

        def overtaken(*asked: Any, **where: Any) -> Any:
            found = whole(*asked, **where)
            Refund.objects.update(status="requires_action", updated_at=clock.now())
            return found

        content = told_by_stripe(seller, "refund.created")[0]
        with monkeypatch.context() as patch:
            patch.setattr(reads, "retrieve_refund", overtaken)
            arrive([{**content, "api_version": "2019-02-11"}])
            work()
        assert Refund.objects.get().status == "requires_action"
        assert StripeEvent.objects.get().note == "The refund has just changed here."

    def test_of_another_amount_is_not_taken_for_the_one_whose_answer_was_lost(
        self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        payment_id = tenant.pay(seller)
        with stripe_fails(monkeypatch, time_out_before, path="/v1/refunds"):
            tenant.refund(seller, amount=400)
        operation = Operation.objects.get(kind="refund.create")
        refund_past_us(seller, payment_id, amount=1, metadata={"commercecore_operation": operation.pk})
        arrive(told_by_stripe(seller, "refund.created"))
        work()
        assert list(Refund.objects.order_by("pk").values_list("amount_minor", "status", "external")) == [
            (400, "creating", False),
            (1, "succeeded", True),
        ]
        assert reads.find_refund(operation) is None

    def test_whose_answer_was_lost_is_settled_by_its_event(
        self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        tenant.pay(seller)
        with stripe_fails(monkeypatch, time_out_after, path="/v1/refunds"):
            assert tenant.refund(seller, amount=400).status_code == 503
        arrive(told_by_stripe(seller, "refund.created"))
        work()
        refund = Refund.objects.get()
        assert (refund.status, refund.external, told()[-1]) == ("succeeded", False, "refund.processed")


class TestARefundMadePastThisService:
    @pytest.mark.parametrize("types", [("refund.created",), ("charge.refunded",), ("charge.refunded", "refund.created")])
    def test_becomes_a_record_of_the_payments_app_and_takes_its_part(
        self, tenant: Tenant, seller: str, types: tuple[str, ...]
    ) -> None:
        payment_id = tenant.pay(seller)
        refund_id = refund_past_us(seller, payment_id, amount=300, reason="fraudulent")
        arrive(told_by_stripe(seller, *types))
        work()
        refund = Refund.objects.get()
        assert (refund.stripe_refund_id, refund.external, refund.app, refund.user_id) == (refund_id, True, tenant.app, "")
        assert (refund.status, refund.amount_minor, refund.reason) == ("succeeded", 300, "fraudulent")
        assert Transaction.objects.get().amount_refunded_minor == 300
        assert told() == ["payment.succeeded", "refund.processed"]
        answer = tenant.refund(seller, amount=701)
        assert (answer.status_code, answer.json()["details"]["code"]) == (409, "refund_exceeds_payment")
        assert tenant.refund(seller).json()["data"]["amount"] == 700

    def test_frees_the_order_where_it_is_the_whole(self, tenant: Tenant, seller: str) -> None:
        refund_past_us(seller, tenant.pay(seller))
        arrive(told_by_stripe(seller))
        work()
        payment = Transaction.objects.get()
        assert (payment.amount_refunded_minor, payment.holds_order) == (1000, False)

    def test_of_a_payment_made_past_this_service_brings_its_payment_along(self, tenant: Tenant, seller: str) -> None:
        refund_past_us(seller, pay_past_us(seller), amount=200)
        arrive(told_by_stripe(seller, "refund.created"))
        work()
        refund = Refund.objects.select_related("transaction").get()
        assert (refund.external, refund.app, refund.transaction.external) == (True, None, True)
        assert refund.transaction.amount_refunded_minor == 200
        assert told() == ["payment.succeeded", "refund.processed"]

    def test_that_names_an_operation_which_made_another_refund_is_not_taken_for_it(self, tenant: Tenant, seller: str) -> None:
        payment_id = tenant.pay(seller)
        tenant.refund(seller, amount=100)
        operation = Operation.objects.get(kind="refund.create")
        refund_past_us(seller, payment_id, amount=300, metadata={"commercecore_operation": operation.pk})
        arrive(told_by_stripe(seller, "refund.created"))
        work()
        assert list(Refund.objects.order_by("pk").values_list("amount_minor", "external")) == [(100, False), (300, True)]
        assert Transaction.objects.get().amount_refunded_minor == 400

    def test_that_only_releases_a_hold_is_no_refund(self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch) -> None:
        payment_id = tenant.pay(seller)
        refund_past_us(seller, payment_id, amount=300)
        whole = reads.retrieve_refund

        def without_money(*asked: Any, **where: Any) -> Any:
            return replace(whole(*asked, **where), balance_transaction_id="")

        monkeypatch.setattr(reads, "retrieve_refund", without_money)
        arrive(told_by_stripe(seller, "refund.created"))
        work()
        event = StripeEvent.objects.get()
        assert (event.status, event.note) == (Status.APPLIED, ONLY_RELEASES)
        assert not Refund.objects.exists()
        assert Transaction.objects.get().amount_refunded_minor == 0
