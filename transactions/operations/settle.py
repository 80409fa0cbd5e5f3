"""How every operation on a payment intent ends, whoever brings it to its end."""

from collections.abc import Callable, Mapping

from gateway import reads
from gateway.errors import OperationInProgress, OutcomeUnknown
from gateway.models import Kind, Operation, Status
from gateway.operations import raise_for_outcome, record, resume
from gateway.outcomes import Fault, Outcome
from gateway.snapshots import PaymentIntentSnapshot
from transactions.models import CONFIRMED, Transaction
from transactions.models import Status as TransactionStatus

# The attempt took effect when the intent is in one of these.
STATES_AFTER_CONFIRMATION = (*CONFIRMED, TransactionStatus.REQUIRES_ACTION)


def settle_payment_intent(operation: Operation, outcome: Outcome) -> None:
    """The transaction takes over what Stripe says of its payment intent; one that could not be made frees its order."""
    payment = Transaction.objects.select_for_update().get(pk=operation.subject_id)
    if isinstance(outcome.value, PaymentIntentSnapshot):
        payment.apply(outcome.value)
    elif operation.kind == Kind.PAYMENT_INTENT_CREATE:
        payment.mark_creation_failed()


def intent_of(outcome: Outcome) -> PaymentIntentSnapshot:
    """The payment intent that a successful outcome carries."""
    if not isinstance(outcome.value, PaymentIntentSnapshot):
        raise TypeError("This outcome carries no payment intent.")
    return outcome.value


def finish_unfinished(operation: Operation) -> Outcome:
    """Brings an open operation on a transaction to its end: sent once more where that is safe, else by looking.

    Raises OperationInProgress while its call may still be under way, OutcomeUnknown where it cannot be told yet, and
    StripeUnreachable. A rejection or a decline is returned: it is the answer to the earlier request.
    """
    if operation.may_be_sent_again():
        outcome = resume(operation, settle_payment_intent)
    elif operation.kind in LOOKS:
        outcome = LOOKS[operation.kind](operation)
    else:
        raise OutcomeUnknown(operation.id)
    if outcome.status in (Status.UNKNOWN, Status.NOT_SENT):
        raise_for_outcome(operation, outcome)
    return outcome


def look_at_confirmation(operation: Operation) -> Outcome:
    """A buyer who has left is not charged late: the intent is only read, and settles the attempt by its state."""
    return _close(operation, lambda intent: intent.status in STATES_AFTER_CONFIRMATION, "was found unconfirmed")


def _look_at_update(operation: Operation) -> Outcome:
    asked = operation.parameters["amount"]
    return _close(operation, lambda intent: intent.amount_minor == asked, "was found with its old amount")


def _give_up_clone(operation: Operation) -> Outcome:
    """A clone that cannot be found may be made again: it moves no money."""
    if operation.may_still_be_under_way():
        raise OperationInProgress
    outcome = Outcome(status=Status.REJECTED, fault=Fault(message="The clone was not found, and is made again."))
    record(operation, outcome, settle_payment_intent)
    return outcome


def _close(operation: Operation, took_effect: Callable[[PaymentIntentSnapshot], bool], otherwise: str) -> Outcome:
    if operation.may_still_be_under_way():
        raise OperationInProgress
    intent = reads.retrieve_payment_intent(operation.target_id, account_id=operation.stripe_account)
    fault = None if took_effect(intent) else Fault(message=f"The payment intent {otherwise}.")
    outcome = Outcome(status=Status.REJECTED if fault else Status.SUCCEEDED, value=intent, fault=fault)
    record(operation, outcome, settle_payment_intent)
    return outcome


# How an operation that may not be sent again is settled by what Stripe shows.
LOOKS: Mapping[str, Callable[[Operation], Outcome]] = {
    Kind.PAYMENT_INTENT_CONFIRM: look_at_confirmation,
    Kind.PAYMENT_INTENT_UPDATE: _look_at_update,
    Kind.PAYMENT_METHOD_CLONE: _give_up_clone,
}
