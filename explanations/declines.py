"""Why a card was declined, in plain words: Stripe's codes as one literal table.

Source: docs.stripe.com/declines/codes, and for failed authentication docs.stripe.com/error-codes.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Decline:
    """`why` is for whoever runs the shop; `tell_the_buyer` may be said to the buyer, and `why` only where it is the same."""

    why: str
    tell_the_buyer: str


_ASK_THE_BANK = "Your bank declined the card. Please ask your bank, or pay with another card."
_ANOTHER_CARD = "Please pay with another card."
_AGAIN = "Please try again in a moment. If it is declined again, ask your bank or pay with another card."
_ENTER_AGAIN = "Please check the card's details and enter them again."
# Stripe asks not to tell more than of a generic decline: whoever has stolen the card would learn from it.
_SAY_NO_MORE = "Your card was declined. Please ask your bank, or pay with another card."

UNKNOWN_REASON = Decline("The bank gave no reason.", _ASK_THE_BANK)

DECLINES: Mapping[str, Decline] = {
    "approve_with_id": Decline("The bank could not authorize the payment, and wants it to be tried again.", _AGAIN),
    "authentication_not_handled": Decline("The bank wanted 3-D Secure, and the buyer was not asked.", _AGAIN),
    "authentication_required": Decline(
        "The bank wants the buyer to confirm the payment by 3-D Secure.",
        "Please pay again, and confirm the payment when your bank asks you to.",
    ),
    "call_issuer": Decline("The bank declined the card, and tells only the buyer why.", _ASK_THE_BANK),
    "card_not_supported": Decline("The card does not support this kind of purchase.", _ANOTHER_CARD),
    "card_velocity_exceeded": Decline(
        "The card was used too often, or beyond its balance or limit.",
        "Your card has reached a limit. Please ask your bank, or pay with another card.",
    ),
    "currency_not_supported": Decline(
        "The card cannot pay in this currency.", "Your card cannot pay in this currency. Please pay with another card."
    ),
    "do_not_honor": UNKNOWN_REASON,
    "do_not_try_again": Decline("The bank gave no reason, and wants the card not to be tried again.", _ASK_THE_BANK),
    "duplicate_transaction": Decline(
        "The same amount was asked of the same card a moment ago. Look whether the order is paid already.",
        "It seems that you have paid already. Please look at your orders before you try again.",
    ),
    "expired_card": Decline("The card has expired.", "Your card has expired. Please pay with another card."),
    "fraudulent": Decline("Stripe suspects fraud, and blocked the payment.", _SAY_NO_MORE),
    "generic_decline": Decline("The bank gave no reason, or Stripe's rules against fraud blocked the payment.", _SAY_NO_MORE),
    "highest_risk_level": Decline("Stripe rated the payment as the highest risk, and blocked it.", _SAY_NO_MORE),
    "incorrect_address": Decline("The billing address is not that of the card.", "Please check your billing address."),
    "incorrect_cvc": Decline("The security code is wrong.", "Please check the security code on the back of your card."),
    "incorrect_number": Decline("The card's number is wrong.", _ENTER_AGAIN),
    "incorrect_pin": Decline("The PIN is wrong.", "Please enter your PIN again."),
    "incorrect_zip": Decline("The postal code is not that of the card.", "Please check the postal code of your billing address."),
    "insufficient_funds": Decline(
        "There is not enough money on the card.", "There is not enough money on your card. Please pay with another card."
    ),
    "invalid_account": Decline("The card, or the account behind it, is not valid.", _ASK_THE_BANK),
    "invalid_amount": Decline(
        "The bank does not allow this amount.", "Your bank does not allow this amount. Please ask your bank."
    ),
    "invalid_cvc": Decline("The security code is wrong.", "Please check the security code on the back of your card."),
    "invalid_expiry_month": Decline("The month of expiry is wrong.", _ENTER_AGAIN),
    "invalid_expiry_year": Decline("The year of expiry is wrong.", _ENTER_AGAIN),
    "invalid_number": Decline("The card's number is wrong.", _ENTER_AGAIN),
    "invalid_pin": Decline("The PIN is wrong.", "Please enter your PIN again."),
    "issuer_not_available": Decline("The bank could not be reached.", _AGAIN),
    "lost_card": Decline("The card was reported lost.", _SAY_NO_MORE),
    "merchant_blacklist": Decline("The card is on the shop's own list of blocked ones at Stripe.", _SAY_NO_MORE),
    "new_account_information_available": Decline("The card, or the account behind it, has changed.", _ASK_THE_BANK),
    "no_action_taken": UNKNOWN_REASON,
    "not_permitted": Decline("The bank does not permit this payment.", _ASK_THE_BANK),
    "payment_intent_authentication_failure": Decline(
        "The buyer did not confirm the payment by 3-D Secure, or failed.",
        "Your bank could not confirm that it is you. Please try again, or pay with another card.",
    ),
    "pickup_card": Decline("The card may be lost or stolen: it cannot be used.", _SAY_NO_MORE),
    "pin_try_exceeded": Decline("The PIN was wrong too often.", _ANOTHER_CARD),
    "processing_error": Decline("Something went wrong while the card was processed.", _AGAIN),
    "reenter_transaction": Decline("The bank could not process the payment, and gave no reason.", _AGAIN),
    "restricted_card": Decline("The card may be lost or stolen: it cannot be used.", _SAY_NO_MORE),
    "revocation_of_all_authorizations": Decline("The buyer has forbidden the bank all such payments.", _ASK_THE_BANK),
    "revocation_of_authorization": Decline("The buyer has forbidden the bank this payment.", _ASK_THE_BANK),
    "security_violation": UNKNOWN_REASON,
    "service_not_allowed": UNKNOWN_REASON,
    "stolen_card": Decline("The card was reported stolen.", _SAY_NO_MORE),
    "stop_payment_order": Decline("The buyer has had the payment stopped.", _ASK_THE_BANK),
    "testmode_decline": Decline("A test card was used.", "Please pay with a real card."),
    "transaction_not_allowed": UNKNOWN_REASON,
    "try_again_later": Decline("The bank gave no reason, and wants the payment to be tried later.", _AGAIN),
    "withdrawal_count_limit_exceeded": Decline("The card has reached a limit.", _ANOTHER_CARD),
}


def decline_in_words(decline_code: str, error_code: str) -> Decline:
    """What the decline code says, else the error code; a code that is new at Stripe says no reason."""
    return DECLINES.get(decline_code) or DECLINES.get(error_code) or UNKNOWN_REASON
