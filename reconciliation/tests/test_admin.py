"""Cases and runs in the admin: who may do what, and what comes of it."""

import csv
import io
import re
from datetime import timedelta

import pytest

from accounts.models import ConnectedAccount
from commercecore_payments.tests.admin_pages import html_of, list_page, perform, record_page
from commercecore_payments.tests.tenants import Tenant
from reconciliation.by_worker import compare_next
from reconciliation.models import Case, Run
from reconciliation.running import scope_of
from reconciliation.tests.comparison import reconcile
from staff.audit import entries_about
from staff.groups import DEVELOPER_RELATIONS, FINANCE, SUPPORT, VIEWER
from staff.tests.people import member, told
from transactions.models import Transaction


@pytest.fixture
def case(tenant: Tenant, seller: str) -> Case:
    """Our record says 49.99, Stripe's 50.00."""
    tenant.pay(seller, amount=5000)
    Transaction.objects.update(amount_received_minor=4999)
    reconcile()
    found: Case = Case.objects.get()
    return found


class TestACase:
    def test_shows_both_sides_and_what_would_end_it(self, case: Case) -> None:
        page = html_of(member("ada"), record_page(case))
        assert "The payment&#x27;s amount received is 49.99 USD here and 50.00 USD at Stripe." in page
        assert "49.99 USD" in page
        assert "50.00 USD" in page
        assert "“Mend” lets our record take over what Stripe says. No money moves." in page

    def test_is_mended_by_finance(self, case: Case) -> None:
        answer = perform(member("ada", FINANCE), case, "mend")
        case.refresh_from_db()
        assert told(answer) == ["The case is mended."]
        assert (case.status, case.closed_by, case.closing_reason) == ("mended", "ada", "as the ticket says")
        assert Transaction.objects.get().amount_received_minor == 5000

    def test_is_accepted_by_finance(self, case: Case) -> None:
        perform(member("ada", FINANCE), case, "accept")
        case.refresh_from_db()
        assert (case.status, case.closed_by, case.closing_reason) == ("accepted", "ada", "as the ticket says")
        assert Transaction.objects.get().amount_received_minor == 4999

    @pytest.mark.parametrize("group", [VIEWER, SUPPORT, DEVELOPER_RELATIONS])
    @pytest.mark.parametrize("action", ["mend", "correct", "accept", "compare_again"])
    def test_is_nobody_elses_to_end(self, case: Case, group: str, action: str) -> None:
        assert perform(member("bob", group), case, action).status_code == 403
        case.refresh_from_db()
        assert (case.is_open, Transaction.objects.get().amount_received_minor) == (True, 4999)

    def test_is_exported_by_finance(self, case: Case) -> None:
        answer = member("ada", FINANCE).get(list_page(Case) + "export/")
        (row,) = csv.DictReader(io.StringIO(answer.getvalue().decode()))
        assert (row["object_id"], row["status"], row["at_stake_minor"], row["at_stake"]) == (case.object_id, "open", "1", "0.01")


class TestARun:
    def test_is_listed_under_the_drift_of_each_day(self, case: Case) -> None:
        page = html_of(member("ada"), list_page(Run))
        assert "Differences found by day" in page
        assert "1 of 30 days were compared; the most differences found on one of them were 1." in page
        assert "everything, of any age" in page

    def test_says_what_it_was_about_and_how_long_it_took(self, tenant: Tenant, seller: str) -> None:
        reconcile("--account", seller, "--since", "2026-01-02", "--grace", "600", "--fix", "safe")
        run = Run.objects.get()
        Run.objects.update(finished_at=run.started_at + timedelta(seconds=200, milliseconds=400))
        page = html_of(member("ada"), list_page(Run))
        assert f"account {seller}, since 2026-01-02 00:00 UTC, mending" in page
        assert "3 min 20 s".replace(" ", "\N{NO-BREAK SPACE}") in page

    def test_tells_its_figures_and_warns_of_what_was_not_compared(self, case: Case) -> None:
        run = Run.objects.get()
        Run.objects.update(not_compared={"acct_gone": "Stripe refused access."})
        page = html_of(member("ada"), record_page(run))
        tables = re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", page))
        assert "Not all was compared What is named here could not be read to its end." in tables
        assert "acct_gone Stripe refused access." in tables
        assert "Kind Objects Connected account 1 Payment intent 1 Charge 1 Balance transaction 1" in tables
        assert "Type Differences Another amount 1" in tables

    def test_is_asked_for_anew_and_carried_out_by_the_worker(self, case: Case) -> None:
        answer = perform(member("ada", FINANCE), Run.objects.get(), "compare_anew")
        asked = Run.objects.first()
        assert asked is not None
        assert told(answer) == [f"The worker begins run {asked.pk} within moments."]
        assert (asked.asked_by, asked.mends, asked.status) == ("ada", False, "running")
        while compare_next():
            pass
        asked.refresh_from_db()
        # Just changed here or there is too young to be told; what is open stays open.
        assert (asked.status, asked.differences, Case.objects.get().is_open) == ("finished", {"amount": 1}, True)

    def test_is_asked_for_anew_about_the_same(self, tenant: Tenant, seller: str) -> None:
        reconcile("--app", tenant.app.pk, "--since", "7d")
        first = Run.objects.get()
        perform(member("ada", FINANCE), first, "compare_anew")
        again = Run.objects.exclude(pk=first.pk).get()
        assert scope_of(again) == scope_of(first)

    def test_is_begun_by_finance_at_an_account_when_there_was_none(self, tenant: Tenant, seller: str) -> None:
        account = ConnectedAccount.objects.get()
        perform(member("ada", FINANCE), account, "compare_its_books")
        asked = Run.objects.get()
        assert (asked.account_id, asked.by_worker, asked.mends, asked.asked_by) == (seller, True, False, "ada")
        (entry,) = entries_about(account)
        assert (entry.additional_data["action"], entry.additional_data["reason"]) == ("compare_its_books", "as the ticket says")

    @pytest.mark.parametrize("group", [VIEWER, SUPPORT, DEVELOPER_RELATIONS])
    def test_is_nobody_elses_to_ask_for(self, case: Case, group: str) -> None:
        browser = member("bob", group)
        assert perform(browser, Run.objects.get(), "compare_anew").status_code == 403
        assert perform(browser, ConnectedAccount.objects.get(), "compare_its_books").status_code == 403
        assert Run.objects.count() == 1
