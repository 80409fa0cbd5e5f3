"""What bank debits do to the books of the property test: they are asked for, called off, paid, sent back, or disputed."""

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import initialize

from sandbox.tests.bank_debits import capable, confirmed
from sandbox.tests.movements import happening
from sandbox.tests.payment_movements import AMOUNT, FEE, PART, Payments

# What the seller does before the bank has answered.
MEANWHILE = ("nothing", "nothing", "refund", "cancel")
# A payment that its bank answers days later.
DEBIT: dict[str, Any] = {
    "seller": st.integers(0, 1),
    "amount": AMOUNT,
    "fee": FEE,
    "account": st.sampled_from(("success", "success", "noAccount", "processing", "dispute")),
    "meanwhile": st.sampled_from(MEANWHILE),
    "part": PART,
}


class Debits(Payments):
    """What happens to payments that are pending for days."""

    @initialize(**DEBIT)
    def begin_with_a_debit(self, **debit: Any) -> None:
        self.debit(**debit)

    @happening(**DEBIT)
    def be_paid_by_debit(self, **debit: Any) -> None:
        self.debit(**debit)

    def debit(self, seller: int, amount: int, fee: int | None, account: str, meanwhile: str, part: int) -> None:
        """Asks a bank for a payment, and may give a part of it back, or call it off, before the bank answers."""
        at_seller = capable(self.v1, self.sellers[seller])
        taken = {} if fee is None else {"application_fee_amount": amount * fee // 100}
        sent = confirmed(f"pm_usBankAccount_{account}", amount=amount, **taken)
        intent = self.v1.payment_intents.create(sent, at_seller)
        self.payments.append((self.sellers[seller], intent.id))
        if meanwhile == "refund":
            self.refund(self.charge(-1), part, with_fee=fee is not None)
        if meanwhile == "cancel":
            self.attempt(lambda: self.v1.payment_intents.cancel(intent.id, None, at_seller))
