"""Confirming, capturing and cancelling a payment intent."""

from typing import Any

from sandbox.api.errors import StripeError, not_supported, unexpected_state
from sandbox.api.parameters import METADATA, SHIPPING, Boolean, Choice, Email, Integer, Text, WebAddress, takes, unsettable
from sandbox.api.wire import Request
from sandbox.models import SandboxObject
from sandbox.money import bank_debits, payments, refund_booking, reviews, settlement
from sandbox.objects import state
from sandbox.resources import bank_debit_terms
from sandbox.resources.confirmation import OFF_SESSION, OPTIONS, Removed, confirm_row
from sandbox.timeline import clock

CONFIRM = takes(
    capture_method=Choice(("automatic", "automatic_async", "manual")),
    error_on_requires_action=Boolean(),
    mandate_data=bank_debit_terms.MANDATE_DATA,
    off_session=OFF_SESSION,
    payment_method=Text(),
    payment_method_options=unsettable(OPTIONS),
    payment_method_types=Removed(),
    receipt_email=unsettable(Email()),
    return_url=WebAddress(),
    setup_future_usage=unsettable(Choice(("off_session", "on_session"))),
    shipping=unsettable(SHIPPING),
    use_stripe_sdk=Boolean(),
).refusing(
    "allowed_payment_method_types amount_details amount_to_confirm confirmation_token excluded_payment_method_types "
    "hooks mandate payment_details payment_method_data radar_options"
)
CAPTURE = takes(
    amount_to_capture=Integer(minimum=1),
    application_fee_amount=Integer(minimum=0),
    final_capture=Boolean(),
    metadata=METADATA,
    statement_descriptor=Text(maximum=22),
    statement_descriptor_suffix=Text(maximum=22),
).refusing("amount_details hooks payment_details transfer_data")
CANCEL = takes(cancellation_reason=Choice(("duplicate", "fraudulent", "requested_by_customer", "abandoned")))
CANCELABLE = ("requires_payment_method", "requires_capture", "requires_confirmation", "requires_action")


def confirm(request: Request, intent: str) -> dict[str, Any]:
    """Takes the payment, holds it, asks the buyer to authenticate, or answers a 402 for a decline."""
    row = state.addressed(request.account, "payment_intent", intent, param="intent", lock=True)
    confirm_row(row, request.parameters)
    return row.data


def capture(request: Request, intent: str) -> dict[str, Any]:
    """Takes the held money, whole or in part; the rest of the hold is released."""
    row = state.addressed(request.account, "payment_intent", intent, param="intent", lock=True)
    sent = request.parameters
    _require_capturable(row)
    if sent.get("final_capture") is False:
        raise not_supported("more than one capture", "final_capture")
    amount = sent.get("amount_to_capture", row.data["amount_capturable"])
    if amount > row.data["amount_capturable"]:
        raise StripeError(
            "The requested capture amount is greater than the amount you can capture for this charge.",
            code="amount_too_large",
            param="amount_to_capture",
        )
    payments.check_application_fee(row.account, sent.get("application_fee_amount"), amount)
    _capture(row, amount, sent)
    return row.data


def cancel(request: Request, intent: str) -> dict[str, Any]:
    """Ends an intent that has not succeeded; held money is released, and a bank debit that was not sent is called off."""
    row = state.addressed(request.account, "payment_intent", intent, param="intent", lock=True)
    status = row.data["status"]
    if status == "processing":
        _call_off(row)
    elif status not in CANCELABLE:
        raise _not_cancelable(row)
    elif status == "requires_capture":
        refund_booking.release(_latest_charge(row))
    _end(row, request.parameters.get("cancellation_reason"))
    return row.data


def lapse(account: str, intent: str) -> None:
    """A task: money that is still held is released, and its intent canceled; one that was captured or canceled stays."""
    row = state.addressed(account, "payment_intent", intent, param="intent", lock=True)
    if row.data["status"] != "requires_capture":
        return
    refund_booking.release(_latest_charge(row), reason="expired_uncaptured_charge")
    _end(row, "automatic")


def _call_off(row: SandboxObject) -> None:
    charge = _latest_charge(row)
    if not bank_debits.may_be_called_off(charge):
        raise _not_cancelable(row)
    bank_debits.call_off(charge)


def _not_cancelable(row: SandboxObject) -> StripeError:
    return unexpected_state(
        f"You cannot cancel this PaymentIntent because it has a status of {row.data['status']}. Only a PaymentIntent with one "
        f"of the following statuses may be canceled: {', '.join(CANCELABLE)}.",
        row.data,
    )


def _end(row: SandboxObject, reason: str | None) -> None:
    row.data |= {
        "amount_capturable": 0,
        "canceled_at": clock.now_seconds(),
        "cancellation_reason": reason,
        "next_action": None,
        "status": "canceled",
    }
    state.save(row)
    reviews.close_of(row, "canceled")


def _require_capturable(row: SandboxObject) -> None:
    status = row.data["status"]
    if status == "requires_capture":
        return
    captured = status == "succeeded" and row.data["capture_method"] == "manual"
    because = (
        "it has already been captured."
        if captured
        else f"it has a status of {status}. Only a PaymentIntent with one of the following statuses may be captured: "
        "requires_capture."
    )
    raise unexpected_state(f"This PaymentIntent could not be captured because {because}", row.data)


def _capture(row: SandboxObject, amount: int, sent: dict[str, Any]) -> None:
    charge = _latest_charge(row)
    charge.data |= {"amount_captured": amount, "captured": True}
    for changed in (row.data, charge.data):
        for name in ("application_fee_amount", "statement_descriptor", "statement_descriptor_suffix"):
            changed[name] = sent.get(name, changed[name])
    refund_booking.release(charge)
    settlement.settle(charge)
    row.data |= {"amount_capturable": 0, "amount_received": amount, "status": "succeeded"}
    if "metadata" in sent:
        row.data["metadata"] = state.merged_metadata(row.data["metadata"], sent["metadata"])
    state.save(row)


def _latest_charge(row: SandboxObject) -> SandboxObject:
    return state.referred(row.account, "charge", row.data["latest_charge"], param="charge", lock=True)
