"""What a caller may say about a payment besides its amount, and a confirmation without its buyer."""

from datetime import timedelta
from typing import Any

import pytest

from commercecore_payments import clock
from commercecore_payments.tests.tenants import Tenant, charges_at_stripe, intent_at_stripe
from gateway.client import stripe_client
from gateway.models import Operation
from gateway.tests.faults import stripe_fails, time_out_after, time_out_before
from transactions.models import Transaction
from transactions.tests.test_capture import code_of


def create(tenant: Tenant, seller: str, **more: Any) -> Any:
    return tenant.post("/transactions", {"order_id": "1", "account_id": seller, "amount": 1000, **more})


class TestAnApplicationFee:
    def test_goes_to_the_platform(self, tenant: Tenant, seller: str) -> None:
        transaction_id = create(tenant, seller, application_fee_amount=150).json()["data"]["transaction_id"]
        tenant.confirm(seller, transaction_id)
        [fee] = stripe_client().v1.application_fees.list({}).data
        assert (fee.amount, fee.account) == (150, seller)
        assert tenant.get(f"/transactions/{transaction_id}").json()["data"]["application_fee_amount"] == 150

    def test_goes_back_with_a_refund_that_says_so(self, tenant: Tenant, seller: str) -> None:
        transaction_id = create(tenant, seller, application_fee_amount=150).json()["data"]["transaction_id"]
        tenant.confirm(seller, transaction_id)
        tenant.refund(seller, order_id="1", amount=500)
        assert stripe_client().v1.application_fees.list({}).data[0].amount_refunded == 0
        tenant.refund(seller, order_id="1", refund_application_fee=True)
        assert stripe_client().v1.application_fees.list({}).data[0].amount_refunded == 75

    @pytest.mark.parametrize(("before", "after"), [(0, 200), (150, 200), (150, 0)])
    def test_may_be_changed_before_the_buyer_pays(self, tenant: Tenant, seller: str, before: int, after: int) -> None:
        first = create(tenant, seller, application_fee_amount=before).json()["data"]["transaction_id"]
        second = create(tenant, seller, **({"application_fee_amount": after} if after else {})).json()["data"]["transaction_id"]
        assert first == second
        assert intent_at_stripe(seller, first)["application_fee_amount"] == (after or None)
        assert Transaction.objects.get().application_fee_minor == after

    @pytest.mark.parametrize("fee", [1001, -1, "much"])
    def test_is_a_part_of_the_amount(self, tenant: Tenant, seller: str, fee: Any) -> None:
        response = create(tenant, seller, application_fee_amount=fee)
        assert code_of(response) == (400, "invalid_body")
        assert list(response.json()["details"]["fields"]) == ["application_fee_amount"]
        assert not Transaction.objects.exists()


class TestAStatementDescriptorSuffix:
    def test_stands_on_the_buyers_statement(self, tenant: Tenant, seller: str) -> None:
        transaction_id = create(tenant, seller, statement_descriptor_suffix="ORDER 1001").json()["data"]["transaction_id"]
        tenant.confirm(seller, transaction_id)
        [charge] = charges_at_stripe(seller, transaction_id)
        assert charge["statement_descriptor_suffix"] == "ORDER 1001"

    def test_may_be_changed_and_taken_away(self, tenant: Tenant, seller: str) -> None:
        seen = []
        for options in ({"statement_descriptor_suffix": "ONE"}, {"statement_descriptor_suffix": "TWO"}, {}):
            transaction_id = create(tenant, seller, **options).json()["data"]["transaction_id"]
            seen.append(intent_at_stripe(seller, transaction_id)["statement_descriptor_suffix"])
        assert seen == ["ONE", "TWO", None]
        assert Transaction.objects.get().statement_descriptor_suffix == ""

    @pytest.mark.parametrize("text", ["", "1001", "A" * 23, "A*B", "A<B", "Ä", 'A"B', "A\\B", "A\nB"])
    def test_follows_stripes_rules(self, tenant: Tenant, seller: str, text: str) -> None:
        assert code_of(create(tenant, seller, statement_descriptor_suffix=text)) == (400, "invalid_body")
        assert not Transaction.objects.exists()


class TestACaptureMethod:
    def test_belongs_to_the_payment_of_an_order(self, tenant: Tenant, seller: str) -> None:
        create(tenant, seller, capture_method="manual")
        assert code_of(create(tenant, seller)) == (409, "order_taken")
        assert code_of(create(tenant, seller, order_id="2", capture_method="automatic_async"))[0] == 400

    def test_is_automatic_unless_it_is_said(self, tenant: Tenant, seller: str) -> None:
        transaction_id = create(tenant, seller).json()["data"]["transaction_id"]
        assert tenant.get(f"/transactions/{transaction_id}").json()["data"]["capture_method"] == "automatic"


class TestAnUpdateWhoseCallFails:
    @pytest.mark.parametrize("fault", [time_out_before, time_out_after])
    def test_of_fee_and_suffix_is_continued_by_the_same_request(
        self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch, fault: Any
    ) -> None:
        create(tenant, seller, application_fee_amount=100, statement_descriptor_suffix="ONE")
        with stripe_fails(monkeypatch, fault, path="/payment_intents/pi_"):
            assert create(tenant, seller).status_code == 503
        with clock.moved_ahead(timedelta(days=1)):  # too late to send it again: only a look is left
            transaction_id = create(tenant, seller).json()["data"]["transaction_id"]
        found = intent_at_stripe(seller, transaction_id)
        assert (found["application_fee_amount"], found["statement_descriptor_suffix"]) == (None, None)


