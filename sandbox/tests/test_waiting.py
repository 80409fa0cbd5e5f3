"""A database that keeps a request waiting in vain, told as Stripe tells it; on PostgreSQL see also test_locks.py."""

import dataclasses
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, NoReturn

import pytest
import stripe
from django.db import OperationalError

from sandbox.api import routes, waiting
from sandbox.api.errors import StripeError
from sandbox.models import SandboxIdempotencyKey, SandboxTask
from sandbox.money import settlement
from sandbox.tests.conftest import Services
from sandbox.timeline import due

MAKE_CUSTOMER = ("POST", "/v1/customers")


@pytest.fixture
def busy(tmp_path: Path) -> sqlite3.OperationalError:
    """What SQLite says to a second writer who does not wait."""
    with closing(sqlite3.connect(tmp_path / "db")) as first, closing(sqlite3.connect(tmp_path / "db", timeout=0)) as second:
        first.execute("BEGIN IMMEDIATE")
        with pytest.raises(sqlite3.OperationalError, match="database is locked") as told:
            second.execute("BEGIN IMMEDIATE")
        return told.value


class TestABusyDatabase:
    def test_is_told_as_a_lock_timeout_and_leaves_the_key_free(
        self, v1: Services, busy: sqlite3.OperationalError, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def wait_in_vain(*_: Any) -> NoReturn:
            raise OperationalError(str(busy)) from busy

        once = {"idempotency_key": "customer-1"}
        with monkeypatch.context() as meanwhile:
            route = dataclasses.replace(routes.ROUTES[MAKE_CUSTOMER], answer=wait_in_vain)
            meanwhile.setitem(routes.ROUTES, MAKE_CUSTOMER, route)
            with pytest.raises(stripe.RateLimitError) as refused:
                v1.customers.create({"name": "Ada"}, once)
        assert refused.value.error is not None
        assert (refused.value.http_status, refused.value.error.code) == (429, "lock_timeout")
        assert SandboxIdempotencyKey.objects.count() == 0
        assert v1.customers.create({"name": "Ada"}, once).name == "Ada"
        assert [customer.name for customer in v1.customers.list()] == ["Ada"]

    def test_leaves_a_task_due_and_answers_who_asked_for_something_else(
        self, v1: Services, pay: Callable[..., Any], busy: sqlite3.OperationalError, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def wait_in_vain(*_: str) -> NoReturn:
            raise OperationalError(str(busy)) from busy

        pay()
        with monkeypatch.context() as meanwhile:
            meanwhile.setitem(due.TASKS, settlement.CHARGE_SETTLES, wait_in_vain)
            assert v1.customers.create({"name": "Ada"}).name == "Ada"
            assert SandboxTask.objects.filter(kind=settlement.CHARGE_SETTLES).count() == 1
        assert due.carry_out_due() == 1
        assert SandboxTask.objects.filter(kind=settlement.CHARGE_SETTLES).count() == 0

    def test_is_told_apart_from_one_that_fails_otherwise(self) -> None:
        broken = sqlite3.OperationalError("disk I/O error")
        broken.sqlite_errorcode = sqlite3.SQLITE_IOERR
        with pytest.raises(OperationalError), waiting.refused_in_vain():
            raise OperationalError(str(broken)) from broken
        with pytest.raises(OperationalError), waiting.refused_in_vain():
            raise OperationalError("the connection is closed")

    def test_is_told_with_the_status_of_a_rate_limit(self, busy: sqlite3.OperationalError) -> None:
        with pytest.raises(StripeError) as refused, waiting.refused_in_vain():
            raise OperationalError(str(busy)) from busy
        assert (refused.value.status, refused.value.error["code"]) == (429, "lock_timeout")
