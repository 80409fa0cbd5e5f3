"""Whether the answer to a confirmation lets its buyer take it that nothing was charged, and buy elsewhere."""

from dataclasses import dataclass
from typing import Any

from proofs.buyers import Ask, Payment

# The codes of the answer by which the payment has ended without a charge, and of those by which this confirmation did nothing:
# an earlier one may still be waiting for its challenge.
NOTHING_CHARGED, NOTHING_DONE = "card_declined", ("confirmation_refused", "stripe_unreachable")


@dataclass
class Confirming:
    """One confirmation from its asking to its answer: whether that answer is the last word on the payment, and which."""

    ask: Ask
    payment: Payment
    others: bool  # whether another confirmation of the payment is being asked for around this one
    number: int = 0
    might_be_charged: bool = False

    def begin(self) -> None:
        self.payment.confirmations += 1
        self.number, self.might_be_charged = self.payment.confirmations, self.payment.may_be_charged
        self.payment.may_be_charged = True

    def was_told_not_done(self, answer: Any) -> bool:
        """Whether its buyer may take it that nothing was charged, and that nothing will be."""
        if self.others or self.payment.confirmations != self.number:
            return False
        if self.ask.key and self.number > 1:  # under a key the answer is that of its first request, and not of now
            return False
        code = answer.json().get("details", {}).get("code", "")
        if code == NOTHING_CHARGED or (code in NOTHING_DONE and not self.might_be_charged):
            self.payment.may_be_charged = False
            return True
        return False  # a success among them: what is paid may not be given up
