"""What was asked, and what Stripe made of it: requests, operations, and the attempts of recovery."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from commercecore_payments.money import format_amount
from explanations.sources import Sources
from explanations.staff_entries import reason_for
from explanations.structure import Detail, Entry, Kind, Reader, RecordKey, Tone
from explanations.words import at, plain, sentence, shortened, times, words_for
from gateway.models import Kind as OperationKind
from gateway.models import Operation, RecoveryAttempt, Status
from idempotency.models import IdempotencyKey
from webhooks.models import Event

# What Stripe is asked for in minor units, by docs.stripe.com/api/payment_intents and docs.stripe.com/api/refunds.
AMOUNT_PARAMETERS = ("amount", "amount_to_capture")
OUTCOMES: dict[str, tuple[str, Tone]] = {
    Status.SENDING: ("The {name} is on its way to Stripe.", Tone.WAITING),
    Status.UNKNOWN: ("It is not known what became of the {name}: no answer proves it.", Tone.BAD),
    Status.NEEDS_REVIEW: ("It could not be found out what became of the {name}. A person has to decide.", Tone.BAD),
    Status.SUCCEEDED: ("Stripe {done}.", Tone.GOOD),
    Status.DECLINED: ("The card was declined: {error}", Tone.BAD),
    Status.REJECTED: ("Stripe refused the {name}: {error}", Tone.BAD),
    Status.NOT_SENT: ("The {name} was not sent: there was no connection to Stripe.", Tone.BAD),
}
ACTS: dict[str, str] = {
    RecoveryAttempt.Act.SENT_AGAIN: "Recovery sent it again",
    RecoveryAttempt.Act.LOOKED: "Recovery looked at Stripe",
    RecoveryAttempt.Act.PARKED: "Recovery gave up, and left it to a person",
    RecoveryAttempt.Act.REVIEWED: "Operations staff closed it as not done",
}


# The one request that makes two operations about a payment: a saved card is copied to the seller, and then charged. Whatever else
# has an earlier request's id is a request of its own: its caller chose the same id again.
SECOND_STEPS = {OperationKind.PAYMENT_INTENT_CONFIRM: OperationKind.PAYMENT_METHOD_CLONE}


def operation_entries(sources: Sources) -> Iterator[Entry]:
    first_steps: set[tuple[str, str | None]] = set()
    for operation in sources.operations:
        first_step = (operation.request_id, SECOND_STEPS.get(OperationKind(operation.kind)))
        if operation.request_id == "" or first_step not in first_steps:
            yield _request(operation, sources)
        first_steps.discard(first_step)
        first_steps.add((operation.request_id, operation.kind))
        yield _outcome(operation, sources)
    yield from (_recovery(attempt, sources.reader) for attempt in sources.recovery_attempts)
    yield from _next_looks(sources.operations)


def asked_amount(operation: Operation, currency: str) -> str:
    """The amount that Stripe was asked for, as people read it; empty where none was named."""
    parameters = operation.parameters
    asked = next((parameters[name] for name in AMOUNT_PARAMETERS if name in parameters), None)
    return format_amount(int(asked), currency) if asked is not None else ""


def _request(operation: Operation, sources: Sources) -> Entry:
    reader = sources.reader
    amount = asked_amount(operation, sources.payment.currency)
    asked = words_for(operation.kind).asked + (f" ({amount})" if amount else "")
    is_readers_own = reader.is_staff or (operation.app == reader.app and not operation.operator)
    key = operation.caller_key if is_readers_own else None
    again = f" The request was begun {times(key.attempt)} under its Idempotency-Key." if key and key.attempt > 1 else ""
    reason = reason_for(operation, sources)
    why = f" Why: {sentence(shortened(reason))}" if reason else ""
    details = (*_caller(operation, reader), *_key(key)) if is_readers_own else ()
    return Entry(operation.created_at, Kind.REQUEST, f"{asker(operation, reader)} {asked}.{why}{again}", details=details)


def asker(operation: Operation, reader: Reader) -> str:
    """Whoever asked for it: somebody on the staff, whose name is the staff's own, or an app."""
    if operation.operator:
        return f"{operation.operator} (operations staff)" if reader.is_staff else "Operations staff"
    if operation.app is None:
        return "The developer"
    is_of_another = not reader.is_staff and operation.app != reader.app
    return "Another app of the developer's" if is_of_another else operation.app.name or operation.app.pk


