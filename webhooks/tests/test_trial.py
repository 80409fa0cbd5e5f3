"""POST /webhook-endpoints/{id}/test, with receivers that really listen."""

import json
import socket
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from commercecore_payments.tests.service import free_port
from commercecore_payments.tests.tenants import BASE, Tenant
from webhooks import posting, trial
from webhooks.models import Delivery, DeliveryAttempt, Event, EventCounter, WebhookEndpoint
from webhooks.tests.consumers import create_endpoint, told
from webhooks.tests.receivers import Receiver, Scripted, receiving
from webhooks.trial import NO_ANSWER

CHECKS = ["good", "badly_signed", "stale", "doubled", "reordered"]
Judge = Callable[[str, Mapping[str, str]], int]


def sound(secret: str) -> Judge:
    """A program that does what the documentation asks of it."""

    def judge(body: str, headers: Mapping[str, str]) -> int:
        try:
            Webhook(secret).verify(body, dict(headers))
        except WebhookVerificationError:
            return 401
        return 204

    return judge


def deaf_to_time(secret: str) -> Judge:
    """One that verifies the signature, and not how old it is."""

    def judge(body: str, headers: Mapping[str, str]) -> int:
        sent_at = datetime.fromtimestamp(int(headers["webhook-timestamp"]), tz=UTC)
        expected = Webhook(secret).sign(headers["webhook-id"], sent_at, body)
        return 200 if headers["webhook-signature"] == expected else 401

    return judge


def obey(receiver: Receiver, judge: Judge) -> None:
    """From now on the receiver answers what `judge` says of the newest message."""
    receiver.next_answer = lambda: Scripted(judge(receiver.bodies[-1], receiver.headers[-1]))  # type: ignore[method-assign]


def without_repeats(judge: Judge) -> Judge:
    """One that refuses an id that it has seen."""
    seen: set[str] = set()

    def strict(body: str, headers: Mapping[str, str]) -> int:
        status = 409 if headers["webhook-id"] in seen else judge(body, headers)
        seen.add(headers["webhook-id"])
        return status

    return strict


def in_order_alone(judge: Judge) -> Judge:
    """One that refuses what is older than the newest it has taken."""
    newest = 0

    def strict(body: str, headers: Mapping[str, str]) -> int:
        nonlocal newest
        sequence = json.loads(body)["data"]["sequence"]
        status = judge(body, headers) if sequence >= newest else 422
        newest = sequence if status < 300 else newest
        return status

    return strict


def tried(tenant: Tenant, endpoint: dict[str, Any]) -> dict[str, Any]:
    response = tenant.post(f"/webhook-endpoints/{endpoint['id']}/test", {})
    assert response.status_code == 200, response.content
    data: dict[str, Any] = response.json()["data"]
    return data


def failed(report: dict[str, Any]) -> list[str]:
    return [check["name"] for check in report["checks"] if not check["passed"]]


