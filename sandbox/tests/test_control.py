"""The control API: faults and the clock, for programs that are tested against the sandbox."""

from datetime import timedelta
from typing import Any

import pytest
import stripe
from django.test import Client

from sandbox.faults import plans
from sandbox.models import SandboxClock, SandboxFault, SandboxIdempotencyKey
from sandbox.objects import state
from sandbox.timeline import clock, schedule

FAULTS, CLOCK = "/sandbox/api/faults", "/sandbox/api/clock"
FORM = "application/x-www-form-urlencoded"


def assert_refused(response: Any, param: str) -> None:
    assert response.status_code == 400
    assert response.json()["error"]["type"] == "invalid_request_error"
    assert response.json()["error"].get("param", "") == param


class TestTheFaultsOfTheControlApi:
    @pytest.mark.parametrize(
        ("body", "content_type"),
        [
            ("kind=limit_rate&path=/customers&method=POST&times=2&delay_s=0.5", FORM),
            ('{"kind": "limit_rate", "path": "/customers", "method": "POST", "times": 2, "delay_s": 0.5}', "application/json"),
        ],
        ids=["form", "json"],
    )
    def test_are_ordered_and_met(self, control: Client, v1: Any, body: str, content_type: str) -> None:
        made = control.post(FAULTS, body, content_type=content_type)
        assert made.status_code == 200
        assert made["Cache-Control"] == "no-cache, no-store"
        assert made.json() == {
            "id": SandboxFault.objects.get().pk,
            "object": "sandbox_fault",
            "created": made.json()["created"],
            "kind": "limit_rate",
            "account": "",
            "method": "POST",
            "path": "/customers",
            "event_type": "",
            "times_left": 2,
            "delay_s": 0.5,
        }
        with pytest.raises(stripe.RateLimitError):
            v1.customers.create()
        [left] = control.get(FAULTS).json()["data"]
        assert left == {**made.json(), "times_left": 1}

    def test_are_listed_and_canceled(self, control: Client, v1: Any) -> None:
        for body in ("kind=time_out_after", "kind=delay_event&event_type=charge.succeeded&delay_s=3600&account=acct_1"):
            assert control.post(FAULTS, body, content_type=FORM).status_code == 200
        listed = control.get(FAULTS).json()
        assert (listed["object"], listed["url"], listed["has_more"]) == ("list", FAULTS, False)
        assert [(row["kind"], row["account"], row["event_type"], row["delay_s"]) for row in listed["data"]] == [
            ("time_out_after", "", "", 0.0),
            ("delay_event", "acct_1", "charge.succeeded", 3600.0),
        ]
        assert control.delete(FAULTS).json() == {"object": "sandbox_faults", "canceled": 2}
        assert control.get(FAULTS).json()["data"] == []
        assert v1.customers.create().id

    def test_are_canceled_one_at_a_time(self, control: Client) -> None:
        first, second = (control.post(FAULTS, "kind=limit_rate", content_type=FORM).json() for _ in range(2))
        canceled = control.delete(f"{FAULTS}/{first['id']}")
        assert (canceled.status_code, canceled.json()) == (200, first)
        assert control.get(FAULTS).json()["data"] == [second]

    @pytest.mark.parametrize("fault", ["0", "999999999999999999"])
    def test_that_are_unknown_are_a_404(self, control: Client, fault: str) -> None:
        control.post(FAULTS, "kind=limit_rate", content_type=FORM)
        refused = control.delete(f"{FAULTS}/{fault}")
        assert (refused.status_code, refused.json()["error"]) == (
            404,
            {
                "code": "resource_missing",
                "doc_url": "https://stripe.com/docs/error-codes/resource-missing",
                "message": f"No such fault: '{fault}'",
                "param": "fault",
                "type": "invalid_request_error",
            },
        )
        assert SandboxFault.objects.count() == 1

    @pytest.mark.parametrize(
        ("body", "param"),
        [
            ("", "kind"),
            ("kind=explode", "kind"),
            ("kind=limit_rate&times=0", "times"),
            ("kind=limit_rate&times=two", "times"),
            ("kind=limit_rate&delay_s=soon", "delay_s"),
            ("kind=limit_rate&delay_s=nan", "delay_s"),
            ("kind=answer_slowly&delay_s=61", "delay_s"),
            ("kind=limit_rate&method=PUT", "method"),
            ("kind=drop_event&path=/refunds", "path"),
            ("kind=limit_rate&event_type=charge.succeeded", "event_type"),
            ("kind=drop_event&event_type=foo.bar", "event_type"),
            ("kind=limit_rate&speed=2", "speed"),
        ],
    )
    def test_that_cannot_be_are_refused(self, control: Client, body: str, param: str) -> None:
        assert_refused(control.post(FAULTS, body, content_type=FORM), param)
        assert SandboxFault.objects.count() == 0

    @pytest.mark.parametrize("body", ["[]", "{", "[" * 60_000, '{"path": "\\u0000"}', '{"path": "\\ud800"}', "7"])
    def test_that_are_no_json_object_are_refused(self, control: Client, body: str) -> None:
        assert_refused(control.post(FAULTS, body, content_type="application/json"), "")
        assert SandboxFault.objects.count() == 0


