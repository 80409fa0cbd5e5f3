"""Workers at the same moment. PostgreSQL's row locks are what is tested: SQLite has one writer and no such locks."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection, connections

from commercecore_payments.tests.tenants import Tenant
from gateway import reads
from gateway.events import NotYet, ReceivedEvent
from gateway.snapshots import PayoutSnapshot
from payouts.models import Payout
from payouts.tests.told import newest, pay_out
from payouts.webhooks import payout_changed

WORKERS = 8
APPLIED, NOT_YET = "The payout is pending.", "not yet"

pytestmark = pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no row locks to test")


def applied_by_one_of_eight(event: ReceivedEvent) -> str:
    try:
        return payout_changed(event)
    except NotYet:
        return NOT_YET
    finally:
        connections.close_all()


class TestEightWorkers:
    def test_make_a_new_payout_once(self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch) -> None:
        pay_out(tenant, seller)
        event, asked, all_have_asked = newest(seller, "created"), reads.retrieve_payout, Barrier(WORKERS)

        def retrieve(payout_id: str, *, account_id: str) -> PayoutSnapshot:
            """Each has seen that there is no such payout yet, and nobody writes before all have."""
            found = asked(payout_id, account_id=account_id)
            connection.close()  # the sandbox answers in this process, by a connection of ours
            all_have_asked.wait(timeout=30)
            return found

        monkeypatch.setattr(reads, "retrieve_payout", retrieve)
        with ThreadPoolExecutor(WORKERS) as pool:
            notes = list(pool.map(applied_by_one_of_eight, [event] * WORKERS))
        assert Counter(notes) == {APPLIED: 1, NOT_YET: WORKERS - 1}
        assert Payout.objects.count() == 1
