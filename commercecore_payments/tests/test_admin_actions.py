"""What operators do in the admin: each action asks first, does what it says by POST alone, and is written down."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.contrib.messages import get_messages
from django.db import transaction
from django.test import Client
from django.urls import reverse

from accounts.links import onboarding_url
from accounts.models import ConnectedAccount
from commercecore_payments import clock
from commercecore_payments.tests.admin_pages import REASON, add_page, list_page, perform, record_page, staff_client
from commercecore_payments.tests.tenants import Tenant
from developers.errors import TokenDoesNotWork
from developers.models import App, Developer, DeveloperToken, RevokedJsonWebToken
from developers.operations import authenticate_token, rotate_token
from sandbox.connect.onboarding import complete_onboarding
from sandbox.models import SandboxObject, SandboxOrder
from sandbox.money.authentication import finish_challenge
from transactions.models import Transaction


def messages_of(response: Any) -> list[str]:
    return [str(message) for message in get_messages(response.wsgi_request)]


def log() -> list[str]:
    return [entry.get_change_message() for entry in LogEntry.objects.order_by("pk")]


class TestIssuingAToken:
    def test_asks_for_its_name_and_issues_none_yet(self, tenant: Tenant, operator: Client) -> None:
        page = operator.get(record_page(tenant.developer, "issue_developer_token"))
        assert page.status_code == 200
        assert 'name="name"' in page.content.decode()
        assert DeveloperToken.objects.count() == 1

    def test_shows_its_text_once_and_never_again(self, tenant: Tenant, operator: Client) -> None:
        response = perform(operator, tenant.developer, "issue_developer_token", {"name": "Checkout", "days": ""})
        token = DeveloperToken.objects.get(name="Checkout")
        text = response.context["done"].secret
        assert text in response.content.decode()
        assert authenticate_token(text=text).developer == tenant.developer
        assert "no-store" in response["Cache-Control"]
        later = [record_page(tenant.developer), record_page(token), record_page(tenant.developer, "history"), "/admin/"]
        assert [address for address in later if text in operator.get(address).content.decode()] == []
        assert log() == [f"Issue a token: The token {token} was issued. It works until it is revoked. Why: {REASON}"]
        assert [value.value for value in operator.cookies.values() if text in value.value] == []

    def test_can_end_after_some_days(self, tenant: Tenant) -> None:
        with time_machine.travel(datetime(2026, 11, 24, 12, 0, tzinfo=UTC), tick=False):
            perform(second_operator(), tenant.developer, "issue_developer_token", {"name": "Checkout", "days": "30"})
        expires_at = DeveloperToken.objects.get(name="Checkout").expires_at
        assert expires_at == datetime(2026, 12, 24, 12, 0, tzinfo=UTC)

    @pytest.mark.parametrize(
        "form", [{"name": ""}, {"name": "x" * 101}, {"name": "x", "days": "0"}, {"name": "x", "days": "3651"}]
    )
    def test_refuses_a_wrong_form(self, tenant: Tenant, operator: Client, form: dict[str, str]) -> None:
        response = perform(operator, tenant.developer, "issue_developer_token", form)
        assert (response.status_code, len(response.context["form"].errors)) == (200, 1)
        assert DeveloperToken.objects.count() == 1

    def test_is_not_possible_for_a_disabled_developer(self, tenant: Tenant, operator: Client) -> None:
        perform(operator, tenant.developer, "disable")
        page = operator.get(record_page(tenant.developer)).content.decode()
        response = operator.get(record_page(tenant.developer, "issue_developer_token"))
        assert record_page(tenant.developer, "issue_developer_token") not in page
        assert messages_of(response) == ["“Issue a token” is not possible any more: the record has changed."]
        assert DeveloperToken.objects.count() == 1

    def test_takes_the_forms_own_token(self, tenant: Tenant) -> None:
        operator = staff_client(superuser=True, csrf=True)
        response = perform(operator, tenant.developer, "issue_developer_token", {"name": "Checkout"})
        assert response.status_code == 403
        assert DeveloperToken.objects.count() == 1

    def test_for_a_developer_who_does_not_exist_is_a_404(self, tenant: Tenant, operator: Client) -> None:
        nobody = Developer(id="de_nobody")
        assert perform(operator, nobody, "issue_developer_token", {"name": "Checkout"}).status_code == 404


def second_operator() -> Client:
    """Someone who logs in at the moment to which a test has travelled."""
    client = Client()
    client.force_login(User.objects.create_superuser("traveller"))
    return client


class TestRevokingAToken:
    def test_closes_it_for_ever(self, tenant: Tenant, operator: Client) -> None:
        token = DeveloperToken.objects.get()
        assert operator.get(record_page(token, "revoke")).status_code == 200
        assert tenant.get("/connected-accounts/acct_x").status_code == 404
        response = perform(operator, token, "revoke")
        assert messages_of(response) == [f"The token {token} is revoked."]
        assert tenant.get("/connected-accounts/acct_x").status_code == 401

    def test_again_changes_nothing(self, tenant: Tenant, operator: Client) -> None:
        token = DeveloperToken.objects.get()
        perform(operator, token, "revoke")
        first = DeveloperToken.objects.get().revoked_at
        perform(operator, token, "revoke")
        assert DeveloperToken.objects.get().revoked_at == first
        assert log() == [f"Revoke: The token {token} is revoked. Why: {REASON}"]

    def test_of_a_json_web_token_refuses_it_from_now_on(self, operator: Client) -> None:
        response = operator.post(add_page(RevokedJsonWebToken), {"kid": "main", "jti": "token-1", "reason": "leaked"})
        assert response.status_code == 302
        assert RevokedJsonWebToken.objects.values_list("kid", "jti", "reason").get() == ("main", "token-1", "leaked")


class TestRotatingAToken:
    @pytest.mark.parametrize(("hours", "status"), [("24", 404), ("0", 401)])
    def test_shows_a_new_one_once_and_ends_the_old_one_when_asked(
        self, tenant: Tenant, operator: Client, hours: str, status: int
    ) -> None:
        old = DeveloperToken.objects.get()
        response = perform(operator, old, "rotate", {"hours": hours})
        new = DeveloperToken.objects.exclude(pk=old.pk).get()
        assert authenticate_token(text=response.context["done"].secret).token_id == str(new.pk)
        assert (new.name, new.expires_at) == (old.name, None)
        assert tenant.get("/connected-accounts/acct_x").status_code == status

    def test_ends_the_old_one_after_the_overlap(self, tenant: Tenant, operator: Client) -> None:
        perform(operator, DeveloperToken.objects.get(), "rotate", {"hours": "2"})
        with clock.moved_ahead(timedelta(hours=1, minutes=59)):
            assert tenant.get("/connected-accounts/acct_x").status_code == 404
        with clock.moved_ahead(timedelta(hours=2, minutes=1)):
            assert tenant.get("/connected-accounts/acct_x").status_code == 401

    def test_never_lengthens_its_life(self, tenant: Tenant, operator: Client) -> None:
        end = clock.now() + timedelta(hours=1)
        DeveloperToken.objects.update(expires_at=end)
        perform(operator, DeveloperToken.objects.get(), "rotate", {"hours": "24"})
        assert [token.expires_at for token in DeveloperToken.objects.all()] == [end, end]

    @pytest.mark.parametrize("change", [{"revoked_at": clock.now()}, {"expires_at": clock.now()}])
    def test_is_not_offered_for_one_that_does_not_work(self, tenant: Tenant, operator: Client, change: dict[str, Any]) -> None:
        DeveloperToken.objects.update(created_at=clock.now() - timedelta(days=1), **change)
        token = DeveloperToken.objects.get()
        assert f'href="{record_page(token, "rotate")}"' not in operator.get(record_page(token)).content.decode()
        with pytest.raises(TokenDoesNotWork):
            rotate_token(token=token)
        assert DeveloperToken.objects.count() == 1


class TestDisabling:
    def test_a_developer_refuses_their_requests_until_they_are_enabled(self, tenant: Tenant, operator: Client) -> None:
        statuses = [tenant.get("/connected-accounts/acct_x").status_code]
        for action in ("disable", "enable"):
            assert operator.get(record_page(tenant.developer, action)).status_code == 200
            perform(operator, tenant.developer, action)
            statuses.append(tenant.get("/connected-accounts/acct_x").status_code)
        assert statuses == [404, 401, 404]
        assert Developer.objects.get().disabled_at is None
        assert log() == [
            f"Disable: {tenant.developer} is disabled. Why: {REASON}",
            f"Enable: {tenant.developer} is enabled. Why: {REASON}",
        ]

    def test_an_app_refuses_its_requests_until_it_is_enabled(self, tenant: Tenant, seller: str, operator: Client) -> None:
        statuses = []
        for action in ("disable", "enable"):
            perform(operator, tenant.app, action)
            statuses.append(tenant.post("/transactions", {"order_id": "1", "account_id": seller, "amount": 1000}).status_code)
        assert statuses == [403, 201]

    def test_takes_a_post(self, tenant: Tenant, operator: Client) -> None:
        operator.get(record_page(tenant.developer, "disable"))
        operator.get(record_page(tenant.app, "disable"))
        assert (Developer.objects.get().disabled_at, App.objects.get().disabled_at) == (None, None)

    def test_again_keeps_the_first_moment(self, tenant: Tenant, operator: Client) -> None:
        perform(operator, tenant.app, "disable")
        first = App.objects.get().disabled_at
        perform(operator, tenant.app, "disable")
        assert first is not None
        assert App.objects.get().disabled_at == first


class TestAdding:
    def test_a_developer_makes_its_first_app_too(self, operator: Client) -> None:
        response = operator.post(add_page(Developer), {"name": "Rocket Rides"})
        developer = Developer.objects.get(name="Rocket Rides")
        assert response["Location"] == list_page(Developer)
        assert developer.apps.get().name == "Rocket Rides"
        assert log() == ["Added."]

    def test_an_app_gives_its_developer_another_one(self, tenant: Tenant, operator: Client) -> None:
        operator.post(add_page(App), {"developer": tenant.developer.pk, "name": "Second", "api_version": ""})
        assert [app.name for app in tenant.developer.apps.exclude(pk=tenant.app.pk)] == ["Second"]

    def test_an_order_of_the_sandbox_makes_one_that_can_be_paid(self, tenant: Tenant, seller: str, operator: Client) -> None:
        account = ConnectedAccount.objects.get()
        form = {"account": account.pk, "amount_minor": "2500", "currency": "USD", "order_id": "order_7"}
        operator.post(add_page(SandboxOrder), form)
        assert tenant.post("/transactions", {"order_id": "order_7"}).status_code == 201
        payment = Transaction.objects.get()
        assert (payment.amount_minor, payment.currency, payment.account) == (2500, "usd", account)

    @pytest.mark.parametrize(
        ("change", "field"),
        [
            ({"amount_minor": "49"}, "amount_minor"),
            ({"amount_minor": "-1"}, "amount_minor"),
            ({"currency": "xxx"}, "currency"),
            ({"account": "0"}, "account"),
            ({"order_id": "taken"}, "order_id"),
        ],
    )
    def test_an_order_of_the_sandbox_that_cannot_be_is_refused(
        self, tenant: Tenant, seller: str, operator: Client, change: dict[str, str], field: str
    ) -> None:
        form = {"account": str(ConnectedAccount.objects.get().pk), "amount_minor": "2500", "currency": "usd", "order_id": "taken"}
        operator.post(add_page(SandboxOrder), form)
        response = operator.post(add_page(SandboxOrder), {**form, "order_id": "free", **change})
        assert list(response.context["adminform"].form.errors) == [field]
        assert SandboxOrder.objects.count() == 1


class TestANewOnboardingLink:
    def test_is_shown_once_and_replaces_the_one_before(self, tenant: Tenant, operator: Client) -> None:
        account_id = tenant.create_seller(onboarded=False)
        account = ConnectedAccount.objects.get(stripe_account_id=account_id)
        before = onboarding_url(account)
        response = perform(operator, account, "new_onboarding_link")
        url = response.context["done"].secret
        assert url in response.content.decode()
        assert "no-store" in response["Cache-Control"]
        assert [Client().get(address).status_code for address in (before, url)] == [410, 302]
        later = [record_page(account), record_page(account, "history"), "/admin/"]
        assert [address for address in later if url in operator.get(address).content.decode()] == []
        assert url not in log()[0]

    def test_takes_a_post(self, tenant: Tenant, seller: str, operator: Client) -> None:
        account = ConnectedAccount.objects.get()
        before = onboarding_url(account)
        assert operator.get(record_page(account, "new_onboarding_link")).status_code == 200
        assert onboarding_url(ConnectedAccount.objects.get()) == before

    def test_is_not_possible_for_a_deleted_account(self, tenant: Tenant, seller: str, operator: Client) -> None:
        account = ConnectedAccount.objects.get()
        assert tenant.delete(f"/connected-accounts/{seller}").status_code == 200
        page = operator.get(record_page(account)).content.decode()
        perform(operator, account, "new_onboarding_link")
        assert "new_onboarding_link" not in page
        assert ConnectedAccount.objects.get().onboarding_link_nonce == ""


class TestReadingFromStripe:
    def test_takes_over_a_finished_onboarding(self, tenant: Tenant, operator: Client) -> None:
        account_id = tenant.create_seller(onboarded=False)
        complete_onboarding(account_id=account_id)
        account = ConnectedAccount.objects.get(stripe_account_id=account_id)
        operator.get(record_page(account, "read_from_stripe"))
        assert ConnectedAccount.objects.get().charges_enabled is False
        response = perform(operator, account, "read_from_stripe")
        assert messages_of(response) == [f"{account_id} at Stripe: onboarding complete."]
        assert ConnectedAccount.objects.get().charges_enabled is True

    def test_takes_over_a_payment_whose_buyer_passed_the_challenge(self, tenant: Tenant, seller: str, operator: Client) -> None:
        transaction_id = tenant.create_payment(seller)
        tenant.confirm(seller, transaction_id, "pm_card_threeDSecure2Required")
        challenge = SandboxObject.objects.get(stripe_id=transaction_id).hidden["challenge"]
        finish_challenge(intent_id=transaction_id, token=challenge["token"], authenticated=True)
        payment = Transaction.objects.get()
        operator.get(record_page(payment, "read_from_stripe"))
        assert Transaction.objects.get().status == "requires_action"
        response = perform(operator, payment, "read_from_stripe")
        assert messages_of(response) == [f"{transaction_id} at Stripe: succeeded."]
        assert Transaction.objects.get().amount_received_minor == 1000
        assert log() == [f"Read from Stripe: {transaction_id} at Stripe: succeeded. Why: {REASON}"]

    def test_tells_what_stripe_answered_when_it_refused(self, tenant: Tenant, seller: str, operator: Client) -> None:
        transaction_id = tenant.create_payment(seller)
        SandboxObject.objects.filter(stripe_id=transaction_id).delete()
        response = perform(operator, Transaction.objects.get(), "read_from_stripe")
        assert messages_of(response) == [f"No such payment_intent: '{transaction_id}'"]
        assert (Transaction.objects.get().status, log()) == ("requires_payment_method", [])

    def test_never_happens_inside_a_transaction(self, tenant: Tenant, seller: str, operator: Client) -> None:
        tenant.create_payment(seller)
        payment = Transaction.objects.get()
        with transaction.atomic(), pytest.raises(RuntimeError, match="Stripe must not be called inside"):
            perform(operator, payment, "read_from_stripe")

    def test_is_not_possible_before_stripe_has_the_payment(self, tenant: Tenant, seller: str, operator: Client) -> None:
        tenant.create_payment(seller)
        Transaction.objects.update(stripe_payment_intent_id="", status="creating")
        payment = Transaction.objects.get()
        assert "read_from_stripe" not in operator.get(record_page(payment)).content.decode()
        assert operator.get(record_page(payment, "read_from_stripe"))["Location"] == record_page(payment)


class TestALoggedOutVisitor:
    def test_is_sent_to_the_login_from_an_action(self, tenant: Tenant) -> None:
        address = record_page(tenant.developer, "disable")
        assert Client().post(address)["Location"] == f"{reverse('admin:login')}?next={address}"
        assert Developer.objects.get().disabled_at is None
