"""Payments of every shape, each really played once: through the API, Stripe's SDK and Stripe's events.

What came of them on both sides is what `proofs.drift_seeds` copies.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from random import Random
from typing import Any

from django.db.models import Q

from commercecore_payments import clock
from commercecore_payments.tests.tenants import Tenant
from disputes.models import Dispute
from gateway.client import stripe_client
from refunds.models import Refund
from sandbox.models import SandboxObject
from stripe_events.applying import apply_next
from stripe_events.operations import fetch_missing
from transactions.models import Transaction

# How long ago they are played: their money became available, was paid out and has arrived by now, which takes five days, and
# a hold has not lapsed, which takes seven.
PLAYED_AGO = timedelta(days=6)
# Payments of each shape, of different amounts.
VARIANTS = 3
SMALLEST_AMOUNT, LARGEST_AMOUNT = 1_200, 90_000  # minor units; a third and a half of each are still amounts that Stripe takes


class Shape(StrEnum):
    """What became of a payment."""

    SUCCEEDED = "succeeded"
    WITH_FEE = "with fee"  # the platform has taken its share
    FEE_GIVEN_BACK = "fee given back"  # refunded in part, and the share with it
    PARTLY_REFUNDED = "partly refunded"
    REFUNDED = "refunded"
    HELD = "held"
    PARTLY_CAPTURED = "partly captured"
    CANCELED = "canceled"
    UNPAID = "unpaid"
    DECLINED = "declined"
    DISPUTED = "disputed"


# Of a hundred payments, so many of each shape: no marketplace's own numbers, and each often enough to be met everywhere.
WEIGHTS: Mapping[Shape, int] = {
    Shape.SUCCEEDED: 50,
    Shape.WITH_FEE: 14,
    Shape.FEE_GIVEN_BACK: 2,
    Shape.PARTLY_REFUNDED: 6,
    Shape.REFUNDED: 4,
    Shape.HELD: 3,
    Shape.PARTLY_CAPTURED: 3,
    Shape.CANCELED: 5,
    Shape.UNPAID: 7,
    Shape.DECLINED: 4,
    Shape.DISPUTED: 2,
}


@dataclass(frozen=True, slots=True)
class Played:
    """One payment as both sides have it: Stripe's objects, the platform's own among them, and our rows."""

    shape: Shape
    objects: list[SandboxObject]
    payment: Transaction
    refunds: list[Refund]
    disputes: list[Dispute]


@dataclass(frozen=True, slots=True)
class _Order:
    """One payment that is to be played, in minor units."""

    tenant: Tenant
    seller: str
    order_id: str
    amount: int

    def create(self, **more: Any) -> str:
        return self.tenant.create_payment(self.seller, order_id=self.order_id, amount=self.amount, **more)

    def confirm(self, payment: str, card: str = "pm_card_visa") -> str:
        self.tenant.confirm(self.seller, payment, card)
        return payment

    def refund(self, **more: Any) -> None:
        answered = self.tenant.refund(self.seller, order_id=self.order_id, **more)
        if answered.status_code != 201:
            raise RuntimeError(f"A refund that is to be copied was refused: {answered.content}")


def _succeed(order: _Order) -> str:
    return order.confirm(order.create())


def _succeed_with_fee(order: _Order) -> str:
    return order.confirm(order.create(application_fee_amount=order.amount // 10))


def _give_fee_back(order: _Order) -> str:
    payment = _succeed_with_fee(order)
    order.refund(amount=order.amount // 3, refund_application_fee=True)
    return payment


def _refund_in_part(order: _Order) -> str:
    payment = _succeed(order)
    order.refund(amount=order.amount // 3)
    order.refund(amount=order.amount // 4)
    return payment


def _refund_wholly(order: _Order) -> str:
    payment = _succeed(order)
    order.refund()
    return payment


def _hold(order: _Order) -> str:
    return order.confirm(order.create(capture_method="manual"))


def _capture_in_part(order: _Order) -> str:
    payment = _hold(order)
    order.tenant.post(f"/transactions/{payment}/capture", {"amount": order.amount // 2})
    return payment


def _cancel(order: _Order) -> str:
    payment = order.create()
    order.tenant.post(f"/transactions/{payment}/cancel", {})
    return payment


def _leave_unpaid(order: _Order) -> str:
    return order.create()


def _decline(order: _Order) -> str:
    return order.confirm(order.create(), "pm_card_chargeDeclined")


def _dispute(order: _Order) -> str:
    return order.confirm(order.create(), "pm_card_createDispute")


PLAYS: Mapping[Shape, Callable[[_Order], str]] = {
    Shape.SUCCEEDED: _succeed,
    Shape.WITH_FEE: _succeed_with_fee,
    Shape.FEE_GIVEN_BACK: _give_fee_back,
    Shape.PARTLY_REFUNDED: _refund_in_part,
    Shape.REFUNDED: _refund_wholly,
    Shape.HELD: _hold,
    Shape.PARTLY_CAPTURED: _capture_in_part,
    Shape.CANCELED: _cancel,
    Shape.UNPAID: _leave_unpaid,
    Shape.DECLINED: _decline,
    Shape.DISPUTED: _dispute,
}


def play_all(tenant: Tenant, random: Random) -> tuple[str, list[Played]]:
    """A seller, and VARIANTS payments of each shape at it, with everything that Stripe did of them until now."""
    with clock.moved_ahead(-PLAYED_AGO):
        seller = tenant.create_seller("seller-0@example.com")
        payments = [(shape, _play(tenant, seller, shape, random)) for shape in Shape for _ in range(VARIANTS)]
    look_at_stripe(seller)
    hear_everything()
    return seller, [_gather(shape, payment) for shape, payment in payments]


def _play(tenant: Tenant, seller: str, shape: Shape, random: Random) -> str:
    amount = random.randrange(SMALLEST_AMOUNT, LARGEST_AMOUNT)
    return PLAYS[shape](_Order(tenant, seller, f"order-{random.getrandbits(64):016x}", amount))


def look_at_stripe(account_id: str) -> None:
    """A request, with which the sandbox does all that is due by now."""
    stripe_client().v1.balance.retrieve({}, {"stripe_account": account_id})


def hear_everything() -> None:
    """Fetches all of Stripe's events of the last days, and applies them, as the worker does it."""
    for fetched in fetch_missing(since=clock.now() - PLAYED_AGO - timedelta(days=1)):
        if fetched.error:
            raise RuntimeError(f"Stripe's events could not be read: {fetched.error}")
    with clock.moved_ahead(timedelta(minutes=1)):  # an event is due a moment after it has come
        while apply_next():
            pass


def _gather(shape: Shape, payment_intent_id: str) -> Played:
    payment = Transaction.objects.get(stripe_payment_intent_id=payment_intent_id)
    return Played(
        shape=shape,
        objects=list(objects_of(payment_intent_id)),
        payment=payment,
        refunds=list(payment.refunds.order_by("pk")),
        disputes=list(payment.disputes.order_by("pk")),
    )


def objects_of(payment_intent_id: str) -> Iterator[SandboxObject]:
    """A payment intent and all that hangs on it, down to the balance transactions of the platform."""
    living = SandboxObject.objects.exclude(object_type__in=("event", "payment_method")).order_by("pk")
    of_intent = list(living.filter(Q(stripe_id=payment_intent_id) | Q(payment_intent=payment_intent_id)))
    known = [row.stripe_id for row in of_intent]
    fees = list(living.filter(object_type="application_fee", data__charge__in=known))
    given_back = list(living.filter(object_type="fee_refund", data__fee__in=[row.stripe_id for row in fees]))
    sources = known + [row.stripe_id for row in (*fees, *given_back)]
    yield from (*of_intent, *fees, *given_back)
    yield from living.filter(object_type="balance_transaction", data__source__in=sources)
