"""An app that is disabled, or whose developer is: nothing is sent for it, and nothing is lost."""

from typing import Any

import pytest

from commercecore_payments.clock import now
from commercecore_payments.tests.tenants import Tenant
from developers.models import App, Developer
from webhooks.deliveries import stop_stranded
from webhooks.models import Delivery, Event
from webhooks.tests.consumers import create_endpoint, write
from webhooks.tests.receivers import Receiver, receiving
from webhooks.tests.test_deliveries import sent


@pytest.fixture
def receiver() -> Any:
    with receiving() as found:
        yield found


@pytest.mark.parametrize("of", [App, Developer])
class TestADisabledTenant:
    def test_is_sent_nothing_and_what_was_on_its_way_goes_on_afterwards(
        self, tenant: Tenant, receiver: Receiver, of: type[App | Developer]
    ) -> None:
        create_endpoint(tenant, url=receiver.url)
        write(tenant, "payment.failed")
        of.objects.update(disabled_at=now())
        assert sent() == 0
        assert stop_stranded(limit=10) == 0
        assert list(Delivery.objects.values_list("status", "attempts")) == [("pending", 0)]
        of.objects.update(disabled_at=None)
        assert sent() == 1
        assert len(receiver.bodies) == 1

    def test_catches_up_with_what_happened_meanwhile(self, tenant: Tenant, receiver: Receiver, of: type[App | Developer]) -> None:
        endpoint = create_endpoint(tenant, url=receiver.url)
        of.objects.update(disabled_at=now())
        write(tenant, "payment.failed", "refund.failed")
        assert list(Event.objects.order_by("sequence").values_list("sequence", flat=True)) == [1, 2]
        assert not Delivery.objects.exists()
        of.objects.update(disabled_at=None)
        assert sent() == 0
        response = tenant.post(f"/webhook-endpoints/{endpoint['id']}/resend", {"after": 0, "until": 2})
        assert response.json()["data"]["resent"] == 2
        assert sent() == 1
        assert [headers["Webhook-Endpoint-Sequence"] for headers in receiver.headers] == ["1", "2"]


class TestADisabledApp:
    def test_is_not_every_app_of_its_developer(self, tenant: Tenant, receiver: Receiver) -> None:
        create_endpoint(tenant, url=receiver.url)
        App.objects.create(developer=tenant.developer, disabled_at=now())
        write(tenant, "payment.failed")
        assert sent() == 1
