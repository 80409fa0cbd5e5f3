"""Slow receivers leave room for the others: two threads at one endpoint, half of them at all slow ones, idle apps first."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections, transaction
from pytest_django import Settings

from commercecore_payments import clock
from commercecore_payments.tests.tenants import Tenant
from developers.models import App
from developers.tests.factories import AppFactory
from webhooks import posting, sending
from webhooks.deliveries import Result, claim, record, stop_stranded
from webhooks.endpoints import stop_deliveries
from webhooks.models import Delivery, WebhookEndpoint
from webhooks.sharing import Sharing
from webhooks.tests.consumers import create_endpoint, write
from webhooks.tests.receivers import make_endpoint, tell
from webhooks.tests.test_workers import wait_until

NOWHERE = "http://127.0.0.1:9/"
PATIENCE_S = 30.0
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def sharing(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Sharing:
    """Eight threads, of which nobody has seen anything yet."""
    settings.WEBHOOK_THREADS = 8
    fresh = Sharing()
    monkeypatch.setattr(sending, "_sharing", fresh)
    return fresh


class Held:
    """Receivers that answer when the test lets them, and which they are at the moment."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.over = threading.Event()
        self.posts: list[str] = []
        monkeypatch.setattr(posting, "post", self._post)

    def _post(self, url: str, **_: Any) -> posting.Answer:
        self.posts.append(url)
        self.over.wait(PATIENCE_S)
        return posting.Answer(http_status=200, text="", retry_after_s=None)


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Held:
    return Held(monkeypatch)


def busy_threads(held: Held, threads: int, *, expected: int) -> list[str]:
    """The addresses that so many threads post to at the same moment."""
    with ThreadPoolExecutor(threads) as pool:
        running = [pool.submit(_deliver_next) for _ in range(threads)]
        wait_until(lambda: len(held.posts) >= expected and sum(one.done() for one in running) >= threads - expected)
        posts = list(held.posts)
        held.over.set()
    return posts


def _deliver_next() -> bool:
    try:
        return sending.deliver_next()
    finally:
        connections.close_all()


class TestTheThreadsOfAProcess:
    def test_are_two_at_one_endpoint_however_much_it_has(self, held: Held, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("webhooks.deliveries.BATCH_SIZE", 1)
        tell(make_endpoint(NOWHERE), 8)
        assert len(busy_threads(held, 8, expected=2)) == 2

    def test_are_half_of_them_at_endpoints_that_were_slow_last_time(self, held: Held, sharing: Sharing) -> None:
        for number in range(8):
            endpoint = make_endpoint(f"{NOWHERE}{number}")
            tell(endpoint)
            sharing.note(endpoint, is_slow=True)
        assert len(busy_threads(held, 8, expected=4)) == 4

    def test_are_all_of_them_at_endpoints_that_are_quick_again(self, held: Held, sharing: Sharing) -> None:
        for number in range(8):
            endpoint = make_endpoint(f"{NOWHERE}{number}")
            tell(endpoint)
            sharing.note(endpoint, is_slow=True)
            sharing.note(endpoint, is_slow=False)
        assert len(busy_threads(held, 8, expected=8)) == 8

    def test_learn_from_a_slow_answer(self, sharing: Sharing, monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
        endpoint = make_endpoint(NOWHERE)
        tell(endpoint)
        slow = Result(clock.now(), sending.SLOW_MS + 1, 200)
        monkeypatch.setattr(sending, "attempt", lambda *_: slow)
        assert sending.deliver_next() is True
        sharing.begin(endpoint)
        settings.WEBHOOK_THREADS = 2
        assert (sharing.has_room_for_slow_ones(), sharing.endpoints_to_leave()) == (False, {endpoint.pk})

    def test_serve_an_app_first_that_nobody_is_busy_for(self) -> None:
        crowded, quiet = AppFactory.create(), AppFactory.create()
        endpoints = [make_endpoint(NOWHERE, app=crowded) for _ in range(4)]
        for endpoint in endpoints:
            tell(endpoint, 5)
        late = make_endpoint(NOWHERE, app=quiet)
        tell(late)
        batch = claim(busy_apps={crowded.pk})
        assert batch is not None
        assert batch.endpoint == late


class TestAnAnswerOfTheAddressBefore:
    @pytest.mark.parametrize("status", [410, 429, 500])
    def test_says_nothing_of_the_new_one(self, status: int) -> None:
        app: App = AppFactory.create()
        endpoint = make_endpoint("http://127.0.0.1:9/old", app=app)
        [delivery] = tell(endpoint)
        batch = claim()
        assert batch is not None
        WebhookEndpoint.objects.update(url="http://127.0.0.1:9/new")
        before = clock.database_now()
        answer = Result(clock.now(), 5, status, retry_after_s=86_400, url="http://127.0.0.1:9/old")
        record(batch.deliveries[0], answer)
        endpoint.refresh_from_db()
        delivery.refresh_from_db()
        assert (endpoint.status, endpoint.failing_since, endpoint.paused_until) == ("enabled", None, None)
        assert (delivery.status, delivery.next_attempt_at < before + timedelta(minutes=1)) == ("pending", True)


class TestAPause:
    @pytest.mark.parametrize("path", ["/deliveries/{delivery}/resend", "/webhook-endpoints/{endpoint}/resend"])
    def test_ends_where_something_is_sent_again(self, tenant: Tenant, path: str) -> None:
        made = create_endpoint(tenant)
        write(tenant, "payment.succeeded")
        WebhookEndpoint.objects.update(paused_until=clock.now() + timedelta(hours=20))
        shown = tenant.get(f"/webhook-endpoints/{made['id']}").json()["data"]["paused_until"]
        assert shown > clock.now().timestamp()
        address = path.format(delivery=Delivery.objects.get().pk, endpoint=made["id"])
        body = {"after": 0, "until": 1} if address.startswith("/webhook") else {}
        assert tenant.post(address, body).status_code == 200
        assert WebhookEndpoint.objects.get().paused_until is None


class TestStoppingAtTheSameMoment:
    def test_waits_for_nobody_in_a_circle(self) -> None:
        endpoint = make_endpoint(NOWHERE)
        tell(endpoint, 300)
        WebhookEndpoint.objects.update(status="disabled", disabled_reason="gone", disabled_at=clock.now())

        def stop(which: int) -> None:
            try:
                if which:
                    stop_stranded(limit=500)
                else:
                    with transaction.atomic():
                        stop_deliveries(WebhookEndpoint.objects.select_for_update().get(pk=endpoint.pk))
            finally:
                connections.close_all()

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(stop, [0, 1, 0, 1]))
        assert set(Delivery.objects.values_list("status", flat=True)) == {"stopped"}
