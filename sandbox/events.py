"""Events (https://docs.stripe.com/api/events): one for each thing that a change means, named as Stripe names it."""

from dataclasses import dataclass
from typing import Any

from sandbox.models import SandboxObject


@dataclass(frozen=True)
class Cause:
    """The request behind a change. Both are empty where Stripe itself changed something."""

    request_id: str = ""
    idempotency_key: str = ""


BY_ITSELF = Cause()


@dataclass(frozen=True)
class Change:
    """An object after a change, and its content before it: None where the change made it."""

    row: SandboxObject
    before: dict[str, Any] | None


def record(changes: list[Change], cause: Cause) -> None:
    """Writes the events of a change, in its transaction."""
