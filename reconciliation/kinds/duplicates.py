"""Two payments of one order: the buyer has probably paid twice."""

from collections.abc import Mapping
from typing import Any

from django.db.models import Count, F, Q, QuerySet

from gateway.listing import Page
from reconciliation.books import Books
from reconciliation.differences import Difference
from reconciliation.models import DifferenceType, ObjectKind, Proposal
from transactions.models import Status, Transaction
from transactions.operations.create import ORDER_METADATA_KEY

# Payments of one order that a case names: more of them are told by the list of the order's payments.
MOST_NAMED = 10


def _keeping_money(books: Books) -> QuerySet[Transaction]:
    """The account's payments that hold money, or took some that has not gone back whole."""
    took = Q(status=Status.SUCCEEDED, amount_refunded_minor__lt=F("amount_received_minor"))
    return Transaction.objects.at(books.seller).filter(took | Q(status=Status.REQUIRES_CAPTURE))


def paid_twice(books: Books) -> list[Difference]:
    """Orders that two or more of our payments keep money of."""
    orders = _keeping_money(books).exclude(order_id="").order_by().values("order_id")
    twice = orders.annotate(payments=Count("pk")).filter(payments__gt=1).values_list("order_id", flat=True)
    return [of_order(books, order_id) for order_id in twice]


def of_order(books: Books, order_id: str, also: Transaction | None = None) -> Difference:
    """What is known of the order's payments, and of one that was made past this service and names the order."""
    payments = list(_keeping_money(books).filter(order_id=order_id).order_by("created_at", "pk")[:MOST_NAMED])
    payments += [also] if also is not None else []
    latest = max(payments, key=lambda payment: (payment.created_at, payment.pk))
    return Difference(
        type=DifferenceType.PROBABLE_DUPLICATE,
        kind=ObjectKind.ORDER,
        object_id=order_id,
        summary=f"Order {order_id} was paid {len(payments)} times; {latest} came last.",
        proposal=Proposal.REFUND,
        here={"payments": [_named(payment) for payment in payments]},
        at_stake_minor=_kept(latest),
        currency=latest.currency,
        record=latest,
        payment_id=latest.pk,
        app_id=latest.app_id,
        created_at=latest.created_at,
    )


def _named(payment: Transaction) -> dict[str, Any]:
    return {"transaction_id": payment.stripe_payment_intent_id, "status": payment.status, "kept": _kept(payment)}


def _kept(payment: Transaction) -> int:
    return payment.amount_received_minor - payment.amount_refunded_minor + payment.amount_capturable_minor


def paid_past_us(books: Books, page: Page, ours: Mapping[str, Transaction]) -> list[Difference]:
    """Orders that a payment made past this service names, and that one of ours is paid for already.

    `ours` are our records of the page's payment intents, by their ids.
    """
    found = []
    for intent in page:
        payment, order_id = ours.get(intent["id"]), str(intent["metadata"].get(ORDER_METADATA_KEY, ""))
        if payment is None or not payment.external or not order_id or not _keeping_money(books).filter(pk=payment.pk).exists():
            continue
        if _keeping_money(books).filter(order_id=order_id).exists():
            found.append(of_order(books, order_id, also=payment))
    return found
