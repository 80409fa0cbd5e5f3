"""What buyers, sellers and the platform do to the books of the property test: payments, refunds, and application fees."""

from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition

from sandbox.models import SandboxObject
from sandbox.money.settlement import bank_debit_fee, stripe_fee
from sandbox.tests.movements import ANY, NEVER_REDIRECTED, PLATFORM, Books, Check, Expected, Movement, chosen, happening, options

CARDS = ("pm_card_visa", "pm_card_bypassPending", "pm_card_pendingRefund", "pm_card_refundFail")
CURRENCIES = ("usd", "usd", "eur", "jpy")
AMOUNT = st.integers(50, 20_000)
# The application fee in per cent of the amount. 1 % of a small amount is none.
FEE = st.sampled_from((None, 1, 30, 100))
# Of what is left, in per cent: a little more than all of it is refused, and must then move nothing.
PART = st.one_of(st.sampled_from((50, 100, 105)), st.integers(1, 99))

# A payment that is taken at once.
PAYMENT: dict[str, Any] = {
    "seller": st.integers(0, 1),
    "amount": AMOUNT,
    "fee": FEE,
    "currency": st.sampled_from(CURRENCIES),
    "card": st.sampled_from(CARDS),
    "capture": st.sampled_from(("automatic", "automatic", "automatic_async")),
    "part_refunded": st.one_of(st.none(), PART),
}
# One that is held.
HOLD: dict[str, Any] = {
    "seller": st.integers(0, 1),
    "amount": AMOUNT,
    "fee": FEE,
    "card": st.sampled_from(CARDS),
    "part_captured": st.one_of(st.none(), PART),
}


