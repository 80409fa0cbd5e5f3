"""What becomes of refunds in the property test of the books: they wait, fail, come back from their buyers, or are canceled."""

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition

from sandbox.api.errors import StripeError
from sandbox.money import refund_lifecycle
from sandbox.tests.movements import ANY, PLATFORM, Books, Check, Expected, Movement, happening, options
from sandbox.tests.payment_movements import AMOUNT, PART, Payments

STATUS = st.sampled_from(("failed", "failed", "requires_action", "requires_action", "succeeded", "pending"))
REASON = st.sampled_from(refund_lifecycle.FAILURE_REASONS)
WAITS_FOR = ("insufficient_funds", "charge_pending")


class Refunds(Payments):
    """What buyers, their banks and the sellers' balances make of refunds."""

    @happening(seller=st.integers(0, 1), allowed=st.booleans())
    def go_below_zero(self, seller: int, allowed: bool) -> None:
        self.allow_below_zero(seller, allowed=allowed)

    def allow_below_zero(self, seller: int, *, allowed: bool) -> None:
        """Whether the seller's refunds are taken from a balance that does not cover them, from now on."""
        self.v1.accounts.update(self.sellers[seller], {"settings": {"payouts": {"debit_negative_balances": allowed}}})

    @happening(
        seller=st.integers(0, 1), amount=AMOUNT, card=st.sampled_from(("pm_card_visa", "pm_card_pendingRefund")), part=PART
    )
    def refund_what_is_not_there_yet(self, seller: int, amount: int, card: str, part: int) -> None:
        self.allow_below_zero(seller, allowed=False)
        fee = {"application_fee_amount": amount // 10}
        self.refund(self.pay(seller, amount=amount, currency="usd", payment_method=card, **fee), part, with_fee=amount >= 500)

    @precondition(lambda self: bool(self.of_sellers("refund")))
    @happening(which=ANY, status=STATUS, reason=REASON)
    def decide_refund(self, which: int, status: str, reason: str) -> None:
        refunds = self.of_sellers("refund")
        self.order(refunds[which % len(refunds)].stripe_id, status, reason)

    def order(self, refund: str, status: str, reason: str = "unknown") -> None:
        """Moves a refund to a status, as its bank or its buyer would."""
        with suppress(StripeError):  # of a move that is not legal, which must then move nothing
            refund_lifecycle.order(refund, status, reason)

    @happening(seller=st.integers(0, 1), amount=AMOUNT, part=PART, is_canceled=st.booleans())
    def ask_where_the_money_goes(self, seller: int, amount: int, part: int, is_canceled: bool) -> None:
        """Refunds a payment whose buyer has to say where the money is to go, and may cancel the refund then."""
        charge = self.pay(seller, amount=amount, currency="usd", payment_method="pm_card_pendingRefund")
        refund = self.refund(charge, part, with_fee=False)
        if refund:
            self.order(refund.id, "requires_action")
            if is_canceled:
                self.attempt(lambda: self.v1.refunds.cancel(refund.id, None, options(charge.account)))

    @precondition(lambda self: bool(self.of_sellers("refund")))
    @happening(which=ANY)
    def cancel_refund(self, which: int) -> None:
        refunds = self.of_sellers("refund")
        row = refunds[which % len(refunds)]
        self.attempt(lambda: self.v1.refunds.cancel(row.stripe_id, None, options(row.account)))


def of_refunds(books: Books, account: str) -> Iterator[Movement]:
    for refund in books.objects(account, "refund"):
        # What a hold or a partial capture released is a refund as well, and was never booked.
        if _released(books, account, refund) or not _moved_money(refund):
            continue
        kind = "refund" if refund["destination_details"]["type"] == "card" else "payment_refund"
        yield Movement(kind, refund["id"], -refund["amount"], refund["currency"])
        if refund["status"] in ("failed", "canceled"):
            yield Movement("refund_failure", refund["id"], refund["amount"], refund["currency"])


def _moved_money(refund: dict[str, Any]) -> bool:
    if refund["status"] in ("failed", "canceled"):  # it may have waited until then
        return bool(refund["balance_transaction"])
    return refund.get("pending_reason") not in WAITS_FOR


def _released(books: Books, account: str, refund: dict[str, Any]) -> bool:
    """Whether a refund is what a cancellation or a partial capture left of a hold: the first of its charge."""
    [charge] = [one for one in books.objects(account, "charge") if one["id"] == refund["charge"]]
    first = next(one for one in books.objects(account, "refund") if one["charge"] == charge["id"])
    return bool(charge["amount_captured"] < charge["amount"] and first["id"] == refund["id"])


def check_sums(books: Books, account: str) -> None:
    """A charge's refunded sum is that of its refunds that neither failed nor were canceled: those that wait count."""
    refunds = [one for one in books.objects(account, "refund") if one["status"] not in ("failed", "canceled")]
    for charge in books.objects(account, "charge"):
        refunded = sum(one["amount"] for one in refunds if one["charge"] == charge["id"])
        assert (charge["amount_refunded"], charge["refunded"]) == (refunded, refunded == charge["amount"])
        assert refunded <= charge["amount"]


def check_waiting(books: Books, account: str) -> None:
    """A refund waits for money only where the balance has to cover it and does not."""
    debited = {one["id"]: one["settings"]["payouts"]["debit_negative_balances"] for one in books.objects(PLATFORM, "account")}
    available: Counter[str] = Counter()
    for one in books.objects(account, "balance_transaction"):
        if one["status"] == "available":
            available[one["currency"]] += one["net"]
    for refund in books.objects(account, "refund"):
        assert refund.get("pending_reason") in (None, "processing", *WAITS_FOR)
        assert (refund["status"] == "pending") == ("pending_reason" in refund)
        assert (refund["status"] == "requires_action") == ("next_action" in refund)
        if refund.get("pending_reason") == "insufficient_funds":
            assert not debited[account]
            assert available[refund["currency"]] < refund["amount"]


EXPECTED: list[Expected] = [of_refunds]
CHECKS: list[Check] = [check_sums, check_waiting]
