"""The service's rows beside Stripe's objects: the same statuses and sums, and no row that nothing will ever move."""

from collections.abc import Iterator
from typing import Any

from gateway.models import Kind
from proofs.books import Books
from proofs.findings import Finding, Rule
from proofs.money_rules import TAKES_MONEY
from refunds.models import Refund
from transactions.models import Transaction

# What Stripe does by itself to a payment in one of these, so that a row may lag until it is read.
MOVES_BY_ITSELF = {
    "requires_action": ("succeeded", "requires_capture", "requires_payment_method", "processing"),
    "requires_capture": ("canceled",),
    "processing": ("succeeded", "requires_payment_method"),
}
# The same of a refund: the bank answers later, or sends it back.
REFUND_MOVES_BY_ITSELF = {
    "pending": ("succeeded", "failed", "canceled", "requires_action"),
    "requires_action": ("succeeded", "failed", "canceled", "pending"),
    "succeeded": ("failed",),
}

# Where the buyer's money is taken, held or on its way.
HAS_MONEY = ("succeeded", "requires_capture", "processing")


def payments_are_as_at_stripe(books: Books) -> Iterator[Finding]:
    """Whatever has no open operation has Stripe's status and sums. A deleted account's payments are as they were last seen."""
    intents = {row.stripe_id: row.data for row in books.stripe["payment_intent"]}
    known = {payment.stripe_payment_intent_id for payment in books.payments}
    for payment in books.payments:
        if payment.stripe_payment_intent_id and not books.has_open_operation("transaction", payment.pk):
            yield from _compare_payment(books, payment, intents.get(payment.stripe_payment_intent_id))
    for intent_id in intents.keys() - known:
        if not any(found.status in ("sending", "unknown", "needs_review") for found in _creations(books, intents[intent_id])):
            yield Finding(Rule.PAYMENT_DIFFERS, "Stripe has a payment intent that no transaction knows.", intent_id)


def _creations(books: Books, intent: dict[str, Any]) -> list[Any]:
    operation = books.operations.get(intent["metadata"].get("commercecore_operation", ""))
    return [operation] if operation is not None else []


def _compare_payment(books: Books, payment: Transaction, intent: dict[str, Any] | None) -> Iterator[Finding]:
    if intent is None:
        yield Finding(Rule.PAYMENT_DIFFERS, "Its payment intent is not at Stripe.", str(payment))
        return
    if intent["status"] != payment.status:
        if not _payment_may_lag(books, payment, intent["status"]):
            sentence = f"It is {payment.status} here, and {intent['status']} at Stripe."
            yield Finding(Rule.PAYMENT_DIFFERS, sentence, str(payment))
        return
    sums = {"amount": "amount_minor", "amount_received": "amount_received_minor", "amount_capturable": "amount_capturable_minor"}
    for theirs, ours in sums.items():
        if intent[theirs] != getattr(payment, ours):
            sentence = f"{ours} is {getattr(payment, ours)} here, and {intent[theirs]} at Stripe."
            yield Finding(Rule.PAYMENT_DIFFERS, sentence, str(payment))


def _payment_may_lag(books: Books, payment: Transaction, status: str) -> bool:
    """A deleted account's payments were read before: no money may have come to be where we show none."""
    may_move = status in MOVES_BY_ITSELF.get(payment.status, ())
    if payment.account.is_deleted:
        return may_move and status not in HAS_MONEY
    return may_move and (not books.at_rest or not payment.account.is_active)


def refunds_are_as_at_stripe(books: Books) -> Iterator[Finding]:
    found = {row.stripe_id: row.data for row in books.stripe["refund"]}
    for refund in books.refunds:
        if refund.stripe_refund_id and not books.has_open_operation("refund", refund.pk):
            yield from _compare_refund(books, refund, found.get(refund.stripe_refund_id))


