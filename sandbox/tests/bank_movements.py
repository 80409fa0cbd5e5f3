"""What banks do to the books of the property test: buyers' banks dispute, sellers' banks are paid out."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition

from sandbox.api.errors import StripeError
from sandbox.connect import decisions
from sandbox.connect.onboarding import OnboardingDetails, complete_onboarding
from sandbox.money import dispute_orders
from sandbox.tests.movements import ANY, Check, Expected, Movement, chosen, happening, options
from sandbox.tests.payment_movements import AMOUNT, PART, Payments

DISPUTED = ("pm_card_createDispute", "pm_card_createDisputeInquiry")
GIVE_UP = "give up"
EVIDENCE = ("winning_evidence", "winning_evidence", "losing_evidence", "escalate_inquiry_evidence", "A receipt")
ANSWER = st.sampled_from((*EVIDENCE, GIVE_UP, None))
# What a bank or its network decides, one after the other: an inquiry is escalated, a decision is changed or appealed.
DECISIONS = st.sampled_from(
    ((), (), ("needs_response",), ("won", "lost"), ("lost", "appeal_needs_response", "won"), ("appeal_needs_response", "lost"))
)
STATUS = st.sampled_from(tuple(dispute_orders.NEXT))
# The statuses in which a buyer's bank has the money.
TAKEN = ("needs_response", "under_review", "lost", "appeal_needs_response", "appeal_under_review")
# The first is a bank account that takes payouts, the second one that sends them back.
BANK_ACCOUNTS = ("000123456789", "000111111116")
# Days for which an account is paused: a payout that waits meanwhile is canceled after ten.
PAUSE = st.sampled_from((2, 11, 11))
# A payment that is disputed at once.
DISPUTE: dict[str, Any] = {
    "seller": st.integers(0, 1),
    "amount": AMOUNT,
    "card": st.sampled_from(DISPUTED),
    "answer": ANSWER,
    "decided": DECISIONS,
}


class Banks(Payments):
    """What happens with buyers' and sellers' banks."""

    @initialize(**DISPUTE)
    def begin_with_a_dispute(self, **dispute: Any) -> None:
        self.receive_and_lose(**dispute)

    @happening(**DISPUTE)
    def be_disputed(self, **dispute: Any) -> None:
        self.receive_and_lose(**dispute)

    def receive_and_lose(self, seller: int, amount: int, card: str, answer: str | None, decided: tuple[str, ...]) -> None:
        """Takes a payment that its buyer disputes, answers, has it decided, and tries to give parts of it back in between."""
        charge = self.pay(seller, amount=amount, currency="usd", payment_method=card)
        account = options(charge.account)
        (dispute,) = self.v1.disputes.list({"payment_intent": charge.payment_intent}, account).data
        self.answer(dispute.id, account, answer)
        for status in (*decided, None):
            self.attempt(lambda: self.v1.refunds.create({"charge": charge.stripe_id, "amount": 1}, account))
            if status:
                self.decide(dispute.id, status)

    @precondition(lambda self: bool(self.of_sellers("dispute")))
    @happening(which=ANY, answer=ANSWER)
    def answer_dispute(self, which: int, answer: str | None) -> None:
        dispute = chosen(self.of_sellers("dispute"), which)
        self.answer(dispute.stripe_id, options(dispute.account), answer)

    @precondition(lambda self: bool(self.of_sellers("dispute")))
    @happening(which=ANY, status=STATUS)
    def decide_dispute(self, which: int, status: str) -> None:
        self.decide(chosen(self.of_sellers("dispute"), which).stripe_id, status)

    def decide(self, dispute: str, status: str) -> None:
        """Moves a dispute to a status, as its bank would, after all that was due."""
        self.let_pass(timedelta())
        with suppress(StripeError):  # a status that cannot follow moves nothing
            dispute_orders.move(dispute, status)

    def answer(self, dispute: str, account: Any, answer: str | None) -> None:
        """Sends evidence to a bank, gives the dispute up, or leaves it as it is."""
        if answer == GIVE_UP:
            self.attempt(lambda: self.v1.disputes.close(dispute, None, account))
        elif answer:
            self.attempt(lambda: self.v1.disputes.update(dispute, {"evidence": {"uncategorized_text": answer}}, account))

    @precondition(lambda self: bool(self.available()))
    @happening(which=ANY, part=PART, is_canceled=st.booleans())
    def pay_out(self, which: int, part: int, is_canceled: bool) -> None:
        seller, currency, available = chosen(self.available(), which)
        sent = {"amount": max(available * part // 100, 1), "currency": currency}
        payout = self.attempt(lambda: self.v1.payouts.create(sent, options(seller)))
        if payout and is_canceled:
            self.v1.payouts.cancel(payout.id, None, options(seller))

    def available(self) -> list[tuple[str, str, int]]:
        """What the sellers had for a payout at the last check: of whom, in which currency, and how much."""
        seen = [(seller, self.seen_balances[seller][0]) for seller in self.sellers if seller in self.seen_balances]
        return [(seller, currency, amount) for seller, balance in seen for currency, amount in balance.items() if amount > 0]

    @precondition(lambda self: bool(self.of_sellers("payout")))
    @happening(which=ANY)
    def cancel_payout(self, which: int) -> None:
        payout = chosen(self.of_sellers("payout"), which)
        self.attempt(lambda: self.v1.payouts.cancel(payout.stripe_id, None, options(payout.account)))

    @happening(
        seller=st.integers(0, 1), interval=st.sampled_from(("daily", "manual")), bank_account=st.sampled_from(BANK_ACCOUNTS)
    )
    def change_payouts(self, seller: int, interval: str, bank_account: str) -> None:
        account = self.sellers[seller]
        self.v1.accounts.update(account, {"settings": {"payouts": {"schedule": {"interval": interval}}}})
        complete_onboarding(account_id=account, details=OnboardingDetails(account_number=bank_account))

    @happening(seller=st.integers(0, 1), days=PAUSE)
    def be_paused(self, seller: int, days: int) -> None:
        """Is paid out what came in just before, which is not sent by then."""
        account = self.sellers[seller]
        self.pay(seller, amount=20_000, currency="usd", payment_method="pm_card_bypassPending")
        self.attempt(lambda: self.v1.payouts.create({"amount": 100, "currency": "usd"}, options(account)))
        decisions.bring_into(account, "platform_paused")
        self.let_pass(timedelta(days=days))
        decisions.bring_into(account, "active")


def of_disputes(books: Banks, account: str) -> Iterator[Movement]:
    """The bank takes the money and gives it back by turns, as the dispute says: see check_disputes."""
    for dispute in books.objects(account, "dispute"):
        for moved in dispute["balance_transactions"]:
            yield Movement("adjustment", dispute["id"], moved["amount"], dispute["currency"])


def of_payouts(books: Banks, account: str) -> Iterator[Movement]:
    returns = {"failed": "payout_failure", "canceled": "payout_cancel"}
    for payout in books.objects(account, "payout"):
        yield Movement("payout", payout["id"], -payout["amount"], payout["currency"])
        if payout["status"] in returns:
            yield Movement(returns[payout["status"]], payout["id"], payout["amount"], payout["currency"])


def check_disputes(books: Banks, account: str) -> None:
    """A charge is marked as disputed where it is, and the bank has the money where the dispute's status says so.

    The bank and the refunds together never take more than was paid: refunds may come before a dispute, before the escalation
    of an inquiry, and between a dispute that was won and one that is lost after all, which takes nothing where nothing is left.
    """
    disputes = {dispute["charge"]: dispute for dispute in books.objects(account, "dispute")}
    transactions = {one["id"]: one for one in books.objects(account, "balance_transaction")}
    for charge in books.objects(account, "charge"):
        dispute = disputes.get(charge["id"])
        assert charge["disputed"] == (dispute is not None)
        if dispute:
            moved = [transactions[one["id"]] for one in dispute["balance_transactions"]]
            assert dispute["balance_transactions"] == moved
            assert bool(moved) == (dispute["status"] in (*TAKEN, "won"))
            taken, given = [-one["amount"] for one in moved[::2]], [one["amount"] for one in moved[1::2]]
            assert given == taken[: len(given)]
            assert taken[-1:] == [dispute["amount"]] * bool(taken)
            at_the_bank = sum(taken) - sum(given)
            assert (sum(one["net"] for one in moved) < 0) == (at_the_bank > 0) == (len(moved) % 2 == 1)
            assert at_the_bank + charge["amount_refunded"] <= charge["amount"]
            if dispute["status"] not in TAKEN:
                assert at_the_bank == 0
            elif at_the_bank == 0:
                assert _was_refunded(books, account, charge)


def _was_refunded(books: Banks, account: str, charge: dict[str, Any]) -> bool:
    """Whether refunds have once taken all of a charge; they may have failed since."""
    refunds = [one for one in books.objects(account, "refund") if one["charge"] == charge["id"] and one["balance_transaction"]]
    return bool(sum(one["amount"] for one in refunds) >= charge["amount"])


def check_payouts(books: Banks, account: str) -> None:
    """What an automatic payout carried is, itself included, nothing: it took exactly what there was, in one currency."""
    for payout in books.objects(account, "payout"):
        carried = [row.data for row in books.rows(account, "balance_transaction") if row.hidden.get("payout") == payout["id"]]
        assert {one["currency"] for one in carried} <= {payout["currency"]}
        assert sum(one["net"] for one in carried) == 0
        assert (payout["balance_transaction"] in {one["id"] for one in carried}) == payout["automatic"]


EXPECTED: list[Expected] = [of_disputes, of_payouts]
CHECKS: list[Check] = [check_disputes, check_payouts]
