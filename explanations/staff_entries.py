"""What the staff did to the payment, its refunds, disputes and operations: who, what and why, from the audit log."""

from collections.abc import Iterator
from typing import Any

from auditlog.models import LogEntry

from commercecore_payments.money import format_amount
from explanations.sources import Sources
from explanations.structure import Detail, Entry, Kind, Reader, RecordKey, Tone
from explanations.words import plain, sentence, shortened
from gateway.models import Operation
from reconciliation.models import Case
from refunds.models import RefundApproval
from staff.audit import Outcome

TONES: dict[str, Tone] = {
    Outcome.DONE: Tone.GOOD,
    Outcome.WAITS: Tone.WAITING,
    Outcome.REFUSED: Tone.BAD,
    Outcome.UNKNOWN: Tone.WAITING,
    Outcome.BROKE_OFF: Tone.BAD,
}


def staff_entries(sources: Sources) -> Iterator[Entry]:
    """Actions without an operation in the timeline: those with one are told by it. An app is told neither by whom nor why.

    With them the refunds that waited for a second person, and the cases of the reconciliation.
    """
    for approval in sources.approvals:
        yield from _approval(approval)
    for case in sources.cases:
        yield from _case(case)
    operations = {operation.pk for operation in sources.operations}
    for logged in sources.staff_actions:
        told = told_of(logged)
        if told.get("action") and told.get("operation") not in operations:  # what names no action is a change of fields
            yield _entry(logged, told, sources.reader)


def reason_for(operation: Operation, sources: Sources) -> str:
    """Why somebody on the staff asked for it, in their words; empty for a developer's app, and where nobody did."""
    if not sources.reader.is_staff or not operation.operator:
        return ""
    reasons = (told.get("reason", "") for told in map(told_of, sources.staff_actions) if told.get("operation") == operation.pk)
    return str(next(reasons, ""))


def told_of(logged: LogEntry) -> dict[str, Any]:
    """What `staff.audit.record_action` wrote down beside who and when."""
    return dict(logged.additional_data or {})


def _entry(logged: LogEntry, told: dict[str, Any], reader: Reader) -> Entry:
    who = str(logged.actor) if reader.is_staff and logged.actor is not None else "Operations staff"
    outcome = str(told.get("outcome", ""))
    ended = f" ({plain(outcome)})" if outcome and outcome != Outcome.DONE else ""
    reason = f" Why: {sentence(shortened(told['reason']))}" if reader.is_staff and told.get("reason") else ""
    return Entry(
        at=logged.timestamp,
        kind=Kind.STAFF,
        text=f"{who} pressed “{_title(told)}”{ended}.{reason}",
        tone=TONES.get(outcome, Tone.QUIET),
        details=tuple(_details(logged, told)) if reader.is_staff else (),
    )


def _title(told: dict[str, Any]) -> str:
    """The action as its button says it."""
    return plain(str(told["action"])).capitalize().replace("stripe", "Stripe")


def _details(logged: LogEntry, told: dict[str, Any]) -> Iterator[Detail]:
    answers = ((plain(name).capitalize(), str(value)) for name, value in (told.get("answers") or {}).items())
    known = (("About", str(logged.object_repr)), ("What came of it", str(told.get("message", ""))), *answers)
    further = (("Operation", str(told.get("operation", ""))), ("Request", str(told.get("request", ""))))
    yield from (detail for detail in (*known, *further) if detail[1])


def _approval(approval: RefundApproval) -> Iterator[Entry]:
    record = RecordKey("refunds.refundapproval", str(approval.pk))
    amount = format_amount(approval.amount_minor, approval.currency)
    text = f"{approval.requested_by} asked for a refund of {amount} that needs a second person. Why: {sentence(approval.reason)}"
    yield Entry(approval.requested_at, Kind.STAFF, text, Tone.WAITING, (), record)
    if approval.decided_at is not None:
        by = f"{approval.decided_by or 'Nobody'} decided on it: {plain(approval.status)}."
        note = f" {sentence(shortened(approval.note))}" if approval.note else ""
        yield Entry(approval.decided_at, Kind.STAFF, by + note, Tone.QUIET, (), record)


def _case(case: Case) -> Iterator[Entry]:
    record = RecordKey("reconciliation.case", str(case.pk))
    details = (("About", case.object_id), ("Difference", plain(case.type)))
    text = f"The comparison with Stripe's books found a difference: {sentence(shortened(case.summary))}"
    yield Entry(case.opened_at, Kind.CASE, text, Tone.BAD, details, record)
    if case.closed_at is not None:
        reason = f" {sentence(shortened(case.closing_reason))}" if case.closing_reason else ""
        text = f"The difference is {case.status}: {case.closed_by or 'the reconciliation'} closed the case.{reason}"
        yield Entry(case.closed_at, Kind.CASE, text, Tone.GOOD, details, record)
