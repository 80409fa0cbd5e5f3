"""POST /transactions/confirm, and GET /transactions/{id} after it."""

from datetime import timedelta
from typing import Any
from unittest import mock

import pytest
from django.core.management import call_command

from accounts.models import ConnectedAccount
from commercecore_payments import clock
from commercecore_payments.tests.tenants import Tenant, charges_at_stripe, intent_at_stripe
from gateway import operations
from gateway.client import stripe_client
from gateway.models import Operation
from gateway.outcomes import Outcome
from transactions.models import Transaction

DECLINES = [
    ("pm_card_visa_chargeDeclined", "card_declined", "generic_decline"),
    ("pm_card_chargeDeclined", "card_declined", "generic_decline"),
    ("pm_card_visa_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
    ("pm_card_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
    ("pm_card_visa_chargeDeclinedLostCard", "card_declined", "lost_card"),
    ("pm_card_visa_chargeDeclinedStolenCard", "card_declined", "stolen_card"),
    ("pm_card_chargeDeclinedExpiredCard", "expired_card", ""),
    ("pm_card_chargeDeclinedIncorrectCvc", "incorrect_cvc", ""),
    ("pm_card_chargeDeclinedProcessingError", "processing_error", ""),
    ("pm_card_visa_chargeDeclinedVelocityLimitExceeded", "card_declined", "card_velocity_exceeded"),
    ("pm_card_chargeCustomerFail", "card_declined", "generic_decline"),
]
SUCCESSES = ["pm_card_visa", "pm_card_mastercard", "pm_card_amex", "pm_card_visa_debit", "pm_card_bypassPending"]
CHALLENGES = ["pm_card_authenticationRequired", "pm_card_authenticationRequiredOnSetup", "pm_card_threeDSecure2Required"]


def challenge_url(response: Any) -> str:
    """The path of the sandbox's challenge page that a confirmation leads to."""
    action = response.json()["data"]["next_action"]
    kind = action["type"]
    url = action["redirect_to_url"]["url"] if kind == "redirect_to_url" else action["use_stripe_sdk"]["stripe_js"]
    return str(url).removeprefix("http://127.0.0.1:8000")


def held_up_until_recovered() -> Any:
    """The next sending comes too late: recovery has taken the operation over meanwhile."""
    whole = operations.send
    is_first = iter([True])

    def send(operation: Operation) -> Outcome:
        if not next(is_first, False):
            return whole(operation)
        with clock.moved_ahead(timedelta(minutes=1, seconds=1)):
            call_command("recover_operations")
        return operations._held_back(operation)

    return mock.patch.object(operations, "send", send)


class TestConfirming:
    @pytest.mark.parametrize("card", SUCCESSES)
    def test_a_good_card_pays(self, tenant: Tenant, seller: str, card: str) -> None:
        transaction_id = tenant.create_payment(seller)
        response = tenant.confirm(seller, transaction_id, card)
        assert (response.status_code, response.json()["data"]["status"]) == (200, "succeeded")
        payment = Transaction.objects.get()
        assert (payment.status, payment.amount_received_minor) == ("succeeded", 1000)
        assert payment.stripe_charge_id == intent_at_stripe(seller, transaction_id)["latest_charge"]

    @pytest.mark.parametrize(("card", "code", "decline_code"), DECLINES)
    def test_a_declined_card_is_told_and_may_be_followed_by_another(
        self, tenant: Tenant, seller: str, card: str, code: str, decline_code: str
    ) -> None:
        transaction_id = tenant.create_payment(seller)
        response = tenant.confirm(seller, transaction_id, card)
        details = response.json()["details"]
        assert response.status_code == 402
        assert (details["code"], details["stripe_code"]) == ("card_declined", code)
        assert not decline_code or details["decline_code"] == decline_code
        assert (details["transaction_id"], details["status"]) == (transaction_id, "requires_payment_method")
        payment = Transaction.objects.get()
        assert (payment.status, payment.error_code, payment.amount_received_minor) == ("requires_payment_method", code, 0)
        assert intent_at_stripe(seller, transaction_id)["amount_received"] == 0
        assert Operation.objects.get(kind="payment_intent.confirm").status == "declined"

        assert tenant.confirm(seller, transaction_id).json()["data"]["status"] == "succeeded"
        payment.refresh_from_db()
        assert (payment.status, payment.error_code) == ("succeeded", "")

    @pytest.mark.parametrize("from_saved_card", [False, True])
    def test_a_process_that_was_held_up_until_recovery_had_sent_it_tells_the_success(
        self, tenant: Tenant, seller: str, from_saved_card: bool
    ) -> None:
        """With a saved card it is the clone that it was held up before."""
        saved = tenant.post("/payment-methods", {"payment_method_id": "pm_card_visa"}).json()["data"]["payment_method_id"]
        card = saved if from_saved_card else "pm_card_visa"
        transaction_id = tenant.create_payment(seller)
        with held_up_until_recovered():
            response = tenant.confirm(seller, transaction_id, card)
        assert (response.status_code, response.json()["data"]["status"]) == (200, "succeeded")
        assert len(charges_at_stripe(seller, transaction_id)) == 1
        held_up = Operation.objects.get(kind="payment_method.clone" if from_saved_card else "payment_intent.confirm")
        assert (held_up.status, held_up.attempts) == ("succeeded", 2)
        assert Transaction.objects.get().amount_received_minor == 1000

    def test_before_the_seller_is_onboarded_is_refused_in_the_documented_words(self, tenant: Tenant) -> None:
        seller = tenant.create_seller(onboarded=False)
        transaction_id = tenant.create_payment(seller)
        response = tenant.confirm(seller, transaction_id)
        assert (response.status_code, response.json()["details"]["code"]) == (400, "confirmation_refused")
        assert response.json()["detail"].startswith("An error occurred while confirming the payment intentRequest req_")
        assert response.json()["detail"].endswith("also check if you havecompleted the onboarding process")
        assert Transaction.objects.get().status == "requires_payment_method"

    def test_an_unknown_payment_method_is_refused(self, tenant: Tenant, seller: str) -> None:
        transaction_id = tenant.create_payment(seller)
        response = tenant.confirm(seller, transaction_id, "pm_1nobodyknowsthis")
        assert (response.status_code, response.json()["details"]["stripe_code"]) == (400, "resource_missing")
        assert Operation.objects.get(kind="payment_intent.confirm").status == "rejected"
        assert Transaction.objects.get().status == "requires_payment_method"

    def test_at_another_account_of_the_developers_is_not_found(self, tenant: Tenant, seller: str) -> None:
        transaction_id = tenant.create_payment(seller)
        response = tenant.confirm(tenant.create_seller("other@example.com"), transaction_id)
        assert (response.status_code, response.json()["details"]["code"]) == (404, "transaction_not_found")
        assert intent_at_stripe(seller, transaction_id)["status"] == "requires_payment_method"

    def test_by_another_developer_is_not_found(self, tenant: Tenant, seller: str) -> None:
        transaction_id = tenant.create_payment(seller)
        stranger = Tenant.create()
        assert stranger.confirm(seller, transaction_id).status_code == 404
        assert stranger.get(f"/transactions/{transaction_id}").status_code == 404
        assert intent_at_stripe(seller, transaction_id)["status"] == "requires_payment_method"

    def test_what_was_paid_past_us_is_already_confirmed(self, tenant: Tenant, seller: str) -> None:
        transaction_id = tenant.create_payment(seller)
        stripe_client().v1.payment_intents.confirm(transaction_id, {"payment_method": "pm_card_visa"}, {"stripe_account": seller})
        response = tenant.in_version("2026-12-01").confirm(seller, transaction_id)
        assert (response.status_code, response.json()["details"]["code"]) == (409, "already_confirmed")
        assert Transaction.objects.get().amount_received_minor == 1000

    def test_what_was_canceled_at_stripe_is_a_conflict(self, tenant: Tenant, seller: str) -> None:
        transaction_id = tenant.create_payment(seller)
        stripe_client().v1.payment_intents.cancel(transaction_id, {}, {"stripe_account": seller})
        tenant.get(f"/transactions/{transaction_id}")
        response = tenant.confirm(seller, transaction_id)
        assert (response.status_code, response.json()["details"]["code"]) == (409, "transaction_canceled")
        assert not Transaction.objects.get().holds_order

    def test_at_an_account_that_stripe_took_from_us_is_told_as_the_operators_to_mend(self, tenant: Tenant, seller: str) -> None:
        transaction_id = tenant.create_payment(seller)
        stripe_client().v1.accounts.delete(seller)
        response = tenant.confirm(seller, transaction_id)
        assert (response.status_code, response.json()["details"]["code"]) == (502, "stripe_refused_access")
        assert ConnectedAccount.objects.get().status == "active"


class TestAChallenge:
    @pytest.mark.parametrize("card", CHALLENGES)
    def test_that_is_passed_completes_the_payment(self, tenant: Tenant, seller: str, card: str) -> None:
        transaction_id = tenant.create_payment(seller, return_url="https://shop.example/back?cart=7")
        response = tenant.confirm(seller, transaction_id, card)
        data = response.json()["data"]
        assert (response.status_code, data["status"]) == (200, "requires_action")
        assert data["message"] == "Payment requires action by the buyer"
        assert data["client_secret"].startswith(f"{transaction_id}_secret_")
        assert data["next_action"]["redirect_to_url"]["return_url"] == "https://shop.example/back?cart=7"
        assert tenant.get(f"/transactions/{transaction_id}").json()["data"]["status"] == "requires_action"

        page = challenge_url(response)
        assert tenant.client.get(page).status_code == 200
        back = tenant.client.post(page, {"outcome": "complete"})
        assert back.status_code == 302
        assert back["Location"].startswith(f"https://shop.example/back?cart=7&payment_intent={transaction_id}")
        assert back["Location"].endswith("redirect_status=succeeded")
        after = tenant.get(f"/transactions/{transaction_id}").json()["data"]
        assert (after["status"], after["amount_received"]) == ("succeeded", 1000)
        assert Transaction.objects.get().status == "succeeded"

    def test_that_fails_leaves_the_payment_open_for_another_card(self, tenant: Tenant, seller: str) -> None:
        transaction_id = tenant.create_payment(seller, return_url="https://shop.example/back")
        response = tenant.confirm(seller, transaction_id, "pm_card_threeDSecure2Required")
        back = tenant.client.post(challenge_url(response), {"outcome": "fail"})
        assert back["Location"].endswith("redirect_status=failed")
        after = tenant.get(f"/transactions/{transaction_id}").json()["data"]
        assert (after["status"], after["last_error"]["code"]) == (
            "requires_payment_method",
            "payment_intent_authentication_failure",
        )
        assert tenant.confirm(seller, transaction_id).json()["data"]["status"] == "succeeded"

    def test_that_is_passed_may_still_meet_a_decline(self, tenant: Tenant, seller: str) -> None:
        transaction_id = tenant.create_payment(seller, return_url="https://shop.example/back")
        response = tenant.confirm(seller, transaction_id, "pm_card_threeDSecureRequiredChargeDeclined")
        tenant.client.post(challenge_url(response), {"outcome": "complete"})
        after = tenant.get(f"/transactions/{transaction_id}").json()["data"]
        assert (after["status"], after["last_error"]["code"]) == ("requires_payment_method", "card_declined")

    def test_without_a_return_url_is_the_client_librarys_to_show(self, tenant: Tenant, seller: str) -> None:
        transaction_id = tenant.create_payment(seller)
        response = tenant.confirm(seller, transaction_id, "pm_card_threeDSecure2Required")
        assert response.json()["data"]["next_action"]["type"] == "use_stripe_sdk"
        assert tenant.client.post(challenge_url(response), {"outcome": "complete"}).status_code == 200
        assert tenant.get(f"/transactions/{transaction_id}").json()["data"]["status"] == "succeeded"

    def test_that_was_passed_is_known_when_the_payment_is_refunded(self, tenant: Tenant, seller: str) -> None:
        transaction_id = tenant.create_payment(seller, return_url="https://shop.example/back")
        response = tenant.confirm(seller, transaction_id, "pm_card_threeDSecure2Required")
        tenant.client.post(challenge_url(response), {"outcome": "complete"})
        assert tenant.refund(seller, amount=400).json()["data"]["status"] == "succeeded"
        assert Transaction.objects.get().amount_refunded_minor == 400


class TestASavedCard:
    def save(self, tenant: Tenant, card: str = "pm_card_visa") -> str:
        saved: str = tenant.post("/payment-methods", {"payment_method_id": card}).json()["data"]["payment_method_id"]
        return saved

    def test_is_cloned_to_the_seller_and_pays(self, tenant: Tenant, seller: str) -> None:
        saved = self.save(tenant)
        transaction_id = tenant.create_payment(seller)
        response = tenant.confirm(seller, transaction_id, saved)
        assert (response.status_code, response.json()["data"]["status"]) == (200, "succeeded")
        clone = Operation.objects.get(kind="payment_method.clone")
        assert (clone.stripe_account, clone.status) == (seller, "succeeded")
        assert intent_at_stripe(seller, transaction_id)["payment_method"] == clone.result_id != saved

    def test_pays_more_than_once(self, tenant: Tenant, seller: str) -> None:
        saved = self.save(tenant)
        for order_id in ("1", "2"):
            transaction_id = tenant.create_payment(seller, order_id=order_id)
            assert tenant.confirm(seller, transaction_id, saved).json()["data"]["status"] == "succeeded"

    def test_whose_challenge_was_passed_pays_at_once(self, tenant: Tenant, seller: str) -> None:
        data = tenant.post("/payment-methods", {"payment_method_id": "pm_card_authenticationRequiredOnSetup"}).json()["data"]
        page = data["next_action"]["use_stripe_sdk"]["stripe_js"].removeprefix("http://127.0.0.1:8000")
        tenant.client.post(page, {"outcome": "complete"})
        transaction_id = tenant.create_payment(seller)
        assert tenant.confirm(seller, transaction_id, data["payment_method_id"]).status_code == 200
        assert Operation.objects.filter(kind="payment_method.clone").count() == 1

    def test_that_fails_later_is_a_decline(self, tenant: Tenant, seller: str) -> None:
        saved = self.save(tenant, "pm_card_chargeCustomerFail")
        transaction_id = tenant.create_payment(seller)
        assert tenant.confirm(seller, transaction_id, saved).status_code == 402
        assert intent_at_stripe(seller, transaction_id)["amount_received"] == 0

    def test_of_another_user_does_not_pay(self, tenant: Tenant, seller: str) -> None:
        saved = self.save(tenant.as_user("usr_bob"))
        transaction_id = tenant.create_payment(seller)
        response = tenant.confirm(seller, transaction_id, saved)
        assert (response.status_code, response.json()["details"]["stripe_code"]) == (400, "resource_missing")
        assert intent_at_stripe(seller, transaction_id)["amount_received"] == 0

    def test_of_another_developers_user_of_the_same_name_does_not_pay(self, tenant: Tenant, seller: str) -> None:
        saved = self.save(Tenant.create())
        transaction_id = tenant.create_payment(seller)
        assert tenant.confirm(seller, transaction_id, saved).status_code == 400
        assert intent_at_stripe(seller, transaction_id)["amount_received"] == 0
