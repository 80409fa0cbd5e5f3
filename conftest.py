"""What the tests of every app share."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from functools import cache
from pathlib import Path

import hypothesis
import pytest
from django.conf import settings
from django.db import connection
from pytest_django import DjangoDbBlocker

from commercecore_payments.testing.emptying import empty_after_tests
from commercecore_payments.tests.prepared import Prepared
from commercecore_payments.tests.tenants import Tenant

# Examples on a busy machine take as long as they take; a test that hangs is shown by faulthandler_timeout.
hypothesis.settings.register_profile("unhurried", deadline=None)
hypothesis.settings.load_profile("unhurried")
empty_after_tests()


# What asks nothing of the kind of the database is run on one kind alone, SQLite: the sandbox's own tests, which all apps play on
# both kinds besides, but for those about what is done at the same moment; pages, and what never or hardly touches a database;
# what starts a PostgreSQL of its own; and the tests of the proofs, which themselves are played on PostgreSQL.
ON_SQLITE_ALONE = (
    "accounts/tests/test_readiness.py",
    "commercecore_payments/tests/test_admin_actions.py",
    "commercecore_payments/tests/test_admin_pages.py",
    "commercecore_payments/tests/test_admin_refusals.py",
    "commercecore_payments/tests/test_alerts.py",
    "commercecore_payments/tests/test_app_authentication.py",
    "commercecore_payments/tests/test_authentication.py",
    "commercecore_payments/tests/test_bad_requests.py",
    "commercecore_payments/tests/test_browser.py",
    "commercecore_payments/tests/test_browser_accessibility.py",
    "commercecore_payments/tests/test_browser_actions.py",
    "commercecore_payments/tests/test_browser_front_page.py",
    "commercecore_payments/tests/test_browser_protection.py",
    "commercecore_payments/tests/test_canaries.py",
    "commercecore_payments/tests/test_configuration.py",
    "commercecore_payments/tests/test_database_restart.py",
    "commercecore_payments/tests/test_dependency_audit.py",
    "commercecore_payments/tests/test_docs_examples.py",
    "commercecore_payments/tests/test_docs_pages.py",
    "commercecore_payments/tests/test_documentation.py",
    "commercecore_payments/tests/test_header_matrix.py",
    "commercecore_payments/tests/test_judged_traffic.py",
    "commercecore_payments/tests/test_logs.py",
    "commercecore_payments/tests/test_make_test.py::TestBothSuites",
    "commercecore_payments/tests/test_mass_assignment.py",
    "commercecore_payments/tests/test_request_ids.py",
    "commercecore_payments/tests/test_retrying_example.py",
    "commercecore_payments/tests/test_shown_answers.py",
    "commercecore_payments/tests/test_openapi.py",
    "commercecore_payments/tests/test_openapi_examples.py",
    "commercecore_payments/tests/test_postman.py",
    "commercecore_payments/tests/test_stripe_contract.py",
    "commercecore_payments/tests/test_stripe_types.py",
    "commercecore_payments/tests/test_tenant_matrix.py",
    "developers/tests/test_checks.py",
    "developers/tests/test_commands.py",
    "developers/tests/test_json_web_tokens.py",
    "developers/tests/test_tokens.py",
    "disputes/tests/test_admin.py",
    "explanations/tests/test_explain_api.py",
    "explanations/tests/test_payment_page.py",
    "explanations/tests/test_verdicts.py",
    "gateway/tests/test_admin.py",
    "proofs/tests/test_command_line.py",
    "proofs/tests/test_crash_sweep.py",
    "proofs/tests/test_ledger.py",
    "proofs/tests/test_mutations.py",
    "proofs/tests/test_simulation.py",
    "reconciliation/tests/test_admin.py",
    "sandbox/tests/",
    "staff/tests/test_rights.py",
    "stripe_events/tests/test_admin.py",
    "transactions/tests/test_moves.py",
    "webhooks/tests/test_addresses.py",
    "webhooks/tests/test_examples.py",
    "webhooks/tests/test_posting.py",
    "webhooks/tests/test_schedule.py",
    "webhooks/tests/test_webhook_tenants.py",
)
AT_THE_SAME_MOMENT = ("import at_once", "at_once import", "transaction=True")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves out on PostgreSQL what is run on SQLite alone, unless `--whole` asks for all of it."""
    if not settings.DATABASE_URL or config.getoption("--whole"):
        return
    left_out = [item for item in items if item.nodeid.startswith(ON_SQLITE_ALONE) and not _is_about_locks(item)]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in set(left_out)]


def _is_about_locks(item: pytest.Item) -> bool:
    return item.nodeid.startswith("sandbox/") and any(words in _source(item.path) for words in AT_THE_SAME_MOMENT)


@cache
def _source(path: Path) -> str:
    return path.read_text()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--whole", action="store_true", help="Run on PostgreSQL also what is otherwise run on SQLite alone.")
    parser.addoption("--record-examples", action="store_true", help="Write the examples of the API's description anew.")
    parser.addoption("--every-order", action="store_true", help="Play every order in which events can arrive: minutes.")


def pytest_report_header() -> str:
    return f"database: {'PostgreSQL' if settings.DATABASE_URL else 'SQLite'}, Stripe environment: {settings.STRIPE_ENVIRONMENT}"


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Ends the connections that a test's threads left behind: PostgreSQL drops no database that is in use."""
    if connection.vendor == "sqlite":
        with closing(sqlite3.connect(str(connection.settings_dict["NAME"]))) as keeper:
            # Whoever closes a file's last connection writes its whole log back, which took longer than most requests.
            keeper.execute("SELECT * FROM sqlite_master").fetchall()
            yield
        return
    yield
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE datname = current_database() AND pid <> pg_backend_pid()
            """
        )


@pytest.fixture(scope="session")
def prepared(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Prepared:
    """A tenant and its seller, made once by the API."""
    with django_db_blocker.unblock():
        return Prepared.make()


@pytest.fixture
def tenant(prepared: Prepared, transactional_db: None) -> Tenant:
    """A developer with an app and a user, whose operations really commit."""
    return prepared.new_tenant()


@pytest.fixture
def seller(prepared: Prepared, tenant: Tenant) -> str:
    """The id of the tenant's connected account, onboarded."""
    return prepared.new_seller()
