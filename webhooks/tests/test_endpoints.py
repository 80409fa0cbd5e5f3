"""The routes of webhook endpoints, but for those that send something."""

import base64
from typing import Any

import pytest
from django.db import connection

from commercecore_payments.clock import now
from commercecore_payments.tests.tenants import BASE, Tenant
from commercecore_payments.tests.test_races import at_once, counted
from idempotency.models import IdempotencyKey
from webhooks.models import Delivery, EventCounter, EventType, WebhookEndpoint
from webhooks.tests.consumers import URL, create_endpoint, told, write

Status = WebhookEndpoint.Status


def stored(endpoint: dict[str, Any]) -> WebhookEndpoint:
    found: WebhookEndpoint = WebhookEndpoint.objects.get(pk=endpoint["id"])
    return found


class TestANewEndpoint:
    def test_is_told_with_its_secret(self, tenant: Tenant) -> None:
        response = tenant.post("/webhook-endpoints", {"url": URL, "events": ["payment.succeeded"], "description": "The shop"})
        body = response.json()
        row = WebhookEndpoint.objects.get()
        secret = body["data"].pop("secret")
        assert (response.status_code, body) == (
            201,
            {
                "data": {
                    "message": "Webhook endpoint created successfully",
                    "id": row.pk,
                    "url": URL,
                    "description": "The shop",
                    "events": ["payment.succeeded"],
                    "status": "enabled",
                    "disabled_reason": "",
                    "disabled_at": None,
                    "failing_since": None,
                    "paused_until": None,
                    "last_sequence": 0,
                    "created": int(row.created_at.timestamp()),
                },
                "meta": {"message": "Webhook endpoint created successfully", "status_code": 201},
                "links": {"self": f"{BASE}/webhook-endpoints"},
            },
        )
        assert secret.startswith("whsec_")
        assert len(base64.b64decode(secret.removeprefix("whsec_"), validate=True)) == 32
        assert (row.app, row.environment, row.pk[:3]) == (tenant.app, "sandbox", "we_")

    def test_shows_its_secret_nowhere_else(self, tenant: Tenant) -> None:
        endpoint = create_endpoint(tenant)
        address = f"/webhook-endpoints/{endpoint['id']}"
        for response in (tenant.get(address), tenant.get("/webhook-endpoints"), tenant.patch(address, {"description": "x"})):
            assert response.status_code == 200
            assert "secret" not in response.content.decode()
        assert endpoint["secret"] not in str(WebhookEndpoint.objects.values().get())

    def test_is_sent_what_happens_from_then_on(self, tenant: Tenant) -> None:
        write(tenant, "payment.succeeded")
        chosen = create_endpoint(tenant, events=["refund.processed", "payment.failed"])
        everything = create_endpoint(tenant)
        write(tenant, "payment.succeeded", "payment.failed")
        sent = Delivery.objects.order_by("sequence").values_list("endpoint", "sequence", "event__type")
        assert sorted(sent) == sorted(
            [
                (chosen["id"], 1, "payment.failed"),
                (everything["id"], 1, "payment.succeeded"),
                (everything["id"], 2, "payment.failed"),
            ]
        )
        assert tenant.get(f"/webhook-endpoints/{everything['id']}").json()["data"]["last_sequence"] == 2

    def test_under_a_key_is_made_once_and_told_alike(self, tenant: Tenant) -> None:
        body = {"url": URL, "events": ["*"]}
        first, second = (tenant.post("/webhook-endpoints", body, **{"Idempotency-Key": "hooks-1"}) for _ in range(2))
        assert (first.status_code, second.content, second["Idempotent-Replayed"]) == (201, first.content, "true")
        assert WebhookEndpoint.objects.count() == 1
        assert first.json()["data"]["secret"] not in IdempotencyKey.objects.get().answer

    def test_is_refused_beside_sixteen_others(self, tenant: Tenant) -> None:
        endpoints = [create_endpoint(tenant) for _ in range(16)]
        assert told(tenant.post("/webhook-endpoints", {"url": URL, "events": ["*"]})) == (409, "too_many_webhook_endpoints")
        assert WebhookEndpoint.objects.count() == 16
        tenant.delete(f"/webhook-endpoints/{endpoints[0]['id']}")
        create_endpoint(tenant)

    @pytest.mark.parametrize("app_id", ["query", "header"])
    def test_needs_no_user(self, tenant: Tenant, app_id: str) -> None:
        headers = {"X-Developer-Token": tenant.token} | ({"X-App-ID": tenant.app.pk} if app_id == "header" else {})
        query = f"?app_id={tenant.app.pk}" if app_id == "query" else ""
        for address in ("webhook-endpoints", "events"):
            assert tenant.client.get(f"/api/v1/{address}{query}", headers=headers).status_code == 200


