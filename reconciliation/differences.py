"""One difference between our records and Stripe's books, before it becomes a case."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.db.models import Model

from commercecore_payments.money import format_amount
from reconciliation.models import ID_LENGTH, DifferenceType, ObjectKind, Proposal


@dataclass(frozen=True, slots=True)
class Difference:
    """`here` and `there` are the facts of both sides; empty where a side has nothing. At stake: minor units of `currency`.

    `record` is ours where there is one, such as a Transaction, and `payment_id` the key of the payment that it belongs to.
    `changed_at` is when our record last changed, `created_at` when Stripe made its object.
    """

    type: DifferenceType
    kind: ObjectKind
    object_id: str
    summary: str
    proposal: Proposal
    here: Mapping[str, Any] = field(default_factory=dict)
    there: Mapping[str, Any] = field(default_factory=dict)
    at_stake_minor: int = 0
    currency: str = ""
    record: Model | None = None
    payment_id: int | None = None
    app_id: str | None = None
    account_id: str = ""
    created_at: datetime | None = None
    changed_at: datetime | None = None
    # Objects of Stripe's that differ for the same reason: told by this difference alone.
    explains: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Field:
    """One fact of an object as both sides tell it, and what it is called where they do not agree."""

    name: str
    here: Any
    there: Any
    type: DifferenceType

    @property
    def differs(self) -> bool:
        return bool(self.here != self.there)


# An object that differs in several ways is one difference, called by the first of these.
PRECEDENCE = (DifferenceType.CURRENCY, DifferenceType.STATE, DifferenceType.AMOUNT, DifferenceType.ORPHAN)


def differing(fields: Iterable[Field]) -> list[Field]:
    """Those on which the two sides do not agree, what the difference is called by first."""
    return sorted((one for one in fields if one.differs), key=lambda one: PRECEDENCE.index(one.type))


def moment(seconds: int | None) -> datetime | None:
    """A time of Stripe's."""
    return datetime.fromtimestamp(seconds, UTC) if seconds else None


def told_in(found: Mapping[str, Any], key: str) -> str:
    """What an object of Stripe's says in its metadata; nothing where that cannot be a name of ours.

    Whoever makes objects at the account chooses it. Refunds may have none at all.
    """
    said = str((found.get("metadata") or {}).get(key, ""))
    return said if len(said) <= ID_LENGTH and "\0" not in said else ""


def sides(fields: Iterable[Field]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What each side says of the fields."""
    chosen = list(fields)
    return {one.name: one.here for one in chosen}, {one.name: one.there for one in chosen}


def in_words(fields: Iterable[Field], *, here: str = "", there: str = "") -> str:
    """`status is requires_capture here and succeeded at Stripe`, of each field; `here` and `there` are the sides' currencies."""
    return "; ".join(
        f"{one.name.replace('_', ' ')} is {_told(one, one.here, here)} here and {_told(one, one.there, there)} at Stripe"
        for one in fields
    )


def _told(of: Field, value: Any, currency: str) -> str:
    """`49.99 USD` of an amount, and any other fact as it is."""
    return format_amount(value, currency) if of.type == DifferenceType.AMOUNT else str(value)
