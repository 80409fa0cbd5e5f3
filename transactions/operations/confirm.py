"""Confirming a payment: the step that charges the buyer."""

from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from accounts.operations import keep_account_open
from commercecore_payments.actors import Actor
from commercecore_payments.errors import ServiceError
from gateway.models import Kind, Operation, Status
from gateway.operations import earlier_under_key, finish, raise_for_outcome, recorded_outcome, reserve
from gateway.outcomes import Fault, Outcome
from gateway.snapshots import PaymentIntentSnapshot, PaymentMethodSnapshot
from paymentmethods.models import PaymentMethod
from paymentmethods.operations import find_saved_method
from transactions.errors import (
    AlreadyConfirmed,
    CardDeclined,
    ConfirmationRefused,
    OrderTaken,
    TransactionCanceled,
    TransactionNotFound,
)
from transactions.models import Status as TransactionStatus
from transactions.models import Transaction
from transactions.operations.read import find_transaction, refresh_transaction, reread_for_secret
from transactions.operations.settle import end_open, end_open_without_charging, open_operation, settle_payment_intent


@dataclass(frozen=True, slots=True)
class ConfirmationRequest:
    """Which payment is confirmed with what. `off_session`: the buyer is not there to pass a challenge."""

    transaction_id: str
    account_id: str
    payment_method_id: str
    off_session: bool = False


def confirm_transaction(request: ConfirmationRequest, *, actor: Actor) -> tuple[Transaction, PaymentIntentSnapshot | None]:
    """Confirms the payment with a payment method: one of the connected account's, or a card saved for the user.

    The intent is None where a repeat is answered after the account was deleted.

    A saved card is cloned to the connected account first. A repeat while the first outcome is unknown continues the
    first; with another card the first is only looked at. Raises TransactionNotFound, AlreadyConfirmed,
    TransactionCanceled, CardDeclined, ConfirmationRefused, and what `gateway.operations.raise_for_outcome` raises.
    """
    payment = find_transaction(transaction_id=request.transaction_id, actor=actor)
    if payment.account.stripe_account_id != request.account_id:
        raise TransactionNotFound
    was_told = _was_told_under_key(payment, actor=actor)
    if was_told:
        earlier = None if payment.is_terminal else reread_for_secret(payment)
    else:
        earlier = _finish_earlier_attempt(payment, request)
    if was_told or earlier is not None:
        if payment.status == TransactionStatus.CANCELED:  # a hold that has lapsed since, or was given up
            raise TransactionCanceled
        return payment, earlier
    if payment.is_confirmed and payment.may_still_change:
        refresh_transaction(payment)  # what is processing or held here may have moved on at Stripe
    _refuse_unless_confirmable(payment, request_id=actor.request_id)
    method_id = _on_connected_account(request.payment_method_id, payment=payment, actor=actor)
    operation = _reserve_confirmation(payment, request, method_id=method_id, actor=actor)
    outcome = finish(operation, settle_payment_intent)
    payment.refresh_from_db()
    _raise_unless_confirmed(payment, operation, outcome)
    return payment, _intent_after(payment, outcome)


def _was_told_under_key(payment: Transaction, *, actor: Actor) -> bool:
    """Whether an earlier attempt of this very request has confirmed the payment. Raises what its failure was told as."""
    earlier = earlier_under_key(Kind.PAYMENT_INTENT_CONFIRM, actor=actor)
    if earlier is None or earlier.is_open:
        return False
    _raise_unless_confirmed(payment, earlier, recorded_outcome(earlier))
    return True


def _finish_earlier_attempt(payment: Transaction, request: ConfirmationRequest) -> PaymentIntentSnapshot | None:
    """Ends what was left open about the payment. What an earlier confirmation brought, if it took effect.

    The same confirmation again is sent again, and its decline is the answer. One with another card must not charge the
    first card, and is not answered with what the first has done: the intent is looked at, and where it is unconfirmed
    the new card may be tried, since the intent itself succeeds only once.
    """
    unfinished = open_operation(payment)
    if unfinished is None:
        return None
    if unfinished.kind != Kind.PAYMENT_INTENT_CONFIRM:
        end_open(unfinished)
        payment.refresh_from_db()
        return None
    same = _asks_for_the_same(unfinished, request, payment=payment)
    if not same:
        unfinished.withdraw()
    is_repeated = same and unfinished.may_be_sent_again()
    outcome = end_open(unfinished) if is_repeated else end_open_without_charging(unfinished)
    payment.refresh_from_db()
    unfinished.refresh_from_db()
    if not same or not unfinished.tells_what_stripe_said:  # with another card, or after nothing was done, it is tried anew
        return None
    _raise_unless_confirmed(payment, unfinished, outcome)
    return _intent_after(payment, outcome)


def _intent_after(payment: Transaction, outcome: Outcome) -> PaymentIntentSnapshot:
    """The payment intent after a success: as Stripe answered, and read anew where another attempt had the answer."""
    return outcome.value if isinstance(outcome.value, PaymentIntentSnapshot) else refresh_transaction(payment)


