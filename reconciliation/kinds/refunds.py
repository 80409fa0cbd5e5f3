"""Refunds at Stripe beside ours."""

from collections.abc import Iterator, Mapping
from typing import Any

from gateway.listing import Page
from gateway.models import Kind, Operation
from gateway.operations import OPERATION_METADATA_KEY
from gateway.snapshots import RefundSnapshot, object_id
from reconciliation.books import Books, Comparison, in_parts
from reconciliation.differences import Difference, Field, differing, disagreement, missing_there, moment, told_in
from reconciliation.models import DifferenceType, ObjectKind, Proposal
from reconciliation.seen import SeenIds
from refunds.models import NOT_REFUNDED, Refund
from transactions.models import Transaction

COLUMNS = (
    "stripe_refund_id",
    "status",
    "amount_minor",
    "currency",
    "app_id",
    "created_at",
    "updated_at",
    "transaction__stripe_payment_intent_id",
    "transaction__stripe_charge_id",
)


def compare(books: Books, page: Page) -> list[Difference]:
    """What differs of these refunds of the account; what we know nothing of was made past this service, or is missing here."""
    ours = Refund.objects.filter(transaction__account=books.seller, stripe_refund_id__in=[refund["id"] for refund in page])
    by_id = {refund.stripe_refund_id: refund for refund in ours.select_related("transaction").only(*COLUMNS)}
    unknown = [found for found in page if found["id"] not in by_id]
    books.explained.update(found["id"] for found in unknown if not _is_to_be_known(books, found))
    unknown = [found for found in unknown if found["id"] not in books.explained]
    known = [_difference(by_id[found["id"]], found) for found in page if found["id"] in by_id]
    return [one for one in known if one is not None] + _of_unknown(books, unknown)


def _is_to_be_known(books: Books, found: Mapping[str, Any]) -> bool:
    """Not what only releases a hold, nor what belongs to a charge or a payment that is told of already."""
    if RefundSnapshot.from_stripe(found).only_releases_a_hold:
        return False
    intent_id = object_id(found.get("payment_intent"))
    return intent_id != "" and not {intent_id, object_id(found.get("charge"))} & books.explained


def _of_unknown(books: Books, unknown: Page) -> list[Difference]:
    if not unknown:
        return []
    named = {told_in(found, OPERATION_METADATA_KEY) for found in unknown}
    made = Operation.objects.filter(pk__in=named, kind=Kind.REFUND_CREATE, stripe_account=books.account_id)
    own = set(made.values_list("pk", flat=True))
    intents = [object_id(found.get("payment_intent")) for found in unknown]
    of_intent = {
        payment.stripe_payment_intent_id: payment
        for payment in Transaction.objects.at(books.seller).filter(stripe_payment_intent_id__in=intents)
    }
    return [
        _missing_here(
            found,
            payment=of_intent.get(object_id(found.get("payment_intent"))),
            is_ours=told_in(found, OPERATION_METADATA_KEY) in own,
        )
        for found in unknown
        if not _waits_for_its_charge(found, of_intent.get(object_id(found.get("payment_intent"))))
    ]


def _waits_for_its_charge(found: Mapping[str, Any], payment: Transaction | None) -> bool:
    """Of a bank debit that the bank has not paid: nothing can go back yet, and nothing ever does where the debit fails."""
    return payment is not None and payment.amount_received_minor == 0 and found.get("status") != "succeeded"


def _missing_here(found: Mapping[str, Any], *, payment: Transaction | None, is_ours: bool) -> Difference:
    what = "has no record here" if is_ours else "was made past this service, and has no record here"
    return Difference(
        type=DifferenceType.MISSING_HERE if is_ours else DifferenceType.EXTERNAL_REFUND,
        kind=ObjectKind.REFUND,
        object_id=found["id"],
        summary=f"Stripe has a refund that is {found.get('status')}: it {what}.",
        proposal=Proposal.RECORD,
        there={
            "status": found.get("status"),
            "amount": found["amount"],
            "currency": found["currency"],
            "payment_intent": object_id(found.get("payment_intent")),
            "reason": found.get("reason"),
        },
        at_stake_minor=0 if found.get("status") in NOT_REFUNDED else found["amount"],
        currency=found["currency"],
        record=payment,
        payment_id=payment.pk if payment is not None else None,
        app_id=payment.app_id if payment is not None else None,
        created_at=moment(found["created"]),
        explains=(sum_of(object_id(found.get("charge"))),),
    )


def _difference(refund: Refund, found: Mapping[str, Any]) -> Difference | None:
    of_payment, of_found = refund.transaction.stripe_payment_intent_id, object_id(found.get("payment_intent"))
    fields = [
        Field("status", refund.status, found.get("status"), DifferenceType.STATE),
        Field("amount", refund.amount_minor, found["amount"], DifferenceType.AMOUNT),
        Field("currency", refund.currency, found["currency"], DifferenceType.CURRENCY),
        Field("payment_intent", of_payment, of_found, DifferenceType.ORPHAN),
    ]
    differ = differing(fields)
    if not differ:
        return None
    is_amount = differ[0].type == DifferenceType.AMOUNT
    return disagreement(
        ObjectKind.REFUND,
        found,
        fields,
        record=refund,
        proposal=_proposal(refund, found, differ),
        at_stake_minor=abs(refund.amount_minor - found["amount"]) if is_amount else max(refund.amount_minor, found["amount"]),
        explains=(sum_of(object_id(found.get("charge"))), sum_of(refund.transaction.stripe_charge_id)),
    )


def _proposal(refund: Refund, found: Mapping[str, Any], differ: list[Field]) -> Proposal:
    is_state_alone = all(one.name == "status" for one in differ)
    return Proposal.TAKE_OVER if is_state_alone and refund.may_become(found.get("status") or "") else Proposal.CORRECT


def sum_of(charge_id: str) -> str:
    """Names what is refunded of a charge in all, which differs where one of its refunds does."""
    return f"refunds of {charge_id}"


def not_listed(books: Books, seen: SeenIds) -> Iterator[Difference]:
    """Our refunds that Stripe did not list, but for those of payments that it does not know either."""
    ours = Refund.objects.filter(transaction__account=books.seller).exclude(stripe_refund_id="")
    for refund in in_parts(ours.select_related("transaction").only(*COLUMNS)):
        is_told = refund.transaction.stripe_payment_intent_id in books.explained
        if refund.stripe_refund_id not in seen and not is_told and books.scope.holds(refund.created_at):
            yield _missing_there(refund)


def _missing_there(refund: Refund) -> Difference:
    return missing_there(
        ObjectKind.REFUND,
        refund.stripe_refund_id,
        record=refund,
        here={"status": refund.status, "amount": refund.amount_minor, "currency": refund.currency},
        at_stake_minor=0 if refund.status in NOT_REFUNDED else refund.amount_minor,
        created_at=refund.created_at,
        explains=(sum_of(refund.transaction.stripe_charge_id), refund.stripe_refund_id),
    )


REFUNDS = Comparison(ObjectKind.REFUND, "/v1/refunds", compare, not_listed)
