"""Balance transactions, where the money really moved, beside our payments, refunds, disputes and payouts."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Model

from commercecore_payments.money import format_amount
from disputes.models import Dispute
from gateway.listing import Page, pages
from payouts.models import Payout
from reconciliation.books import Books, Comparison, in_parts, one_by_id
from reconciliation.differences import Difference, moment
from reconciliation.models import DifferenceType, ObjectKind, Proposal
from reconciliation.seen import SeenIds
from refunds.models import Refund
from refunds.models import Status as RefundStatus
from transactions.models import Status, Transaction

PATH = "/v1/balance_transactions"
# What is read of records that Stripe listed nothing for: there may be millions to look through.
SHARED_COLUMNS = ("currency", "app_id", "created_at", "updated_at")
PAYMENT_COLUMNS = (*SHARED_COLUMNS, "stripe_payment_intent_id", "stripe_charge_id", "amount_received_minor")
REFUND_COLUMNS = (*SHARED_COLUMNS, "stripe_refund_id", "amount_minor", "transaction__stripe_payment_intent_id")


@dataclass(frozen=True, slots=True)
class Known:
    """Our record behind a movement, what should have moved for it (minor units; None where we do not know), and whose it is."""

    record: Model
    amount_minor: int | None
    currency: str
    payment_id: int | None
    app_id: str | None


Find = Callable[[Books, list[str]], dict[str, Known]]


def _payments(books: Books, charges: list[str]) -> dict[str, Known]:
    """Of one that has not succeeded we know no amount: Stripe may book a bank debit before it does, and back when it fails."""
    rows = Transaction.objects.at(books.seller).filter(stripe_charge_id__in=charges)
    return {
        row.stripe_charge_id: Known(row, _received(row), row.currency, row.pk, row.app_id)
        for row in rows.only("stripe_charge_id", "status", "amount_received_minor", "currency", "app_id", "updated_at")
    }


def _received(payment: Transaction) -> int | None:
    return payment.amount_received_minor if payment.status == Status.SUCCEEDED else None


def _refunds(books: Books, ids: list[str]) -> dict[str, Known]:
    rows = Refund.objects.filter(transaction__account=books.seller, stripe_refund_id__in=ids)
    return {
        row.stripe_refund_id: Known(row, -row.amount_minor, row.currency, row.transaction_id, row.app_id)
        for row in rows.only("stripe_refund_id", "amount_minor", "currency", "transaction_id", "app_id", "updated_at")
    }


def _returned_refunds(books: Books, ids: list[str]) -> dict[str, Known]:
    known = _refunds(books, ids)
    return {one: Known(it.record, -(it.amount_minor or 0), it.currency, it.payment_id, it.app_id) for one, it in known.items()}


def _disputes(books: Books, ids: list[str]) -> dict[str, Known]:
    """What moves for a dispute depends on its outcome, and may move several times."""
    rows = Dispute.objects.filter(account=books.seller, stripe_dispute_id__in=ids)
    return {row.stripe_dispute_id: Known(row, None, row.currency, row.transaction_id, row.app_id) for row in rows}


def _payouts(books: Books, ids: list[str]) -> dict[str, Known]:
    rows = Payout.objects.of_account(books.seller).filter(stripe_payout_id__in=ids)
    return {row.stripe_payout_id: Known(row, -row.amount_minor, row.currency, None, None) for row in rows}


def _returned_payouts(books: Books, ids: list[str]) -> dict[str, Known]:
    known = _payouts(books, ids)
    return {one: Known(it.record, -(it.amount_minor or 0), it.currency, None, None) for one, it in known.items()}


@dataclass(frozen=True, slots=True)
class Movement:
    """Whose movements are of one type. `proves`: each of ours has to have one."""

    what: str
    find: Find
    proves: bool = False


# Stripe's types (docs.stripe.com/reports/balance-transaction-types) that belong to what we keep. All others, such as Stripe's own
# fees, are between Stripe and the seller.
CHARGED = Movement("charge", _payments, proves=True)
REFUNDED = Movement("refund", _refunds, proves=True)
RETURNED = Movement("refund", _returned_refunds)
DISPUTED = Movement("dispute", _disputes)
MOVEMENTS: Mapping[str, Movement] = {
    "charge": CHARGED,
    "payment": CHARGED,
    "refund": REFUNDED,
    "payment_refund": REFUNDED,
    "refund_failure": RETURNED,
    "payout": Movement("payout", _payouts),
    "payout_failure": Movement("payout", _returned_payouts),
    "payout_cancel": Movement("payout", _returned_payouts),
}
# An adjustment is a dispute's where its source is one: `du_`, or `dp_` in older accounts.
DISPUTE_PREFIXES = ("du_", "dp_")


def _movement(line: Mapping[str, Any]) -> Movement | None:
    if line["type"] == "adjustment" and str(line["source"] or "").startswith(DISPUTE_PREFIXES):
        return DISPUTED
    return MOVEMENTS.get(line["type"])


def compare(books: Books, page: Page) -> list[Difference]:
    """What differs of these lines of the account's balance. One whose object is told of already says nothing more."""
    known = _known(books, page)
    told = []
    for line in page:
        movement = _movement(line)
        if movement is None or line["source"] in books.explained:
            continue
        difference = _difference(line, movement, known.get((movement.find, line["source"])))
        if difference is not None:
            told.append(difference)
    return told


