"""Capturing a hold: the step that takes the money, the whole of it or a part, once."""

from collections.abc import Callable
from typing import Any

from django.db import transaction

from accounts.operations import keep_account_open
from commercecore_payments.actors import Actor
from commercecore_payments.errors import ServiceError
from gateway.models import Kind, Operation
from gateway.operations import raise_for_outcome, reserve
from gateway.outcomes import Fault, Outcome
from transactions.dry_runs import CapturePreview
from transactions.errors import AlreadyCaptured, ApplicationFeeInvalid, CaptureExceedsHold, CaptureRefused, NotCapturable
from transactions.models import Status, Transaction
from transactions.operations.read import find_transaction, foreseen, refresh_transaction
from transactions.operations.settle import change, told_under_key


def capture_transaction(
    *, transaction_id: str, amount_minor: int | None, application_fee_minor: int | None, actor: Actor
) -> Transaction:
    """Captures a hold of the app's own, by its id. Raises TransactionNotFound, and as `capture_payment`."""
    payment = find_transaction(transaction_id=transaction_id, actor=actor)
    return capture_payment(payment, amount_minor=amount_minor, application_fee_minor=application_fee_minor, actor=actor)


def preview_capture(
    *, transaction_id: str, amount_minor: int | None, application_fee_minor: int | None, actor: Actor
) -> CapturePreview:
    """What `capture_transaction` would do, by the same checks. Nothing is written, and nothing sent but a question.

    Raises TransactionNotFound, AlreadyCaptured, NotCapturable, CaptureExceedsHold, ApplicationFeeInvalid, OperationInProgress
    while something is under way or undecided about the payment, and what `gateway.reads` raises.
    """
    payment = foreseen(find_transaction(transaction_id=transaction_id, actor=actor))
    parameters = _parameters(payment, amount_minor=amount_minor, application_fee_minor=application_fee_minor)
    with transaction.atomic(durable=True):
        keep_account_open(payment.account)
        _refuse_unless_capturable(payment, parameters)
    taken_minor = parameters["amount_to_capture"]
    return CapturePreview(
        payment=payment,
        amount_minor=taken_minor,
        released_minor=payment.amount_capturable_minor - taken_minor,
        # Stripe caps a fee that was agreed on earlier at what is captured.
        application_fee_minor=parameters.get("application_fee_amount", min(payment.application_fee_minor, taken_minor)),
    )


def capture_payment(
    payment: Transaction, *, amount_minor: int | None, application_fee_minor: int | None, actor: Actor
) -> Transaction:
    """Captures `amount_minor` minor units of a held payment, or all of it where that is None; the rest is released.

    `application_fee_minor` replaces the platform's share of the whole. A repeat while the first outcome is unknown continues
    the first. Raises AlreadyCaptured, NotCapturable, CaptureExceedsHold, ApplicationFeeInvalid,
    CaptureRefused, OperationInProgress, and what `gateway.operations.raise_for_outcome` raises.
    """
    told = told_under_key(Kind.PAYMENT_INTENT_CAPTURE, actor=actor)
    if told is None:
        if not payment.is_held and payment.may_still_change:
            refresh_transaction(payment)  # a challenge may have been passed meanwhile

        def parameters_of(held: Transaction) -> dict[str, Any]:
            """What is captured of it, which may be all that it holds."""
            return _parameters(held, amount_minor=amount_minor, application_fee_minor=application_fee_minor)

        def reserve_new() -> Operation:
            """Keeps the wish to capture before Stripe is asked."""
            return _reserve(payment, parameters_of, actor=actor)

        told = change(payment, Kind.PAYMENT_INTENT_CAPTURE, parameters=parameters_of(payment), reserve_new=reserve_new)
    payment.refresh_from_db()
    _raise_unless_captured(payment, *told)
    return payment


def _parameters(payment: Transaction, *, amount_minor: int | None, application_fee_minor: int | None) -> dict[str, Any]:
    """The whole is named too: what a repeat captures must not depend on when it arrives."""
    asked_minor = payment.amount_capturable_minor if amount_minor is None else amount_minor
    fee = {} if application_fee_minor is None else {"application_fee_amount": application_fee_minor}
    return {"amount_to_capture": asked_minor, **fee}


def _reserve(payment: Transaction, parameters_of: Callable[[Transaction], dict[str, Any]], *, actor: Actor) -> Operation:
    with transaction.atomic(durable=True):
        keep_account_open(payment.account)
        locked = Transaction.objects.select_for_update().get(pk=payment.pk)
        parameters = parameters_of(locked)  # a hold may have become known since the payment was read
        _refuse_unless_capturable(locked, parameters)
        return reserve(
            Kind.PAYMENT_INTENT_CAPTURE,
            subject=locked,
            actor=actor,
            parameters=parameters,
            stripe_account=payment.account.stripe_account_id,
            target_id=locked.stripe_payment_intent_id,
        )


def _refuse_unless_capturable(payment: Transaction, parameters: dict[str, Any]) -> None:
    if not payment.is_held:
        raise _not_held(payment)
    if parameters["amount_to_capture"] > payment.amount_capturable_minor:
        raise CaptureExceedsHold(capturable_minor=payment.amount_capturable_minor, currency=payment.currency)
    # A fee that was agreed on earlier is capped by Stripe at what is captured.
    if parameters.get("application_fee_amount", 0) > parameters["amount_to_capture"]:
        raise ApplicationFeeInvalid("The application fee must not be greater than the amount.")


def _not_held(payment: Transaction) -> ServiceError:
    captured = payment.status == Status.SUCCEEDED
    return AlreadyCaptured() if captured else NotCapturable(status=payment.status)


def _raise_unless_captured(payment: Transaction, operation: Operation, outcome: Outcome) -> None:
    def refusal(fault: Fault, *, stripe_request_id: str) -> ServiceError:
        if payment.is_held:
            return CaptureRefused(fault, stripe_request_id=stripe_request_id)
        return _not_held(payment)  # Stripe knew it before we did: the error carried the intent

    raise_for_outcome(operation, outcome, refusal=refusal)
