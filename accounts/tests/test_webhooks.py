"""What Stripe's events do to connected accounts."""

import json
from typing import Any

import pytest

from accounts.models import ConnectedAccount
from commercecore_payments.tests.tenants import Tenant
from developers.tests.factories import AppFactory
from gateway.tests.faults import stripe_fails, time_out_after
from sandbox.connect.deauthorization import deauthorize
from sandbox.connect.onboarding import complete_onboarding
from stripe_events.models import Status, StripeEvent
from stripe_events.tests.arrivals import arrive, told_by_stripe, work
from webhooks.models import Event


def told() -> list[tuple[str, str]]:
    """Type and app of every event, the oldest of each app first."""
    return list(Event.objects.order_by("app", "sequence").values_list("type", "app"))


class TestAnAccount:
    @pytest.mark.parametrize("name", ["account.updated", "capability.updated"])
    def test_whose_onboarding_is_finished_is_complete_here_and_told_to_every_app_once(self, tenant: Tenant, name: str) -> None:
        other = AppFactory.create(developer=tenant.developer)
        seller = tenant.create_seller(onboarded=False)
        complete_onboarding(account_id=seller)
        contents = told_by_stripe(seller, name)
        assert contents != []
        arrive([*contents, *contents])
        work()
        account = ConnectedAccount.objects.get()
        assert (account.onboarding, account.charges_enabled) == ("complete", True)
        both = sorted([tenant.app.pk, other.pk])
        assert told() == [("account.updated", both[0]), ("account.updated", both[1])]
        data = json.loads(Event.objects.filter(app=tenant.app).get().body)["data"]
        assert (data["account_id"], data["onboarding"], data["version"], data["deleted"]) == (
            seller,
            "complete",
            account.version,
            False,
        )

    def test_that_left_the_platform_is_deleted_here_and_its_email_is_free(self, tenant: Tenant) -> None:
        seller = tenant.create_seller()
        deauthorize(seller)
        arrive(told_by_stripe(seller, "account.application.deauthorized"))
        work()
        account = ConnectedAccount.objects.get()
        assert account.is_deleted
        assert told() == [("account.deleted", tenant.app.pk)]
        assert tenant.get(f"/connected-accounts/{seller}").status_code == 404
        assert tenant.post("/connected-accounts", {"email": account.email}).status_code == 201

    def test_that_is_still_there_is_not_deleted_by_a_late_event(self, tenant: Tenant, seller: str) -> None:
        content = {
            **told_by_stripe(seller, "account.updated")[0],
            "id": "evt_late",
            "type": "account.application.deauthorized",
            "data": {"object": {"object": "application", "id": "ca_1"}},
        }
        arrive([content])
        work()
        assert (StripeEvent.objects.get().note, ConnectedAccount.objects.get().status) == (
            "The account is still there.",
            "active",
        )

    def test_whose_deletion_had_no_answer_is_deleted_by_its_event(
        self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        content: dict[str, Any] = told_by_stripe(seller, "account.updated")[0]
        with stripe_fails(monkeypatch, time_out_after, path="/v1/accounts"):
            assert tenant.delete(f"/connected-accounts/{seller}").status_code == 503
        arrive([{**content, "id": "evt_left", "type": "account.application.deauthorized"}])
        work()
        assert ConnectedAccount.objects.get().is_deleted
        assert [name for name, _ in told()] == ["account.deleted"]

    def test_that_is_deleted_keeps_what_was_last_seen(self, tenant: Tenant, seller: str) -> None:
        tenant.pay(seller)
        contents = told_by_stripe(seller)
        assert tenant.delete(f"/connected-accounts/{seller}").status_code == 200
        before = told()
        arrive(contents)
        work()
        assert not StripeEvent.objects.exclude(status__in=(Status.APPLIED, Status.UNHANDLED)).exists()
        assert told() == before
