"""The list of an app's payments."""

from typing import Any

from accounts.models import ConnectedAccount
from commercecore_payments.actors import Actor
from commercecore_payments.pages import (
    Filters,
    Page,
    UnknownStartingPoint,
    created_before,
    created_from,
    narrowed,
    newest_first,
)
from transactions.models import Transaction, TransactionQuerySet


def _at_account(rows: TransactionQuerySet, account_id: str) -> TransactionQuerySet:
    """By the account's row, which is looked up once: an index leads on from it, as it does not from a join."""
    return rows.filter(account=ConnectedAccount.objects.filter(stripe_account_id=account_id).values("pk")[:1])


FILTERS: Filters[TransactionQuerySet] = {
    "order_id": lambda rows, order_id: rows.filter(order_id=order_id),
    "account_id": _at_account,
    "status": lambda rows, status: rows.filter(status=status),
    "user_id": lambda rows, user_id: rows.filter(user_id=user_id),
    "amount": lambda rows, amount_minor: rows.filter(amount_minor=amount_minor),
    "created_from": created_from,
    "created_before": created_before,
}
# What was paid past this service has neither.
OF_OWN_ALONE = frozenset({"order_id", "user_id"})


def list_transactions(*, actor: Actor, limit: int, starting_after: str = "", **asked: Any) -> Page[Transaction]:
    """At most `limit` of the payments that the app may read and that pass the FILTERS of `asked`, newest first.

    They are shown as they were last seen: Stripe is not asked. `starting_after` names the last one of the page before. Raises
    UnknownStartingPoint where the app may read none of this id.
    """
    app = actor.known_app()
    sources = [Transaction.objects.filter(app=app)]
    if not OF_OWN_ALONE & asked.keys():
        sources.append(Transaction.objects.external_of(app.developer_id))
    shown = (narrowed(rows.at_stripe().select_related("account"), FILTERS, asked) for rows in sources)
    return newest_first(*shown, behind=_starting_point(starting_after, actor=actor), limit=limit)


def _starting_point(transaction_id: str, *, actor: Actor) -> Transaction | None:
    if not transaction_id:
        return None
    payment = Transaction.objects.of(actor.known_app()).filter(stripe_payment_intent_id=transaction_id).first()
    if payment is None:
        raise UnknownStartingPoint("transaction of this app")
    return payment
