"""The list of a developer's accounts."""

from typing import Any

from accounts.models import ConnectedAccount, ConnectedAccountQuerySet
from commercecore_payments.pages import (
    Filters,
    Page,
    created_before,
    created_from,
    narrowed,
    newest_first,
    starting_point,
)
from developers.models import Developer

FILTERS: Filters[ConnectedAccountQuerySet] = {
    "status": lambda rows, status: rows.filter(status=status),
    "email": lambda rows, email: rows.filter(email=email),
    "created_from": created_from,
    "created_before": created_before,
}


def list_accounts(*, developer: Developer, limit: int, starting_after: str = "", **asked: Any) -> Page[ConnectedAccount]:
    """At most `limit` of the developer's accounts that pass the FILTERS of `asked`, newest first; deleted ones where asked for.

    `starting_after` names the last one of the page before, whatever became of it since. Raises UnknownStartingPoint where the
    developer has none of this id.
    """
    own = ConnectedAccount.objects.of(developer).exclude(stripe_account_id="")
    rows = narrowed(own if "status" in asked else own.existing(), FILTERS, asked)
    behind = starting_point(own, starting_after, column="stripe_account_id", of_what="connected account of this developer")
    return newest_first(rows, behind=behind, limit=limit)


def key_of_account(account_id: str) -> Any:
    """The key of the account's row, for a filter: looked up once, and an index leads on from it, as it does not from a join."""
    return ConnectedAccount.objects.filter(stripe_account_id=account_id).values("pk")[:1]
