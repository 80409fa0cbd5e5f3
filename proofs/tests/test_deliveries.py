"""The proof of deliveries: what it would find, had something gone wrong."""

from collections.abc import Sequence

import pytest

from proofs.consumers import Arrival, Consumers, consuming
from proofs.deliveries import findings
from webhooks.models import Delivery, Event, WebhookEndpoint
from webhooks.sending import deliver_next
from webhooks.tests.receivers import make_endpoint, tell

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def endpoint() -> WebhookEndpoint:
    return make_endpoint("http://127.0.0.1:9/")


@pytest.fixture
def arrivals(endpoint: WebhookEndpoint) -> list[Arrival]:
    """Three events that were delivered, and all is well."""
    deliveries = tell(endpoint, 3)
    for each in deliveries:
        each.attempt_log.create(number=1, started_at=each.created_at, duration_ms=1, http_status=200)
    Delivery.objects.update(status="succeeded")
    return [Arrival(endpoint.pk, each.event_id, each.sequence, each.event.body, 200) for each in deliveries]


def found(arrivals: Sequence[Arrival]) -> list[str]:
    """What is found, without the ids in it."""
    ids = [*Event.objects.values_list("pk", flat=True), *WebhookEndpoint.objects.values_list("pk", flat=True)]
    sentences = findings(arrivals)
    for each in ids:
        sentences = [sentence.replace(each, "…") for sentence in sentences]
    return sentences


class TestTheFindings:
    def test_are_none_where_all_is_well(self, arrivals: list[Arrival]) -> None:
        again = arrivals[0]
        assert found([*arrivals, again]) == []

    def test_tell_of_an_event_that_never_arrived(self, arrivals: list[Arrival]) -> None:
        refused = Arrival(arrivals[2].endpoint_id, arrivals[2].message_id, 3, arrivals[2].body, 500)
        assert found([*arrivals[:2], refused]) == ["event … never arrived at …"]

    def test_tell_of_one_that_was_rolled_back(self, arrivals: list[Arrival]) -> None:
        ghost = Arrival(arrivals[0].endpoint_id, "msg_ghost", 4, "{}", 200)
        assert found([*arrivals, ghost])[0] == "… was sent msg_ghost, which is not written"

    def test_tell_of_one_event_under_two_ids_and_of_a_changed_body(self, arrivals: list[Arrival]) -> None:
        changed = Arrival(arrivals[0].endpoint_id, arrivals[0].message_id, 1, "{}", 200)
        assert found([*arrivals, changed]) == ["number 1 of … had 2 faces", "… arrived changed"]

    def test_tell_of_gaps(self, arrivals: list[Arrival], endpoint: WebhookEndpoint) -> None:
        Event.objects.filter(sequence=2).delete()
        gone = [one for one in arrivals if one.sequence != 2]
        expected = [f"the events of app {endpoint.app_id} have gaps: 2 up to 3", "the deliveries of … have gaps: 2 up to 3"]
        assert found(gone) == expected

    def test_tell_of_what_is_pending_or_held_or_not_noted(self, arrivals: list[Arrival]) -> None:
        Delivery.objects.filter(sequence=1).update(status="pending", leased_until=Delivery.objects.all()[0].created_at)
        Delivery.objects.get(sequence=2).attempt_log.all().delete()
        assert found(arrivals) == [
            "1 deliveries are pending",
            "1 deliveries are still in a worker's hands",
            "of 1 deliveries no success is noted",
        ]


class TestTheConsumers:
    def test_verify_what_arrives(self) -> None:
        with consuming(seed=1) as consumers:
            endpoint = _at(consumers)
            consumers.secrets[endpoint.pk] = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
            tell(endpoint)
            deliver_next()
        assert [found.partition(": a signature does not verify")[1] for found in consumers.violations] == [
            ": a signature does not verify"
        ]
        assert len(consumers.arrivals) == 1


def _at(consumers: Consumers) -> WebhookEndpoint:
    endpoint = make_endpoint(consumers.base)
    endpoint.url = f"{consumers.base}/{endpoint.pk}"
    endpoint.save()
    return endpoint
