"""Payments whose money is held or has come, and what became of it since."""

from datetime import timedelta

from commercecore_payments.clock import now
from commercecore_payments.money import format_amount
from disputes.models import Dispute
from disputes.models import Status as DisputeStatus
from explanations.money_entries import ENDED, INQUIRIES
from explanations.operation_entries import became
from explanations.sources import Sources
from explanations.structure import NOTHING_TO_DO, RecordKey, Verdict, WaitsFor
from explanations.words import at, plain, sentence
from gateway.models import subject_type
from refunds.models import Refund
from refunds.models import Status as RefundStatus
from transactions.models import Status, Transaction

# From then on a hold that nobody has captured is a problem: its app has been told of it twice (transactions.capture_warnings).
LAPSES_SOON = timedelta(hours=24)


def dispute_under_way(sources: Sources) -> Verdict | None:
    is_open = [dispute for dispute in sources.disputes if not dispute.is_closed]
    if not is_open:
        return None
    needing = [dispute for dispute in is_open if dispute.needs_response]
    return _needs_response(needing[0]) if needing else _is_reviewed(is_open[0])


def _needs_response(dispute: Dispute) -> Verdict:
    amount = format_amount(dispute.amount_minor, dispute.currency)
    until = f" until {at(dispute.evidence_due_at)}" if dispute.evidence_due_at is not None else ""
    is_inquiry = dispute.status in INQUIRIES
    happened = (
        "has taken no money yet. Without an answer it may become a dispute."
        if is_inquiry
        else f"has taken {amount} back from the seller. Without evidence they are lost."
    )
    return Verdict(
        code="inquiry_needs_response" if is_inquiry else "dispute_needs_response",
        headline=f"The buyer's bank {'asks about' if is_inquiry else 'disputes'} the payment: an answer is needed{until}",
        explanation=f"It gives as its reason: {plain(dispute.reason)}. It {happened}",
        next_step="Send evidence in Stripe's dashboard, or accept the loss there.",
        waits_for=WaitsFor.SELLER,
        is_problem=True,
        record=RecordKey("disputes.dispute", str(dispute.pk)),
    )


def _is_reviewed(dispute: Dispute) -> Verdict:
    amount = format_amount(dispute.amount_minor, dispute.currency)
    taken = "Nothing was taken." if dispute.status in INQUIRIES else "Until it has decided, the money is with the bank."
    return Verdict(
        code="dispute_under_review",
        headline="The buyer's bank decides on the dispute",
        explanation=f"It has what the seller has sent about {amount} ({plain(dispute.reason)}). {taken}",
        next_step="Nothing has to be done. The bank takes up to three months.",
        waits_for=WaitsFor.STRIPE,
    )


def held(sources: Sources) -> Verdict | None:
    payment = sources.payment
    if not payment.is_held:
        return None
    amount = format_amount(payment.amount_capturable_minor, payment.currency)
    until = payment.capture_before
    if until is not None and until <= now():
        return _overdue(amount, payment)
    by_when = f" until {at(until)}" if until is not None else ""
    is_soon = until is not None and until - now() <= LAPSES_SOON
    return Verdict(
        code="held",
        headline=f"{amount} are held{by_when}",
        explanation="The buyer's bank keeps the money ready, and the seller does not have it yet. "
        "If nobody captures it in time, it goes back to the buyer.",
        next_step="Capture it when the goods are sent, the whole or a part once; or cancel the payment.",
        waits_for=WaitsFor.US,
        is_problem=is_soon,
    )


def _overdue(amount: str, payment: Transaction) -> Verdict:
    return Verdict(
        code="hold_overdue",
        headline=f"The hold of {amount} should have lapsed",
        explanation=f"It ended on {at(payment.capture_before or now())}, and Stripe has not told yet what became of it.",
        next_step="Read the payment from Stripe: GET /transactions/{id}, or Read from Stripe on its page in the admin.",
        waits_for=WaitsFor.STRIPE,
        is_problem=True,
    )


def refund_to_approve(sources: Sources) -> Verdict | None:
    """The staff asked for it; only the staff sees it."""
    waiting = next((approval for approval in sources.approvals if approval.is_waiting), None)
    if waiting is None:
        return None
    amount = format_amount(waiting.amount_minor, waiting.currency)
    return Verdict(
        code="refund_to_approve",
        headline=f"A refund of {amount} waits for a second person",
        explanation=f"{waiting.requested_by} asked for it: {sentence(waiting.reason)} Nothing was sent to Stripe yet.",
        next_step="Somebody else has to approve or refuse it.",
        waits_for=WaitsFor.US,
        record=RecordKey("refunds.refundapproval", str(waiting.pk)),
    )


def refund_in_trouble(sources: Sources) -> Verdict | None:
    """The newest refund failed, was not made, or waits for the buyer."""
    newest = sources.refunds[-1] if sources.refunds else None
    if newest is None or newest.status not in (RefundStatus.FAILED, RefundStatus.CREATION_FAILED, RefundStatus.REQUIRES_ACTION):
        return None
    amount = format_amount(newest.amount_minor, newest.currency)
    if newest.status == RefundStatus.REQUIRES_ACTION:
        return Verdict(
            code="refund_requires_action",
            headline=f"The buyer has to act for the refund of {amount}",
            explanation="Stripe has asked the buyer by email for an account to send the money to.",
            next_step="Ask the buyer to look for Stripe's email. Without an answer the refund fails.",
            waits_for=WaitsFor.BUYER,
            is_problem=True,
        )
    if newest.status == RefundStatus.CREATION_FAILED:
        return _refund_not_made(newest, amount, sources)
    return _refund_failed(newest, amount)


