"""The way of every write to Stripe: reserve it, call Stripe outside any transaction, settle what came of it."""

import logging
from collections.abc import Callable, Mapping
from datetime import timedelta
from http import HTTPStatus
from typing import Any, NoReturn, Protocol

import stripe
from django.db import Error as DatabaseFailure
from django.db import IntegrityError, connection, models, transaction

from commercecore_payments.actors import Actor
from commercecore_payments.clock import database_now
from commercecore_payments.errors import ServiceError
from commercecore_payments.instances import new_row, twin
from commercecore_payments.rows import ChangedMeanwhile
from commercecore_payments.statements import While, insert, insert_with_subject
from gateway.calls import CALLS
from gateway.client import stripe_client
from gateway.errors import OperationInProgress, OutcomeUnknown, StripeConfigurationRefused, StripeRejected, StripeUnreachable
from gateway.models import (
    RECOVERY_AGES,
    Kind,
    Operation,
    Status,
    exact_json,
    new_operation_id,
    subject_type,
)
from gateway.outcomes import Fault, Outcome, fault_of, object_in_error, status_of_error
from gateway.watching import watched
from idempotency.errors import KeyInUse
from idempotency.operations import while_held

logger = logging.getLogger(__name__)

Settle = Callable[[Operation, Outcome], None]


class Refusal(Protocol):
    """Makes the error that a caller is told of a rejection by Stripe."""

    def __call__(self, fault: Fault, *, stripe_request_id: str) -> ServiceError: ...


# By the database's clock. The first recovery comes when the call that is under way has ended in any case.
TIMES_OF_A_NEW_ONE = {"created_at": timedelta(), "last_sent_at": timedelta(), "next_recovery_at": RECOVERY_AGES[0]}
# The key in the metadata of all that we create at Stripe: by it an object is found again when its answer was lost.
OPERATION_METADATA_KEY = "commercecore_operation"


def reserve(
    kind: Kind,
    *,
    subject: models.Model,
    actor: Actor,
    parameters: Mapping[str, Any],
    stripe_account: str = "",
    target_id: str = "",
    operation_id: str | None = None,
) -> Operation:
    """Records a write to Stripe before it is sent. Call it in the transaction that reserves what it is about.

    It is recorded under the caller's Idempotency-Key, which has to be held still. Raises OperationInProgress where
    `subject` already has an open operation, and KeyInUse where another attempt has taken over the key. Whoever raises has to
    leave the transaction, and so undoes it.
    """
    operation = _new_operation(
        kind,
        subject=subject,
        actor=actor,
        parameters=parameters,
        stripe_account=stripe_account,
        target_id=target_id,
        id=operation_id or new_operation_id(),
    )
    try:
        is_reserved = insert(operation, times=TIMES_OF_A_NEW_ONE, only_while=_while_key_is_held(actor))
    except IntegrityError as error:  # one_open_operation_a_subject: nobody looks first, since callers at once would see nothing
        raise OperationInProgress from error
    if not is_reserved:
        raise KeyInUse
    operation.take_for_sending()
    return operation


def reserve_with_subject(
    kind: Kind,
    *,
    subject: models.Model,
    only_while: While,
    actor: Actor,
    parameters: Mapping[str, Any],
    stripe_account: str,
    operation_id: str,
) -> Operation | None:
    """Records a new `subject` and the write to Stripe that makes it, both or none, and is committed: call it in no transaction.

    None, and nothing was done, where `only_while` does not hold, or where another attempt has taken over the caller's
    Idempotency-Key. Raises IntegrityError where a unique constraint is against the subject.
    """
    operation = _new_operation(
        kind, subject=subject, actor=actor, parameters=parameters, stripe_account=stripe_account, id=operation_id
    )
    is_reserved = insert_with_subject(
        operation,
        subject,
        key="subject_id",
        times=TIMES_OF_A_NEW_ONE,
        subject_while=only_while,
        row_while=_while_key_is_held(actor),
    )
    if not is_reserved:
        return None
    operation.take_for_sending()
    return operation


def _new_operation(
    kind: Kind, *, subject: models.Model, actor: Actor, parameters: Mapping[str, Any], **columns: Any
) -> Operation:
    held = actor.idempotency_key
    operation = new_row(
        Operation,
        kind=kind,
        subject_type=subject_type(subject),
        subject_id=subject.pk,
        parameters_json=exact_json(parameters),
        developer=actor.developer,
        app=actor.app,
        user_id=actor.user_id,
        request_id=actor.request_id,
        operator=actor.operator,
        caller_key_id=held.row_id if held is not None else None,
        **columns,
    )
    operation.subject = subject
    return operation


def _while_key_is_held(actor: Actor) -> While | None:
    return while_held(actor.idempotency_key) if actor.idempotency_key is not None else None


