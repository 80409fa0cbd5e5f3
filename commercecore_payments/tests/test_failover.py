"""The database goes away in the middle of the work, and keeps a request waiting: on PostgreSQL."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from threading import Event
from typing import Any

import psycopg
import pytest
from django.core.management import call_command
from django.core.management.commands import migrate as django_migrate
from django.db import OperationalError, connection, connections, transaction
from rest_framework.test import APIClient

from commercecore_payments import database_limits, pooled_connections
from commercecore_payments.environment_variables import EnvironmentVariables
from commercecore_payments.management.commands import migrate
from commercecore_payments.tests.tenants import Tenant
from transactions.models import Transaction

CALLERS, PAYMENTS_OF_EACH, FAILOVERS = 4, 12, 3
only_postgresql = pytest.mark.usefixtures("postgresql")


@pytest.fixture
def postgresql(transactional_db: None) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite is in this process, and does not go away")


def end_all_sessions() -> None:
    """What a failover does to the sessions of the server that was."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


@pytest.fixture(autouse=True)
def sessions_of_its_own(transactional_db: None) -> Iterator[None]:
    """What a test sets in a session of the pool ends with it: the next test gets new ones."""
    yield
    if connection.vendor == "postgresql":
        connection.close()
        connection.close_pool()  # type: ignore[attr-defined]  # PostgreSQL's


