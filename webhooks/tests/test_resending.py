"""POST /deliveries/{id}/resend, and POST /webhook-endpoints/{id}/resend."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from commercecore_payments.clock import database_now, now
from commercecore_payments.tests.tenants import Tenant
from commercecore_payments.tests.test_races import at_once
from webhooks import resending
from webhooks.models import Delivery, DeliveryAttempt, EventCounter, WebhookEndpoint
from webhooks.tests.consumers import create_endpoint, told, write

ANY_STATUS = Delivery.Status.values


def resend_all(tenant: Tenant, endpoint: dict[str, Any], after: Any = 0, until: Any = 99, **headers: str) -> Any:
    return tenant.post(f"/webhook-endpoints/{endpoint['id']}/resend", {"after": after, "until": until}, **headers)


def finished(status: str = "failed") -> None:
    """Every delivery as it is at the end of its schedule, an hour ago."""
    past = database_now() - timedelta(hours=1)
    Delivery.objects.update(status=status, attempts=10, scheduled_attempts=10, next_attempt_at=past, finished_at=now())


def planned(endpoint: dict[str, Any]) -> list[tuple[int, int, str]]:
    """The endpoint's deliveries: its own sequence number, the app's, and the status."""
    rows = Delivery.objects.filter(endpoint=endpoint["id"]).order_by("sequence")
    return list(rows.values_list("sequence", "event__sequence", "status"))


def everything() -> list[Any]:
    return [list(model.objects.order_by("pk").values()) for model in (Delivery, WebhookEndpoint, EventCounter)]


class TestADelivery:
    @pytest.mark.parametrize("status", ANY_STATUS)
    def test_is_due_again_whatever_came_of_it(self, tenant: Tenant, status: str) -> None:
        create_endpoint(tenant)
        write(tenant, "payment.failed")
        finished(status)
        before = database_now()
        response = tenant.post(f"/deliveries/{Delivery.objects.get().pk}/resend", {})
        row = Delivery.objects.get()
        assert (row.status, row.scheduled_attempts, row.attempts, row.finished_at) == ("pending", 0, 10, None)
        assert before <= row.next_attempt_at <= database_now()
        data = response.json()["data"]
        assert (response.status_code, data["status"], data["sequence"], data["attempts"]) == (200, "pending", 1, [])
        assert data["next_attempt_at"] == int(row.next_attempt_at.timestamp())

    def test_keeps_its_attempts_and_its_number(self, tenant: Tenant) -> None:
        endpoint = create_endpoint(tenant)
        write(tenant, "payment.failed")
        finished()
        delivery = Delivery.objects.get()
        DeliveryAttempt.objects.create(delivery=delivery, number=10, started_at=now(), duration_ms=5, http_status=500)
        data = tenant.post(f"/deliveries/{delivery.pk}/resend", {}).json()["data"]
        assert data == tenant.get(f"/webhook-endpoints/{endpoint['id']}/deliveries").json()["data"]["deliveries"][0]
        assert [attempt["number"] for attempt in data["attempts"]] == [10]
        assert WebhookEndpoint.objects.get().last_sequence == 1

    def test_alone_is_sent_again(self, tenant: Tenant) -> None:
        endpoint = create_endpoint(tenant)
        write(tenant, "payment.failed", "payment.failed")
        finished()
        tenant.post(f"/deliveries/{Delivery.objects.get(sequence=2).pk}/resend", {})
        assert planned(endpoint) == [(1, 1, "failed"), (2, 2, "pending")]

    @pytest.mark.parametrize("off", [{"status": "disabled"}, None], ids=["disabled", "deleted"])
    def test_to_an_endpoint_that_is_off_is_refused(self, tenant: Tenant, off: dict[str, str] | None) -> None:
        address = f"/webhook-endpoints/{create_endpoint(tenant)['id']}"
        write(tenant, "payment.failed")
        tenant.patch(address, off) if off else tenant.delete(address)
        before = everything()
        response = tenant.post(f"/deliveries/{Delivery.objects.get().pk}/resend", {})
        assert told(response) == (409, "webhook_endpoint_disabled")
        assert everything() == before

    def test_takes_nothing_from_the_body(self, tenant: Tenant) -> None:
        create_endpoint(tenant)
        write(tenant, "payment.failed")
        finished()
        before = everything()
        assert told(tenant.post(f"/deliveries/{Delivery.objects.get().pk}/resend", {"url": "x"})) == (400, "invalid_body")
        assert everything() == before

    def test_under_a_key_is_resent_once(self, tenant: Tenant) -> None:
        create_endpoint(tenant)
        write(tenant, "payment.failed")
        address = f"/deliveries/{Delivery.objects.get().pk}/resend"
        tenant.post(address, {}, **{"Idempotency-Key": "again-1"})
        finished("succeeded")
        assert tenant.post(address, {}, **{"Idempotency-Key": "again-1"}).json()["data"]["status"] == "pending"
        assert Delivery.objects.get().status == "succeeded"


class TestARange:
    def test_makes_what_was_sent_due_again(self, tenant: Tenant) -> None:
        endpoint, other = create_endpoint(tenant), create_endpoint(tenant)
        write(tenant, *["payment.failed"] * 4)
        finished("succeeded")
        before = database_now()
        response = resend_all(tenant, endpoint, after=1, until=3)
        assert (response.status_code, response.json()["data"]) == (200, {"id": endpoint["id"], "resent": 2})
        states = [(1, 1, "succeeded"), (2, 2, "pending"), (3, 3, "pending"), (4, 4, "succeeded")]
        assert planned(endpoint) == states
        assert {status for _, _, status in planned(other)} == {"succeeded"}
        for row in Delivery.objects.filter(status="pending"):
            assert before <= row.next_attempt_at <= database_now()
            assert (row.scheduled_attempts, row.attempts, row.finished_at) == (0, 10, None)

    def test_plans_what_came_before_the_endpoint_was_there(self, tenant: Tenant) -> None:
        write(tenant, "payment.failed", "refund.failed", "payment.failed")
        endpoint = create_endpoint(tenant, events=["payment.failed"])
        write(tenant, "payment.failed")
        finished("succeeded")
        assert resend_all(tenant, endpoint, until=3).json()["data"]["resent"] == 2
        assert planned(endpoint) == [(1, 4, "succeeded"), (2, 1, "pending"), (3, 3, "pending")]
        assert WebhookEndpoint.objects.get().last_sequence == 3
        write(tenant, "payment.failed")
        assert planned(endpoint)[-1] == (4, 5, "pending")

    def test_plans_what_came_while_the_endpoint_was_off(self, tenant: Tenant) -> None:
        endpoint = create_endpoint(tenant)
        address = f"/webhook-endpoints/{endpoint['id']}"
        write(tenant, "payment.failed")
        tenant.patch(address, {"status": "disabled"})
        write(tenant, "payment.failed")
        tenant.patch(address, {"status": "enabled"})
        write(tenant, "payment.failed")
        assert planned(endpoint) == [(1, 1, "stopped"), (2, 3, "pending")]
        assert resend_all(tenant, endpoint).json()["data"]["resent"] == 3
        assert planned(endpoint) == [(1, 1, "pending"), (2, 3, "pending"), (3, 2, "pending")]
        assert resend_all(tenant, endpoint).json()["data"]["resent"] == 3
        assert len(planned(endpoint)) == 3

    def test_repeats_what_was_sent_before_the_endpoint_took_other_events(self, tenant: Tenant) -> None:
        endpoint = create_endpoint(tenant)
        write(tenant, "payment.failed", "refund.failed")
        finished("succeeded")
        tenant.patch(f"/webhook-endpoints/{endpoint['id']}", {"events": ["refund.failed"]})
        write(tenant, "payment.failed")
        assert resend_all(tenant, endpoint).json()["data"]["resent"] == 2
        assert planned(endpoint) == [(1, 1, "pending"), (2, 2, "pending")]

    def test_without_events_resends_none(self, tenant: Tenant) -> None:
        endpoint = create_endpoint(tenant)
        write(tenant, "payment.failed")
        before = everything()
        assert resend_all(tenant, endpoint, after=1, until=10**17).json()["data"]["resent"] == 0
        assert everything() == before

    def test_holds_a_thousand_events_and_no_more(self, tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
        assert resending.MOST_EVENTS == 1000
        monkeypatch.setattr(resending, "MOST_EVENTS", 3)
        write(tenant, *["payment.failed", "refund.failed"] * 4)
        endpoint = create_endpoint(tenant, events=["payment.failed"])
        before = everything()
        response = resend_all(tenant, endpoint)
        assert (told(response), response.json()["details"]["most"]) == ((400, "too_many_events"), 3)
        assert everything() == before
        assert resend_all(tenant, endpoint, until=6).json()["data"]["resent"] == 3

    def test_to_an_endpoint_that_is_off_is_refused(self, tenant: Tenant) -> None:
        endpoint = create_endpoint(tenant)
        write(tenant, "payment.failed")
        tenant.patch(f"/webhook-endpoints/{endpoint['id']}", {"status": "disabled"})
        before = everything()
        assert told(resend_all(tenant, endpoint)) == (409, "webhook_endpoint_disabled")
        assert everything() == before

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({"until": 2}, "after"),
            ({"after": 0}, "until"),
            ({"after": None, "until": 2}, "after"),
            ({"after": -1, "until": 2}, "after"),
            ({"after": 0.5, "until": 2}, "after"),
            ({"after": True, "until": 2}, "after"),
            ({"after": "x", "until": 2}, "after"),
            ({"after": 0, "until": 10**18}, "until"),
            ({"after": 0, "until": [2]}, "until"),
            ({"after": 2, "until": 2}, "until"),
            ({"after": 3, "until": 2}, "until"),
            ({"after": 0, "until": 2, "status": "failed"}, "status"),
        ],
    )
    def test_that_is_none_is_refused(self, tenant: Tenant, body: dict[str, Any], field: str) -> None:
        endpoint = create_endpoint(tenant)
        write(tenant, "payment.failed")
        finished()
        before = everything()
        response = tenant.post(f"/webhook-endpoints/{endpoint['id']}/resend", body)
        assert (told(response), list(response.json()["details"]["fields"])) == ((400, "invalid_body"), [field])
        assert everything() == before


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no row locks to test")
class TestEightCallersAtOnce:
    def test_plan_each_missed_event_once_beside_new_ones(self, tenant: Tenant) -> None:
        write(tenant, *["payment.failed"] * 5)
        endpoint = create_endpoint(tenant)

        def call(caller: Tenant, number: int) -> Any:
            return write(caller, "payment.failed") if number % 2 else resend_all(caller, endpoint).status_code

        answers = at_once(tenant, call)
        assert answers[::2] == [200] * 4
        rows = planned(endpoint)
        assert [sequence for sequence, _, _ in rows] == list(range(1, 10))
        assert sorted(event for _, event, _ in rows) == list(range(1, 10))
        assert WebhookEndpoint.objects.get().last_sequence == 9

    def test_need_no_counter_that_is_there_already(self, tenant: Tenant) -> None:
        """The first that lock an app's counter make it once."""
        at_once(tenant, lambda caller, number: create_endpoint(caller, description=str(number)))
        assert EventCounter.objects.count() == 1


class TestTheCostOfARange:
    def test_is_the_same_however_long_it_is(self, tenant: Tenant) -> None:
        write(tenant, *["payment.failed"] * 40)
        endpoint = create_endpoint(tenant)
        counts = []
        for after, until in ((0, 4), (4, 40)):
            for _ in ("planned", "made due again"):
                with CaptureQueriesContext(connection) as seen:
                    resend_all(tenant, endpoint, after=after, until=until)
                counts.append(len(seen))
        assert counts[:2] == counts[2:]
