"""What confirming has in common for payment intents and setup intents, and the confirmation of a payment intent."""

from dataclasses import dataclass
from typing import Any

from sandbox.api.errors import ParameterRefused, StripeError, unexpected_state
from sandbox.api.parameters import Boolean, Choice, Hash, ListOf, Parameter, required
from sandbox.models import SandboxObject
from sandbox.money import bank_debits, payments
from sandbox.money.instruments import is_card
from sandbox.objects import state
from sandbox.resources import bank_debit_terms, payment_methods

# Dynamic payment methods of a new Stripe account that cards and Link can serve. Bank debits are not among them: an account
# turns them on in its Dashboard, which the sandbox has not; here `allowed_payment_method_types` asks for them.
DYNAMIC_TYPES = ["card", "link"]
TYPES = ListOf(Choice(("card", "link", "us_bank_account", "customer_balance")))
AUTOMATIC = Hash({"enabled": required(Boolean()), "allow_redirects": Parameter(Choice(("always", "never")))})
OFF_SESSION = Choice(("true", "false", "one_off", "recurring"))
OPTIONS = Hash(
    {
        "card": Parameter(
            Hash({"request_three_d_secure": Parameter(Choice(("any", "automatic", "challenge")))}),
        )
    }
).refusing("us_bank_account")
CONFIRMABLE = ("requires_payment_method", "requires_confirmation", "requires_action")


@dataclass(frozen=True)
class Removed:
    """`payment_method_types`, no longer taken since 2026-09-30.endive (changelog of that version)."""

    def read(self, value: Any, param: str) -> Any:
        raise ParameterRefused(
            "The `payment_method_types` parameter is no longer supported. Use `allowed_payment_method_types` or "
            "`automatic_payment_methods` instead.",
            code="payment_method_types_no_longer_supported",
            param=param,
        )


def choose_types(data: dict[str, Any], sent: dict[str, Any]) -> None:
    """Sets which payment methods an intent takes. Raises a 400 where it is said in two ways."""
    _set_types(data, sent)
    bank_debit_terms.show_options(data)


def _set_types(data: dict[str, Any], sent: dict[str, Any]) -> None:
    allowed, automatic = sent.get("allowed_payment_method_types"), sent.get("automatic_payment_methods")
    if allowed is not None and automatic is not None:
        raise ParameterRefused(
            "You may only specify one of these parameters: allowed_payment_method_types, automatic_payment_methods.",
            param="allowed_payment_method_types",
        )
    if allowed is not None:
        data |= {"automatic_payment_methods": None, "allowed_payment_method_types": allowed}
        data["payment_method_types"] = list(allowed)
        return
    chosen = {"allow_redirects": "always", "enabled": True} | (automatic or {})
    data["automatic_payment_methods"] = chosen if chosen["enabled"] else {"enabled": False}
    data["payment_method_types"] = list(DYNAMIC_TYPES) if chosen["enabled"] else ["card"]


def require_return_url(data: dict[str, Any], sent: dict[str, Any]) -> None:
    """Raises a 400 where a method might redirect the buyer and nobody says where to return; its text is [reported].

    Whether a list of `allowed_payment_method_types` without redirects lifts this at Stripe is unverified; it does not
    here, so that what passes here passes there.
    """
    automatic = data["automatic_payment_methods"] or {"enabled": True, "allow_redirects": "always"}
    if not automatic["enabled"] or automatic["allow_redirects"] == "never" or sent.get("return_url"):
        return
    kind = "PaymentIntent" if data["object"] == "payment_intent" else "SetupIntent"
    raise StripeError(
        f"This {kind} is configured to accept payment methods enabled in your Dashboard. Because some of these payment "
        "methods might redirect your customer off of your page, you must provide a `return_url`. If you don't want to accept "
        "redirect-based payment methods, set `automatic_payment_methods[enabled]` to `true` and "
        "`automatic_payment_methods[allow_redirects]` to `never` when creating Setup Intents and Payment Intents."
    )


def method_for(row: SandboxObject, sent: dict[str, Any]) -> SandboxObject:
    """The payment method to confirm with, locked: the one sent, else the intent's own.

    Raises a 400 where there is none, it may not be used again, or it is another customer's.
    """
    named = sent.get("payment_method") or row.data["payment_method"]
    if not named:
        kind = "PaymentIntent" if row.object_type == "payment_intent" else "SetupIntent"
        raise unexpected_state(
            f"You cannot confirm this {kind} because it's missing a payment method. You can either update the {kind} with a "
            "payment method and then confirm it again, or confirm it again directly with a payment method or "
            "ConfirmationToken.",
            row.data,
        )
    method = payment_methods.usable(row.account, named)
    require_own_method(row, method)
    return method


def require_own_method(row: SandboxObject, method: SandboxObject) -> None:
    """Raises a 400 where the method is saved for a customer whom the intent does not name, or of an excluded type."""
    kind = "PaymentIntent" if row.object_type == "payment_intent" else "SetupIntent"
    owner = method.data["customer"]
    if owner and owner != row.data["customer"]:
        raise StripeError(
            f"The payment method supplied ({method.stripe_id}) belongs to the Customer {owner}. Please include the Customer "
            f"in the `customer` parameter on the {kind}.",
            param="payment_method",
        )
    if method.data["type"] not in row.data["payment_method_types"]:
        raise StripeError(
            f"The PaymentMethod provided ({method.data['type']}) is not allowed for this {kind}.", param="payment_method"
        )


def confirm_row(row: SandboxObject, sent: dict[str, Any]) -> None:
    """Confirms a payment intent whose row is locked.

    Raises a 400 for a state, a method or an account that does not allow it, and AttemptFailed for a decline.
    """
    _require_confirmable(row)
    for name in ("capture_method", "receipt_email", "setup_future_usage", "shipping"):
        if name in sent:
            row.data[name] = sent[name] or None
    row.data["payment_method_options"] |= sent.get("payment_method_options") or {}
    require_return_url(row.data, sent)
    method = method_for(row, sent)
    payments.require_charges_enabled(row.account, method.data["type"])
    bank_debit_terms.require_met(row, method, sent, is_kept=bool(row.data["setup_future_usage"]))
    if not is_card(method):
        bank_debits.debit(row, method)
        return
    if method.stripe_id != row.data["payment_method"]:
        row.hidden.pop("authenticated", None)
    payments.attempt(
        row,
        method,
        payments.Circumstances(
            return_url=sent.get("return_url", ""),
            off_session=sent.get("off_session", "false") != "false",
            error_on_requires_action=sent.get("error_on_requires_action", False),
            use_stripe_sdk=sent.get("use_stripe_sdk", False),
        ),
    )
    state.save(row)


def _require_confirmable(row: SandboxObject) -> None:
    status = row.data["status"]
    if status in CONFIRMABLE:
        return
    because = (
        "it has already succeeded after being previously confirmed."
        if status == "succeeded"
        else f"it has a status of {status}. Only a PaymentIntent with one of the following statuses may be confirmed: "
        f"{', '.join(CONFIRMABLE)}."
    )
    raise unexpected_state(f"You cannot confirm this PaymentIntent because {because}", row.data)
