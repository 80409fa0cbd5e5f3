"""Events that Stripe lists and that never came: why a record here may be behind."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from commercecore_payments.clock import now
from gateway.listing import Page, pages
from reconciliation.books import Books
from reconciliation.differences import Difference, moment
from stripe_events.handlers import HANDLERS
from stripe_events.models import StripeEvent
from stripe_events.operations import STRIPE_LISTS_EVENTS_FOR

# Of one account. Where nothing arrived for days, what is behind is a difference of state all the same.
MOST_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class Undelivered:
    """An event that Stripe lists and we never received."""

    id: str
    type: str
    happened_at: datetime


class UndeliveredEvents:
    """Those of one account, the newest of each object. Stripe is asked when somebody first wants to know."""

    def __init__(self, books: Books, *, sign_of_life: Callable[[], None]) -> None:
        self._books = books
        self._sign_of_life = sign_of_life
        self._newest: dict[str, Undelivered] | None = None

    def behind(self, difference: Difference) -> Undelivered | None:
        """The event of the object that is newer than our record, and never came. Raises as `gateway.reads.ask`."""
        if difference.changed_at is None:
            return None
        if self._newest is None:
            self._newest = _read(self._books, self._sign_of_life)
        about = (self._newest.get(one) for one in (difference.object_id, *difference.explains))
        late = [event for event in about if event is not None and event.happened_at > difference.changed_at]
        return max(late, key=lambda event: event.happened_at, default=None)


def _read(books: Books, sign_of_life: Callable[[], None]) -> dict[str, Undelivered]:
    newest: dict[str, Undelivered] = {}
    since = int((now() - STRIPE_LISTS_EVENTS_FOR).timestamp())
    for page in pages("/v1/events", account_id=books.account_id, parameters={"created": {"gte": since}}):
        for event in _not_stored(page, books.account_id):
            happened_at = moment(event["created"])
            if happened_at is not None and not books.scope.is_young(happened_at):
                newest.setdefault(event["data"]["object"].get("id", ""), Undelivered(event["id"], event["type"], happened_at))
        sign_of_life()
        if len(newest) >= MOST_REMEMBERED:
            break
    return newest


def _not_stored(page: Page, account_id: str) -> Page:
    stored = StripeEvent.objects.filter(account_id=account_id, event_id__in=[event["id"] for event in page])
    known = set(stored.values_list("event_id", flat=True))
    return [event for event in page if event["id"] not in known and event["type"] in HANDLERS]
