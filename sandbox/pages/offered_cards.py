"""The test cards as the checkout offers them: in groups by what they do, each with a plain name."""

from sandbox.money.cards import CARDS
from sandbox.money.country_cards import VISA_CARDS

# By payment method. A card whose twin stands here under another name (`pm_card_chargeDeclined` is the card of
# `pm_card_visa_chargeDeclined`) is offered once; one that is not named here stands in the last group by its own id.
NAMED: dict[str, dict[str, str]] = {
    "Succeeds": {
        "pm_card_visa": "Visa",
        "pm_card_visa_debit": "Visa, debit",
        "pm_card_mastercard": "Mastercard",
        "pm_card_mastercard_debit": "Mastercard, debit",
        "pm_card_mastercard_prepaid": "Mastercard, prepaid",
        "pm_card_amex": "American Express",
        "pm_card_discover": "Discover",
        "pm_card_diners": "Diners Club",
        "pm_card_jcb": "JCB",
        "pm_card_unionpay": "UnionPay",
        "pm_card_bypassPending": "Visa, its money is available at once",
    },
    "Asks for authentication (3-D Secure)": {
        "pm_card_threeDSecure2Required": "Always asks",
        "pm_card_authenticationRequired": "Asks unless it was set up; every payment",
        "pm_card_authenticationRequiredOnSetup": "Asks until it was set up",
        "pm_card_authenticationRequiredSetupForOffSession": "Asks while the buyer is there",
        "pm_card_threeDSecureRequired": "Always asks, first version of 3-D Secure",
        "pm_card_threeDSecureOptional": "Asks only where the payment wants it",
        "pm_card_amex_threeDSecureNotSupported": "American Express, cannot ask",
        "pm_card_threeDSecureRequiredChargeDeclined": "Asks, and is declined afterwards",
        "pm_card_authenticationRequiredChargeDeclinedInsufficientFunds": "Asks, and has insufficient funds afterwards",
        "pm_card_threeDSecureRequiredProcessingError": "Fails to ask, and is declined",
    },
    "Declined": {
        "pm_card_visa_chargeDeclined": "Declined, no reason given",
        "pm_card_visa_chargeDeclinedInsufficientFunds": "Insufficient funds",
        "pm_card_visa_chargeDeclinedLostCard": "Lost card",
        "pm_card_visa_chargeDeclinedStolenCard": "Stolen card",
        "pm_card_chargeDeclinedExpiredCard": "Expired card",
        "pm_card_chargeDeclinedIncorrectCvc": "Wrong security code",
        "pm_card_chargeDeclinedProcessingError": "Processing error",
        "pm_card_visa_chargeDeclinedVelocityLimitExceeded": "Too many attempts",
        "pm_card_chargeCustomerFail": "Can be saved, declined when charged",
    },
    "Disputed": {
        "pm_card_createDispute": "Disputed as fraudulent",
        "pm_card_createDisputeProductNotReceived": "Disputed as not received",
        "pm_card_createDisputeInquiry": "Inquiry before a dispute",
    },
    "Refunds": {
        "pm_card_pendingRefund": "Its refunds are pending first",
        "pm_card_refundFail": "Its refunds fail later",
    },
    "Risk": {
        "pm_card_riskLevelElevated": "Elevated risk, goes through",
        "pm_card_riskLevelHighest": "Highest risk, blocked by a rule",
        "pm_card_radarBlock": "Highest risk, always blocked",
    },
    "A check fails, the payment goes through": {
        "pm_card_cvcCheckFail": "Security code",
        "pm_card_avsFail": "Street and postal code",
        "pm_card_avsLine1Fail": "Street",
        "pm_card_avsZipFail": "Postal code",
        "pm_card_avsUnchecked": "Street and postal code, unavailable",
    },
    "Of other countries": {f"pm_card_{code}": name for code, (name, _) in VISA_CARDS.items() if code != "us"}
    | {
        "pm_card_ae_mastercard": "United Arab Emirates, Mastercard",
        "pm_card_gb_debit": "United Kingdom, debit",
        "pm_card_gb_mastercard": "United Kingdom, Mastercard",
        "pm_card_th_credit": "Thailand",
        "pm_card_th_debit": "Thailand, debit",
    },
}
OTHERS = "Others"

Choices = list[tuple[str, list[tuple[str, str]]]]


def grouped_choices() -> Choices:
    """Every test card once, in groups, as a form's choices: the payment method and `Visa •••• 4242`-like words."""
    groups: Choices = [
        (title, [(name, _words(name, plain)) for name, plain in cards.items() if name in CARDS]) for title, cards in NAMED.items()
    ]
    named = {CARDS[name] for cards in NAMED.values() for name in cards if name in CARDS}
    rest = [(name, _words(name, name)) for name, card in CARDS.items() if card not in named]
    return [*groups, (OTHERS, rest)] if rest else groups


def _words(name: str, plain: str) -> str:
    return f"{plain} (•••• {CARDS[name].last4})"
