"""POST /transactions."""

from dataclasses import replace
from typing import Any

import pytest

from accounts.models import ConnectedAccount
from commercecore_payments.tests.tenants import Tenant, intent_at_stripe
from gateway.client import stripe_client
from gateway.models import Operation
from sandbox.orders import create_order
from transactions.errors import OrderTaken
from transactions.models import CaptureMethod, Transaction
from transactions.operations import PaymentRequest, create_transaction


def intents_of(seller: str) -> int:
    """How many payment intents Stripe itself holds for a seller."""
    return len(stripe_client().v1.payment_intents.list({}, {"stripe_account": seller}).data)


class TestCreatingATransaction:
    def test_makes_a_payment_intent_at_the_seller(self, tenant: Tenant, seller: str) -> None:
        transaction_id = tenant.create_payment(seller, order_id="o-1", amount=1250, currency="EUR", metadata={"cart": "7"})
        intent = intent_at_stripe(seller, transaction_id)
        assert (intent["amount"], intent["currency"], intent["status"]) == (1250, "eur", "requires_payment_method")
        operation = Operation.objects.get(kind="payment_intent.create")
        assert intent["metadata"] == {"cart": "7", "commercecore_order": "o-1", "commercecore_operation": operation.pk}
        assert (operation.status, operation.result_id, operation.user_id) == ("succeeded", transaction_id, "usr_ada")
        assert (operation.developer, operation.app) == (tenant.developer, tenant.app)

    def test_uses_the_accounts_currency_where_none_is_named(self, tenant: Tenant, seller: str) -> None:
        tenant.create_payment(seller)
        assert Transaction.objects.get().currency == "usd"

    def test_stores_no_client_secret(self, tenant: Tenant, seller: str) -> None:
        body = {"order_id": "1", "account_id": seller, "amount": 1000}
        secret = tenant.post("/transactions", body).json()["data"]["client_secret"]
        stored = [str(row) for model in (Transaction, Operation) for row in model.objects.values()]
        assert secret not in "".join(stored)

    @pytest.mark.parametrize("amount", [1000, "1000"])
    def test_takes_the_amount_as_number_or_text(self, tenant: Tenant, seller: str, amount: Any) -> None:
        tenant.create_payment(seller, amount=amount)
        assert Transaction.objects.get().amount_minor == 1000

    def test_works_for_a_seller_who_is_not_onboarded_yet(self, tenant: Tenant) -> None:
        seller = tenant.create_seller(onboarded=False)
        assert tenant.create_payment(seller).startswith("pi_")

    @pytest.mark.parametrize(
        ("currency", "amount", "accepted"),
        [
            ("usd", 49, False),
            ("usd", 50, True),
            ("usd", 99_999_999, True),
            ("usd", 100_000_000, False),
            ("jpy", 49, False),
            ("jpy", 50, True),
            ("kwd", 1001, False),
            ("kwd", 1000, True),
            ("isk", 1050, False),
            ("isk", 1100, True),
            ("huf", 17_499, False),
            ("huf", 17_500, True),
        ],
    )
    def test_keeps_to_stripes_amounts(self, tenant: Tenant, seller: str, currency: str, amount: int, accepted: bool) -> None:
        body = {"order_id": "1", "account_id": seller, "amount": amount, "currency": currency}
        response = tenant.post("/transactions", body)
        assert response.status_code == (201 if accepted else 400)
        assert ("amount" in response.json().get("details", {}).get("fields", {})) is not accepted
        assert intents_of(seller) == Transaction.objects.count() == (1 if accepted else 0)