def _caller(operation: Operation, reader: Reader) -> Iterator[Detail]:
    yield from _present(("Request", operation.request_id), ("User", operation.user_id))
    if reader.is_staff:
        yield from _present(("App", operation.app_id or ""), ("Developer", operation.developer_id))


def _key(key: IdempotencyKey | None) -> Iterator[Detail]:
    if key is None:
        return
    yield "Idempotency-Key", key.key
    if key.answered_at is not None:
        yield "Answered", f"{at(key.answered_at)} with HTTP status {key.status_code}"


def _outcome(operation: Operation, sources: Sources) -> Entry:
    _, tone = OUTCOMES[operation.status]
    again = f" It was sent {times(operation.attempts)}." if operation.attempts > 1 else ""
    return Entry(
        at=_known_at(operation, sources.events),
        kind=Kind.OPERATION,
        text=became(operation, sources.reader) + again,
        tone=tone,
        details=tuple(_technical(operation, sources.payment.currency)),
        record=RecordKey("gateway.operation", operation.pk),
    )


def _known_at(operation: Operation, events: Sequence[Event]) -> datetime:
    """When its outcome was known. What it led to is written down before it, in the same transaction."""
    closed_at = operation.closed_at or operation.last_sent_at
    subject = (operation.subject_type, operation.subject_id)
    told = [event.created_at for event in events if (event.subject_type, event.subject_id) == subject]
    return min([closed_at, *(moment for moment in told if operation.last_sent_at <= moment <= closed_at)])


def became(operation: Operation, reader: Reader) -> str:
    """What came of the operation, in a sentence or two."""
    words = words_for(operation.kind)
    if operation.status == Status.REJECTED and operation.http_status is None:  # not Stripe's word: see recovery.close_as_not_done
        reason = f" {sentence(shortened(operation.error_message))}" if reader.is_staff else ""
        return f"The {words.name} was closed as not done.{reason}"
    text, _ = OUTCOMES[operation.status]
    return text.format(name=words.name, done=words.done, error=sentence(shortened(operation.error_message)))


def _technical(operation: Operation, currency: str) -> Iterator[Detail]:
    yield "Operation", operation.pk
    yield "Kind", operation.kind
    yield from _present(
        ("Amount", asked_amount(operation, currency)),
        ("Cancellation reason", _cancellation_reason(operation)),
        ("Made at Stripe", operation.result_id),
        ("Stripe's request", operation.stripe_request_id),
        ("HTTP status", str(operation.http_status or "")),
        ("Error", " · ".join(part for part in (operation.error_type, operation.error_code) if part)),
        ("Decline code", operation.decline_code),
        ("Parameter", operation.error_param),
    )
    yield "Sent", f"{times(operation.attempts)}, last on {at(operation.last_sent_at)}"


def _cancellation_reason(operation: Operation) -> str:
    if operation.kind != OperationKind.PAYMENT_INTENT_CANCEL:
        return ""
    return plain(str(operation.parameters.get("cancellation_reason", "")))


def _present(*details: Detail) -> Iterator[Detail]:
    """Those of which there is something."""
    yield from (detail for detail in details if detail[1])


def _recovery(attempt: RecoveryAttempt, reader: Reader) -> Entry:
    # What a reviewer wrote names the reviewer, and is the staff's own.
    is_shown = reader.is_staff or attempt.act != RecoveryAttempt.Act.REVIEWED
    saw = f": {shortened(attempt.message)}" if attempt.message and is_shown else ""
    status = Status(attempt.result)
    tone = Tone.GOOD if status == Status.SUCCEEDED else Tone.QUIET
    return Entry(
        at=attempt.created_at,
        kind=Kind.RECOVERY,
        text=sentence(ACTS[attempt.act] + saw),
        tone=tone,
        details=(("Operation", attempt.operation_id), ("Status afterwards", plain(status))),
        record=RecordKey("gateway.operation", attempt.operation_id),
    )


def _next_looks(operations: Sequence[Operation]) -> Iterator[Entry]:
    for operation in operations:
        if operation.is_open and operation.status != Status.NEEDS_REVIEW and operation.next_recovery_at is not None:
            text = f"Recovery takes up the {words_for(operation.kind).name}, unless its outcome is known by then."
            yield Entry(operation.next_recovery_at, Kind.RECOVERY, text, Tone.WAITING, is_ahead=True)
