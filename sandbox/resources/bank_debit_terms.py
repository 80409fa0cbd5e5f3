"""On which terms an intent takes bank debits: the account, the currency, the capture, and the mandate of the buyer."""

from typing import Any

from sandbox.api.errors import ParameterRefused, StripeError, not_supported
from sandbox.api.parameters import Choice, Hash, Integer, Parameter, Text, required
from sandbox.models import SandboxObject
from sandbox.money.instruments import BANK_DEBIT, CAPABILITIES, is_card
from sandbox.objects import state

# What an intent says of bank debits [recorded]; nothing of it can be chosen here.
OPTIONS: dict[str, Any] = {"mandate_options": {}, "verification_method": "automatic"}
MANDATE_DATA = Hash(
    {
        "customer_acceptance": required(
            Hash(
                {
                    "type": required(Choice(("offline", "online"))),
                    "accepted_at": Parameter(Integer(minimum=0)),
                    "offline": Parameter(Hash({})),
                    "online": Parameter(Hash({"ip_address": required(Text()), "user_agent": required(Text())})),
                }
            )
        )
    }
)
# The text and the missing code: https://docs.stripe.com/payments/ach-direct-debit/accept-a-payment#resolving-disputes.
NO_MANDATE = (
    "This {kind} requires a mandate, but no existing mandate was found. Collect mandate acceptance from the customer and try "
    "again, providing acceptance data in the mandate_data parameter."
)


def show_options(data: dict[str, Any]) -> None:
    """Gives an intent's `payment_method_options` a part about bank debits where it takes any, and none else."""
    data["payment_method_options"].pop(BANK_DEBIT, None)
    if BANK_DEBIT in data["payment_method_types"]:
        data["payment_method_options"][BANK_DEBIT] = dict(OPTIONS)


def require_possible(row: SandboxObject) -> None:
    """Raises a 400 where an intent that takes bank debits cannot: its account, its currency or its capture stand against it.

    The rules are those of https://docs.stripe.com/payments/ach-direct-debit: US dollars alone, no manual capture, and the
    capability of the connected account. Their codes and texts are unverified but for the capability's, which is [reported].
    """
    data = row.data
    if BANK_DEBIT not in data["payment_method_types"]:
        return
    if row.account and not _is_capable(row.account):
        raise _invalid(
            data,
            f'The payment method type "{BANK_DEBIT}" is invalid. Please ensure the provided type is activated in your dashboard '
            "(https://dashboard.stripe.com/account/payments/settings) and your account is enabled for any preview features "
            "that you are trying to use.",
            "allowed_payment_method_types",
        )
    if data.get("currency", "usd") != "usd":
        raise _invalid(data, f"The currency {data['currency']} is invalid for the payment method type {BANK_DEBIT}.", "currency")
    if data.get("capture_method") == "manual":
        raise _invalid(data, f"The payment method type {BANK_DEBIT} does not support manual capture.", "capture_method")


def require_met(row: SandboxObject, method: SandboxObject, sent: dict[str, Any], *, is_kept: bool) -> None:
    """Raises a 400 where an intent is confirmed with a bank account that it cannot debit, or not without a mandate.

    A card is bound by none of these terms, whatever else the intent takes; it has no mandate. One that is sent is kept for
    later debits where `is_kept` says so, else it is for this one alone. The method is locked by the caller.
    """
    if not is_card(method):
        require_possible(row)
        _require_mandate(row, method, sent.get("mandate_data"), is_kept=is_kept)
    elif "mandate_data" in sent:
        raise not_supported("the mandate of a card", "mandate_data")


def _require_mandate(row: SandboxObject, method: SandboxObject, given: dict[str, Any] | None, *, is_kept: bool) -> None:
    if given is None and not method.hidden.get("mandate"):
        kind = "PaymentIntent" if row.object_type == "payment_intent" else "SetupIntent"
        raise StripeError(NO_MANDATE.format(kind=kind), about={row.object_type: row.data})
    if given is not None:
        _require_online_details(given["customer_acceptance"])
        method.hidden["mandate"] = is_kept or method.hidden.get("mandate", False)


def _require_online_details(acceptance: dict[str, Any]) -> None:
    if acceptance["type"] == "online" and "online" not in acceptance:
        param = "mandate_data[customer_acceptance][online]"
        raise ParameterRefused(f"Missing required param: {param}.", code="parameter_missing", param=param)


def _is_capable(account: str) -> bool:
    data = state.referred("", "account", account, param="account").data
    return bool(data["capabilities"].get(CAPABILITIES[BANK_DEBIT]) == "active")


def _invalid(data: dict[str, Any], message: str, param: str) -> StripeError:
    return StripeError(message, code=f"{data['object']}_invalid_parameter", param=param)
