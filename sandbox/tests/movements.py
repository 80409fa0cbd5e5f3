"""What the property test of the books speaks of: the objects of an account, and the movements that they cause."""

from typing import Any, NamedTuple

from sandbox.models import SandboxObject


class Movement(NamedTuple):
    """One balance transaction, as its cause demands it."""

    type: str
    source: str
    amount: int
    currency: str


def objects(account: str, object_type: str) -> list[dict[str, Any]]:
    """The objects of one type under an account, the oldest first."""
    rows = SandboxObject.objects.filter(account=account, object_type=object_type).order_by("id")
    return list(rows.values_list("data", flat=True))
