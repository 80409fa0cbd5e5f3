"""The pages that stand where Stripe's would: the onboarding of a seller, and the Express dashboard."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
import stripe
import time_machine
from django.test import Client

from sandbox.connect.onboarding import TEST_ACCOUNT_NUMBER, OnboardingDetails, complete_onboarding
from sandbox.pages.forms import OnboardingForm
from sandbox.tests.page_forms import REFRESH, RETURN, filled, path, text

Make = Callable[..., Any]


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
        assert set(form) == set(OnboardingForm.base_fields) | {"csrfmiddlewaretoken"}
        done = browser.post(address, form)
        assert (done.status_code, done["Location"]) == (302, RETURN)
        found = v1.accounts.retrieve(account)
        assert (found.charges_enabled, found.payouts_enabled, found.details_submitted) == (True, True, True)
        assert found.business_profile.name == "Rocket Rides"

    def test_shows_what_the_account_said_already(
        self, browser: Client, v1: Any, new_account: Make, onboarding_link: Make
    ) -> None:
        account = new_account()
        said = {"mcc": "5999", "name": "Boots", "product_description": "Boots and shoes", "url": "https://boots.example"}
        v1.accounts.update(account, {"business_type": "government_entity", "business_profile": said})
        address = onboarding_link(account)
        assert browser.post(address, filled(browser.get(address))).status_code == 302
        found = v1.accounts.retrieve(account)
        assert (found.charges_enabled, found.business_type) == (True, "government_entity")
        assert found.business_profile.to_dict() | said == found.business_profile.to_dict()

    def test_again_leaves_the_bank_account_where_no_number_is_told(
        self, browser: Client, v1: Any, new_account: Make, onboarding_link: Make
    ) -> None:
        account = new_account()
        complete_onboarding(account_id=account, details=OnboardingDetails(account_number="000999991234"))
        before = v1.accounts.retrieve(account).external_accounts.to_dict()
        address = onboarding_link(account)
        page = browser.get(address)
        assert "•••• 1234" in text(page)
        form = filled(page)
        assert browser.post(address, {**form, "account_number": "000999995678"}).status_code == 302
        assert v1.accounts.retrieve(account).external_accounts.data[0].last4 == "5678"
        complete_onboarding(account_id=account, details=OnboardingDetails(account_number="000999991234"))
        address = onboarding_link(account)
        assert browser.post(address, {**form, **filled(browser.get(address))}).status_code == 302
        after = v1.accounts.retrieve(account).external_accounts.to_dict()
        assert [bank["last4"] for bank in after["data"]] == [bank["last4"] for bank in before["data"]] == ["1234"]

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
