"""A process that dies while a refund is approved: the money goes back exactly once, and nothing is left lying."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from django.db import connection, connections

from commercecore_payments import clock
from commercecore_payments.recovery import Result, recover, recover_due
from commercecore_payments.tests.admin_pages import html_of, record_page
from commercecore_payments.tests.tenants import Tenant, refunds_at_stripe
from gateway.models import Kind, Operation
from gateway.tests.faults import answer, stripe_fails
from refunds.errors import ApprovalIsOver, RefundRefused
from refunds.models import Refund, RefundApproval
from refunds.operations import approve_refund
from refunds.operations.request import finish_refund, reserve_refund
from staff.tests.people import make_member, member
from transactions.models import Transaction

# When recovery takes up what nobody has ended (gateway.models.RECOVERY_AGES).
A_MINUTE, A_DAY = timedelta(minutes=1), timedelta(days=1)


@pytest.fixture
def payment(tenant: Tenant, seller: str) -> Transaction:
    """A payment of 20.00 USD."""
    tenant.pay(seller, amount=2000)
    found: Transaction = Transaction.objects.get()
    return found


@pytest.fixture
def waiting(payment: Transaction) -> RefundApproval:
    """A refund of 8.00 USD that Anna asked for."""
    asked = {"transaction": payment, "amount_minor": 800, "currency": "usd", "reason": "It broke on its way."}
    approval: RefundApproval = RefundApproval.objects.create(requested_by=make_member("anna"), **asked)
    return approval


def at_stripe(payment: Transaction) -> list[int]:
    return refunds_at_stripe(payment.account.stripe_account_id, payment.stripe_payment_intent_id)


def approve(tenant: Tenant, username: str) -> str:
    """How the refund ends that this member of the staff approves; `over` where it was decided before."""
    approval = RefundApproval.objects.select_related("transaction__account").get()
    try:
        return approve_refund(approval, note="I saw it.", user=make_member(username), actor=tenant.actor).status
    except ApprovalIsOver:
        return "over"


def dies(tenant: Tenant) -> None:
    """Ben approves, and his process dies on the way."""
    with pytest.raises(KeyboardInterrupt):
        approve(tenant, "ben")


def before(_: Callable[..., Any]) -> Callable[..., Any]:
    """The process dies before it does this."""

    def die(*unused: Any, **named: Any) -> Any:
        raise KeyboardInterrupt

    return die


def after(whole: Callable[..., Any]) -> Callable[..., Any]:
    """The process dies when it has done this."""

    def do_and_die(*arguments: Any, **named: Any) -> Any:
        whole(*arguments, **named)
        raise KeyboardInterrupt

    return do_and_die


def recovered_after(passed: timedelta) -> list[Result]:
    with clock.moved_ahead(passed):
        return [one.result for one in recover_due()]


class TestAProcessThatDiesBeforeItsDecisionIsKept:
    @pytest.mark.parametrize("moment", [before, after])
    def test_leaves_the_refund_waiting_and_the_next_one_makes_it_once(
        self, payment: Transaction, waiting: RefundApproval, tenant: Tenant, monkeypatch: pytest.MonkeyPatch, moment: Any
    ) -> None:
        with monkeypatch.context() as patch:
            patch.setattr("refunds.operations.approvals.reserve_refund", moment(reserve_refund))
            dies(tenant)
        waiting.refresh_from_db()
        assert (waiting.status, waiting.decided_by, waiting.refund) == ("waiting", None, None)
        assert (Refund.objects.count(), Operation.objects.filter(kind=Kind.REFUND_CREATE).count()) == (0, 0)
        assert (recovered_after(A_MINUTE), at_stripe(payment)) == ([], [])
        assert (approve(tenant, "cleo"), at_stripe(payment)) == ("succeeded", [800])


class TestAProcessThatDiesBetweenItsDecisionAndTheRequest:
    @pytest.fixture(autouse=True)
    def died(self, waiting: RefundApproval, tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
        with monkeypatch.context() as patch:
            patch.setattr("refunds.operations.approvals.finish_refund", before(finish_refund))
            dies(tenant)

    def test_has_its_refund_made_once_by_recovery(self, payment: Transaction, waiting: RefundApproval) -> None:
        waiting.refresh_from_db()
        operation = Operation.objects.open().get()
        assert (waiting.status, waiting.refund, at_stripe(payment)) == ("approved", Refund.objects.get(), [])
        assert waiting.note == f"I saw it. It is asked for by operation {operation.pk}."
        assert (recovered_after(A_MINUTE), recovered_after(A_DAY)) == ([Result.SETTLED], [])
        assert (at_stripe(payment), Refund.objects.get().status) == ([800], "succeeded")
        payment.refresh_from_db()
        assert payment.amount_refunded_minor == 800

    def test_lets_nobody_approve_it_again(self, payment: Transaction, tenant: Tenant) -> None:
        assert (approve(tenant, "cleo"), at_stripe(payment)) == ("over", [])
        assert (Refund.objects.count(), RefundApproval.objects.get().decided_by.username) == (1, "ben")
        assert recovered_after(A_MINUTE) == [Result.SETTLED]
        assert (approve(tenant, "dora"), at_stripe(payment)) == ("over", [800])

    def test_is_told_on_the_front_page_until_it_is_made_and_on_its_own_page(self, waiting: RefundApproval) -> None:
        browser = member("emil")
        assert "Operations without a known outcome" in html_of(browser, "/admin/")
        assert "(creating)" in html_of(browser, record_page(waiting))
        recovered_after(A_MINUTE)
        assert f"{Refund.objects.get()}</a> (succeeded)" in html_of(browser, record_page(waiting))

    @pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer, and its tests share one connection")
    def test_has_it_made_once_however_many_finish_and_approve_at_the_same_moment(
        self, payment: Transaction, tenant: Tenant
    ) -> None:
        operation, start = Operation.objects.open().get(), Barrier(4)

        def act(name: str) -> str:
            try:
                start.wait(timeout=10)
                return approve(tenant, name) if name else recover(Operation.objects.get(pk=operation.pk)).result
            finally:
                connections.close_all()

        with clock.moved_ahead(A_MINUTE), ThreadPoolExecutor(4) as pool:
            ended = sorted(pool.map(act, ["", "", "cleo", "dora"]))
        assert ended[:2] == ["over", "over"]
        assert set(ended[2:]) <= {"settled", "under_way"}
        assert "settled" in ended
        assert at_stripe(payment) == [800]
        operation.refresh_from_db()
        assert (operation.status, operation.attempts) == ("succeeded", 2)


class TestAProcessThatDiesAfterTheRequest:
    def test_has_what_stripe_made_found_and_makes_no_second_one(
        self, payment: Transaction, waiting: RefundApproval, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def die_with_the_answer(send: Any, *request: Any) -> Any:
            send(*request)
            raise KeyboardInterrupt

        with stripe_fails(monkeypatch, die_with_the_answer, path="/refunds"):
            dies(tenant)
        assert (at_stripe(payment), Refund.objects.get().status) == ([800], "creating")
        assert (recovered_after(A_MINUTE), recovered_after(A_DAY)) == ([Result.SETTLED], [])
        waiting.refresh_from_db()
        assert (at_stripe(payment), Refund.objects.get().status, waiting.refund) == ([800], "succeeded", Refund.objects.get())

    def test_before_it_has_told_what_came_of_it_names_the_refund_all_the_same(
        self, payment: Transaction, waiting: RefundApproval, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with monkeypatch.context() as patch:
            patch.setattr("refunds.operations.approvals.finish_refund", after(finish_refund))
            dies(tenant)
        waiting.refresh_from_db()
        assert (waiting.status, waiting.refund, at_stripe(payment)) == ("approved", Refund.objects.get(), [800])
        assert (approve(tenant, "cleo"), recovered_after(A_DAY), at_stripe(payment)) == ("over", [], [800])


class TestARefundThatStripeRefuses:
    def test_is_named_by_its_approval_which_says_why(
        self, payment: Transaction, waiting: RefundApproval, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        disputed = answer(400, {"type": "invalid_request_error", "code": "charge_disputed", "message": "It is disputed."})
        with stripe_fails(monkeypatch, disputed, path="/refunds"), pytest.raises(RefundRefused):
            approve(tenant, "ben")
        waiting.refresh_from_db()
        assert (waiting.status, waiting.refund, at_stripe(payment)) == ("approved", Refund.objects.get(), [])
        assert Refund.objects.get().status == "creation_failed"
        assert waiting.note == "I saw it. It was not refunded: It is disputed."
