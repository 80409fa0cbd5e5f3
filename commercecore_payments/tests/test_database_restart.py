"""PostgreSQL is stopped and started under a service that goes on: a server of its own, real processes, callers over HTTP."""

import json
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import psycopg
import pytest
import requests

from commercecore_payments.testing.postgresql import FAST, IMMEDIATE, Server, restartable_server
from commercecore_payments.tests.service import free_port, manage, serving

CALLERS = 4
# Seconds of load before and after each stop: some dozens of payments.
LOAD_S = 1.5
# Seconds until a service is ready again beside other work, and until a request is answered, which waits for a connection for 10.
READY_WITHIN_S, ANSWERED_WITHIN_S = 60, 60
# What a request may be told that was under way: the sandbox stands in the same database, so Stripe fails with it.
MEANWHILE = {"database_unavailable", "outcome_unknown"}


class Service:
    """A web server and a worker on one database, and a caller's way to them."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.base = f"http://127.0.0.1:{environment['PORT']}"
        tenant = json.loads(manage(environment, "manage.py", "create_demo_tenant", "--json"))
        self.headers = {"X-Developer-Token": tenant["developer_token"], "X-App-ID": tenant["app_id"], "X-User-ID": "usr_ada"}
        self.seller = tenant["account_id"]

    def pay(self, order: str) -> requests.Response:
        body = {"order_id": order, "account_id": self.seller, "amount": 1000}
        headers = {**self.headers, "Idempotency-Key": order}
        return requests.post(f"{self.base}/api/v1/transactions", json=body, headers=headers, timeout=ANSWERED_WITHIN_S)

    def status_of(self, probe: str) -> int:
        return requests.get(f"{self.base}{probe}", timeout=ANSWERED_WITHIN_S).status_code

    def wait_until_ready(self) -> None:
        _wait_until(lambda: self.status_of("/readyz") == 200)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with restartable_server() as server:
        yield server


@pytest.fixture(scope="module")
def service(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    state: Path = tmp_path_factory.mktemp("restart")
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "commercecore_payments.testing.served_settings",
        "PORT": str(free_port()),
        "WEB_WORKERS": "1",  # whoever answers /readyz is all there is, and has started
        "COMMERCECORE_STATE_DIR": str(state),
        "DATABASE_URL": server.url,
    }
    with serving(environment):
        service = Service(environment)
        service.wait_until_ready()
        yield service


class TestADatabaseThatIsStoppedUnderLoad:
    def test_loses_no_answered_payment_makes_none_twice_and_serves_at_once_when_it_is_back(
        self, server: Server, service: Service
    ) -> None:
        is_over = Event()

        def shop(number: int) -> dict[str, requests.Response]:
            answers: dict[str, requests.Response] = {}
            while not is_over.is_set():
                order = f"order-{number}-{len(answers)}"
                answers[order] = service.pay(order)
            return answers

        with ThreadPoolExecutor(CALLERS) as pool:
            shopping = [pool.submit(shop, number) for number in range(CALLERS)]
            try:
                for how in (FAST, IMMEDIATE):
                    time.sleep(LOAD_S)
                    server.stop(how)
                    _wait_until(lambda: service.status_of("/readyz") == 503)
                    assert service.status_of("/livez") == 200
                    server.start()
                    service.wait_until_ready()
                time.sleep(LOAD_S)
            finally:
                is_over.set()
            answers = {order: answer for one in shopping for order, answer in one.result().items()}

        failed = [answer for answer in answers.values() if answer.status_code != 201]
        assert {answer.json()["details"]["code"] for answer in failed} <= MEANWHILE
        assert len(failed) <= 2 * CALLERS  # one of each caller for each stop: whoever came later was served
        assert [service.pay(f"later-{number}").status_code for number in range(CALLERS)] == [201] * CALLERS
        paid = {order for order, answer in answers.items() if answer.status_code == 201}
        with psycopg.connect(server.url) as database:
            times = Counter(order for (order,) in database.execute("SELECT order_id FROM transactions_transaction"))
        assert paid <= set(times)
        assert set(times.values()) == {1}


def _wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + READY_WITHIN_S
    while not is_so():
        assert time.monotonic() < deadline, f"not so after {READY_WITHIN_S} s"
        time.sleep(0.1)