class TestASoundReceiver:
    def test_passes_every_check(self, tenant: Tenant) -> None:
        with receiving() as receiver:
            endpoint = create_endpoint(tenant, url=receiver.url)
            obey(receiver, sound(endpoint["secret"]))
            response = tenant.post(f"/webhook-endpoints/{endpoint['id']}/test", {})
        body = response.json()
        assert (body["meta"], body["links"]) == (
            {"status_code": 200},
            {"self": f"{BASE}/webhook-endpoints/{endpoint['id']}/test"},
        )
        assert body["data"]["passed"] is True
        shown = [
            (one["name"], one["passed"], one["http_statuses"], one["errors"], one["advice"]) for one in body["data"]["checks"]
        ]
        assert shown == [
            ("good", True, [204], [], ""),
            ("badly_signed", True, [401], [], ""),
            ("stale", True, [401], [], ""),
            ("doubled", True, [204, 204], [], ""),
            ("reordered", True, [204, 204], [], ""),
        ]

    def test_is_sent_what_the_checks_say(self, tenant: Tenant) -> None:
        with receiving() as receiver:
            endpoint = create_endpoint(tenant, url=receiver.url)
            tried(tenant, endpoint)
        bodies = [json.loads(body) for body in receiver.bodies]
        assert {body["type"] for body in bodies} == {"webhook.test"}
        assert [(body["data"]["check"], body["data"]["sequence"]) for body in bodies] == [
            ("good", 1),
            ("badly_signed", 2),
            ("stale", 3),
            ("doubled", 4),
            ("doubled", 4),
            ("reordered", 6),
            ("reordered", 5),
        ]
        ids = [headers["webhook-id"] for headers in receiver.headers]
        assert (ids[3], len(set(ids))) == (ids[4], 6)
        times = [int(headers["webhook-timestamp"]) for headers in receiver.headers]
        assert [times[0] - time for time in times] == [0, 0, 600, 0, 0, 0, 0]
        assert {headers["Content-Type"] for headers in receiver.headers} == {"application/json"}

    def test_passes_with_the_secret_before_while_it_is_rotated_once_or_twice(self, tenant: Tenant) -> None:
        with receiving() as receiver:
            endpoint = create_endpoint(tenant, url=receiver.url)
            obey(receiver, sound(endpoint["secret"]))
            tenant.post(f"/webhook-endpoints/{endpoint['id']}/rotate-secret", {})
            assert tried(tenant, endpoint)["passed"] is True
            tenant.post(f"/webhook-endpoints/{endpoint['id']}/rotate-secret", {})
            assert tried(tenant, endpoint)["passed"] is True

    def test_may_be_tried_before_it_is_enabled(self, tenant: Tenant) -> None:
        with receiving() as receiver:
            endpoint = create_endpoint(tenant, url=receiver.url)
            tenant.patch(f"/webhook-endpoints/{endpoint['id']}", {"status": "disabled"})
            obey(receiver, sound(endpoint["secret"]))
            assert tried(tenant, endpoint)["passed"] is True


