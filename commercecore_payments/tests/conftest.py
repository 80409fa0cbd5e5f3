"""What the tests of the running service share, and those of the admin."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import Client

from commercecore_payments.tests.admin_pages import staff_client
from commercecore_payments.tests.browser import base, page
from commercecore_payments.tests.service import environment_of_its_own
from commercecore_payments.tests.tenants import Tenant

__all__ = ["base", "environment", "operator", "page"]


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of a service of its own, on the kind of database that the tests run on."""
    with environment_of_its_own(tmp_path) as variables:
        yield variables


@pytest.fixture
def operator(tenant: Tenant) -> Client:
    """The browser of an operator who may do everything."""
    return staff_client(superuser=True)
