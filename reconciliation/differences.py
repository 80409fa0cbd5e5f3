"""One difference between our records and Stripe's books, before it becomes a case."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.db.models import Model

from commercecore_payments.money import format_amount
from disputes.models import Dispute
from payouts.models import Payout
from reconciliation.models import ID_LENGTH, DifferenceType, ObjectKind, Proposal
from refunds.models import Refund
from transactions.models import Transaction

# Our records of what moves money.
MoneyRecord = Transaction | Refund | Dispute | Payout

# The character 0, and halves of surrogate pairs, which JSON can spell and which are no text
# (postgresql.org/docs/current/datatype-json.html).
UNSTORABLE = re.compile("[\0\ud800-\udfff]")

# What summaries call it. Of a charge it is what its payment says of it that is compared.
NAMES: Mapping[ObjectKind, str] = {
    ObjectKind.PAYMENT_INTENT: "payment",
    ObjectKind.CHARGE: "payment",
    ObjectKind.REFUND: "refund",
    ObjectKind.DISPUTE: "dispute",
    ObjectKind.PAYOUT: "payout",
}


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

    def __post_init__(self) -> None:
        for name in ("summary", "here", "there"):
            object.__setattr__(self, name, _storable(getattr(self, name)))


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


def disagreement(
    kind: ObjectKind,
    found: Mapping[str, Any],
    fields: Sequence[Field],
    *,
    record: MoneyRecord,
    proposal: Proposal,
    at_stake_minor: int,
    explains: tuple[str, ...] = (),
) -> Difference | None:
    """How an object of Stripe's and our record of it differ; None where they agree on all fields. At stake: minor units."""
    differ = differing(fields)
    if not differ:
        return None
    here, there = sides(fields)
    return Difference(
        type=differ[0].type,
        kind=kind,
        object_id=found["id"],
        summary=f"The {NAMES[kind]}'s {in_words(differ, here=record.currency, there=found['currency'])}.",
        proposal=proposal,
        here=here,
        there=there,
        at_stake_minor=at_stake_minor,
        currency=found["currency"],
        record=record,
        payment_id=_payment_id(record),
        app_id=_app_id(record),
        created_at=moment(found["created"]),
        changed_at=record.updated_at,
        explains=explains,
    )


def missing_here(
    kind: ObjectKind,
    found: Mapping[str, Any],
    *,
    there: Mapping[str, Any],
    at_stake_minor: int,
    app_id: str | None = None,
    explains: tuple[str, ...] = (),
) -> Difference:
    """An object of Stripe's that we have no record of. At stake: minor units."""
    return Difference(
        type=DifferenceType.MISSING_HERE,
        kind=kind,
        object_id=found["id"],
        summary=f"Stripe has a {NAMES[kind]} that is {found['status']}, and there is no record of it here.",
        proposal=Proposal.RECORD,
        there=there,
        at_stake_minor=at_stake_minor,
        currency=found["currency"],
        app_id=app_id,
        created_at=moment(found["created"]),
        explains=explains,
    )


def missing_there(
    kind: ObjectKind,
    object_id: str,
    *,
    record: MoneyRecord,
    here: Mapping[str, Any],
    at_stake_minor: int,
    created_at: datetime,
    explains: tuple[str, ...] = (),
) -> Difference:
    """A record of ours that names an object which Stripe does not know. At stake: minor units."""
    return Difference(
        type=DifferenceType.MISSING_THERE,
        kind=kind,
        object_id=object_id,
        summary=f"Our record says that the {NAMES[kind]} is {record.status}, and Stripe does not know it.",
        proposal=Proposal.LOOK,
        here=here,
        at_stake_minor=at_stake_minor,
        currency=record.currency,
        record=record,
        payment_id=_payment_id(record),
        app_id=_app_id(record),
        created_at=created_at,
        changed_at=record.updated_at,
        explains=explains,
    )


def _payment_id(record: MoneyRecord) -> int | None:
    if isinstance(record, Transaction):
        return record.pk
    return None if isinstance(record, Payout) else record.transaction_id


def _app_id(record: MoneyRecord) -> str | None:
    return None if isinstance(record, Payout) else record.app_id  # no app asks for a payout


def _storable(value: Any) -> Any:
    """The same without what PostgreSQL stores nowhere: sellers write what they like into metadata."""
    if isinstance(value, str):
        return UNSTORABLE.sub("\ufffd", value)
    if isinstance(value, Mapping):
        return {_storable(name): _storable(one) for name, one in value.items()}
    return [_storable(one) for one in value] if isinstance(value, list) else value


def moment(seconds: int | None) -> datetime | None:
    """A time of Stripe's."""
    return datetime.fromtimestamp(seconds, UTC) if seconds else None


def told_in(found: Mapping[str, Any], key: str) -> str:
    """What an object of Stripe's says in its metadata; nothing where that cannot be a name of ours.

    Whoever makes objects at the account chooses it. Refunds may have none at all.
    """
    said = str((found.get("metadata") or {}).get(key, ""))
    return said if len(said) <= ID_LENGTH and not UNSTORABLE.search(said) else ""


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
