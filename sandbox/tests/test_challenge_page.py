"""The page on which a buyer answers the bank's challenge."""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client

from sandbox.tests.page_forms import RETURN, filled, path, text

Make = Callable[..., Any]


class TestTheChallenge:
    def answer(self, browser: Client, intent: Any, outcome: str) -> Any:
        """What the buyer's browser gets for an answer to the intent's challenge."""
        action = intent.next_action
        url = action.redirect_to_url.url if action.type == "redirect_to_url" else action.use_stripe_sdk["stripe_js"]
        form = filled(browser.get(path(url)))
        return browser.post(path(url), form | {"outcome": outcome})

    def told(self, response: Any) -> dict[str, str]:
        """What the way back tells the shop."""
        assert response.status_code == 302
        assert response["Location"].startswith("https://shop.example/back?step=2&")
        return {name: values[0] for name, values in parse_qs(urlsplit(response["Location"]).query).items()}

    @pytest.mark.parametrize("card", ["authenticationRequired", "authenticationRequiredOnSetup", "threeDSecure2Required"])
    def test_completed_takes_the_payment(self, browser: Client, v1: Any, at_seller: dict[str, str], pay: Make, card: str) -> None:
        payment = pay(f"pm_card_{card}", return_url=RETURN)
        told = self.told(self.answer(browser, payment, "complete"))
        assert told == {
            "step": "2",
            "payment_intent": payment.id,
            "payment_intent_client_secret": payment.client_secret,
            "redirect_status": "succeeded",
        }
        paid = v1.payment_intents.retrieve(payment.id, {"expand": ["latest_charge"]}, at_seller)
        assert (paid.status, paid.amount_received, paid.next_action) == ("succeeded", 1000, None)
        assert paid.latest_charge.payment_method_details.card.three_d_secure.result == "authenticated"

    def test_completed_holds_a_manual_payment(self, browser: Client, v1: Any, at_seller: dict[str, str], pay: Make) -> None:
        payment = pay("pm_card_authenticationRequired", return_url=RETURN, capture_method="manual")
        assert self.told(self.answer(browser, payment, "complete"))["redirect_status"] == "succeeded"
        assert v1.payment_intents.retrieve(payment.id, None, at_seller).status == "requires_capture"

    def test_failed_sends_the_payment_back(self, browser: Client, v1: Any, at_seller: dict[str, str], pay: Make) -> None:
        payment = pay("pm_card_authenticationRequired", return_url=RETURN)
        assert self.told(self.answer(browser, payment, "fail"))["redirect_status"] == "failed"
        failed = v1.payment_intents.retrieve(payment.id, None, at_seller)
        assert (failed.status, failed.payment_method, failed.latest_charge) == ("requires_payment_method", None, None)
        assert failed.last_payment_error.code == "payment_intent_authentication_failure"
        retried = v1.payment_intents.confirm(payment.id, {"payment_method": "pm_card_visa"}, at_seller)
        assert retried.status == "succeeded"

    def test_completed_may_still_be_declined(self, browser: Client, v1: Any, at_seller: dict[str, str], pay: Make) -> None:
        payment = pay("pm_card_threeDSecureRequiredChargeDeclined", return_url=RETURN)
        assert self.told(self.answer(browser, payment, "complete"))["redirect_status"] == "failed"
        declined = v1.payment_intents.retrieve(payment.id, {"expand": ["latest_charge"]}, at_seller)
        assert (declined.status, declined.last_payment_error.code) == ("requires_payment_method", "card_declined")
        assert (declined.latest_charge.status, declined.latest_charge.paid) == ("failed", False)

    def test_answered_twice_charges_once(self, browser: Client, v1: Any, at_seller: dict[str, str], pay: Make) -> None:
        payment = pay("pm_card_authenticationRequired", return_url=RETURN)
        for outcome in ("complete", "complete", "fail"):
            address = path(payment.next_action.redirect_to_url.url)
            assert Client().post(address, {"outcome": outcome}).status_code == 302
        assert len(v1.charges.list(None, at_seller).data) == 1
        assert v1.payment_intents.retrieve(payment.id, None, at_seller).status == "succeeded"
        assert self.told(browser.get(address))["redirect_status"] == "succeeded"

    def test_answered_after_a_cancel_changes_nothing(self, v1: Any, at_seller: dict[str, str], pay: Make) -> None:
        payment = pay("pm_card_authenticationRequired", return_url=RETURN)
        v1.payment_intents.cancel(payment.id, None, at_seller)
        response = Client().post(path(payment.next_action.redirect_to_url.url), {"outcome": "complete"})
        assert self.told(response)["redirect_status"] == "failed"
        assert v1.payment_intents.retrieve(payment.id, None, at_seller).status == "canceled"

    def test_replaced_by_a_newer_one_is_a_404(self, v1: Any, at_seller: dict[str, str], pay: Make) -> None:
        payment = pay("pm_card_authenticationRequired", return_url=RETURN)
        v1.payment_intents.confirm(payment.id, {"return_url": RETURN}, at_seller)
        response = Client().post(path(payment.next_action.redirect_to_url.url), {"outcome": "complete"})
        assert response.status_code == 404
        assert v1.payment_intents.retrieve(payment.id, None, at_seller).status == "requires_action"

    def test_without_a_way_back_says_so(self, browser: Client, v1: Any, at_seller: dict[str, str], pay: Make) -> None:
        payment = pay("pm_card_authenticationRequired")
        page = self.answer(browser, payment, "complete")
        assert page.status_code == 200
        assert "You may close this page" in text(page)
        assert v1.payment_intents.retrieve(payment.id, None, at_seller).status == "succeeded"

    def test_of_a_manually_confirmed_payment_waits_for_the_shop(
        self, browser: Client, v1: Any, at_seller: dict[str, str], pay: Make
    ) -> None:
        payment = pay("pm_card_authenticationRequired", return_url=RETURN, confirmation_method="manual")
        self.answer(browser, payment, "complete")
        assert v1.payment_intents.retrieve(payment.id, None, at_seller).status == "requires_confirmation"
        assert v1.payment_intents.confirm(payment.id, None, at_seller).status == "succeeded"

    def test_is_asked_anew_once_the_amount_changes(self, browser: Client, v1: Any, at_seller: dict[str, str], pay: Make) -> None:
        payment = pay("pm_card_authenticationRequired", return_url=RETURN, confirmation_method="manual")
        self.answer(browser, payment, "complete")
        v1.payment_intents.update(payment.id, {"amount": 9900}, at_seller)
        assert v1.payment_intents.confirm(payment.id, None, at_seller).status == "requires_action"
        assert v1.charges.list(None, at_seller).data == []

    def test_shows_the_merchant_the_amount_and_the_card(self, browser: Client, pay: Make) -> None:
        payment = pay("pm_card_authenticationRequired", return_url=RETURN, amount=1234)
        html = text(browser.get(path(payment.next_action.redirect_to_url.url)))
        for fact in ("Rocket Rides", "$12.34 USD", "Visa •••• 3184"):
            assert fact in html

    def test_of_a_setup_saves_the_card_for_payments_without_the_buyer(self, browser: Client, v1: Any) -> None:
        customer = v1.customers.create()
        parameters = {"customer": customer.id, "payment_method": "pm_card_authenticationRequiredOnSetup", "confirm": True}
        intent = v1.setup_intents.create(parameters | {"return_url": RETURN})
        told = self.told(self.answer(browser, intent, "complete"))
        assert told == {
            "step": "2",
            "setup_intent": intent.id,
            "setup_intent_client_secret": intent.client_secret,
            "redirect_status": "succeeded",
        }
        saved = v1.payment_methods.list({"customer": customer.id}).data[0]
        payment = {"amount": 100, "currency": "usd", "customer": customer.id, "payment_method": saved.id, "confirm": True}
        later = v1.payment_intents.create(payment | {"off_session": True, "return_url": RETURN})
        assert later.status == "succeeded"

    def test_of_a_setup_failed_saves_nothing(self, browser: Client, v1: Any) -> None:
        customer = v1.customers.create()
        parameters = {"customer": customer.id, "payment_method": "pm_card_authenticationRequired", "confirm": True}
        intent = v1.setup_intents.create(parameters | {"return_url": RETURN})
        assert self.told(self.answer(browser, intent, "fail"))["redirect_status"] == "failed"
        failed = v1.setup_intents.retrieve(intent.id)
        assert (failed.status, failed.payment_method) == ("requires_payment_method", None)
        assert failed.last_setup_error.code == "setup_intent_authentication_failure"
        assert v1.payment_methods.list({"customer": customer.id}).data == []

    def test_without_the_forms_token_is_refused(self, browser: Client, v1: Any, at_seller: dict[str, str], pay: Make) -> None:
        payment = pay("pm_card_authenticationRequired", return_url=RETURN)
        response = browser.post(path(payment.next_action.redirect_to_url.url), {"outcome": "complete"})
        assert response.status_code == 403
        assert v1.payment_intents.retrieve(payment.id, None, at_seller).status == "requires_action"
