"""Workers that deliver at once, are slow, are stopped and are killed: every event arrives, and under one id."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import OperationalError, connection, connections, transaction
from pytest_django import Settings

from commercecore_payments import clock, work
from commercecore_payments.management.commands import worker
from commercecore_payments.tests.service import PROJECT_DIR
from commercecore_payments.work import JOBS, Group, Job
from webhooks import deliveries, posting
from webhooks.deliveries import LEASE, MOST_AT_ONCE, claim
from webhooks.models import Delivery, DeliveryAttempt, Event
from webhooks.sending import deliver_next
from webhooks.tests.receivers import Receiver, Scripted, make_endpoint, receiving, tell

pytestmark = pytest.mark.django_db(transaction=True)

# Seconds that a worker may take for a step, on a machine that is busy with other tests.
PATIENCE_S = 60


def until_nothing_is_due(threads: int) -> None:
    """So many threads deliver, each until it finds nothing more."""

    def deliver() -> None:
        try:
            while deliver_next():
                continue
        finally:
            connections.close_all()

    with ThreadPoolExecutor(threads) as pool:
        for running in [pool.submit(deliver) for _ in range(threads)]:
            running.result()


@contextmanager
def real_worker() -> Iterator["subprocess.Popen[str]"]:
    """`manage.py worker` on the tests' own database."""
    program = (
        "import sys, django; from django.conf import settings; django.setup();"
        "settings.DATABASES['default']['NAME'] = sys.argv[1];"
        "from django.db import connections; connections['default'].settings_dict['NAME'] = sys.argv[1];"
        "from django.core.management import call_command; call_command('worker')"
    )
    name = str(connection.settings_dict["NAME"])
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "commercecore_payments.testing.settings",
        "PYTEST_XDIST_WORKER": "shared",
    }
    process = subprocess.Popen(
        [sys.executable, "-c", program, name],
        cwd=PROJECT_DIR,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def wait_until(is_so: Any) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


class TestWorkersAtOnce:
    def test_send_each_delivery_once(self) -> None:
        with receiving() as receiver:
            for _ in range(3):
                tell(make_endpoint(receiver.url), 30)
            until_nothing_is_due(8)
        assert Counter(Delivery.objects.values_list("status", "attempts")) == {("succeeded", 1): 90}
        assert DeliveryAttempt.objects.count() == 90
        assert Counter(headers["webhook-id"] for headers in receiver.headers) == Counter(
            Event.objects.values_list("pk", flat=True)
        )

    def test_are_never_busy_with_one_endpoint_alone(self, monkeypatch: pytest.MonkeyPatch) -> None:
        held: list[int] = []
        whole = deliveries.claim

        def claim_and_count(**named: Any) -> Any:
            batch = whole(**named)
            held.append(Delivery.objects.filter(leased_until__isnull=False).count())
            return batch

        monkeypatch.setattr(deliveries, "claim", claim_and_count)
        with receiving(Scripted(after_s=0.02)) as receiver:
            tell(make_endpoint(receiver.url), 60)
            until_nothing_is_due(8)
        assert MOST_AT_ONCE / 2 < max(held) <= MOST_AT_ONCE
        assert len(receiver.bodies) == 60

    def test_leave_the_database_while_a_receiver_is_waited_for(self, monkeypatch: pytest.MonkeyPatch) -> None:
        open_then: list[bool] = []
        whole = posting.post

        def post(*arguments: Any, **named: Any) -> Any:
            open_then.append(connection.connection is not None)
            return whole(*arguments, **named)

        monkeypatch.setattr(posting, "post", post)
        with receiving() as receiver:
            tell(make_endpoint(receiver.url), 3)
            deliver_next()
        assert open_then == [False, False, False]


class TestASlowReceiver:
    def test_delays_no_other(self, settings: Settings) -> None:
        settings.WEBHOOK_THREADS = 4
        with receiving(Scripted(after_s=4)) as slow, receiving() as quick:
            tell(make_endpoint(slow.url), 40)
            for _ in range(5):
                tell(make_endpoint(quick.url), 10)
            started = time.monotonic()
            ended: list[float] = []

            def is_over() -> bool:
                time.sleep(0.02)
                if len(quick.bodies) < 50 and time.monotonic() - started < PATIENCE_S:
                    return False
                ended.append(time.monotonic() - started)
                return True

            worker.keep_working(is_over)
        assert len(quick.bodies) == 50
        assert ended[0] < 4


class TestReceiversThatHang:
    """As many as there are threads and more, each with a backlog that has been due for longer than anything else."""

    @pytest.fixture
    def hanging(self) -> Iterator[Receiver]:
        with receiving(Scripted(500, after_s=6)) as found:
            for _ in range(6):
                tell(make_endpoint(found.url, failing_since=clock.now()), 5)
            yield found

    def test_keep_no_other_waiting(self, settings: Settings, hanging: Receiver) -> None:
        settings.WEBHOOK_THREADS = 4
        started = time.monotonic()
        healthy: list[Delivery] = []

        def is_over() -> bool:
            time.sleep(0.02)
            if not healthy and hanging.bodies:
                time.sleep(2 * worker.PAUSE_S)  # every thread has looked for work by then
                healthy.extend(tell(make_endpoint(quick.url)))
            return bool(quick.bodies) or time.monotonic() - started > PATIENCE_S

        with receiving() as quick:
            worker.keep_working(is_over)
        [delivery] = Delivery.objects.filter(pk=healthy[0].pk)
        assert delivery.finished_at is not None
        assert delivery.finished_at - delivery.created_at < timedelta(seconds=4)

    @pytest.mark.parametrize(("threads", "at_once"), [(1, 1), (3, 1), (4, 2)])
    def test_have_half_of_the_threads_at_most(
        self, settings: Settings, hanging: Receiver, threads: int, at_once: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        settings.WEBHOOK_THREADS = threads
        over = threading.Event()
        posts: list[str] = []

        def post(url: str, **_: Any) -> posting.Answer:
            posts.append(url)
            over.wait(PATIENCE_S)
            return posting.Answer(http_status=500, text="", retry_after_s=None)

        monkeypatch.setattr(posting, "post", post)
        with ThreadPoolExecutor(6) as pool:
            running = [pool.submit(_deliver_next) for _ in range(6)]
            wait_until(lambda: sum(one.done() for one in running) == 6 - at_once)
            assert len(posts) == at_once
            over.set()
        assert sorted(one.result() for one in running) == [False] * (6 - at_once) + [True] * at_once

    def test_are_tried_where_no_other_has_anything_due(self, hanging: Receiver) -> None:
        hanging.answers = [Scripted()]
        until_nothing_is_due(4)
        assert len(hanging.bodies) == 30


def _deliver_next() -> bool:
    try:
        return deliver_next()
    finally:
        connections.close_all()


class TestAWorker:
    def test_delivers_what_is_due_once(self) -> None:
        with receiving() as receiver:
            tell(make_endpoint(receiver.url), 25)
            call_command("worker", "--once")
        assert len(receiver.bodies) == 25
        assert not Delivery.objects.waiting().exists()

    def test_goes_on_where_the_database_fails(self, monkeypatch: pytest.MonkeyPatch) -> None:
        failures = iter([OperationalError("the connection is lost")] * 3)

        def deliver() -> bool:
            for failure in failures:
                raise failure
            return deliver_next()

        monkeypatch.setattr(work, "JOBS", {**JOBS, "deliveries": Job(deliver, Group.DELIVERIES)})
        with receiving() as receiver:
            tell(make_endpoint(receiver.url))
            started = time.monotonic()
            worker.keep_working(lambda: len(receiver.bodies) == 1 or time.monotonic() - started > PATIENCE_S)
        assert len(receiver.bodies) == 1

    def test_ends_with_an_error_of_ours(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail() -> bool:
            raise KeyError("a slip of ours")

        monkeypatch.setattr(work, "JOBS", {**JOBS, "deliveries": Job(fail, Group.DELIVERIES)})
        with pytest.raises(KeyError, match="a slip of ours"):
            worker.keep_working(lambda: False)

    def test_has_threads_for_each_kind_of_work(self, settings: Settings) -> None:
        settings.WEBHOOK_THREADS = 3
        groups = Counter(work.threads())
        assert (groups[Group.OPERATIONS], groups[Group.DELIVERIES]) == (1, 3)

    def test_delivers_while_an_operation_waits_for_stripe(self, monkeypatch: pytest.MonkeyPatch) -> None:
        arrived = threading.Event()

        def wait() -> bool:
            assert arrived.wait(PATIENCE_S)
            return False

        monkeypatch.setattr(work, "JOBS", {**JOBS, "recovery": Job(wait, Group.OPERATIONS)})
        with receiving() as receiver:
            tell(make_endpoint(receiver.url))

            def is_over() -> bool:
                time.sleep(0.02)
                if receiver.bodies:
                    arrived.set()
                return bool(receiver.bodies)

            worker.keep_working(is_over)
        assert len(receiver.bodies) == 1

    def test_finishes_what_it_has_begun(self) -> None:
        with receiving(Scripted(after_s=1.5)) as receiver:
            [delivery] = tell(make_endpoint(receiver.url))
            with real_worker() as process:
                wait_until(lambda: receiver.bodies)
                process.send_signal(signal.SIGTERM)
                output, _ = process.communicate(timeout=PATIENCE_S)
        assert (process.returncode, output.splitlines()[-1].split()[-1]) == (0, "stopped")
        delivery.refresh_from_db()
        assert (delivery.status, delivery.attempts) == ("succeeded", 1)

    def test_that_is_killed_is_followed_by_another_under_the_same_id(self) -> None:
        with receiving(Scripted(after_s=1.5), Scripted()) as receiver:
            [delivery] = tell(make_endpoint(receiver.url))
            with real_worker() as process:
                wait_until(lambda: receiver.bodies)
                process.kill()
                process.wait()
            assert not deliver_next()
            with clock.moved_ahead(LEASE):
                assert deliver_next()
        assert [headers["webhook-id"] for headers in receiver.headers] == [delivery.event_id] * 2
        assert receiver.bodies == [delivery.event.body] * 2
        delivery.refresh_from_db()
        assert (delivery.status, delivery.attempts, delivery.leased_until) == ("succeeded", 2, None)


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite has one writer at a time")
class TestARowThatAnotherTransactionHolds:
    def test_is_passed_over(self) -> None:
        endpoint = make_endpoint("http://127.0.0.1:9/")
        tell(endpoint, 2)
        with locked(Delivery.objects.filter(sequence=1)):
            batch = claim()
            assert batch is not None
            assert [one.sequence for one in batch.deliveries] == [2]

    def test_of_an_endpoint_holds_up_no_claim(self) -> None:
        endpoint = make_endpoint("http://127.0.0.1:9/")
        tell(endpoint, 1)
        with locked(type(endpoint).objects.filter(pk=endpoint.pk)):
            assert claim() is not None


@contextmanager
def locked(rows: Any) -> Iterator[None]:
    """Another connection holds the rows' locks."""
    ready, over = threading.Event(), threading.Event()

    def hold() -> None:
        try:
            with transaction.atomic():
                list(rows.select_for_update())
                ready.set()
                over.wait(PATIENCE_S)
        finally:
            connections.close_all()

    thread = threading.Thread(target=hold)
    thread.start()
    assert ready.wait(PATIENCE_S)
    try:
        yield
    finally:
        over.set()
        thread.join()
