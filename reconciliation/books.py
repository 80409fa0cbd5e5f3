"""The books of one account while they are compared, and what a comparison of one kind of object consists of."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import QuerySet

from accounts.models import ConnectedAccount
from gateway.errors import StripeRejected
from gateway.listing import Page, get
from reconciliation.differences import Difference
from reconciliation.models import ObjectKind
from reconciliation.scope import Scope
from reconciliation.seen import SeenIds

# Of our rows that are read at once: a few hundred kilobytes of ids.
ROWS_AT_ONCE = 1_000
# Stripe's code for an id that it does not know (docs.stripe.com/error-codes#resource-missing).
NO_SUCH_OBJECT = "resource_missing"


@dataclass(slots=True)
class Books:
    """`account` is None for the platform's own. `explained` are objects of Stripe's that differ for a reason told already."""

    scope: Scope
    account: ConnectedAccount | None = None
    explained: set[str] = field(default_factory=set)
    # Our records of payments made past this service, by the orders that they name at Stripe.
    named_past_us: dict[str, set[int]] = field(default_factory=dict)

    @property
    def seller(self) -> ConnectedAccount:
        """The account, where the books are not the platform's."""
        if self.account is None:
            raise LookupError("The platform's own books belong to no connected account.")
        return self.account

    @property
    def account_id(self) -> str:
        return self.account.stripe_account_id if self.account is not None else ""


def own_ids(page: Page) -> Iterable[str]:
    return [one["id"] for one in page]


def one_by_id(path: str, account_id: str, object_id: str) -> Page:
    """The object of the list `path` as it is now; empty where Stripe does not know it. Raises as `gateway.reads.ask`."""
    try:
        found = get(f"{path}/{object_id}", account_id=account_id)
    except StripeRejected as error:
        if error.fault.code == NO_SUCH_OBJECT:
            return []
        raise
    return [] if found.get("deleted") else [found]


@dataclass(frozen=True, slots=True)
class Comparison:
    """How one of Stripe's lists is compared with our records, both ways.

    `compare` tells what differs of a page of the list, or of a single object. `not_listed` tells what we have of which the
    list showed nothing, by the ids that `ids` takes from its pages.
    """

    kind: ObjectKind
    path: str
    compare: Callable[[Books, Page], list[Difference]]
    not_listed: Callable[[Books, SeenIds], Iterator[Difference]] | None = None
    ids: Callable[[Page], Iterable[str]] = own_ids
    # What Stripe says now of a difference that was found: nothing where it has nothing.
    look: Callable[[Books, Difference], Page] | None = None

    def look_again(self, books: Books, difference: Difference) -> Page:
        """Raises as `gateway.reads.ask`."""
        if self.look is not None:
            return self.look(books, difference)
        return one_by_id(self.path, books.account_id, difference.object_id)


def parts(keys: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """The keys, so many at once as one query may ask for: a database takes some ten thousand parameters at most."""
    return (keys[start : start + ROWS_AT_ONCE] for start in range(0, len(keys), ROWS_AT_ONCE))


def in_parts(rows: QuerySet[Any]) -> Iterator[Any]:
    """The rows, so many at once: no cursor stays open while Stripe is asked in between."""
    last = 0
    while part := list(rows.filter(pk__gt=last).order_by("pk")[:ROWS_AT_ONCE]):
        yield from part
        last = part[-1].pk
