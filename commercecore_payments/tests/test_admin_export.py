"""Lists of the admin as CSV."""

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from auditlog.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import ConnectedAccount
from commercecore_payments.admin import export
from commercecore_payments.tests.admin_pages import list_page, make_records, staff_client
from commercecore_payments.tests.tenants import Tenant
from disputes.models import Dispute
from figures.tests.test_figures import payment
from gateway.models import Operation
from payouts.models import Payout
from refunds.models import Refund
from transactions.models import Transaction

PERMITTED = ("transactions.view_transaction", "staff.export_records")
MOMENT = datetime(2026, 11, 1, 9, 30, tzinfo=UTC)


def export_page(model: type[Any]) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_export")


def exported(client: Client, model: type[Any], **query: Any) -> list[dict[str, str]]:
    """The rows of the file, by the names of their columns."""
    response: Any = client.get(export_page(model), query)
    assert (response.status_code, response["Content-Type"]) == (200, "text/csv; charset=utf-8")
    return list(csv.DictReader(io.StringIO(b"".join(response.streaming_content).decode())))


class TestAnExport:
    def test_has_the_rows_of_the_list_by_its_filters_and_its_search(self, tenant: Tenant, seller: str, operator: Client) -> None:
        tenant.pay(seller, order_id="one")
        tenant.pay(seller, order_id="two")
        tenant.create_payment(seller, order_id="one-more", currency="jpy")
        for query in ({}, {"currency": "jpy"}, {"q": "one"}, {"q": "one", "outcome": "paid"}, {"status__exact": "canceled"}):
            listed = [row.order_id for row in operator.get(list_page(Transaction), query).context["cl"].result_list]
            assert [row["order_id"] for row in exported(operator, Transaction, **query)] == listed

    def test_tells_amounts_in_minor_units_and_in_decimals_and_times_in_utc(
        self, tenant: Tenant, seller: str, operator: Client
    ) -> None:
        tenant.pay(seller, order_id="dollars", amount=123456)
        payment("yen", MOMENT, received=1500, currency="jpy", capture_before=None)
        by_order = {row["order_id"]: row for row in exported(operator, Transaction)}
        dollars, yen = by_order["dollars"], by_order["yen"]
        assert (dollars["amount_minor"], dollars["amount"], dollars["currency"]) == ("123456", "1234.56", "usd")
        assert (yen["amount_received_minor"], yen["amount_received"], yen["currency"]) == ("1500", "1500", "jpy")
        assert (yen["created_at"], yen["capture_before"], yen["external"]) == ("2026-11-01T09:30:00Z", "", "false")
        assert (yen["account_stripe_account_id"], yen["account_email"]) == (seller, "seller@example.com")

    def test_leaves_a_spreadsheet_nothing_to_calculate(self, tenant: Tenant, seller: str, operator: Client) -> None:
        texts = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"]
        tenant.pay(seller, order_id="1+1")
        for number, text in enumerate(texts):
            payment(text, MOMENT - timedelta(hours=number), stripe_payment_intent_id=f"pi_{number}")
        assert [row["order_id"] for row in exported(operator, Transaction)] == ["1+1", *(f"'{text}" for text in texts)]

    def test_writes_what_was_taken_back_from_a_bank_as_a_number(self, tenant: Tenant, seller: str, operator: Client) -> None:
        make_records(tenant, seller)
        Payout.objects.update(amount_minor=-1250)
        assert [(row["amount_minor"], row["amount"]) for row in exported(operator, Payout)] == [("-1250", "-12.50")]

    def test_opens_for_every_kind_of_record_with_money(self, tenant: Tenant, seller: str, operator: Client) -> None:
        make_records(tenant, seller)
        models: tuple[type[Any], ...] = (Transaction, Refund, Dispute, Payout, Operation, ConnectedAccount)
        rows = {model: len(exported(operator, model)) for model in models}
        assert rows == {model: model._default_manager.count() for model in models}
        assert 0 not in rows.values()

    def test_is_read_in_pieces_that_neither_miss_nor_repeat_a_row(
        self, tenant: Tenant, seller: str, operator: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(export, "ROWS_AT_ONCE", 3)
        tenant.pay(seller, order_id="newest")
        for number in range(8):  # of the same moment, so that only the key tells where a piece ended
            payment(str(number), MOMENT - timedelta(hours=number // 5))
        with CaptureQueriesContext(connection) as captured:
            orders = [row["order_id"] for row in exported(operator, Transaction)]
        assert orders == ["newest", "4", "3", "2", "1", "0", "7", "6", "5"]
        assert sum("LIMIT 3" in query["sql"] for query in captured) == 4

    def test_holds_no_connection_between_two_pieces(self, tenant: Tenant, seller: str, operator: Client) -> None:
        tenant.pay(seller)
        response: Any = operator.get(export_page(Transaction))
        lines = iter(response.streaming_content)
        next(lines)
        next(lines)
        assert connection.connection is None

    def test_is_in_the_audit_log_with_its_filters(self, tenant: Tenant, seller: str, operator: Client) -> None:
        tenant.pay(seller)
        exported(operator, Transaction, currency="usd", q="2227222")
        entry = LogEntry.objects.filter(additional_data__action="Export transactions").get()
        assert (entry.actor.username, entry.additional_data["answers"]) == ("operator", {"currency": "usd", "q": "2227222"})

    @pytest.mark.parametrize("missing", PERMITTED)
    def test_is_refused_without_the_permission(self, transactional_db: None, missing: str) -> None:
        client = staff_client(*(permission for permission in PERMITTED if permission != missing))
        assert client.get(export_page(Transaction)).status_code == 403
        assert not LogEntry.objects.filter(additional_data__action="Export transactions").exists()

    def test_is_offered_below_the_list_to_whoever_may_take_it_alone(self, tenant: Tenant, seller: str) -> None:
        tenant.pay(seller)
        link = f'href="{export_page(Transaction)}?currency=usd"'
        may = staff_client(*PERMITTED)
        assert link in may.get(list_page(Transaction), {"currency": "usd"}).content.decode()
        User.objects.get().user_permissions.remove(Permission.objects.get(codename="export_records"))
        assert "Export as CSV" not in may.get(list_page(Transaction), {"currency": "usd"}).content.decode()

    def test_by_a_filter_that_is_none_leads_back_to_the_list(self, tenant: Tenant, operator: Client) -> None:
        response = operator.get(export_page(Transaction), {"created_at_from": "yesterday"})
        assert (response.status_code, response["Location"]) == (302, "/admin/transactions/transaction/?e=1")
