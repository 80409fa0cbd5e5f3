"""Reading from Stripe, and its one-time links: nothing here moves money, so nothing here is an Operation."""

from collections.abc import Callable
from typing import Any, NoReturn

import stripe

from gateway.client import stripe_client
from gateway.errors import StripeUnreachable
from gateway.operations import leave_the_database, raise_rejection
from gateway.outcomes import fault_of
from gateway.snapshots import AccountSnapshot, LinkSnapshot, PaymentIntentSnapshot, SetupIntentSnapshot


def retrieve_account(account_id: str) -> AccountSnapshot:
    """The connected account as Stripe holds it now. Raises as `_read`."""
    return AccountSnapshot.from_stripe(_read(lambda client: client.v1.accounts.retrieve(account_id)))


def account_is_gone(account_id: str) -> bool:
    """Whether the account no longer exists for us. Raises as `_read`, where Stripe says neither yes nor no."""
    leave_the_database()
    try:
        account = stripe_client().v1.accounts.retrieve(account_id)
    except stripe.StripeError as error:
        # A deleted or revoked account answers 403 account_invalid; one that never was 404 resource_missing.
        if fault_of(error).code in ("account_invalid", "resource_missing"):
            return True
        _raise_for_read(error)
    return bool(account.to_dict().get("deleted"))


def retrieve_payment_intent(payment_intent_id: str, *, account_id: str) -> PaymentIntentSnapshot:
    """A direct charge's payment intent, which exists under its connected account alone. Raises as `_read`."""
    options: Any = {"stripe_account": account_id}
    answer = _read(lambda client: client.v1.payment_intents.retrieve(payment_intent_id, None, options))
    return PaymentIntentSnapshot.from_stripe(answer)


def retrieve_setup_intent(setup_intent_id: str) -> SetupIntentSnapshot:
    """A setup intent of the platform, with its payment method. Raises as `_read`."""
    answer = _read(lambda client: client.v1.setup_intents.retrieve(setup_intent_id, {"expand": ["payment_method"]}))
    return SetupIntentSnapshot.from_stripe(answer)


def create_account_link(account_id: str, *, return_url: str, refresh_url: str) -> LinkSnapshot:
    """Stripe's own onboarding address, good once and for 300 seconds. Raises as `_read`."""
    parameters: Any = {
        "account": account_id,
        "type": "account_onboarding",
        "return_url": return_url,
        "refresh_url": refresh_url,
    }
    return LinkSnapshot.from_stripe(_read(lambda client: client.v1.account_links.create(parameters)))


def create_login_link(account_id: str) -> LinkSnapshot:
    """The one-time address of the seller's own dashboard. Raises as `_read`."""
    return LinkSnapshot.from_stripe(_read(lambda client: client.v1.accounts.login_links.create(account_id)))


def _read(call: Callable[[stripe.StripeClient], Any]) -> dict[str, Any]:
    """Stripe's answer as a plain dict.

    Raises StripeRejected (it said no), StripeConfigurationRefused (401, 403) or StripeUnreachable (no usable answer).
    """
    leave_the_database()
    try:
        answer = call(stripe_client())
    except stripe.StripeError as error:
        _raise_for_read(error)
    return dict(answer.to_dict())


def _raise_for_read(error: stripe.StripeError) -> NoReturn:
    """A read has no outcome to lose: whatever is neither an answer nor a refusal is told as unreachable."""
    if isinstance(error, stripe.InvalidRequestError | stripe.AuthenticationError | stripe.PermissionError):
        raise_rejection(fault_of(error), stripe_request_id=error.request_id or "")
    raise StripeUnreachable("Stripe could not be asked. Please try again.") from error