class TestAConfirmationWithoutItsBuyer:
    def confirm(self, tenant: Tenant, seller: str, transaction_id: str, card: str) -> Any:
        body = {"account_id": seller, "transaction_id": transaction_id, "payment_method_id": card, "off_session": True}
        return tenant.post("/transactions/confirm", body)

    def test_is_declined_where_a_challenge_would_be_needed(self, tenant: Tenant, seller: str) -> None:
        transaction_id = tenant.create_payment(seller)
        response = self.confirm(tenant, seller, transaction_id, "pm_card_authenticationRequired")
        assert code_of(response) == (402, "card_declined")
        assert response.json()["details"]["decline_code"] == "authentication_required"
        assert intent_at_stripe(seller, transaction_id)["status"] == "requires_payment_method"

    def test_charges_a_saved_card(self, tenant: Tenant, seller: str) -> None:
        saved = tenant.post("/payment-methods", {"payment_method_id": "pm_card_visa"}).json()["data"]["payment_method_id"]
        transaction_id = tenant.create_payment(seller)
        assert self.confirm(tenant, seller, transaction_id, saved).json()["data"]["status"] == "succeeded"
        assert Operation.objects.get(kind="payment_intent.confirm").parameters["off_session"] is True

    def test_is_another_than_one_with_its_buyer(self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch) -> None:
        transaction_id = tenant.create_payment(seller)
        with stripe_fails(monkeypatch, time_out_before, path="/confirm"):
            assert self.confirm(tenant, seller, transaction_id, "pm_card_visa").status_code == 503
        assert code_of(tenant.confirm(seller, transaction_id)) == (409, "operation_in_progress")
        with clock.moved_ahead(timedelta(seconds=91)):
            assert tenant.confirm(seller, transaction_id).json()["data"]["status"] == "succeeded"
        assert len(charges_at_stripe(seller, transaction_id)) == 1


class TestARequestUnderAKey:
    """What an earlier attempt of the same request has done is told, and not done again."""

    def repeated(self, tenant: Tenant, path: str, body: dict[str, Any], monkeypatch: pytest.MonkeyPatch, lost: str) -> Any:
        """The answer to a request whose first attempt's answer was lost behind `lost`, and was settled by a look."""
        key = {"Idempotency-Key": "key-1"}
        with stripe_fails(monkeypatch, time_out_after, path=lost):
            assert tenant.post(path, body, **key).status_code == 503
        return tenant.post(path, body, **key)

    def test_creates_one_payment_with_its_secret(self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch) -> None:
        body = {"order_id": "1", "account_id": seller, "amount": 1000}
        response = self.repeated(tenant, "/transactions", body, monkeypatch, "/payment_intents")
        data = response.json()["data"]
        assert (response.status_code, data["client_secret"].startswith(data["transaction_id"])) == (201, True)
        assert len(stripe_client().v1.payment_intents.list({}, {"stripe_account": seller}).data) == 1

    def test_confirms_once_and_says_so_again(self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch) -> None:
        transaction_id = tenant.create_payment(seller)
        body = {"account_id": seller, "transaction_id": transaction_id, "payment_method_id": "pm_card_visa"}
        key = {"Idempotency-Key": "key-1"}
        with stripe_fails(monkeypatch, time_out_after, path="/confirm"):
            assert tenant.post("/transactions/confirm", body, **key).status_code == 503
        assert tenant.get(f"/transactions/{transaction_id}").json()["data"]["status"] == "succeeded"
        response = tenant.post("/transactions/confirm", body, **key)
        assert (response.status_code, response.json()["data"]["status"]) == (200, "succeeded")
        assert len(charges_at_stripe(seller, transaction_id)) == 1

    def test_is_declined_again_as_it_was(self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch) -> None:
        transaction_id = tenant.create_payment(seller)
        body = {"account_id": seller, "transaction_id": transaction_id, "payment_method_id": "pm_card_chargeDeclined"}
        response = self.repeated(tenant, "/transactions/confirm", body, monkeypatch, "/confirm")
        assert code_of(response) == (402, "card_declined")
        assert len(charges_at_stripe(seller, transaction_id)) == 1


class TestAClone:
    def test_that_no_confirmation_has_used_is_used_by_the_next(
        self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        saved = tenant.post("/payment-methods", {"payment_method_id": "pm_card_visa"}).json()["data"]["payment_method_id"]
        transaction_id = tenant.create_payment(seller)
        with stripe_fails(monkeypatch, time_out_after, path="/payment_methods"):
            assert tenant.confirm(seller, transaction_id, saved).status_code == 503
        assert tenant.confirm(seller, transaction_id, saved).json()["data"]["status"] == "succeeded"
        clone = Operation.objects.get(kind="payment_method.clone")
        assert Operation.objects.get(kind="payment_intent.confirm").parameters["payment_method"] == clone.result_id

    def test_that_was_charged_is_not_used_again(self, tenant: Tenant, seller: str) -> None:
        card = {"payment_method_id": "pm_card_chargeCustomerFail"}
        saved = tenant.post("/payment-methods", card).json()["data"]["payment_method_id"]
        transaction_id = tenant.create_payment(seller)
        assert [tenant.confirm(seller, transaction_id, saved).status_code for _ in range(2)] == [402, 402]
        assert Operation.objects.filter(kind="payment_method.clone").count() == 2
