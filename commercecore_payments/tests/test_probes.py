"""What load balancers and orchestrators ask: is it alive, and shall it be sent requests?"""

import threading
import time
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
import requests
from django.db import OperationalError, connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client

from commercecore_payments import draining, probes, readiness
from commercecore_payments.readiness import Readiness
from commercecore_payments.tests.service import assert_gone, serving

# One of the newest migrations, which others do not build upon.
NEWEST = ("figures", "0001_initial")
ANSWERED, REFUSED = (200, b"ok\n"), (503, b"unavailable\n")


def asked(path: str, **headers: str) -> tuple[int, bytes]:
    """As a load balancer asks: by the machine's address, over plain HTTP."""
    answer = Client().get(path, headers={"Host": "10.0.0.7", **headers})
    return answer.status_code, answer.content


@pytest.fixture
def strict(settings: Any) -> None:
    """No host but the public one, and TLS alone."""
    settings.ALLOWED_HOSTS, settings.SECURE_SSL_REDIRECT = ["pay.example"], True


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A process that has asked nothing yet, and is not draining."""
    monkeypatch.setattr(probes, "readiness", Readiness())
    yield
    draining.take_back()


@pytest.mark.usefixtures("strict")
class TestLiveness:
    def test_is_answered_by_any_address_without_a_database_and_while_draining(self) -> None:
        draining.begin()
        assert asked("/livez") == ANSWERED
        assert Client().head("/livez").status_code == 200
        assert asked("/api/v1")[0] == 400  # all else keeps to the allowed hosts


@pytest.mark.usefixtures("strict", "transactional_db")
class TestReadiness:
    def test_is_yes_while_the_database_answers_and_no_while_draining(self) -> None:
        assert asked("/readyz") == ANSWERED
        draining.begin()
        assert asked("/readyz") == REFUSED

    def test_is_no_until_every_migration_is_applied(self, monkeypatch: pytest.MonkeyPatch) -> None:
        MigrationRecorder(connection).record_unapplied(*NEWEST)
        assert asked("/readyz") == REFUSED
        MigrationRecorder(connection).record_applied(*NEWEST)
        monkeypatch.setattr(probes, "readiness", Readiness())
        assert asked("/readyz") == ANSWERED

    def test_is_no_when_the_database_fails_or_is_a_standby(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def failing(_: object) -> bool:
            raise OperationalError("the database went away")

        for look in (failing, lambda _: False):
            monkeypatch.setattr(readiness, "_takes_writes", look)
            monkeypatch.setattr(probes, "readiness", Readiness())
            assert asked("/readyz") == REFUSED

    def test_is_no_within_its_time_when_the_database_says_nothing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        released, looks = threading.Event(), count()

        def hanging(_: object) -> bool:
            next(looks)
            return released.wait(30)

        monkeypatch.setattr(readiness, "_takes_writes", hanging)
        monkeypatch.setattr(readiness, "ANSWER_WITHIN_S", 0.2)
        begun = time.monotonic()
        assert [asked("/readyz") for _ in range(3)] == [REFUSED] * 3
        assert (time.monotonic() - begun < 2, next(looks)) == (True, 1)
        released.set()

    def test_costs_one_look_a_second_however_often_it_is_asked(self, monkeypatch: pytest.MonkeyPatch) -> None:
        looks = count(1)
        monkeypatch.setattr(readiness, "_takes_writes", lambda _: bool(next(looks)))
        assert [asked("/readyz") for _ in range(20)] == [ANSWERED] * 20
        assert next(looks) == 2


class TestAServerThatIsToldToStop:
    def test_says_that_it_is_not_ready_and_serves_until_it_has_drained(self, environment: dict[str, str]) -> None:
        base = f"http://127.0.0.1:{environment['PORT']}"
        with serving({**environment, "DRAIN_S": "2"}) as (process, _):
            assert requests.get(f"{base}/readyz", timeout=60).status_code == 200
            process.terminate()
            told = time.monotonic()
            while requests.get(f"{base}/readyz", timeout=60).status_code == 200:
                assert time.monotonic() - told < 1
            assert requests.get(f"{base}/livez", timeout=60).status_code == 200
            assert requests.get(f"{base}/api/v1/status", timeout=60).status_code == 200
            assert_gone(process, environment["PORT"])
            assert time.monotonic() - told >= 2
