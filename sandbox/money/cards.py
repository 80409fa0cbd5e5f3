"""The test cards (https://docs.stripe.com/testing), as one literal table.

`pm_card_…` is the ready payment method of a card and `tok_…` its token; either may be used under any account.
"""

from dataclasses import dataclass
from enum import StrEnum


class Authentication(StrEnum):
    """When the card's bank asks the buyer for 3-D Secure."""

    NEVER = "never"
    ALWAYS = "always"
    # Off-session payments go through once the card was set up; on-session ones are always challenged.
    UNLESS_SET_UP = "unless_set_up"


@dataclass(frozen=True)
class Decline:
    """How the bank says no."""

    code: str
    message: str
    decline_code: str = ""
    # False where Stripe itself blocks the payment, so that the bank never hears of it.
    sent_to_network: bool = True


DECLINED = "Your card was declined."
GENERIC = Decline("card_declined", DECLINED, "generic_decline")
AUTHENTICATION_REQUIRED = Decline(
    "authentication_required", "Your card was declined. This transaction requires authentication.", "authentication_required"
)


@dataclass(frozen=True)
class CardDispute:
    """How the card's holder complains once the payment has succeeded."""

    reason: str
    # The network's own name of the reason: https://docs.stripe.com/disputes/categories.
    network_reason_code: str
    # An inquiry only asks: no money moves.
    inquiry: bool = False
    # Whether nobody can answer it, as with bank debits: it is lost at once.
    final: bool = False


@dataclass(frozen=True)
class Card:
    """One test card and everything that makes it behave as it does."""

    last4: str
    brand: str = "visa"
    funding: str = "credit"
    country: str = "US"
    decline: Decline | None = None
    # Whether a card that declines can at least be attached and set up.
    attaches: bool = True
    authentication: Authentication = Authentication.NEVER
    # The status in which Stripe first answers a refund of this card.
    refund_status: str = "succeeded"
    # Whether a refund that was answered as succeeded fails later on.
    refund_fails: bool = False
    # Whether the money is available at once.
    bypasses_pending: bool = False
    risk_level: str = "normal"
    dispute: CardDispute | None = None


def _declining(last4: str, code: str, message: str, decline_code: str = "") -> Card:
    # That a declining card cannot be attached (402) is unverified; the card …0341 exists because the others cannot be.
    return Card(last4, decline=Decline(code, message, decline_code), attaches=False)


_FUNDS = "Your card has insufficient funds."
_GENERIC_CARD = _declining("0002", "card_declined", DECLINED, "generic_decline")
_FUNDS_CARD = _declining("9995", "card_declined", _FUNDS, "insufficient_funds")
_BLOCKED = Decline("card_declined", DECLINED, "fraudulent", sent_to_network=False)

CARDS: dict[str, Card] = {
    "pm_card_visa": Card("4242"),
    "pm_card_visa_debit": Card("5556", funding="debit"),
    "pm_card_mastercard": Card("4444", brand="mastercard"),
    "pm_card_mastercard_debit": Card("3222", brand="mastercard", funding="debit"),
    "pm_card_mastercard_prepaid": Card("5100", brand="mastercard", funding="prepaid"),
    "pm_card_amex": Card("8431", brand="amex"),
    "pm_card_discover": Card("9424", brand="discover"),
    "pm_card_diners": Card("3237", brand="diners"),
    "pm_card_jcb": Card("0505", brand="jcb", country="JP"),
    "pm_card_unionpay": Card("0005", brand="unionpay", country="CN"),
    # Declined by the bank.
    "pm_card_visa_chargeDeclined": _GENERIC_CARD,
    "pm_card_chargeDeclined": _GENERIC_CARD,
    "pm_card_visa_chargeDeclinedInsufficientFunds": _FUNDS_CARD,
    "pm_card_chargeDeclinedInsufficientFunds": _FUNDS_CARD,
    "pm_card_visa_chargeDeclinedLostCard": _declining("9987", "card_declined", DECLINED, "lost_card"),
    "pm_card_visa_chargeDeclinedStolenCard": _declining("9979", "card_declined", DECLINED, "stolen_card"),
    "pm_card_chargeDeclinedExpiredCard": _declining("0069", "expired_card", "Your card has expired."),
    "pm_card_chargeDeclinedIncorrectCvc": _declining("0127", "incorrect_cvc", "Your card's security code is incorrect."),
    "pm_card_chargeDeclinedProcessingError": _declining(
        "0119", "processing_error", "An error occurred while processing your card. Try again in a little bit."
    ),
    "pm_card_visa_chargeDeclinedVelocityLimitExceeded": _declining(
        "6975",
        "card_declined",
        "Your card was declined for making repeated attempts too frequently or exceeding its amount limit.",
        "card_velocity_exceeded",
    ),
    "pm_card_chargeCustomerFail": Card("0341", decline=GENERIC),
    # 3-D Secure.
    "pm_card_authenticationRequired": Card("3184", authentication=Authentication.ALWAYS),
    "pm_card_authenticationRequiredOnSetup": Card("3155", authentication=Authentication.UNLESS_SET_UP),
    "pm_card_threeDSecure2Required": Card("3220", authentication=Authentication.ALWAYS),
    "pm_card_threeDSecureRequiredChargeDeclined": Card("1629", authentication=Authentication.ALWAYS, decline=GENERIC),
    # Disputed after they succeed. The reason of the inquiry is that of Stripe's example object; for this card unverified.
    "pm_card_createDispute": Card("0259", dispute=CardDispute("fraudulent", "10.4")),
    "pm_card_createDisputeProductNotReceived": Card("2685", dispute=CardDispute("product_not_received", "13.1")),
    "pm_card_createDisputeInquiry": Card("1976", dispute=CardDispute("general", "10.4", inquiry=True)),
    # Refunds that do not succeed at once. "refundFail" answers succeeded, and fails later.
    "pm_card_pendingRefund": Card("7726", refund_status="pending"),
    "pm_card_refundFail": Card("5126", refund_fails=True),
    "pm_card_bypassPending": Card("0077", bypasses_pending=True),
    # Risk, as Stripe's own fraud rules see it.
    "pm_card_riskLevelElevated": Card("9235", risk_level="elevated"),
    "pm_card_radarBlock": Card("0019", risk_level="highest", decline=_BLOCKED),
}


# Names of the same cards without or with the brand, as Stripe's tools write both.
for _name in ("LostCard", "StolenCard"):
    CARDS[f"pm_card_chargeDeclined{_name}"] = CARDS[f"pm_card_visa_chargeDeclined{_name}"]


def card_named(name: str) -> Card | None:
    """The card behind `pm_card_…` or its token `tok_…`; None for any other name."""
    return CARDS.get(name.replace("tok_", "pm_card_", 1) if name.startswith("tok_") else name)
