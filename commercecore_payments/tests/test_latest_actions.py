"""The front page's latest actions of the staff: those that were done, and those that were refused or interrupted."""

import re
from datetime import timedelta
from typing import Any

import pytest
from auditlog.models import LogEntry
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from commercecore_payments import clock
from commercecore_payments.admin import confirmation
from commercecore_payments.admin.records import RelatedTable
from commercecore_payments.tests.admin_pages import list_page, perform, record_page
from commercecore_payments.tests.tenants import Tenant
from gateway.tests.faults import stripe_fails, time_out_after
from staff.audit import Outcome, record_action
from staff.groups import DEVELOPER_RELATIONS
from staff.interrupted import write_down_next
from staff.tests.people import browser_of, make_member, member
from transactions.models import Transaction

TITLE = "Latest actions of the staff"
REFUND = {"amount": "5.00", "stripe_reason": "duplicate"}


@pytest.fixture
def payment(tenant: Tenant, seller: str) -> Transaction:
    tenant.pay(seller)
    found: Transaction = Transaction.objects.get()
    return found


def table_of(browser: Client) -> RelatedTable | None:
    tables = browser.get(reverse("admin:index")).context["latest_tables"]
    return next((table for table in tables if table.title == TITLE), None)


def lines(browser: Client) -> list[tuple[str, ...]]:
    """What stands in each line: user, action, record and outcome."""
    table = table_of(browser)
    assert table is not None
    return [tuple(" ".join(re.sub("<[^>]*>", " ", str(cell)).split()) for cell in row[1:]) for row in table.rows]


class TestTheLatestActions:
    def test_tell_what_was_done_what_is_unknown_and_what_was_interrupted(
        self, payment: Transaction, operator: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        perform(operator, payment, "read_from_stripe")
        with stripe_fails(monkeypatch, time_out_after, path="/refunds"):
            perform(operator, payment, "refund", REFUND)

        def dies(*_: Any, **__: Any) -> None:
            raise SystemExit

        with monkeypatch.context() as patch:
            patch.setattr(confirmation, "record_action", dies)
            with pytest.raises(SystemExit):
                perform(operator, payment, "read_from_stripe")
        with clock.moved_ahead(timedelta(minutes=11)):
            assert write_down_next()
        assert lines(operator) == [
            ("operator", "Read from Stripe", f"transaction {payment}", "Unknown"),
            ("operator", "Refund", f"transaction {payment}", "Unknown"),
            ("operator", "Read from Stripe", f"transaction {payment}", "Done"),
        ]

    def test_tell_what_was_refused(self, payment: Transaction, operator: Client) -> None:
        by_operator = User.objects.get(username="operator")
        record_action(payment, user=by_operator, action="refund", reason="", outcome=Outcome.REFUSED, message="No.")
        assert lines(operator) == [("operator", "Refund", f"transaction {payment}", "Refused")]

    def test_show_the_beginning_of_a_long_name_as_text_whatever_it_says(self, tenant: Tenant, operator: Client) -> None:
        app = tenant.actor.known_app()
        app.name = "<script>alert(1)</script>" + "W" * 75
        record_action(app, user=User.objects.get(username="operator"), action="", reason="", outcome=Outcome.DONE, message="")
        table = table_of(operator)
        assert table is not None
        shown = f"&lt;script&gt;alert(1)&lt;/script&gt;{'W' * 34}…</span></a></span>"
        assert str(table.rows[0][3]).endswith(shown)
        assert "<script>" not in str(table.rows[0][3])

    def test_lead_to_the_record_and_to_the_audit_log(self, payment: Transaction, operator: Client) -> None:
        perform(operator, payment, "read_from_stripe")
        table = table_of(operator)
        assert table is not None
        assert f'href="{record_page(payment)}">{payment}</a>' in str(table.rows[0][3])
        assert table.address == list_page(LogEntry) + "?"
        assert operator.get(table.address).status_code == 200

    def test_are_the_newest_eight_by_as_many_queries_as_one(self, payment: Transaction, operator: Client) -> None:
        perform(operator, payment, "read_from_stripe")
        operator.get(reverse("admin:index"))
        with CaptureQueriesContext(
            connection,
        ) as with_one:
            operator.get(reverse("admin:index"))
        for _ in range(9):
            perform(operator, payment, "read_from_stripe")
        with CaptureQueriesContext(connection) as with_ten:
            assert len(lines(operator)) == 8
        assert len(with_ten) == len(with_one)
        read = [query["sql"] for query in with_ten if 'FROM "auditlog_logentry"' in query["sql"]]
        assert [sql.endswith("LIMIT 8") for sql in read] == [True]

    def test_are_everybodys_for_a_superuser_and_ones_own_for_all_others(self, payment: Transaction, operator: Client) -> None:
        anna, ben = make_member("anna"), member("ben")
        for browser in (browser_of(anna), operator):
            perform(browser, payment, "read_from_stripe")
        assert [line[0] for line in lines(operator)] == ["operator", "anna"]
        assert [line[0] for line in lines(browser_of(anna))] == ["anna"]
        assert table_of(ben) is None
        table = table_of(browser_of(anna))
        assert table is not None
        assert [entry.actor for entry in browser_of(anna).get(table.address).context["cl"].result_list] == [anna]

    def test_lead_to_no_audit_log_for_whoever_may_not_open_it(self, tenant: Tenant) -> None:
        carla = member("carla", DEVELOPER_RELATIONS)
        perform(carla, tenant.actor.developer, "disable")
        table = table_of(carla)
        assert table is not None
        assert (table.address, [row[1] for row in table.rows]) == ("", ["carla"])

    def test_are_not_what_the_service_did_by_itself_or_elsewhere(
        self, payment: Transaction, operator: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        tenant_rows = LogEntry.objects.filter(actor=None).count()
        with monkeypatch.context() as patch:
            patch.setattr("staff.audit.current_environment", lambda: "live")
            by_operator = User.objects.get(username="operator")
            record_action(payment, user=by_operator, action="refund", reason="", outcome=Outcome.DONE, message="Done.")
        assert tenant_rows > 0
        assert table_of(operator) is None
