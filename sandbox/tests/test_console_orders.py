"""What the sandbox's pages may be ordered to do: faults, and moves of the clock."""

from datetime import timedelta

import pytest
from django.test import Client

from sandbox.faults.fault_kinds import KINDS
from sandbox.models import SandboxFault
from sandbox.tests.page_forms import filled, text
from sandbox.timeline import clock


class TestTheFaults:
    def test_are_ordered_shown_and_cancelled(self, staff_browser: Client) -> None:
        form = filled(staff_browser.get("/sandbox/faults")) | {
            "kind": "fail_inside",
            "times": "3",
            "path": "/v1/refunds",
            "method": "",
        }
        assert staff_browser.post("/sandbox/faults", form)["Location"] == "/sandbox/faults"
        fault = SandboxFault.objects.get()
        assert (fault.kind, fault.times_left, fault.path, fault.method, fault.delay_s) == ("fail_inside", 3, "/v1/refunds", "", 0)
        page = staff_browser.get("/sandbox/faults")
        assert "Answer 500, nothing happened" in text(page)
        assert staff_browser.post("/sandbox/faults/cancel", filled(page))["Location"] == "/sandbox/faults"
        assert not SandboxFault.objects.exists()

    @pytest.mark.parametrize(
        "answers", [{"times": "0"}, {"times": "x"}, {"kind": "explode"}, {"delay_s": "-1"}, {"event_type": "charge.refunded"}]
    )
    def test_that_cannot_be_are_refused(self, staff_browser: Client, answers: dict[str, str]) -> None:
        form = filled(staff_browser.get("/sandbox/faults")) | {"kind": "fail_inside", "method": ""} | answers
        page = staff_browser.post("/sandbox/faults", form)
        assert page.status_code == 400
        assert "errorlist" in text(page)
        assert not SandboxFault.objects.exists()

    def test_all_have_a_name(self, staff_browser: Client) -> None:
        html = text(staff_browser.get("/sandbox/faults"))
        assert [kind for kind in KINDS if f'<option value="{kind}"' not in html] == []


class TestTheClock:
    @pytest.mark.parametrize("hours", [1, 24, 168, 5])
    def test_is_moved_by_hours(self, staff_browser: Client, hours: int) -> None:
        form = filled(staff_browser.get("/sandbox/clock")) | {"hours": str(hours)}
        assert staff_browser.post("/sandbox/clock", form)["Location"] == "/sandbox/clock"
        assert clock.ahead() == timedelta(hours=hours)

    @pytest.mark.parametrize("hours", ["0", "-1", "x", "", "262801"])
    def test_goes_neither_back_nor_too_far(self, staff_browser: Client, hours: str) -> None:
        form = filled(staff_browser.get("/sandbox/clock")) | {"hours": hours}
        assert staff_browser.post("/sandbox/clock", form).status_code == 400
        assert clock.ahead() == timedelta()

    def test_stops_where_the_sandbox_does(self, staff_browser: Client) -> None:
        form = filled(staff_browser.get("/sandbox/clock")) | {"hours": "262800"}  # thirty years
        assert staff_browser.post("/sandbox/clock", form).status_code == 302
        refused = staff_browser.post("/sandbox/clock", form)
        assert refused.status_code == 400
        assert "thirty years at most" in text(refused)
