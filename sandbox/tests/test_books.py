"""After any number of payments, refunds and days, an account's books add up to the cent.

What the books must say is worked out from the objects alone: each function of EXPECTED tells which movements one kind of
object causes, and the balance transactions must be exactly these.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import stripe
import time_machine
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule, run_state_machine_as_test

from sandbox.models import SandboxObject
from sandbox.money.settlement import stripe_fee
from sandbox.tests.bank_movements import DISPUTED, Banks, check_disputes, check_payouts, of_disputes, of_payouts
from sandbox.tests.conftest import Services
from sandbox.tests.movements import Movement, objects
from sandbox.timeline import clock, due

NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)
PLATFORM = ""
CARDS = ("pm_card_visa", "pm_card_bypassPending", "pm_card_pendingRefund", "pm_card_refundFail", *DISPUTED)
CURRENCIES = ("usd", "eur", "jpy")
# Of what is left, in per cent: a little more than all of it is refused, and must then move nothing.
PART = st.integers(1, 105)
ANY = st.integers(0, 10**6)  # which of the objects there are, counted round


class Books(Banks):
    """A platform and its sellers, to whom anything happens in any order."""

    def __init__(self, v1: Services, sellers: list[str]) -> None:
        super().__init__()
        self.v1 = v1
        self.sellers = sellers
        self.payments: list[tuple[str, str]] = []
        # Of each seller: the refunds of application fees that were not part of a refund of the payment.
        self.fee_refunds_alone: list[tuple[str, str]] = []
        self._undone_at_the_end = transaction.atomic()
        self._undone_at_the_end.__enter__()

    def teardown(self) -> None:
        try:
            self.add_up()
        finally:
            transaction.set_rollback(True)
            self._undone_at_the_end.__exit__(None, None, None)

    def add_up(self) -> None:
        """Carries out what is due and checks the books of everybody."""
        due.carry_out_due()
        for account in (PLATFORM, *self.sellers):
            for check in CHECKS:
                check(self, account)

    def attempt(self, call: Callable[[], Any]) -> Any:
        """The answer of a call; None where Stripe refuses it with a 400."""
        try:
            return call()
        except stripe.InvalidRequestError as refused:
            if refused.http_status != 400:
                raise
            return None

    def chosen(self, which: int) -> tuple[dict[str, str], SandboxObject]:
        """The options of a call for a payment's seller, and its charge as it is now."""
        seller, intent = self.payments[which % len(self.payments)]
        charge = SandboxObject.objects.filter(object_type="charge", payment_intent=intent).latest("id")
        return {"stripe_account": seller}, charge

    @rule(
        seller=st.integers(0, 1),
        amount=st.integers(50, 20_000),
        fee=st.one_of(st.none(), st.integers(0, 100)),
        currency=st.sampled_from(CURRENCIES),
        card=st.sampled_from(CARDS),
        capture=st.sampled_from(("automatic", "automatic_async", "manual")),
    )
    def pay(self, seller: int, amount: int, fee: int | None, currency: str, card: str, capture: str) -> None:
        account = self.sellers[seller]
        sent: dict[str, Any] = {
            "amount": amount,
            "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
            "capture_method": capture,
            "confirm": True,
            "currency": currency,
            "payment_method": card,
        }
        if fee is not None:
            sent["application_fee_amount"] = amount * fee // 100
        intent = self.v1.payment_intents.create(sent, {"stripe_account": account})
        self.payments.append((account, intent.id))

    @precondition(lambda self: bool(self.payments))
    @rule(which=ANY, part=PART)
    def capture(self, which: int, part: int) -> None:
        account, charge = self.chosen(which)
        amount = max(charge.data["amount"] * part // 100, 1)
        self.attempt(lambda: self.v1.payment_intents.capture(charge.payment_intent, {"amount_to_capture": amount}, account))

    @precondition(lambda self: bool(self.payments))
    @rule(which=ANY)
    def cancel(self, which: int) -> None:
        account, charge = self.chosen(which)
        self.attempt(lambda: self.v1.payment_intents.cancel(charge.payment_intent, None, account))

    @precondition(lambda self: bool(self.payments))
    @rule(which=ANY, part=PART, with_fee=st.booleans())
    def refund(self, which: int, part: int, with_fee: bool) -> None:
        account, charge = self.chosen(which)
        amount = max((charge.data["amount"] - charge.data["amount_refunded"]) * part // 100, 1)
        sent: dict[str, Any] = {"charge": charge.stripe_id, "amount": amount}
        if with_fee and charge.data["application_fee"]:
            sent["refund_application_fee"] = True
        self.attempt(lambda: self.v1.refunds.create(sent, account))

    @precondition(lambda self: bool(objects(PLATFORM, "application_fee")))
    @rule(which=ANY, part=PART)
    def refund_fee(self, which: int, part: int) -> None:
        fees = objects(PLATFORM, "application_fee")
        fee = fees[which % len(fees)]
        amount = max((fee["amount"] - fee["amount_refunded"]) * part // 100, 1)
        refund = self.attempt(lambda: self.v1.application_fees.refunds.create(fee["id"], {"amount": amount}))
        if refund:
            self.fee_refunds_alone.append((fee["account"], refund.id))

    @rule(hours=st.sampled_from((1, 12, 36, 24 * 7)))
    def wait(self, hours: int) -> None:
        self.add_up()
        due.move_clock(timedelta(hours=hours))


def of_charges(books: Books, account: str) -> Iterator[Movement]:
    for charge in objects(account, "charge"):
        if charge["captured"]:
            yield Movement("charge", charge["id"], charge["amount_captured"], charge["currency"])


def of_refunds(books: Books, account: str) -> Iterator[Movement]:
    captured = {charge["id"] for charge in objects(account, "charge") if charge["captured"]}
    for refund in objects(account, "refund"):
        # What a partial capture released is a refund as well, and was never booked.
        if refund["charge"] in captured and refund["destination_details"]["card"]["type"] == "refund" and not _released(refund):
            yield Movement("refund", refund["id"], -refund["amount"], refund["currency"])
            if refund["status"] == "failed":
                yield Movement("refund_failure", refund["id"], refund["amount"], refund["currency"])


def _released(refund: dict[str, Any]) -> bool:
    """Whether a refund is what a partial capture left: the first of its charge, and not booked."""
    charge = SandboxObject.objects.get(stripe_id=refund["charge"])
    first = SandboxObject.objects.filter(object_type="refund", charge=charge.stripe_id).earliest("id")
    return bool(charge.data["amount_captured"] < charge.data["amount"] and first.stripe_id == refund["id"])


def of_fees(books: Books, account: str) -> Iterator[Movement]:
    for fee in objects(account, "application_fee"):
        yield Movement("application_fee", fee["id"], fee["amount"], fee["currency"])
    for refund in objects(account, "fee_refund"):
        yield Movement("application_fee_refund", refund["id"], -refund["amount"], refund["currency"])


def of_fees_given_back_alone(books: Books, account: str) -> Iterator[Movement]:
    for seller, refund_id in books.fee_refunds_alone:
        if seller == account:
            refund = SandboxObject.objects.get(stripe_id=refund_id).data
            yield Movement("adjustment", refund_id, refund["amount"], refund["currency"])


EXPECTED: list[Callable[[Books, str], Iterator[Movement]]] = [
    of_charges,
    of_refunds,
    of_fees,
    of_fees_given_back_alone,
    of_disputes,
    of_payouts,
]


def check_movements(books: Books, account: str) -> None:
    """The balance transactions are what the objects cause: none is missing, none is doubled, none is unexplained."""
    booked = Counter(
        Movement(one["type"], one["source"], one["amount"], one["currency"]) for one in objects(account, "balance_transaction")
    )
    assert booked == Counter(movement for expected in EXPECTED for movement in expected(books, account))


def check_balance(books: Books, account: str) -> None:
    """The balance is the sum of the transactions: pending is what is not due yet, available the rest."""
    now = clock.now_seconds()
    available: Counter[str] = Counter()
    pending: Counter[str] = Counter()
    for one in objects(account, "balance_transaction"):
        (pending if one["available_on"] > now else available)[one["currency"]] += one["net"]
    balance = books.v1.balance.retrieve(None, {"stripe_account": account} if account else None)
    for shown, booked in ((balance.available, available), (balance.pending, pending)):
        assert {money.currency: money.amount for money in shown if money.amount} == {
            currency: amount for currency, amount in booked.items() if amount
        }


def check_nets(books: Books, account: str) -> None:
    """Each transaction's net is its amount less its fees, and its fees are their lines."""
    for one in objects(account, "balance_transaction"):
        assert one["fee"] == sum(line["amount"] for line in one["fee_details"])
        assert one["net"] == one["amount"] - one["fee"]


def check_charges(books: Books, account: str) -> None:
    """A charge's refunded sum is that of its refunds that did not fail, and its fees are Stripe's and the platform's."""
    transactions = {one["id"]: one for one in objects(account, "balance_transaction")}
    refunds = objects(account, "refund")
    for charge in objects(account, "charge"):
        refunded = sum(one["amount"] for one in refunds if one["charge"] == charge["id"] and one["status"] != "failed")
        assert (charge["amount_refunded"], charge["refunded"]) == (refunded, refunded == charge["amount"])
        assert refunded <= charge["amount"]
        if charge["captured"]:
            taken = min(charge["application_fee_amount"] or 0, charge["amount_captured"])
            fee = stripe_fee(charge["amount_captured"], charge["currency"]) + taken
            assert transactions[charge["balance_transaction"]]["fee"] == fee
            assert bool(charge["application_fee"]) == (taken > 0)


def check_fees(books: Books, account: str) -> None:
    """What the platform gave back of a fee is what its seller got: with refunds of the payment, and alone."""
    for fee in objects(account, "application_fee"):
        refunds = [one for one in objects(account, "fee_refund") if one["fee"] == fee["id"]]
        given_back = sum(one["amount"] for one in refunds)
        assert (fee["amount_refunded"], fee["refunded"]) == (given_back, given_back == fee["amount"])
        assert given_back <= fee["amount"]
        assert given_back == _received(fee, {one["id"] for one in refunds})


def _received(fee: dict[str, Any], fee_refunds: set[str]) -> int:
    with_refunds = {one["id"] for one in objects(fee["account"], "refund") if one["charge"] == fee["charge"]}
    booked = objects(fee["account"], "balance_transaction")
    alone = sum(one["net"] for one in booked if one["type"] == "adjustment" and one["source"] in fee_refunds)
    lines = [line for one in booked if one["type"] == "refund" and one["source"] in with_refunds for line in one["fee_details"]]
    return int(alone - sum(line["amount"] for line in lines))


CHECKS: list[Callable[[Books, str], None]] = [
    check_movements,
    check_balance,
    check_nets,
    check_charges,
    check_fees,
    check_disputes,
    check_payouts,
]


@pytest.mark.django_db
def test_the_books_add_up_whatever_happens(v1: Services, new_seller: Callable[[], str]) -> None:
    with time_machine.travel(NOON, tick=False):
        sellers = [new_seller(), new_seller()]

        class ThesePeoplesBooks(Books):
            def __init__(self) -> None:
                super().__init__(v1, sellers)

        slow = [HealthCheck.too_slow]
        run_state_machine_as_test(
            ThesePeoplesBooks,
            settings=settings(max_examples=25, stateful_step_count=30, deadline=None, suppress_health_check=slow),
        )
