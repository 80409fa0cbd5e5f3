"""The pages that stand where Stripe's would."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import stripe
import time_machine
from django.test import Client

from sandbox.connect.onboarding import TEST_ACCOUNT_NUMBER
from sandbox.pages.forms import OnboardingForm

Make = Callable[..., Any]
RETURN = "https://shop.example/back?step=2"
REFRESH = "https://shop.example/again"


def path(url: str) -> str:
    """The path of an address of this service."""
    return urlsplit(url).path


def text(response: Any) -> str:
    """A page's HTML."""
    return str(response.content.decode())


def filled(response: Any) -> dict[str, str]:
    """The form of a page as a browser would send it unchanged: its inputs, and the first option of each choice."""
    html = response.content.decode()
    inputs = dict(re.findall(r'<input[^>]*? name="(\w+)"[^>]*? value="([^"]*)"', html))
    return inputs | dict(re.findall(r'<select name="(\w+)".*?<option value="(\w+)"', html, re.DOTALL))


@pytest.fixture
def browser() -> Client:
    """A browser that is held to the form's token, as real ones are."""
    return Client(enforce_csrf_checks=True)


@pytest.fixture
def onboarding_link(v1: Any) -> Callable[[str], str]:
    """Makes an onboarding link of an account, and gives its path."""

    def make(account: str) -> str:
        parameters = {"account": account, "type": "account_onboarding", "return_url": RETURN, "refresh_url": REFRESH}
        return path(v1.account_links.create(parameters).url)

    return make


class TestEveryPage:
    def test_says_that_it_is_no_real_stripe_and_is_not_kept(
        self, browser: Client, v1: Any, new_seller: Make, onboarding_link: Make, pay: Make
    ) -> None:
        account = new_seller()
        challenge = pay("pm_card_authenticationRequired").next_action.use_stripe_sdk["stripe_js"]
        for address in (onboarding_link(account), path(v1.accounts.login_links.create(account).url), path(challenge)):
            page = browser.get(address)
            assert page.status_code == 200
            assert page["Cache-Control"] == "no-store"
            assert page["X-Frame-Options"] == "DENY"
            assert "default-src 'none'" in page["Content-Security-Policy"]
            html = text(page)
            assert "This is no real Stripe" in html
            assert re.search(r"<script|<style|\sstyle=|\son\w+=", html) is None
            assert browser.get(address + "x").status_code == 404

    def test_answers_get_and_post_alone(self, browser: Client, new_account: Make, onboarding_link: Make) -> None:
        address = onboarding_link(new_account())
        assert browser.head(address).status_code == 405
        assert browser.get(address).status_code == 200


@pytest.mark.django_db
class TestAWrongAddress:
    @pytest.mark.parametrize("address", ["connect/setup/e/acct_1/x", "express/acct_1/x", "3d-secure/pi_1/x", "3d-secure/pi_1/"])
    def test_is_a_404(self, browser: Client, address: str) -> None:
        assert browser.get(f"/sandbox/{address}").status_code == 404


