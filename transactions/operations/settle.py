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

# What Stripe answers to a bad request. At a second sending it proves nothing about the first, so the object is read.
BAD_REQUEST_STATUSES = (400, 402, 404)


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
    look = LOOKS.get(operation.kind)
    if operation.may_be_sent_again():
        outcome = resume(operation, settle_payment_intent)
        refused = outcome.fault is not None and outcome.fault.http_status in BAD_REQUEST_STATUSES
        if outcome.status == Status.UNKNOWN and refused and look is not None:
            operation.refresh_from_db()
            outcome = look(operation)
    elif look is not None:
        outcome = look(operation)
    else:
        raise OutcomeUnknown(operation.id)
    if outcome.status in (Status.UNKNOWN, Status.NOT_SENT):
        raise_for_outcome(operation, outcome)
    return outcome


def confirmation_took_effect(operation: Operation, intent: PaymentIntentSnapshot) -> bool:
    """Whether the intent shows that it was confirmed. A challenge counts where it is that of the operation's own card."""
    own_challenge = intent.payment_method_id == operation.parameters["payment_method"]
    return intent.status in CONFIRMED or (intent.status == TransactionStatus.REQUIRES_ACTION and own_challenge)


def look_at_confirmation(operation: Operation) -> Outcome:
    """A buyer who has left is not charged late: the intent is only read, and settles the attempt by its state."""
    return _close(operation, lambda intent: confirmation_took_effect(operation, intent), "was found unconfirmed")


def _look_at_update(operation: Operation) -> Outcome:
    asked = operation.parameters

    def took_effect(intent: PaymentIntentSnapshot) -> bool:
        return intent.amount_minor == asked["amount"] and asked["metadata"].items() <= intent.metadata.items()

    return _close(operation, took_effect, "was found as it was before")


def _give_up_clone(operation: Operation) -> Outcome:
    """A clone that cannot be found may be made again: it moves no money."""
    if operation.may_still_take_effect():
        raise OperationInProgress
    outcome = Outcome(status=Status.REJECTED, fault=Fault(message="The clone was not found, and is made again."))
    record(operation, outcome, settle_payment_intent)
    return outcome


def _close(operation: Operation, took_effect: Callable[[PaymentIntentSnapshot], bool], otherwise: str) -> Outcome:
    intent = reads.retrieve_payment_intent(operation.target_id, account_id=operation.stripe_account)
    if not took_effect(intent) and operation.may_still_take_effect():
        raise OperationInProgress
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
