"""Recovery: every write to Stripe without a known outcome is brought to its end, or parked for a person.

docs/reliability.md tells the rules. Any number of processes may recover at once: a row is claimed under its lock, and what
two of them do all the same is settled once.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from django.db import transaction
from structlog.contextvars import bind_contextvars

from commercecore_payments.clock import database_now
from commercecore_payments.errors import Conflict, ServiceError, Unavailable
from commercecore_payments.operation_kinds import ENDINGS
from gateway.endings import bring_to_an_end, was_not_found
from gateway.errors import OperationInProgress, StripeConfigurationRefused
from gateway.models import (
    CALL_BUDGET,
    RECOVERABLE_STATUSES,
    Operation,
    RecoveryAttempt,
    Status,
    recovery_due_after,
)
from gateway.operations import record
from gateway.outcomes import Fault, Outcome
from gateway.reads import ACCOUNT_HAS_LEFT

logger = logging.getLogger(__name__)

# One recovery sends once and looks once; a look at a long list takes some calls more. Whoever died is followed then.
CLAIM_LASTS = 3 * CALL_BUDGET
# A look that finds nothing is repeated, since Stripe may have been slow: three of them, five minutes apart, lie far beyond
# the longest time that Stripe works on a request (80 s, after which its own libraries give up).
LOOKS_BEFORE_REVIEW = 3
LOOK_AGAIN_AFTER = timedelta(minutes=5)


class Result(StrEnum):
    """What recovery made of an operation."""

    SETTLED = "settled"
    STILL_UNKNOWN = "still_unknown"
    UNDER_WAY = "under_way"
    NEEDS_REVIEW = "needs_review"


@dataclass(frozen=True, slots=True)
class Recovered:
    """One operation after recovery took it up, and a sentence for whoever reads the log."""

    operation: Operation
    result: Result
    message: str


class NotUnderReview(Conflict):
    code = "operation_not_under_review"
    message = "Only an operation that needs a review can be closed by a person."


def recover_due(limit: int | None = None) -> Iterator[Recovered]:
    """Recovers what is due by the schedule, one after the other, at most `limit` of them; yields each as it is done."""
    done = 0
    while limit is None or done < limit:
        operation = claim_due()
        if operation is None:
            return
        yield recover(operation)
        done += 1


def claim_due() -> Operation | None:
    """The operation that is longest due, taken for CLAIM_LASTS; None where none is due that nobody else has taken."""
    if not Operation.objects.due_for_recovery(database_now()).exists():
        return None  # a look first: on SQLite each transaction that may write waits for the one writer
    with transaction.atomic(durable=True):
        moment = database_now()
        operation: Operation | None = Operation.objects.due_for_recovery(moment).select_for_update(skip_locked=True).first()
        if operation is not None:
            operation.next_recovery_at = moment + CLAIM_LASTS
            operation.save(update_fields=["next_recovery_at"])
        return operation


def recover(operation: Operation) -> Recovered:
    """Brings an open operation to its end by the rules of its kind, and notes what was tried.

    Nothing that fails here is raised: it is noted, logged, and tried again when it is due.
    """
    bind_contextvars(operation_id=operation.id)  # for the log: a look sends nothing, and one command recovers many
    sendings = operation.attempts
    trial = _try(operation)
    if trial.is_under_way:
        return _put_off(operation, Result.UNDER_WAY, trial.message, at_most=CALL_BUDGET)
    noted = _noted(operation, sendings, trial.message)
    if not noted.is_open:
        return Recovered(noted, Result.SETTLED, trial.message)
    if trial.found_nothing:
        return _after_fruitless_look(noted, trial.message)
    return _put_off(noted, Result.STILL_UNKNOWN, trial.message)


@dataclass(frozen=True, slots=True)
class _Trial:
    message: str = ""
    is_under_way: bool = False
    found_nothing: bool = False


def _try(operation: Operation) -> _Trial:
    try:
        outcome = bring_to_an_end(operation, ENDINGS[operation.kind])
    except OperationInProgress as error:
        return _Trial(error.message, is_under_way=True)
    except Unavailable as error:  # Stripe could not be asked, or our database failed
        return _Trial(error.message)
    except StripeConfigurationRefused as error:  # our key is refused, until it is mended; or the account has left
        return _Trial(error.message, found_nothing=error.fault.code == ACCOUNT_HAS_LEFT)
    except ServiceError as error:  # Stripe refuses to show it
        return _Trial(error.message, found_nothing=True)
    except Exception as error:  # one that cannot be recovered must not keep the others from it
        logger.exception("operation %s: recovery failed", operation.id)
        return _Trial(f"Recovery failed: {type(error).__name__}.")
    return _Trial(outcome.fault.message if outcome.fault is not None else "", found_nothing=was_not_found(outcome))


def _noted(operation: Operation, sendings_before: int, message: str) -> Operation:
    """The operation as it is now, with a note of what was tried."""
    stored: Operation = Operation.objects.get(pk=operation.pk)
    sent = stored.attempts > sendings_before
    act = RecoveryAttempt.Act.SENT_AGAIN if sent else RecoveryAttempt.Act.LOOKED
    RecoveryAttempt.objects.create(operation=stored, act=act, result=stored.status, message=message)
    return stored


def _put_off(operation: Operation, result: Result, message: str, *, at_most: timedelta | None = None) -> Recovered:
    """It is due again by the schedule, or earlier after `at_most`."""
    moment = database_now()
    scheduled = recovery_due_after(operation.created_at, moment)
    due_at = scheduled if at_most is None else min(scheduled, moment + at_most)
    Operation.objects.filter(pk=operation.pk, status__in=RECOVERABLE_STATUSES).update(next_recovery_at=due_at)
    return Recovered(operation, result, message)


def _after_fruitless_look(operation: Operation, message: str) -> Recovered:
    """Looked at once more in vain: due again soon, or left to a person. Nothing is failed by default."""
    looks = operation.fruitless_looks + 1
    Operation.objects.filter(pk=operation.pk).update(fruitless_looks=looks)
    if operation.status == Status.NEEDS_REVIEW:
        return Recovered(operation, Result.NEEDS_REVIEW, message)
    if looks < LOOKS_BEFORE_REVIEW:
        return _put_off(operation, Result.STILL_UNKNOWN, message, at_most=LOOK_AGAIN_AFTER)
    if not _park(operation):
        return Recovered(operation, Result.UNDER_WAY, message)
    operation.refresh_from_db()
    return Recovered(operation, Result.NEEDS_REVIEW, message)


def _park(operation: Operation) -> bool:
    """Leaves it to a person; False where somebody else has sent or settled it meanwhile."""
    with transaction.atomic(durable=True):
        as_it_was = Operation.objects.filter(pk=operation.pk, status__in=RECOVERABLE_STATUSES, attempts=operation.attempts)
        if not as_it_was.update(status=Status.NEEDS_REVIEW, next_recovery_at=None):
            return False
        sent, looked = _times(operation.attempts), _times(operation.fruitless_looks + 1)
        tried = f"Sent {sent}, looked at {looked}: Stripe does not show it."
        RecoveryAttempt.objects.create(
            operation=operation, act=RecoveryAttempt.Act.PARKED, result=Status.NEEDS_REVIEW, message=tried
        )
    logger.error("operation %s %s needs a review: %s", operation.id, operation.kind, tried)
    return True


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number} times"


def close_as_not_done(operation: Operation, *, reason: str, by: str = "A person") -> None:
    """The word of `by`, such as an operator's username, that Stripe did nothing: what was reserved is free again.

    Should Stripe's success turn up all the same, it is settled. Raises NotUnderReview.
    """
    if operation.status != Status.NEEDS_REVIEW:
        raise NotUnderReview
    found = f"found that it was not done: {reason}"
    answered_before = _answer_of(operation)
    # Its caller may be told this message, so it names nobody. No HTTP status: with one the operation would be closed with
    # Stripe's own word, and not with a person's.
    fault = Fault(message=f"A person {found}")
    outcome = Outcome(status=Status.REJECTED, fault=fault, stripe_request_id=operation.stripe_request_id)
    if record(operation, outcome, ENDINGS[operation.kind].settle) is not None:
        raise NotUnderReview  # somebody else has settled it meanwhile
    operation.refresh_from_db()
    RecoveryAttempt.objects.create(
        operation=operation,
        act=RecoveryAttempt.Act.REVIEWED,
        result=operation.status,
        message=f"{by} {found} {answered_before}".strip(),
    )


def _answer_of(operation: Operation) -> str:
    """What Stripe had last answered, in brackets: closing the operation writes over it."""
    parts = [
        f"HTTP status {operation.http_status}" if operation.http_status is not None else "",
        f"Stripe's request {operation.stripe_request_id}" if operation.stripe_request_id else "",
        f"“{operation.error_message}”" if operation.error_message else "",
    ]
    known = ", ".join(part for part in parts if part)
    return f"(before: {known})" if known else ""
