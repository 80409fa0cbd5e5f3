"""Connected accounts: stripe-python 16.1.0 and https://docs.stripe.com/connect/express-accounts."""

from collections.abc import Callable

import pytest
import stripe

from gateway import reads
from gateway.errors import StripeConfigurationRefused, StripeRejected
from gateway.tests.contract.calls import Options, Services, fault

SHOP = "https://example.com/"


class TestANewAccount:
    def test_can_do_nothing_before_its_onboarding(self, new_account: Callable[[], str]) -> None:
        account = reads.retrieve_account(new_account())
        assert (account.charges_enabled, account.payouts_enabled, account.details_submitted) == (False, False, False)
        assert account.requirements["currently_due"] != []
        assert set(account.capabilities.values()) == {"inactive"}

    def test_has_an_account_link_for_its_onboarding(self, v1: Services, new_account: Callable[[], str]) -> None:
        parameters = {"account": new_account(), "type": "account_onboarding", "return_url": SHOP, "refresh_url": SHOP}
        link = v1.account_links.create(parameters)
        assert (link.object, link.expires_at - link.created) == ("account_link", 300)
        assert "id" not in link

    def test_has_no_login_link_before_its_onboarding(self, new_account: Callable[[], str]) -> None:
        with pytest.raises(StripeRejected) as refused:
            reads.create_login_link(new_account())
        assert (refused.value.fault.http_status, refused.value.fault.type) == (400, "invalid_request_error")

    def test_takes_no_payment(self, v1: Services, new_account: Callable[[], str]) -> None:
        at = {"stripe_account": new_account()}
        card = {"payment_method": "pm_card_visa", "confirm": True, "return_url": SHOP}
        refused = fault(lambda: v1.payment_intents.create({"amount": 1000, "currency": "usd", **card}, at))
        assert (refused.http_status, refused.type) == (400, "invalid_request_error")
        assert v1.charges.list({}, at).data == []

    def test_that_is_deleted_is_gone(self, v1: Services, new_account: Callable[[], str]) -> None:
        account_id = new_account()
        assert v1.accounts.delete(account_id).to_dict()["deleted"] is True
        assert reads.account_is_gone(account_id) is True


class TestASeller:
    def test_can_charge(self, seller: str) -> None:
        account = reads.retrieve_account(seller)
        assert (account.charges_enabled, account.details_submitted) == (True, True)
        assert account.capabilities["card_payments"] == "active"
        assert reads.account_is_gone(seller) is False

    def test_has_a_login_link(self, v1: Services, seller: str) -> None:
        link = v1.accounts.login_links.create(seller)
        assert link.object == "login_link"
        assert link.url.startswith("http")
        assert "id" not in link

    def test_is_the_only_one_who_has_its_payments(self, v1: Services, at_seller: Options, pay: Callable[..., object]) -> None:
        made = pay()
        assert v1.payment_intents.retrieve(made.id, {}, at_seller).id == made.id  # type: ignore[attr-defined]
        assert fault(lambda: v1.payment_intents.retrieve(made.id)).http_status == 404  # type: ignore[attr-defined]


class TestAnUnknownAccount:
    AT = {"stripe_account": "acct_1ContractUnknown"}

    def test_refuses_every_call(self, v1: Services) -> None:
        refused = fault(lambda: v1.customers.create({}, self.AT), stripe.PermissionError)
        assert (refused.http_status, refused.type, refused.code) == (403, "invalid_request_error", "account_invalid")

    def test_is_told_as_a_refused_access(self, transactional_db: None) -> None:
        with pytest.raises(StripeConfigurationRefused):
            reads.retrieve_payment_intent("pi_1", account_id=self.AT["stripe_account"])

    def test_is_gone(self, transactional_db: None) -> None:
        assert reads.account_is_gone(self.AT["stripe_account"]) is True