class TestTheSameOrderAgain:
    def test_is_handed_back_the_same_transaction(self, tenant: Tenant, seller: str) -> None:
        body = {"order_id": "1", "account_id": seller, "amount": 1000}
        first, second = tenant.post("/transactions", body), tenant.post("/transactions", body)
        assert (first.status_code, second.status_code) == (201, 201)
        assert first.json()["data"] == second.json()["data"]
        assert intents_of(seller) == Transaction.objects.count() == 1

    def test_with_another_amount_changes_it_at_stripe(self, tenant: Tenant, seller: str) -> None:
        transaction_id = tenant.create_payment(seller, amount=1000, metadata={"cart": "7"})
        assert tenant.create_payment(seller, amount=1500, metadata={"cart": "8"}) == transaction_id
        intent = intent_at_stripe(seller, transaction_id)
        assert (intent["amount"], intent["metadata"]["cart"]) == (1500, "8")
        payment = Transaction.objects.get()
        assert (payment.amount_minor, payment.metadata) == (1500, {"cart": "8"})
        assert Operation.objects.filter(kind="payment_intent.update", status="succeeded").count() == 1

    @pytest.mark.parametrize("change", [{"currency": "eur"}, {"return_url": "https://shop.example/back"}])
    def test_asked_otherwise_is_a_conflict(self, tenant: Tenant, seller: str, change: dict[str, str]) -> None:
        transaction_id = tenant.create_payment(seller)
        body = {"order_id": "2227222", "account_id": seller, "amount": "1000", **change}
        response = tenant.post("/transactions", body)
        assert (response.status_code, response.json()["details"]["code"]) == (409, "order_taken")
        assert response.json()["details"]["transaction_id"] == transaction_id
        assert intents_of(seller) == 1

    def test_from_another_user_is_a_conflict(self, tenant: Tenant, seller: str) -> None:
        tenant.create_payment(seller)
        body = {"order_id": "2227222", "account_id": seller, "amount": "1000"}
        response = tenant.as_user("usr_bob").post("/transactions", body)
        assert (response.status_code, response.json()["details"]["code"]) == (409, "order_taken")
        assert "transaction_id" not in response.json()["details"]
        assert intents_of(seller) == 1

    def test_that_is_paid_is_a_conflict(self, tenant: Tenant, seller: str) -> None:
        tenant.pay(seller)
        body = {"order_id": "2227222", "account_id": seller, "amount": "1000"}
        response = tenant.post("/transactions", body)
        assert (response.status_code, response.json()["details"]["status"]) == (409, "succeeded")
        assert intents_of(seller) == 1

    def test_that_was_paid_past_us_is_a_conflict(self, tenant: Tenant, seller: str) -> None:
        """A browser may confirm with the client secret: Stripe is asked before the order counts as unpaid."""
        transaction_id = tenant.create_payment(seller)
        stripe_client().v1.payment_intents.confirm(transaction_id, {"payment_method": "pm_card_visa"}, {"stripe_account": seller})
        body = {"order_id": "2227222", "account_id": seller, "amount": "1000"}
        assert tenant.post("/transactions", body).status_code == 409
        assert Transaction.objects.get().status == "succeeded"

    def test_is_free_once_it_was_wholly_refunded(self, tenant: Tenant, seller: str) -> None:
        first = tenant.pay(seller)
        assert tenant.refund(seller).status_code == 201
        assert tenant.pay(seller) != first
        assert Transaction.objects.count() == 2

    def test_is_not_free_while_a_part_is_left(self, tenant: Tenant, seller: str) -> None:
        tenant.pay(seller)
        assert tenant.refund(seller, amount=999).status_code == 201
        body = {"order_id": "2227222", "account_id": seller, "amount": "1000"}
        assert tenant.post("/transactions", body).status_code == 409

    def test_is_another_payment_at_another_seller_and_in_another_app(self, tenant: Tenant, seller: str) -> None:
        other_seller = tenant.create_seller("other@example.com")
        other_tenant = Tenant.create()
        first = tenant.create_payment(seller)
        assert tenant.create_payment(other_seller) != first
        assert other_tenant.create_payment(other_tenant.create_seller()) != first
        assert Transaction.objects.count() == 3


class TestAnOrderAlone:
    def make_order(self, tenant: Tenant, seller: str, **changes: Any) -> None:
        order = {"developer_id": tenant.developer.pk, "account_id": seller, "amount_minor": 4200, "currency": "eur"}
        create_order(**{**order, **changes}, order_id="o-1")

    def test_is_paid_as_the_sandboxs_order_says(self, tenant: Tenant, seller: str) -> None:
        self.make_order(tenant, seller)
        assert tenant.post("/transactions", {"order_id": "o-1"}).status_code == 201
        payment = Transaction.objects.get()
        assert (payment.amount_minor, payment.currency, payment.account.stripe_account_id) == (4200, "eur", seller)

    def test_that_nobody_knows_is_not_found(self, tenant: Tenant) -> None:
        response = tenant.post("/transactions", {"order_id": "o-1"})
        assert (response.status_code, response.json()["details"]["code"]) == (404, "order_not_found")

    def test_of_another_developer_is_not_found(self, tenant: Tenant, seller: str) -> None:
        self.make_order(tenant, seller)
        response = Tenant.create().post("/transactions", {"order_id": "o-1"})
        assert (response.status_code, response.json()["details"]["code"]) == (404, "order_not_found")
        assert not Transaction.objects.exists()

    def test_to_another_developers_seller_is_not_found(self, tenant: Tenant, seller: str) -> None:
        stranger = Tenant.create()
        self.make_order(stranger, seller)
        response = stranger.post("/transactions", {"order_id": "o-1"})
        assert (response.status_code, response.json()["details"]["code"]) == (404, "account_not_found")

    def test_whose_currency_is_contradicted_is_refused(self, tenant: Tenant, seller: str) -> None:
        self.make_order(tenant, seller)
        response = tenant.post("/transactions", {"order_id": "o-1", "currency": "usd"})
        assert response.status_code == 400
        assert list(response.json()["details"]["fields"]) == ["currency"]
        assert not Transaction.objects.exists()

    def test_needs_an_order_service_beside_the_real_stripe(self, tenant: Tenant, settings: Any) -> None:
        settings.STRIPE_SANDBOX = False
        response = tenant.post("/transactions", {"order_id": "o-1"})
        assert response.status_code == 400
        assert sorted(response.json()["details"]["fields"]) == ["account_id", "amount"]


class TestAPaymentThatIsOnlyHeld:
    def test_is_no_repeat_of_one_that_is_captured(self, tenant: Tenant, seller: str) -> None:
        account = ConnectedAccount.objects.get(stripe_account_id=seller)
        request = PaymentRequest("order-1", account, 1000, "usd", capture_method=CaptureMethod.MANUAL)
        payment, _ = create_transaction(request, actor=tenant.actor)
        assert payment.capture_method == "manual"
        assert intent_at_stripe(seller, payment.stripe_payment_intent_id)["capture_method"] == "manual"
        assert create_transaction(request, actor=tenant.actor)[0] == payment
        with pytest.raises(OrderTaken):
            create_transaction(replace(request, capture_method=CaptureMethod.AUTOMATIC), actor=tenant.actor)
        assert intents_of(seller) == 1
