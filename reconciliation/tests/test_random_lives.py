"""Whatever payments go through, once Stripe's events have come there is no difference."""

import os

import pytest

from commercecore_payments.tests.tenants import Tenant
from reconciliation.tests.comparison import reconcile
from reconciliation.tests.lives import Lives

# Of so many random lives. More are played by hand: LIVES=1000:1100.
FIRST, LAST = (int(one) for one in os.environ.get("LIVES", "1:2").split(":"))


class TestRandomLives:
    @pytest.mark.parametrize("seed", range(FIRST, LAST))
    def test_leave_no_difference(self, tenant: Tenant, seller: str, seed: int) -> None:
        lives = Lives(tenant, seller, seed)
        lives.play(60)
        status, found = reconcile()
        assert (found["cases"], status) == ([], 0), lives.told
