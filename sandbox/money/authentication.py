"""What the buyer's answer to a 3-D Secure challenge does to an intent."""

from sandbox.api.errors import AttemptFailed, StripeError
from sandbox.models import SandboxObject
from sandbox.money import challenges, instruments, payments
from sandbox.objects import journal, state
from sandbox.resources import setup_intents

INTENTS = ("payment_intent", "setup_intent")
SETUP_FAILED = "The latest attempt to set up the payment method has failed because authentication failed."


class UnknownChallenge(Exception):
    """No intent of a living account has this challenge page."""


def find_challenge(*, intent_id: str, token: str, lock: bool = False) -> SandboxObject:
    """The intent behind a challenge page, whether its challenge is still open or not.

    A payment under way goes on where its account has left the platform or is disabled meanwhile (unverified). Raises
    UnknownChallenge for a wrong token, and for an intent of an account that was deleted.
    """
    intent = _of_living_account(intent_id, lock=lock)
    if intent is None or not challenges.matches(intent, token):
        raise UnknownChallenge(intent_id)
    return intent


def _of_living_account(intent_id: str, *, lock: bool) -> SandboxObject | None:
    """The payment or setup intent of this id, locked where asked; None where its account was deleted as well."""
    rows = SandboxObject.objects.select_for_update() if lock else SandboxObject.objects.all()
    intent = rows.filter(stripe_id=intent_id, object_type__in=INTENTS).first()
    if intent is None or not intent.account:
        return intent
    account = state.find("", "account", intent.account)
    return None if account is None or account.deleted else intent


def is_open(intent: SandboxObject) -> bool:
    """Whether the intent still waits for the buyer."""
    return bool(intent.data["status"] == "requires_action")


def finish_challenge(*, intent_id: str, token: str, authenticated: bool) -> SandboxObject:
    """Goes on with the payment or the setup, or sends it back for another payment method.

    A challenge that was answered already, or is over, changes nothing. Raises UnknownChallenge as find_challenge does.
    """
    with journal.change():
        intent = find_challenge(intent_id=intent_id, token=token, lock=True)
        if is_open(intent):
            _finish(intent, authenticated)
        return intent


def answer_open_challenge(*, intent_id: str, authenticated: bool) -> SandboxObject:
    """The same for whoever plays the buyer without a page. Raises a 404 where no challenge is open."""
    with journal.change():
        intent = _of_living_account(intent_id, lock=True)
        if intent is None or not is_open(intent):
            raise StripeError(
                f"No intent '{intent_id}' waits for its buyer.", status=404, code="resource_missing", param="intent"
            )
        _finish(intent, authenticated)
        return intent


def redirect_status(intent: SandboxObject) -> str:
    """`succeeded` or `failed`, as Stripe adds it to the return_url."""
    # A manually confirmed intent goes back to requires_confirmation once its buyer has authenticated.
    good = ("succeeded", "requires_capture", "requires_confirmation", "processing")
    return "succeeded" if intent.data["status"] in good else "failed"


def _finish(intent: SandboxObject, authenticated: bool) -> None:
    method = state.referred(intent.account, "payment_method", intent.data["payment_method"], param="payment_method", lock=True)
    if intent.object_type == "payment_intent":
        _finish_payment(intent, method, authenticated)
    else:
        _finish_setup(intent, method, authenticated)


def _finish_payment(intent: SandboxObject, method: SandboxObject, authenticated: bool) -> None:
    if not authenticated:
        code = "payment_intent_authentication_failure"
        payments.fail(intent, payments.authentication_failure(code, payments.AUTHENTICATION_FAILED, method))
        return
    intent.hidden["authenticated"] = True
    if intent.data["confirmation_method"] == "manual":
        intent.data |= {"next_action": None, "status": "requires_confirmation"}
        state.save(intent)
        return
    try:
        payments.charge(intent, method, instruments.card_of(method))
    except AttemptFailed:
        return  # the decline is on the intent; a page has nobody to answer 402 to


def _finish_setup(intent: SandboxObject, method: SandboxObject, authenticated: bool) -> None:
    if authenticated:
        setup_intents.succeed(intent, method)
    else:
        code = "setup_intent_authentication_failure"
        setup_intents.fail(intent, payments.authentication_failure(code, SETUP_FAILED, method))