def _compare_refund(books: Books, refund: Refund, at_stripe: dict[str, Any] | None) -> Iterator[Finding]:
    if at_stripe is None:
        yield Finding(Rule.REFUND_DIFFERS, "It is not at Stripe.", str(refund))
        return
    if at_stripe["amount"] != refund.amount_minor:
        sentence = f"Its amount is {refund.amount_minor} here, and {at_stripe['amount']} at Stripe."
        yield Finding(Rule.REFUND_DIFFERS, sentence, str(refund))
    if at_stripe["payment_intent"] != refund.transaction.stripe_payment_intent_id:
        yield Finding(Rule.REFUND_DIFFERS, "It is a refund of another payment at Stripe.", str(refund))
    may_move = at_stripe["status"] in REFUND_MOVES_BY_ITSELF.get(refund.status, ())
    may_lag = may_move and (not books.at_rest or not refund.transaction.account.is_active)
    if at_stripe["status"] != refund.status and not may_lag:
        sentence = f"It is {refund.status} here, and {at_stripe['status']} at Stripe."
        yield Finding(Rule.REFUND_DIFFERS, sentence, str(refund))


def refunded_sums_are_those_of_the_refunds(books: Books) -> Iterator[Finding]:
    """What a payment says was refunded is the sum of what Stripe took; what is spoken for never exceeds what was received."""
    for payment in books.payments:
        own = [refund for refund in books.refunds if refund.transaction_id == payment.pk]
        spoken_for = sum(refund.amount_minor for refund in own if refund.status in ("creating", *TAKES_MONEY))
        if spoken_for > payment.amount_received_minor and not books.has_open_operation("transaction", payment.pk):
            sentence = f"{spoken_for} are refunded or spoken for, of {payment.amount_received_minor} that were received."
            yield Finding(Rule.REFUNDED_TOO_MUCH, sentence, str(payment))
        if own and books.at_rest and not any(books.has_open_operation("refund", refund.pk) for refund in own):
            yield from _compare_refunded_sum(books, payment)


def _compare_refunded_sum(books: Books, payment: Transaction) -> Iterator[Finding]:
    refunds = books.refunds_of(payment.stripe_payment_intent_id)
    refunded = sum(refund["amount"] for refund in refunds if refund["status"] in TAKES_MONEY)
    if refunded != payment.amount_refunded_minor and payment.account.is_active:
        sentence = f"{payment.amount_refunded_minor} were refunded here, and {refunded} at Stripe."
        yield Finding(Rule.PAYMENT_DIFFERS, sentence, str(payment))


def no_row_waits_for_nothing(books: Books) -> Iterator[Finding]:
    """A row that waits for Stripe's answer has an operation that will bring it."""
    waiting = [
        *(("transaction", row.pk) for row in books.payments if row.status == "creating"),
        *(("refund", row.pk) for row in books.refunds if row.status == "creating"),
        *(("paymentmethod", row.pk) for row in books.methods if row.status in ("saving", "detaching")),
        *(("connectedaccount", row.pk) for row in books.accounts.values() if row.status in ("creating", "deleting")),
    ]
    for subject_type, pk in waiting:
        if not books.has_open_operation(subject_type, pk):
            yield Finding(Rule.LEFT_BEHIND, f"This {subject_type} waits for an outcome, and no operation is open.", str(pk))


def accounts_agree(books: Books) -> Iterator[Finding]:
    """Account by account: what was received and refunded here is what Stripe's books took in and gave back."""
    if not books.at_rest:
        return
    for account_id, account in books.accounts.items():
        of_account = [payment for payment in books.payments if payment.account_id == account.pk]
        if not account.is_active or any(_is_unsure(books, payment) for payment in of_account):
            continue
        ours = sum(payment.amount_received_minor - payment.amount_refunded_minor for payment in of_account)
        theirs = _booked(books, account_id)
        if ours != theirs:
            sentence = f"The payments of the account come to {ours} here, and to {theirs} in Stripe's books."
            yield Finding(Rule.ACCOUNT_DIFFERS, sentence, account_id)


