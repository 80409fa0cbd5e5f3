"""Explaining a payment: everything that is known of it here, as one verdict and one timeline. Stripe is asked nothing."""

from collections.abc import Iterator
from dataclasses import replace

from commercecore_payments.logs import without_secrets
from commercecore_payments.money import format_amount
from explanations.event_entries import event_entries
from explanations.money_entries import money_entries
from explanations.operation_entries import operation_entries
from explanations.sources import Sources, read_sources
from explanations.staff_entries import staff_entries
from explanations.structure import STAFF, Detail, Entry, Explanation, Reader, Verdict, in_order
from explanations.verdicts import verdict_on
from explanations.words import at
from transactions.models import Transaction


def explain(payment: Transaction, reader: Reader = STAFF) -> Explanation:
    """What is known of the payment, for the staff or for the developer of one app. Amounts in words, times in UTC.

    It takes a bounded number of queries however much there is; what was not read is told in `left_out`.
    """
    sources = read_sources(payment, reader)
    entries = [*money_entries(sources), *operation_entries(sources), *event_entries(sources), *staff_entries(sources)]
    return Explanation(
        transaction_id=payment.stripe_payment_intent_id,
        verdict=_verdict_without_secrets(verdict_on(sources)),
        facts=tuple(_facts(sources)),
        timeline=in_order([_without_secrets(entry) for entry in entries]),
        left_out=sources.left_out,
    )


def _facts(sources: Sources) -> Iterator[Detail]:
    payment = sources.payment
    yield "Amount", format_amount(payment.amount_minor, payment.currency)
    if payment.is_held:
        yield "Held", format_amount(payment.amount_capturable_minor, payment.currency)
        if payment.capture_before is not None:
            yield "Held until", at(payment.capture_before)
    yield "Received", format_amount(payment.amount_received_minor, payment.currency)
    if payment.amount_refunded_minor:
        yield "Refunded", format_amount(payment.amount_refunded_minor, payment.currency)
    if payment.application_fee_minor:
        yield "Platform's share", format_amount(payment.application_fee_minor, payment.currency)
    if payment.order_id:
        yield "Order", payment.order_id
    yield "Seller", payment.account.stripe_account_id


def _without_secrets(entry: Entry) -> Entry:
    """Receivers and banks write what they like: what looks like a credential is hidden as in the log."""
    details = tuple((name, without_secrets(value)) for name, value in entry.details)
    return replace(entry, text=without_secrets(entry.text), details=details)


def _verdict_without_secrets(verdict: Verdict) -> Verdict:
    return replace(
        verdict,
        headline=without_secrets(verdict.headline),
        explanation=without_secrets(verdict.explanation),
        next_step=without_secrets(verdict.next_step),
        remarks=tuple(without_secrets(remark) for remark in verdict.remarks),
    )
