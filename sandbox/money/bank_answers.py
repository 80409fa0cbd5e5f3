"""What a bank may answer to a payment, by card or by debit: it declines it, or disputes it later on."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Decline:
    """How the bank says no."""

    code: str
    message: str
    decline_code: str = ""
    # False where Stripe itself blocks the payment, so that the bank never hears of it.
    sent_to_network: bool = True


@dataclass(frozen=True)
class Dispute:
    """How whoever was charged complains at the bank once the payment has succeeded."""

    reason: str
    # A card network's own name of the reason, "" for a bank debit: https://docs.stripe.com/disputes/categories.
    network_reason_code: str
    # An inquiry only asks: no money moves.
    inquiry: bool = False
    # Whether nobody can answer it, as with bank debits: it is lost at once.
    final: bool = False
