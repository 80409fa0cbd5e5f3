"""When an endpoint is given up at which nothing arrives."""

from datetime import timedelta

import pytest

from commercecore_payments import clock
from commercecore_payments.clock import database_now
from webhooks.models import Delivery, WebhookEndpoint
from webhooks.tests.receivers import Scripted, make_endpoint, receiving, tell
from webhooks.tests.test_deliveries import off, sent, state

pytestmark = pytest.mark.django_db(transaction=True)

LATER = timedelta(days=5, minutes=1)


class TestAnEndpoint:
    def test_at_which_nothing_arrives_for_five_days_is_switched_off(self) -> None:
        with receiving(Scripted(500)) as receiver:
            endpoint = make_endpoint(receiver.url)
            tell(endpoint)
            sent()
            with clock.moved_ahead(timedelta(days=4, hours=23)):
                tell(endpoint)
                sent()
                assert off(endpoint) == ("enabled", "")
            with clock.moved_ahead(timedelta(days=5, minutes=1)):
                [last] = tell(endpoint)
                sent()
        assert off(endpoint) == ("disabled", "failing")
        assert state(last)[0] == "stopped"
        assert not Delivery.objects.waiting().exists()

    def test_that_has_failed_but_for_a_few_times_in_five_days_stays_on(self) -> None:
        with receiving(Scripted(500)) as receiver:
            endpoint = make_endpoint(receiver.url)
            tell(endpoint)
            sent()
            with clock.moved_ahead(LATER):  # the second attempt, after five quiet days
                sent()
                assert off(endpoint) == ("enabled", "")
                [more] = tell(endpoint)
                tell(endpoint)
                sent()
                assert off(endpoint) == ("enabled", "")
                assert state(more)[0] == "pending"
                tell(endpoint)
                sent()
                assert off(endpoint) == ("enabled", "")
                assert len(receiver.bodies) == 5  # four since the first
                tell(endpoint)
                sent()
        assert off(endpoint) == ("disabled", "failing")

    def test_at_which_a_whole_schedule_was_in_vain_is_switched_off(self) -> None:
        with receiving(Scripted(500)) as receiver:
            endpoint = make_endpoint(receiver.url, failing_since=database_now())
            tell(endpoint, 2)
            Delivery.objects.filter(sequence=1).update(status="failed", finished_at=clock.now())
            with clock.moved_ahead(LATER):
                sent()
        assert len(receiver.bodies) == 1
        assert off(endpoint) == ("disabled", "failing")

    def test_whose_failures_before_its_last_success_were_many_begins_anew(self) -> None:
        with receiving(Scripted(500)) as receiver:
            endpoint = make_endpoint(receiver.url)
            tell(endpoint, 6)
            sent()
            Delivery.objects.update(status="failed", finished_at=clock.now())
            with clock.moved_ahead(timedelta(hours=1)):
                WebhookEndpoint.objects.update(failing_since=database_now())
                tell(endpoint)
            with clock.moved_ahead(LATER + timedelta(hours=1)):
                sent()
        assert off(endpoint) == ("enabled", "")