BAD_BODIES: list[tuple[dict[str, Any], str]] = [
    ({"events": ["*"]}, "url"),
    ({"url": None, "events": ["*"]}, "url"),
    ({"url": "", "events": ["*"]}, "url"),
    ({"url": 7, "events": ["*"]}, "url"),
    ({"url": "https://shop.example/" + "x" * 2048, "events": ["*"]}, "url"),
    ({"url": "https://shop.example/\x00", "events": ["*"]}, "url"),
    ({"url": URL}, "events"),
    ({"url": URL, "events": None}, "events"),
    ({"url": URL, "events": "*"}, "events"),
    ({"url": URL, "events": {"*": "*"}}, "events"),
    ({"url": URL, "events": []}, "events"),
    ({"url": URL, "events": [7]}, "events"),
    ({"url": URL, "events": [["*"]]}, "events"),
    ({"url": URL, "events": ["payment.paid"]}, "events"),
    ({"url": URL, "events": ["webhook.test"]}, "events"),
    ({"url": URL, "events": ["payment.*"]}, "events"),
    ({"url": URL, "events": ["payment.failed", "payment.failed"]}, "events"),
    ({"url": URL, "events": ["*", "payment.failed"]}, "events"),
    ({"url": URL, "events": ["*", "*"]}, "events"),
    ({"url": URL, "events": ["*"], "description": "x" * 256}, "description"),
    ({"url": URL, "events": ["*"], "description": None}, "description"),
    ({"url": URL, "events": ["*"], "secret": "whsec_mine"}, "secret"),
    ({"url": URL, "events": ["*"], "status": "disabled"}, "status"),
    ({"url": URL, "events": ["*"], "app_id": "ap_other"}, "app_id"),
]
# How an address is judged is tested beside webhooks/addresses.py.
BAD_ADDRESSES = [
    "ftp://shop.example/",
    "https://ada:pw@shop.example/",
    "https://10.0.0.1/",
    "https://169.254.169.254/",
    "nowhere",
]


