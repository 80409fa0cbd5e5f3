"""Reading and writing Stripe objects in the sandbox's tables.

Whoever changes an object locks its row first, and always in this order, so that no two requests wait for each other:
intent, then charge, then customer, then payment method.
"""

import secrets
from typing import Any

from commercecore_payments import clock
from commercecore_payments.identifiers import ALPHABET
from sandbox.errors import ParameterRefused, resource_missing
from sandbox.models import SandboxObject
from sandbox.parameters import METADATA_KEYS

# Prefix and random letters of each id, counted on ids that Stripe publishes (`pi_3MtwBwLkdIwHu7ix28a3tqPa`).
ID_SHAPES = {
    "account": ("acct_1", 15),
    "charge": ("ch_3", 23),
    "customer": ("cus_", 14),
    "payment_intent": ("pi_3", 23),
    "payment_method": ("pm_1", 23),
    "refund": ("re_3", 23),
    "setup_intent": ("seti_1", 23),
    "bank_account": ("ba_1", 23),
}
CLIENT_SECRET_LENGTH = 25  # counted on the same published examples
PARENTS = ("customer", "payment_intent", "charge")


def random_letters(length: int) -> str:
    """`length` letters and digits from the system's secure source."""
    return "".join(secrets.choice(ALPHABET) for _ in range(length))


def new_stripe_id(object_type: str) -> str:
    """A new id in Stripe's shape for this type of object."""
    prefix, length = ID_SHAPES[object_type]
    return prefix + random_letters(length)


def new_client_secret(intent_id: str) -> str:
    """What a buyer's browser proves itself with: `<intent>_secret_<25 letters>`."""
    return f"{intent_id}_secret_{random_letters(CLIENT_SECRET_LENGTH)}"


def now_seconds() -> int:
    """The present moment in epoch seconds, Stripe's unit of time."""
    return int(clock.now().timestamp())


def insert(*, account: str, data: dict[str, Any], hidden: dict[str, Any] | None = None) -> SandboxObject:
    """Keeps a new object under an account ("" is the platform)."""
    return SandboxObject.objects.create(
        account=account,
        object_type=data["object"],
        stripe_id=data["id"],
        created_at=clock.now(),
        data=data,
        hidden=hidden or {},
        **_parents(data),
    )


def save(row: SandboxObject) -> None:
    """Writes a changed object back; its row is locked by the caller, or newly made."""
    for name, value in _parents(row.data).items():
        setattr(row, name, value)
    row.save()


def mark_deleted(row: SandboxObject) -> None:
    """Leaves only the id of an object, as Stripe does."""
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


def merged_metadata(present: dict[str, str], sent: Any) -> dict[str, str]:
    """Metadata after an update: keys are merged, a key sent as "" goes, "" for the whole empties it.

    Raises ParameterRefused where more keys than Stripe keeps would remain.
    """
    merged = {} if sent == "" else {name: value for name, value in {**present, **sent}.items() if value != ""}
    if len(merged) > METADATA_KEYS:
        raise ParameterRefused(f"You can have up to {METADATA_KEYS} metadata keys", param="metadata")
    return merged