def _is_unsure(books: Books, payment: Transaction) -> bool:
    if books.has_open_operation("transaction", payment.pk):
        return True
    return any(books.has_open_operation("refund", refund.pk) for refund in books.refunds if refund.transaction_id == payment.pk)


def _booked(books: Books, account_id: str) -> int:
    """The balance transactions of charges and refunds, and what was captured or waits to be refunded and is not booked yet."""
    booked = sum(
        row.data["amount"]
        for row in books.stripe["balance_transaction"]
        if row.account == account_id and row.data["type"] in ("charge", "refund", "refund_failure")
    )
    charges = (row.data for row in books.stripe["charge"] if row.account == account_id and row.data["status"] == "succeeded")
    unbooked = sum(charge["amount_captured"] for charge in charges if charge["balance_transaction"] is None)
    refunds = (row.data for row in books.stripe["refund"] if row.account == account_id and row.data["status"] == "pending")
    waiting = sum(refund["amount"] for refund in refunds if refund["balance_transaction"] is None)
    return int(booked + unbooked - waiting)


def fees_are_as_asked(books: Books) -> Iterator[Finding]:
    """The platform's fee is the one that was asked for, capped by what was captured, and comes back with refunds that say so."""
    for payment in books.payments:
        fee_minor = _fee_asked_for(books, payment)
        is_unsure = books.has_open_operation("transaction", payment.pk) or not payment.stripe_payment_intent_id
        for charge in [] if is_unsure else books.charges_of(payment.stripe_payment_intent_id):
            if charge["status"] != "succeeded" or charge["balance_transaction"] is None:
                continue
            fee = books.fee_of(charge["id"])
            taken, expected = (fee["amount"] if fee else 0), min(fee_minor, charge["amount_captured"])
            if taken != expected:
                sentence = f"A fee of {taken} was taken, and {expected} was asked for."
                yield Finding(Rule.FEE_DIFFERS, sentence, charge["id"])
            yield from _compare_returned_fee(books, payment, charge, fee)


def _fee_asked_for(books: Books, payment: Transaction) -> int:
    """The fee, in minor units, that the last operation to name one asked for and brought about."""
    succeeded = (found for found in books.operations_of("transaction", payment.pk) if found.status == "succeeded")
    named = [found.parameters["application_fee_amount"] for found in succeeded if "application_fee_amount" in found.parameters]
    return int(named[-1] or 0) if named else 0


def _compare_returned_fee(
    books: Books, payment: Transaction, charge: dict[str, Any], fee: dict[str, Any] | None
) -> Iterator[Finding]:
    """Each refund that gives the fee back gives back its share of it, to the nearest unit, while there is some left."""
    own = [refund for refund in books.refunds if refund.transaction_id == payment.pk]
    if fee is None or any(books.has_open_operation("refund", refund.pk) for refund in own):
        return
    asked = [found for refund in own for found in books.operations_of("refund", refund.pk) if found.kind == Kind.REFUND_CREATE]
    paid = {refund["id"]: refund for refund in books.refunds_of(charge["payment_intent"]) if refund["balance_transaction"]}
    captured, expected = charge["amount_captured"], 0
    for operation in asked:
        if operation.parameters.get("refund_application_fee") and operation.result_id in paid:
            share = (2 * fee["amount"] * paid[operation.result_id]["amount"] + captured) // (2 * captured)
            expected += min(share, fee["amount"] - expected)
    if fee["amount_refunded"] != expected:
        sentence = f"{fee['amount_refunded']} of the fee came back, and {expected} should have."
        yield Finding(Rule.FEE_DIFFERS, sentence, charge["id"])


ROW_RULES = (
    payments_are_as_at_stripe,
    refunds_are_as_at_stripe,
    refunded_sums_are_those_of_the_refunds,
    no_row_waits_for_nothing,
    accounts_agree,
    fees_are_as_asked,
)
