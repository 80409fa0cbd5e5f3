"""The forms that confirm an action: each is good once, for one user, one record and one action, and for an hour."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
import time_machine
from django.db import connection, connections
from django.test import Client

from commercecore_payments import clock
from commercecore_payments.admin.confirmation import CHANGED
from commercecore_payments.tests.admin_pages import REASON, form_token, perform, record_page
from commercecore_payments.tests.tenants import Tenant, refunds_at_stripe
from gateway.models import Kind, Operation
from refunds.errors import RestHasChanged
from refunds.models import Refund
from refunds.operations.request import reserve_refund
from staff.models import UsedForm
from staff.tests.people import browser_of, make_member, member, told
from transactions.models import Transaction

NOT_VALID = "This form is not valid any more, and nothing was done. Look at the record as it is now, and confirm once more."
HALF = {"amount": "5.00", "reason": REASON}


@pytest.fixture
def payment(tenant: Tenant, seller: str) -> Transaction:
    tenant.pay(seller)
    found: Transaction = Transaction.objects.get()
    return found


def refunds() -> int:
    return Operation.objects.filter(kind=Kind.REFUND_CREATE).count()


def half_of(client: Client, payment: Transaction) -> dict[str, str]:
    """The form that refunds half of the payment, as the client was shown it."""
    return {**HALF, "form_token": form_token(client, record_page(payment, "refund"))}


class TestAForm:
    def test_that_is_sent_twice_is_carried_out_once(self, payment: Transaction, seller: str) -> None:
        client = member("anna")
        form = half_of(client, payment)
        first = client.post(record_page(payment, "refund"), form)
        second = client.post(record_page(payment, "refund"), form)
        [done] = told(first)
        assert done.startswith("The refund of 5.00 USD has succeeded: re_")
        assert told(second)[-1] == f"This form was sent before, and nothing was done twice. What came of it: {done}"
        assert (refunds(), refunds_at_stripe(seller, payment.stripe_payment_intent_id)) == (1, [500])

    def test_that_is_sent_again_after_the_action_is_no_longer_possible_tells_what_it_did(
        self, payment: Transaction, tenant: Tenant
    ) -> None:
        client = member("anna")
        form = {**half_of(client, payment), "amount": "10.00"}
        client.post(record_page(payment, "refund"), form)
        assert "What came of it: The refund of 10.00 USD" in told(client.post(record_page(payment, "refund"), form))[-1]

    def test_with_a_mistake_in_it_is_shown_again_and_may_then_be_sent(self, payment: Transaction) -> None:
        client = member("anna")
        form = half_of(client, payment)
        again = client.post(record_page(payment, "refund"), {**form, "amount": "10.01"})
        assert (again.status_code, list(again.context["form"].errors), refunds()) == (200, ["amount"], 0)
        assert again.context["form_token"] == form["form_token"]
        client.post(record_page(payment, "refund"), form)
        assert refunds() == 1

    @pytest.mark.parametrize("reason", ["", "   ", "x" * 501, "…", "\u200b", "paid \u202etwice"])
    def test_asks_for_a_reason(self, payment: Transaction, reason: str) -> None:
        response = perform(member("anna"), payment, "refund", {"amount": "5.00"}, reason=reason)
        assert (list(response.context["form"].errors), refunds()) == (["reason"], 0)

    @pytest.mark.parametrize("token", [{}, {"form_token": "forged"}, {"form_token": ""}])
    def test_without_its_token_does_nothing(self, payment: Transaction, token: dict[str, str]) -> None:
        response = member("anna").post(record_page(payment, "refund"), {**HALF, **token})
        assert (told(response), response["Location"], refunds()) == ([NOT_VALID], record_page(payment, "refund"), 0)

    def test_of_somebody_else_does_nothing(self, payment: Transaction) -> None:
        form = half_of(member("anna"), payment)
        assert told(member("ben").post(record_page(payment, "refund"), form)) == [NOT_VALID]
        assert refunds() == 0

    def test_of_another_record_or_action_does_nothing(self, payment: Transaction, tenant: Tenant, seller: str) -> None:
        client = member("anna")
        tenant.pay(seller, order_id="other")
        other = Transaction.objects.get(order_id="other")
        tokens = (form_token(client, record_page(other, "refund")), form_token(client, record_page(payment, "read_from_stripe")))
        answers = [client.post(record_page(payment, "refund"), {**HALF, "form_token": token}) for token in tokens]
        assert [told(answer)[-1] for answer in answers] == [NOT_VALID] * 2
        assert refunds() == 0

    def test_of_a_refund_is_refused_where_a_colleague_has_refunded_meanwhile(self, payment: Transaction, seller: str) -> None:
        anna, ben = member("anna"), member("ben")
        of_anna, of_ben = half_of(anna, payment), half_of(ben, payment)
        anna.post(record_page(payment, "refund"), of_anna)
        refused = ben.post(record_page(payment, "refund"), of_ben)
        when = f"{Refund.objects.get().created_at:%Y-%m-%d %H:%M} UTC"
        assert told(refused) == [f"{CHANGED} Last refund: 5.00 USD by anna, {when}."]
        assert refused["Location"] == record_page(payment)
        assert (refunds(), refunds_at_stripe(seller, payment.stripe_payment_intent_id)) == (1, [500])
        ben.post(record_page(payment, "refund"), half_of(ben, payment))
        assert refunds_at_stripe(seller, payment.stripe_payment_intent_id) == [500, 500]

    @pytest.mark.parametrize(("age", "done"), [(timedelta(minutes=59), 1), (timedelta(minutes=61), 0)])
    def test_is_good_for_an_hour(self, payment: Transaction, age: timedelta, done: int) -> None:
        user = make_member("anna")
        form = half_of(browser_of(user), payment)
        with time_machine.travel(clock.now() + age):
            browser_of(user).post(record_page(payment, "refund"), form)
        assert refunds() == done

    def test_is_forgotten_after_a_day(self, payment: Transaction) -> None:
        client = member("anna")
        perform(client, payment, "read_from_stripe")
        assert UsedForm.objects.count() == 1
        with clock.moved_ahead(timedelta(hours=25)):
            perform(client, payment, "read_from_stripe")
        assert UsedForm.objects.filter(used_at__lt=clock.now() + timedelta(hours=1)).count() == 0


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer, and its tests share one connection")
class TestOneFormAtTheSameMoment:
    def test_is_carried_out_once(self, payment: Transaction, seller: str) -> None:
        user = make_member("anna")
        form, start = half_of(browser_of(user), payment), Barrier(4)
        browsers = [browser_of(user) for _ in range(4)]

        def send(browser: Client) -> Any:
            try:
                start.wait(timeout=10)
                return told(browser.post(record_page(payment, "refund"), form))[-1]
            finally:
                connections.close_all()

        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(send, browsers))
        assert len([answer for answer in answers if answer.startswith("This form was sent before")]) == 3
        assert (refunds(), refunds_at_stripe(seller, payment.stripe_payment_intent_id)) == (1, [500])


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer, and its tests share one connection")
class TestTwoFormsOfOneRefundAtTheSameMoment:
    def test_give_the_money_back_once(self, payment: Transaction, seller: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """Four people deal with the same complaint, each a little differently: equal refunds would be taken for one anyway."""
        checked, address = Barrier(4), record_page(payment, "refund")

        def reserve_once_all_have_looked(*arguments: Any, **named: Any) -> Any:
            checked.wait(timeout=10)
            return reserve_refund(*arguments, **named)

        monkeypatch.setattr("refunds.operations.request.reserve_refund", reserve_once_all_have_looked)
        browsers = [member(f"p{number}") for number in range(4)]
        people = [(one, {**half_of(one, payment), "amount": f"2.0{number}"}) for number, one in enumerate(browsers)]

        def send(person: tuple[Client, dict[str, str]]) -> str:
            try:
                return str(told(person[0].post(address, person[1]))[-1])
            finally:
                connections.close_all()

        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(send, people))
        assert sum(RestHasChanged.message in answer for answer in answers) == 3
        assert (refunds(), len(refunds_at_stripe(seller, payment.stripe_payment_intent_id))) == (1, 1)
