"""The list of an app's refunds."""

from typing import Any

from django.db.models import F

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
from refunds.models import Refund, RefundQuerySet


def _of_order(rows: RefundQuerySet, order_id: str) -> RefundQuerySet:
    """Orders of other apps may have the same id: an index leads to those of the app."""
    return rows.filter(transaction__order_id=order_id, transaction__app=F("app"))


def _of_release_before(rows: RefundQuerySet, account_id: str) -> RefundQuerySet:
    """Those that a process of the release before has written beside ours: few, and without an account of their own."""
    return rows.filter(account=None, transaction__account=key_of_account(account_id))


FILTERS: Filters[RefundQuerySet] = {
    "order_id": _of_order,
    "transaction_id": lambda rows, transaction_id: rows.filter(transaction__stripe_payment_intent_id=transaction_id),
    "account_id": lambda rows, account_id: rows.filter(account=key_of_account(account_id)),
    "status": lambda rows, status: rows.filter(status=status),
    "user_id": lambda rows, user_id: rows.filter(user_id=user_id),
    "amount": lambda rows, amount_minor: rows.filter(amount_minor=amount_minor),
    "created_from": created_from,
    "created_before": created_before,
}
# What was refunded of payments that were made past this service has neither.
OF_OWN_ALONE = frozenset({"order_id", "user_id"})


def list_refunds(*, actor: Actor, limit: int, starting_after: str = "", **asked: Any) -> Page[Refund]:
    """At most `limit` of the refunds that the app may read and that pass the FILTERS of `asked`, newest first.

    They are shown as they were last seen: Stripe is not asked. `starting_after` names the last one of the page before. Raises
    UnknownStartingPoint where the app may read none of this id.
    """
    app = actor.known_app()
    sources = [Refund.objects.filter(app=app)]
    if not OF_OWN_ALONE & asked.keys():
        sources.append(Refund.objects.of_no_app(app.developer_id))
    ways = [FILTERS] if "account_id" not in asked else [FILTERS, {**FILTERS, "account_id": _of_release_before}]
    shown = (narrowed(rows.at_stripe().select_related("transaction__account"), way, asked) for rows in sources for way in ways)
    readable = Refund.objects.of_app(app)
    behind = starting_point(readable, starting_after, column="stripe_refund_id", of_what="refund of this app")
    return newest_first(*shown, behind=behind, limit=limit)