class TestOnboarding:
    def test_by_the_form_as_it_stands_completes_the_account(
        self, browser: Client, v1: Any, new_account: Make, onboarding_link: Make
    ) -> None:
        account = new_account()
        address = onboarding_link(account)
        form = filled(browser.get(address))
        assert set(form) == set(OnboardingForm().fields) | {"csrfmiddlewaretoken"}
        done = browser.post(address, form)
        assert (done.status_code, done["Location"]) == (302, RETURN)
        found = v1.accounts.retrieve(account)
        assert (found.charges_enabled, found.payouts_enabled, found.details_submitted) == (True, True, True)
        assert found.business_profile.name == "Rocket Rides"

    def test_opened_is_not_onboarded(self, browser: Client, v1: Any, new_account: Make, onboarding_link: Make) -> None:
        account = new_account()
        browser.get(onboarding_link(account))
        assert v1.accounts.retrieve(account).details_submitted is False

    def test_links_open_once(self, browser: Client, new_account: Make, onboarding_link: Make) -> None:
        address = onboarding_link(new_account())
        assert browser.get(address).status_code == 200
        again = browser.get(address)
        assert (again.status_code, again["Location"]) == (302, REFRESH)

    def test_links_expire_after_300_seconds(self, browser: Client, new_account: Make, onboarding_link: Make) -> None:
        with time_machine.travel(datetime(2026, 11, 24, tzinfo=UTC), tick=False) as traveller:
            late, in_time = onboarding_link(new_account()), onboarding_link(new_account())
            traveller.shift(299)
            assert browser.get(in_time).status_code == 200
            traveller.shift(1)
            expired = browser.get(late)
        assert (expired.status_code, expired["Location"]) == (302, REFRESH)

    def test_forms_may_be_sent_for_an_hour(self, browser: Client, v1: Any, new_account: Make, onboarding_link: Make) -> None:
        in_time, late = new_account(), new_account()
        with time_machine.travel(datetime(2026, 11, 24, tzinfo=UTC), tick=False) as traveller:
            addresses = {account: onboarding_link(account) for account in (in_time, late)}
            forms = {account: filled(browser.get(address)) for account, address in addresses.items()}
            traveller.shift(3599)
            assert browser.post(addresses[in_time], forms[in_time])["Location"] == RETURN
            traveller.shift(1)
            assert browser.post(addresses[late], forms[late])["Location"] == REFRESH
        assert v1.accounts.retrieve(in_time).details_submitted is True
        assert v1.accounts.retrieve(late).details_submitted is False

    def test_forms_sent_twice_end_alike(self, browser: Client, new_account: Make, onboarding_link: Make) -> None:
        address = onboarding_link(new_account())
        form = filled(browser.get(address))
        assert [browser.post(address, form)["Location"] for _ in range(2)] == [RETURN, RETURN]

    def test_forms_that_were_never_opened_are_refused(self, v1: Any, new_account: Make, onboarding_link: Make) -> None:
        account = new_account()
        unopened = Client().post(onboarding_link(account), {"business_name": "x"})
        assert unopened["Location"] == REFRESH
        assert v1.accounts.retrieve(account).details_submitted is False

    def test_forms_without_their_token_are_refused(
        self, browser: Client, v1: Any, new_account: Make, onboarding_link: Make
    ) -> None:
        account = new_account()
        address = onboarding_link(account)
        form = filled(browser.get(address))
        del form["csrfmiddlewaretoken"]
        assert browser.post(address, form).status_code == 403
        assert v1.accounts.retrieve(account).details_submitted is False

    def test_forms_with_mistakes_come_back(self, browser: Client, v1: Any, new_account: Make, onboarding_link: Make) -> None:
        account = new_account()
        address = onboarding_link(account)
        form = filled(browser.get(address))
        page = browser.post(address, form | {"account_number": "<script>"})
        assert page.status_code == 400
        assert "<script>" not in text(page)
        assert v1.accounts.retrieve(account).details_submitted is False
        assert browser.post(address, form).status_code == 302

    def test_of_a_deleted_account_is_a_404(self, browser: Client, v1: Any, new_account: Make, onboarding_link: Make) -> None:
        account = new_account()
        address = onboarding_link(account)
        v1.accounts.delete(account)
        assert browser.get(address).status_code == 404


class TestTheExpressDashboard:
    def test_shows_the_balance_and_the_payments(self, browser: Client, v1: Any, at_seller: dict[str, str], pay: Make) -> None:
        refunded, paid, held = pay(), pay(amount=2550), pay(capture_method="manual", amount=9900)
        v1.refunds.create({"payment_intent": refunded.id, "amount": 250}, at_seller)
        with pytest.raises(stripe.CardError):
            pay("pm_card_chargeDeclined", amount=7700)
        html = text(browser.get(path(v1.accounts.login_links.create(at_seller["stripe_account"]).url)))
        assert "$31.37" in html  # 10.00 - 2.50 + 25.50, less Stripe's 0.59 and 1.04
        assert "of which $33.87 pending" in html  # the refund is taken from what is available, of which there is none
        for payment in (refunded, paid, held):
            assert payment.id in html
        assert TEST_ACCOUNT_NUMBER not in html
        assert f"•••• {TEST_ACCOUNT_NUMBER[-4:]}" in html

    def test_opens_once(self, browser: Client, v1: Any, new_seller: Make) -> None:
        address = path(v1.accounts.login_links.create(new_seller()).url)
        assert browser.get(address).status_code == 200
        assert browser.get(address).status_code == 410

    def test_expires(self, browser: Client, v1: Any, new_seller: Make) -> None:
        account = new_seller()
        with time_machine.travel(datetime(2026, 11, 24, tzinfo=UTC), tick=False) as traveller:
            address = path(v1.accounts.login_links.create(account).url)
            traveller.shift(300)
            assert browser.get(address).status_code == 410

    def test_shows_a_shops_name_as_text(self, browser: Client, v1: Any, new_seller: Make) -> None:
        account = new_seller()
        v1.accounts.update(account, {"business_profile": {"name": "<script>alert(1)</script>"}})
        html = text(browser.get(path(v1.accounts.login_links.create(account).url)))
        assert "<script>alert" not in html
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html


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

    def test_after_a_cancel_changes_nothing(self, v1: Any, at_seller: dict[str, str], pay: Make) -> None:
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
