"""The page of a payment in the admin: its verdict and its timeline."""

import re
from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.html import escape

from commercecore_payments.tests.admin_pages import html_of, record_page, staff_client
from commercecore_payments.tests.tenants import Tenant
from explanations.explaining import explain
from explanations.tests import states
from gateway.models import Operation
from transactions.models import Transaction
from webhooks.models import Delivery, Event

# Of the whole page, with everything that django-unfold asks for around it.
MOST_QUERIES = 30


@pytest.fixture
def operator(tenant: Tenant) -> Client:
    return staff_client(superuser=True)


class TestThePage:
    @pytest.mark.parametrize("state", [states.rich, states.disputed, states.needing_review], ids=lambda state: state.__name__)
    def test_shows_the_verdict_and_each_line_and_asks_little(
        self, tenant: Tenant, seller: str, operator: Client, state: Callable[[Tenant, str], None]
    ) -> None:
        state(tenant, seller)
        payment = Transaction.objects.get()
        operator.get(record_page(payment))  # the content types of the audit log are known from now on
        with CaptureQueriesContext(connection) as queries:
            page = html_of(operator, record_page(payment))
        assert len(queries) <= MOST_QUERIES
        explanation = explain(payment)
        assert f"<h2>{escape(explanation.verdict.headline)}</h2>" in page
        shown = re.findall(r"(?:<summary>|<p>)(.*?)(?:</summary>|</p>)", page[page.index('aria-label="Timeline"') :])
        assert [line for line in shown if "All of it" not in line] == [escape(entry.text) for entry in explanation.timeline]

    def test_leads_to_the_records_and_to_the_lists_of_all_that_is_about_the_payment(
        self, tenant: Tenant, seller: str, operator: Client
    ) -> None:
        states.rich(tenant, seller)
        page = html_of(operator, record_page(Transaction.objects.get()))
        about_it = ("transaction", "refund")
        records = [
            *Operation.objects.filter(subject_type__in=about_it),
            *Event.objects.filter(subject_type__in=about_it),
            *Delivery.objects.filter(event__subject_type__in=about_it),
        ]
        assert len(records) == 12
        assert [record for record in records if f'href="{record_page(record)}"' not in page] == []
        lists = re.findall(r'class="text-link" href="([^"]*\?q=pi_[^"]*)"', page)
        results = [operator.get(address).context["cl"].result_count for address in lists]
        assert results == [4, 4, 4]  # operations, events of Stripe about the payment intent, events to the app

    def test_leads_to_what_somebody_has_to_decide(self, tenant: Tenant, seller: str, operator: Client) -> None:
        states.needing_review(tenant, seller)
        page = html_of(operator, record_page(Transaction.objects.get()))
        verdict = page[page.index('aria-label="Verdict"') : page.index('aria-label="Timeline"')]
        assert f'href="{record_page(Operation.objects.get(kind="refund.create"))}">Open it</a>' in verdict
