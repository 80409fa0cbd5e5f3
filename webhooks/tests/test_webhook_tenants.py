"""Whose endpoints, events and deliveries are whose, beside what test_tenant_matrix.py asks of all routes."""

import pytest

from commercecore_payments.tests.tenants import Tenant
from webhooks.models import Delivery, Event, EventCounter, WebhookEndpoint
from webhooks.tests.consumers import colleague, create_endpoint, other_app, told, write


@pytest.fixture
def endpoint(tenant: Tenant) -> str:
    """The id of an endpoint at which one event has failed."""
    created: str = create_endpoint(tenant)["id"]
    write(tenant, "payment.succeeded")
    Delivery.objects.update(status="failed")
    return created


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


@pytest.mark.made_up_events
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
