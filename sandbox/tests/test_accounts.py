"""Connected accounts and their links."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import stripe

from sandbox.connect import requirements
from sandbox.connect.onboarding import OnboardingDetails, UnknownAccount, complete_onboarding
from sandbox.tests.refusals import told
from sandbox.timeline import due

DOCUMENTED = ("bank_transfer_payments", "card_payments", "link_payments", "transfers", "us_bank_transfer_payments")


class TestANewAccount:
    def test_can_neither_charge_nor_be_paid_out(self, v1: Any) -> None:
        asked = {name: {"requested": True} for name in DOCUMENTED}
        account = v1.accounts.create({"type": "express", "country": "GB", "email": "a@example.com", "capabilities": asked})
        assert account.id.startswith("acct_1")
        assert len(account.id) == 21
        assert (account.charges_enabled, account.payouts_enabled, account.details_submitted) == (False, False, False)
        assert account.capabilities.to_dict() == dict.fromkeys(DOCUMENTED, "inactive")
        assert (account.country, account.default_currency, account.type) == ("GB", "gbp", "express")
        assert account.requirements.disabled_reason == "requirements.past_due"
        assert "external_account" in account.requirements.currently_due

    @pytest.mark.parametrize(
        ("parameters", "code", "param"),
        [
            ({"country": "XX"}, "country_unsupported", "country"),
            ({"email": "no address"}, "email_invalid", "email"),
            ({"type": "custom"}, None, "type"),
            ({"type": "other"}, None, "type"),
            ({"capabilities": {"flying": {"requested": True}}}, "parameter_unknown", "capabilities[flying]"),
        ],
    )
    def test_is_refused_for_bad_parameters(self, v1: Any, parameters: dict[str, Any], code: str | None, param: str) -> None:
        with pytest.raises(stripe.InvalidRequestError) as refused:
            v1.accounts.create({"type": "express"} | parameters)
        assert (refused.value.http_status, refused.value.code, refused.value.param) == (400, code, param)
        assert v1.accounts.list().data == []


class TestAnOnboardedAccount:
    def test_can_charge_and_be_paid_out(self, v1: Any, new_account: Callable[[], str]) -> None:
        account_id = new_account()
        complete_onboarding(account_id=account_id, details=OnboardingDetails(account_number="000999991234"))
        account = v1.accounts.retrieve(account_id)
        assert (account.charges_enabled, account.payouts_enabled, account.details_submitted) == (True, True, True)
        assert account.capabilities.to_dict() == {"card_payments": "active", "transfers": "active"}
        assert account.requirements.currently_due == []
        assert account.requirements.disabled_reason is None
        assert account.external_accounts.data[0].last4 == "1234"
        assert "000999991234" not in str(account)

    def test_gets_further_capabilities_at_once(self, v1: Any, new_seller: Callable[[], str]) -> None:
        account = v1.accounts.update(new_seller(), {"capabilities": {"link_payments": {"requested": True}}})
        assert account.capabilities.link_payments == "active"

    def test_cannot_be_onboarded_when_it_does_not_exist(self, db: None) -> None:
        with pytest.raises(UnknownAccount):
            complete_onboarding(account_id="acct_unknown")


class TestAnOnboardingWithTestValuesThatFail:
    @pytest.mark.parametrize(
        ("answers", "requirement", "code"),
        [
            ({"website": "https://disallowed.stripe.com"}, "business_profile.url", "invalid_url_denylisted"),
            ({"website": "https://inaccessible.stripe.com/"}, "business_profile.url", "invalid_url_website_inaccessible"),
            ({"business_name": "invalid_dba"}, "business_profile.name", "invalid_business_profile_name"),
            ({"product_description": "require_url"}, "business_profile.url", "invalid_url_web_presence_detected"),
        ],
    )
    def test_leaves_the_account_disabled_until_it_is_corrected(
        self, v1: Any, new_account: Callable[[], str], answers: dict[str, str], requirement: str, code: str
    ) -> None:
        account_id = new_account()
        complete_onboarding(account_id=account_id, details=OnboardingDetails(**answers))
        account = v1.accounts.retrieve(account_id)
        assert (account.details_submitted, account.charges_enabled, account.payouts_enabled) == (True, False, False)
        assert account.requirements.to_dict() == requirements.nothing_due() | {
            "currently_due": [requirement],
            "disabled_reason": "requirements.past_due",
            "errors": [{"code": code, "reason": f"{requirement} could not be verified.", "requirement": requirement}],
            "eventually_due": [requirement],
            "past_due": [requirement],
        }
        complete_onboarding(account_id=account_id)
        account = v1.accounts.retrieve(account_id)
        assert (account.charges_enabled, account.payouts_enabled) == (True, True)


class TestOnboardingAgain:
    def events(self, v1: Any, account: str) -> list[Any]:
        """What is told of the account's bank accounts, the oldest first."""
        return list(reversed(v1.events.list({"type": "account.external_account.*"}, {"stripe_account": account}).data))

    def test_with_another_bank_account_replaces_the_old_one(self, v1: Any, new_seller: Callable[[], str]) -> None:
        account = new_seller()
        [old] = v1.accounts.retrieve(account).external_accounts.data
        complete_onboarding(account_id=account, details=OnboardingDetails(account_number="000999991234"))
        [new] = v1.accounts.retrieve(account).external_accounts.data
        assert (new.last4, new.id == old.id) == ("1234", False)
        _, created, deleted = self.events(v1, account)
        assert (created.type, created.data.object.id) == ("account.external_account.created", new.id)
        assert (deleted.type, deleted.data.object.to_dict()) == ("account.external_account.deleted", old.to_dict())

    def test_with_the_same_bank_account_keeps_it(self, v1: Any, new_seller: Callable[[], str]) -> None:
        account = new_seller()
        before = v1.accounts.retrieve(account).external_accounts.to_dict()
        complete_onboarding(account_id=account)
        assert v1.accounts.retrieve(account).external_accounts.to_dict() == before
        assert [event.type for event in self.events(v1, account)] == ["account.external_account.created"]

    def test_with_a_bank_account_that_sent_a_payout_back_tries_it_anew(
        self, v1: Any, at_seller: dict[str, str], pay: Callable[..., Any]
    ) -> None:
        account = at_seller["stripe_account"]
        failing = OnboardingDetails(account_number="000111111116")
        complete_onboarding(account_id=account, details=failing)
        pay("pm_card_bypassPending")
        v1.balance.retrieve(None, at_seller)
        due.move_clock(timedelta(days=3))
        [old] = v1.accounts.retrieve(account).external_accounts.data
        complete_onboarding(account_id=account, details=failing)
        [new] = v1.accounts.retrieve(account).external_accounts.data
        assert (old.status, new.status, new.last4, new.id == old.id) == ("errored", "new", "1116", False)


