"""What the staff does with a payment: previewed, done as the API does it, and on record as the operator's."""

from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.utils.html import strip_tags

from commercecore_payments.admin.confirmation import CHANGED
from commercecore_payments.tests.admin_pages import perform, receive_newest, record_page
from commercecore_payments.tests.tenants import Tenant, charges_at_stripe, intent_at_stripe, refunds_at_stripe
from disputes.models import Dispute
from disputes.tests.told import pay_disputed
from gateway.client import stripe_client
from gateway.models import Kind, Operation
from gateway.tests.faults import answer, stripe_fails
from refunds.models import Refund
from sandbox.faults.plans import order
from staff.tests.people import member, told
from stripe_events.applying import apply_now
from transactions.models import Transaction
from webhooks.models import Event


@pytest.fixture
def finance(tenant: Tenant) -> Client:
    return member("anna")


def payment() -> Transaction:
    found: Transaction = Transaction.objects.get()
    return found


@pytest.fixture
def held(tenant: Tenant, seller: str) -> Transaction:
    """A payment of 10.00 USD whose money is held, with a fee of 1.00."""
    transaction_id = tenant.create_payment(seller, capture_method="manual", application_fee_amount=100)
    assert tenant.confirm(seller, transaction_id).json()["data"]["status"] == "requires_capture"
    return payment()


def preview(client: Client, action: str) -> str:
    """What the page that asks says, in one line."""
    response = client.get(record_page(payment(), action))
    assert response.status_code == 200
    return " ".join(unescape(strip_tags(response.content.decode())).split())


def pay_with_fee(tenant: Tenant, seller: str, card: str = "pm_card_visa") -> Transaction:
    """A payment of 10.00 USD with a fee of 1.00."""
    tenant.confirm(seller, tenant.create_payment(seller, application_fee_amount=100), card)
    return payment()


class TestTheRefundsPreview:
    def test_tells_what_is_left_and_what_goes_back_of_the_fee(self, tenant: Tenant, seller: str, finance: Client) -> None:
        pay_with_fee(tenant, seller, "pm_card_bypassPending")
        tenant.refund(seller, amount=400)
        page = preview(finance, "refund")
        facts = ("Received 10.00 USD", "Refunded so far 4.00 USD", "Can be refunded 6.00 USD")
        fee = "Application fee 1.00 USD; 0.60 USD of it for 6.00 USD, if you give it back"
        assert [fact for fact in (*facts, fee, "At most 6.00 USD.") if fact not in page] == []
        assert 'value="6.00"' in finance.get(record_page(payment(), "refund")).content.decode()

    def test_warns_where_the_sellers_balance_is_too_low(self, tenant: Tenant, seller: str, finance: Client) -> None:
        tenant.pay(seller)  # of which nothing is available for days
        page = preview(finance, "refund")
        assert "Seller's balance at Stripe 0.00 USD" in page
        assert "lower than 10.00 USD. A refund of more than there is takes it below zero" in page

    def test_does_not_warn_where_it_is_enough(self, tenant: Tenant, seller: str, finance: Client) -> None:
        tenant.confirm(seller, tenant.create_payment(seller), "pm_card_bypassPending")
        record = payment()
        other = tenant.create_payment(seller, order_id="other")  # without it Stripe's own fee would be missing
        tenant.confirm(seller, other, "pm_card_bypassPending")
        page = unescape(finance.get(record_page(record, "refund")).content.decode())
        assert "Seller's balance at Stripe" in page
        assert "the refund stays pending" not in page

    def test_says_where_the_balance_cannot_be_read(self, tenant: Tenant, seller: str, finance: Client) -> None:
        tenant.pay(seller)
        order("refuse_connection", method="GET", path="/v1/balance")
        assert "Seller's balance at Stripe Could not be read: Stripe could not be asked." in preview(finance, "refund")

    def test_warns_of_an_open_dispute_which_stripe_then_refuses(self, tenant: Tenant, seller: str, finance: Client) -> None:
        pay_disputed(tenant, seller)
        apply_now(receive_newest(seller, "charge.dispute.created"))
        assert "Stripe refuses to refund what the buyer's bank has taken back" in preview(finance, "refund")
        response = perform(finance, payment(), "refund", {"amount": "1.00"})
        assert "charged back" in told(response)[-1]
        assert refunds_at_stripe(seller, payment().stripe_payment_intent_id) == []

    def test_is_not_offered_for_what_a_bank_has_taken_back(self, tenant: Tenant, seller: str, finance: Client) -> None:
        pay_disputed(tenant, seller)
        apply_now(receive_newest(seller, "charge.dispute.created"))
        page = record_page(payment(), "refund")
        assert page in finance.get(record_page(payment())).content.decode()
        Dispute.objects.update(status="lost")
        assert page not in finance.get(record_page(payment())).content.decode()


