"""Payouts at Stripe beside ours."""

from collections.abc import Iterator, Mapping
from typing import Any

from gateway.listing import Page
from payouts.models import Payout
from reconciliation.books import Books, Comparison, in_parts
from reconciliation.differences import Difference, Field, disagreement, missing_here, missing_there
from reconciliation.models import DifferenceType, ObjectKind, Proposal
from reconciliation.seen import SeenIds


def compare(books: Books, page: Page) -> list[Difference]:
    """What differs of these payouts of the account."""
    ours = Payout.objects.of_account(books.seller).filter(stripe_payout_id__in=[found["id"] for found in page])
    by_id = {payout.stripe_payout_id: payout for payout in ours}
    told = [_difference(by_id.get(found["id"]), found) for found in page]
    return [one for one in told if one is not None]


def _difference(payout: Payout | None, found: Mapping[str, Any]) -> Difference | None:
    at_stake_minor = abs(found["amount"])
    if payout is None:
        there = {"status": found["status"], "amount": found["amount"], "currency": found["currency"]}
        return missing_here(ObjectKind.PAYOUT, found, there=there, at_stake_minor=at_stake_minor)
    fields = [
        Field("status", payout.status, found["status"], DifferenceType.STATE),
        Field("amount", payout.amount_minor, found["amount"], DifferenceType.AMOUNT),
        Field("currency", payout.currency, found["currency"], DifferenceType.CURRENCY),
    ]
    return disagreement(
        ObjectKind.PAYOUT, found, fields, record=payout, proposal=Proposal.TAKE_OVER, at_stake_minor=at_stake_minor
    )


def not_listed(books: Books, seen: SeenIds) -> Iterator[Difference]:
    """Our payouts that Stripe did not list."""
    for payout in in_parts(Payout.objects.of_account(books.seller)):
        if payout.stripe_payout_id not in seen and books.scope.holds(payout.made_at):
            yield _missing_there(payout)


def _missing_there(payout: Payout) -> Difference:
    return missing_there(
        ObjectKind.PAYOUT,
        payout.stripe_payout_id,
        record=payout,
        here={"status": payout.status, "amount": payout.amount_minor, "currency": payout.currency},
        at_stake_minor=abs(payout.amount_minor),
        created_at=payout.made_at,
    )


PAYOUTS = Comparison(ObjectKind.PAYOUT, "/v1/payouts", compare, not_listed)
