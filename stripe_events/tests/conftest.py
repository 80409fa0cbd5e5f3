"""What the tests of Stripe's events share."""

from datetime import timedelta

import pytest

from stripe_events import receipt


@pytest.fixture(autouse=True)
def no_head_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker takes up at once what has just been received: no test has to wait for it."""
    monkeypatch.setattr(receipt, "HEAD_START", timedelta())
