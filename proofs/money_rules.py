"""What Stripe's own ledger may never show, whatever the service has written down."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from gateway.models import Kind, Operation
from proofs.books import ORDER_METADATA_KEY, Books, operation_id
from proofs.findings import Finding, Rule
from sandbox.models import SandboxObject

# A confirmation is sent for two minutes at most, and its last call lasts 40 seconds at most: 5 to connect, 30 to wait, 5 to
# settle. Written down here once more: what is promised must not move with the service's own constants.
LATEST_CHARGE = timedelta(minutes=2, seconds=40)
# Stripe dates in whole seconds.
ROUNDING = timedelta(seconds=1)
TAKES_MONEY = ("succeeded", "pending", "requires_action")


def an_order_is_charged_once(books: Books) -> Iterator[Finding]:
    """One order of one app at one account has at most one charge whose money is still with the seller."""
    charged: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for intent in books.stripe["payment_intent"]:
        order = intent.data["metadata"].get(ORDER_METADATA_KEY, "")
        operation = books.operations.get(operation_id(intent))
        app = operation.app_id or "" if operation is not None else ""
        for charge in books.charges_of(intent.stripe_id):
            if charge["status"] == "succeeded" and not _was_given_back(books, charge):
                charged[intent.account, app, order].append(charge["id"])
    for (account, _, order), charges in charged.items():
        if len(charges) > 1:
            sentence = f"Order {order} at {account} was charged by {len(charges)} charges: {', '.join(charges)}."
            yield Finding(Rule.ORDER_CHARGED_TWICE, sentence, order)


def _was_given_back(books: Books, charge: dict[str, Any]) -> bool:
    """Whether the whole went back, or was released. A refund that the bank sent back later had freed the order before."""
    if charge["amount_refunded"] == charge["amount"]:
        return True
    went_back = sum(refund["amount"] for refund in books.refunds_of(charge["payment_intent"]) if refund["charge"] == charge["id"])
    returned = any(refund.get("failure_balance_transaction") for refund in books.refunds_of(charge["payment_intent"]))
    return returned and went_back >= charge["amount_captured"]


def an_intent_is_charged_once(books: Books) -> Iterator[Finding]:
    for intent in books.stripe["payment_intent"]:
        charges = [charge for charge in books.charges_of(intent.stripe_id) if charge["status"] == "succeeded"]
        if len(charges) > 1:
            yield Finding(Rule.INTENT_CHARGED_TWICE, f"It has {len(charges)} charges that succeeded.", intent.stripe_id)


def no_more_is_captured_than_was_authorised(books: Books) -> Iterator[Finding]:
    for charge in (row.data for row in books.stripe["charge"]):
        if charge["amount_captured"] > charge["amount"]:
            sentence = f"{charge['amount_captured']} were captured of {charge['amount']}."
            yield Finding(Rule.CAPTURED_TOO_MUCH, sentence, charge["id"])


def no_more_is_refunded_than_was_captured(books: Books) -> Iterator[Finding]:
    for charge in (row.data for row in books.stripe["charge"]):
        of_charge = [refund for refund in books.refunds_of(charge["payment_intent"]) if refund["charge"] == charge["id"]]
        refunded = sum(refund["amount"] for refund in of_charge if refund["status"] in TAKES_MONEY)
        if refunded > charge["amount_captured"]:
            sentence = f"{refunded} were refunded of {charge['amount_captured']} that were captured."
            yield Finding(Rule.REFUNDED_TOO_MUCH, sentence, charge["id"])


def nobody_is_charged_late(books: Books) -> Iterator[Finding]:
    """A charge whose buyer passed no challenge for it comes while the buyer waits."""
    for row in books.stripe["charge"]:
        if row.data["status"] != "succeeded" or _was_authenticated(row.data):
            continue
        lags = [lag for lag in (_lag(books, row, operation) for operation in confirmations_of(books, row)) if lag is not None]
        if lags and min(lags) > LATEST_CHARGE + books.stripe_slower + ROUNDING:
            sentence = f"The buyer was charged {min(lags).total_seconds():.0f} s after the confirmation was asked for."
            yield Finding(Rule.CHARGED_LATE, sentence, row.stripe_id)


def confirmations_of(books: Books, charge: SandboxObject) -> list[Operation]:
    """The confirmations that may have made a charge: those of its intent with its payment method."""
    names = {charge.data["payment_method"], charge.hidden.get("card", "")}
    of_intent = books.about_intent(Kind.PAYMENT_INTENT_CONFIRM, charge.data["payment_intent"])
    return [operation for operation in of_intent if operation.parameters["payment_method"] in names]


def _lag(books: Books, charge: SandboxObject, operation: Operation) -> timedelta | None:
    """How long after the reservation the charge came; None where it came before."""
    lag = charge.created_at - (operation.created_at + books.stripe_ahead)
    return lag if lag >= -ROUNDING else None


def _was_authenticated(charge: dict[str, Any]) -> bool:
    return bool(charge["payment_method_details"].get("card", {}).get("three_d_secure"))


MONEY_RULES = (
    an_order_is_charged_once,
    an_intent_is_charged_once,
    no_more_is_captured_than_was_authorised,
    no_more_is_refunded_than_was_captured,
    nobody_is_charged_late,
)
