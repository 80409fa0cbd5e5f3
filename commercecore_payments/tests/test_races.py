"""Callers at the same moment. PostgreSQL's row locks are what is tested: SQLite has one writer and no such locks."""

import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event
from typing import Any

import pytest
from django.db import connection, connections

from accounts.models import ConnectedAccount
from commercecore_payments.tests.tenants import Tenant, intent_at_stripe, refunds_at_stripe
from gateway.client import stripe_client
from gateway.models import Operation
from gateway.operations import reserve
from gateway.tests.faults import Answer, Send, stripe_error, stripe_fails
from paymentmethods.models import Customer, PaymentMethod
from transactions.models import Transaction
from transactions.operations import cancel, settle

CALLERS = 8
# Seconds in which all of them have certainly asked.
LATE_S = 2.0

pytestmark = pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no row locks to test")


def at_once(tenant: Tenant, call: Callable[[Tenant, int], Any]) -> list[Any]:
    """The answers to `call`, made by eight callers who start together."""
    start = Barrier(CALLERS)

    def one(number: int) -> Any:
        try:
            start.wait(timeout=10)
            return call(tenant.as_user(tenant.user_id), number)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(CALLERS) as pool:
        return list(pool.map(one, range(CALLERS)))


def counted(answers: list[Any]) -> dict[int, int]:
    return dict(Counter(answer.status_code for answer in answers))


def answer_late(send: Send, *request: Any) -> Answer:
    """Stripe takes its time."""
    time.sleep(LATE_S)
    return send(*request)


def refuse_late(send: Send, *request: Any) -> Answer:
    """Stripe takes its time, and refuses."""
    time.sleep(LATE_S)
    return stripe_error(400, {"type": "invalid_request_error", "code": "charge_disputed", "message": "It is disputed."})


