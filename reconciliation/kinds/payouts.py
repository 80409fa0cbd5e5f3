"""Payouts at Stripe beside ours."""

from collections.abc import Iterator, Mapping
from typing import Any

from gateway.listing import Page
from payouts.models import Payout
from reconciliation.books import Books, Comparison, in_parts
from reconciliation.differences import Difference, Field, differing, in_words, moment, sides
from reconciliation.models import DifferenceType, ObjectKind, Proposal
from reconciliation.seen import SeenIds


def compare(books: Books, page: Page) -> list[Difference]:
    """What differs of these payouts of the account."""
    ours = Payout.objects.of_account(books.seller).filter(stripe_payout_id__in=[found["id"] for found in page])
    by_id = {payout.stripe_payout_id: payout for payout in ours}
    told = [_difference(by_id.get(found["id"]), found) for found in page]
    return [one for one in told if one is not None]


def _difference(payout: Payout | None, found: Mapping[str, Any]) -> Difference | None:
    if payout is None:
        return _missing_here(found)
    fields = [
        Field("status", payout.status, found["status"], DifferenceType.STATE),
        Field("amount", payout.amount_minor, found["amount"], DifferenceType.AMOUNT),
        Field("currency", payout.currency, found["currency"], DifferenceType.CURRENCY),
    ]
    differ = differing(fields)
    if not differ:
        return None
    here, there = sides(fields)
    return Difference(
        type=differ[0].type,
        kind=ObjectKind.PAYOUT,
        object_id=found["id"],
        summary=f"The payout's {in_words(differ, here=payout.currency, there=found['currency'])}.",
        proposal=Proposal.TAKE_OVER,
        here=here,
        there=there,
        at_stake_minor=abs(found["amount"]),
        currency=found["currency"],
        record=payout,
        created_at=moment(found["created"]),
        changed_at=payout.updated_at,
    )


def _missing_here(found: Mapping[str, Any]) -> Difference:
    return Difference(
        type=DifferenceType.MISSING_HERE,
        kind=ObjectKind.PAYOUT,
        object_id=found["id"],
        summary=f"Stripe has a payout that is {found['status']}, and there is no record of it here.",
        proposal=Proposal.RECORD,
        there={"status": found["status"], "amount": found["amount"], "currency": found["currency"]},
        at_stake_minor=abs(found["amount"]),
        currency=found["currency"],
        created_at=moment(found["created"]),
    )


def not_listed(books: Books, seen: SeenIds) -> Iterator[Difference]:
    """Our payouts that Stripe did not list."""
    for payout in in_parts(Payout.objects.of_account(books.seller)):
        if payout.stripe_payout_id not in seen and books.scope.holds(payout.made_at):
            yield _missing_there(payout)


def _missing_there(payout: Payout) -> Difference:
    return Difference(
        type=DifferenceType.MISSING_THERE,
        kind=ObjectKind.PAYOUT,
        object_id=payout.stripe_payout_id,
        summary=f"Our record says that the payout is {payout.status}, and Stripe does not know it.",
        proposal=Proposal.LOOK,
        here={"status": payout.status, "amount": payout.amount_minor, "currency": payout.currency},
        at_stake_minor=abs(payout.amount_minor),
        currency=payout.currency,
        record=payout,
        created_at=payout.made_at,
        changed_at=payout.updated_at,
    )


PAYOUTS = Comparison(ObjectKind.PAYOUT, "/v1/payouts", compare, not_listed)
