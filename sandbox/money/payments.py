"""An attempt at a payment: from a confirmed intent and a payment method to a charge, a decline or a challenge."""

from dataclasses import dataclass
from typing import Any, NoReturn

from sandbox.api.errors import DOC_URL, AttemptFailed, StripeError
from sandbox.models import SandboxObject
from sandbox.money import challenges, instruments, reviews, settlement
from sandbox.money.bank_answers import Decline
from sandbox.money.cards import AUTHENTICATION_REQUIRED, Card
from sandbox.money.instruments import CAPABILITIES, Instrument
from sandbox.objects import state
from sandbox.resources import charges
from sandbox.timeline import clock, schedule

AUTHENTICATION_FAILED = (
    "The provided PaymentMethod has failed authentication. You can provide payment_method_data or a new PaymentMethod to "
    "attempt to fulfill this PaymentIntent again."
)
ACTION_NOT_HANDLED = (
    "This payment required an authentication action to complete, but `error_on_requires_action` was set. When you're ready, "
    "you can upgrade your integration to handle actions at "
    "https://stripe.com/docs/payments/payment-intents/upgrade-to-handle-actions."
)


@dataclass(frozen=True)
class Circumstances:
    """How the caller confirms: where the buyer returns to, and whether the buyer is there at all."""

    return_url: str = ""
    off_session: bool = False
    error_on_requires_action: bool = False
    use_stripe_sdk: bool = False


def attempt(intent: SandboxObject, method: SandboxObject, circumstances: Circumstances) -> None:
    """Tries to take the payment with a payment method; both rows are locked by the caller.

    Raises AttemptFailed, a 402, for a decline; the failed charge and the intent's new state stay.
    """
    card = instruments.card_of(method)
    intent.data |= {"payment_method": method.stripe_id, "next_action": None}
    if _needs_authentication(intent, method, card, circumstances):
        _authenticate(intent, method, card, circumstances)
    else:
        charge(intent, method, card)


def charge(intent: SandboxObject, method: SandboxObject, card: Card) -> None:
    """Charges the card, whose buyer has authenticated where that was needed. Raises AttemptFailed for a decline."""
    if card.decline:
        decline(intent, method, card, card.decline)
    made = charges.insert(intent, method, card, declined=None)
    amount = intent.data["amount"]
    held = intent.data["capture_method"] == "manual"
    intent.data |= {
        "amount_capturable": amount if held else 0,
        "amount_received": 0 if held else amount,
        "last_payment_error": None,
        "latest_charge": made.stripe_id,
        "next_action": None,
        "status": "requires_capture" if held else "succeeded",
    }
    keep_or_spend(intent, method)
    reviews.open_for_risk(intent, made, card)
    state.save(intent)
    _move_money(intent, made)


def decline(intent: SandboxObject, method: SandboxObject, instrument: Instrument, reason: Decline) -> NoReturn:
    """Leaves a failed charge, and the intent waiting for another payment method. Always raises AttemptFailed."""
    made = charges.insert(intent, method, instrument, declined=reason)
    intent.data["latest_charge"] = made.stripe_id
    error = _card_error(reason, made.stripe_id, method)
    _spend(method)
    fail(intent, error)
    raise _attempt_failed(reason, error, intent)


def fail(intent: SandboxObject, error: dict[str, Any]) -> None:
    """Sends the intent back to wait for another payment method, with the error on record."""
    intent.data |= {
        "last_payment_error": error,
        "next_action": None,
        "payment_method": None,
        "status": "requires_payment_method",
    }
    intent.hidden.pop("authenticated", None)
    state.save(intent)


def authentication_failure(code: str, message: str, method: SandboxObject) -> dict[str, Any]:
    """The error of an intent whose buyer failed or left the challenge."""
    return {
        "code": code,
        "doc_url": DOC_URL + code.replace("_", "-"),
        "message": message,
        "payment_method": method.data,
        "type": "invalid_request_error",
    }


def _move_money(intent: SandboxObject, made: SandboxObject) -> None:
    if intent.data["capture_method"] == "manual":
        schedule.at(clock.now() + charges.HOLD_LASTS, charges.HOLD_LAPSES, intent)
    elif intent.data["capture_method"] == "automatic_async":
        settlement.settle_later(made)
    else:
        settlement.settle(made)


