"""Reading from Stripe, and its one-time links: nothing here moves money, so nothing here is an Operation."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any, NoReturn

import stripe

from gateway.client import stripe_client
from gateway.errors import StripeUnreachable
from gateway.models import Operation
from gateway.operations import OPERATION_METADATA_KEY, leave_the_database, raise_rejection
from gateway.outcomes import fault_of
from gateway.snapshots import (
    AccountSnapshot,
    BalanceSnapshot,
    CustomerSnapshot,
    DisputeSnapshot,
    LinkSnapshot,
    PaymentIntentSnapshot,
    PaymentMethodSnapshot,
    PayoutSnapshot,
    RefundSnapshot,
    SetupIntentSnapshot,
)
from gateway.watching import watched_read

# Stripe's largest page of a list (docs.stripe.com/api/pagination).
PAGE_SIZE = 100
# Stripe's clock and ours differ: what an operation made is looked for from an hour before it was reserved.
CLOCK_SKEW = timedelta(hours=1)
# Stripe's code, with 403, for an account that is gone or has revoked our access (docs.stripe.com/error-codes#account-invalid).
ACCOUNT_HAS_LEFT = "account_invalid"


def retrieve_account(account_id: str) -> AccountSnapshot:
    """The connected account as Stripe holds it now. Raises as `_read`."""
    return AccountSnapshot.from_stripe(_read(lambda client: client.v1.accounts.retrieve(account_id)))


def account_is_gone(account_id: str) -> bool:
    """Whether the account no longer exists for us. Raises as `_read`, where Stripe says neither yes nor no."""
    leave_the_database()
    try:
        with watched_read():
            account = stripe_client().v1.accounts.retrieve(account_id)
    except stripe.StripeError as error:
        # One that never was answers 404.
        if fault_of(error).code in (ACCOUNT_HAS_LEFT, "resource_missing"):
            return True
        _raise_for_read(error)
    return bool(account.to_dict().get("deleted"))


def retrieve_payment_intent(payment_intent_id: str, *, account_id: str) -> PaymentIntentSnapshot:
    """A direct charge's payment intent, which exists under its connected account alone. Raises as `_read`."""
    options: Any = {"stripe_account": account_id}
    expanded: Any = {"expand": ["latest_charge"]}  # which tells when a hold lapses
    answer = _read(lambda client: client.v1.payment_intents.retrieve(payment_intent_id, expanded, options))
    return PaymentIntentSnapshot.from_stripe(answer)


def list_payment_intents(account_id: str, *, made_since: datetime) -> Iterator[PaymentIntentSnapshot]:
    """The connected account's payment intents, the newest first, one page of them after the other. Raises as `_read`."""
    options: Any = {"stripe_account": account_id}
    asked: Any = {**_since(made_since), "expand": ["data.latest_charge"]}

    def one_page() -> dict[str, Any]:
        return _read(lambda client: client.v1.payment_intents.list(asked, options))

    has_more = True
    while has_more:
        page = one_page()
        yield from (PaymentIntentSnapshot.from_stripe(intent) for intent in page["data"])
        has_more = page["has_more"]
        asked["starting_after"] = page["data"][-1]["id"] if has_more else ""


def retrieve_setup_intent(setup_intent_id: str) -> SetupIntentSnapshot:
    """A setup intent of the platform, with its payment method. Raises as `_read`."""
    answer = _read(lambda client: client.v1.setup_intents.retrieve(setup_intent_id, {"expand": ["payment_method"]}))
    return SetupIntentSnapshot.from_stripe(answer)


def retrieve_refund(refund_id: str, *, account_id: str) -> RefundSnapshot:
    """A refund of a direct charge. Raises as `_read`."""
    options: Any = {"stripe_account": account_id}
    return RefundSnapshot.from_stripe(_read(lambda client: client.v1.refunds.retrieve(refund_id, None, options)))


def list_refunds(payment_intent_id: str, *, account_id: str) -> list[RefundSnapshot]:
    """Every refund of a direct charge's payment intent, the newest first. Raises as `ask`."""
    options: Any = {"stripe_account": account_id}
    asked: Any = {"payment_intent": payment_intent_id, "limit": PAGE_SIZE}
    listed: list[RefundSnapshot] = ask(
        lambda client: [
            RefundSnapshot.from_stripe(refund.to_dict()) for refund in client.v1.refunds.list(asked, options).auto_paging_iter()
        ]
    )
    return listed


def retrieve_dispute(dispute_id: str, *, account_id: str) -> DisputeSnapshot:
    """A dispute of a direct charge. Raises as `_read`."""
    options: Any = {"stripe_account": account_id}
    return DisputeSnapshot.from_stripe(_read(lambda client: client.v1.disputes.retrieve(dispute_id, None, options)))


def retrieve_payout(payout_id: str, *, account_id: str) -> PayoutSnapshot:
    """A payout of a connected account. Raises as `_read`."""
    options: Any = {"stripe_account": account_id}
    return PayoutSnapshot.from_stripe(_read(lambda client: client.v1.payouts.retrieve(payout_id, None, options)))


def retrieve_balance(account_id: str) -> BalanceSnapshot:
    """A connected account's money at Stripe now. Raises as `_read`."""
    options: Any = {"stripe_account": account_id}
    return BalanceSnapshot.from_stripe(_read(lambda client: client.v1.balance.retrieve({}, options)))


