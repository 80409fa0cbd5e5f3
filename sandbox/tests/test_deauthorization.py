"""An account that leaves the platform, and what may be read of accounts beside it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
import stripe
from django.test import Client

from sandbox.connect import deauthorization
from sandbox.connect.onboarding import OnboardingDetails, UnknownAccount, complete_onboarding
from sandbox.models import SandboxDelivery, SandboxObject
from sandbox.tests.refusals import told
from sandbox.timeline import due
from sandbox.transport.http_client import SandboxHTTPClient

Make = Callable[..., Any]
Options = dict[str, str]


@pytest.fixture
def oauth(db: None) -> Any:
    """The SDK's OAuth service of a platform, answered by the sandbox."""
    return stripe.StripeClient("sk_test_x", client_id="ca_x", http_client=SandboxHTTPClient()).oauth


class TestAnAccountThatLeft:
    @pytest.fixture
    def left(self, at_seller: Options, pay: Make) -> Options:
        pay()
        deauthorization.deauthorize(at_seller["stripe_account"])
        return at_seller

    def test_lets_nobody_act_for_it(self, v1: Any, left: Options) -> None:
        for call in (v1.charges.list, v1.customers.create, v1.accounts.retrieve_current):
            with pytest.raises(stripe.PermissionError) as refused:
                call(None, left)
            assert (refused.value.http_status, told(refused).code) == (403, "account_invalid")
        assert not SandboxObject.objects.filter(object_type="customer").exists()

    def test_is_not_reached_by_its_address(self, v1: Any, left: Options) -> None:
        account = left["stripe_account"]
        calls: list[Callable[[], Any]] = [
            lambda: v1.accounts.retrieve(account),
            lambda: v1.accounts.update(account, {"metadata": {"a": "1"}}),
            lambda: v1.accounts.delete(account),
            lambda: v1.accounts.login_links.create(account),
            lambda: v1.accounts.capabilities.list(account),
        ]
        for call in calls:
            with pytest.raises(stripe.PermissionError) as refused:
                call()
            assert told(refused).code == "account_invalid"
        row = SandboxObject.objects.get(stripe_id=account)
        assert (row.deleted, row.data["metadata"]) == (False, {})

    def test_gets_no_account_link(self, v1: Any, left: Options) -> None:
        asked = {"account": left["stripe_account"], "type": "account_onboarding"}
        with pytest.raises(stripe.PermissionError) as refused:
            v1.account_links.create({**asked, "return_url": "https://a.example", "refresh_url": "https://b.example"})
        assert told(refused).code == "account_invalid"

    def test_is_not_listed(self, v1: Any, left: Options, new_seller: Callable[[], str]) -> None:
        stayed = new_seller()
        assert [account.id for account in v1.accounts.list()] == [stayed]

    def test_keeps_its_objects(self, left: Options) -> None:
        assert SandboxObject.objects.filter(account=left["stripe_account"], object_type="charge").count() == 1

    def test_is_told_of(self, left: Options) -> None:
        last = SandboxObject.objects.filter(object_type="event").latest("id").data
        assert (last["type"], last["account"]) == ("account.application.deauthorized", left["stripe_account"])
        assert last["data"]["object"]["object"] == "application"

    def test_sends_the_platform_nothing_more_than_that(self, v1: Any, at_seller: Options, pay: Make) -> None:
        v1.webhook_endpoints.create({"url": "http://127.0.0.1:9/", "enabled_events": ["*"], "connect": True})
        pay("pm_card_createDispute")
        before = SandboxDelivery.objects.count()
        deauthorization.deauthorize(at_seller["stripe_account"])
        due.move_clock(timedelta(days=10))
        assert SandboxObject.objects.get(object_type="dispute").data["status"] == "lost"
        sent = SandboxDelivery.objects.order_by("id")[before:]
        assert [delivery.event.data["type"] for delivery in sent] == ["account.application.deauthorized"]

    def test_cannot_be_onboarded_any_more(self, v1: Any, new_account: Callable[[], str]) -> None:
        account = new_account()
        asked = {"account": account, "type": "account_onboarding"}
        opened, unopened = (
            urlsplit(
                v1.account_links.create({**asked, "return_url": "https://a.example", "refresh_url": "https://b.example"}).url
            )
            for _ in range(2)
        )
        assert Client().get(opened.path).status_code == 200
        deauthorization.deauthorize(account)
        assert Client().get(unopened.path).status_code == 404
        assert Client().post(opened.path, vars(OnboardingDetails())).status_code == 404
        with pytest.raises(UnknownAccount):
            complete_onboarding(account_id=account)
        assert SandboxObject.objects.get(stripe_id=account).data["details_submitted"] is False

    def test_has_no_dashboard_any_more(self, v1: Any, new_seller: Callable[[], str]) -> None:
        account = new_seller()
        dashboard = urlsplit(v1.accounts.login_links.create(account).url).path
        deauthorization.deauthorize(account)
        assert Client().get(dashboard).status_code == 404

    def test_ends_a_payment_that_waits_for_its_buyer(self, at_seller: Options, pay: Make) -> None:
        payment = pay("pm_card_authenticationRequired", return_url="https://shop.example/back")
        deauthorization.deauthorize(at_seller["stripe_account"])
        challenge = urlsplit(payment.next_action.redirect_to_url.url).path
        assert Client().get(challenge).status_code == 200
        assert Client().post(challenge, {"outcome": "complete"}).status_code == 302
        assert SandboxObject.objects.get(stripe_id=payment.id).data["status"] == "succeeded"

    def test_can_not_leave_again(self, left: Options) -> None:
        with pytest.raises(deauthorization.NotConnected):
            deauthorization.deauthorize(left["stripe_account"])


