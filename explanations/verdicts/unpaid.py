"""Payments whose money has not come, or not yet."""

from collections.abc import Sequence

from accounts.readiness import Blocker, WhoActs, readiness_of
from commercecore_payments.money import format_amount
from explanations.declines import decline_in_words
from explanations.operation_entries import asker, became
from explanations.sources import Sources
from explanations.staff_entries import reason_for
from explanations.structure import Verdict, WaitsFor
from explanations.words import plain, sentence, shortened
from gateway.models import Kind, Operation
from gateway.models import Status as OperationStatus
from transactions.models import Status

# Stripe's reason where the hold of a payment has lapsed (docs.stripe.com/api/payment_intents/object, cancellation_reason).
LAPSED = "automatic"
THE_ORDER_IS_FREE = "The order is free: it can be paid by a new payment."
# Who has to act before a seller who cannot take payments can.
WHO_ACTS = {WhoActs.SELLER: WaitsFor.SELLER, WhoActs.STRIPE: WaitsFor.STRIPE, WhoActs.PLATFORM: WaitsFor.US}


def account_gone(sources: Sources) -> Verdict | None:
    payment = sources.payment
    if not payment.account.is_deleted or payment.is_terminal:
        return None
    return Verdict(
        code="account_deleted",
        headline="The seller's account is gone, and the payment with it",
        explanation="The account was deleted before the payment was finished. Stripe tells nothing more of either.",
        next_step="Nothing can be done here. Let the buyer pay another seller.",
        waits_for=WaitsFor.NOBODY,
    )


def not_made(sources: Sources) -> Verdict | None:
    payment = sources.payment
    if payment.status not in (Status.CREATION_FAILED, Status.CREATING):
        return None
    creation = _last(sources, Kind.PAYMENT_INTENT_CREATE)
    why = became(creation, sources.reader) if creation is not None else "What Stripe answered is not known."
    was_refused = creation is not None and creation.tells_what_stripe_said
    return Verdict(
        code="creation_failed",
        headline="The payment was never made",
        explanation=f"{why} The buyer was not charged.",
        next_step=f"{'Mend what Stripe names, and ask' if was_refused else 'Ask'} again. {THE_ORDER_IS_FREE}",
        waits_for=WaitsFor.US,
        is_problem=True,
    )


def canceled(sources: Sources) -> Verdict | None:
    if sources.payment.status != Status.CANCELED:
        return None
    cancellation = _last(sources, Kind.PAYMENT_INTENT_CANCEL, succeeded=True)
    if cancellation is None and _has_lapsed(sources):
        return _lapsed()
    return Verdict(
        code="canceled",
        headline="The payment was canceled",
        explanation=f"{_by_whom(sources, cancellation)} The buyer is not charged, and what was held is given back.",
        next_step=f"Nothing has to be done. {THE_ORDER_IS_FREE}",
        waits_for=WaitsFor.NOBODY,
    )


def _lapsed() -> Verdict:
    return Verdict(
        code="hold_lapsed",
        headline="The hold has lapsed: the money went back to the buyer",
        explanation="The money was only held, and nobody captured it in time. Stripe has canceled the payment by itself.",
        next_step=f"If the buyer should still pay: {THE_ORDER_IS_FREE[0].lower()}{THE_ORDER_IS_FREE[1:]}",
        waits_for=WaitsFor.NOBODY,
        is_problem=True,
    )


def _has_lapsed(sources: Sources) -> bool:
    return any(
        event.type == "charge.expired" or getattr(event, "cancellation_reason", None) == LAPSED for event in sources.stripe_events
    )


def _by_whom(sources: Sources, cancellation: Operation | None) -> str:
    if cancellation is None:
        told = (getattr(event, "cancellation_reason", None) for event in sources.stripe_events)
        reason = next(filter(None, told), "")
        return "It was canceled past this service, as in Stripe's dashboard" + (f": {plain(reason)}." if reason else ".")
    reason = plain(str(cancellation.parameters.get("cancellation_reason", "")))
    why = shortened(reason_for(cancellation, sources)) or reason
    by_staff = bool(cancellation.operator)  # who always say why, though an app is not told
    without_a_reason = "." if by_staff else ", and gave no reason."
    return f"{asker(cancellation, sources.reader)} canceled it" + (f": {sentence(why)}" if why else without_a_reason)