class TestAFaultyReceiver:
    @pytest.mark.parametrize(
        ("faulty", "fails"),
        [
            (lambda _: lambda *_: 200, ["badly_signed", "stale"]),
            (lambda _: lambda *_: 401, ["good", "doubled", "reordered"]),
            (lambda _: lambda *_: 500, ["good", "doubled", "reordered"]),
            (lambda _: lambda *_: 302, ["good", "doubled", "reordered"]),
            (deaf_to_time, ["stale"]),
            (lambda secret: without_repeats(sound(secret)), ["doubled"]),
            (lambda secret: in_order_alone(sound(secret)), ["reordered"]),
        ],
        ids=["takes all", "refuses all", "is broken", "sends away", "has no clock", "refuses repeats", "wants order"],
    )
    def test_fails_the_checks_it_is_no_match_for(self, tenant: Tenant, faulty: Callable[[str], Judge], fails: list[str]) -> None:
        with receiving() as receiver:
            endpoint = create_endpoint(tenant, url=receiver.url)
            obey(receiver, faulty(endpoint["secret"]))
            report = tried(tenant, endpoint)
        assert (report["passed"], failed(report)) == (False, fails)
        assert {check["name"]: check["advice"] != "" for check in report["checks"]} == {name: name in fails for name in CHECKS}

    def test_that_is_not_there_fails_every_check(self, tenant: Tenant) -> None:
        with socket.socket() as closed:  # bound, and nobody listens: the port is free for nobody else meanwhile
            closed.bind(("127.0.0.1", 0))
            endpoint = create_endpoint(tenant, url=f"http://127.0.0.1:{closed.getsockname()[1]}/")
            report = tried(tenant, endpoint)
        assert failed(report) == CHECKS
        assert [check["http_statuses"] for check in report["checks"]] == [[None], [None], [None], [None, None], [None, None]]
        assert [len(check["errors"]) for check in report["checks"]] == [1, 1, 1, 2, 2]
        assert "ConnectionRefusedError" in report["checks"][0]["errors"][0]

    def test_that_is_slow_gets_five_seconds_and_nothing_more(self, tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
        given = []

        def post(url: str, *, body: str, headers: Mapping[str, str], timeout_s: float) -> posting.Answer:
            given.append(timeout_s)
            if len(given) == 4:
                raise posting.NoAnswerInTime("TimeoutError: no answer within 5 seconds")
            return posting.Answer(http_status=204 if len(given) == 1 else 401, text="", retry_after_s=None)

        monkeypatch.setattr(trial, "post", post)
        report = tried(tenant, create_endpoint(tenant))
        assert given == [5.0] * 4
        not_sent = "Not sent: a message before it got no answer in time."
        assert [(check["passed"], check["http_statuses"], check["errors"]) for check in report["checks"]] == [
            (True, [204], []),
            (True, [401], []),
            (True, [401], []),
            (False, [None, None], ["TimeoutError: no answer within 5 seconds", not_sent]),
            (False, [None, None], [not_sent, not_sent]),
        ]

    def test_that_really_is_slow_is_asked_once(self, tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(trial, "TIMEOUT_S", 0.5)
        with receiving(Scripted(after_s=1.5)) as receiver:
            report = tried(tenant, create_endpoint(tenant, url=receiver.url))
        assert (len(receiver.bodies), failed(report)) == (1, CHECKS)
        assert report["checks"][0]["errors"] == ["TimeoutError: no answer within 0.5 seconds"]

    def test_that_is_just_quick_enough_is_left_after_twenty_seconds_in_all(
        self, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        seconds = iter([0.0, 0.0, 4.9, 9.8, 14.7, 19.6])
        monkeypatch.setattr(trial, "elapsed_s", lambda: next(seconds))
        with receiving() as receiver:
            report = tried(tenant, create_endpoint(tenant, url=receiver.url))
        assert len(receiver.bodies) == 4
        not_sent = "Not sent: the messages before it took too long."
        assert [check["errors"] for check in report["checks"]] == [[], [], [], [not_sent], [not_sent, not_sent]]
        assert (report["checks"][3]["http_statuses"], report["passed"]) == ([200, None], False)


class TestATrial:
    def test_keeps_nothing_and_counts_for_nothing(self, tenant: Tenant) -> None:
        with receiving(Scripted(500)) as receiver:
            endpoint = create_endpoint(tenant, url=receiver.url)
            before = WebhookEndpoint.objects.values().get()
            counted = EventCounter.objects.values().get()
            tried(tenant, endpoint)
        assert WebhookEndpoint.objects.values().get() == before
        assert EventCounter.objects.values().get() == counted
        for model in (Event, Delivery, DeliveryAttempt):
            assert not model.objects.exists()

    def test_holds_no_database_connection_meanwhile(self, tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
        held = []

        def post(*_: Any, **__: Any) -> posting.Answer:
            held.append(connection.connection)
            return posting.Answer(http_status=200, text="", retry_after_s=None)

        monkeypatch.setattr(trial, "post", post)
        tried(tenant, create_endpoint(tenant))
        assert held == [None] * 7

    def test_is_refused_while_two_are_carried_out_which_a_slow_receiver_keeps_waiting(
        self, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        address = f"/webhook-endpoints/{create_endpoint(tenant)['id']}/test"
        coming_meanwhile = ["the second", "the third"]
        answers = []

        def post(*_: Any, **__: Any) -> posting.Answer:
            if coming_meanwhile:
                coming_meanwhile.pop()
                answers.append(tenant.post(address, {}))
            return posting.Answer(http_status=200, text="", retry_after_s=None)

        monkeypatch.setattr(trial, "post", post)
        assert tenant.post(address, {}).status_code == 200
        third, second = answers
        assert (told(third), third["Retry-After"], second.status_code) == ((429, "rate_limited"), "5", 200)
        assert tenant.post(address, {}).status_code == 200

    def test_of_an_endpoint_whose_secret_cannot_be_read_sends_nothing(self, tenant: Tenant) -> None:
        with receiving() as receiver:
            endpoint = create_endpoint(tenant, url=receiver.url)
            WebhookEndpoint.objects.update(secret_key_id="lost")
            response = tenant.post(f"/webhook-endpoints/{endpoint['id']}/test", {})
        assert (told(response), receiver.bodies) == ((503, "webhook_secret_unreadable"), [])

    def test_takes_nothing_from_the_body(self, tenant: Tenant) -> None:
        with receiving() as receiver:
            endpoint = create_endpoint(tenant, url=receiver.url)
            response = tenant.post(f"/webhook-endpoints/{endpoint['id']}/test", {"url": "http://127.0.0.1/"})
        assert (told(response), receiver.bodies) == ((400, "invalid_body"), [])


class TestAReceiverThatDoesNotAnswer:
    def test_is_advised_of_that_and_of_nothing_else(self, tenant: Tenant) -> None:
        made = create_endpoint(tenant, url=f"http://127.0.0.1:{free_port()}/")
        report = tenant.post(f"/webhook-endpoints/{made['id']}/test", {}).json()["data"]
        assert {check["advice"] for check in report["checks"]} == {NO_ANSWER}
