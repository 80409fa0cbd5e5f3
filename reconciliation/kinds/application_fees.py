"""The platform's application fees at Stripe beside those of our payments."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from gateway.errors import StripeConfigurationRefused
from gateway.listing import Page, pages
from gateway.reads import ACCOUNT_HAS_LEFT
from gateway.snapshots import object_id
from reconciliation.books import Books, Comparison, in_parts, one_by_id
from reconciliation.differences import Difference, Field, differing, in_words, moment, sides
from reconciliation.models import DifferenceType, ObjectKind, Proposal
from reconciliation.seen import SeenIds
from transactions.models import Status, Transaction

PATH = "/v1/application_fees"
COLUMNS = (
    "stripe_charge_id",
    "stripe_payment_intent_id",
    "application_fee_minor",
    "amount_received_minor",
    "currency",
    "app_id",
    "created_at",
    "updated_at",
    "account__stripe_account_id",
    "account__status",
)


def compare(books: Books, page: Page) -> list[Difference]:
    """What differs of these fees. Those of accounts that are not compared say nothing."""
    fees = [fee for fee in page if not books.scope.account_id or object_id(fee["account"]) == books.scope.account_id]
    ours = Transaction.objects.filter(stripe_charge_id__in=[object_id(fee["charge"]) for fee in fees])
    by_charge = {payment.stripe_charge_id: payment for payment in ours.select_related("account").only(*COLUMNS)}
    told = [_difference(by_charge.get(object_id(fee["charge"])), fee) for fee in fees]
    return [one for one in told if one is not None]


def _difference(payment: Transaction | None, fee: Mapping[str, Any]) -> Difference | None:
    if payment is None or payment.account.stripe_account_id != object_id(fee["account"]):
        return _orphan(fee)
    if payment.account.is_deleted:
        return None  # its books are closed
    fields = [
        Field("application_fee", _expected(payment), fee["amount"], DifferenceType.AMOUNT),
        Field("currency", payment.currency, fee["currency"], DifferenceType.CURRENCY),
    ]
    differ = differing(fields)
    if not differ:
        return None
    here, there = sides(fields)
    told = in_words(differ, here=payment.currency, there=fee["currency"])
    return Difference(
        type=differ[0].type,
        kind=ObjectKind.APPLICATION_FEE,
        object_id=fee["id"],
        summary=f"The fee of charge {payment.stripe_charge_id}: {told}.",
        proposal=Proposal.LOOK,
        here=here,
        there={**there, "charge": payment.stripe_charge_id},
        at_stake_minor=abs(_expected(payment) - fee["amount"]),
        currency=fee["currency"],
        record=payment,
        payment_id=payment.pk,
        app_id=payment.app_id,
        account_id=payment.account.stripe_account_id,
        created_at=moment(fee["created"]),
        changed_at=payment.updated_at,
    )


def _expected(payment: Transaction) -> int:
    """What Stripe takes of a payment: a fee that was agreed on is capped at what is captured."""
    return min(payment.application_fee_minor, payment.amount_received_minor)


def _orphan(fee: Mapping[str, Any]) -> Difference:
    return Difference(
        type=DifferenceType.ORPHAN,
        kind=ObjectKind.APPLICATION_FEE,
        object_id=fee["id"],
        summary=f"Stripe took a fee of charge {object_id(fee['charge'])}, which we do not know.",
        proposal=Proposal.LOOK,
        there={
            "amount": fee["amount"],
            "currency": fee["currency"],
            "charge": object_id(fee["charge"]),
            "account": object_id(fee["account"]),
        },
        at_stake_minor=fee["amount"],
        currency=fee["currency"],
        account_id=object_id(fee["account"]),
        created_at=moment(fee["created"]),
    )


def charges(page: Page) -> Iterable[str]:
    return [object_id(fee["charge"]) for fee in page]


def not_listed(books: Books, seen: SeenIds) -> Iterator[Difference]:
    """Our payments that carry a fee which Stripe has not taken."""
    owing = Transaction.objects.filter(application_fee_minor__gt=0, amount_received_minor__gt=0, status=Status.SUCCEEDED)
    if books.scope.account_id:
        owing = owing.filter(account__stripe_account_id=books.scope.account_id)
    for payment in in_parts(owing.select_related("account").only(*COLUMNS)):
        is_compared = payment.account.is_active and books.scope.holds(payment.created_at)
        if payment.stripe_charge_id not in seen and is_compared:
            yield _never_taken(payment)


def _never_taken(payment: Transaction) -> Difference:
    return Difference(
        type=DifferenceType.MISSING_THERE,
        kind=ObjectKind.APPLICATION_FEE,
        object_id=payment.stripe_charge_id,
        summary="Our record says that the platform took a fee of the payment, and Stripe has none of its charge.",
        proposal=Proposal.LOOK,
        here={"application_fee": _expected(payment), "currency": payment.currency},
        at_stake_minor=_expected(payment),
        currency=payment.currency,
        record=payment,
        payment_id=payment.pk,
        app_id=payment.app_id,
        account_id=payment.account.stripe_account_id,
        created_at=payment.created_at,
        changed_at=payment.updated_at,
    )


def belongs_to(fee: Difference) -> list[str]:
    """The charge of a fee that differs, and its payment intent at Stripe. Raises as `gateway.reads.ask`."""
    charge_id = str(fee.there.get("charge") or fee.object_id)
    try:
        charge = one_by_id("/v1/charges", fee.account_id, charge_id)
    except StripeConfigurationRefused as error:
        if error.fault.code != ACCOUNT_HAS_LEFT:
            raise
        return [charge_id]  # what an account that has left was charged for, nobody shows us any more
    return [charge_id, *(object_id(one.get("payment_intent")) for one in charge)]


def look(_books: Books, difference: Difference) -> Page:
    """The fee as it is now; of one that seems never to have been taken, the fees of its charge."""
    if difference.type != DifferenceType.MISSING_THERE:
        return one_by_id(PATH, "", difference.object_id)
    return next(pages(PATH, parameters={"charge": difference.object_id}), [])


APPLICATION_FEES = Comparison(ObjectKind.APPLICATION_FEE, PATH, compare, not_listed, ids=charges, look=look)
