"""Payments in every state, each made as it comes about: by the API, the sandbox's cards and banks, and Stripe's events."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User

from commercecore_payments import clock
from commercecore_payments.recovery import recover_due
from commercecore_payments.tests.tenants import Tenant
from gateway.client import stripe_client
from gateway.models import Operation
from gateway.tests.faults import answer, stripe_fails
from refunds.models import Refund
from sandbox.faults.plans import order
from sandbox.models import SandboxObject
from sandbox.money import dispute_orders, refund_lifecycle
from sandbox.money.authentication import answer_open_challenge
from sandbox.tests.bank_debits import capable, confirmed
from sandbox.timeline import due
from staff.audit import Outcome, record_action
from stripe_events.tests.arrivals import arrive, told_by_stripe, work
from transactions.models import Transaction
from transactions.tests.test_webhooks import pay_past_us
from webhooks.sending import deliver_next
from webhooks.tests.receivers import Scripted, make_endpoint, receiving

# Longer than the seven days of a hold.
PAST_THE_HOLD = timedelta(days=8)


# Those about an account would cost every test the time to apply them.
ABOUT_PAYMENTS = ("payment_intent.", "charge.", "refund.")


def everything_arrives(seller: str) -> None:
    """Stripe's events about the account's payments are received and applied."""
    due.carry_out_due()
    arrive(event for event in told_by_stripe(seller) if event["type"].startswith(ABOUT_PAYMENTS))
    work()


def unpaid(tenant: Tenant, seller: str) -> None:
    tenant.get(f"/connected-accounts/{seller}")  # so that our record knows that the seller can take payments
    tenant.create_payment(seller)


def of_a_seller_who_cannot_take_payments(tenant: Tenant, seller: str) -> None:
    """Refused once: the seller has not finished the onboarding."""
    newcomer = tenant.create_seller("newcomer@example.com", onboarded=False)
    tenant.confirm(newcomer, tenant.create_payment(newcomer))


def declined(tenant: Tenant, seller: str) -> None:
    tenant.confirm(seller, tenant.create_payment(seller), "pm_card_visa_chargeDeclinedInsufficientFunds")


def declined_as_stolen(tenant: Tenant, seller: str) -> None:
    tenant.confirm(seller, tenant.create_payment(seller), "pm_card_visa_chargeDeclinedStolenCard")


def challenged(tenant: Tenant, seller: str) -> None:
    tenant.confirm(seller, tenant.create_payment(seller), "pm_card_threeDSecure2Required")


def processing(tenant: Tenant, seller: str) -> None:
    v1 = stripe_client().v1
    v1.payment_intents.create(confirmed(), capable(v1, seller))  # type: ignore[arg-type]
    everything_arrives(seller)


def held(tenant: Tenant, seller: str) -> None:
    tenant.confirm(seller, tenant.create_payment(seller, capture_method="manual"))


def partly_captured(tenant: Tenant, seller: str) -> None:
    held(tenant, seller)
    tenant.post(f"/transactions/{Transaction.objects.get()}/capture", {"amount": 400})


def lapsed(tenant: Tenant, seller: str) -> None:
    held(tenant, seller)
    due.move_clock(PAST_THE_HOLD)
    everything_arrives(seller)


def canceled(tenant: Tenant, seller: str) -> None:
    tenant.post(f"/transactions/{tenant.create_payment(seller)}/cancel", {"cancellation_reason": "requested_by_customer"})


def canceled_by_the_staff(tenant: Tenant, seller: str) -> None:
    """As the admin's action does it: the operation names the person, and the audit log the reason."""
    tenant.post(f"/transactions/{tenant.create_payment(seller)}/cancel", {})
    operation = Operation.objects.get(kind="payment_intent.cancel")
    Operation.objects.filter(pk=operation.pk).update(operator="anna")
    record_action(
        Transaction.objects.get(),
        user=User.objects.create_user("anna", is_staff=True),
        action="cancel",
        reason="The order was given up.",
        outcome=Outcome.DONE,
        message="",
        operation_id=operation.pk,
    )


def canceled_in_the_dashboard(tenant: Tenant, seller: str) -> None:
    asked = {"cancellation_reason": "duplicate"}
    stripe_client().v1.payment_intents.cancel(tenant.create_payment(seller), asked, {"stripe_account": seller})  # type: ignore[arg-type]
    everything_arrives(seller)


def paid(tenant: Tenant, seller: str) -> None:
    tenant.pay(seller)


def paid_in_the_dashboard(tenant: Tenant, seller: str) -> None:
    pay_past_us(seller, amount=1000)
    everything_arrives(seller)


def partly_refunded(tenant: Tenant, seller: str) -> None:
    tenant.pay(seller)
    tenant.refund(seller, amount=400)


