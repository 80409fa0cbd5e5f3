"""What a key costs each request: two statements of its own, beside the question for the database's time."""

from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext

from commercecore_payments.actors import HeldKey
from commercecore_payments.tests.tenants import Tenant
from idempotency.operations import hold_key, store_answer

NOT_COUNTED = ("BEGIN", "COMMIT", "SELECT STATEMENT_TIMESTAMP")


def statements(done: CaptureQueriesContext) -> list[str]:
    """The first word of each."""
    asked = [str(query["sql"]).upper() for query in done.captured_queries]
    return [sql.split()[0] for sql in asked if not sql.startswith(NOT_COUNTED)]


class TestANewKey:
    def test_costs_an_insert_and_an_update(self, tenant: Tenant) -> None:
        with CaptureQueriesContext(connection) as holding:
            held: Any = hold_key(key="k", fingerprint="f", actor=tenant.actor)
        with CaptureQueriesContext(connection) as storing:
            store_answer(held, status_code=200, body="{}", api_version="2024-09-26")
        assert held == HeldKey(row_id=held.row_id, attempt=1)
        assert (statements(holding), statements(storing)) == (["INSERT"], ["UPDATE"])
