"""What banks do to the books of the property test: buyers' banks dispute, sellers' banks are paid out."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition

from sandbox.api.errors import StripeError
from sandbox.connect.onboarding import OnboardingDetails, complete_onboarding
from sandbox.money import dispute_moves
from sandbox.tests.movements import ANY, Check, Expected, Movement, chosen, happening, options
from sandbox.tests.payment_movements import AMOUNT, PART, Payments

DISPUTED = ("pm_card_createDispute", "pm_card_createDispute", "pm_card_createDisputeInquiry")
GIVE_UP = "give up"
EVIDENCE = ("winning_evidence", "winning_evidence", "losing_evidence", "escalate_inquiry_evidence", "A receipt")
ANSWER = st.sampled_from((*EVIDENCE, GIVE_UP, None))
# The statuses in which a buyer's bank has the money.
TAKEN = ("needs_response", "under_review", "lost", "appeal_needs_response", "appeal_under_review")
# The first is a bank account that takes payouts, the second one that sends them back.
BANK_ACCOUNTS = ("000123456789", "000111111116")
# A payment that is disputed at once.
DISPUTE: dict[str, Any] = {
    "seller": st.integers(0, 1),
    "amount": AMOUNT,
    "card": st.sampled_from(DISPUTED),
    "answer": ANSWER,
}


class Banks(Payments):
    """What happens with buyers' and sellers' banks."""

    @initialize(**DISPUTE)
    def begin_with_a_dispute(self, **dispute: Any) -> None:
        self.receive_and_lose(**dispute)

    @happening(**DISPUTE)
    def be_disputed(self, **dispute: Any) -> None:
        self.receive_and_lose(**dispute)

    def receive_and_lose(self, seller: int, amount: int, card: str, answer: str | None) -> None:
        """Takes a payment that its buyer disputes, answers, and tries to give a part of it back."""
        charge = self.pay(seller, amount=amount, currency="usd", payment_method=card)
        account = options(charge.account)
        (dispute,) = self.v1.disputes.list({"payment_intent": charge.payment_intent}, account).data
        self.answer(dispute.id, account, answer)
        self.attempt(lambda: self.v1.refunds.create({"charge": charge.stripe_id, "amount": 1}, account))

    @precondition(lambda self: bool(self.of_sellers("dispute")))
    @happening(which=ANY, answer=ANSWER)
    def answer_dispute(self, which: int, answer: str | None) -> None:
        dispute = chosen(self.of_sellers("dispute"), which)
        self.answer(dispute.stripe_id, options(dispute.account), answer)

    @precondition(lambda self: bool(self.of_sellers("dispute")))
    @happening(which=ANY, status=st.sampled_from(tuple(dispute_moves.NEXT)))
    def decide_dispute(self, which: int, status: str) -> None:
        with suppress(StripeError):  # a status that cannot follow moves nothing
            dispute_moves.move(chosen(self.of_sellers("dispute"), which).stripe_id, status)

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


def of_disputes(books: Banks, account: str) -> Iterator[Movement]:
    """The bank takes the money and gives it back by turns, as often as the dispute says: see check_disputes."""
    for dispute in books.objects(account, "dispute"):
        for turn in range(len(dispute["balance_transactions"])):
            amount = dispute["amount"] if turn % 2 else -dispute["amount"]
            yield Movement("adjustment", dispute["id"], amount, dispute["currency"])


def of_payouts(books: Banks, account: str) -> Iterator[Movement]:
    returns = {"failed": "payout_failure", "canceled": "payout_cancel"}
    for payout in books.objects(account, "payout"):
        yield Movement("payout", payout["id"], -payout["amount"], payout["currency"])
        if payout["status"] in returns:
            yield Movement(returns[payout["status"]], payout["id"], payout["amount"], payout["currency"])


def check_disputes(books: Banks, account: str) -> None:
    """A charge is marked as disputed where it is, and the bank has the money where the dispute's status says so.

    A bank that disputes at once takes what refunds have left. Refunds may come before the escalation of an inquiry, and
    between a dispute that was won and one that is lost after all.
    """
    disputes = {dispute["charge"]: dispute for dispute in books.objects(account, "dispute")}
    transactions = {one["id"]: one for one in books.objects(account, "balance_transaction")}
    for charge in books.objects(account, "charge"):
        dispute = disputes.get(charge["id"])
        assert charge["disputed"] == (dispute is not None)
        if dispute:
            moved = [transactions[one["id"]] for one in dispute["balance_transactions"]]
            assert dispute["balance_transactions"] == moved
            assert (sum(one["net"] for one in moved) < 0) == (dispute["status"] in TAKEN) == (len(moved) % 2 == 1)
            assert bool(moved) == (dispute["status"] in (*TAKEN, "won"))
            if len(moved) == 1 and dispute["reason"] != "general":  # that of inquiries
                assert dispute["amount"] + charge["amount_refunded"] <= charge["amount"]


def check_payouts(books: Banks, account: str) -> None:
    """What an automatic payout carried is, itself included, nothing: it took exactly what there was, in one currency."""
    for payout in books.objects(account, "payout"):
        carried = [row.data for row in books.rows(account, "balance_transaction") if row.hidden.get("payout") == payout["id"]]
        assert {one["currency"] for one in carried} <= {payout["currency"]}
        assert sum(one["net"] for one in carried) == 0
        assert (payout["balance_transaction"] in {one["id"] for one in carried}) == payout["automatic"]


EXPECTED: list[Expected] = [of_disputes, of_payouts]
CHECKS: list[Check] = [check_disputes, check_payouts]