def earlier_under_key(*kinds: Kind, actor: Actor) -> Operation | None:
    """What an earlier attempt of this very request, under the same Idempotency-Key, reserved: open, or with Stripe's word.

    One of which nothing was sent or nothing was found is none: the request may be carried out for the first time.
    """
    held = actor.idempotency_key
    if held is None or held.attempt == 1:  # before a first attempt there is none: the usual case costs no look
        return None
    under_key = Operation.objects.filter(caller_key=held.row_id, kind__in=kinds)
    operation = under_key.order_by("created_at", "id").last()
    return operation if operation is not None and (operation.is_open or operation.tells_what_stripe_said) else None


def recorded_outcome(operation: Operation) -> Outcome:
    """The outcome of a closed operation as it was written down. What Stripe answered then is not kept: `value` is None."""
    fault = Fault(
        message=operation.error_message,
        http_status=operation.http_status,
        type=operation.error_type,
        code=operation.error_code,
        decline_code=operation.decline_code,
        param=operation.error_param,
    )
    status = Status(operation.status)
    return Outcome(
        status=status,
        fault=None if status == Status.SUCCEEDED else fault,
        stripe_request_id=operation.stripe_request_id,
    )


def finish(operation: Operation, settle: Settle) -> Outcome:
    """Sends a reserved operation and settles what came of it; `settle` moves the record that it is about.

    `settle` is called for a final outcome alone, once, in the transaction that closes the operation. Where another attempt
    has followed this one, what that one brought is returned, since this one's "nothing was done" says nothing about it.
    Raises OutcomeUnknown where the outcome could not be written down, or is the other attempt's to tell.
    """
    outcome = send(operation)
    try:
        return record_or_learn(operation, outcome, settle)
    except DatabaseFailure as error:
        logger.exception("operation %s: its outcome could not be written down", operation.id)
        raise OutcomeUnknown(operation.id) from error


def record_or_learn(operation: Operation, outcome: Outcome, settle: Settle) -> Outcome:
    """Writes the outcome down; where another attempt has the word, returns what that one brought.

    Raises OutcomeUnknown where the other attempt has not ended yet.
    """
    stored = record(operation, outcome, settle)
    if stored is None or outcome.succeeded:
        return outcome
    if stored.is_open:
        raise OutcomeUnknown(operation.id)
    return recorded_outcome(stored)


def send(operation: Operation) -> Outcome:
    """Calls Stripe with exactly what is stored. No transaction may be open; the connection is given back meanwhile."""
    leave_the_database()
    if operation.is_too_late_to_send():
        return _held_back(operation)
    try:
        return _call(operation)
    except Exception as error:  # Stripe was called: whatever the answer does to its reader, the outcome is unknown, and not lost
        logger.exception("operation %s: Stripe's answer could not be read", operation.id)
        return Outcome(status=Status.UNKNOWN, fault=Fault(message="The answer could not be read.", type=type(error).__name__))


def _held_back(operation: Operation) -> Outcome:
    """Nothing was sent this time. Whether an earlier attempt was, and with what effect, is another question."""
    fault = Fault(message="Nothing was sent: this process was held up, and another may have taken the operation over.")
    return Outcome(status=Status.UNKNOWN if operation.was_sent_before else Status.NOT_SENT, fault=fault)


@watched
def _call(operation: Operation) -> Outcome:
    call = CALLS[operation.kind]
    try:
        answer = call.send(stripe_client(), operation, call_options(operation))
    except stripe.StripeError as error:
        return _outcome_of_error(operation, error)
    return Outcome(status=Status.SUCCEEDED, value=call.read(answer.data), stripe_request_id=answer.request_id or "")


def leave_the_database() -> None:
    """Gives the connection back for as long as Stripe is waited for.

    Raises RuntimeError inside a transaction: a lock held over a call to Stripe would stop everybody else.
    """
    if connection.in_atomic_block:
        raise RuntimeError("Stripe must not be called inside a database transaction.")
    connection.close()


def call_options(operation: Operation) -> dict[str, Any]:
    """The options of the call: the pinned version, the operation's own key, the connected account."""
    options = {"stripe_version": operation.api_version}
    if operation.kind != Kind.ACCOUNT_DELETE:  # Stripe takes idempotency keys with POST only
        options["idempotency_key"] = operation.idempotency_key
    if operation.stripe_account:
        options["stripe_account"] = operation.stripe_account
    return options


def _outcome_of_error(operation: Operation, error: stripe.StripeError) -> Outcome:
    call = CALLS[operation.kind]
    carried = object_in_error(error, call.name_in_errors) if call.name_in_errors else None
    # A deletion has no key: that Stripe refuses it is said of the account as it is now, whatever was sent before.
    is_refused_deletion = operation.kind == Kind.ACCOUNT_DELETE and error.http_status == HTTPStatus.BAD_REQUEST
    was_sent_before = operation.was_sent_before and not is_refused_deletion
    return Outcome(
        status=status_of_error(error, was_sent_before=was_sent_before),
        value=call.read(carried) if carried is not None else None,
        fault=fault_of(error),
        stripe_request_id=error.request_id or "",
    )


