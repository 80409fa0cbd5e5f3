"""What the tests of payments share."""

import pytest

from commercecore_payments.tests.tenants import Tenant
from transactions.tests.shops import Shop


@pytest.fixture
def shop(tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """The shop of the tenant's onboarded seller."""
    return Shop(tenant, seller, monkeypatch)
