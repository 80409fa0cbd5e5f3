import pytest

from commercecore_payments.tests.tenants import Tenant


@pytest.fixture
def seller(tenant: Tenant) -> str:
    """The id of the tenant's connected account, onboarded, and known here to be so."""
    account_id = tenant.create_seller()
    tenant.get(f"/connected-accounts/{account_id}")
    return account_id