def _within_a_sentence(sentence: str) -> str:
    begins_with_a_name = sentence.startswith("Stripe")
    return (sentence if begins_with_a_name else f"{sentence[0].lower()}{sentence[1:]}").rstrip(".")


def declined(sources: Sources) -> Verdict | None:
    payment = sources.payment
    if payment.status != Status.REQUIRES_PAYMENT_METHOD or not (payment.error_code or payment.error_message):
        return None
    decline = decline_in_words(payment.decline_code, payment.error_code)
    code = payment.decline_code or payment.error_code
    stripe_said = f" Stripe's words: “{shortened(payment.error_message)}” ({code})." if payment.error_message else ""
    return Verdict(
        code="declined",
        headline=f"The payment was declined: {_within_a_sentence(decline.why)}",
        explanation=f"The buyer was not charged.{stripe_said}",
        next_step=f"Tell the buyer: “{decline.tell_the_buyer}” The same payment can be tried again with any card.",
        waits_for=WaitsFor.BUYER,
        is_problem=True,
    )


def not_yet_paid(sources: Sources) -> Verdict | None:
    payment = sources.payment
    if payment.status not in (Status.REQUIRES_PAYMENT_METHOD, Status.REQUIRES_CONFIRMATION):
        return None
    readiness = readiness_of(payment.account)
    if not readiness.can_charge:
        return _seller_not_ready(sources, readiness.blockers)
    amount = format_amount(payment.amount_minor, payment.currency)
    return Verdict(
        code="not_paid",
        headline="The buyer has not paid yet",
        explanation=f"The payment of {amount} is ready. {_what_was_tried(sources)}",
        next_step="Nothing has to be done: the buyer can still pay. The app can cancel it if the order is given up.",
        waits_for=WaitsFor.BUYER,
    )


def _seller_not_ready(sources: Sources, blockers: Sequence[Blocker]) -> Verdict:
    """No card can pay, whichever the buyer tries."""
    return Verdict(
        code="seller_not_ready",
        headline="The buyer cannot pay: the seller cannot take payments",
        explanation=f"{' '.join(one.text for one in blockers)} {_what_was_tried(sources)}",
        next_step="See that the seller can take payments, then let the buyer pay: this payment can still be used.",
        waits_for=WHO_ACTS[blockers[0].who_acts],
        is_problem=True,
    )


def _what_was_tried(sources: Sources) -> str:
    confirmation = _last(sources, Kind.PAYMENT_INTENT_CONFIRM)
    return "No card has been tried." if confirmation is None else became(confirmation, sources.reader)


def on_its_way(sources: Sources) -> Verdict | None:
    """The buyer is asked by the bank, or the bank itself takes its time."""
    payment = sources.payment
    if payment.status == Status.REQUIRES_ACTION:
        return Verdict(
            code="requires_action",
            headline="The buyer has to confirm the payment",
            explanation="The bank asks the buyer to confirm by 3-D Secure, and has no answer yet. The buyer is not charged.",
            next_step="Nothing has to be done: the buyer can still confirm, or pay with another card.",
            waits_for=WaitsFor.BUYER,
        )
    if payment.status == Status.PROCESSING:
        return Verdict(
            code="processing",
            headline="The payment is on its way",
            explanation="The buyer has paid, and the bank has not confirmed it yet. With a bank debit this takes some days.",
            next_step="Nothing has to be done: Stripe tells when the money has come. Do not send the goods before.",
            waits_for=WaitsFor.STRIPE,
        )
    return None


def _last(sources: Sources, kind: Kind, *, succeeded: bool = False) -> Operation | None:
    """The newest operation of the kind; of those that succeeded, where only they count."""
    found = [one for one in sources.operations if one.kind == kind]
    chosen = [one for one in found if one.status == OperationStatus.SUCCEEDED] if succeeded else found
    return chosen[-1] if chosen else None
