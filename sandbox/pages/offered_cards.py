"""The test cards as the checkout offers them: in groups by what they do, each with a plain name."""

from sandbox.money.cards import CARDS

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
        "pm_card_threeDSecureRequiredChargeDeclined": "Asks, and is declined afterwards",
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
        "pm_card_radarBlock": "Highest risk, blocked",
    },
}
OTHERS = "Others"

Choices = list[tuple[str, list[tuple[str, str]]]]


def grouped_choices() -> Choices:
    """Every test card once, in groups, as a form's choices: the payment method and `Visa •••• 4242`-like words."""
    groups: Choices = [
        (title, [(name, _words(name, plain)) for name, plain in cards.items() if name in CARDS]) for title, cards in NAMED.items()
    ]
    named = {CARDS[name].last4 for cards in NAMED.values() for name in cards if name in CARDS}
    rest = [(name, _words(name, name)) for name, card in CARDS.items() if card.last4 not in named]
    return [*groups, (OTHERS, rest)] if rest else groups


def _words(name: str, plain: str) -> str:
    return f"{plain} (•••• {CARDS[name].last4})"
