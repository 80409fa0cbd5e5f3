"""What Stripe's events do to payments: what a buyer did, what lapsed, and what was made past this service."""

from datetime import timedelta
from typing import Any

import pytest

from commercecore_payments import clock
from commercecore_payments.tests.tenants import Tenant, refunds_at_stripe
from developers.tests.factories import AppFactory
from gateway import reads
from gateway.client import stripe_client
from gateway.models import Operation
from gateway.tests.faults import stripe_fails, time_out_before
from sandbox.money.authentication import answer_open_challenge
from sandbox.timeline import due
from stripe_events.models import StripeEvent
from stripe_events.tests.arrivals import arrive, told_by_stripe, work
from transactions.models import Transaction
from transactions.operations.bring_up_to_date import MADE_PAST_US
from webhooks.models import Event

WEEK = timedelta(days=8)


def everything_arrives(seller: str) -> None:
    arrive(told_by_stripe(seller))
    work()


def pay_past_us(seller: str, *, amount: int = 4200, **more: Any) -> str:
    """The id of a payment intent that was made and confirmed in Stripe's dashboard."""
    asked: Any = {
        "amount": amount,
        "currency": "usd",
        "confirm": True,
        "payment_method": "pm_card_visa",
        "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
        **more,
    }
    return str(stripe_client().v1.payment_intents.create(asked, {"stripe_account": seller}).id)


def told() -> list[tuple[str, str]]:
    """Type and app of every event of a payment, the oldest first."""
    return list(Event.objects.filter(type__startswith="payment.").order_by("app", "sequence").values_list("type", "app"))


class TestAPayment:
    def test_whose_challenge_failed_is_told_as_failed(self, tenant: Tenant, seller: str) -> None:
        payment_id = tenant.create_payment(seller)
        tenant.confirm(seller, payment_id, "pm_card_threeDSecure2Required")
        answer_open_challenge(intent_id=payment_id, authenticated=False)
        everything_arrives(seller)
        payment = Transaction.objects.get()
        assert (payment.status, payment.error_code) == ("requires_payment_method", "payment_intent_authentication_failure")
        assert [name for name, _ in told()] == ["payment.requires_action", "payment.failed"]

    def test_whose_hold_lapses_is_canceled_and_frees_its_order(self, tenant: Tenant, seller: str) -> None:
        payment_id = tenant.create_payment(seller, capture_method="manual")
        tenant.confirm(seller, payment_id)
        due.move_clock(WEEK)
        arrive(told_by_stripe(seller, "charge.expired"))
        work()
        payment = Transaction.objects.get()
        assert (payment.status, payment.holds_order, payment.amount_capturable_minor) == ("canceled", False, 0)
        assert [name for name, _ in told()] == ["payment.capturable", "payment.canceled"]

    def test_that_was_canceled_in_the_dashboard_is_canceled_here(self, tenant: Tenant, seller: str) -> None:
        payment_id = tenant.create_payment(seller)
        stripe_client().v1.payment_intents.cancel(payment_id, {}, {"stripe_account": seller})
        everything_arrives(seller)
        assert Transaction.objects.get().status == "canceled"
        assert [name for name, _ in told()] == ["payment.canceled"]


