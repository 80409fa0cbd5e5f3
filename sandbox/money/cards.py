"""The test cards (https://docs.stripe.com/testing), as one literal table.

`pm_card_…` is the ready payment method of a card and `tok_…` its token; either may be used under any account.
"""

from dataclasses import dataclass
from enum import StrEnum

from sandbox.money.bank_answers import Decline, Dispute
from sandbox.money.country_cards import VISA_CARDS


class Authentication(StrEnum):
    """When the card's bank asks the buyer for 3-D Secure."""

    NEVER = "never"
    ALWAYS = "always"
    # Off-session payments go through once the card was set up; on-session ones are always challenged.
    UNLESS_SET_UP = "unless_set_up"
    # The same for a card that counts as set up from the beginning.
    ON_SESSION = "on_session"
    # Only where the payment asks for it itself, by `request_three_d_secure`.
    ON_REQUEST = "on_request"


DECLINED = "Your card was declined."
GENERIC = Decline("card_declined", DECLINED, "generic_decline")
AUTHENTICATION_REQUIRED = Decline(
    "authentication_required", "Your card was declined. This transaction requires authentication.", "authentication_required"
)


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
    supports_three_d_secure: bool = True
    # The status in which Stripe first answers a refund of this card.
    refund_status: str = "succeeded"
    # Whether a refund that was answered as succeeded fails later on.
    refund_fails: bool = False
    # Whether the money is available at once.
    bypasses_pending: bool = False
    risk_level: str = "normal"
    # What the bank says of the security code and the address; None where it was not asked, as without an address.
    cvc_check: str = "unchecked"
    line1_check: str | None = None
    postal_code_check: str | None = None
    dispute: Dispute | None = None


def _declining(last4: str, code: str, message: str, decline_code: str = "") -> Card:
    # That a declining card cannot be attached (402) is unverified; the card …0341 exists because the others cannot be.
    return Card(last4, decline=Decline(code, message, decline_code), attaches=False)


_FUNDS = "Your card has insufficient funds."
_GENERIC_CARD = _declining("0002", "card_declined", DECLINED, "generic_decline")
_FUNDS_CARD = _declining("9995", "card_declined", _FUNDS, "insufficient_funds")
_BLOCKED = Decline("card_declined", DECLINED, "fraudulent", sent_to_network=False)
_BLOCKED_CARD = Card("0019", risk_level="highest", decline=_BLOCKED)

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
    # "Always authenticate" of the first version of 3-D Secure; no longer documented under this name [reported].
    "pm_card_threeDSecureRequired": Card("3063", authentication=Authentication.ALWAYS),
    # "The 3D Secure lookup request fails with a processing error. Payments are declined with a card_declined failure code":
    # nobody can be asked. That its setup fails is [reported], the decline code unverified.
    "pm_card_threeDSecureRequiredProcessingError": Card("1280", decline=GENERIC, attaches=False),
    "pm_card_threeDSecureOptional": Card("3055", authentication=Authentication.ON_REQUEST),
    "pm_card_amex_threeDSecureNotSupported": Card("0005", brand="amex", supports_three_d_secure=False),
    "pm_card_authenticationRequiredChargeDeclinedInsufficientFunds": Card(
        "3178", authentication=Authentication.ALWAYS, decline=_FUNDS_CARD.decline
    ),
    "pm_card_authenticationRequiredSetupForOffSession": Card("0446", authentication=Authentication.ON_SESSION),
    # Disputed after they succeed. The reason of the inquiry is that of Stripe's example object; for this card unverified.
    "pm_card_createDispute": Card("0259", dispute=Dispute("fraudulent", "10.4")),
    "pm_card_createDisputeProductNotReceived": Card("2685", dispute=Dispute("product_not_received", "13.1")),
    "pm_card_createDisputeInquiry": Card("1976", dispute=Dispute("general", "10.4", inquiry=True)),
    # Refunds that do not succeed at once. "refundFail" answers succeeded, and fails later.
    "pm_card_pendingRefund": Card("7726", refund_status="pending"),
    "pm_card_refundFail": Card("5126", refund_fails=True),
    "pm_card_bypassPending": Card("0077", bypasses_pending=True),
    # Risk, as Stripe's own fraud rules see it.
    "pm_card_riskLevelElevated": Card("9235", risk_level="elevated"),
    "pm_card_radarBlock": _BLOCKED_CARD,
    "pm_card_chargeDeclinedFraudulent": _BLOCKED_CARD,  # its name in https://docs.stripe.com/radar/testing
    # Blocked "depending on your settings": here as by the rule against the highest risk, which every account begins with.
    "pm_card_riskLevelHighest": Card("4954", risk_level="highest", decline=_BLOCKED),
    # Checks that fail. "Might be blocked depending on your settings": no rule blocks them here. Stripe checks only what was
    # given; these bring what fails along, and show it from the beginning (unverified).
    "pm_card_cvcCheckFail": Card("0101", cvc_check="fail"),
    "pm_card_avsFail": Card("0010", line1_check="fail", postal_code_check="fail"),
    "pm_card_avsLine1Fail": Card("0028", line1_check="fail"),
    "pm_card_avsZipFail": Card("0036", postal_code_check="fail"),
    "pm_card_avsUnchecked": Card("0044", line1_check="unavailable", postal_code_check="unavailable"),
    # Other cards of countries than the Visa card that each has.
    "pm_card_ae_mastercard": Card("0022", brand="mastercard", country="AE"),
    "pm_card_gb_debit": Card("0005", funding="debit", country="GB"),
    "pm_card_gb_mastercard": Card("4449", brand="mastercard", country="GB"),
    "pm_card_th_credit": Card("0003", country="TH"),
    "pm_card_th_debit": Card("0008", funding="debit", country="TH"),
}
CARDS |= {f"pm_card_{code}": Card(last4, country=code.upper()) for code, (_, last4) in VISA_CARDS.items()}


# Names of the same cards without or with the brand, as Stripe's tools write both.
for _name in ("LostCard", "StolenCard"):
    CARDS[f"pm_card_chargeDeclined{_name}"] = CARDS[f"pm_card_visa_chargeDeclined{_name}"]


def card_named(name: str) -> Card | None:
    """The card behind `pm_card_…` or its token `tok_…`; None for any other name."""
    return CARDS.get(name.replace("tok_", "pm_card_", 1) if name.startswith("tok_") else name)
