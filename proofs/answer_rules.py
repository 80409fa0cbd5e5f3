"""What callers were told, held against what Stripe holds: an answer is a promise."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from proofs.books import Books
from proofs.shoppers import Deed

DECLINED = 402


def broken_promises(books: Books, deeds: Iterable[Deed]) -> list[str]:
    """One sentence for each answer that is not true."""
    by_payment: dict[str, list[Deed]] = defaultdict(list)
    for deed in deeds:
        if deed.transaction_id:
            by_payment[deed.transaction_id].append(deed)
    intents = {row.stripe_id: row.data for row in books.stripe["payment_intent"]}
    charges, refunds = _by_intent(books, "charge"), _by_intent(books, "refund")
    known = {payment.stripe_payment_intent_id for payment in books.payments}
    found: list[str] = []
    for payment, its in by_payment.items():
        if payment not in intents or payment not in known:
            found.append(f"{payment} was handed to a caller, and is not known to both sides")
            continue
        found += [f"{payment}: {told}" for told in _about(its, intents[payment], charges[payment], refunds[payment])]
    return found


def _by_intent(books: Books, kind: str) -> dict[str, list[dict[str, Any]]]:
    rows: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in books.stripe[kind]:
        rows[row.payment_intent].append(row.data)
    return rows


def _about(
    deeds: list[Deed], intent: dict[str, Any], charges: list[dict[str, Any]], refunds: list[dict[str, Any]]
) -> Iterator[str]:
    paid = [charge for charge in charges if charge["status"] == "succeeded"]
    for deed in deeds:
        done = 200 <= deed.status < 300
        if deed.act == "confirm" and done and len(paid) != 1:
            yield f"its caller was told that it is confirmed, and it has {len(paid)} charges that succeeded"
        if deed.act == "confirm" and deed.status == DECLINED and paid:
            yield "its caller was told that the card was declined, and it is charged"
        if deed.act == "capture" and done and [charge["amount_captured"] for charge in paid] != [deed.amount]:
            yield f"its caller was told that {deed.amount} were captured, and it was another amount"
        if deed.act == "cancel" and done and intent["status"] != "canceled":
            yield f"its caller was told that it is canceled, and it is {intent['status']}"
    yield from _about_refunds([deed for deed in deeds if deed.act == "refund"], refunds)


def _about_refunds(deeds: list[Deed], refunds: list[dict[str, Any]]) -> Iterator[str]:
    """What was answered is there once; beyond it only what a caller gave up waiting for."""
    there = sorted(refund["amount"] for refund in refunds if refund["balance_transaction"] is not None)
    for deed in deeds:
        if 200 <= deed.status < 300:
            if deed.amount in there:
                there.remove(deed.amount)
            else:
                yield f"its caller was told that {deed.amount} were refunded, and they were not"
    for deed in deeds:
        if deed.status == 0 and deed.amount in there:
            there.remove(deed.amount)
    if there and deeds:
        yield f"{there} were refunded, and nobody was told"
