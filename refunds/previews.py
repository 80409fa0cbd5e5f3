"""What is told of a refund of the staff: what is left, what goes back of the fee, what may delay it, and what it became."""

from collections.abc import Iterator

from django.conf import settings

from commercecore_payments.admin.actions import Fact, Preface
from commercecore_payments.errors import ServiceError
from commercecore_payments.money import format_amount
from disputes.models import CLOSED, Dispute
from gateway import reads
from refunds.models import Refund, RefundApproval, Status
from refunds.operations.request import application_fee_share_minor, refundable_minor
from refunds.operations.second_person import exceeds_threshold
from transactions.models import Transaction


def refund_preview(payment: Transaction, amount_minor: int, *, approved: bool = False) -> Preface:
    """The facts and warnings about a refund of `amount_minor` minor units, where `approved` by the person who decides it."""
    available_minor, why_not = _available(payment)
    facts = list(_facts(payment, amount_minor))
    facts.append(("Seller's balance at Stripe", why_not or format_amount(available_minor or 0, payment.currency)))
    warnings = list(_warnings(payment, amount_minor, available_minor, approved=approved))
    return Preface(facts, " ".join(warnings))


def _facts(payment: Transaction, amount_minor: int) -> Iterator[Fact]:
    currency = payment.currency
    refunds = Refund.objects.of(payment).taking_money().total_minor()
    if payment.order_id:
        yield "Order", payment.order_id
    yield "Received", format_amount(payment.amount_received_minor, currency)
    yield "Refunded so far", format_amount(refunds, currency)
    yield "Can be refunded", format_amount(refundable_minor(payment), currency)
    if payment.application_fee_minor:
        share = application_fee_share_minor(payment, amount_minor)
        fee, back = format_amount(payment.application_fee_minor, currency), format_amount(share, currency)
        yield "Application fee", f"{fee}; {back} of it for {format_amount(amount_minor, currency)}, if you give it back"


def _available(payment: Transaction) -> tuple[int | None, str]:
    """What the seller has available in the payment's currency, in minor units; or why that could not be read."""
    try:
        balance = reads.retrieve_balance(payment.account.stripe_account_id)
    except ServiceError as error:
        return None, f"Could not be read: {error.message}"
    return balance.available.get(payment.currency, 0), ""


def _warnings(payment: Transaction, amount_minor: int, available_minor: int | None, *, approved: bool) -> Iterator[str]:
    lost_minor = Dispute.objects.lost_minor(payment)
    if lost_minor:
        yield f"{format_amount(lost_minor, payment.currency)} went to the buyer's bank in a dispute: it cannot be refunded."
    disputes = [str(dispute) for dispute in Dispute.objects.filter(transaction=payment).exclude(status__in=CLOSED)]
    if disputes:
        yield f"The payment is disputed ({', '.join(disputes)}): Stripe refuses to refund what the buyer's bank has taken back."
    if available_minor is not None and available_minor < amount_minor:
        yield (
            f"The seller's balance is lower than {format_amount(amount_minor, payment.currency)}. A refund of more than there is "
            "takes it below zero, or, where the account does not allow that at Stripe, stays pending until there is enough."
        )
    if approved:
        return
    if RefundApproval.objects.of(payment).waiting().exists():
        yield "A refund of this payment waits for a second person already: decide that one first."
    elif settings.REFUND_APPROVAL_ABOVE_MINOR is not None and exceeds_threshold(payment, amount_minor):
        limit = format_amount(settings.REFUND_APPROVAL_ABOVE_MINOR, payment.currency)
        yield f"What the staff refunds of a payment within a day beyond {limit} waits for a second person."


def newest_refund_in_words(payment: Transaction) -> str:
    """Who refunded what of the payment last, and when, in a sentence; empty where nobody did."""
    refund = Refund.objects.of(payment).first()
    if refund is None:
        return ""
    whose = refund.operator or ("somebody past this service" if refund.external else "the app")
    return (
        f"Last refund: {format_amount(refund.amount_minor, refund.currency)} by {whose}, {refund.created_at:%Y-%m-%d %H:%M} UTC."
    )


def refund_in_words(refund: Refund) -> str:
    """What has become of a refund that somebody on the staff asked for, in a sentence."""
    became = "has succeeded" if refund.status == Status.SUCCEEDED else f"is {refund.get_status_display().lower()}"
    return f"The refund of {format_amount(refund.amount_minor, refund.currency)} {became}: {refund}."
