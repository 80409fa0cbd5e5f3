"""The list of a developer's accounts."""

from typing import Any

from accounts.models import ConnectedAccount, ConnectedAccountQuerySet
from commercecore_payments.pages import (
    Filters,
    Page,
    UnknownStartingPoint,
    created_before,
    created_from,
    narrowed,
    newest_first,
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
    return newest_first(rows, behind=_starting_point(own, starting_after), limit=limit)


def _starting_point(own: ConnectedAccountQuerySet, account_id: str) -> ConnectedAccount | None:
    if not account_id:
        return None
    account = own.filter(stripe_account_id=account_id).first()
    if account is None:
        raise UnknownStartingPoint("connected account of this developer")
    return account