class TestARefund:
    def test_of_a_part_goes_to_stripe_as_the_api_sends_it(self, tenant: Tenant, seller: str, finance: Client) -> None:
        record = pay_with_fee(tenant, seller)
        answers = {"amount": "2.50", "stripe_reason": "duplicate", "refund_application_fee": "on"}
        response = perform(finance, record, "refund", answers)
        refund, operation = Refund.objects.get(), Operation.objects.get(kind=Kind.REFUND_CREATE)
        assert told(response) == [f"The refund of 2.50 USD has succeeded: {refund.stripe_refund_id}."]
        assert operation.parameters == {
            "payment_intent": record.stripe_payment_intent_id,
            "amount": 250,
            "metadata": {"commercecore_operation": operation.pk},
            "reason": "duplicate",
            "refund_application_fee": True,
        }
        assert (operation.operator, operation.app, refund.operator, refund.user_id) == ("anna", tenant.app, "anna", "")
        assert payment().amount_refunded_minor == 250
        assert Event.objects.get(type="refund.processed").app == tenant.app

    def test_of_a_payment_that_was_made_past_the_service_has_no_app(self, seller: str, tenant: Tenant, finance: Client) -> None:
        made: Any = {"amount": 700, "currency": "usd", "payment_method": "pm_card_visa", "confirm": True,
                     "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"}}  # fmt: skip
        stripe_client().v1.payment_intents.create(made, {"stripe_account": seller})
        apply_now(receive_newest(seller, "payment_intent.succeeded"))
        assert payment().external is True
        perform(finance, payment(), "refund", {"amount": "7.00"})
        refund = Refund.objects.get()
        assert (refund.app, refund.external, refund.status) == (None, False, "succeeded")
        assert refunds_at_stripe(seller, payment().stripe_payment_intent_id) == [700]
        assert Event.objects.get(type="refund.processed").app == tenant.app

    def test_that_the_api_asked_for_meanwhile_leaves_less(self, tenant: Tenant, seller: str, finance: Client) -> None:
        tenant.pay(seller)
        form = {
            "amount": "8.00",
            "reason": "x",
            "form_token": finance.get(record_page(payment(), "refund")).context["form_token"],
        }
        tenant.refund(seller, amount=400)
        assert told(finance.post(record_page(payment(), "refund"), form))[0].startswith(CHANGED)
        again = {**form, "form_token": finance.get(record_page(payment(), "refund")).context["form_token"]}
        response = finance.post(record_page(payment(), "refund"), again)
        assert response.context["form"].errors == {"amount": ["Ensure this value is less than or equal to 6.00."]}
        assert refunds_at_stripe(seller, payment().stripe_payment_intent_id) == [400]


class TestACapture:
    def test_takes_a_part_and_releases_the_rest(self, seller: str, held: Transaction, finance: Client) -> None:
        page, facts = preview(finance, "capture"), ("Held 10.00 USD", "Held until", "At most 10.00 USD. The rest is released")
        assert [fact for fact in facts if fact not in page] == []
        response = perform(finance, held, "capture", {"amount": "4.00"})
        assert told(response) == [f"4.00 USD were captured of {held}."]
        [charge] = charges_at_stripe(seller, held.stripe_payment_intent_id)
        assert (charge["amount_captured"], charge["amount_refunded"]) == (400, 600)
        operation = Operation.objects.get(kind=Kind.PAYMENT_INTENT_CAPTURE)
        assert (operation.operator, operation.parameters) == ("anna", {"amount_to_capture": 400})

    def test_of_more_than_is_held_is_refused(self, seller: str, held: Transaction, finance: Client) -> None:
        response = perform(finance, held, "capture", {"amount": "10.01"})
        assert list(response.context["form"].errors) == ["amount"]
        assert intent_at_stripe(seller, held.stripe_payment_intent_id)["status"] == "requires_capture"

    def test_that_stripe_refuses_tells_why(
        self, seller: str, held: Transaction, finance: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        refused = answer(400, {"type": "invalid_request_error", "message": "This hold has lapsed."})
        with stripe_fails(monkeypatch, refused, path="/capture"):
            response = perform(finance, held, "capture", {"amount": "4.00"})
        assert told(response) == ["This hold has lapsed."]


class TestACancellation:
    def test_frees_the_hold_and_the_order(self, seller: str, held: Transaction, finance: Client) -> None:
        response = perform(finance, held, "cancel", {"stripe_reason": "abandoned"})
        assert told(response) == [f"{held} is canceled."]
        intent = intent_at_stripe(seller, held.stripe_payment_intent_id)
        assert (intent["status"], intent["cancellation_reason"]) == ("canceled", "abandoned")
        assert (payment().holds_order, Operation.objects.get(kind=Kind.PAYMENT_INTENT_CANCEL).operator) == (False, "anna")


class TestThePage:
    @pytest.mark.parametrize(
        ("state", "expected"),
        [("paid", {"refund"}), ("held", {"capture", "cancel"}), ("new", {"cancel"}), ("refunded", set())],
    )
    def test_offers_what_is_possible(self, tenant: Tenant, seller: str, finance: Client, state: str, expected: set[str]) -> None:
        transaction_id = tenant.create_payment(seller, capture_method="manual" if state == "held" else "automatic")
        if state != "new":
            tenant.confirm(seller, transaction_id)
        if state == "refunded":
            tenant.refund(seller)
        page = finance.get(record_page(payment())).content.decode()
        money = ("refund", "capture", "cancel")
        assert {name for name in money if f'href="{record_page(payment(), name)}"' in page} == expected

    def test_of_a_refund_reads_it_anew(self, tenant: Tenant, seller: str, finance: Client) -> None:
        tenant.confirm(seller, tenant.create_payment(seller), "pm_card_pendingRefund")
        tenant.refund(seller)
        Refund.objects.update(status="pending")
        refund = Refund.objects.get()
        assert told(perform(finance, refund, "read_from_stripe")) == [f"{refund} at Stripe: {Refund.objects.get().status}."]