def _asks_for_the_same(confirmation: Operation, request: ConfirmationRequest, *, payment: Transaction) -> bool:
    """Whether the request names what the confirmation charges, or the saved card that was cloned for it."""
    used = confirmation.parameters["payment_method"]
    clone = _clones(payment).filter(result_id=used).first()
    named = request.payment_method_id in (used, clone.parameters["payment_method"] if clone is not None else used)
    return named and confirmation.parameters.get("off_session", False) == request.off_session


def _clones(payment: Transaction) -> QuerySet[Operation]:
    return Operation.objects.of(payment).filter(kind=Kind.PAYMENT_METHOD_CLONE, status=Status.SUCCEEDED)


def _refuse_unless_confirmable(payment: Transaction, *, request_id: str) -> None:
    if payment.is_confirmed:
        raise AlreadyConfirmed(status=payment.status, request_id=request_id)
    if payment.status == TransactionStatus.CANCELED:
        raise TransactionCanceled
    if not payment.holds_order:  # it was thought not to exist, and the order is paid by another one
        raise OrderTaken({})


def _on_connected_account(payment_method_id: str, *, payment: Transaction, actor: Actor) -> str:
    """The payment method under which the connected account knows it: a clone of a saved card, else as it was given."""
    method = find_saved_method(payment_method_id=payment_method_id, actor=actor)
    if method is None:
        return payment_method_id
    return _unused_clone(method, payment=payment) or _clone(method, payment=payment, actor=actor)


def _unused_clone(method: PaymentMethod, *, payment: Transaction) -> str | None:
    """A clone that an attempt has made which was cut off before it confirmed. A confirmation uses its clone up."""
    confirmations = Operation.objects.of(payment).filter(kind=Kind.PAYMENT_INTENT_CONFIRM)
    used = {confirmation.parameters["payment_method"] for confirmation in confirmations}
    made = [clone.result_id for clone in _clones(payment) if clone.parameters == method.clone_parameters()]
    return next((clone_id for clone_id in made if clone_id not in used), None)


def _clone(method: PaymentMethod, *, payment: Transaction, actor: Actor) -> str:
    with transaction.atomic(durable=True):
        keep_account_open(payment.account)
        locked = Transaction.objects.select_for_update().get(pk=payment.pk)
        operation = reserve(
            Kind.PAYMENT_METHOD_CLONE,
            subject=locked,
            actor=actor,
            parameters=method.clone_parameters(),
            stripe_account=payment.account.stripe_account_id,
        )
    outcome = finish(operation, settle_payment_intent)
    _raise_if_declined(payment, outcome)
    raise_for_outcome(operation, outcome)
    if isinstance(outcome.value, PaymentMethodSnapshot):
        return outcome.value.id
    operation.refresh_from_db()  # another attempt had the answer, and has written it down
    return operation.result_id


def _reserve_confirmation(payment: Transaction, request: ConfirmationRequest, *, method_id: str, actor: Actor) -> Operation:
    with transaction.atomic(durable=True):
        keep_account_open(payment.account)
        locked = Transaction.objects.select_for_update().get(pk=payment.pk)
        _refuse_unless_confirmable(locked, request_id=actor.request_id)
        # The charge tells when a hold lapses.
        parameters: dict[str, Any] = {"payment_method": method_id, "expand": ["latest_charge"]}
        if request.off_session:
            parameters["off_session"] = True
        if locked.return_url:
            parameters["return_url"] = locked.return_url
        return reserve(
            Kind.PAYMENT_INTENT_CONFIRM,
            subject=locked,
            actor=actor,
            parameters=parameters,
            stripe_account=payment.account.stripe_account_id,
            target_id=locked.stripe_payment_intent_id,
        )


def _raise_unless_confirmed(payment: Transaction, operation: Operation, outcome: Outcome) -> None:
    def refusal(fault: Fault, *, stripe_request_id: str) -> ServiceError:
        if payment.is_confirmed:  # Stripe knew it before we did: the error carried the intent
            return AlreadyConfirmed(status=payment.status, request_id=stripe_request_id)
        if payment.status == TransactionStatus.CANCELED:
            return TransactionCanceled()
        return ConfirmationRefused(fault, request_id=stripe_request_id)

    _raise_if_declined(payment, outcome)
    raise_for_outcome(operation, outcome, refusal=refusal)


def _raise_if_declined(payment: Transaction, outcome: Outcome) -> None:
    if outcome.status != Status.DECLINED or outcome.fault is None:
        return
    raise CardDeclined(
        message=outcome.fault.message,
        stripe_code=outcome.fault.code,
        decline_code=outcome.fault.decline_code,
        extra={
            "transaction_id": payment.stripe_payment_intent_id,
            "account_id": payment.account.stripe_account_id,
            "status": payment.status,
        },
    )