def refunded(tenant: Tenant, seller: str) -> None:
    tenant.pay(seller)
    tenant.refund(seller)


def refund_pending(tenant: Tenant, seller: str) -> None:
    tenant.confirm(seller, tenant.create_payment(seller), "pm_card_pendingRefund")
    tenant.refund(seller, amount=400)


def refund_failed(tenant: Tenant, seller: str) -> None:
    refund_pending(tenant, seller)
    refund_lifecycle.order(Refund.objects.get().stripe_refund_id, "failed", "lost_or_stolen_card")
    everything_arrives(seller)


def refund_refused(tenant: Tenant, seller: str) -> None:
    """Asked for here after it was given in Stripe's dashboard."""
    transaction_id = tenant.pay(seller)
    stripe_client().v1.refunds.create({"payment_intent": transaction_id}, {"stripe_account": seller})
    tenant.refund(seller)


def refund_that_asks_the_buyer(tenant: Tenant, seller: str) -> None:
    refund_pending(tenant, seller)
    refund_lifecycle.order(Refund.objects.get().stripe_refund_id, "requires_action")
    everything_arrives(seller)


def disputed(tenant: Tenant, seller: str) -> None:
    tenant.confirm(seller, tenant.create_payment(seller), "pm_card_createDispute")
    everything_arrives(seller)


def asked_about(tenant: Tenant, seller: str) -> None:
    tenant.confirm(seller, tenant.create_payment(seller), "pm_card_createDisputeInquiry")
    everything_arrives(seller)


def _dispute_becomes(seller: str, status: str) -> None:
    dispute_orders.move(SandboxObject.objects.get(object_type="dispute").data["id"], status)
    everything_arrives(seller)


def dispute_won(tenant: Tenant, seller: str) -> None:
    disputed(tenant, seller)
    _dispute_becomes(seller, "won")


def dispute_lost(tenant: Tenant, seller: str) -> None:
    disputed(tenant, seller)
    _dispute_becomes(seller, "lost")


def outcome_unknown(tenant: Tenant, seller: str) -> None:
    transaction_id = tenant.create_payment(seller)
    order("time_out_after", path="/confirm")
    assert tenant.confirm(seller, transaction_id).status_code == 503


def needing_review(tenant: Tenant, seller: str) -> None:
    """A refund that Stripe answered with 500, and that no look finds."""
    tenant.pay(seller)
    order("fail_inside", path="/refunds")
    assert tenant.refund(seller, amount=400).status_code == 503
    for minutes in (1, 6, 12):
        with clock.moved_ahead(timedelta(minutes=minutes, seconds=1)):
            list(recover_due(None))


def not_sent(tenant: Tenant, seller: str) -> None:
    """There was no connection to Stripe."""
    order("refuse_connection", path="/payment_intents")
    tenant.post("/transactions", {"order_id": "2227222", "account_id": seller, "amount": 1000})


def rich(tenant: Tenant, seller: str) -> None:
    """Declined, challenged, paid and refunded in part; its receiver fails at first, and somebody on the staff looks at it."""
    with receiving(Scripted(500, b"out of order: whsec_c2VjcmV0"), Scripted()) as receiver:
        make_endpoint(receiver.url, tenant.app)
        transaction_id = tenant.create_payment(seller)
        tenant.confirm(seller, transaction_id, "pm_card_visa_chargeDeclinedInsufficientFunds")
        deliver_next()
        tenant.confirm(seller, transaction_id, "pm_card_threeDSecure2Required")
        answer_open_challenge(intent_id=transaction_id, authenticated=True)
        for _ in range(2):  # Stripe may tell everything twice
            everything_arrives(seller)
        body = {"order_id": "2227222", "account_id": seller, "amount": 400}
        for _ in range(2):
            tenant.post("/refunds", body, **{"Idempotency-Key": "refund-2227222"})
        anna = User.objects.create_user("anna", is_staff=True)
        record_action(
            Transaction.objects.get(),
            user=anna,
            action="read_from_stripe",
            reason="The buyer asked.",
            outcome=Outcome.DONE,
            message="",
        )
        with clock.moved_ahead(timedelta(minutes=5)):
            while deliver_next():
                pass


def refused(tenant: Tenant, seller: str) -> None:
    """Stripe answers that it cannot be done, in the words of its own error."""
    with pytest.MonkeyPatch.context() as patch:
        sentence = {"type": "invalid_request_error", "message": "This account cannot make charges.", "param": "on_behalf_of"}
        with stripe_fails(patch, answer(400, sentence), path="/payment_intents"):
            tenant.post("/transactions", {"order_id": "2227222", "account_id": seller, "amount": 1000})


def of_a_deleted_account(tenant: Tenant, seller: str) -> None:
    tenant.create_payment(seller)
    assert tenant.delete(f"/connected-accounts/{seller}").status_code == 200
