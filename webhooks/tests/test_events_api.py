"""GET /events, and GET /webhook-endpoints/{id}/deliveries."""

import json
from datetime import timedelta
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from commercecore_payments.clock import now
from commercecore_payments.tests.tenants import BASE, Tenant
from webhooks.models import Delivery, DeliveryAttempt, Event
from webhooks.tests.consumers import create_endpoint, told, write

# What no sequence number is.
MALFORMED = ["", "-1", "1.0", "1e3", "%201", "%2B1", "x", "%D9%A1", "9" * 19, "9" * 5000]


def sequences(response: Any, name: str = "events") -> list[int]:
    assert response.status_code == 200
    return [row["sequence"] for row in response.json()["data"][name]]


@pytest.mark.made_up_events
class TestTheEvents:
    def test_are_told_as_they_are_sent(self, tenant: Tenant) -> None:
        event, _ = write(tenant, "payment.succeeded", "refund.processed", amount=1000, rate=0.1, name="Zoë ☃", none=None)
        response = tenant.get("/events?limit=1")
        sent = json.loads(event.body)
        row = {"id": event.pk, "sequence": 1, "type": "payment.succeeded", "timestamp": sent["timestamp"], "data": sent["data"]}
        assert response.json() == {
            "data": {"events": [row]},
            "meta": {"status_code": 200, "oldest_sequence": 1, "latest_sequence": 2, "has_more": True},
            "links": {"self": f"{BASE}/events", "next": f"{BASE}/events?limit=1&after=1"},
        }
        assert sent["data"] == {
            "sequence": 1, "status": "as it is now", "amount": 1000, "rate": 0.1, "name": "Zoë ☃", "none": None
        }  # fmt: skip

    def test_are_none_before_the_first(self, tenant: Tenant) -> None:
        body = tenant.get("/events").json()
        assert body["data"] == {"events": []}
        assert body["meta"] == {"status_code": 200, "oldest_sequence": 0, "latest_sequence": 0, "has_more": False}

    def test_come_page_by_page_the_oldest_first(self, tenant: Tenant) -> None:
        write(tenant, *["payment.failed"] * 5)
        assert sequences(tenant.get("/events")) == [1, 2, 3, 4, 5]
        pages = [tenant.get(f"/events?after={after}&limit=2") for after in (0, 2, 4, 5, 99)]
        assert [sequences(page) for page in pages] == [[1, 2], [3, 4], [5], [], []]
        assert [page.json()["meta"]["has_more"] for page in pages] == [True, True, False, False, False]
        assert sequences(tenant.get("/events?after=1&limit=4")) == [2, 3, 4, 5]
        assert tenant.get("/events?after=1&limit=4").json()["meta"]["has_more"] is False

    def test_are_at_most_a_hundred(self, tenant: Tenant) -> None:
        write(tenant, *["payment.failed"] * 101)
        page = tenant.get("/events")
        assert (sequences(page), page.json()["meta"]["has_more"]) == (list(range(1, 101)), True)

    def test_that_were_forgotten_show_in_the_bounds(self, tenant: Tenant) -> None:
        write(tenant, *["payment.failed"] * 5)
        Event.objects.filter(sequence__lte=3).delete()
        some = tenant.get("/events?after=1").json()
        assert [row["sequence"] for row in some["data"]["events"]] == [4, 5]
        assert (some["meta"]["oldest_sequence"], some["meta"]["latest_sequence"]) == (4, 5)
        Event.objects.all().delete()
        none = tenant.get("/events?after=1").json()["meta"]
        assert (none["oldest_sequence"], none["latest_sequence"], none["has_more"]) == (0, 5, False)

    @pytest.mark.parametrize("after", MALFORMED, ids=range(len(MALFORMED)))
    def test_after_what_is_no_number_are_refused(self, tenant: Tenant, after: str) -> None:
        response = tenant.get(f"/events?after={after}")
        assert (told(response), list(response.json()["details"]["fields"])) == ((400, "invalid_body"), ["after"])

    @pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "limit=", "before=1", "after=1&type=x"])
    def test_of_a_query_that_means_nothing_are_refused(self, tenant: Tenant, query: str) -> None:
        assert told(tenant.get(f"/events?{query}")) == (400, "invalid_body")

    def test_cost_five_queries_however_many_they_are(
        self, tenant: Tenant, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        write(tenant, *["payment.failed"] * 20)
        tenant.get("/events")  # whoever asks for the first time is made known to the rate limits
        with django_assert_num_queries(5):  # three of them for the token, the app and the rate limits
            tenant.get("/events")


class TestTheDeliveries:
    def test_are_told_with_their_attempts(self, tenant: Tenant) -> None:
        endpoint = create_endpoint(tenant, events=["payment.failed"])
        _, event = write(tenant, "payment.succeeded", "payment.failed")
        delivery = Delivery.objects.get()
        started_at = now() - timedelta(minutes=1)
        attempt = {"delivery": delivery, "started_at": started_at, "duration_ms": 12}
        DeliveryAttempt.objects.create(**attempt, number=1, error="TimeoutError: There was no answer within 15 seconds.")
        DeliveryAttempt.objects.create(**attempt, number=2, http_status=503, answer="Come back later.")
        response = tenant.get(f"/webhook-endpoints/{endpoint['id']}/deliveries")
        told_attempt = {"started_at": int(started_at.timestamp()), "duration_ms": 12}
        assert response.json() == {
            "data": {
                "deliveries": [
                    {
                        "id": delivery.pk,
                        "webhook_endpoint_id": endpoint["id"],
                        "sequence": 1,
                        "event": {"id": event.pk, "type": "payment.failed", "sequence": 2},
                        "status": "pending",
                        "next_attempt_at": int(delivery.next_attempt_at.timestamp()),
                        "attempts": [
                            {
                                "number": 1,
                                **told_attempt,
                                "http_status": None,
                                "error": "TimeoutError: There was no answer within 15 seconds.",
                                "answer": "",
                            },
                            {"number": 2, **told_attempt, "http_status": 503, "error": "", "answer": "Come back later."},
                        ],
                    }
                ]
            },
            "meta": {"status_code": 200, "has_more": False},
            "links": {"self": f"{BASE}/webhook-endpoints/{endpoint['id']}/deliveries", "next": None},
        }

    @pytest.mark.parametrize("status", ["succeeded", "failed", "stopped"])
    def test_that_are_over_have_no_next_attempt(self, tenant: Tenant, status: str) -> None:
        endpoint = create_endpoint(tenant)
        write(tenant, "payment.failed")
        Delivery.objects.update(status=status)
        (row,) = tenant.get(f"/webhook-endpoints/{endpoint['id']}/deliveries").json()["data"]["deliveries"]
        assert (row["status"], row["next_attempt_at"]) == (status, None)

    def test_show_their_ten_newest_attempts(self, tenant: Tenant) -> None:
        endpoint = create_endpoint(tenant)
        write(tenant, "payment.failed", "payment.failed")
        for delivery in Delivery.objects.all():
            for number in range(1, 13):
                DeliveryAttempt.objects.create(delivery=delivery, number=number, started_at=now(), duration_ms=1)
        rows = tenant.get(f"/webhook-endpoints/{endpoint['id']}/deliveries").json()["data"]["deliveries"]
        assert [[attempt["number"] for attempt in row["attempts"]] for row in rows] == [list(range(3, 13))] * 2

    def test_come_page_by_page_and_by_status(self, tenant: Tenant) -> None:
        endpoint, other = create_endpoint(tenant), create_endpoint(tenant)
        write(tenant, *["payment.failed"] * 5)
        Delivery.objects.filter(sequence__in=[2, 4, 5]).update(status="failed")
        address = f"/webhook-endpoints/{endpoint['id']}/deliveries"
        asked = {"": [1, 2, 3, 4, 5], "?after=3": [4, 5], "?limit=2": [1, 2], "?status=failed": [2, 4, 5]}
        asked |= {"?status=failed&after=2&limit=1": [4], "?status=stopped": []}
        for query, expected in asked.items():
            assert sequences(tenant.get(f"{address}{query}"), "deliveries") == expected, query
        assert tenant.get(f"{address}?status=failed&limit=2").json()["meta"]["has_more"] is True
        assert tenant.get(f"{address}?status=failed&limit=3").json()["meta"]["has_more"] is False
        assert sequences(tenant.get(f"/webhook-endpoints/{other['id']}/deliveries"), "deliveries") == [1, 2, 3, 4, 5]

    @pytest.mark.parametrize("query", ["status=lost", "status=", "after=x", "limit=101", "order=new"])
    def test_of_a_query_that_means_nothing_are_refused(self, tenant: Tenant, query: str) -> None:
        endpoint = create_endpoint(tenant)
        assert told(tenant.get(f"/webhook-endpoints/{endpoint['id']}/deliveries?{query}")) == (400, "invalid_body")

    def test_cost_five_queries_however_many_they_are(
        self, tenant: Tenant, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        endpoint = create_endpoint(tenant)
        write(tenant, *["payment.failed"] * 20)
        with django_assert_num_queries(5):  # three of them for the token, the app and the rate limits
            tenant.get(f"/webhook-endpoints/{endpoint['id']}/deliveries")
