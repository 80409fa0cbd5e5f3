"""How an operation without a known outcome comes to its end: sent once more where that is safe, else by a look at Stripe."""

from collections.abc import Callable
from dataclasses import dataclass

from gateway.errors import OperationInProgress
from gateway.models import Operation, Status
from gateway.operations import Settle, finish, record_or_learn, recorded_outcome, resume
from gateway.outcomes import Fault, Outcome
from gateway.snapshots import Snapshot

# Reads Stripe and tells what came of the operation: succeeded or rejected where Stripe shows it, unknown where it does not.
# Raises what gateway.reads raises where Stripe cannot be read.
Look = Callable[[Operation], Outcome]

# What Stripe answers to a bad request. At a second sending it proves nothing about the first, so Stripe is looked at.
BAD_REQUEST_STATUSES = (400, 402, 404)


@dataclass(frozen=True, slots=True)
class Ending:
    """How operations of one kind end: what a final outcome does to the record, and what Stripe is asked without sending.

    `looks_first` is for what is not safe to repeat before a look: a deletion, which has no idempotency key. Its look may also
    show that it is not to be repeated at all.
    """

    settle: Settle
    look: Look
    looks_first: bool = False


def carry_out(earlier: Operation | None, reserve_new: Callable[[], Operation], ending: Ending) -> tuple[Operation, Outcome]:
    """What came of an earlier attempt of the same request; where there is none, a new operation, reserved and finished.

    Raises what `reserve_new` and `bring_to_an_end` raise.
    """
    if earlier is not None:
        return earlier, outcome_of_earlier(earlier, ending)
    operation = reserve_new()
    return operation, finish(operation, ending.settle)


def outcome_of_earlier(operation: Operation, ending: Ending) -> Outcome:
    """What came of it: as it was written down, or as it is brought to its end now. Raises as `bring_to_an_end`."""
    return bring_to_an_end(operation, ending) if operation.is_open else recorded_outcome(operation)


def bring_to_an_end(operation: Operation, ending: Ending) -> Outcome:
    """Sends an open operation once more where that is safe, else looks; records what that brings, and returns it.

    Raises OperationInProgress while its call may still be under way, and what gateway.reads raises. An outcome that is
    still unknown is returned.
    """
    if operation.may_still_be_under_way():
        raise OperationInProgress
    if ending.looks_first:
        is_early = operation.may_still_take_effect()
        outcome = ending.look(operation)
        if outcome.status == Status.REJECTED and is_early:
            raise OperationInProgress  # an earlier sending may do yet what this look says is not to be done any more
        if outcome.status != Status.UNKNOWN or not operation.may_be_sent_again():
            return _decided(operation, outcome, ending)
        return resume(operation, ending.settle)
    if not operation.may_be_sent_again():
        return look_at(operation, ending)
    outcome = resume(operation, ending.settle)
    refused = outcome.fault is not None and outcome.fault.http_status in BAD_REQUEST_STATUSES
    if outcome.status != Status.UNKNOWN or not refused:
        return outcome
    operation.refresh_from_db()
    return look_at(operation, ending)


def look_at(operation: Operation, ending: Ending) -> Outcome:
    """What Stripe shows of an open operation, recorded where it decides. Nothing is sent.

    Raises OperationInProgress where Stripe does not show it yet, and may still be at work on it or be asked right now.
    """
    # The time of the look counts: whoever is held up after it would take what was early for what is late.
    is_early = operation.may_still_be_under_way() or operation.may_still_take_effect()
    outcome = ending.look(operation)
    if is_early and not outcome.succeeded:
        raise OperationInProgress
    return _decided(operation, outcome, ending)


def _decided(operation: Operation, outcome: Outcome, ending: Ending) -> Outcome:
    """The outcome of a look, recorded where it decides and nobody else was quicker. Raises as `record_or_learn`."""
    return outcome if outcome.status == Status.UNKNOWN else record_or_learn(operation, outcome, ending.settle)


NOT_FOUND = "not_found"


def not_found(message: str) -> Outcome:
    """Stripe does not show it: which proves nothing where it may be found later, or elsewhere."""
    return Outcome(status=Status.UNKNOWN, fault=Fault(message=message, type=NOT_FOUND))


def was_not_found(outcome: Outcome) -> bool:
    """Whether a look at Stripe found nothing that decides."""
    return outcome.fault is not None and outcome.fault.type == NOT_FOUND


def not_done(message: str, *, found: Snapshot | None = None) -> Outcome:
    """Stripe shows that it took no effect: by `found`, the object as it is, where there is one."""
    return Outcome(status=Status.REJECTED, value=found, fault=Fault(message=message))
