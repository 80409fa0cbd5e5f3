"""Operations whose outcome is not known: neither their money nor anything after them may be relied on."""

from commercecore_payments.money import format_amount
from explanations.operation_entries import asked_amount
from explanations.sources import Sources
from explanations.structure import RecordKey, Verdict, WaitsFor
from explanations.words import at, words_for
from gateway.models import Operation, Status


def operation_without_an_outcome(sources: Sources) -> Verdict | None:
    """The one that waits for a person before the others."""
    is_open = [operation for operation in sources.operations if operation.is_open]
    if not is_open:
        return None
    gravest = min(is_open, key=lambda operation: operation.status != Status.NEEDS_REVIEW)
    if gravest.status == Status.NEEDS_REVIEW:
        return _needs_review(gravest, sources)
    return _under_way(gravest, sources) if gravest.may_still_be_under_way() else _unknown(gravest, sources)


def _needs_review(operation: Operation, sources: Sources) -> Verdict:
    name = words_for(operation.kind).name
    advice = f"Open the {name}: its page says what to look for at Stripe, and how to close it."
    return Verdict(
        code="needs_review",
        headline=f"Nobody knows what became of the {name}",
        explanation=f"The {_with_amount(operation, sources)} was sent to Stripe on {at(operation.last_sent_at)}. No answer "
        "proved what came of it, and recovery could not find out. Until somebody has looked, nothing else can take its place.",
        next_step=advice if sources.reader.is_staff else "Operations staff have to look into it. Do not send it again.",
        waits_for=WaitsFor.US,
        is_problem=True,
        record=RecordKey("gateway.operation", operation.pk),
    )


def _unknown(operation: Operation, sources: Sources) -> Verdict:
    words = words_for(operation.kind)
    due = f"The worker looks again on {at(operation.next_recovery_at)}." if operation.next_recovery_at is not None else ""
    now_instead = f"Open the {words.name} and press Recover now to ask at once." if sources.reader.is_staff else ""
    return Verdict(
        code="outcome_unknown",
        headline=f"It is not known yet what became of the {words.name}",
        explanation=f"The {_with_amount(operation, sources)} was sent to Stripe on {at(operation.last_sent_at)}, and no answer "
        "proves what came of it. It may have happened or not; it is not done twice.",
        next_step=f"Nothing has to be done. {due} {now_instead}".replace("  ", " ").strip(),
        waits_for=WaitsFor.US,
        is_problem=True,
        record=RecordKey("gateway.operation", operation.pk),
    )


def _under_way(operation: Operation, sources: Sources) -> Verdict:
    name = words_for(operation.kind).name
    return Verdict(
        code="under_way",
        headline=f"The {name} is under way",
        explanation=f"The {_with_amount(operation, sources)} is being sent to Stripe at this moment.",
        next_step="Wait a moment, and look again.",
        waits_for=WaitsFor.STRIPE,
    )


def _with_amount(operation: Operation, sources: Sources) -> str:
    payment = sources.payment
    amount = asked_amount(operation, payment.currency) or format_amount(payment.amount_minor, payment.currency)
    return f"{words_for(operation.kind).name} ({amount})"