def _refund_failed(refund: Refund, amount: str) -> Verdict:
    reason = f" ({plain(refund.failure_reason)})" if refund.failure_reason else ""
    return Verdict(
        code="refund_failed",
        headline=f"The refund of {amount} failed: the buyer has not got the money",
        explanation=f"The bank sent the money back{reason}. It is with the seller, and may be refunded again.",
        next_step="Refund it again, or pay the buyer in another way.",
        waits_for=WaitsFor.US,
        is_problem=True,
    )


def _refund_not_made(refund: Refund, amount: str, sources: Sources) -> Verdict:
    asked = [one for one in sources.operations if (one.subject_type, one.subject_id) == (subject_type(refund), refund.pk)]
    is_charged_back = _is_charged_back(sources)
    look = "Look whether the buyer has the money already, as by a refund in Stripe's dashboard. If not, refund it again."
    return Verdict(
        code="refund_not_made",
        headline=f"The refund of {amount} was not made",
        explanation=became(asked[-1], sources.reader) if asked else "What Stripe answered is not known.",
        next_step="Nothing has to be refunded: the buyer's bank has taken all of it back." if is_charged_back else look,
        waits_for=WaitsFor.NOBODY if is_charged_back else WaitsFor.US,
        is_problem=True,
    )


def _is_charged_back(sources: Sources) -> bool:
    """The bank gave the buyer back all that was paid: a refund would be the same money twice."""
    lost = sum(one.amount_minor for one in sources.disputes if one.status == DisputeStatus.LOST)
    return lost >= sources.payment.amount_received_minor > 0


def refund_under_way(sources: Sources) -> Verdict | None:
    pending = [refund for refund in sources.refunds if refund.status == RefundStatus.PENDING]
    if not pending:
        return None
    amount = format_amount(sum(refund.amount_minor for refund in pending), sources.payment.currency)
    return Verdict(
        code="refund_pending",
        headline=f"A refund of {amount} is on its way to the buyer",
        explanation="Stripe has taken it, and the bank has not confirmed it. It may still fail.",
        next_step="Nothing has to be done: Stripe tells how it ends.",
        waits_for=WaitsFor.STRIPE,
    )


def refunded(sources: Sources) -> Verdict | None:
    payment = sources.payment
    if payment.amount_refunded_minor == 0:
        return None
    back, received = (
        format_amount(one, payment.currency) for one in (payment.amount_refunded_minor, payment.amount_received_minor)
    )
    is_whole = payment.amount_refunded_minor == payment.amount_received_minor
    rest = format_amount(payment.amount_received_minor - payment.amount_refunded_minor, payment.currency)
    return Verdict(
        code="refunded" if is_whole else "partly_refunded",
        headline=f"{back} went back to the buyer: {'all of it' if is_whole else f'a part of {received}'}",
        explanation="A bank takes some days to show a refund."
        if is_whole
        else f"The seller keeps {rest}, which can still be refunded. A bank takes some days to show a refund.",
        next_step=NOTHING_TO_DO,
        waits_for=WaitsFor.NOBODY,
    )


def dispute_ended(sources: Sources) -> Verdict | None:
    ended = [dispute for dispute in sources.disputes if dispute.is_closed]
    if not ended:
        return None
    last = ended[-1]
    text, _ = ENDED[last.status]
    is_lost = last.status == DisputeStatus.LOST
    codes = {DisputeStatus.WON: "dispute_won", DisputeStatus.LOST: "dispute_lost"}
    return Verdict(
        code=codes.get(DisputeStatus(last.status), "dispute_closed"),
        headline=text.rstrip("."),
        explanation=f"It was about {format_amount(last.amount_minor, last.currency)}: {plain(last.reason)}.",
        next_step="Nothing can be done here any more." if is_lost else NOTHING_TO_DO,
        waits_for=WaitsFor.NOBODY,
        is_problem=is_lost,
    )


def captured(sources: Sources) -> Verdict | None:
    payment = sources.payment
    if payment.status != Status.SUCCEEDED:
        return None
    received = format_amount(payment.amount_received_minor, payment.currency)
    is_part = payment.amount_received_minor < payment.amount_minor
    code = "paid_elsewhere" if payment.external else "partly_captured" if is_part else "paid"
    headline = f"Paid: {received} past this service" if payment.external else f"Paid: {received}"
    rest = format_amount(payment.amount_minor - payment.amount_received_minor, payment.currency)
    return Verdict(
        code=code,
        headline=f"{headline}, a part of what was held" if is_part else headline,
        explanation=_where_it_is(payment) + (f" The rest of the hold, {rest}, was released." if is_part else ""),
        next_step=NOTHING_TO_DO,
        waits_for=WaitsFor.NOBODY,
    )


def _where_it_is(payment: Transaction) -> str:
    fee = payment.application_fee_minor
    kept = f", less the platform's share of {format_amount(fee, payment.currency)}" if fee else ""
    how = "It was not asked for here, but in Stripe's dashboard or by another program. " if payment.external else ""
    return f"{how}The money went to the seller's balance at Stripe{kept}."
