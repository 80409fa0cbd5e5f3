"""The sandbox's events enter this service by the door of Stripe's own: signed, and as the fault plan has it."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError

from commercecore_payments import clock
from commercecore_payments.tests.tenants import Tenant
from sandbox.faults import plans
from sandbox.models import SandboxDelivery, SandboxObject
from sandbox.resources import webhook_endpoints
from sandbox.webhooks import deliveries, own_door
from stripe_events.models import StripeEvent
from webhooks.models import Event


@pytest.fixture
def seller_beside_the_door(tenant: Tenant, seller: str) -> str:
    """A seller of whose next events this service is told."""
    webhook_endpoints.register_own()
    return seller


def own_endpoints() -> list[SandboxObject]:
    return list(SandboxObject.objects.filter(object_type="webhook_endpoint", data__url=own_door.URL).order_by("pk"))


def arrived(name: str) -> int:
    """How many events of this type are stored, after all that is due was delivered."""
    while deliveries.deliver_due():
        pass
    return StripeEvent.objects.filter(type=name).count()


class TestTheServicesOwnEndpoints:
    def test_are_two_however_often_they_are_registered(self, transactional_db: None) -> None:
        for _ in range(3):
            webhook_endpoints.register_own()
        assert [endpoint.hidden["connect"] for endpoint in own_endpoints()] == [False, True]

    def test_sign_with_the_secrets_of_the_process_that_started_last(self, transactional_db: None, settings: Any) -> None:
        webhook_endpoints.register_own()
        settings.STRIPE_CONNECT_WEBHOOK_SECRETS = "whsec_a_new_one_00000000,whsec_an_old_one_0000000"
        webhook_endpoints.register_own()
        assert [endpoint.hidden["secret"] for endpoint in own_endpoints()] == [
            settings.STRIPE_WEBHOOK_SECRETS,
            "whsec_a_new_one_00000000",
        ]

    def test_are_told_of_the_platforms_events_and_of_those_of_accounts(self, tenant: Tenant, seller_beside_the_door: str) -> None:
        tenant.post("/payment-methods", {"payment_method_id": "pm_card_visa"})
        tenant.pay(seller_beside_the_door)
        assert arrived("payment_method.attached") == 1
        assert arrived("payment_intent.succeeded") == 1
        accounts = dict(StripeEvent.objects.values_list("type", "account_id"))
        assert (accounts["payment_method.attached"], accounts["payment_intent.succeeded"]) == ("", seller_beside_the_door)


class TestAnEventOnItsWay:
    def test_that_is_dropped_never_arrives(self, tenant: Tenant, seller_beside_the_door: str) -> None:
        plans.order("drop_event", event_type="payment_intent.succeeded")
        tenant.pay(seller_beside_the_door)
        assert (arrived("payment_intent.succeeded"), arrived("payment_intent.created")) == (0, 1)

    def test_that_is_doubled_is_stored_once(self, tenant: Tenant, seller_beside_the_door: str) -> None:
        plans.order("double_event", event_type="payment_intent.succeeded")
        tenant.pay(seller_beside_the_door)
        assert arrived("payment_intent.succeeded") == 1
        of_event = SandboxDelivery.objects.filter(event__data__type="payment_intent.succeeded")
        assert [delivery.status for delivery in of_event] == ["succeeded", "succeeded"]
        assert Event.objects.filter(type="payment.succeeded").count() == 1

    def test_that_is_late_arrives_later(self, tenant: Tenant, seller_beside_the_door: str) -> None:
        plans.order("delay_event", event_type="payment_intent.succeeded", delay_s=60)
        tenant.pay(seller_beside_the_door)
        assert arrived("payment_intent.succeeded") == 0
        with clock.moved_ahead(timedelta(seconds=61)):
            assert arrived("payment_intent.succeeded") == 1

    def test_that_meets_a_failing_service_comes_again(
        self, tenant: Tenant, seller_beside_the_door: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*_: Any, **__: Any) -> None:
            raise OperationalError("the disk is full")

        tenant.pay(seller_beside_the_door)
        with monkeypatch.context() as patch:
            patch.setattr(StripeEvent, "insert_once", fail)
            assert arrived("payment_intent.succeeded") == 0
        delivery = SandboxDelivery.objects.get(event__data__type="payment_intent.succeeded")
        assert (delivery.status, delivery.last_error) == ("pending", "The service failed: OperationalError: the disk is full")
        with clock.moved_ahead(timedelta(minutes=11)):
            assert arrived("payment_intent.succeeded") == 1