class TestUpdatingAnAccount:
    def test_changes_what_was_sent_and_nothing_else(self, v1: Any, new_account: Callable[[], str]) -> None:
        account_id = new_account()
        account = v1.accounts.update(account_id, {"email": "b@example.com", "business_profile": {"name": "Shop"}})
        assert (account.email, account.business_profile.name, account.country) == ("b@example.com", "Shop", "US")


class TestADeletedAccount:
    def test_is_gone_for_everybody(self, v1: Any, new_seller: Callable[[], str]) -> None:
        account_id = new_seller()
        assert v1.accounts.delete(account_id).to_dict() == {"id": account_id, "object": "account", "deleted": True}
        for call in (lambda: v1.accounts.retrieve(account_id), lambda: v1.accounts.delete(account_id)):
            with pytest.raises(stripe.PermissionError) as refused:
                call()
            assert (refused.value.http_status, told(refused).code) == (403, "account_invalid")
        with pytest.raises(UnknownAccount):
            complete_onboarding(account_id=account_id)

    def test_leaves_the_list(self, v1: Any, new_account: Callable[[], str]) -> None:
        kept, deleted = new_account(), new_account()
        v1.accounts.delete(deleted)
        assert [account.id for account in v1.accounts.list()] == [kept]


class TestAnAccountLink:
    ADDRESSES = {"refresh_url": "https://shop.example/again", "return_url": "https://shop.example/back"}

    def test_lives_300_seconds(self, v1: Any, new_account: Callable[[], str]) -> None:
        account = new_account()
        link = v1.account_links.create({"account": account, "type": "account_onboarding", **self.ADDRESSES})
        assert link.expires_at - link.created == 300
        assert f"/sandbox/connect/setup/e/{account}/" in link.url
        assert "id" not in link

    def test_is_new_each_time(self, v1: Any, new_account: Callable[[], str]) -> None:
        parameters = {"account": new_account(), "type": "account_onboarding", **self.ADDRESSES}
        assert v1.account_links.create(parameters).url != v1.account_links.create(parameters).url

    @pytest.mark.parametrize(
        ("changes", "code", "param"),
        [
            ({"type": "account_update"}, None, "type"),
            ({"account": "acct_unknown"}, "resource_missing", "account"),
            ({"return_url": "javascript:alert(1)"}, "url_invalid", "return_url"),
            ({"refresh_url": "myapp://back"}, "url_invalid", "refresh_url"),
            ({"return_url": "/relative"}, "url_invalid", "return_url"),
        ],
    )
    def test_is_refused(
        self, v1: Any, new_account: Callable[[], str], changes: dict[str, str], code: str | None, param: str
    ) -> None:
        parameters = {"account": new_account(), "type": "account_onboarding", **self.ADDRESSES} | changes
        with pytest.raises(stripe.InvalidRequestError) as refused:
            v1.account_links.create(parameters)
        assert (refused.value.http_status, refused.value.code, refused.value.param) == (400, code, param)

    @pytest.mark.parametrize("missing", ["account", "type", "return_url", "refresh_url"])
    def test_is_refused_without(self, v1: Any, new_account: Callable[[], str], missing: str) -> None:
        parameters = {"account": new_account(), "type": "account_onboarding", **self.ADDRESSES}
        del parameters[missing]
        with pytest.raises(stripe.InvalidRequestError) as refused:
            v1.account_links.create(parameters)
        assert (refused.value.code, refused.value.param) == ("parameter_missing", missing)


class TestALoginLink:
    def test_is_refused_before_onboarding(self, v1: Any, new_account: Callable[[], str]) -> None:
        with pytest.raises(stripe.InvalidRequestError) as refused:
            v1.accounts.login_links.create(new_account())
        assert (refused.value.http_status, refused.value.code) == (400, None)
        assert "Cannot create a login link for an account that has not completed onboarding." in str(refused.value)

    def test_leads_to_the_express_dashboard(self, v1: Any, new_seller: Callable[[], str]) -> None:
        account = new_seller()
        assert f"/sandbox/express/{account}/" in v1.accounts.login_links.create(account).url

    def test_of_an_unknown_account_is_a_403(self, v1: Any) -> None:
        with pytest.raises(stripe.PermissionError) as refused:
            v1.accounts.login_links.create("acct_unknown")
        assert told(refused).code == "account_invalid"
