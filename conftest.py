"""What the tests of every app share."""

from collections.abc import Iterator

import hypothesis
import pytest
from django.conf import settings
from django.db import connection
from pytest_django import DjangoDbBlocker

from commercecore_payments.testing.emptying import empty_after_tests
from commercecore_payments.tests.tenants import Tenant

# Examples on a busy machine take as long as they take; a test that hangs is shown by faulthandler_timeout.
hypothesis.settings.register_profile("unhurried", deadline=None)
hypothesis.settings.load_profile("unhurried")
empty_after_tests()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--every-order", action="store_true", help="Play every order in which events can arrive: minutes.")


def pytest_report_header() -> str:
    return f"database: {'PostgreSQL' if settings.DATABASE_URL else 'SQLite'}, Stripe environment: {settings.STRIPE_ENVIRONMENT}"


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Ends the connections that a test's threads left behind: PostgreSQL drops no database that is in use."""
    yield
    if connection.vendor != "postgresql":
        return
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE datname = current_database() AND pid <> pg_backend_pid()
            """
        )


@pytest.fixture
def tenant(transactional_db: None) -> Tenant:
    """A developer with an app and a user, whose operations really commit."""
    return Tenant.create()


@pytest.fixture
def seller(tenant: Tenant) -> str:
    """The id of the tenant's connected account, onboarded."""
    return tenant.create_seller()