class TestABadRequest:
    @pytest.mark.parametrize(("body", "field"), BAD_BODIES, ids=range(len(BAD_BODIES)))
    def test_names_the_field_and_makes_nothing(self, tenant: Tenant, body: dict[str, Any], field: str) -> None:
        response = tenant.post("/webhook-endpoints", body)
        assert told(response) == (400, "invalid_body")
        assert list(response.json()["details"]["fields"]) == [field]
        assert not WebhookEndpoint.objects.exists()
        assert not EventCounter.objects.exists()

    @pytest.mark.parametrize("url", BAD_ADDRESSES)
    def test_for_an_address_that_is_not_allowed_makes_and_changes_nothing(self, tenant: Tenant, url: str) -> None:
        endpoint = create_endpoint(tenant)
        for response in (
            tenant.post("/webhook-endpoints", {"url": url, "events": ["*"]}, **{"Idempotency-Key": "hooks-1"}),
            tenant.patch(f"/webhook-endpoints/{endpoint['id']}", {"url": url, "description": "changed"}),
        ):
            assert told(response) == (400, "url_not_allowed")
            assert list(response.json()["details"]["fields"]) == ["url"]
        row = WebhookEndpoint.objects.get()
        assert (row.url, row.description) == (URL, "")
        mended = tenant.post("/webhook-endpoints", {"url": URL, "events": ["*"]}, **{"Idempotency-Key": "hooks-1"})
        assert mended.status_code == 201

    @pytest.mark.parametrize(
        "body",
        [
            {"events": []},
            {"events": ["nothing"]},
            {"status": "paused"},
            {"status": None},
            {"secret": "x"},
            {"failing_since": None},
        ],
    )
    def test_to_change_changes_nothing(self, tenant: Tenant, body: dict[str, Any]) -> None:
        endpoint = create_endpoint(tenant)
        response = tenant.patch(f"/webhook-endpoints/{endpoint['id']}", {"description": "changed", **body})
        assert (told(response), list(response.json()["details"]["fields"])) == ((400, "invalid_body"), list(body))
        assert stored(endpoint).description == ""

    @pytest.mark.parametrize("path", ["/webhook-endpoints?limit=0", "/webhook-endpoints?status=on"])
    def test_names_what_a_list_cannot_be_asked_for(self, tenant: Tenant, path: str) -> None:
        assert told(tenant.get(path)) == (400, "invalid_body")


class TestTheList:
    def test_shows_the_apps_living_endpoints_the_newest_first(self, tenant: Tenant) -> None:
        first, second, third = (create_endpoint(tenant, description=str(number)) for number in range(3))
        tenant.delete(f"/webhook-endpoints/{second['id']}")
        shown = tenant.get("/webhook-endpoints").json()["data"]["webhook_endpoints"]
        assert [one["id"] for one in shown] == [third["id"], first["id"]]
        assert shown[1] == tenant.get(f"/webhook-endpoints/{first['id']}").json()["data"]


class TestAChange:
    def test_changes_what_it_names(self, tenant: Tenant) -> None:
        endpoint = create_endpoint(tenant, description="The shop")
        address = f"/webhook-endpoints/{endpoint['id']}"
        for change in ({"url": "https://new.example/"}, {"events": ["refund.failed"]}, {"description": ""}):
            before = tenant.get(address).json()["data"]
            after = tenant.patch(address, change).json()["data"]
            assert after == {**before, **change}
            assert tenant.get(address).json()["data"] == after

    def test_of_nothing_changes_nothing(self, tenant: Tenant) -> None:
        endpoint = create_endpoint(tenant)
        before = WebhookEndpoint.objects.values().get()
        assert tenant.patch(f"/webhook-endpoints/{endpoint['id']}", {}).status_code == 200
        assert WebhookEndpoint.objects.values().get() == before

    def test_to_every_event_by_name_is_possible(self, tenant: Tenant) -> None:
        endpoint = create_endpoint(tenant)
        tenant.patch(f"/webhook-endpoints/{endpoint['id']}", {"events": EventType.values})
        assert stored(endpoint).event_types == EventType.values


