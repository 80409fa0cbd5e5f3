"""Reading and writing Stripe objects in the sandbox's tables.

Whoever changes an object locks its row first, and always in the same order, so that no two requests wait for each other:
the clock's row, then the objects in the order of LOCK_ORDER (several of one type as they were made, the oldest first), and
at the end of a change the planned faults of events.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from sandbox.api.errors import ParameterRefused, resource_missing
from sandbox.api.parameters import METADATA_KEYS
from sandbox.models import SandboxObject
from sandbox.objects import journal
from sandbox.timeline import clock

LOCK_ORDER = (
    "account",
    "payment_intent",
    "setup_intent",
    "charge",
    "dispute",
    "refund",
    "customer",
    "payment_method",
    "application_fee",
    "payout",
    "balance_transaction",
    "review",
)
PARENTS = ("customer", "payment_intent", "charge")


def insert(*, account: str, data: dict[str, Any], hidden: dict[str, Any] | None = None) -> SandboxObject:
    """Keeps a new object under an account ("" is the platform)."""
    row = SandboxObject.objects.create(
        account=account,
        object_type=data["object"],
        stripe_id=data["id"],
        created_at=clock.now(),
        data=data,
        hidden=hidden or {},
        **_parents(data),
    )
    journal.note_insertion(row)
    return row


def save(row: SandboxObject) -> None:
    """Writes a changed object back; its row is locked by the caller, or newly made."""
    journal.note_writing(row)
    for name, value in _parents(row.data).items():
        setattr(row, name, value)
    row.save()


def mark_deleted(row: SandboxObject) -> None:
    """Leaves only the id of an object, as Stripe does."""
    journal.note_writing(row)
    row.deleted = True
    row.data = {"id": row.stripe_id, "object": row.object_type, "deleted": True}
    row.save()


def _parents(data: dict[str, Any]) -> dict[str, str]:
    return {name: data.get(name) or "" for name in PARENTS}


def find(account: str, object_type: str, stripe_id: str, *, lock: bool = False) -> SandboxObject | None:
    """The object of this type and id under an account, locked until the transaction ends where asked."""
    rows = SandboxObject.objects.select_for_update() if lock else SandboxObject.objects.all()
    return rows.filter(account=account, object_type=object_type, stripe_id=stripe_id).first()


def addressed(account: str, object_type: str, stripe_id: str, *, param: str, lock: bool = False) -> SandboxObject:
    """The living object that an address names. Raises a 404 (resource_missing) where there is none."""
    row = find(account, object_type, stripe_id, lock=lock)
    if row is None or row.deleted:
        raise resource_missing(object_type, stripe_id, param, status=404)
    return row


def referred(account: str, object_type: str, stripe_id: str, *, param: str, lock: bool = False) -> SandboxObject:
    """The living object that a parameter names. Raises a 400 (resource_missing) where there is none."""
    row = find(account, object_type, stripe_id, lock=lock)
    if row is None or row.deleted:
        raise resource_missing(object_type, stripe_id, param, status=400)
    return row


def locked(account: str, object_type: str, stripe_ids: Iterable[str]) -> dict[str, SandboxObject]:
    """Objects of one type under an account, by their ids, the oldest first: locked in this order."""
    rows = SandboxObject.objects.select_for_update().filter(account=account, object_type=object_type)
    return {row.stripe_id: row for row in rows.filter(stripe_id__in=list(stripe_ids)).order_by("id")}


def anywhere(object_types: Sequence[str], stripe_id: str, *, param: str) -> SandboxObject:
    """The object of this id and one of these types, under whichever account, not locked. Raises a 404 where there is none."""
    row = SandboxObject.objects.filter(object_type__in=object_types, stripe_id=stripe_id).first()
    if row is None:
        raise resource_missing(object_types[0], stripe_id, param, status=404)
    return row


def merged_metadata(present: dict[str, str], sent: Any) -> dict[str, str]:
    """Metadata after an update: keys are merged, a key sent as "" goes, "" for the whole empties it.

    Raises ParameterRefused where more keys than Stripe keeps would remain.
    """
    merged = {} if sent == "" else {name: value for name, value in {**present, **sent}.items() if value != ""}
    if len(merged) > METADATA_KEYS:
        raise ParameterRefused(f"You can have up to {METADATA_KEYS} metadata keys", param="metadata")
    return merged
