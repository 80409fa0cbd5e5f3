"""When a delivery is tried again."""

from datetime import timedelta

import pytest

from webhooks import schedule
from webhooks.schedule import is_success, pause_asked, wait_after


class TestTheSchedule:
    @pytest.mark.parametrize(("share", "lengthened"), [(0.0, 1.0), (0.1, 1.1)])
    def test_waits_longer_each_time_and_ends_after_ten_attempts(
        self, monkeypatch: pytest.MonkeyPatch, share: float, lengthened: float
    ) -> None:
        monkeypatch.setattr("random.uniform", lambda least, most: share if (least, most) == (0, 0.1) else None)
        hours_s = [2, 5, 10, 14, 20, 24]
        waits = [timedelta(seconds=5), timedelta(minutes=5), timedelta(minutes=30), *(timedelta(hours=each) for each in hours_s)]
        assert [wait_after(failed) for failed in range(11)] == [timedelta(0), *(wait * lengthened for wait in waits), None]

    def test_spreads_what_failed_together(self) -> None:
        waits = [wait_after(1) for _ in range(100)]
        assert len(set(waits)) > 90
        assert all(wait is not None and timedelta(seconds=5) <= wait <= timedelta(seconds=5.5) for wait in waits)

    def test_is_over_before_an_endpoint_is_given_up(self) -> None:
        assert sum(schedule.WAITS, timedelta()) * 1.1 < schedule.GIVEN_UP_AFTER


class TestAnAnswer:
    @pytest.mark.parametrize(
        ("status", "is_one"),
        [(None, False), (199, False), (200, True), (204, True), (299, True), (301, False), (410, False), (500, False)],
    )
    def test_is_success_by_2xx_alone(self, status: int | None, is_one: bool) -> None:
        assert is_success(status) is is_one

    @pytest.mark.parametrize(
        ("status", "retry_after_s", "pause_s"),
        [
            (429, None, 30), (502, None, 30), (504, None, 30), (500, None, None), (503, None, None), (404, None, None),
            (None, None, None), (429, 5, 5), (502, 86_400, 86_400), (503, 120, 120), (500, 60, 60), (429, 0, None),
        ],
    )  # fmt: skip
    def test_asks_for_a_pause(self, status: int | None, retry_after_s: int | None, pause_s: int | None) -> None:
        expected = timedelta(seconds=pause_s) if pause_s is not None else None
        assert pause_asked(status, retry_after_s) == expected