class TestSwitchingAnEndpoint:
    def test_off_stops_what_is_on_its_way(self, tenant: Tenant) -> None:
        endpoint, other = create_endpoint(tenant), create_endpoint(tenant)
        write(tenant, "payment.succeeded", "payment.failed")
        Delivery.objects.filter(event__type="payment.failed").update(status="succeeded")
        data = tenant.patch(f"/webhook-endpoints/{endpoint['id']}", {"status": "disabled"}).json()["data"]
        row = stored(endpoint)
        assert row.disabled_at is not None
        assert (data["status"], data["disabled_reason"], data["disabled_at"]) == (
            "disabled",
            "by_developer",
            int(row.disabled_at.timestamp()),
        )
        states = Delivery.objects.order_by("sequence").values_list("status", flat=True)
        assert list(states.filter(endpoint=endpoint["id"])) == ["stopped", "succeeded"]
        assert list(states.filter(endpoint=other["id"])) == ["pending", "succeeded"]
        assert Delivery.objects.get(status="stopped").finished_at is not None
        write(tenant, "payment.canceled")
        assert not Delivery.objects.filter(endpoint=endpoint["id"], event__type="payment.canceled").exists()

    def test_on_clears_its_record(self, tenant: Tenant) -> None:
        endpoint = create_endpoint(tenant)
        WebhookEndpoint.objects.update(status="disabled", disabled_reason="failing", disabled_at=now(), failing_since=now())
        data = tenant.patch(f"/webhook-endpoints/{endpoint['id']}", {"status": "enabled"}).json()["data"]
        shown = (data["status"], data["disabled_reason"], data["disabled_at"], data["failing_since"])
        assert shown == ("enabled", "", None, None)
        row = stored(endpoint)
        assert (row.status, row.disabled_reason, row.disabled_at, row.failing_since) == ("enabled", "", None, None)
        write(tenant, "payment.succeeded")
        assert Delivery.objects.get().status == "pending"

    def test_on_while_it_is_on_clears_nothing(self, tenant: Tenant) -> None:
        endpoint = create_endpoint(tenant)
        WebhookEndpoint.objects.update(failing_since=now())
        tenant.patch(f"/webhook-endpoints/{endpoint['id']}", {"status": "enabled"})
        assert stored(endpoint).failing_since is not None

    def test_off_while_it_is_off_keeps_the_first_reason(self, tenant: Tenant) -> None:
        endpoint = create_endpoint(tenant)
        WebhookEndpoint.objects.update(status="disabled", disabled_reason="gone", disabled_at=now())
        tenant.patch(f"/webhook-endpoints/{endpoint['id']}", {"status": "disabled"})
        assert stored(endpoint).disabled_reason == "gone"


class TestADeletedEndpoint:
    def test_is_gone_and_stays_as_history(self, tenant: Tenant) -> None:
        endpoint = create_endpoint(tenant)
        write(tenant, "payment.succeeded")
        address = f"/webhook-endpoints/{endpoint['id']}"
        response = tenant.delete(address)
        assert (response.status_code, response.json()["data"]) == (
            200,
            {"message": "Webhook endpoint deleted successfully", "id": endpoint["id"], "deleted": True},
        )
        assert (stored(endpoint).deleted_at is not None, Delivery.objects.get().status) == (True, "stopped")
        write(tenant, "payment.failed")
        assert Delivery.objects.count() == 1
        for asked in (tenant.get(address), tenant.patch(address, {"status": "enabled"}), tenant.delete(address)):
            assert told(asked) == (404, "webhook_endpoint_not_found")

    def test_under_a_key_is_told_alike(self, tenant: Tenant) -> None:
        endpoint = create_endpoint(tenant)
        address = f"/webhook-endpoints/{endpoint['id']}"
        first, second = (tenant.delete(address, **{"Idempotency-Key": "bye-1"}) for _ in range(2))
        assert (second.status_code, second.content) == (200, first.content)


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no row locks to test")
class TestEightCallersAtOnce:
    def test_make_no_seventeenth_endpoint(self, tenant: Tenant) -> None:
        for _ in range(13):
            create_endpoint(tenant)
        answers = at_once(tenant, lambda caller, _: caller.post("/webhook-endpoints", {"url": URL, "events": ["*"]}))
        assert counted(answers) == {201: 3, 409: 5}
        assert WebhookEndpoint.objects.count() == 16

    def test_of_whom_one_deletes_leave_nothing_on_its_way(self, tenant: Tenant) -> None:
        endpoint = create_endpoint(tenant)
        address = f"/webhook-endpoints/{endpoint['id']}"
        at_once(tenant, lambda caller, number: caller.delete(address) if number == 3 else write(caller, "payment.failed"))
        assert not Delivery.objects.filter(status="pending").exists()
        assert EventCounter.objects.get().last_sequence == 7
