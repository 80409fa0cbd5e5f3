"""What Stripe tells by itself, as it is handed to the apps: an event is a hint, and its object is a state that may be old."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class ReceivedEvent:
    """One event of Stripe's whose signature, environment and account were checked. `account_id` is empty for the platform's."""

    id: str
    type: str
    account_id: str
    created: datetime
    # The object as it was when the event happened, without its client secret.
    object: Mapping[str, Any] = field(repr=False)
    # Whether the object is written in the API version that we read: another one is asked for anew.
    is_in_our_version: bool

    @property
    def object_id(self) -> str:
        return str(self.object.get("id") or "")


class NotYet(Exception):
    """What the event tells of is under way here, and not written down yet: it is applied again in a moment."""
