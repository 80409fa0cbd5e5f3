"""The front page's figures of money: each number leads to the list of what it counts."""

import re
from collections.abc import Iterator
from html import unescape
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from commercecore_payments.admin.lists import MOST_COUNTED
from commercecore_payments.admin.records import RecordAdmin, RelatedTable
from commercecore_payments.money import format_amount
from commercecore_payments.tests.admin_pages import html_of, list_page, make_records, record_page, staff_client
from commercecore_payments.tests.tenants import Tenant
from figures.tests.test_figures import books, count_all, days_ago, payment
from refunds.models import Refund
from transactions.models import Transaction

__all__ = ["books"]  # a fixture

MOST_QUERIES = 30
LINK = re.compile(r'<a class="text-link" href="([^"]*)">([^<]*)</a>')


def numbers_of(tables: list[RelatedTable]) -> Iterator[tuple[str, str]]:
    """Each number in the tables, with the address that it leads to."""
    for table in tables:
        for row in table.rows:
            for cell in row[1:]:
                yield from ((unescape(address), number) for address, number in LINK.findall(str(cell)))


def said_of(rows: list[Any], number: str) -> str:
    """What the list says in the words of `number`: a sum of money, a share of accepted payments, or how many there are."""
    if number[-3:].isupper():
        field = "amount_minor" if rows and isinstance(rows[0], Refund) else "amount_received_minor"
        return format_amount(sum(getattr(row, field) for row in rows), number[-3:].lower())
    if "%" in number:
        accepted = sum(row.status in ("succeeded", "requires_capture") for row in rows)
        share = f"{int(accepted / len(rows) * 1000) / 10:.1f} %"
        return f"{share} of {len(rows)}" if " of " in number else share
    return "-" if number == "-" and not rows else f"- of {len(rows)}" if number.startswith("- of") else str(len(rows))


class TestANumberOfMoney:
    @pytest.mark.parametrize("counted_ahead", [False, True], ids=["counted now", "counted ahead"])
    def test_is_that_of_the_list_which_it_leads_to(
        self, books: Transaction, tenant: Tenant, seller: str, operator: Client, counted_ahead: bool
    ) -> None:
        tenant.refund(seller, order_id="first", amount=300)
        if counted_ahead:
            count_all()
        context = operator.get(reverse("admin:index")).context
        tables = [*context["money_tables"], *(chart.table for chart in context["charts"])]
        numbers = [(address, number) for address, number in numbers_of(tables)
                   if "created_at_from" in address and number not in ("0.00 USD", "0.00 EUR", "- of 0", "0")]  # fmt: skip
        wrong = [
            (address, number, said)
            for address, number in numbers
            if (said := said_of(list(operator.get(address).context["cl"].result_list), number)) != number
        ]
        assert (wrong, len(numbers) > 25) == ([], True)

    def test_is_shown_to_nobody_who_may_not_see_payments(self, books: Transaction, tenant: Tenant, seller: str) -> None:
        tenant.refund(seller, order_id="first", amount=300)
        context = staff_client("refunds.view_refund").get(reverse("admin:index")).context
        assert [table.title for table in context["money_tables"]] == ["Refunds"]
        assert context["charts"] == []


class TestHoldsAboutToLapse:
    def test_are_shown_by_what_is_at_risk_with_the_largest_first(self, books: Transaction, operator: Client) -> None:
        soon, later = days_ago(-1), days_ago(-4)
        for order, amount, lapses in (("small", 100, soon), ("large", 300, soon), ("later", 900, later)):
            payment(order, days_ago(1), status="requires_capture", amount_capturable_minor=amount, capture_before=lapses)
        context = operator.get(reverse("admin:index")).context
        [at_risk], largest = context["money_at_risk"], context["urgent_tables"][0]
        assert [LINK.findall(str(row[0]))[0][1] for row in at_risk.rows] == ["4.00 USD"]
        assert at_risk.rows[0][1:] == ("2", soon)
        assert [row[3] for row in largest.rows] == ["large", "small"]
        shown = operator.get(unescape(LINK.findall(str(at_risk.rows[0][0]))[0][0])).context["cl"].result_list
        assert sorted(row.order_id for row in shown) == ["large", "small"]


class TestSellersWhoCannotBePaid:
    def test_are_shown_with_the_reason_in_words(self, tenant: Tenant, operator: Client) -> None:
        tenant.create_seller("new@example.com", onboarded=False)
        table = next(table for table in operator.get(reverse("admin:index")).context["urgent_tables"]
                     if table.title == "Sellers who cannot be paid")  # fmt: skip
        assert [row[1:] for row in table.rows] == [
            ("new@example.com", "Take payments, be paid out", "The seller has not finished the onboarding.")
        ]
        assert [row.email for row in operator.get(table.address).context["cl"].result_list] == ["new@example.com"]


class TestAChart:
    def test_numbers_can_be_read_without_seeing_it(self, books: Transaction, operator: Client) -> None:
        page = html_of(operator, reverse("admin:index"))
        assert 'role="img" aria-labelledby="chart-volume-usd-title chart-volume-usd-summary"' in page
        assert '<desc id="chart-volume-usd-summary">27.00 USD in 30 days; the most on ' in page
        assert '<desc id="chart-success-rate-summary">Of the payments that a bank decided on, 75.0 % were accepted' in page


@pytest.fixture
def everybody(tenant: Tenant) -> Client:
    """The browser of somebody who may do everything, and for whom each permission is looked up."""
    user = User.objects.create_user("everybody", is_staff=True)
    user.user_permissions.set(Permission.objects.all())
    client = Client()
    client.force_login(user)
    return client


class TestAPageOfTheAdmin:
    def test_asks_at_most_thirty_queries_and_counts_no_whole_table(self, tenant: Tenant, seller: str, everybody: Client) -> None:
        make_records(tenant, seller)
        asked: dict[str, int] = {}
        whole: list[str] = []
        for address in [reverse("admin:index"), *_pages()]:
            with CaptureQueriesContext(connection) as captured:
                assert everybody.get(address).status_code == 200, address
            asked[address] = len(captured)
            whole += [
                query["sql"]
                for query in captured
                if "COUNT(*)" in query["sql"] and f"LIMIT {MOST_COUNTED + 1}" not in query["sql"]
            ]
        assert {address: number for address, number in asked.items() if number > MOST_QUERIES} == {}
        assert whole == []


def _pages() -> Iterator[str]:
    """The list of every kind of record, and the page of one."""
    for model, known in admin.site._registry.items():
        if isinstance(known, RecordAdmin):
            yield list_page(model)
            record = known.model._default_manager.first()
            if record is not None:
                yield record_page(record)