def _known(books: Books, page: Page) -> dict[tuple[Find, str], Known]:
    """Our records behind the lines: one query for each kind that occurs."""
    sources: dict[Find, list[str]] = {}
    for line in page:
        movement = _movement(line)
        if movement is not None and line["source"]:
            sources.setdefault(movement.find, []).append(line["source"])
    return {(find, one): known for find, ids in sources.items() for one, known in find(books, ids).items()}


def _difference(line: Mapping[str, Any], movement: Movement, known: Known | None) -> Difference | None:
    if known is None:
        return _orphan(line, movement)
    # Stripe may settle in another currency: then it is the charge and the refund that show the amounts.
    if known.amount_minor is None or known.currency != line["currency"] or known.amount_minor == line["amount"]:
        return None
    here, there = (format_amount(one, line["currency"]) for one in (known.amount_minor, line["amount"]))
    return Difference(
        type=DifferenceType.AMOUNT,
        kind=ObjectKind.BALANCE_TRANSACTION,
        object_id=line["id"],
        summary=f"For the {movement.what} {line['source']} {there} moved at Stripe, and {here} here.",
        proposal=Proposal.LOOK,
        here={"amount": known.amount_minor},
        there={"amount": line["amount"], "fee": line["fee"], "net": line["net"], "type": line["type"], "source": line["source"]},
        at_stake_minor=abs(known.amount_minor - line["amount"]),
        currency=line["currency"],
        record=known.record,
        payment_id=known.payment_id,
        app_id=known.app_id,
        created_at=moment(line["created"]),
        changed_at=getattr(known.record, "updated_at", None),
    )


def _orphan(line: Mapping[str, Any], movement: Movement) -> Difference:
    return Difference(
        type=DifferenceType.ORPHAN,
        kind=ObjectKind.BALANCE_TRANSACTION,
        object_id=line["id"],
        summary=f"Money moved at Stripe for the {movement.what} {line['source']}, which we do not know.",
        proposal=Proposal.LOOK,
        there={name: line[name] for name in ("amount", "fee", "net", "type", "source")},
        at_stake_minor=abs(line["amount"]),
        currency=line["currency"],
        created_at=moment(line["created"]),
    )


def sources(page: Page) -> Iterable[str]:
    """What money has moved for, of what has to have moved some."""
    for line in page:
        movement = _movement(line)
        if movement is not None and movement.proves and line["source"]:
            yield line["source"]


def not_listed(books: Books, seen: SeenIds) -> Iterator[Difference]:
    """Payments and refunds that went through here, and for which no money moved at Stripe."""
    paid = Transaction.objects.at(books.seller).filter(status=Status.SUCCEEDED, amount_received_minor__gt=0)
    for payment in in_parts(paid.exclude(stripe_charge_id="").only(*PAYMENT_COLUMNS)):
        is_told = bool({payment.stripe_charge_id, payment.stripe_payment_intent_id} & books.explained)
        if payment.stripe_charge_id not in seen and not is_told and books.scope.holds(payment.created_at):
            yield _never_moved(payment.stripe_charge_id, "charge", payment, payment.amount_received_minor, payment)
    refunded = Refund.objects.filter(transaction__account=books.seller, status=RefundStatus.SUCCEEDED)
    for refund in in_parts(refunded.select_related("transaction").only(*REFUND_COLUMNS)):
        is_told = bool({refund.stripe_refund_id, refund.transaction.stripe_payment_intent_id} & books.explained)
        if refund.stripe_refund_id not in seen and not is_told and books.scope.holds(refund.created_at):
            yield _never_moved(refund.stripe_refund_id, "refund", refund, refund.amount_minor, refund.transaction)


def _never_moved(source: str, what: str, record: Any, amount_minor: int, payment: Transaction) -> Difference:
    return Difference(
        type=DifferenceType.MISSING_THERE,
        kind=ObjectKind.BALANCE_TRANSACTION,
        object_id=source,
        summary=f"Our record says that the {what} went through, and no money moved for it at Stripe.",
        proposal=Proposal.LOOK,
        here={"amount": amount_minor, "currency": record.currency},
        at_stake_minor=amount_minor,
        currency=record.currency,
        record=record,
        payment_id=payment.pk,
        app_id=record.app_id,
        created_at=record.created_at,
        changed_at=record.updated_at,
    )


def look(books: Books, difference: Difference) -> Page:
    """The line as it is now; of what seems never to have moved, the lines of its source."""
    if difference.type != DifferenceType.MISSING_THERE:
        return one_by_id(PATH, books.account_id, difference.object_id)
    return next(pages(PATH, account_id=books.account_id, parameters={"source": difference.object_id}), [])


BALANCE_TRANSACTIONS = Comparison(ObjectKind.BALANCE_TRANSACTION, PATH, compare, not_listed, ids=sources, look=look)