@only_postgresql
class TestAFailover:
    def test_fails_requests_under_way_and_no_later_one(self, tenant: Tenant, seller: str) -> None:
        numbers, told = count(), []
        half_way = Event()

        def pay(_: int) -> list[tuple[int, Any]]:
            caller = Tenant(tenant.developer, tenant.app, tenant.token, client=APIClient())
            answers = []
            for _ in range(PAYMENTS_OF_EACH):
                number = next(numbers)
                body = {"order_id": f"order-{number}", "account_id": seller, "amount": 1000}
                answers.append((number, caller.post("/transactions", body, **{"Idempotency-Key": f"key-{number}"})))
                told.append(number)
                half_way.set() if len(told) >= CALLERS else None
            connections.close_all()
            return answers

        with ThreadPoolExecutor(CALLERS) as pool:
            paying = [pool.submit(pay, number) for number in range(CALLERS)]
            half_way.wait(60)
            for _ in range(FAILOVERS):
                end_all_sessions()
            answers = dict(answer for one in paying for answer in one.result())
        failed = [answer for answer in answers.values() if answer.status_code != 201]
        # The sandbox stands in the same database: where that ends its session, Stripe has failed, and its outcome is unknown.
        assert {answer.json()["details"]["code"] for answer in failed} <= {"database_unavailable", "outcome_unknown"}
        assert len(failed) <= CALLERS * FAILOVERS
        assert tenant.post("/transactions", {"order_id": "next", "account_id": seller, "amount": 1000}).status_code == 201
        times = Counter(Transaction.objects.values_list("order_id", flat=True))
        assert set(times) >= {f"order-{number}" for number, answer in answers.items() if answer.status_code == 201}
        assert set(times.values()) == {1}

    def test_to_a_server_that_takes_no_writes_is_told_as_a_database_that_is_away(self, tenant: Tenant, seller: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET default_transaction_read_only = on")
        refused = tenant.post("/transactions", {"order_id": "1", "account_id": seller, "amount": 1000})
        with connection.cursor() as cursor:
            cursor.execute("RESET default_transaction_read_only")
        assert (refused.status_code, refused.json()["details"]["code"]) == (503, "database_unavailable")
        assert Transaction.objects.count() == 0


@only_postgresql
class TestAConnectionOfThePool:
    def test_is_asked_for_a_sign_of_life_once_in_a_while(self, monkeypatch: pytest.MonkeyPatch) -> None:
        first = take_from_a_pool_of_one(monkeypatch)
        asked_at_s = take_again().answered_at_s
        assert asked_at_s > 0
        assert (take_again(), first.answered_at_s) == (first, asked_at_s)
        monkeypatch.setattr(pooled_connections, "TRUSTED_FOR_S", 0)
        assert (take_again(), first.answered_at_s > asked_at_s) == (first, True)

    def test_that_the_server_has_just_closed_fails_no_request(
        self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        was = take_from_a_pool_of_one(monkeypatch)
        connection.close()  # into the pool, a moment after the server has answered it
        with psycopg.connect(**_address(), autocommit=True) as other:
            ended = other.execute("SELECT pg_terminate_backend(%s, 10000)", [was.info.backend_pid]).fetchone()
        assert ended == (True,)
        paid = tenant.post("/transactions", {"order_id": "1", "account_id": seller, "amount": 1000})
        assert (paid.status_code, Transaction.objects.count()) == (201, 1)
        assert (was.closed, connection.connection is was) == (True, False)


def take_from_a_pool_of_one(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A connection of a new pool, which holds no other."""
    connection.close()
    connection.close_pool()  # type: ignore[attr-defined]  # PostgreSQL's
    monkeypatch.setitem(connection.settings_dict["OPTIONS"]["pool"], "max_size", 1)
    return take_again()


def take_again() -> Any:
    """Gives the thread's connection back and takes one, as each request does."""
    connection.close()
    connection.ensure_connection()
    return connection.connection


@only_postgresql
class TestALimit:
    def test_stands_in_every_session(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT current_setting('statement_timeout'), current_setting('lock_timeout'),"
                " current_setting('idle_in_transaction_session_timeout'), current_setting('application_name')"
            )
            assert cursor.fetchone() == ("20s", "10s", "1min", "commercecore")

    def test_of_a_statement_ends_it_and_is_told_as_a_database_that_is_away(self, tenant: Tenant, seller: str) -> None:
        with psycopg.connect(**_address()) as other, connection.cursor() as cursor:
            other.execute("LOCK TABLE transactions_transaction")
            cursor.execute("SET lock_timeout = '100ms'")
            refused = tenant.post("/transactions", {"order_id": "1", "account_id": seller, "amount": 1000})
            cursor.execute("RESET lock_timeout")
        assert (refused.status_code, refused.json()["details"]["code"]) == (503, "database_unavailable")
        assert Transaction.objects.count() == 0

    def test_is_wider_for_what_is_counted_and_ends_with_it(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET statement_timeout = '100ms'")
            with database_limits.statements_take_up_to(5):
                cursor.execute("SELECT pg_sleep(0.2)")
            with pytest.raises(OperationalError, match="statement timeout"), transaction.atomic():
                cursor.execute("SELECT pg_sleep(0.2)")
            cursor.execute("RESET statement_timeout")


@only_postgresql
class TestAMigration:
    def test_gives_up_a_lock_soon_and_tries_again(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(database_limits, "MIGRATION_LOCK_TIMEOUT_S", 0.1)
        monkeypatch.setattr(migrate, "PAUSE_S", 0.1)
        tries = []

        def django_migrates(*_: Any, **__: Any) -> None:
            tries.append(1)
            if len(tries) == 3:
                other.rollback()
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("LOCK TABLE transactions_transaction")

        monkeypatch.setattr(django_migrate.Command, "handle", django_migrates)
        with psycopg.connect(**_address()) as other:
            other.execute("LOCK TABLE transactions_transaction")
            call_command("migrate", verbosity=0)
        assert len(tries) == 3


class TestAnAddressOfADatabase:
    def test_goes_before_the_limits_and_a_standby_is_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        named = {"HOST": "a,b", "OPTIONS": {"connect_timeout": 2}}
        options = database_limits.connection_options(EnvironmentVariables(), named)
        assert (options["connect_timeout"], options["target_session_attrs"]) == (2, "read-write")
        assert options["options"] == (
            "-c statement_timeout=20000 -c lock_timeout=10000 -c idle_in_transaction_session_timeout=60000"
        )
        monkeypatch.setenv("DATABASE_TRANSACTION_POOLER", "true")
        assert "options" not in database_limits.connection_options(EnvironmentVariables(), named)


def _address() -> dict[str, Any]:
    known = connection.get_connection_params()
    return {name: known[name] for name in ("dbname", "user", "password", "host", "port") if name in known}