class Payments(Books):
    """What happens to payments, of which the platform takes a fee."""

    def __init__(self) -> None:
        super().__init__()
        # Of each seller: the refunds of application fees that were not part of a refund of the payment.
        self.fee_refunds_alone: list[tuple[str, str]] = []

    def pay(self, seller: int, **sent: Any) -> SandboxObject:
        """A new payment at one of the sellers: its charge."""
        account = self.sellers[seller]
        sent |= {"automatic_payment_methods": NEVER_REDIRECTED, "confirm": True}
        intent = self.v1.payment_intents.create(sent, options(account))
        self.payments.append((account, intent.id))
        return self._charge(intent.id)

    def charge(self, which: int) -> SandboxObject:
        """The charge of a payment as it is now."""
        return self._charge(self.payments[which % len(self.payments)][1])

    @staticmethod
    def _charge(intent: str) -> SandboxObject:
        return SandboxObject.objects.filter(object_type="charge", payment_intent=intent).latest("id")

    def refund(self, charge: SandboxObject, part: int, *, with_fee: bool) -> Any:
        """Gives back a part of what is left of a charge: the refund; None where it is refused."""
        amount = max((charge.data["amount"] - charge.data["amount_refunded"]) * part // 100, 1)
        sent: dict[str, Any] = {"charge": charge.stripe_id, "amount": amount}
        if with_fee:
            sent["refund_application_fee"] = True
        return self.attempt(lambda: self.v1.refunds.create(sent, options(charge.account)))

    @initialize(**PAYMENT)
    def begin_with_a_payment(self, **payment: Any) -> None:
        self.receive(**payment)

    @happening(**PAYMENT)
    def be_paid(self, **payment: Any) -> None:
        self.receive(**payment)

    def receive(
        self, seller: int, amount: int, fee: int | None, currency: str, card: str, capture: str, part_refunded: int | None
    ) -> None:
        """Takes a payment, and may give a part of it back at once."""
        taken = {} if fee is None else {"application_fee_amount": amount * fee // 100}
        charge = self.pay(seller, amount=amount, currency=currency, payment_method=card, capture_method=capture, **taken)
        if part_refunded:
            self.refund(charge, part_refunded, with_fee=bool(charge.data["application_fee"]))

    @initialize(**HOLD)
    def begin_with_a_hold(self, **hold: Any) -> None:
        self.hold(**hold)

    @happening(**HOLD)
    def be_held(self, **hold: Any) -> None:
        self.hold(**hold)

    def hold(self, seller: int, amount: int, fee: int | None, card: str, part_captured: int | None) -> None:
        """Holds the money of a payment, and may capture it, or a part of it, at once."""
        taken = {} if fee is None else {"application_fee_amount": amount * fee // 100}
        charge = self.pay(seller, amount=amount, currency="usd", payment_method=card, capture_method="manual", **taken)
        if part_captured:
            self.capture(charge, part_captured)

    @precondition(lambda self: bool(self.held()))
    @happening(which=ANY, part_captured=st.one_of(st.none(), PART))
    def end_hold(self, which: int, part_captured: int | None) -> None:
        charge = chosen(self.held(), which)
        if part_captured:
            self.capture(charge, part_captured)
        else:
            self.attempt(lambda: self.v1.payment_intents.cancel(charge.payment_intent, None, options(charge.account)))

    def held(self) -> list[SandboxObject]:
        """The charges that were neither captured nor given up at the last check."""
        return [row for row in self.of_sellers("charge") if not row.data["captured"] and not row.data["refunded"]]

    def capture(self, charge: SandboxObject, part: int) -> None:
        """Captures a part of what was held."""
        sent = {"amount_to_capture": max(charge.data["amount"] * part // 100, 1)}
        self.attempt(lambda: self.v1.payment_intents.capture(charge.payment_intent, sent, options(charge.account)))

    @precondition(lambda self: bool(self.payments))
    @happening(which=ANY, part=PART, with_fee=st.booleans())
    def give_back(self, which: int, part: int, with_fee: bool) -> None:
        charge = self.charge(which)
        self.refund(charge, part, with_fee=with_fee and bool(charge.data["application_fee"]))

    @precondition(lambda self: bool(self.rows(PLATFORM, "application_fee")))
    @happening(which=ANY, part=PART)
    def give_back_fee(self, which: int, part: int) -> None:
        fee = chosen(self.objects(PLATFORM, "application_fee"), which)
        amount = max((fee["amount"] - fee["amount_refunded"]) * part // 100, 1)
        refund = self.attempt(lambda: self.v1.application_fees.refunds.create(fee["id"], {"amount": amount}))
        if refund:
            self.fee_refunds_alone.append((fee["account"], refund.id))


def of_charges(books: Payments, account: str) -> Iterator[Movement]:
    for charge in books.objects(account, "charge"):
        if charge["captured"] and charge["paid"]:  # a debit counts as captured before its bank has paid it
            kind = "charge" if _is_of_card(charge) else "payment"
            yield Movement(kind, charge["id"], charge["amount_captured"], charge["currency"])


def _is_of_card(charge: dict[str, Any]) -> bool:
    return bool(charge["payment_method_details"]["type"] == "card")


def of_fees(books: Payments, account: str) -> Iterator[Movement]:
    for fee in books.objects(account, "application_fee"):
        yield Movement("application_fee", fee["id"], fee["amount"], fee["currency"])
    for refund in books.objects(account, "fee_refund"):
        yield Movement("application_fee_refund", refund["id"], -refund["amount"], refund["currency"])


def of_fees_given_back_alone(books: Payments, account: str) -> Iterator[Movement]:
    refunds = {one["id"]: one for one in books.objects(PLATFORM, "fee_refund")}
    for seller, refund_id in books.fee_refunds_alone:
        if seller == account:
            refund = refunds[refund_id]
            yield Movement("adjustment", refund_id, refund["amount"], refund["currency"])


def check_captures(books: Payments, account: str) -> None:
    """A charge that failed has captured nothing, and an intent received what its last charge captured and was paid, if any."""
    charges = {charge["id"]: charge for charge in books.objects(account, "charge")}
    for charge in charges.values():
        assert charge["status"] in ("succeeded", "pending", "failed")
        assert charge["paid"] == (charge["status"] == "succeeded")
        assert charge["captured"] == (charge["amount_captured"] > 0)
        assert charge["status"] != "failed" or not charge["captured"]
        assert bool(charge["balance_transaction"]) == (charge["captured"] and charge["paid"])
    for intent in books.objects(account, "payment_intent"):
        last = charges[intent["latest_charge"]] if intent["latest_charge"] else None
        assert intent["amount_received"] == (last["amount_captured"] if last and last["paid"] else 0)


def check_charges(books: Payments, account: str) -> None:
    """A charge's fees are Stripe's and the platform's."""
    transactions = {one["id"]: one for one in books.objects(account, "balance_transaction")}
    for charge in books.objects(account, "charge"):
        if charge["captured"] and charge["paid"]:
            taken = min(charge["application_fee_amount"] or 0, charge["amount_captured"])
            captured, is_of_card = charge["amount_captured"], _is_of_card(charge)
            fee = stripe_fee(captured, charge["currency"]) if is_of_card else bank_debit_fee(captured)
            assert transactions[charge["balance_transaction"]]["fee"] == fee + taken
            assert bool(charge["application_fee"]) == (taken > 0)


def check_fees(books: Payments, account: str) -> None:
    """What the platform gave back of a fee is what its seller got: with refunds of the payment, and alone."""
    for fee in books.objects(account, "application_fee"):
        refunds = [one for one in books.objects(account, "fee_refund") if one["fee"] == fee["id"]]
        given_back = sum(one["amount"] for one in refunds)
        assert (fee["amount_refunded"], fee["refunded"]) == (given_back, given_back == fee["amount"])
        assert given_back <= fee["amount"]
        assert given_back == _received(books, fee, {one["id"] for one in refunds})


def _received(books: Payments, fee: dict[str, Any], fee_refunds: set[str]) -> int:
    with_refunds = {one["id"] for one in books.objects(fee["account"], "refund") if one["charge"] == fee["charge"]}
    booked = books.objects(fee["account"], "balance_transaction")
    alone = sum(one["net"] for one in booked if one["type"] == "adjustment" and one["source"] in fee_refunds)
    refunds = [one for one in booked if one["reporting_category"] == "refund" and one["source"] in with_refunds]
    lines = [line for one in refunds for line in one["fee_details"]]
    return int(alone - sum(line["amount"] for line in lines))


EXPECTED: list[Expected] = [of_charges, of_fees, of_fees_given_back_alone]
CHECKS: list[Check] = [check_captures, check_charges, check_fees]