class TestEightCallersAtOnce:
    def test_refund_no_more_than_was_paid(self, tenant: Tenant, seller: str) -> None:
        transaction_id = tenant.pay(seller, amount=1000)
        answers = at_once(tenant, lambda caller, number: caller.refund(seller, amount=400 + number))
        assert counted(answers) == {201: 2, 409: 6}
        refunded = refunds_at_stripe(seller, transaction_id)
        assert len(refunded) == 2
        assert Transaction.objects.get().amount_refunded_minor == sum(refunded) <= 1000

    def test_all_get_their_refunds_where_they_fit(self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch) -> None:
        transaction_id = tenant.pay(seller, amount=1000)
        with stripe_fails(monkeypatch, answer_late, path="/refunds"):
            answers = at_once(tenant, lambda caller, number: caller.refund(seller, amount=100 + number))
        assert counted(answers) == {201: CALLERS}
        assert sorted(refunds_at_stripe(seller, transaction_id)) == [100 + number for number in range(CALLERS)]
        assert Transaction.objects.get().amount_refunded_minor == 828

    @pytest.mark.parametrize("amount", [{"amount": 400}, {}], ids=["a part", "all that is left"])
    def test_who_ask_for_the_same_refund_all_get_that_one(
        self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch, amount: dict[str, Any]
    ) -> None:
        transaction_id = tenant.pay(seller, amount=1000)
        with stripe_fails(monkeypatch, answer_late, path="/refunds"):
            answers = at_once(tenant, lambda caller, _: caller.refund(seller, **amount))
        assert counted(answers) == {201: CALLERS}
        assert len({answer.json()["data"]["refund_id"] for answer in answers}) == 1
        assert refunds_at_stripe(seller, transaction_id) == [amount.get("amount", 1000)]

    def test_are_all_told_that_the_same_refund_was_refused(
        self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        transaction_id = tenant.pay(seller, amount=1000)
        with stripe_fails(monkeypatch, refuse_late, path="/refunds"):
            answers = at_once(tenant, lambda caller, _: caller.refund(seller, amount=400))
        assert counted(answers) == {409: CALLERS}
        assert {answer.json()["details"]["code"] for answer in answers} == {"refund_refused"}
        assert Operation.objects.filter(kind="refund.create").count() == 1
        assert refunds_at_stripe(seller, transaction_id) == []

    def test_confirm_a_payment_once(self, tenant: Tenant, seller: str) -> None:
        transaction_id = tenant.create_payment(seller)
        tenant = tenant.in_version("2026-12-01")
        answers = at_once(tenant, lambda caller, _: caller.confirm(seller, transaction_id))
        assert counted(answers) == {200: 1, 409: 7}
        assert intent_at_stripe(seller, transaction_id)["amount_received"] == 1000
        charges = stripe_client().v1.charges.list({"payment_intent": transaction_id}, {"stripe_account": seller})
        assert len(charges.data) == 1
        assert Operation.objects.filter(kind="payment_intent.confirm").count() == 1

    def test_start_one_payment_of_an_order(self, tenant: Tenant, seller: str) -> None:
        body = {"order_id": "1", "account_id": seller, "amount": 1000}
        answers = at_once(tenant, lambda caller, _: caller.post("/transactions", body))
        assert set(counted(answers)) <= {201, 409}
        assert len({answer.json()["data"]["transaction_id"] for answer in answers if answer.status_code == 201}) == 1
        assert len(stripe_client().v1.payment_intents.list({}, {"stripe_account": seller}).data) == 1
        assert Transaction.objects.count() == 1

    def test_create_one_account_an_email(self, tenant: Tenant) -> None:
        body = {"email": "seller@example.com"}
        answers = at_once(tenant, lambda caller, _: caller.post("/connected-accounts", body))
        assert counted(answers) == {201: 1, 409: 7}
        assert ConnectedAccount.objects.count() == Operation.objects.count() == 1

    def test_make_one_customer_of_a_user_and_prefer_one_card(self, tenant: Tenant) -> None:
        cards = ["pm_card_visa", "pm_card_amex", "pm_card_mastercard", "pm_card_visa_debit"]

        def save(caller: Tenant, number: int) -> Any:
            return caller.post("/payment-methods", {"payment_method_id": cards[number % 4], "preferred": True})

        answers = at_once(tenant, save)
        assert set(counted(answers)) <= {201, 409}
        [customer] = Customer.objects.all()
        assert [one.id for one in stripe_client().v1.customers.list().data] == [customer.stripe_customer_id]
        assert save(tenant, 0).status_code == 201
        at_once(tenant, save)
        assert PaymentMethod.objects.filter(preferred=True).count() == 1

    def test_delete_an_account_once(self, tenant: Tenant, seller: str) -> None:
        answers = at_once(tenant, lambda caller, _: caller.delete(f"/connected-accounts/{seller}"))
        assert counted(answers)[200] >= 1  # whoever finds the account gone is told that it is
        assert set(counted(answers)) <= {200, 404, 409}
        assert Operation.objects.filter(kind="account.delete").count() == 1

    def test_settle_one_operation_while_another_is_reserved(
        self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Each waits for nothing that the other holds: neither is ended by the database."""
        transaction_id = tenant.create_payment(seller)
        is_locked = Event()

        def answer_when_locked(send: Send, *request: Any) -> Answer:
            answer = send(*request)
            is_locked.wait(timeout=10)
            return answer

        def reserve_late(*arguments: Any, **options: Any) -> Operation:
            is_locked.set()
            time.sleep(LATE_S)  # the confirmation's answer is being written down by now
            return reserve(*arguments, **options)

        def confirm_or_cancel(caller: Tenant, number: int) -> Any:
            if number == 0:
                return caller.confirm(seller, transaction_id)
            if number > 1:
                return None
            while not Operation.objects.filter(kind="payment_intent.confirm").exists():
                time.sleep(0.01)
            return caller.post(f"/transactions/{transaction_id}/cancel", {})

        monkeypatch.setattr(cancel, "reserve", reserve_late)
        monkeypatch.setattr(settle, "open_operation", lambda _: None)  # it looked before there was one
        with stripe_fails(monkeypatch, answer_when_locked, path="/confirm"):
            confirmed, canceled, *_ = at_once(tenant, confirm_or_cancel)
        assert (confirmed.status_code, confirmed.json()["data"]["status"]) == (200, "succeeded")
        assert (canceled.status_code, canceled.json()["details"]["code"]) == (409, "operation_in_progress")
