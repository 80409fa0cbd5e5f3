"""Charges at Stripe beside what our transactions say was received and refunded."""

from collections.abc import Mapping
from typing import Any

from gateway.listing import Page
from gateway.snapshots import object_id
from reconciliation.books import Books, Comparison
from reconciliation.differences import Difference, Field, differing, disagreement, moment
from reconciliation.kinds.refunds import sum_of
from reconciliation.models import DifferenceType, ObjectKind, Proposal
from refunds.models import Refund, Status
from transactions.models import Transaction

COLUMNS = (
    "stripe_payment_intent_id",
    "stripe_charge_id",
    "amount_received_minor",
    "amount_refunded_minor",
    "currency",
    "app_id",
    "updated_at",
)
# A bank debit is captured, as Stripe puts it, while it is pending, and stays so when it fails.
TOOK_MONEY = "succeeded"
# Stripe does not say whether a refund that waits counts in its charge's refunded sum.
WAITING = (Status.CREATING, Status.PENDING, Status.REQUIRES_ACTION)


def compare(books: Books, page: Page) -> list[Difference]:
    """What differs of these charges of the account. One whose payment differs is told of with it."""
    intents = [object_id(charge.get("payment_intent")) for charge in page]
    ours = Transaction.objects.at(books.seller).filter(stripe_payment_intent_id__in=[one for one in intents if one])
    by_intent = {payment.stripe_payment_intent_id: payment for payment in ours.only(*COLUMNS)}
    found = []
    for charge, intent_id in zip(page, intents, strict=True):
        if charge["id"] in books.explained or intent_id in books.explained:
            continue
        payment = by_intent.get(intent_id)
        difference = _orphan(charge, payment) if _is_orphan(charge, payment) else _difference(books, charge, payment)
        if difference is not None:
            found.append(difference)
    return found


def _is_orphan(charge: Mapping[str, Any], payment: Transaction | None) -> bool:
    """A charge without a payment of ours, or one that took money beside the payment's own. Failed attempts belong to it."""
    took_money = charge["status"] != "failed"
    return took_money and (payment is None or payment.stripe_charge_id != charge["id"])


def _orphan(charge: Mapping[str, Any], payment: Transaction | None) -> Difference:
    whose = "of no payment that we know" if payment is None else "of a payment that has another charge"
    return Difference(
        type=DifferenceType.ORPHAN,
        kind=ObjectKind.CHARGE,
        object_id=charge["id"],
        summary=f"Stripe has a charge that is {charge['status']}, {whose}.",
        proposal=Proposal.LOOK,
        there={
            "status": charge["status"],
            "amount": charge["amount"],
            "amount_captured": charge["amount_captured"],
            "amount_refunded": charge["amount_refunded"],
            "payment_intent": object_id(charge.get("payment_intent")),
        },
        at_stake_minor=charge["amount_captured"],
        currency=charge["currency"],
        record=payment,
        payment_id=payment.pk if payment is not None else None,
        app_id=payment.app_id if payment is not None else None,
        created_at=moment(charge["created"]),
    )


def _difference(books: Books, charge: Mapping[str, Any], payment: Transaction | None) -> Difference | None:
    if payment is None or payment.stripe_charge_id != charge["id"] or charge["status"] != TOOK_MONEY:
        return None  # a failed attempt, or one that waits for the bank: what of it was received its payment intent tells
    fields = [Field("amount_received", payment.amount_received_minor, charge["amount_captured"], DifferenceType.AMOUNT)]
    if sum_of(charge["id"]) not in books.explained:
        fields.append(Field("amount_refunded", payment.amount_refunded_minor, _refunded(charge), DifferenceType.AMOUNT))
    is_refunded_alone = [one.name for one in differing(fields)] == ["amount_refunded"]
    if is_refunded_alone and Refund.objects.of(payment).filter(status__in=WAITING).exists():
        return None
    return disagreement(
        ObjectKind.CHARGE,
        charge,
        fields,
        record=payment,
        proposal=Proposal.TAKE_OVER,
        at_stake_minor=max(abs(one.here - one.there) for one in fields),
    )


def _refunded(charge: Mapping[str, Any]) -> int:
    """What went back to the buyer: Stripe counts what was held and released as refunded too."""
    released = charge["amount"] - charge["amount_captured"]
    return int(max(0, charge["amount_refunded"] - released))


CHARGES = Comparison(ObjectKind.CHARGE, "/v1/charges", compare)