def record(operation: Operation, outcome: Outcome, settle: Settle) -> Operation | None:
    """Writes the outcome down. Returns the operation as it stands where it may not be written down, else None.

    Settling twice changes nothing: what is closed stays as it was closed.
    `operation.attempts` is the fencing token. An attempt that another one has followed may still tell what Stripe did, and
    no longer that nothing was done: the later attempt, under the same key, may have done it. And what was closed because
    nothing was found is settled after all by whoever brings Stripe's success.
    """
    may_be_the_usual_end = operation.status == Status.SENDING and outcome.status != Status.UNKNOWN
    if not (may_be_the_usual_end and _close_at_once(operation, outcome, settle)):
        stored = _look_and_close(operation, outcome, settle)
        if stored is not None:
            return stored
    log = logger.warning if outcome.status == Status.UNKNOWN else logger.info
    log(
        "operation %s %s: %s (Stripe %s)",
        operation.id,
        operation.kind,
        outcome.status.value,
        outcome.stripe_request_id or "silent",
    )
    return None


def _close_at_once(operation: Operation, outcome: Outcome, settle: Settle) -> bool:
    """The usual end: nobody else has touched the operation since this process sent it. False where somebody has.

    Then nothing is done, whatever `settle` did before it was known. The subject comes first, as for whoever reserves: a new
    operation of it then meets this one open, and does not wait. The operation itself is not waited for: whoever looks at it
    holds it, and may be waiting for the subject.
    """
    attempt = twin(operation)
    _note_answer(attempt, outcome)
    try:
        with transaction.atomic(durable=True):
            settle(attempt, outcome)
            if not attempt.close_unless_followed(outcome.status):
                raise ChangedMeanwhile
    except ChangedMeanwhile:
        operation.subject = None
        return False
    operation.subject = attempt.subject
    return True


def _look_and_close(operation: Operation, outcome: Outcome, settle: Settle) -> Operation | None:
    """The same, with a look at what the operation has become: what may not be written down is returned as it stands."""
    with transaction.atomic(durable=True):
        stored = Operation.objects.select_for_update().get(pk=operation.pk)
        if not _may_be_recorded(stored, operation, outcome):
            return stored
        _note_answer(stored, outcome)
        if outcome.status == Status.UNKNOWN:
            stored.mark_unknown()
        else:
            settle(stored, outcome)
            stored.close(outcome.status, at=database_now())
    return None


def _may_be_recorded(stored: Operation, attempt: Operation, outcome: Outcome) -> bool:
    if not stored.is_open:
        return outcome.succeeded and not stored.tells_what_stripe_said
    followed = stored.attempts != attempt.attempts
    return not followed or outcome.status in (Status.SUCCEEDED, Status.DECLINED)


def _note_answer(operation: Operation, outcome: Outcome) -> None:
    fault = outcome.fault or Fault(message="")
    operation.result_id = outcome.value.id if outcome.value is not None else ""
    operation.stripe_request_id = outcome.stripe_request_id
    operation.http_status = 200 if outcome.succeeded else fault.http_status
    operation.error_type = fault.type
    operation.error_code = fault.code
    operation.decline_code = fault.decline_code
    operation.error_param = fault.param
    operation.error_message = fault.message


def resume(operation: Operation, settle: Settle) -> Outcome:
    """Sends an open operation once more, the same bytes under the same key, and settles what comes of it.

    Raises OperationInProgress while its call may still be under way, and OutcomeUnknown where it may not be sent
    again: then only a look at Stripe can tell.
    """
    if not operation.may_be_sent_again():
        raise OutcomeUnknown(operation.id)
    if not operation.claim_for_resending():
        raise OperationInProgress
    return finish(operation, settle)


def raise_for_outcome(operation: Operation, outcome: Outcome, *, refusal: Refusal = StripeRejected) -> None:
    """Raises what a caller is told of an outcome that is no success; nothing for a success.

    `refusal` makes a use case's own error of a rejection. A use case in which a card can be declined tells that before
    it comes here; where none can, Stripe's 402 is a rejection like others. Raises OutcomeUnknown, StripeUnreachable,
    StripeConfigurationRefused, and what `refusal` makes.
    """
    if outcome.status == Status.UNKNOWN:
        raise OutcomeUnknown(operation.id)
    if outcome.status == Status.NOT_SENT:
        raise StripeUnreachable
    if outcome.status in (Status.REJECTED, Status.DECLINED) and outcome.fault is not None:
        raise_rejection(outcome.fault, stripe_request_id=outcome.stripe_request_id, refusal=refusal)


def raise_rejection(fault: Fault, *, stripe_request_id: str, refusal: Refusal = StripeRejected) -> NoReturn:
    """Raises StripeConfigurationRefused for a refused key or account (401, 403), else what `refusal` makes of it."""
    if fault.http_status in (401, 403):
        logger.error("Stripe refused access (%s): %s", stripe_request_id, fault.message)
        raise StripeConfigurationRefused(fault, stripe_request_id=stripe_request_id)
    raise refusal(fault, stripe_request_id=stripe_request_id)
