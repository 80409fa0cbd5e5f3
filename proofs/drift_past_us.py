"""Drift that comes about by itself: the developer, the seller or Stripe acts past this service, or events do not arrive.

It is made through Stripe's own API, with its money and its events, or looks as if it had been. What is made through the API is
dated AGED ago afterwards, so that it is no newer than what is still under way.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from commercecore_payments import clock
from developers.models import App
from gateway.client import stripe_client
from proofs.drift_shapes import Shape, look_at_stripe
from proofs.drift_sheets import insert, shifted
from proofs.drift_soil import AGED, Planted, Soil, found_at
from sandbox.models import SandboxDelivery, SandboxObject
from sandbox.money import refund_lifecycle

# --- Past this service -----------------------------------------------------------------------------------------------


@contextmanager
def _unheard(account_id: str) -> Iterator[None]:
    """What is done at Stripe meanwhile happened AGED ago, and no event of it ever arrives; Stripe lists them."""
    last = SandboxObject.objects.latest("pk").pk
    began = clock.now() - timedelta(minutes=1)
    yield
    look_at_stripe(account_id)
    rows = SandboxObject.objects.filter(pk__gt=last)
    SandboxDelivery.objects.filter(event__in=rows).update(status=SandboxDelivery.Status.DROPPED)
    for row in rows:
        row.created_at -= AGED
        row.data = shifted(row.data, -AGED, later_than=began)
        row.save()


def external_refund(soil: Soil) -> Planted:
    """Natural: a refund in Stripe's dashboard, whose events did not arrive."""
    payment = soil.payment()
    account_id = payment.account.stripe_account_id
    asked: Any = {"payment_intent": payment.stripe_payment_intent_id, "amount": payment.amount_minor // 2}
    with _unheard(account_id):
        refund = stripe_client().v1.refunds.create(asked, {"stripe_account": account_id})
    return found_at("external_refund", "external_refund", "refund", refund.id, payment)


def confirmation_unheard(soil: Soil) -> Planted:
    """Natural: a buyer's browser confirmed the payment at Stripe, and no event of it arrived."""
    payment = soil.payment(Shape.UNPAID)
    account_id, intent_id = payment.account.stripe_account_id, payment.stripe_payment_intent_id
    with _unheard(account_id):
        stripe_client().v1.payment_intents.confirm(intent_id, {"payment_method": "pm_card_visa"}, {"stripe_account": account_id})
    return found_at("confirmation_unheard", "event_never_delivered", "payment_intent", intent_id, payment)


def capture_unheard(soil: Soil) -> Planted:
    """Natural: a hold was captured in Stripe's dashboard, and no event of it arrived."""
    payment = soil.payment(Shape.HELD)
    account_id, intent_id = payment.account.stripe_account_id, payment.stripe_payment_intent_id
    with _unheard(account_id):
        stripe_client().v1.payment_intents.capture(intent_id, {}, {"stripe_account": account_id})
    return found_at("capture_unheard", "event_never_delivered", "payment_intent", intent_id, payment)


def cancellation_unheard(soil: Soil) -> Planted:
    """Natural: a payment was canceled in Stripe's dashboard, and no event of it arrived."""
    payment = soil.payment(Shape.UNPAID)
    account_id, intent_id = payment.account.stripe_account_id, payment.stripe_payment_intent_id
    with _unheard(account_id):
        stripe_client().v1.payment_intents.cancel(intent_id, {}, {"stripe_account": account_id})
    return found_at("cancellation_unheard", "event_never_delivered", "payment_intent", intent_id, payment)


def refund_failure_unheard(soil: Soil) -> Planted:
    """Natural: the buyer's bank sent a refund back, and no event of it arrived."""
    payment = soil.payment(Shape.PARTLY_REFUNDED)
    refund = payment.refunds.latest("pk")
    with _unheard(payment.account.stripe_account_id):
        refund_lifecycle.order(refund.stripe_refund_id, status="failed", failure_reason="declined")
    return found_at("refund_failure_unheard", "event_never_delivered", "refund", refund.stripe_refund_id, payment)


# --- Orders that were paid twice -------------------------------------------------------------------------------------


def order_paid_by_two_apps(soil: Soil) -> Planted:
    """Natural: two apps of one developer pay the same order at one account."""
    payment = soil.payment()
    app, _ = App.objects.get_or_create(developer=payment.developer, name="Second app")
    rows, made = soil.again(payment, app_id=app.pk)
    insert(rows)
    made.save(force_insert=True)
    return found_at("order_paid_by_two_apps", "probable_duplicate", "order", payment.order_id, payment)


def order_paid_past_us(soil: Soil) -> Planted:
    """Natural: somebody repeats a payment in Stripe's dashboard, metadata and all; its event came, and it was recorded."""
    payment = soil.payment()
    rows, made = soil.again(payment, app_id=None, external=True, holds_order=False, user_id="", order_id="")
    insert(rows)
    made.save(force_insert=True)
    return found_at("order_paid_past_us", "probable_duplicate", "order", payment.order_id, payment)


def second_payment_unheard(soil: Soil) -> Planted:
    """Natural: as before, but no event came: it is missing here, and once it is recorded a probable duplicate."""
    payment = soil.payment()
    rows, made = soil.again(payment)
    insert(rows)
    return found_at("second_payment_unheard", "missing_here", "payment_intent", made.stripe_payment_intent_id, payment)
