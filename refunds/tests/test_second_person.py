"""Refunds of the staff that wait for a second person: when they do, who decides, and that each is made once."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, connection, connections, transaction

from commercecore_payments import clock
from commercecore_payments.admin.confirmation import CHANGED
from commercecore_payments.tests.admin_pages import REASON, form_token, perform, record_page
from commercecore_payments.tests.tenants import Tenant, refunds_at_stripe
from gateway.models import Kind, Operation
from gateway.tests.faults import stripe_fails, time_out_after
from refunds.errors import ApprovalIsOver, NotOwnRefund, OwnRefund
from refunds.models import ApprovalStatus, Refund, RefundApproval
from refunds.operations import RefundRequest, approve_refund, refund_by_staff, refuse_refund, withdraw_refund
from refunds.operations.second_person import refuse_alone
from staff.tests.people import browser_of, make_member, member, told
from transactions.models import Transaction

WAITS = "The refund of {} USD waits for a second person. Nothing was sent to Stripe yet."


@pytest.fixture
def payment(tenant: Tenant, seller: str, settings: Any) -> Transaction:
    """A payment of 20.00 USD, of which one person may refund 5.00."""
    settings.REFUND_APPROVAL_ABOVE_MINOR = 500
    tenant.pay(seller, amount=2000)
    found: Transaction = Transaction.objects.get()
    return found


@pytest.fixture
def anna(payment: Transaction) -> User:
    return make_member("anna")


def refund(user: User, payment: Transaction, amount: str) -> str:
    """What the user is told who asks for this refund."""
    return told(perform(browser_of(user), payment, "refund", {"amount": amount}))[-1]


def at_stripe(payment: Transaction) -> list[int]:
    return refunds_at_stripe(payment.account.stripe_account_id, payment.stripe_payment_intent_id)


@pytest.fixture
def waiting(payment: Transaction, anna: User) -> RefundApproval:
    """A refund of 8.00 USD that Anna asked for."""
    refund(anna, payment, "8.00")
    found: RefundApproval = RefundApproval.objects.get()
    return found


class TestARefundOfTheStaff:
    def test_up_to_the_threshold_is_made_at_once(self, payment: Transaction, anna: User) -> None:
        assert refund(anna, payment, "5.00").startswith("The refund of 5.00 USD has succeeded")
        assert (at_stripe(payment), RefundApproval.objects.count()) == ([500], 0)

    def test_above_it_waits_and_nothing_is_sent(self, payment: Transaction, anna: User) -> None:
        assert refund(anna, payment, "5.01") == WAITS.format("5.01")
        approval = RefundApproval.objects.get()
        assert (approval.amount_minor, approval.requested_by, approval.status) == (501, anna, "waiting")
        assert (at_stripe(payment), Refund.objects.count(), list(RefundApproval.objects.waiting())) == ([], 0, [approval])
        assert not Operation.objects.filter(kind=Kind.REFUND_CREATE).exists()

    def test_that_exceeds_it_together_with_earlier_ones_of_the_day_waits(self, payment: Transaction, anna: User) -> None:
        refund(anna, payment, "3.00")
        assert refund(make_member("ben"), payment, "2.01") == WAITS.format("2.01")
        assert at_stripe(payment) == [300]

    def test_a_day_later_is_counted_anew(self, payment: Transaction, anna: User) -> None:
        refund(anna, payment, "3.00")
        Refund.objects.update(created_at=clock.now() - timedelta(hours=25))
        assert refund(anna, payment, "5.00").startswith("The refund of 5.00 USD has succeeded")

    def test_is_not_counted_with_those_of_the_api(self, payment: Transaction, anna: User, tenant: Tenant, seller: str) -> None:
        assert tenant.refund(seller, amount=1500).status_code == 201
        assert refund(anna, payment, "5.00").startswith("The refund of 5.00 USD has succeeded")

    @pytest.mark.parametrize(("threshold", "amount", "waits"), [(None, "20.00", False), (0, "0.01", True)])
    def test_waits_never_without_a_threshold_and_always_above_none(
        self, payment: Transaction, anna: User, settings: Any, threshold: int | None, amount: str, waits: bool
    ) -> None:
        settings.REFUND_APPROVAL_ABOVE_MINOR = threshold
        assert ("waits for a second person" in refund(anna, payment, amount)) == waits

    def test_beside_one_that_waits_is_refused(self, payment: Transaction, waiting: RefundApproval) -> None:
        ben = make_member("ben")
        refused = "Another refund of this payment waits for a second person. Decide that one first."
        assert [refund(ben, payment, amount) for amount in ("1.00", "9.00")] == [refused] * 2
        assert (at_stripe(payment), RefundApproval.objects.count()) == ([], 1)

    def test_of_the_api_never_waits(self, payment: Transaction, tenant: Tenant, seller: str) -> None:
        assert tenant.refund(seller).status_code == 201


class TestApproving:
    def test_refunds_once_and_names_both(self, payment: Transaction, waiting: RefundApproval) -> None:
        response = perform(member("ben"), waiting, "approve", reason="the photographs show it")
        made = Refund.objects.get()
        assert told(response) == [f"The refund of 8.00 USD has succeeded: {made}."]
        waiting.refresh_from_db()
        assert (waiting.status, waiting.decided_by.username, waiting.refund) == ("approved", "ben", made)  # type: ignore[union-attr]
        assert waiting.note == f"the photographs show it. It was refunded: {made}."
        assert (Operation.objects.get(kind=Kind.REFUND_CREATE).operator, made.operator) == ("ben", "ben")
        assert at_stripe(payment) == [800]
        again = told(perform(member("cleo"), waiting, "approve"))[-1]
        assert (again.startswith("This form is not valid"), at_stripe(payment)) == (True, [800])

    def test_is_not_for_whoever_asked(self, payment: Transaction, anna: User, waiting: RefundApproval) -> None:
        client = browser_of(anna)
        page = client.get(record_page(waiting)).content.decode()
        offered = [name for name in ("approve", "refuse", "withdraw") if f'href="{record_page(waiting, name)}"' in page]
        assert offered == ["withdraw"]
        for action in ("approve", "refuse"):
            assert client.get(record_page(waiting, action))["Location"] == record_page(waiting)
            perform(client, waiting, action)
        waiting.refresh_from_db()
        assert (waiting.status, at_stripe(payment)) == ("waiting", [])

    def test_by_whoever_asked_is_refused_by_the_operations_themselves(
        self, payment: Transaction, anna: User, waiting: RefundApproval, tenant: Tenant
    ) -> None:
        with pytest.raises(OwnRefund):
            approve_refund(waiting, note="", user=anna, actor=tenant.actor)
        with pytest.raises(OwnRefund):
            refuse_refund(waiting, note="", user=anna)
        with pytest.raises(NotOwnRefund):
            withdraw_refund(waiting, note="", user=make_member("ben"))
        waiting.refresh_from_db()
        assert (waiting.status, at_stripe(payment)) == ("waiting", [])

    def test_by_whoever_asked_is_refused_by_the_database_too(self, anna: User, waiting: RefundApproval) -> None:
        for status in (ApprovalStatus.APPROVED, ApprovalStatus.REFUSED):
            with pytest.raises(IntegrityError, match="refund_is_decided_by_a_second_person"), transaction.atomic():
                waiting.decide(status, by=anna)

    def test_of_what_was_refunded_meanwhile_tells_so_and_stays_decided(
        self, payment: Transaction, waiting: RefundApproval, tenant: Tenant, seller: str
    ) -> None:
        tenant.refund(seller, amount=1500)
        response = perform(member("ben"), waiting, "approve")
        told_why = "At most 500 usd can still be refunded."
        assert told(response) == [told_why]
        waiting.refresh_from_db()
        assert (waiting.status, waiting.refund, at_stripe(payment)) == ("approved", None, [1500])
        assert waiting.note.endswith(f"It was not refunded: {told_why}")

    def test_is_refused_where_more_was_refunded_since_the_form_was_shown(
        self, payment: Transaction, waiting: RefundApproval, tenant: Tenant, seller: str
    ) -> None:
        browser, address = member("ben"), record_page(waiting, "approve")
        form = {"form_token": form_token(browser, address), "reason": REASON}
        tenant.refund(seller, amount=700)
        when = f"{Refund.objects.get().created_at:%Y-%m-%d %H:%M} UTC"
        assert told(browser.post(address, form)) == [f"{CHANGED} Last refund: 7.00 USD by the app, {when}."]
        waiting.refresh_from_db()
        assert (waiting.status, waiting.refund, at_stripe(payment)) == ("waiting", None, [700])
        perform(browser, waiting, "approve")
        assert sorted(at_stripe(payment)) == [700, 800]

    def test_whose_outcome_is_unknown_is_told_and_is_not_sent_again(
        self, payment: Transaction, waiting: RefundApproval, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with stripe_fails(monkeypatch, time_out_after, path="/refunds"):
            perform(member("ben"), waiting, "approve")
        operation = Operation.objects.get(kind=Kind.REFUND_CREATE)
        waiting.refresh_from_db()
        assert (waiting.status, waiting.refund, operation.status) == ("approved", Refund.objects.get(), "unknown")
        assert waiting.note.endswith(f"Its outcome is not known yet: operation {operation.pk}.")
        assert at_stripe(payment) == [800]

    def test_what_somebody_else_has_just_approved_refunds_nothing_more(
        self, payment: Transaction, waiting: RefundApproval, tenant: Tenant
    ) -> None:
        as_it_was = RefundApproval.objects.get()
        perform(member("ben"), waiting, "approve")
        with pytest.raises(ApprovalIsOver):
            approve_refund(as_it_was, note="", user=make_member("cleo"), actor=tenant.actor)
        assert (at_stripe(payment), RefundApproval.objects.get().decided_by.username) == ([800], "ben")

    @pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer, and its tests share one connection")
    def test_by_four_at_the_same_moment_refunds_once(self, payment: Transaction, waiting: RefundApproval, tenant: Tenant) -> None:
        people, start = [make_member(name) for name in ("ben", "cleo", "dora", "emil")], Barrier(4)

        def approve(user: User) -> str:
            try:
                as_it_was = RefundApproval.objects.select_related("transaction__account").get()
                start.wait(timeout=10)
                return approve_refund(as_it_was, note="", user=user, actor=tenant.actor).status
            except ApprovalIsOver:
                return "over"
            finally:
                connections.close_all()

        with ThreadPoolExecutor(4) as pool:
            assert sorted(pool.map(approve, people)) == ["over", "over", "over", "succeeded"]
        assert at_stripe(payment) == [800]


class TestTheOtherEnds:
    def test_refused_by_a_second_person_refunds_nothing(self, payment: Transaction, waiting: RefundApproval, anna: User) -> None:
        perform(member("ben"), waiting, "refuse", reason="sent to another address")
        waiting.refresh_from_db()
        assert (waiting.status, waiting.note, at_stripe(payment)) == ("refused", "sent to another address", [])
        assert refund(anna, payment, "9.00") == WAITS.format("9.00")

    def test_withdrawn_by_whoever_asked_refunds_nothing(self, payment: Transaction, waiting: RefundApproval, anna: User) -> None:
        perform(browser_of(anna), waiting, "withdraw")
        waiting.refresh_from_db()
        assert (waiting.status, at_stripe(payment)) == ("withdrawn", [])

    def test_after_a_week_lapses_and_may_be_asked_for_anew(
        self, payment: Transaction, waiting: RefundApproval, anna: User
    ) -> None:
        ben = make_member("ben")
        RefundApproval.objects.update(requested_at=clock.now() - timedelta(days=7, minutes=1))
        assert not RefundApproval.objects.waiting().exists()
        page = browser_of(ben).get(record_page(waiting)).content.decode()
        assert f'href="{record_page(waiting, "approve")}"' not in page
        assert refund(anna, payment, "9.00") == WAITS.format("9.00")
        waiting.refresh_from_db()
        assert (waiting.status, at_stripe(payment)) == ("expired", [])


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer, and its tests share one connection")
class TestTwoSmallRefundsAtTheSameMoment:
    def test_do_not_exceed_the_threshold_together(
        self, payment: Transaction, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse_slowly(locked: Transaction, amount_minor: int) -> None:
            """Whoever is not kept waiting by a lock has summed as well before the first has written."""
            refuse_alone(locked, amount_minor)
            time.sleep(1)

        monkeypatch.setattr("refunds.operations.request.refuse_alone", refuse_slowly)
        start = Barrier(2)
        asked = [(make_member("anna"), 300), (make_member("ben"), 301)]

        def ask(person: tuple[User, int]) -> str:
            try:
                request = RefundRequest(Transaction.objects.select_related("account").get(), amount_minor=person[1])
                start.wait(timeout=10)
                actor = replace(tenant.actor, operator=person[0].username)
                return type(refund_by_staff(request, reason=REASON, user=person[0], actor=actor)).__name__
            finally:
                connections.close_all()

        with ThreadPoolExecutor(2) as pool:
            assert sorted(pool.map(ask, asked)) == ["Refund", "RefundApproval"]
        assert len(at_stripe(payment)) == 1
