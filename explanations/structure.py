"""What an explanation of a payment is made of: a verdict, a few facts, and one timeline. Nothing here reads anything."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from developers.models import App


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads it: the developer of `app`, who is shown what is the app's own, or the staff, who are shown everything."""

    app: App | None = None

    @property
    def is_staff(self) -> bool:
        return self.app is None


STAFF = Reader()


class WaitsFor(StrEnum):
    """Who has to act before anything changes."""

    BUYER = "buyer"
    SELLER = "seller"
    US = "us"  # whoever runs this service or the app that asked: the words of the verdict say which
    STRIPE = "stripe"  # or a bank behind it
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class RecordKey:
    """One record, such as that which an entry was read from: `gateway.operation` and its primary key."""

    model: str
    key: str


# The next step where there is none.
NOTHING_TO_DO = "Nothing has to be done."


@dataclass(frozen=True, slots=True)
class Verdict:
    """The state of the money in plain words. `code` is for programs; `remarks` are other things that are true meanwhile.

    `record` is the one whose page somebody has to open.
    """

    code: str
    headline: str
    explanation: str
    next_step: str
    waits_for: WaitsFor
    is_problem: bool = False
    remarks: tuple[str, ...] = ()
    record: RecordKey | None = None


class Kind(StrEnum):
    """What an entry of the timeline is about."""

    REQUEST = "request"
    OPERATION = "operation"
    RECOVERY = "recovery"
    STRIPE_EVENT = "stripe_event"
    EVENT = "event"
    DELIVERY = "delivery"
    REFUND = "refund"
    DISPUTE = "dispute"
    HOLD = "hold"
    STAFF = "staff"
    CASE = "case"


class Tone(StrEnum):
    """How an entry went."""

    GOOD = "good"
    BAD = "bad"
    WAITING = "waiting"
    QUIET = "quiet"


# A name, and what there is of it.
Detail = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the timeline. `details` are the ids that somebody looks up; `is_ahead`: it is still to come."""

    at: datetime
    kind: Kind
    text: str
    tone: Tone = Tone.QUIET
    details: tuple[Detail, ...] = ()
    record: RecordKey | None = None
    is_ahead: bool = False


@dataclass(frozen=True, slots=True)
class LeftOut:
    """How many older rows of one kind were not read. `is_at_least`: there are so many or more."""

    what: str
    number: int
    is_at_least: bool = False

    def __str__(self) -> str:
        return f"{'at least ' if self.is_at_least else ''}{self.number:,} older {self.what}"


@dataclass(frozen=True, slots=True)
class Explanation:
    """All that is known of one payment: `timeline` from the beginning to what is still to come."""

    transaction_id: str
    verdict: Verdict
    facts: tuple[Detail, ...]
    timeline: tuple[Entry, ...]
    left_out: tuple[LeftOut, ...] = ()


def in_order(entries: Sequence[Entry]) -> tuple[Entry, ...]:
    """By time; what happened at the same moment stays as it was put down."""
    return tuple(sorted(entries, key=lambda entry: entry.at))
