"""How every operation on a payment intent ends, whoever brings it to its end."""

import logging
from collections.abc import Callable, Mapping
from typing import Any

from commercecore_payments.actors import Actor
from gateway import reads
from gateway.endings import Ending, bring_to_an_end, look_at, not_done, not_found
from gateway.models import Kind, Operation, Status
from gateway.operations import earlier_under_key, finish, raise_for_outcome, recorded_outcome
from gateway.outcomes import Fault, Outcome
from gateway.snapshots import PaymentIntentSnapshot
from transactions.events import changes_told
from transactions.models import CONFIRMED, Transaction
from transactions.models import Status as TransactionStatus

logger = logging.getLogger(__name__)

# Names of Stripe's test cards, good in its sandboxes alone (docs.stripe.com/testing#cards).
TEST_CARD_PREFIX = "pm_card_"


def settle_payment_intent(operation: Operation, outcome: Outcome) -> None:
    """The transaction takes over what Stripe says of its payment intent; one that could not be made frees its order."""
    payment = _payment_of(operation)
    if isinstance(outcome.value, PaymentIntentSnapshot):
        with changes_told(payment):
            _take_over_from_outcome(payment, outcome.value)
    elif operation.kind == Kind.PAYMENT_INTENT_CREATE:
        payment.mark_creation_failed()


def _payment_of(operation: Operation) -> Transaction:
    """The payment, locked; as it was reserved, where this process has just done that: its version guards it then."""
    if isinstance(operation.subject, Transaction):
        return operation.subject
    return Transaction.objects.select_for_update().get(pk=operation.subject_id)


def _take_over_from_outcome(payment: Transaction, intent: PaymentIntentSnapshot) -> None:
    was_given_up = payment.status == TransactionStatus.CREATION_FAILED
    payment.apply(intent)
    if was_given_up and not payment.hold_order_again():
        logger.warning("transaction %s was made after all, and its order is paid by another one", payment)


def _update_took_effect(operation: Operation, intent: PaymentIntentSnapshot) -> bool:
    """An empty text takes a value away, which the intent then shows as 0 or as an empty text."""
    asked = operation.parameters
    return (
        intent.amount_minor == asked["amount"]
        and intent.application_fee_minor == (asked.get("application_fee_amount", intent.application_fee_minor) or 0)
        and intent.statement_descriptor_suffix == asked.get("statement_descriptor_suffix", intent.statement_descriptor_suffix)
        and asked["metadata"].items() <= intent.metadata.items()
    )


def _confirmation_took_effect(operation: Operation, intent: PaymentIntentSnapshot) -> bool:
    """A challenge counts where it is that of the operation's own card; a hold does that has lapsed or was given up since."""
    if intent.status == TransactionStatus.REQUIRES_ACTION:
        return _is_own_card(operation, intent.payment_method_id)
    was_held = intent.status == TransactionStatus.CANCELED and intent.latest_charge_succeeded
    return intent.status in CONFIRMED or was_held


def _is_own_card(operation: Operation, payment_method_id: str) -> bool:
    """Whether it is the card that the operation confirms with.

    A test card becomes a new payment method at each use, so its own is one that was not known before.
    """
    asked = operation.parameters["payment_method"]
    if not asked.startswith(TEST_CARD_PREFIX):
        return bool(payment_method_id == asked)
    known = Transaction.objects.values_list("stripe_payment_method_id", flat=True).get(pk=operation.subject_id)
    return payment_method_id not in ("", known)


def _capture_took_effect(operation: Operation, intent: PaymentIntentSnapshot) -> bool:
    """Where another amount was captured, it was somebody else, past us."""
    asked_minor = operation.parameters["amount_to_capture"]
    return intent.status == TransactionStatus.SUCCEEDED and intent.amount_received_minor == asked_minor


def _cancellation_took_effect(_operation: Operation, intent: PaymentIntentSnapshot) -> bool:
    return intent.status == TransactionStatus.CANCELED


# By what a payment intent shows that it was changed as an operation asked.
TOOK_EFFECT: Mapping[str, Callable[[Operation, PaymentIntentSnapshot], bool]] = {
    Kind.PAYMENT_INTENT_UPDATE: _update_took_effect,
    Kind.PAYMENT_INTENT_CONFIRM: _confirmation_took_effect,
    Kind.PAYMENT_INTENT_CAPTURE: _capture_took_effect,
    Kind.PAYMENT_INTENT_CANCEL: _cancellation_took_effect,
}


def shown_by(operation: Operation, intent: PaymentIntentSnapshot) -> Outcome | None:
    """What the intent shows to have come of the operation: it took effect, or its card was declined; None where neither."""
    took_effect = TOOK_EFFECT.get(operation.kind)
    if took_effect is not None and took_effect(operation, intent):
        return Outcome(status=Status.SUCCEEDED, value=intent)
    if operation.kind == Kind.PAYMENT_INTENT_CONFIRM and _shows_a_new_decline(operation, intent):
        error = intent.last_payment_error
        fault = Fault(message=error.message, code=error.code, decline_code=error.decline_code)
        return Outcome(status=Status.DECLINED, value=intent, fault=fault)
    return None


