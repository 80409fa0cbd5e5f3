"""Events (https://docs.stripe.com/api/events): one for each thing that a change means, named as Stripe names it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sandbox.api.wire import API_VERSION
from sandbox.models import SandboxObject
from sandbox.objects import account_parts, ids
from sandbox.objects.event_names import names
from sandbox.timeline import clock
from sandbox.webhooks import deliveries, event_faults

Content = dict[str, Any]


@dataclass(frozen=True)
class Cause:
    """The request behind a change. Both are empty where Stripe itself changed something."""

    request_id: str = ""
    idempotency_key: str = ""


BY_ITSELF = Cause()
_APPLICATION = {"id": ids.APPLICATION, "object": "application", "name": "CommerceCore"}


@dataclass(frozen=True)
class Change:
    """An object after a change, and its content before it: None where the change made it."""

    row: SandboxObject
    before: dict[str, Any] | None


@dataclass(frozen=True)
class _Told:
    """What one event tells: of whose object, and what of it."""

    account: str
    before: Content | None
    after: Content


def record(changes: list[Change], cause: Cause) -> None:
    """Writes the events of a change, and their deliveries, in its transaction."""
    if changes:
        event_faults.lock_planned()
    beside = {change.row.stripe_id: change.row.data for change in changes}
    for change in changes:
        for told in _told_by(change):
            for name in names(told.before, told.after, beside):
                _insert(told.account, name, _data(name, told), cause)


def record_authorization(account: SandboxObject, cause: Cause) -> None:
    """Writes the first event of an account: the platform's application may act for it.

    That Stripe tells it of an account that the platform made, and when, is [reported] by those who listen to its webhooks.
    """
    event_faults.lock_planned()
    _insert(account.stripe_id, "account.application.authorized", {"object": dict(_APPLICATION)}, cause)


def record_deauthorization(account: SandboxObject, cause: Cause) -> None:
    """Writes the last event of an account that leaves the platform: its object is the application that was left."""
    event_faults.lock_planned()
    _insert(account.stripe_id, "account.application.deauthorized", {"object": dict(_APPLICATION)}, cause)


def record_available_balance(account: str, balance: Content, cause: Cause) -> None:
    """Writes that an account ("" is the platform) has more money to pay out; `balance` is the one that it has now."""
    _insert(account, "balance.available", {"object": balance}, cause)


def _told_by(change: Change) -> Iterator[_Told]:
    """The changed object; of an account, also each of its capabilities and bank accounts that changed.

    What happens to an account itself is told as an event of that account, though the platform keeps its object.
    """
    row = change.row
    account = row.stripe_id if row.object_type == "account" else row.account
    yield _Told(account, change.before, row.data)
    if row.object_type == "account" and change.before and not row.deleted:
        for before, after in account_parts.changed_parts(change.before, row.data):
            yield _Told(account, before, after)


def _data(name: str, told: _Told) -> Content:
    if name in ("customer.deleted", "account.external_account.deleted"):
        return {"object": told.before}  # as it was; that Stripe shows it so is unverified
    if name.endswith(".updated") and told.before is not None:
        return {"object": told.after, "previous_attributes": _previous(told.before, told.after)}
    return {"object": told.after}


def _previous(before: Content, after: Content) -> Content:
    """The old values of the top-level fields that changed; null for one that was not there."""
    changed = [name for name in sorted(before.keys() | after.keys()) if before.get(name) != after.get(name)]
    return {name: before.get(name) for name in changed}


def _insert(account: str, name: str, data: Content, cause: Cause) -> None:
    """One event under an account ("" is the platform), and its deliveries to the endpoints that wait for it."""
    event_id = ids.new_stripe_id("event")
    endpoints = deliveries.endpoints_for(account, name)
    content = {
        "id": event_id,
        "object": "event",
        "api_version": API_VERSION,
        "created": clock.now_seconds(),
        "data": data,
        "livemode": False,
        "pending_webhooks": len(endpoints),
        "request": {"id": cause.request_id or None, "idempotency_key": cause.idempotency_key or None},
        "type": name,
    }
    if account:
        content |= {"account": account, "context": account}
    # Not through the journal: an event is no change that another event tells of.
    row = SandboxObject.objects.create(
        account=account, object_type="event", stripe_id=event_id, created_at=clock.now(), data=content
    )
    deliveries.plan(row, endpoints)
