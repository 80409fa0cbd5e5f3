"""Events are counted for each app without a gap, whoever writes them at the same moment and whatever is rolled back."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection, transaction

from developers.models import App
from developers.tests.factories import AppFactory
from webhooks.models import Event, EventCounter, EventType
from webhooks.outbox import MAX_BODY_BYTES, body_text, write_event

NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)


def write(app: App, **data: Any) -> None:
    with transaction.atomic():
        write_event(EventType.PAYMENT_SUCCEEDED, subject=app_as_subject(app), data=data, apps=[app])


def app_as_subject(app: App) -> Any:
    """Any row with a number for a key does: which one, the outbox does not ask."""
    return EventCounter(pk=7)


def sequences(app: App) -> list[int]:
    return sorted(Event.objects.filter(app=app).values_list("sequence", flat=True))


@pytest.mark.django_db(transaction=True)
class TestEvents:
    def test_of_an_app_are_counted_from_one(self) -> None:
        one, other = AppFactory.create(), AppFactory.create()
        for _ in range(3):
            write(one)
        write(other)
        assert (sequences(one), sequences(other)) == ([1, 2, 3], [1])
        assert [json.loads(event.body)["data"]["sequence"] for event in Event.objects.filter(app=one).order_by("sequence")] == [
            1,
            2,
            3,
        ]

    def test_that_are_rolled_back_leave_no_gap(self) -> None:
        app = AppFactory.create()
        write(app)
        with transaction.atomic():
            write(app)
            transaction.set_rollback(True)
        write(app)
        assert sequences(app) == [1, 2]

    def test_written_at_the_same_moment_are_counted_one_after_another(self) -> None:
        app = AppFactory.create()

        def write_ten(_: int) -> None:
            for _ in range(10):
                write(app)
            connection.close()

        with ThreadPoolExecutor(8) as threads:
            list(threads.map(write_ten, range(8)))
        assert sequences(app) == list(range(1, 81))

    def test_of_several_apps_never_wait_for_each_other_in_a_circle(self) -> None:
        one, other = AppFactory.create(), AppFactory.create()

        def write_both(number: int) -> None:
            for _ in range(10):
                with transaction.atomic():
                    apps = [one, other] if number % 2 else [other, one]
                    write_event(EventType.ACCOUNT_UPDATED, subject=app_as_subject(one), data={}, apps=apps)
            connection.close()

        with ThreadPoolExecutor(6) as threads:
            list(threads.map(write_both, range(6)))
        assert sequences(one) == sequences(other) == list(range(1, 61))

    def test_are_written_in_the_transaction_of_their_change_alone(self) -> None:
        app = AppFactory.create()
        with pytest.raises(transaction.TransactionManagementError):
            write_event(EventType.PAYMENT_SUCCEEDED, subject=app_as_subject(app), data={}, apps=[app])
        assert not Event.objects.exists()


class TestABody:
    def test_has_type_time_and_data_in_this_order(self) -> None:
        assert body_text("payment.succeeded", timestamp=NOON, data={"sequence": 1, "name": "Jörg"}) == (
            '{"type":"payment.succeeded","timestamp":"2026-12-01T12:00:00.000000Z","data":{"sequence":1,"name":"Jörg"}}'
        )

    def test_leaves_out_the_metadata_that_would_make_it_too_long(self) -> None:
        metadata = {f"key-{number}": "ü" * 500 for number in range(45)}
        text = body_text("payment.succeeded", timestamp=NOON, data={"sequence": 1, "metadata": metadata})
        assert json.loads(text)["data"] == {"sequence": 1, "metadata": None}
        assert len(text.encode()) < MAX_BODY_BYTES
