"""Two payments of one order: the buyer has probably paid twice."""

from collections.abc import Mapping
from typing import Any

from django.db.models import Count, F, Q, QuerySet

from gateway.listing import Page
from reconciliation.books import Books, one_by_id, parts
from reconciliation.differences import Difference, told_in
from reconciliation.models import Case, DifferenceType, ObjectKind, Proposal
from transactions.models import Status, Transaction
from transactions.operations.create import ORDER_METADATA_KEY

# Payments of one order that a case names: more of them are told by the list of the order's payments.
MOST_NAMED = 10


def _keeping_money(books: Books) -> QuerySet[Transaction]:
    """The account's payments that hold money, or took some that has not gone back whole."""
    took = Q(status=Status.SUCCEEDED, amount_refunded_minor__lt=F("amount_received_minor"))
    return Transaction.objects.at(books.seller).filter(took | Q(status=Status.REQUIRES_CAPTURE))


def paid_twice(books: Books, order_id: str = "") -> list[Difference]:
    """Orders that two or more payments keep money of; `order_id` asks for one. Orders are the developer's: two apps that
    are paid for the same one are paid twice.

    Raises as `gateway.reads.ask`.
    """
    orders = _keeping_money(books).exclude(order_id="").order_by().values("order_id")
    if order_id:
        orders = orders.filter(order_id=order_id)
    twice = orders.annotate(payments=Count("pk")).filter(payments__gt=1).values_list("order_id", flat=True)
    past_us = _made_past_us(books, order_id)
    paid_here = [
        order for part in parts(sorted(past_us)) for order in orders.filter(order_id__in=part).values_list("order_id", flat=True)
    ]
    told = [_of_order(books, one, past_us.get(one, [])) for one in dict.fromkeys([*twice, *paid_here])]
    return [one for one in told if one is not None]


def _of_order(books: Books, order_id: str, past_us: list[Transaction]) -> Difference | None:
    """None where one of them has been refunded at this very moment."""
    of_order = _keeping_money(books).filter(order_id=order_id).order_by("created_at", "pk")
    payments = [*of_order[:MOST_NAMED], *past_us]
    ours = next((payment for payment in payments if payment.app_id is not None), None)
    if ours is None or len(payments) == 1:
        return None
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
        app_id=latest.app_id or ours.app_id,  # of one made past this service it is our payment's
        created_at=latest.created_at,
    )


def _named(payment: Transaction) -> dict[str, Any]:
    return {"transaction_id": payment.stripe_payment_intent_id, "status": payment.status, "kept": _kept(payment)}


def _kept(payment: Transaction) -> int:
    return payment.amount_received_minor - payment.amount_refunded_minor + payment.amount_capturable_minor


def note_paid_past_us(books: Books, page: Page, ours: Mapping[str, Transaction]) -> None:
    """Notes which payments made past this service name an order that one of ours is paid for already.

    `ours` are our records of the page's payment intents, by their ids.
    """
    named = {intent["id"]: told_in(intent, ORDER_METADATA_KEY) for intent in page}
    past_us = [payment for name, payment in ours.items() if payment.external and named.get(name)]
    if not past_us:
        return
    orders = _keeping_money(books).filter(order_id__in={named[payment.stripe_payment_intent_id] for payment in past_us})
    paid_here = set(orders.values_list("order_id", flat=True))
    for payment in past_us:
        order_id = named[payment.stripe_payment_intent_id]
        if order_id in paid_here:
            books.named_past_us.setdefault(order_id, set()).add(payment.pk)


def _made_past_us(books: Books, order_id: str) -> dict[str, list[Transaction]]:
    """The payments made past this service that keep money and name an order, by its id: those that the list has shown, and
    those of cases, which a comparison of a few days does not see."""
    _note_those_of_cases(books, order_id)
    noted = {order: keys for order, keys in books.named_past_us.items() if order_id in ("", order)}
    all_keys = sorted({key for keys in noted.values() for key in keys})
    keeping = {payment.pk: payment for part in parts(all_keys) for payment in _keeping_money(books).filter(pk__in=part)}
    found = {order: [keeping[key] for key in sorted(keys) if key in keeping] for order, keys in noted.items()}
    return {order: payments[:MOST_NAMED] for order, payments in found.items() if payments}


def _note_those_of_cases(books: Books, order_id: str) -> None:
    kept = Case.objects.of(books.seller).filter(kind=ObjectKind.ORDER, status__in=(Case.Status.OPEN, Case.Status.ACCEPTED))
    for case in kept.filter(object_id=order_id) if order_id else kept:
        known = books.named_past_us.get(case.object_id, set())
        named = [one["transaction_id"] for one in case.here.get("payments", [])]
        past_us = Transaction.objects.at(books.seller).filter(stripe_payment_intent_id__in=named, external=True)
        for payment in past_us.exclude(pk__in=known):
            page = one_by_id("/v1/payment_intents", books.account_id, payment.stripe_payment_intent_id)
            note_paid_past_us(books, page, {payment.stripe_payment_intent_id: payment})
