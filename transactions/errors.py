"""What can go wrong with transactions."""

from collections.abc import Mapping, Sequence
from typing import Any

from commercecore_payments.errors import BadRequest, Conflict, InvalidBody, KeyAfterwards, NotFound, PaymentRequired, Unavailable
from gateway.outcomes import Fault


class TransactionNotFound(NotFound):
    """There is no such transaction, or it is another app's: the caller cannot tell which."""

    code = "transaction_not_found"
    message = "No such transaction."


class TooManyUnfinished(Conflict):
    """Too much would have to be read from Stripe at once, back to the oldest payment that is not final. Names the oldest."""

    key_afterwards = KeyAfterwards.FREE
    code = "too_many_unfinished_payments"
    message = "Too many payments were made since the oldest that is unfinished. Cancel the oldest ones first, then try again."

    def __init__(self, oldest: Sequence[str]) -> None:
        super().__init__(extra={"unfinished_transactions": list(oldest)})


class OrderNotFound(NotFound):
    """It is the order service's word, which may change: a repeat under the same Idempotency-Key asks it again."""

    key_afterwards = KeyAfterwards.FREE
    code = "order_not_found"
    message = "No such order."


class OrderServiceUnreachable(Unavailable):
    """The order service did not answer. Documented as a 500."""

    documented_status = 500
    code = "order_service_unreachable"
    message = "All connection attempts failed"  # documented


class OrderServiceFailed(Unavailable):
    """The order service answered something that is no order. Nothing was charged."""

    code = "order_service_failed"
    message = "The order service gave no usable answer."


class OrderTaken(Conflict):
    """One order of one app at one account is paid at most once."""

    code = "order_taken"
    message = "This order already has a transaction."

    def __init__(self, payment: Mapping[str, str]) -> None:
        super().__init__(extra=payment)


class AccountIdMissing(BadRequest):
    """The body names no account. Documented as a 500 whose message is the bare name of the field."""

    documented_status = 500
    key_afterwards = KeyAfterwards.FORGOTTEN
    code = "account_id_required"
    message = "'account_id'"


class AmountInvalid(InvalidBody):
    """The amount is below what the currency allows, or above it."""

    def __init__(self, problem: str) -> None:
        super().__init__(f"Invalid request body. 'amount': {problem}", fields={"amount": [problem]})


class ApplicationFeeInvalid(InvalidBody):
    """The platform's share is greater than the amount."""

    def __init__(self, problem: str) -> None:
        message = f"Invalid request body. 'application_fee_amount': {problem}"
        super().__init__(message, fields={"application_fee_amount": [problem]})


class AlreadyCaptured(Conflict):
    """A hold is captured once, in whole or in part."""

    code = "already_captured"
    message = "The payment has been captured already."


class NotCapturable(Conflict):
    """There is no hold: it was never made, has lapsed, or was canceled."""

    code = "not_capturable"

    def __init__(self, *, status: str) -> None:
        super().__init__(f"Only a held payment can be captured. This one has the status {status}.", extra={"status": status})


class CaptureExceedsHold(Conflict):
    """More was asked for than is held. `capturable_amount` tells how much is."""

    code = "capture_exceeds_hold"

    def __init__(self, *, capturable_minor: int, currency: str) -> None:
        held = {"capturable_amount": capturable_minor, "currency": currency}
        super().__init__(f"At most {capturable_minor} {currency} can be captured.", extra=held)


class CaptureRefused(Conflict):
    """Stripe refused to capture what is still held."""

    code = "capture_refused"

    def __init__(self, fault: Fault, *, stripe_request_id: str) -> None:
        super().__init__(fault.message, extra={"stripe_code": fault.code, "stripe_request_id": stripe_request_id})


class AlreadyCanceled(Conflict):
    """It was given up before, or its hold has lapsed."""

    code = "already_canceled"
    message = "The payment has been canceled already."


class NotCancelable(Conflict):
    """The money was taken: it goes back by a refund."""

    code = "not_cancelable"

    def __init__(self, *, status: str) -> None:
        super().__init__(f"A payment with the status {status} can no longer be canceled.", extra={"status": status})


class CancellationRefused(Conflict):
    """Stripe refused to cancel, as it does while a bank debit is processing."""

    code = "cancellation_refused"

    def __init__(self, fault: Fault, *, stripe_request_id: str) -> None:
        super().__init__(fault.message, extra={"stripe_code": fault.code, "stripe_request_id": stripe_request_id})


class ConfirmationRefused(BadRequest):
    """Stripe refused to confirm, for another reason than the card."""

    code = "confirmation_refused"

    def __init__(self, fault: Fault, *, request_id: str) -> None:
        extra = {"stripe_code": fault.code, "stripe_param": fault.param}
        super().__init__(confirmation_message(fault.message, request_id=request_id), extra=extra)


class AlreadyConfirmed(Conflict):
    """A payment is confirmed once. Documented as a 500."""

    documented_status = 500
    code = "already_confirmed"

    def __init__(self, *, status: str, request_id: str) -> None:
        reason = ALREADY_SUCCEEDED if status == "succeeded" else f"{CANNOT_CONFIRM} it has a status of {status}."
        super().__init__(confirmation_message(reason, request_id=request_id))


class TransactionCanceled(Conflict):
    """It was given up, or its hold has lapsed."""

    code = "transaction_canceled"
    message = "The transaction is canceled and can no longer be paid."


class CardDeclined(PaymentRequired):
    """The buyer's card was declined: the transaction can be confirmed again, with the same card or another."""

    code = "card_declined"

    def __init__(self, *, message: str, stripe_code: str, decline_code: str, extra: Mapping[str, Any]) -> None:
        reasons = {"stripe_code": stripe_code, "decline_code": decline_code}
        super().__init__(message or "Your card was declined.", extra={**reasons, **extra})


CANNOT_CONFIRM = "You cannot confirm this PaymentIntent because"
# Stripe's own sentence, as the documentation shows it.
ALREADY_SUCCEEDED = f"{CANNOT_CONFIRM} it has already succeeded after being previously confirmed."


def confirmation_message(reason: str, *, request_id: str) -> str:
    """The documented message of a refused confirmation, to the letter, its missing spaces included."""
    return (
        f"An error occurred while confirming the payment intentRequest {request_id}: {reason} "
        "Check if the payment method is valid, and also check if you havecompleted the onboarding process"
    )
