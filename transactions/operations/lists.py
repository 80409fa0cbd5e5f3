"""The list of an app's payments."""

from typing import Any

from accounts.lists import key_of_account
from commercecore_payments.actors import Actor
from commercecore_payments.pages import (
    Filters,
    Page,
    created_before,
    created_from,
    narrowed,
    newest_first,
    starting_point,
)
from transactions.models import Transaction, TransactionQuerySet

FILTERS: Filters[TransactionQuerySet] = {
    "order_id": lambda rows, order_id: rows.filter(order_id=order_id),
    "account_id": lambda rows, account_id: rows.filter(account=key_of_account(account_id)),
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
    readable = Transaction.objects.of(app)
    behind = starting_point(readable, starting_after, column="stripe_payment_intent_id", of_what="transaction of this app")
    return newest_first(*shown, behind=behind, limit=limit)