class TestAPaymentMadePastThisService:
    def test_becomes_a_record_marked_external_and_is_told_to_every_app(self, tenant: Tenant, seller: str) -> None:
        other = AppFactory.create(developer=tenant.developer)
        payment_id = pay_past_us(seller)
        everything_arrives(seller)
        payment = Transaction.objects.get()
        assert (payment.stripe_payment_intent_id, payment.external, payment.app) == (payment_id, True, None)
        assert (payment.status, payment.amount_minor, payment.amount_received_minor) == ("succeeded", 4200, 4200)
        assert (payment.order_id, payment.user_id, payment.holds_order) == ("", "", False)
        assert payment.developer == tenant.developer
        both = sorted([tenant.app.pk, other.pk])
        assert told() == [("payment.succeeded", both[0]), ("payment.succeeded", both[1])]
        assert not Operation.objects.filter(kind="payment_intent.create").exists()
        assert StripeEvent.objects.filter(note=f"{MADE_PAST_US} The payment is succeeded.").count() == 1

    def test_is_recorded_once_however_its_events_come(self, tenant: Tenant, seller: str) -> None:
        pay_past_us(seller)
        contents = told_by_stripe(seller)
        arrive([*reversed(contents), *contents])
        work()
        arrive(contents)
        work()
        assert Transaction.objects.count() == 1
        assert [name for name, _ in told()] == ["payment.succeeded"]

    def test_can_be_read_and_refunded_by_the_developers_apps_and_nobody_elses(self, tenant: Tenant, seller: str) -> None:
        payment_id = pay_past_us(seller)
        everything_arrives(seller)
        data = tenant.get(f"/transactions/{payment_id}").json()["data"]
        assert (data["external"], data["order_id"], data["user_id"], data["amount_received"]) == (True, None, None, 4200)
        stranger = Tenant.create()
        assert stranger.get(f"/transactions/{payment_id}").status_code == 404
        part = {"transaction_id": payment_id, "account_id": seller, "amount": 200}
        assert stranger.post("/refunds", part).status_code == 404
        refunded = tenant.post("/refunds", part)
        assert (refunded.status_code, refunded.json()["data"]["amount"]) == (201, 200)
        assert (refunded.json()["data"]["order_id"], refunded.json()["data"]["transaction_id"]) == (None, payment_id)
        assert tenant.post("/refunds", {"transaction_id": payment_id, "account_id": seller}).json()["data"]["amount"] == 4000
        assert refunds_at_stripe(seller, payment_id) == [4000, 200]

    def test_by_a_hold_can_be_captured_here(self, tenant: Tenant, seller: str) -> None:
        payment_id = pay_past_us(seller, capture_method="manual")
        everything_arrives(seller)
        assert Transaction.objects.get().status == "requires_capture"
        answer = tenant.post(f"/transactions/{payment_id}/capture", {"amount": 4000})
        assert (answer.status_code, answer.json()["data"]["amount_received"]) == (200, 4000)
        everything_arrives(seller)
        assert [name for name, _ in told()] == ["payment.capturable", "payment.succeeded"]

    def test_keeps_its_account_from_being_deleted_while_its_money_is_held(self, tenant: Tenant, seller: str) -> None:
        asked: Any = {
            "amount": 4200,
            "currency": "usd",
            "capture_method": "manual",
            "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
        }
        at: Any = {"stripe_account": seller}
        payment_id = stripe_client().v1.payment_intents.create(asked, at).id
        with clock.moved_ahead(timedelta(hours=3)):  # it was recorded so much later
            everything_arrives(seller)
            stripe_client().v1.payment_intents.confirm(payment_id, {"payment_method": "pm_card_visa"}, at)
            answer = tenant.delete(f"/connected-accounts/{seller}")
        assert (answer.status_code, answer.json()["details"]["code"]) == (409, "account_in_use")
        assert Transaction.objects.get().status == "requires_capture"

    def test_of_another_amount_is_not_taken_for_one_whose_answer_was_lost(
        self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with stripe_fails(monkeypatch, time_out_before, path="/v1/payment_intents"):
            tenant.post("/transactions", {"order_id": "1", "account_id": seller, "amount": 1000})
        operation = Operation.objects.get(kind="payment_intent.create")
        pay_past_us(seller, amount=50, metadata={"commercecore_operation": operation.pk})
        everything_arrives(seller)
        assert list(Transaction.objects.order_by("pk").values_list("amount_minor", "status", "external")) == [
            (1000, "creating", False),
            (50, "succeeded", True),
        ]
        assert reads.find_payment_intent(operation) is None

    def test_that_names_an_operation_of_another_account_is_not_taken_for_it(self, tenant: Tenant, seller: str) -> None:
        tenant.create_payment(seller)
        operation = Operation.objects.get(kind="payment_intent.create")
        elsewhere = tenant.create_seller("other@example.com")
        pay_past_us(elsewhere, metadata={"commercecore_operation": operation.pk})
        everything_arrives(elsewhere)
        first, second = Transaction.objects.order_by("pk")
        assert (first.external, first.status) == (False, "requires_payment_method")
        assert (second.external, second.account.stripe_account_id) == (True, elsewhere)

    def test_that_names_an_operation_which_made_another_payment_is_not_taken_for_it(self, tenant: Tenant, seller: str) -> None:
        tenant.create_payment(seller)
        operation = Operation.objects.get(kind="payment_intent.create")
        pay_past_us(seller, metadata={"commercecore_operation": operation.pk})
        everything_arrives(seller)
        assert list(Transaction.objects.order_by("pk").values_list("external", "status")) == [
            (False, "requires_payment_method"),
            (True, "succeeded"),
        ]
