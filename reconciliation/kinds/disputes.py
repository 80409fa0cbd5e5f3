"""Disputes at Stripe beside ours."""

from collections.abc import Iterator, Mapping
from typing import Any

from disputes.models import Dispute
from gateway.listing import Page
from gateway.snapshots import object_id
from reconciliation.books import Books, Comparison, in_parts
from reconciliation.differences import Difference, Field, disagreement, missing_here, missing_there
from reconciliation.models import DifferenceType, ObjectKind, Proposal
from reconciliation.seen import SeenIds


def compare(books: Books, page: Page) -> list[Difference]:
    """What differs of these disputes of the account."""
    ours = Dispute.objects.filter(account=books.seller, stripe_dispute_id__in=[found["id"] for found in page])
    by_id = {dispute.stripe_dispute_id: dispute for dispute in ours}
    unknown = [found for found in page if found["id"] not in by_id]
    books.explained.update(found["id"] for found in unknown if _is_told_with_its_payment(books, found))
    told = [_difference(by_id.get(found["id"]), found) for found in page if found["id"] not in books.explained]
    return [one for one in told if one is not None]


def _is_told_with_its_payment(books: Books, found: Mapping[str, Any]) -> bool:
    return bool({object_id(found.get("charge")), object_id(found.get("payment_intent"))} & books.explained)


def _difference(dispute: Dispute | None, found: Mapping[str, Any]) -> Difference | None:
    if dispute is None:
        return _missing_here(found)
    fields = [
        Field("status", dispute.status, found["status"], DifferenceType.STATE),
        Field("amount", dispute.amount_minor, found["amount"], DifferenceType.AMOUNT),
        Field("currency", dispute.currency, found["currency"], DifferenceType.CURRENCY),
    ]
    return disagreement(
        ObjectKind.DISPUTE, found, fields, record=dispute, proposal=Proposal.TAKE_OVER, at_stake_minor=found["amount"]
    )


def _missing_here(found: Mapping[str, Any]) -> Difference:
    there = {
        "status": found["status"],
        "amount": found["amount"],
        "currency": found["currency"],
        "reason": found["reason"],
        "charge": object_id(found.get("charge")),
    }
    return missing_here(ObjectKind.DISPUTE, found, there=there, at_stake_minor=found["amount"])


def not_listed(books: Books, seen: SeenIds) -> Iterator[Difference]:
    """Our disputes that Stripe did not list, but for those of payments that it does not know either."""
    for dispute in in_parts(Dispute.objects.filter(account=books.seller).select_related("transaction")):
        payment = dispute.transaction
        is_told = payment is not None and payment.stripe_payment_intent_id in books.explained
        if dispute.stripe_dispute_id not in seen and not is_told and books.scope.holds(dispute.opened_at):
            yield _missing_there(dispute)


def _missing_there(dispute: Dispute) -> Difference:
    return missing_there(
        ObjectKind.DISPUTE,
        dispute.stripe_dispute_id,
        record=dispute,
        here={"status": dispute.status, "amount": dispute.amount_minor, "currency": dispute.currency},
        at_stake_minor=dispute.amount_minor,
        created_at=dispute.opened_at,
    )


DISPUTES = Comparison(ObjectKind.DISPUTE, "/v1/disputes", compare, not_listed)