class TestAnUnknownAddressOfTheControlApi:
    @pytest.mark.parametrize("address", ["/sandbox/api", "/sandbox/api/", "/sandbox/api/zzz", "/sandbox/api/faults/1"])
    def test_is_a_404_in_stripes_shape(self, control: Client, address: str) -> None:
        answer = control.get(address)
        assert (answer.status_code, answer.json()["error"]["type"]) == (404, "invalid_request_error")


class TestTheClockOfTheControlApi:
    def test_is_told_and_moved(self, control: Client) -> None:
        before = control.get(CLOCK).json()
        assert (before["object"], before["ahead_s"]) == ("sandbox_clock", 0)
        moved = control.post(CLOCK, {"advance_s": 604_800}, content_type="application/json").json()
        assert (moved["ahead_s"], moved["carried_out"]) == (604_800, 0)
        assert 0 <= moved["now"] - before["now"] - 604_800 <= 60
        assert control.get(CLOCK).json()["ahead_s"] == 604_800

    def test_carries_out_what_became_due(self, control: Client, v1: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        done: list[str] = []
        monkeypatch.setattr("sandbox.timeline.due.TASKS", {"greet": lambda account, stripe_id: done.append(stripe_id)})
        customer = v1.customers.create().id
        row = state.find("", "customer", customer)
        assert row is not None
        schedule.at(clock.now() + timedelta(days=7), "greet", row)
        assert control.post(CLOCK, "advance_s=604700", content_type=FORM).json()["carried_out"] == 0
        assert control.post(CLOCK, "advance_s=100", content_type=FORM).json()["carried_out"] == 1
        assert done == [customer]

    @pytest.mark.parametrize("seconds", ["-1", "946080001", "soon", "1.5", "99999999999999999999"])
    def test_goes_neither_back_nor_beyond_its_bound(self, control: Client, seconds: str) -> None:
        assert_refused(control.post(CLOCK, f"advance_s={seconds}", content_type=FORM), "advance_s")
        assert not SandboxClock.objects.exclude(ahead_s=0).exists()

    def test_prunes_idempotency_keys(self, control: Client, v1: Any) -> None:
        key = {"idempotency_key": "key-1"}
        first = v1.customers.create(None, key)
        control.post(CLOCK, "advance_s=86300", content_type=FORM)
        assert v1.customers.create(None, key).id == first.id
        control.post(CLOCK, "advance_s=100", content_type=FORM)
        assert v1.customers.create(None, key).id != first.id
        assert SandboxIdempotencyKey.objects.count() == 1


class TestTheControlApi:
    @pytest.mark.parametrize("path", [FAULTS, CLOCK])
    @pytest.mark.parametrize("authorization", ["", "Bearer sk_live_51PwVFgRoSQz2jDze", "Bearer pk_test_x"])
    def test_needs_a_test_key(self, db: None, path: str, authorization: str) -> None:
        plans.order("limit_rate")
        for ask in (Client().get, Client().post, Client().delete):
            answer = ask(path, headers={"Authorization": authorization})
            assert (answer.status_code, answer.json()["error"]["type"]) == (401, "invalid_request_error")
        assert SandboxFault.objects.count() == 1

    @pytest.mark.parametrize("path", [FAULTS, CLOCK])
    def test_answers_404_to_what_it_does_not_do(self, control: Client, path: str) -> None:
        assert control.put(path).status_code == 404
        assert (
            control.delete(CLOCK).json()["error"]["message"].startswith("Unrecognized request URL (DELETE: /sandbox/api/clock)")
        )
