"""Many requests at once, on a database that runs them at once."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from threading import Event
from typing import Any

import pytest
import stripe
from django.db import connection

from sandbox.faults import plans
from sandbox.models import SandboxDelivery, SandboxFault, SandboxObject, SandboxTask
from sandbox.money import ledger, payouts
from sandbox.objects import journal, state
from sandbox.tests.at_once import THREADS, at_once, at_seller, succeeded, v1
from sandbox.timeline import clock, due

__all__ = ["at_seller", "v1"]  # the fixtures of these names
pytestmark = pytest.mark.django_db(transaction=True)


class TestRefundsAtOnce:
    def test_never_give_back_more_than_was_paid(self, v1: Any, at_seller: dict[str, str]) -> None:
        for _ in range(5):
            payment = self.paid(v1, at_seller)
            part = {"payment_intent": payment.id, "amount": 300}
            outcomes = at_once([partial(v1.refunds.create, part, at_seller)] * THREADS)
            assert len(succeeded(outcomes)) == 3
            charge = v1.charges.retrieve(payment.latest_charge, None, at_seller)
            assert charge.amount_refunded == 900
            refunds = SandboxObject.objects.filter(object_type="refund", payment_intent=payment.id)
            assert sum(refund.data["amount"] for refund in refunds) == 900

    def test_named_by_charge_and_by_intent_neither_overspend_nor_wait_for_each_other(
        self, v1: Any, at_seller: dict[str, str]
    ) -> None:
        payment = self.paid(v1, at_seller)
        names = [{"payment_intent": payment.id}, {"charge": payment.latest_charge}]
        outcomes = at_once([partial(v1.refunds.create, name | {"amount": 400}, at_seller) for name in names * (THREADS // 2)])
        assert len(succeeded(outcomes)) == 2
        assert v1.charges.retrieve(payment.latest_charge, None, at_seller).amount_refunded == 800

    def paid(self, v1: Any, at_seller: dict[str, str]) -> Any:
        """A payment of 10.00 USD that succeeded."""
        parameters = {"amount": 1000, "currency": "usd", "payment_method": "pm_card_visa", "confirm": True}
        return v1.payment_intents.create(parameters | {"return_url": "https://shop.example"}, at_seller)


class TestMovesAtOnce:
    def unpaid(self, v1: Any, at_seller: dict[str, str], **parameters: Any) -> Any:
        """A payment intent that redirects no buyer."""
        never = {"enabled": True, "allow_redirects": "never"}
        defaults = {"amount": 1000, "currency": "usd", "automatic_payment_methods": never}
        return v1.payment_intents.create(defaults | parameters, at_seller)

    def test_confirm_once(self, v1: Any, at_seller: dict[str, str]) -> None:
        payment = self.unpaid(v1, at_seller)
        confirm = {"payment_method": "pm_card_visa"}
        outcomes = at_once([partial(v1.payment_intents.confirm, payment.id, confirm, at_seller)] * THREADS)
        assert len(succeeded(outcomes)) == 1
        assert len(v1.charges.list({"payment_intent": payment.id}, at_seller).data) == 1

    def test_either_capture_or_cancel(self, v1: Any, at_seller: dict[str, str]) -> None:
        parameters = {"payment_method": "pm_card_visa", "confirm": True, "capture_method": "manual"}
        payment = self.unpaid(v1, at_seller, **parameters)
        moves = [v1.payment_intents.capture, v1.payment_intents.cancel]
        outcomes = at_once([partial(move, payment.id, None, at_seller) for move in moves * (THREADS // 2)])
        assert len(succeeded(outcomes)) == 1
        charge = v1.charges.retrieve(payment.latest_charge, None, at_seller)
        assert charge.amount_captured + charge.amount_refunded == 1000

    def test_use_a_method_once(self, v1: Any, at_seller: dict[str, str]) -> None:
        method = v1.payment_methods.create({"type": "card", "card": {"token": "tok_visa"}}, at_seller)
        payments = [self.unpaid(v1, at_seller).id for _ in range(THREADS)]
        confirm = {"payment_method": method.id}
        outcomes = at_once([partial(v1.payment_intents.confirm, payment, confirm, at_seller) for payment in payments])
        assert len(succeeded(outcomes)) == 1


class TestPayoutsAtOnce:
    def test_never_take_more_than_is_available(self, v1: Any, at_seller: dict[str, str]) -> None:
        v1.accounts.update(at_seller["stripe_account"], {"settings": {"payouts": {"schedule": {"interval": "manual"}}}})
        paid = {"amount": 1000, "currency": "usd", "payment_method": "pm_card_bypassPending", "confirm": True}
        v1.payment_intents.create(paid | {"return_url": "https://shop.example"}, at_seller)
        assert v1.balance.retrieve(None, at_seller).available[0].amount == 941  # less Stripe's 2.9 % and 0.30
        outcomes = at_once([partial(v1.payouts.create, {"amount": 300, "currency": "usd"}, at_seller)] * THREADS)
        assert len(succeeded(outcomes)) == 3
        assert v1.balance.retrieve(None, at_seller).available[0].amount == 41


class TestAPayoutBesideARefund:
    def test_carries_what_it_was_summed_of(self, v1: Any, at_seller: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
        parameters = {"amount": 1000, "currency": "usd", "payment_method": "pm_card_bypassPending", "confirm": True}
        paid = v1.payment_intents.create(parameters | {"return_url": "https://shop.example"}, at_seller)
        due.carry_out_due()
        make = payouts.make

        def make_while_another_refunds(*arguments: Any, **options: Any) -> SandboxObject:
            data = SandboxObject.objects.get(stripe_id=paid.latest_charge).data
            with ThreadPoolExecutor(1) as other:
                other.submit(self.book_a_debt, at_seller["stripe_account"], data["balance_transaction"]).result()
            return make(*arguments, **options)

        monkeypatch.setattr(payouts, "make", make_while_another_refunds)
        due.move_clock(timedelta(days=1))
        payout = v1.payouts.list(None, at_seller).data[0]
        carried = v1.balance_transactions.list({"payout": payout.id}, at_seller).data
        assert payout.amount == 941
        assert sorted(transaction.net for transaction in carried) == [-941, 941]

    @staticmethod
    def book_a_debt(account: str, source: str) -> None:
        try:
            with journal.change():
                ledger.book(
                    account=account, type="refund", amount=-300, currency="usd", source=source,
                    reporting_category="refund", description="",
                )  # fmt: skip
        finally:
            connection.close()


class TestAPayoutBesideMoneyThatComes:
    def test_takes_it_along_or_is_followed_by_one_that_does(self, v1: Any, at_seller: dict[str, str]) -> None:
        account = at_seller["stripe_account"]
        told: dict[str, Any] = {"type": "charge", "amount": 500, "currency": "usd", "source": "ch_1"}
        come = partial(ledger.book, account=account, reporting_category="charge", description="", **told)
        with journal.change():
            come()
        planned, comes = Event(), Event()

        def come_slowly() -> None:
            try:
                with journal.change():
                    come()
                    planned.set()
                    comes.wait(30)
            finally:
                connection.close()

        with ThreadPoolExecutor(2) as pool:
            slowly = pool.submit(come_slowly)
            assert planned.wait(10)
            paying = pool.submit(at_once, [partial(due.move_clock, timedelta(days=1))])
            time.sleep(0.5)
            comes.set()
            slowly.result(), paying.result()
        due.move_clock(timedelta(days=10))
        assert sum(payout.amount for payout in v1.payouts.list(None, at_seller).data) == 1000
        assert v1.balance.retrieve(None, at_seller).available[0].amount == 0


class TestTasksAtOnce:
    def test_are_carried_out_in_their_order(self, v1: Any, at_seller: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
        send = due.TASKS[payouts.IS_SENT]

        def send_slowly(account: str, payout: str) -> None:
            time.sleep(0.2)  # long enough for somebody else to begin with the payout's arrival
            send(account, payout)

        monkeypatch.setitem(due.TASKS, payouts.IS_SENT, send_slowly)
        parameters = {"amount": 1000, "currency": "usd", "payment_method": "pm_card_visa", "confirm": True}
        v1.payment_intents.create(parameters | {"return_url": "https://shop.example"}, at_seller)
        while not v1.payouts.list(None, at_seller).data:
            due.move_clock(timedelta(days=1))
        with journal.change():
            clock.move_ahead(timedelta(days=10))
        at_once([due.carry_out_due] * 4)
        assert [payout.status for payout in v1.payouts.list(None, at_seller)] == ["paid"]
        assert SandboxTask.objects.filter(due_at__lte=clock.now()).count() == 0


class TestDisputesAtOnce:
    def test_are_opened_once(self, v1: Any, at_seller: dict[str, str]) -> None:
        paid = {"amount": 1000, "currency": "usd", "payment_method": "pm_card_createDispute", "confirm": True}
        v1.payment_intents.create(paid | {"return_url": "https://shop.example"}, at_seller)
        at_once([partial(v1.charges.list, None, at_seller)] * THREADS)
        (dispute,) = v1.disputes.list(None, at_seller).data
        win = {"evidence": {"uncategorized_text": "winning_evidence"}}
        outcomes = at_once([partial(v1.disputes.update, dispute.id, win, at_seller)] * THREADS)
        assert len(succeeded(outcomes)) == 1
        booked = v1.balance_transactions.list({"type": "adjustment"}, at_seller)
        assert [each.amount for each in booked] == [1000, -1000]


class TestOneKeyAtOnce:
    def test_has_one_effect(self, v1: Any) -> None:
        outcomes = at_once([partial(v1.customers.create, {"name": "Ada"}, {"idempotency_key": "key-1"})] * THREADS)
        customers = v1.customers.list().data
        assert len(customers) == 1
        assert {answer.id for answer in succeeded(outcomes)} == {customers[0].id}
        refused = [outcome for outcome in outcomes if isinstance(outcome, stripe.StripeError)]
        assert {(error.http_status, error.error.code) for error in refused if error.error} <= {(409, "idempotency_key_in_use")}


class TestAPlannedFaultAtOnce:
    def test_hits_exactly_as_many_requests_as_it_says(self, v1: Any) -> None:
        for _ in range(5):
            plans.order("limit_rate", times=3)
            outcomes = at_once([v1.customers.create] * THREADS)
            assert [type(one) for one in outcomes if isinstance(one, stripe.StripeError)] == [stripe.RateLimitError] * 3
            assert SandboxFault.objects.count() == 0


class TestPlannedFaultsOfEventsAtOnce:
    def test_are_met_by_changes_whose_events_come_in_different_orders(self, v1: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        v1.webhook_endpoints.create(
            {"url": "http://127.0.0.1:9/", "enabled_events": ["customer.updated", "payment_method.updated"]}
        )
        customers = [v1.customers.create().id for _ in range(2)]
        methods = [v1.payment_methods.create({"type": "card", "card": {"token": "tok_visa"}}).id for _ in range(2)]
        for event_type in ("customer.updated", "payment_method.updated"):
            plans.order("drop_event", event_type=event_type, times=2)
        meet = plans.meet_event

        def meet_slowly(*arguments: Any, **options: Any) -> Any:
            met = meet(*arguments, **options)
            if met is not None:
                time.sleep(0.5)  # long enough for the other change to use up the other fault
            return met

        monkeypatch.setattr(plans, "meet_event", meet_slowly)
        orders = [[customers[0], methods[0]], [methods[1], customers[1]]]
        at_once([partial(self.note, order) for order in orders])

        assert SandboxFault.objects.count() == 0
        deliveries = SandboxDelivery.objects.values_list("event__data__type", "status")
        assert sorted(deliveries) == [("customer.updated", "dropped")] * 2 + [("payment_method.updated", "dropped")] * 2

    @staticmethod
    def note(stripe_ids: list[str]) -> None:
        """One change that writes these objects, and so their events, in this order."""
        with journal.change():
            for stripe_id in stripe_ids:
                row = SandboxObject.objects.select_for_update().get(stripe_id=stripe_id)
                row.data["metadata"] = {"noted": "yes"}
                state.save(row)
