"""What an operator does with Stripe's events: apply them again, and fetch those that never came."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from django.db.models import QuerySet

from accounts.models import ConnectedAccount
from commercecore_payments.clock import database_now
from commercecore_payments.errors import ServiceError
from gateway import reads
from gateway.listing import get
from stripe_events.applying import apply_now
from stripe_events.models import APPLIED_EVENTS_ARE_KEPT_FOR, Source, Status, StripeEvent
from stripe_events.receipt import is_event, read_json, reason_to_quarantine, store

# Stripe lists its events for 30 days (docs.stripe.com/api/events/list).
STRIPE_LISTS_EVENTS_FOR = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Fetched:
    """What Stripe's list of one account ("" is the platform) brought, or why it could not be read."""

    account_id: str
    listed: int = 0
    missing: int = 0
    unreadable: int = 0  # no snapshot events, which nobody can apply
    error: str = ""


def chosen(*, since: datetime | None, event_type: str | None, failed_only: bool) -> QuerySet[StripeEvent]:
    """Stored events in the order in which they happened: those received since then, of a type, in trouble."""
    events: QuerySet[StripeEvent] = StripeEvent.objects.order_by("happened_at", "id")
    if failed_only:
        events = StripeEvent.objects.in_trouble().order_by("happened_at", "id")
    if since is not None:
        events = events.filter(received_at__gte=since)
    return events.filter(type=event_type) if event_type else events


def replay(events: Iterable[StripeEvent]) -> Iterator[StripeEvent]:
    """Applies each of the events again; yields it as it stands then. Applying one twice changes nothing."""
    for event in events:
        yield apply_now(event)


def fetch_missing(*, since: datetime, store_them: bool = True) -> Iterator[Fetched]:
    """Reads Stripe's lists of events since then, of the platform and of each account, and stores those that are not here.

    The worker applies them. An account whose list cannot be read does not keep the others from it.
    """
    accounts = ConnectedAccount.objects.existing().order_by("pk").values_list("stripe_account_id", flat=True)
    for account_id in ["", *accounts]:
        try:
            yield _fetch(account_id, since=since, store_them=store_them)
        except ServiceError as error:
            yield Fetched(account_id, error=error.message)


def _fetch(account_id: str, *, since: datetime, store_them: bool) -> Fetched:
    """One page of the list after the other, so that a long one is never held whole."""
    fetched = Fetched(account_id)
    listed = reads.list_events(account_id, since=since)
    while page := list(islice(listed, reads.PAGE_SIZE)):
        readable = [content for content in page if is_event(content)]
        missing = _missing(readable, account_id=account_id)
        if store_them:
            for content in missing:
                _store_listed(content, account_id=account_id)
        fetched = replace(
            fetched,
            listed=fetched.listed + len(page),
            missing=fetched.missing + len(missing),
            unreadable=fetched.unreadable + len(page) - len(readable),
        )
    return fetched


def apply_undelivered(event_id: str, *, account_id: str) -> None:
    """Stores an event that Stripe lists and that never came, and applies it. Raises as `gateway.reads.ask`."""
    content = get(f"/v1/events/{event_id}", account_id=account_id)
    if is_event(content):
        stored = _store_listed(content, account_id=account_id)
        if stored is not None:
            apply_now(stored)


def _store_listed(content: Mapping[str, Any], *, account_id: str) -> StripeEvent | None:
    named = {**content, "account": account_id} if account_id else content
    return store(read_json(json.dumps(named)), source=Source.LIST, quarantined_because=reason_to_quarantine(content))


def _missing(listed: Sequence[Mapping[str, Any]], *, account_id: str) -> list[Mapping[str, Any]]:
    """Those that are not stored, the oldest first. A quarantined one of the other mode may have the same id."""
    stored = StripeEvent.objects.filter(account_id=account_id, event_id__in=[content["id"] for content in listed])
    known = set(stored.values_list("event_id", "livemode"))
    return [content for content in reversed(listed) if (content["id"], content["livemode"]) not in known]


def forget_old_events(*, limit: int) -> int:
    """Deletes at most `limit` events that changed what they had to long ago; how many. What is in trouble stays."""
    over = StripeEvent.objects.filter(
        status__in=(Status.APPLIED, Status.UNHANDLED), received_at__lt=database_now() - APPLIED_EVENTS_ARE_KEPT_FOR
    )
    keys = list(over.order_by("received_at").values_list("pk", flat=True)[:limit])
    return int(StripeEvent.objects.filter(pk__in=keys).delete()[0]) if keys else 0