class TestDeauthorizingByOAuth:
    def test_lets_the_account_leave(self, v1: Any, oauth: Any, new_seller: Callable[[], str]) -> None:
        account = new_seller()
        answered = oauth.deauthorize({"stripe_user_id": account})
        assert answered.stripe_user_id == account
        told_of = SandboxObject.objects.filter(object_type="event", data__request__id=answered.last_response.request_id)
        assert [event.data["type"] for event in told_of] == ["account.application.deauthorized"]
        with pytest.raises(stripe.PermissionError):
            v1.accounts.retrieve(account)

    def test_is_refused_for_an_account_that_is_not_connected(self, oauth: Any, new_seller: Callable[[], str]) -> None:
        account = new_seller()
        oauth.deauthorize({"stripe_user_id": account})
        for unknown in (account, "acct_unknown"):
            with pytest.raises(stripe.oauth_error.InvalidClientError) as refused:
                oauth.deauthorize({"stripe_user_id": unknown})
            assert (refused.value.http_status, refused.value.code) == (401, "invalid_client")


class TestTheAccountOfARequest:
    def test_is_the_platform(self, v1: Any) -> None:
        own = v1.accounts.retrieve_current()
        assert (own.type, own.charges_enabled, own.country) == ("standard", True, "US")
        assert own.id == v1.accounts.retrieve_current().id
        assert v1.accounts.list().data == []

    def test_is_the_connected_account_on_its_behalf(self, v1: Any, at_seller: Options) -> None:
        assert v1.accounts.retrieve_current(None, at_seller).id == at_seller["stripe_account"]


class TestCapabilities:
    def test_are_inactive_until_the_onboarding(self, v1: Any, new_account: Callable[[], str]) -> None:
        account = new_account()
        listed = v1.accounts.capabilities.list(account).data
        assert [(each.id, each.status, each.requested) for each in listed] == [
            ("card_payments", "inactive", True),
            ("transfers", "inactive", True),
        ]
        assert listed[0].requirements.currently_due == v1.accounts.retrieve(account).requirements.currently_due

    def test_are_active_afterwards(self, v1: Any, new_seller: Callable[[], str]) -> None:
        found = v1.accounts.capabilities.retrieve(new_seller(), "card_payments")
        assert (found.object, found.status, found.requirements.currently_due) == ("capability", "active", [])

    def test_are_unrequested_where_nobody_asked(self, v1: Any, new_seller: Callable[[], str]) -> None:
        found = v1.accounts.capabilities.retrieve(new_seller(), "link_payments")
        assert (found.status, found.requested, found.requested_at) == ("unrequested", False, None)

    def test_have_known_names(self, v1: Any, new_seller: Callable[[], str]) -> None:
        with pytest.raises(stripe.InvalidRequestError) as refused:
            v1.accounts.capabilities.retrieve(new_seller(), "teleportation")
        assert (refused.value.http_status, refused.value.code) == (404, "resource_missing")
