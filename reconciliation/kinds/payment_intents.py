"""Payment intents beside our transactions."""

from collections.abc import Iterator, Mapping
from typing import Any

from gateway.listing import Page
from gateway.models import Kind
from gateway.named_operations import operation_named_by
from gateway.operations import OPERATION_METADATA_KEY
from gateway.snapshots import object_id
from reconciliation.books import Books, Comparison, in_parts
from reconciliation.differences import Difference, Field, differing, disagreement, missing_here, missing_there, told_in
from reconciliation.kinds.duplicates import note_paid_past_us
from reconciliation.models import DifferenceType, ObjectKind, Proposal
from reconciliation.seen import SeenIds
from transactions.models import Transaction, is_legal_move

COLUMNS = (
    "stripe_payment_intent_id",
    "stripe_charge_id",
    "status",
    "amount_minor",
    "amount_received_minor",
    "amount_capturable_minor",
    "application_fee_minor",
    "currency",
    "app_id",
    "external",
    "order_id",
    "created_at",
    "updated_at",
)


def compare(books: Books, page: Page) -> list[Difference]:
    """What differs of these payment intents of the account; what we know nothing of is missing here."""
    ours = Transaction.objects.at(books.seller).filter(stripe_payment_intent_id__in=[intent["id"] for intent in page])
    by_id = {payment.stripe_payment_intent_id: payment for payment in ours.only(*COLUMNS)}
    found = []
    for intent in page:
        payment = by_id.get(intent["id"])
        difference = _missing_here(books, intent) if payment is None else _difference(payment, intent)
        if difference is not None:
            found.append(difference)
    note_paid_past_us(books, page, by_id)
    return found


def _fields(payment: Transaction, intent: Mapping[str, Any]) -> list[Field]:
    amount, state = DifferenceType.AMOUNT, DifferenceType.STATE
    return [
        Field("status", payment.status, intent["status"], state),
        Field("currency", payment.currency, intent["currency"], DifferenceType.CURRENCY),
        Field("amount", payment.amount_minor, intent["amount"], amount),
        Field("amount_received", payment.amount_received_minor, intent.get("amount_received") or 0, amount),
        Field("amount_capturable", payment.amount_capturable_minor, intent.get("amount_capturable") or 0, amount),
        Field("application_fee", payment.application_fee_minor, intent.get("application_fee_amount") or 0, amount),
        Field("charge", payment.stripe_charge_id, object_id(intent.get("latest_charge")), state),
    ]


def _difference(payment: Transaction, intent: Mapping[str, Any]) -> Difference | None:
    fields = _fields(payment, intent)
    differ = differing(fields)
    if not differ:
        return None
    return disagreement(
        ObjectKind.PAYMENT_INTENT,
        intent,
        fields,
        record=payment,
        proposal=_proposal(payment, intent, differ),
        at_stake_minor=_stake(fields, differ),
        explains=tuple(filter(None, (object_id(intent.get("latest_charge")), payment.stripe_charge_id))),
    )


def _proposal(payment: Transaction, intent: Mapping[str, Any], differ: list[Field]) -> Proposal:
    names = {one.name for one in differ}
    # A currency and an amount that was agreed on cannot change at Stripe once the money is taken: one side is wrong.
    is_agreed = "currency" in names or ("amount" in names and payment.is_terminal)
    return Proposal.CORRECT if is_agreed or not is_legal_move(payment.status, intent["status"]) else Proposal.TAKE_OVER


def _stake(fields: list[Field], differ: list[Field]) -> int:
    """Where amounts alone differ, the largest difference; else what is or was held or taken on either side."""
    if differ[0].type == DifferenceType.AMOUNT:
        return max(abs(one.here - one.there) for one in differ if one.type == DifferenceType.AMOUNT)
    taken = [one for one in fields if one.name in ("amount_received", "amount_capturable")]
    return max(side for one in taken for side in (one.here, one.there))


def _missing_here(books: Books, intent: Mapping[str, Any]) -> Difference:
    named = told_in(intent, OPERATION_METADATA_KEY)
    operation = operation_named_by(named, Kind.PAYMENT_INTENT_CREATE, account_id=books.account_id)
    names = ("status", "amount", "amount_received", "amount_capturable", "currency", "metadata")
    return missing_here(
        ObjectKind.PAYMENT_INTENT,
        intent,
        there={name: intent.get(name) for name in names},
        at_stake_minor=(intent.get("amount_received") or 0) + (intent.get("amount_capturable") or 0),
        app_id=operation.app_id if operation is not None else None,
        explains=tuple(filter(None, (object_id(intent.get("latest_charge")),))),
    )


def not_listed(books: Books, seen: SeenIds) -> Iterator[Difference]:
    """Our payments that Stripe did not list."""
    ours = Transaction.objects.at(books.seller).exclude(stripe_payment_intent_id="").only(*COLUMNS)
    for payment in in_parts(ours):
        if payment.stripe_payment_intent_id not in seen and books.scope.holds(payment.created_at):
            yield _missing_there(payment)


def _missing_there(payment: Transaction) -> Difference:
    here = {
        "status": payment.status,
        "amount": payment.amount_minor,
        "amount_received": payment.amount_received_minor,
        "amount_capturable": payment.amount_capturable_minor,
        "order": payment.order_id,
    }
    return missing_there(
        ObjectKind.PAYMENT_INTENT,
        payment.stripe_payment_intent_id,
        record=payment,
        here=here,
        at_stake_minor=payment.amount_received_minor + payment.amount_capturable_minor,
        created_at=payment.created_at,
        explains=tuple(filter(None, (payment.stripe_charge_id,))),
    )


PAYMENT_INTENTS = Comparison(ObjectKind.PAYMENT_INTENT, "/v1/payment_intents", compare, not_listed)