def _shows_a_new_decline(operation: Operation, intent: PaymentIntentSnapshot) -> bool:
    """Whether the operation's own card was declined in a charge that was not there before.

    A browser may have tried another card meanwhile, past us. Stripe lets one card be tried once unless it is kept there.
    """
    known = Transaction.objects.values_list("stripe_charge_id", flat=True).get(pk=operation.subject_id)
    is_own_card = _is_own_card(operation, intent.last_payment_error.payment_method_id)
    was_declined = intent.status == TransactionStatus.REQUIRES_PAYMENT_METHOD and is_own_card
    return was_declined and intent.latest_charge_id not in ("", known)


def _look_at_intent(operation: Operation) -> Outcome:
    intent = reads.retrieve_payment_intent(operation.target_id, account_id=operation.stripe_account)
    shown = shown_by(operation, intent)
    otherwise = f"The payment intent was found {intent.status}, and not as it was asked for."
    return shown if shown is not None else not_done(otherwise, found=intent)


def _look_for_creation(operation: Operation) -> Outcome:
    intent = reads.find_payment_intent(operation)
    if intent is None:
        return not_found("The account lists no payment intent that names this operation.")
    return Outcome(status=Status.SUCCEEDED, value=intent)


def _give_up_clone(_operation: Operation) -> Outcome:
    """A clone carries no metadata by which it could be found. It moves no money, so it may be made again."""
    return not_done("The clone cannot be found, and may be made again.")


CREATION = Ending(settle=settle_payment_intent, look=_look_for_creation)
UPDATE = Ending(settle=settle_payment_intent, look=_look_at_intent)
CONFIRMATION = Ending(settle=settle_payment_intent, look=_look_at_intent)
CAPTURE = Ending(settle=settle_payment_intent, look=_look_at_intent)
CANCELLATION = Ending(settle=settle_payment_intent, look=_look_at_intent)
CLONE = Ending(settle=settle_payment_intent, look=_give_up_clone)

# Every kind of operation whose subject is a transaction.
ENDINGS: Mapping[str, Ending] = {
    Kind.PAYMENT_INTENT_CREATE: CREATION,
    Kind.PAYMENT_INTENT_UPDATE: UPDATE,
    Kind.PAYMENT_INTENT_CONFIRM: CONFIRMATION,
    Kind.PAYMENT_INTENT_CAPTURE: CAPTURE,
    Kind.PAYMENT_INTENT_CANCEL: CANCELLATION,
    Kind.PAYMENT_METHOD_CLONE: CLONE,
}


def open_operation(payment: Transaction) -> Operation | None:
    """What is under way or undecided about the payment; there is at most one."""
    return Operation.objects.of(payment).open().first()


def end_open(operation: Operation) -> Outcome:
    """Brings an open operation to its end: sent once more where that is safe, else by a look at Stripe.

    Raises as `gateway.endings.bring_to_an_end`, and OutcomeUnknown where Stripe does not tell. A rejection or a decline is
    returned: it is the answer to the earlier request.
    """
    return _unless_unknown(operation, bring_to_an_end(operation, ENDINGS[operation.kind]))


def end_open_without_charging(operation: Operation) -> Outcome:
    """Like `end_open`, for whoever did not ask for the payment: a confirmation is only looked at, so nobody is charged late."""
    if operation.kind != Kind.PAYMENT_INTENT_CONFIRM:
        return end_open(operation)
    return _unless_unknown(operation, look_at(operation, CONFIRMATION))


def told_under_key(*kinds: Kind, actor: Actor) -> tuple[Operation, Outcome] | None:
    """What an earlier attempt of this very request, under the same Idempotency-Key, brought, or is brought to now.

    None where there was none, or where it took no effect: then the request is carried out for the first time. Raises as
    `end_open`.
    """
    operation = earlier_under_key(*kinds, actor=actor)
    if operation is None:
        return None
    outcome = end_open_without_charging(operation) if operation.is_open else recorded_outcome(operation)
    operation.refresh_from_db()
    return (operation, outcome) if operation.tells_what_stripe_said else None


def change(
    payment: Transaction, kind: Kind, *, parameters: Mapping[str, Any], reserve_new: Callable[[], Operation]
) -> tuple[Operation, Outcome]:
    """Changes a payment intent, after what was left open about it has been brought to its end.

    The same change again, whose first outcome was unknown, is answered with what the first brought. Raises as `end_open`,
    and what `reserve_new` raises.
    """
    unfinished = open_operation(payment)
    if unfinished is not None:
        if (unfinished.kind, kind) == (Kind.PAYMENT_INTENT_CONFIRM, Kind.PAYMENT_INTENT_CANCEL):
            unfinished.withdraw()
        outcome = end_open_without_charging(unfinished)
        unfinished.refresh_from_db()
        payment.refresh_from_db()
        is_same = unfinished.kind == kind and unfinished.parameters == dict(parameters)
        if is_same and unfinished.tells_what_stripe_said:
            return unfinished, outcome
    operation = reserve_new()
    return operation, finish(operation, settle_payment_intent)


def _unless_unknown(operation: Operation, outcome: Outcome) -> Outcome:
    if outcome.status == Status.UNKNOWN:
        raise_for_outcome(operation, outcome)
    return outcome
