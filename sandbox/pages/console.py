"""What the sandbox's own pages show of the offline Stripe: its objects and events, a page of them at a time."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet

from commercecore_payments.money import format_amount
from sandbox.models import SandboxObject

PAGE_SIZE = 25  # rows that fit on a screen or two
# What came of one object: a charge that is refunded in small parts has more than anybody reads.
CAME_OF_SHOWN = 25
# Events of one object: a payment and its refund have about a dozen.
EVENTS_SHOWN = 50
# What only a caller of Stripe is told, at any depth: an event repeats its object. `next_action` leads to an open challenge.
NEVER_SHOWN = ("client_secret", "next_action", "secret")
PAYMENT_KINDS = ("payment_intent", "charge", "refund", "dispute", "review", "payout")


@dataclass(frozen=True)
class Page:
    """Some rows, newest first, and the key before which the older ones begin: None where there are none."""

    rows: list[Any]
    older: int | None


def page_of(rows: QuerySet[Any], before: str) -> Page:
    """The page of `rows` that is older than the key `before`; the newest page where that is no key."""
    if before.isascii() and before.isdigit() and len(before) < 19:  # what a 64-bit key can hold
        rows = rows.filter(pk__lt=int(before))
    found = list(rows.order_by("-pk")[: PAGE_SIZE + 1])
    return Page(found[:PAGE_SIZE], found[PAGE_SIZE - 1].pk if len(found) > PAGE_SIZE else None)


def objects(object_type: str, *, account: str = "") -> QuerySet[SandboxObject]:
    """Objects of one type; of one account alone where one is named."""
    rows = SandboxObject.objects.filter(object_type=object_type)
    return rows.filter(account=account) if account else rows


def events_about(row: SandboxObject) -> list[SandboxObject]:
    """The newest events that tell of the object."""
    # Under the account that it belongs to, or that it is: so the index finds them.
    told = objects("event").filter(account__in=("", row.account, row.stripe_id), data__data__object__id=row.stripe_id)
    return list(told.order_by("-pk")[:EVENTS_SHOWN])


def came_of(row: SandboxObject) -> list[SandboxObject]:
    """The newest charges, refunds, disputes and reviews of a payment intent or a charge; of other objects nothing."""
    if row.object_type not in ("payment_intent", "charge"):
        return []
    kinds = ("charge", "refund", "dispute", "review")
    # A review names its payment intent alone, and the charge names its review.
    named = Q(**{row.object_type: row.stripe_id}) | Q(stripe_id=row.data["review"] or "")
    rows = SandboxObject.objects.filter(named, account=row.account, object_type__in=kinds)
    return list(rows.order_by("-pk")[:CAME_OF_SHOWN])


def status(row: SandboxObject) -> str:
    """An object's status; of a review, which has none, why it was closed, or that it is open."""
    if row.object_type == "review":
        return row.data["closed_reason"] or "open"
    return str(row.data.get("status", ""))


def event_types() -> list[str]:
    """The types of event that there are, in order of the alphabet."""
    return sorted(set(objects("event").values_list("data__type", flat=True)))


def without_secrets(value: Any) -> Any:
    """What may be shown of an object: the same without its secrets, those of the objects inside of it included."""
    if isinstance(value, dict):
        return {name: without_secrets(inner) for name, inner in value.items() if name not in NEVER_SHOWN}
    if isinstance(value, list):
        return [without_secrets(inner) for inner in value]
    return value


def balances(account: str) -> list[str]:
    """What the account's balance transactions add up to, by currency; an account's money is their sum in Stripe."""
    sums: Counter[str] = Counter()
    for net, currency in objects("balance_transaction", account=account).values_list("data__net", "data__currency"):
        sums[currency] += net
    return [format_amount(total, currency) for currency, total in sorted(sums.items())]
