"""What the staff does with a payment: each is the API's own operation, in the name of the payment's app."""

from collections.abc import Iterator
from typing import Any

from django.contrib import messages

from commercecore_payments.actors import Actor
from commercecore_payments.admin.actions import Asked, Done, Fact, Preface, confirmed_action
from commercecore_payments.admin.records import ReadOnlyAdmin
from commercecore_payments.money import format_amount
from disputes.models import Dispute
from gateway.models import Kind, Operation
from refunds.models import RefundApproval
from refunds.operations import RefundRequest, refund_by_staff
from refunds.operations.request import refundable_minor
from refunds.previews import newest_refund_in_words, refund_in_words, refund_preview
from staff.audit import Outcome
from staff.rights import Right
from transactions.forms import CancelForm, CaptureForm, RefundForm
from transactions.models import CANCELABLE, Transaction
from transactions.operations import cancel_payment, capture_payment, refresh_transaction


class PaymentActions(ReadOnlyAdmin):
    """The actions of a transaction's page."""

    actions_detail = ("refund", "capture", "cancel", "read_from_stripe")

    def actions_for(self, record: Transaction) -> tuple[str, ...]:
        """Those that Stripe would take, by what is known here."""
        if not record.stripe_payment_intent_id:
            return ()
        can_be = {
            "refund": record.amount_received_minor > record.amount_refunded_minor + Dispute.objects.lost_minor(record),
            "capture": record.is_held,
            "cancel": record.status in CANCELABLE,
            "read_from_stripe": True,
        }
        return tuple(name for name in self.actions_detail if can_be[name])

    def preface(self, record: Transaction, action: str) -> Preface:
        if action == "refund":
            return refund_preview(record, refundable_minor(record))
        return Preface(list(_facts(record)))

    def facts_behind(self, action: str, record: Transaction) -> Any:
        """Of a refund what is left: two people who deal with the same complaint give the money back once."""
        return refundable_minor(record) if action == "refund" else None

    def what_happened(self, action: str, record: Transaction) -> str:
        return newest_refund_in_words(record) if action == "refund" else ""

    @confirmed_action(
        "Refund",
        right=Right.REFUND,
        text="Sends money back to the buyer, out of the seller's balance at Stripe. A refund cannot be taken back.",
        icon="undo",
        form_class=RefundForm,
    )
    def refund(self, record: Transaction, asked: Asked) -> Done:
        request = RefundRequest(
            payment=record,
            amount_minor=asked.answers["amount"],
            reason=asked.answers["stripe_reason"],
            refund_application_fee=asked.answers.get("refund_application_fee", False),
            expected_rest_minor=asked.seen,
        )
        made = refund_by_staff(request, reason=asked.reason, user=asked.user, actor=_actor(record, asked))
        if isinstance(made, RefundApproval):
            amount = format_amount(made.amount_minor, made.currency)
            told = f"The refund of {amount} waits for a second person. Nothing was sent to Stripe yet."
            return Done(told, messages.WARNING, outcome=Outcome.WAITS)
        operation = Operation.objects.of(made).latest("created_at")
        return Done(refund_in_words(made), operation_id=operation.pk)

    @confirmed_action(
        "Capture",
        right=Right.CAPTURE,
        text="Takes the money that is held, or a part of it, once. What is left over goes back to the buyer's card at once.",
        icon="price_check",
        form_class=CaptureForm,
    )
    def capture(self, record: Transaction, asked: Asked) -> Done:
        actor = _actor(record, asked)
        payment = capture_payment(record, amount_minor=asked.answers["amount"], application_fee_minor=None, actor=actor)
        amount = format_amount(payment.amount_received_minor, payment.currency)
        return Done(f"{amount} were captured of {payment}.", operation_id=_newest(payment, Kind.PAYMENT_INTENT_CAPTURE))

    @confirmed_action(
        "Cancel the payment",
        right=Right.CANCEL,
        text="Gives the payment up. What is held goes back to the buyer's card, and the order can be paid anew.",
        icon="cancel",
        form_class=CancelForm,
    )
    def cancel(self, record: Transaction, asked: Asked) -> Done:
        payment = cancel_payment(record, cancellation_reason=asked.answers["stripe_reason"], actor=_actor(record, asked))
        return Done(f"{payment} is canceled.", operation_id=_newest(payment, Kind.PAYMENT_INTENT_CANCEL))

    @confirmed_action(
        "Read from Stripe",
        right=Right.RESYNC,
        text="Asks Stripe for the payment intent and takes over its state. Nothing is changed at Stripe.",
        icon="sync",
    )
    def read_from_stripe(self, record: Transaction, asked: Asked) -> Done:
        refresh_transaction(record)
        return Done(f"{record} at Stripe: {record.get_status_display().lower()}.")


def _actor(payment: Transaction, asked: Asked) -> Actor:
    return asked.actor(developer=payment.developer, app=payment.app)


def _newest(payment: Transaction, kind: Kind) -> str:
    return str(Operation.objects.of(payment).filter(kind=kind).latest("created_at").pk)


def _facts(payment: Transaction) -> Iterator[Fact]:
    """What a capture or a cancellation is about."""
    yield "Status", payment.get_status_display()
    yield "Amount", format_amount(payment.amount_minor, payment.currency)
    if payment.is_held:
        yield "Held", format_amount(payment.amount_capturable_minor, payment.currency)
    if payment.capture_before is not None:
        yield "Held until", f"{payment.capture_before:%Y-%m-%d %H:%M} UTC"
    if payment.application_fee_minor:
        yield "Application fee", format_amount(payment.application_fee_minor, payment.currency)
    if payment.order_id:
        yield "Order", payment.order_id
