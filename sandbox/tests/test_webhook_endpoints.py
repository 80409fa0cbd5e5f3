"""Webhook endpoints: made, changed and deleted as Stripe's are."""

from collections.abc import Callable
from typing import Any

import pytest
import stripe

from sandbox.models import SandboxDelivery, SandboxObject
from sandbox.objects.ids import APPLICATION
from sandbox.tests.conftest import Options, Services

URL = "https://platform.example/webhooks"
EVERYTHING = {"url": URL, "enabled_events": ["*"]}


class TestANewEndpoint:
    def test_is_answered_with_its_secret_this_once(self, v1: Services) -> None:
        made = v1.webhook_endpoints.create(EVERYTHING | {"description": "Orders", "metadata": {"a": "1"}})

        assert made.secret.startswith("whsec_")
        assert (made.url, made.enabled_events, made.status) == (URL, ["*"], "enabled")
        assert (made.description, made.metadata.to_dict(), made.application) == ("Orders", {"a": "1"}, None)
        found = v1.webhook_endpoints.retrieve(made.id).to_dict()
        assert found == {name: value for name, value in made.to_dict().items() if name != "secret"}
        assert [row.to_dict() for row in v1.webhook_endpoints.list().data] == [found]

    def test_for_connected_accounts_names_the_application(self, v1: Services) -> None:
        assert v1.webhook_endpoints.create(EVERYTHING | {"connect": True}).application == APPLICATION

    @pytest.mark.parametrize(
        ("sent", "param"),
        [
            ({"url": URL}, "enabled_events"),
            ({"enabled_events": ["*"]}, "url"),
            (EVERYTHING | {"enabled_events": ["charge.eaten"]}, "enabled_events[0]"),
            (EVERYTHING | {"url": "ftp://platform.example/"}, "url"),
            (EVERYTHING | {"url": "http://platform.example:99999/"}, "url"),
            (EVERYTHING | {"url": "platform.example"}, "url"),
            (EVERYTHING | {"api_version": "2020-08-27"}, "api_version"),
        ],
    )
    def test_is_refused_where_it_could_not_work(self, v1: Services, sent: dict[str, Any], param: str) -> None:
        with pytest.raises(stripe.InvalidRequestError) as refused:
            v1.webhook_endpoints.create(sent)

        assert (refused.value.http_status, refused.value.param) == (400, param)
        assert v1.webhook_endpoints.list().data == []

    def test_is_one_of_sixteen_at_most(self, v1: Services) -> None:
        endpoints = [v1.webhook_endpoints.create(EVERYTHING) for _ in range(16)]

        with pytest.raises(stripe.InvalidRequestError, match="maximum of 16"):
            v1.webhook_endpoints.create(EVERYTHING)

        v1.webhook_endpoints.delete(endpoints[0].id)
        assert v1.webhook_endpoints.create(EVERYTHING).status == "enabled"


class TestAnEndpoint:
    def test_is_changed_disabled_and_enabled_again(self, v1: Services) -> None:
        made = v1.webhook_endpoints.create(EVERYTHING)

        changed = v1.webhook_endpoints.update(
            made.id, {"url": f"{URL}/2", "enabled_events": ["charge.updated"], "disabled": True}
        )
        assert (changed.url, changed.enabled_events, changed.status) == (f"{URL}/2", ["charge.updated"], "disabled")
        assert "secret" not in changed

        assert v1.webhook_endpoints.update(made.id, {"disabled": False}).status == "enabled"

    def test_that_is_deleted_is_gone(self, v1: Services) -> None:
        made = v1.webhook_endpoints.create(EVERYTHING)

        assert v1.webhook_endpoints.delete(made.id).deleted is True

        with pytest.raises(stripe.InvalidRequestError) as gone:
            v1.webhook_endpoints.retrieve(made.id)
        assert (gone.value.http_status, gone.value.code) == (404, "resource_missing")

    def test_tells_no_event_of_itself(self, v1: Services) -> None:
        made = v1.webhook_endpoints.create(EVERYTHING)
        v1.webhook_endpoints.update(made.id, {"description": "Orders"})
        v1.webhook_endpoints.delete(made.id)

        assert not SandboxObject.objects.filter(object_type="event").exists()


class TestAnEvent:
    @pytest.fixture
    def going_to(self, v1: Services, at_seller: Options) -> Callable[..., list[str]]:
        """What becomes planned for one endpoint by a new customer at the seller and another one at the platform."""

        def look(**endpoint: Any) -> list[str]:
            made = v1.webhook_endpoints.create(EVERYTHING | endpoint)
            v1.customers.create({}, at_seller)
            v1.customers.create({})
            planned = SandboxDelivery.objects.filter(endpoint__stripe_id=made.id).select_related("event")
            return [f"{row.event.data['type']} of {row.event.account or 'the platform'}" for row in planned.order_by("pk")]

        return look

    def test_of_the_platform_goes_to_its_endpoints(self, going_to: Callable[..., list[str]]) -> None:
        assert going_to() == ["customer.created of the platform"]

    def test_of_a_connected_account_goes_to_connect_endpoints(
        self, at_seller: Options, going_to: Callable[..., list[str]]
    ) -> None:
        assert going_to(connect=True) == [f"customer.created of {at_seller['stripe_account']}"]

    def test_goes_where_its_type_is_wanted(self, going_to: Callable[..., list[str]]) -> None:
        assert going_to(enabled_events=["customer.updated", "customer.created"]) == ["customer.created of the platform"]
        assert going_to(enabled_events=["customer.updated"]) == []

    def test_goes_to_no_disabled_endpoint(self, v1: Services) -> None:
        made = v1.webhook_endpoints.create(EVERYTHING)
        v1.webhook_endpoints.update(made.id, {"disabled": True})

        v1.customers.create({})

        assert not SandboxDelivery.objects.exists()