def list_events(account_id: str, *, since: datetime) -> Iterator[dict[str, Any]]:
    """The events of the account ("" is the platform) since then, the newest first; Stripe keeps them for 30 days.

    One page of them after the other. Raises as `_read`.
    """
    options: Any = {"stripe_account": account_id} if account_id else {}
    asked: Any = {"created": {"gte": int(since.timestamp())}, "limit": PAGE_SIZE}
    has_more = True
    while has_more:
        page = _read(lambda client: client.v1.events.list(asked, options))
        yield from page["data"]
        has_more = page["has_more"]
        asked["starting_after"] = page["data"][-1]["id"] if has_more else ""


def retrieve_payment_method(payment_method_id: str) -> PaymentMethodSnapshot:
    """A payment method of the platform. Raises as `_read`."""
    return PaymentMethodSnapshot.from_stripe(_read(lambda client: client.v1.payment_methods.retrieve(payment_method_id)))


def find_account(operation: Operation) -> AccountSnapshot | None:
    """The connected account that the operation made; None where Stripe shows none. Raises as `_read`."""
    found = _find(operation, lambda client, options: client.v1.accounts.list(_made_since(operation), options))
    return AccountSnapshot.from_stripe(found) if found is not None else None


def find_customer(operation: Operation) -> CustomerSnapshot | None:
    """The customer that the operation made; None where Stripe shows none. Raises as `_read`."""
    found = _find(operation, lambda client, options: client.v1.customers.list(_made_since(operation), options))
    return CustomerSnapshot.from_stripe(found) if found is not None else None


def find_payment_intent(operation: Operation) -> PaymentIntentSnapshot | None:
    """The payment intent that the operation made; None where Stripe shows none. Raises as `_read`."""
    found = _find(operation, lambda client, options: client.v1.payment_intents.list(_made_since(operation), options))
    return PaymentIntentSnapshot.from_stripe(found) if found is not None else None


def find_setup_intent(operation: Operation) -> SetupIntentSnapshot | None:
    """The setup intent that the operation made, with its payment method; None where Stripe shows none. Raises as `_read`."""
    asked: Any = {**_made_since(operation), "customer": operation.parameters["customer"], "expand": ["data.payment_method"]}
    found = _find(operation, lambda client, options: client.v1.setup_intents.list(asked, options))
    return SetupIntentSnapshot.from_stripe(found) if found is not None else None


def find_refund(operation: Operation) -> RefundSnapshot | None:
    """The refund that the operation made; None where Stripe shows none. Raises as `_read`."""
    asked: Any = {"payment_intent": operation.parameters["payment_intent"], "limit": PAGE_SIZE}
    found = _find(operation, lambda client, options: client.v1.refunds.list(asked, options))
    return RefundSnapshot.from_stripe(found) if found is not None else None


def _made_since(operation: Operation) -> Any:
    return _since(operation.created_at)


def _since(moment: datetime) -> dict[str, Any]:
    return {"created": {"gte": int((moment - CLOCK_SKEW).timestamp())}, "limit": PAGE_SIZE}


def _find(operation: Operation, list_them: Callable[[stripe.StripeClient, Any], Any]) -> dict[str, Any] | None:
    """The object of a list, newest first, whose metadata names the operation. Raises as `ask`."""
    options: Any = {"stripe_account": operation.stripe_account} if operation.stripe_account else {}

    def search(client: stripe.StripeClient) -> dict[str, Any] | None:
        listed = (dict(one.to_dict()) for one in list_them(client, options).auto_paging_iter())
        return next((one for one in listed if _names(one, operation)), None)

    found: dict[str, Any] | None = ask(search)
    return found


def _names(listed: dict[str, Any], operation: Operation) -> bool:
    metadata = listed.get("metadata") or {}
    named = metadata.get(OPERATION_METADATA_KEY) == operation.id
    return bool(named and is_as_asked(operation, amount_minor=listed.get("amount"), currency=listed.get("currency")))


def is_as_asked(operation: Operation, *, amount_minor: int | None, currency: str | None) -> bool:
    """Whether an object has the amount and the currency that the operation asked for, as far as it asked for any.

    Metadata alone proves nothing: whoever makes objects at the account chooses it.
    """
    asked = operation.parameters
    return asked.get("amount", amount_minor) == amount_minor and asked.get("currency", currency) == currency


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
    """Stripe's answer as a plain dict. Raises as `ask`."""
    return dict(ask(call).to_dict())


def ask(call: Callable[[stripe.StripeClient], Any]) -> Any:
    """What a call of the SDK returns.

    Raises StripeRejected (it said no), StripeConfigurationRefused (401, 403) or StripeUnreachable (no usable answer).
    """
    leave_the_database()
    try:
        with watched_read():
            return call(stripe_client())
    except stripe.StripeError as error:
        _raise_for_read(error)


def _raise_for_read(error: stripe.StripeError) -> NoReturn:
    """A read has no outcome to lose: whatever is neither an answer nor a refusal is told as unreachable."""
    if isinstance(error, stripe.InvalidRequestError | stripe.AuthenticationError | stripe.PermissionError):
        raise_rejection(fault_of(error), stripe_request_id=error.request_id or "")
    raise StripeUnreachable("Stripe could not be asked. Please try again.") from error
