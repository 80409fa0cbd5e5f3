"""What bank debits do to the books of the property test: they are asked for, called off, paid, sent back, or disputed."""

from hypothesis import strategies as st

from sandbox.tests.bank_debits import capable, confirmed
from sandbox.tests.movements import happening
from sandbox.tests.payment_movements import AMOUNT, FEE, PART, Payments

BANK_ACCOUNTS = st.sampled_from(("success", "success", "success", "noAccount", "processing", "dispute"))
# What the seller does before the bank has answered.
MEANWHILE = st.sampled_from(("nothing", "nothing", "refund", "cancel"))


class Debits(Payments):
    """What happens to payments that are pending for days."""

    @happening(seller=st.integers(0, 1), amount=AMOUNT, fee=FEE, account=BANK_ACCOUNTS, meanwhile=MEANWHILE, part=PART)
    def be_paid_by_debit(self, seller: int, amount: int, fee: int | None, account: str, meanwhile: str, part: int) -> None:
        at_seller = capable(self.v1, self.sellers[seller])
        taken = {} if fee is None else {"application_fee_amount": amount * fee // 100}
        sent = confirmed(f"pm_usBankAccount_{account}", amount=amount, **taken)
        intent = self.v1.payment_intents.create(sent, at_seller)
        self.payments.append((self.sellers[seller], intent.id))
        if meanwhile == "refund":
            self.refund(self.charge(-1), part, with_fee=fee is not None)
        if meanwhile == "cancel":
            self.attempt(lambda: self.v1.payment_intents.cancel(intent.id, None, at_seller))
