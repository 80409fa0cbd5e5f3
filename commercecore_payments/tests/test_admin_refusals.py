"""What nobody can do in the admin, superusers included, and what takes a permission."""

from typing import Any

import pytest
from django.test import Client

from accounts.models import ConnectedAccount
from commercecore_payments.tests.admin_pages import (
    MONEY_RECORDS,
    OWN_RECORDS,
    add_page,
    list_page,
    make_records,
    perform,
    record_page,
    staff_client,
)
from commercecore_payments.tests.tenants import Tenant
from developers.models import App, Developer, DeveloperToken, RevokedJsonWebToken
from sandbox.models import SandboxObject, SandboxOrder
from stripe_events.models import StripeEvent
from transactions.models import Transaction
from webhooks.models import Delivery, WebhookEndpoint

ADDABLE = (Developer, App, RevokedJsonWebToken, SandboxOrder)
CHANGEABLE = (Developer, App)


def contents() -> dict[Any, Any]:
    """Every row of every record, as the database holds it."""
    return {model: list(model._base_manager.order_by("pk").values()) for model in OWN_RECORDS}


class TestASuperuser:
    @pytest.fixture
    def operator(self, tenant: Tenant, seller: str) -> Client:
        make_records(tenant, seller)
        return staff_client(superuser=True)

    @pytest.mark.parametrize("model", [model for model in OWN_RECORDS if model not in ADDABLE])
    def test_adds_none(self, operator: Client, model: type[Any]) -> None:
        before = contents()
        statuses = [operator.get(add_page(model)).status_code, operator.post(add_page(model), fields(model)).status_code]
        assert statuses == [403, 403]
        assert contents() == before

    @pytest.mark.parametrize("model", [model for model in OWN_RECORDS if model not in CHANGEABLE])
    def test_changes_none(self, operator: Client, model: type[Any]) -> None:
        before = contents()
        assert operator.post(record_page(model._default_manager.all()[0]), fields(model)).status_code == 403
        assert contents() == before

    @pytest.mark.parametrize("model", OWN_RECORDS)
    def test_deletes_none(self, operator: Client, model: type[Any]) -> None:
        before = contents()
        record = model._default_manager.all()[0]
        address = record_page(record, "delete")
        assert [operator.get(address).status_code, operator.post(address, {"post": "yes"}).status_code] == [403, 403]
        operator.post(list_page(model), {"action": "delete_selected", "_selected_action": [str(record.pk)], "post": "yes"})
        assert contents() == before

    @pytest.mark.parametrize("model", MONEY_RECORDS)
    def test_is_offered_neither_add_nor_delete(self, operator: Client, model: type[Any]) -> None:
        pages = [operator.get(list_page(model)), operator.get(record_page(model._default_manager.all()[0]))]
        shown = "".join(page.content.decode() for page in pages)
        assert f'href="{add_page(model)}"' not in shown
        assert "/delete/" not in shown
        assert "delete_selected" not in shown
        assert 'name="_save"' not in shown


def fields(model: type[Any]) -> dict[str, str]:
    """A form that names every field of the model."""
    return {field.name: "1" for field in model._meta.fields}


class TestAnApp:
    def test_never_changes_its_developer(self, tenant: Tenant) -> None:
        other = Tenant.create()
        form = {"name": "Renamed", "api_version": "2026-12-01", "developer": other.developer.pk}
        response = staff_client(superuser=True).post(record_page(tenant.app), form)
        assert response.status_code == 302
        app = App.objects.get(pk=tenant.app.pk)
        assert (app.name, app.api_version, app.developer) == ("Renamed", "2026-12-01", tenant.developer)


class TestAViewer:
    """Someone who may look at transactions and accounts, and at nothing else."""

    @pytest.fixture
    def viewer(self, tenant: Tenant, seller: str) -> Client:
        make_records(tenant, seller)
        return staff_client("transactions.view_transaction", "accounts.view_connectedaccount")

    def test_sees_those_alone(self, viewer: Client) -> None:
        statuses = {model: viewer.get(list_page(model)).status_code for model in OWN_RECORDS}
        expected = {model: 200 if model in (Transaction, ConnectedAccount) else 403 for model in OWN_RECORDS}
        assert statuses == expected

    def test_has_those_alone_in_the_sidebar(self, viewer: Client) -> None:
        page = viewer.get(list_page(Transaction)).content.decode()
        shown = [model for model in OWN_RECORDS if f'href="{list_page(model)}"' in page]
        assert shown == [ConnectedAccount, Transaction]

    @pytest.mark.parametrize(
        ("model", "action"),
        [
            (Transaction, "read_from_stripe"),
            (ConnectedAccount, "read_from_stripe"),
            (ConnectedAccount, "new_onboarding_link"),
            (Developer, "issue_developer_token"),
            (Developer, "disable"),
            (App, "disable"),
            (DeveloperToken, "revoke"),
            (StripeEvent, "apply_now"),
            (WebhookEndpoint, "switch_off"),
            (Delivery, "send_again"),
        ],
    )
    def test_may_do_nothing(self, viewer: Client, model: type[Any], action: str) -> None:
        before = contents()
        address = record_page(model._default_manager.all()[0], action)
        assert [viewer.get(address).status_code, viewer.post(address, {"name": "x"}).status_code] == [403, 403]
        assert contents() == before

    @pytest.mark.parametrize("lookup", ["regex", "iregex"])
    def test_finds_none_by_a_pattern_whatever_the_address_says(
        self, viewer: Client, lookup: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        found = viewer.get(list_page(Transaction), {f"order_id__{lookup}": "(", "amount_minor__gt": "0"})
        assert found.status_code == 400
        [told] = [record for record in caplog.records if record.name == "django.security.DisallowedModelAdminLookup"]
        assert (told.levelname, told.exc_info) == ("WARNING", None)

    def test_is_offered_no_action(self, viewer: Client) -> None:
        payment = Transaction.objects.all()[0]
        assert record_page(payment, "read_from_stripe") not in viewer.get(record_page(payment)).content.decode()


class TestAnOperator:
    """Someone with the right to one action, who may view the record."""

    def test_may_operate_on_a_record_that_nobody_changes_by_hand(self, tenant: Tenant, seller: str) -> None:
        payment = Transaction.objects.get(stripe_payment_intent_id=tenant.pay(seller))
        operator = staff_client("transactions.view_transaction", "staff.resync")
        assert record_page(payment, "read_from_stripe") in operator.get(record_page(payment)).content.decode()
        assert perform(operator, payment, "read_from_stripe").status_code == 302
        assert operator.post(record_page(payment), fields(Transaction)).status_code == 403

    def test_may_not_see_the_sandboxs_objects_for_that(self, tenant: Tenant, seller: str) -> None:
        refused = staff_client("transactions.view_transaction", "staff.resync").get(list_page(SandboxObject))
        assert (refused.status_code, "Your groups do not allow it." in refused.content.decode()) == (403, True)
