"""Forgetting: old events go, and of each app a beginning without a gap."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from pytest_django import Settings

from commercecore_payments import clock
from webhooks.models import EVENTS_ARE_KEPT_FOR, Delivery, DeliveryAttempt, Event
from webhooks.retention import forget_old_events
from webhooks.sending import deliver_next
from webhooks.tests.receivers import make_endpoint, receiving, tell

pytestmark = pytest.mark.django_db(transaction=True)

NOWHERE = "http://127.0.0.1:9/"


def kept() -> list[int]:
    return sorted(Event.objects.values_list("sequence", flat=True))


class TestAnOldEvent:
    def test_is_forgotten_with_all_that_is_known_of_it(self) -> None:
        with receiving() as receiver:
            endpoint = make_endpoint(receiver.url)
            tell(endpoint, 3)
            deliver_next()
            with clock.moved_ahead(EVENTS_ARE_KEPT_FOR - timedelta(hours=1)):
                assert forget_old_events(limit=10) == 0
            with clock.moved_ahead(EVENTS_ARE_KEPT_FOR + timedelta(hours=1)):
                tell(endpoint, 1)
                deliver_next()
                assert forget_old_events(limit=2) == 2
                assert list(Event.objects.order_by("sequence").values_list("sequence", flat=True)) == [3, 4]
                assert forget_old_events(limit=2) == 1
                assert forget_old_events(limit=2) == 0
        assert [json.loads(body)["data"]["sequence"] for body in Event.objects.values_list("body", flat=True)] == [4]
        assert (Delivery.objects.count(), DeliveryAttempt.objects.count()) == (1, 1)

    def test_that_is_still_on_its_way_stays_with_all_that_came_after_it(self) -> None:
        endpoint = make_endpoint(NOWHERE)
        rows = tell(endpoint, 4)
        Delivery.objects.exclude(pk=rows[2].pk).update(status="failed")
        with clock.moved_ahead(EVENTS_ARE_KEPT_FOR + timedelta(hours=1)):
            tell(endpoint)
            assert forget_old_events(limit=10) == 2
            assert forget_old_events(limit=10) == 0
            assert kept() == [3, 4, 5]
            Delivery.objects.update(status="succeeded")
            assert forget_old_events(limit=10) == 2
            assert kept() == [5]

    def test_of_another_app_does_not_wait_for_it(self) -> None:
        tell(make_endpoint(NOWHERE), 3)
        done = tell(make_endpoint(NOWHERE), 2)
        Delivery.objects.filter(endpoint=done[0].endpoint).update(status="failed")
        with clock.moved_ahead(EVENTS_ARE_KEPT_FOR + timedelta(hours=1)):
            assert forget_old_events(limit=10) == 2
        assert kept() == [1, 2, 3]

    def test_that_is_sent_again_at_that_very_moment_stays(self, monkeypatch: pytest.MonkeyPatch) -> None:
        tell(make_endpoint(NOWHERE))
        Delivery.objects.update(status="failed")
        whole = transaction.atomic

        def atomic(**named: Any) -> Any:
            Delivery.objects.update(status="pending")
            return whole(**named)

        monkeypatch.setattr(transaction, "atomic", atomic)
        with clock.moved_ahead(EVENTS_ARE_KEPT_FOR + timedelta(hours=1)):
            assert forget_old_events(limit=10) == 0
        assert Event.objects.count() == 1

    def test_behind_one_that_is_sent_again_at_that_very_moment_stays(self, monkeypatch: pytest.MonkeyPatch) -> None:
        rows = tell(make_endpoint(NOWHERE), 3)
        Delivery.objects.update(status="failed")
        whole = transaction.atomic

        def atomic(**named: Any) -> Any:
            Delivery.objects.filter(pk=rows[1].pk).update(status="pending")
            return whole(**named)

        monkeypatch.setattr(transaction, "atomic", atomic)
        with clock.moved_ahead(EVENTS_ARE_KEPT_FOR + timedelta(hours=1)):
            assert forget_old_events(limit=10) == 1
        assert kept() == [2, 3]

    def test_of_another_environment_stays(self, settings: Settings) -> None:
        tell(make_endpoint(NOWHERE))
        Delivery.objects.update(status="failed")
        settings.STRIPE_ENVIRONMENT = "test"
        with clock.moved_ahead(EVENTS_ARE_KEPT_FOR + timedelta(hours=1)):
            assert forget_old_events(limit=10) == 0
        assert Event._base_manager.count() == 1
