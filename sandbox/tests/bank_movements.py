"""What banks do to the books of the property test: buyers' banks dispute, sellers' banks are paid out."""

from collections.abc import Callable, Iterator
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from sandbox.connect.onboarding import OnboardingDetails, complete_onboarding
from sandbox.models import SandboxObject
from sandbox.tests.movements import Movement, objects

DISPUTED = ("pm_card_createDispute", "pm_card_createDisputeInquiry")
GIVE_UP = "give up"
ANSWER = st.sampled_from(("winning_evidence", "losing_evidence", "A receipt", GIVE_UP))
# The first is a bank account that takes payouts, the second one that sends them back.
BANK_ACCOUNTS = ("000123456789", "000111111116")
ANY = st.integers(0, 10**6)


class Banks(RuleBasedStateMachine):
    """The rules of banks, for a platform with two sellers."""

    v1: Any
    sellers: list[str]
    payments: list[tuple[str, str]]

    def attempt(self, call: Callable[[], Any]) -> Any:
        """The answer of a call; None where it is refused."""
        raise NotImplementedError

    def under_sellers(self, object_type: str) -> list[tuple[dict[str, str], str]]:
        """The objects of one type, each with the options of a call for its seller."""
        found = SandboxObject.objects.filter(object_type=object_type, account__in=self.sellers).order_by("id")
        return [({"stripe_account": row.account}, row.stripe_id) for row in found]

    @rule(seller=st.integers(0, 1), amount=st.integers(50, 20_000), card=st.sampled_from(DISPUTED), answer=ANSWER)
    def be_disputed(self, seller: int, amount: int, card: str, answer: str) -> None:
        account = {"stripe_account": self.sellers[seller]}
        never = {"enabled": True, "allow_redirects": "never"}
        paid = {"amount": amount, "currency": "usd", "payment_method": card, "confirm": True}
        intent = self.v1.payment_intents.create({**paid, "automatic_payment_methods": never}, account)
        self.payments.append((account["stripe_account"], intent.id))
        (dispute,) = self.v1.disputes.list({"payment_intent": intent.id}, account).data
        self.answer(account, dispute.id, answer)
        self.attempt(lambda: self.v1.refunds.create({"payment_intent": intent.id, "amount": 1}, account))

    @precondition(lambda self: bool(self.under_sellers("dispute")))
    @rule(which=ANY, answer=ANSWER)
    def answer_dispute(self, which: int, answer: str) -> None:
        disputes = self.under_sellers("dispute")
        self.answer(*disputes[which % len(disputes)], answer)

    def answer(self, account: dict[str, str], dispute: str, answer: str) -> None:
        """Sends evidence to a bank, or gives the dispute up."""
        if answer == GIVE_UP:
            self.attempt(lambda: self.v1.disputes.close(dispute, None, account))
        else:
            self.attempt(lambda: self.v1.disputes.update(dispute, {"evidence": {"uncategorized_text": answer}}, account))

    @rule(seller=st.integers(0, 1), amount=st.integers(1, 10_000), currency=st.sampled_from(("usd", "eur")))
    def pay_out(self, seller: int, amount: int, currency: str) -> None:
        account = {"stripe_account": self.sellers[seller]}
        self.attempt(lambda: self.v1.payouts.create({"amount": amount, "currency": currency}, account))

    @precondition(lambda self: bool(self.under_sellers("payout")))
    @rule(which=ANY)
    def cancel_payout(self, which: int) -> None:
        payouts = self.under_sellers("payout")
        account, payout = payouts[which % len(payouts)]
        self.attempt(lambda: self.v1.payouts.cancel(payout, None, account))

    @rule(seller=st.integers(0, 1), interval=st.sampled_from(("daily", "manual")))
    def set_interval(self, seller: int, interval: str) -> None:
        self.v1.accounts.update(self.sellers[seller], {"settings": {"payouts": {"schedule": {"interval": interval}}}})

    @rule(seller=st.integers(0, 1), number=st.sampled_from(BANK_ACCOUNTS))
    def change_bank(self, seller: int, number: str) -> None:
        complete_onboarding(account_id=self.sellers[seller], details=OnboardingDetails(account_number=number))


def of_disputes(books: Banks, account: str) -> Iterator[Movement]:
    for dispute in objects(account, "dispute"):
        if not dispute["status"].startswith("warning_"):
            yield Movement("adjustment", dispute["id"], -dispute["amount"], dispute["currency"])
        if dispute["status"] == "won":
            yield Movement("adjustment", dispute["id"], dispute["amount"], dispute["currency"])


def of_payouts(books: Banks, account: str) -> Iterator[Movement]:
    returns = {"failed": "payout_failure", "canceled": "payout_cancel"}
    for payout in objects(account, "payout"):
        yield Movement("payout", payout["id"], -payout["amount"], payout["currency"])
        if payout["status"] in returns:
            yield Movement(returns[payout["status"]], payout["id"], payout["amount"], payout["currency"])


def check_disputes(books: Banks, account: str) -> None:
    """A charge is marked as disputed where it is; the bank and the refunds together take no more than was paid."""
    disputes = {dispute["charge"]: dispute for dispute in objects(account, "dispute")}
    transactions = {one["id"]: one for one in objects(account, "balance_transaction")}
    for charge in objects(account, "charge"):
        dispute = disputes.get(charge["id"])
        assert charge["disputed"] == (dispute is not None)
        if dispute and not dispute["status"].startswith("warning_"):
            assert dispute["amount"] + charge["amount_refunded"] <= charge["amount"]
            assert dispute["balance_transactions"] == [transactions[one["id"]] for one in dispute["balance_transactions"]]
            taken = sum(one["net"] for one in dispute["balance_transactions"])
            assert (taken == 0) == (dispute["status"] == "won")


def check_payouts(books: Banks, account: str) -> None:
    """What an automatic payout carried is, itself included, nothing: it took exactly what there was, in one currency."""
    rows = SandboxObject.objects.filter(account=account, object_type="balance_transaction")
    for payout in objects(account, "payout"):
        carried = list(rows.filter(hidden__payout=payout["id"]).values_list("data", flat=True))
        assert {one["currency"] for one in carried} <= {payout["currency"]}
        assert sum(one["net"] for one in carried) == 0
        assert (payout["balance_transaction"] in {one["id"] for one in carried}) == payout["automatic"]
