"""What happened to the money past this service, and what is still to come: disputes, holds, and what was made elsewhere."""

from collections.abc import Iterator

from commercecore_payments.clock import now
from commercecore_payments.money import format_amount
from disputes.models import Dispute, Status
from explanations.sources import Sources
from explanations.structure import Entry, Kind, RecordKey, Tone
from explanations.words import at, plain
from refunds.models import Refund
from transactions.models import Transaction

# How a dispute ended (docs.stripe.com/disputes/how-disputes-work).
ENDED: dict[str, tuple[str, Tone]] = {
    Status.WARNING_CLOSED: ("The bank's question was closed, and no money was taken.", Tone.GOOD),
    Status.WON: ("The dispute was won: the money is back with the seller.", Tone.GOOD),
    Status.LOST: ("The dispute was lost: the money stays with the buyer.", Tone.BAD),
    Status.PREVENTED: ("The dispute was prevented.", Tone.GOOD),
}
INQUIRIES = (Status.WARNING_NEEDS_RESPONSE, Status.WARNING_UNDER_REVIEW, Status.WARNING_CLOSED)


def money_entries(sources: Sources) -> Iterator[Entry]:
    payment = sources.payment
    if payment.external:
        amount = format_amount(payment.amount_minor, payment.currency)
        text = f"This payment of {amount} became known here: it was made past this service."
        yield Entry(payment.created_at, Kind.REQUEST, text)
    yield from _hold(payment)
    yield from (_external_refund(refund) for refund in sources.refunds if refund.external)
    for dispute in sources.disputes:
        yield from _dispute(dispute)


def _hold(payment: Transaction) -> Iterator[Entry]:
    if payment.is_held and payment.capture_before is not None:
        amount = format_amount(payment.amount_capturable_minor, payment.currency)
        text = f"The hold lapses, and {amount} go back to the buyer, unless the money is captured before."
        yield Entry(payment.capture_before, Kind.HOLD, text, Tone.WAITING, is_ahead=payment.capture_before > now())


def _external_refund(refund: Refund) -> Entry:
    amount = format_amount(refund.amount_minor, refund.currency)
    text = f"A refund of {amount} became known here: it was made past this service."
    details = (("Refund", refund.stripe_refund_id),)
    return Entry(refund.created_at, Kind.REFUND, text, details=details, record=RecordKey("refunds.refund", str(refund.pk)))


def _dispute(dispute: Dispute) -> Iterator[Entry]:
    record = RecordKey("disputes.dispute", str(dispute.pk))
    amount = format_amount(dispute.amount_minor, dispute.currency)
    is_inquiry = dispute.status in INQUIRIES
    did = "asked about" if is_inquiry else "opened a dispute over"
    text = f"The buyer's bank {did} {amount}: {plain(dispute.reason)}."
    # Stripe's own time knows whole seconds: by it the dispute would come before the payment that a test card makes with it.
    details = (("Dispute", dispute.stripe_dispute_id), ("Opened", at(dispute.opened_at)))
    yield Entry(dispute.created_at, Kind.DISPUTE, text, Tone.BAD, details, record)
    if dispute.needs_response and dispute.evidence_due_at is not None:
        is_ahead = dispute.evidence_due_at > now()
        text = "Until now evidence is taken for the dispute." if is_ahead else "The time for evidence was over."
        yield Entry(dispute.evidence_due_at, Kind.DISPUTE, text, Tone.WAITING, (), record, is_ahead)
    elif dispute.status in ENDED:
        text, tone = ENDED[dispute.status]
        yield Entry(dispute.updated_at, Kind.DISPUTE, text, tone, (), record)