def _needs_authentication(intent: SandboxObject, method: SandboxObject, card: Card, circumstances: Circumstances) -> bool:
    if intent.hidden.get("authenticated"):
        return False
    is_set_up = bool(method.hidden.get("set_up"))
    return challenges.is_needed(intent, card, off_session=circumstances.off_session, is_set_up=is_set_up)


def _authenticate(intent: SandboxObject, method: SandboxObject, card: Card, circumstances: Circumstances) -> None:
    if circumstances.off_session:
        decline(intent, method, card, AUTHENTICATION_REQUIRED)
    if circumstances.error_on_requires_action:
        _refuse_action(intent, method)
    challenges.begin(intent, return_url=circumstances.return_url, for_browser_library=circumstances.use_stripe_sdk)
    state.save(intent)


def _refuse_action(intent: SandboxObject, method: SandboxObject) -> NoReturn:
    # The codes are those of https://docs.stripe.com/payments/without-card-authentication [reported].
    reason = Decline("authentication_required", ACTION_NOT_HANDLED, "authentication_not_handled")
    error = _card_error(reason, None, method)
    fail(intent, error)
    raise _attempt_failed(reason, error, intent)


def _card_error(reason: Decline, charge_id: str | None, method: SandboxObject) -> dict[str, Any]:
    error: dict[str, Any] = {
        "code": reason.code,
        "doc_url": DOC_URL + reason.code.replace("_", "-"),
        "message": reason.message,
        "payment_method": method.data,
        "type": "card_error",
    }
    if charge_id:
        error["charge"] = charge_id
    if reason.decline_code:
        error["decline_code"] = reason.decline_code
    return error


def _attempt_failed(reason: Decline, error: dict[str, Any], intent: SandboxObject) -> AttemptFailed:
    about = {name: error[name] for name in ("charge", "payment_method") if name in error}
    return AttemptFailed(
        reason.message,
        status=402,
        type="card_error",
        code=reason.code,
        decline_code=reason.decline_code,
        about=about | {"payment_intent": intent.data},
    )


def keep_or_spend(intent: SandboxObject, method: SandboxObject) -> None:
    """Saves the method for the customer where the intent asks for it; one that belongs to nobody is used up."""
    usage, customer = intent.data["setup_future_usage"], intent.data["customer"]
    if usage and customer and not method.data["customer"]:
        method.data["customer"] = customer
    if usage == "off_session":
        method.hidden["set_up"] = True
    _spend(method)


def _spend(method: SandboxObject) -> None:
    # Stripe's documentation calls an unattached method that was "used" unusable, and does not say whether a declined
    # attempt is a use. Here it is: what passes here then passes at Stripe too.
    method.hidden["spent"] = not method.data["customer"]
    state.save(method)


def require_charges_enabled(account: str, method_type: str) -> None:
    """Raises a 400 where the connected account may not charge, or not with payment methods of this type.

    That Stripe lets an intent be created there and refuses its confirmation, and the first text, are unverified; the second
    is [reported]. Stripe's own test mode may let such a payment pass (https://docs.stripe.com/connect/testing).
    """
    if not account:
        return
    data = state.referred("", "account", account, param="account").data
    capability = CAPABILITIES[method_type]
    if data["charges_enabled"] and data["capabilities"].get(capability) != "active":
        raise StripeError(f"You cannot create a charge on a connected account without the `{capability}` capability enabled.")
    if not data["charges_enabled"]:
        raise StripeError(
            "Your account cannot currently make charges. To find out why charges are currently disabled, look at the "
            f"`requirements.disabled_reason` property on the account object (/v1/accounts/{account})."
        )


def check_application_fee(account: str, fee: int | None, amount: int) -> None:
    """Raises a 400 for an application fee outside a direct charge, or above the amount (that text is unverified)."""
    if fee is None:
        return
    if not account:
        raise StripeError(
            "Can only apply an application_fee_amount when the PaymentIntent is attempting a direct payment (using an OAuth "
            "key or Stripe-Account header) or destination payment (using `transfer_data[destination]`).",
            param="application_fee_amount",
        )
    if fee > amount:
        raise StripeError("The application fee must not be more than the amount.", param="application_fee_amount")
