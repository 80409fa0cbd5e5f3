"""Which verdict is the headline, and what else is worth a remark."""

from collections.abc import Callable, Iterator
from dataclasses import replace

from commercecore_payments.clock import now
from commercecore_payments.money import format_amount
from disputes.models import Status as DisputeStatus
from explanations.sources import Sources
from explanations.structure import Verdict, WaitsFor
from explanations.verdicts import paid, telling, unpaid, unsettled
from explanations.words import sentence
from refunds.models import Status as RefundStatus
from stripe_events.models import WAITS_TOO_LONG_AFTER
from stripe_events.models import Status as EventStatus

Rule = Callable[[Sources], Verdict | None]

# The first that has something to say is the headline. What nobody knows comes before what is known, and what has a date
# before what has none.
RULES: tuple[Rule, ...] = (
    unsettled.operation_without_an_outcome,
    paid.dispute_under_way,
    paid.refund_to_approve,
    unpaid.account_gone,
    unpaid.not_made,
    unpaid.canceled,
    unpaid.declined,
    unpaid.not_yet_paid,
    unpaid.on_its_way,
    paid.held,
    paid.refund_in_trouble,
    paid.refund_under_way,
    paid.refunded,
    paid.dispute_ended,
    paid.captured,
)


def verdict_on(sources: Sources) -> Verdict:
    """The headline, with a remark for everything else that somebody should know."""
    found = next(filter(None, (rule(sources) for rule in RULES)), None) or _in_a_new_state(sources)
    untold = telling.first_untold(sources)
    if untold is not None and not found.is_problem:
        found = telling.with_the_app_untold(found, untold)
        untold = None
    remarks = [*_remarks(sources, found), *([telling.in_words(untold)] if untold is not None else [])]
    return replace(found, remarks=tuple(remarks))


def _in_a_new_state(sources: Sources) -> Verdict:
    """Stripe has a state that is not known here: shown as it came."""
    status = sources.payment.status
    return Verdict(
        code="other",
        headline=f"The payment is {status.replace('_', ' ')}",
        explanation=f"Stripe calls its state {status}, which this service does not know.",
        next_step="Look at the payment in Stripe's dashboard.",
        waits_for=WaitsFor.US,
        is_problem=True,
    )


def _remarks(sources: Sources, found: Verdict) -> Iterator[str]:
    payment = sources.payment
    if payment.external and found.code != "paid_elsewhere":
        yield "It was made past this service: it has no order and no user here."
    if payment.account.is_deleted and found.code != "account_deleted":
        yield "The seller's account is deleted: what stands here is what was last seen, and nothing more can be refunded."
    if 0 < payment.amount_received_minor < payment.amount_minor and found.code != "partly_captured":
        received, asked = (format_amount(one, payment.currency) for one in (payment.amount_received_minor, payment.amount_minor))
        yield f"Only a part was captured: {received} of {asked}."
    yield from _of_disputes(sources, found)
    yield from _of_refunds(sources, found)
    if sources.reader.is_staff:
        yield from _of_stripe_events(sources)
        yield from _of_cases(sources)


def _of_disputes(sources: Sources, found: Verdict) -> Iterator[str]:
    if found.code.startswith(("dispute_", "inquiry_")):
        return
    for dispute in sources.disputes:
        if dispute.status == DisputeStatus.LOST:
            yield f"A dispute over {format_amount(dispute.amount_minor, dispute.currency)} was lost."
        elif dispute.status == DisputeStatus.WON:
            yield f"A dispute over {format_amount(dispute.amount_minor, dispute.currency)} was won."


def _of_refunds(sources: Sources, found: Verdict) -> Iterator[str]:
    failed = [one for one in sources.refunds if one.status in (RefundStatus.FAILED, RefundStatus.CREATION_FAILED)]
    if failed and found.code not in ("refund_failed", "refund_not_made"):
        of_them = "A refund" if len(failed) == 1 else f"{len(failed)} refunds"
        yield f"{of_them} of it did not go through: see the timeline."


def _of_stripe_events(sources: Sources) -> Iterator[str]:
    """Those that were not applied: what they tell may not stand here yet."""
    longest_ago = now() - WAITS_TOO_LONG_AFTER
    for event in sources.stripe_events:
        waits_too_long = event.status == EventStatus.PENDING and (event.failures > 0 or event.received_at < longest_ago)
        if event.status in (EventStatus.FAILED, EventStatus.QUARANTINED) or waits_too_long:
            yield f"Stripe's event {event.type} was not applied. Open it in the timeline, and press Apply now."


def _of_cases(sources: Sources) -> Iterator[str]:
    for case in sources.cases:
        if case.is_open:
            yield f"It differs from Stripe's books: {sentence(case.summary)} Open the case in the timeline."
