"""Whose endpoints, events and deliveries are whose: every route, asked by every stranger."""

from collections.abc import Callable
from typing import Any

import pytest

from commercecore_payments.tests.tenants import Tenant
from webhooks.models import Delivery, Event, EventCounter, WebhookEndpoint
from webhooks.tests.consumers import colleague, create_endpoint, disabled_app, other_app, told, write

Ask = Callable[[Tenant, str, str], Any]

# Each route of one thing: asked for an endpoint and one of its deliveries.
ROUTES: dict[str, Ask] = {
    "read": lambda caller, endpoint, _: caller.get(f"/webhook-endpoints/{endpoint}"),
    "change": lambda caller, endpoint, _: caller.patch(f"/webhook-endpoints/{endpoint}", {"status": "disabled"}),
    "delete": lambda caller, endpoint, _: caller.delete(f"/webhook-endpoints/{endpoint}"),
    "rotate": lambda caller, endpoint, _: caller.post(f"/webhook-endpoints/{endpoint}/rotate-secret", {}),
    "deliveries": lambda caller, endpoint, _: caller.get(f"/webhook-endpoints/{endpoint}/deliveries"),
    "resend all": lambda caller, endpoint, _: caller.post(f"/webhook-endpoints/{endpoint}/resend", {"after": 0, "until": 9}),
    "test": lambda caller, endpoint, _: caller.post(f"/webhook-endpoints/{endpoint}/test", {}),
    "resend one": lambda caller, _, delivery: caller.post(f"/deliveries/{delivery}/resend", {}),
}


def everything() -> list[Any]:
    return [list(model.objects.order_by("pk").values()) for model in (WebhookEndpoint, Event, Delivery, EventCounter)]


@pytest.fixture
def endpoint(tenant: Tenant) -> str:
    """The id of an endpoint at which one event has failed."""
    created: str = create_endpoint(tenant)["id"]
    write(tenant, "payment.succeeded")
    Delivery.objects.update(status="failed")
    return created


@pytest.mark.parametrize("route", ROUTES)
class TestAStranger:
    @pytest.mark.parametrize("stranger", [other_app, lambda _: Tenant.create()], ids=["another app", "another developer"])
    def test_finds_nothing_and_changes_nothing(
        self, tenant: Tenant, endpoint: str, route: str, stranger: Callable[[Tenant], Tenant]
    ) -> None:
        before, caller = everything(), stranger(tenant)
        status, code = told(ROUTES[route](caller, endpoint, Delivery.objects.get().pk))
        assert (status, code) == (404, "delivery_not_found" if route == "resend one" else "webhook_endpoint_not_found")
        assert everything() == before

    def test_with_the_app_of_another_developer_is_refused(self, tenant: Tenant, endpoint: str, route: str) -> None:
        before, foreign = everything(), Tenant.create()
        foreign.app = tenant.app
        assert told(ROUTES[route](foreign, endpoint, Delivery.objects.get().pk)) == (403, "app_forbidden")
        assert everything() == before

    def test_with_a_disabled_app_is_refused(self, tenant: Tenant, endpoint: str, route: str) -> None:
        before = everything()
        assert told(ROUTES[route](disabled_app(tenant), endpoint, Delivery.objects.get().pk)) == (403, "app_forbidden")
        assert everything() == before

    def test_without_a_token_is_refused(self, tenant: Tenant, endpoint: str, route: str) -> None:
        before, nobody = everything(), Tenant(tenant.developer, tenant.app, token="")
        assert told(ROUTES[route](nobody, endpoint, Delivery.objects.get().pk)) == (401, "unauthorized")
        assert everything() == before

    def test_asks_for_nothing_that_exists_with_an_unknown_id(self, tenant: Tenant, endpoint: str, route: str) -> None:
        before = everything()
        assert ROUTES[route](tenant, "we_nobody", "dl_nobody").status_code == 404
        assert everything() == before


class TestARoute:
    @pytest.mark.parametrize(
        ("path", "methods"),
        [
            ("/webhook-endpoints", {"get", "post"}),
            ("/webhook-endpoints/we_1", {"get", "patch", "delete"}),
            ("/webhook-endpoints/we_1/rotate-secret", {"post"}),
            ("/webhook-endpoints/we_1/deliveries", {"get"}),
            ("/webhook-endpoints/we_1/resend", {"post"}),
            ("/webhook-endpoints/we_1/test", {"post"}),
            ("/events", {"get"}),
            ("/deliveries/dl_1/resend", {"post"}),
        ],
    )
    def test_takes_its_methods_with_and_without_a_trailing_slash_and_no_others(
        self, tenant: Tenant, path: str, methods: set[str]
    ) -> None:
        for method in ("get", "post", "put", "patch", "delete"):
            for slash in ("", "/"):
                response = getattr(tenant.client, method)(f"/api/v1{path}{slash}", format="json", headers=tenant.headers)
                code = response.json().get("details", {}).get("code")
                assert (code == "method_not_allowed") is (method not in methods)
                assert code != "route_not_found"


class TestAnApp:
    def test_sees_its_own_endpoints_and_events_alone(self, tenant: Tenant, endpoint: str) -> None:
        for stranger in (other_app(tenant), Tenant.create()):
            assert stranger.get("/webhook-endpoints").json()["data"] == {"webhook_endpoints": [], "has_more": False}
            events = stranger.get("/events").json()
            assert (events["data"], events["meta"]["latest_sequence"]) == ({"events": []}, 0)

    def test_is_the_same_for_each_of_its_tokens(self, tenant: Tenant, endpoint: str) -> None:
        assert colleague(tenant).get(f"/webhook-endpoints/{endpoint}").status_code == 200
        assert colleague(tenant).get("/events").json() == tenant.get("/events").json()

    def test_sees_nothing_of_another_environment(self, tenant: Tenant, endpoint: str) -> None:
        for model in (WebhookEndpoint, Event, Delivery, EventCounter):
            model.objects.update(environment="test")
        assert told(tenant.get(f"/webhook-endpoints/{endpoint}")) == (404, "webhook_endpoint_not_found")
        assert tenant.get("/events").json()["meta"]["latest_sequence"] == 0

    def test_has_sequence_numbers_of_its_own(self, tenant: Tenant, endpoint: str) -> None:
        stranger = other_app(tenant)
        create_endpoint(stranger)
        assert [event.sequence for event in write(stranger, "payment.failed", "payment.failed")] == [1, 2]
        assert [event.sequence for event in write(tenant, "payment.failed")] == [2]
