"""Cases and runs in the admin: who may do what, and what comes of it."""

import csv
import io
import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from accounts.models import ConnectedAccount
from commercecore_payments import clock
from commercecore_payments.admin.confirmation import CHANGED
from commercecore_payments.tests.admin_pages import REASON, form_token, html_of, list_page, perform, record_page
from commercecore_payments.tests.tenants import Tenant
from reconciliation.by_worker import compare_next
from reconciliation.models import Case, Run
from reconciliation.running import scope_of
from reconciliation.tests.comparison import reconcile
from staff.audit import entries_about
from staff.groups import DEVELOPER_RELATIONS, FINANCE, SUPPORT, VIEWER
from staff.interrupted import INTERRUPTED_AFTER, write_down_next
from staff.models import UsedForm
from staff.tests.people import member, told
from transactions.models import Transaction

EVERYTHING = "/admin/reconciliation/run/compare_everything/"


def ask_for_everything(browser: Client) -> Any:
    """The answer to the form of "Compare everything"."""
    return browser.post(EVERYTHING, {"form_token": form_token(browser, EVERYTHING), "reason": REASON})


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

    def test_that_somebody_has_ended_tells_a_second_person_who_it_was(self, case: Case) -> None:
        browser, address = member("ben", FINANCE), record_page(case, "mend")
        form = {"form_token": form_token(browser, address), "reason": REASON}
        perform(member("ada", FINANCE), case, "mend")
        case.refresh_from_db()
        assert case.closed_at is not None
        when = f"{case.closed_at:%Y-%m-%d %H:%M} UTC"
        assert told(browser.post(address, form)) == [
            f"“Mend” is not possible any more: the record has changed. The case is mended, by ada at {when}."
        ]
        assert "Both sides, as they were" in html_of(browser, record_page(case))

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


class TestACaseThatChangesWhileSomebodyDecides:
    """Its form was opened, and before it is sent a run sees the case otherwise: 49.98 here instead of 49.99."""

    @pytest.mark.parametrize(("action", "ends"), [("accept", "accepted"), ("mend", "mended")])
    def test_is_not_ended_until_the_new_facts_were_shown(self, case: Case, action: str, ends: str) -> None:
        browser, address = member("ada", FINANCE), record_page(case, action)
        form = {"form_token": form_token(browser, address), "reason": REASON}
        Transaction.objects.update(amount_received_minor=4998)
        reconcile()
        facts = Case.objects.get().facts

        refused = browser.post(address, form)

        assert (told(refused), refused["Location"]) == ([CHANGED], record_page(case))
        case.refresh_from_db()
        assert (case.is_open, case.closed_by, case.facts == facts) == (True, "", True)
        assert (Transaction.objects.get().amount_received_minor, UsedForm.objects.count()) == (4998, 0)
        assert not entries_about(case).exists()
        page = html_of(browser, address)
        assert "The payment&#x27;s amount received is 49.98 USD here and 50.00 USD at Stripe." in page
        assert "49.98 USD here, 50.00 USD at Stripe" in page
        perform(browser, case, action)
        case.refresh_from_db()
        assert case.status == ends

    def test_is_ended_where_the_run_saw_what_was_shown(self, case: Case) -> None:
        browser, address = member("ada", FINANCE), record_page(case, "accept")
        form = {"form_token": form_token(browser, address), "reason": REASON}
        reconcile()
        browser.post(address, form)
        case.refresh_from_db()
        assert case.status == "accepted"

    def test_is_compared_again_whatever_was_shown(self, case: Case) -> None:
        browser, address = member("ada", FINANCE), record_page(case, "compare_again")
        form = {"form_token": form_token(browser, address), "reason": REASON}
        Transaction.objects.update(amount_received_minor=4998)
        reconcile()
        assert told(browser.post(address, form)) == ["The case is open."]

    def test_is_told_of_what_came_of_it_when_the_form_is_sent_twice(self, case: Case) -> None:
        browser, address = member("ada", FINANCE), record_page(case, "accept")
        form = {"form_token": form_token(browser, address), "reason": REASON}
        browser.post(address, form)
        Transaction.objects.update(amount_received_minor=4998)
        reconcile()
        answer = told(browser.post(address, form))[-1]
        assert answer.startswith("This form was sent before, and nothing was done twice.")
        assert Case.objects.get().is_open


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

    def test_of_everything_is_begun_by_finance_when_there_was_none(self, tenant: Tenant, seller: str) -> None:
        browser = member("ada", FINANCE)
        page = html_of(browser, EVERYTHING)
        assert re.search(r"Last time\s*</dt>\s*<dd[^>]*>\s*never", page)
        answer = ask_for_everything(browser)
        asked = Run.objects.get()
        assert (told(answer), answer["Location"]) == ([f"The worker begins run {asked.pk} within moments."], list_page(Run))
        assert (asked.by_worker, asked.mends, asked.asked_by, asked.asked) == (True, False, "ada", "everything, by the staff")
        logged = entries_about(User.objects.get(username="ada"))[0].additional_data
        assert (logged["action"], logged["reason"], logged["outcome"]) == ("compare_everything", REASON, "done")
        while compare_next():
            pass
        asked.refresh_from_db()
        assert (asked.status, asked.total_compared) == ("finished", 1)

    def test_of_everything_tells_before_it_is_asked_for_what_the_last_one_took(self, case: Case) -> None:
        started_at = Run.objects.get().started_at
        Run.objects.update(finished_at=started_at + timedelta(seconds=200))
        page = html_of(member("ada", FINANCE), EVERYTHING)
        assert f"{started_at:%Y-%m-%d %H:%M} UTC" in page
        assert "3 min 20 s".replace(" ", "\N{NO-BREAK SPACE}") in page
        assert "1 differences in 4 objects" in page

    def test_of_everything_is_begun_once_at_a_time_and_by_one_form_once(self, tenant: Tenant) -> None:
        browser = member("ada", FINANCE)
        form = {"form_token": form_token(browser, EVERYTHING), "reason": REASON}
        browser.post(EVERYTHING, form)
        again = told(browser.post(EVERYTHING, form))[-1]
        assert again.startswith("This form was sent before, and nothing was done twice. What came of it: The worker begins run ")
        assert "is under way at the worker" in told(ask_for_everything(browser))[-1]
        assert Run.objects.count() == 1

    def test_of_everything_whose_process_died_is_in_the_audit_log_under_whoever_asked(
        self, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def die(*unused: Any, **named: Any) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr("reconciliation.admin.ask_for_run", die)
        with pytest.raises(KeyboardInterrupt):
            ask_for_everything(member("ada", FINANCE))
        with clock.moved_ahead(INTERRUPTED_AFTER + timedelta(seconds=1)):
            assert write_down_next()
        logged = entries_about(User.objects.get(username="ada"))[0].additional_data
        assert (logged["action"], logged["reason"], logged["outcome"]) == ("compare_everything", REASON, "unknown")
        assert Run.objects.count() == 0

    def test_of_everything_takes_its_own_form_and_a_reason(self, case: Case) -> None:
        browser = member("ada", FINANCE)
        of_another = form_token(browser, record_page(Run.objects.get(), "compare_anew"))
        refused = browser.post(EVERYTHING, {"form_token": of_another, "reason": REASON})
        assert told(refused)[-1].startswith("This form is not valid any more")
        silent = browser.post(EVERYTHING, {"form_token": form_token(browser, EVERYTHING), "reason": " "})
        assert list(silent.context["form"].errors) == ["reason"]
        assert Run.objects.count() == 1

    @pytest.mark.parametrize("group", [VIEWER, SUPPORT, DEVELOPER_RELATIONS])
    def test_is_nobody_elses_to_ask_for(self, case: Case, group: str) -> None:
        browser = member("bob", group)
        assert perform(browser, Run.objects.get(), "compare_anew").status_code == 403
        assert perform(browser, ConnectedAccount.objects.get(), "compare_its_books").status_code == 403
        assert (browser.get(EVERYTHING).status_code, ask_for_everything(browser).status_code) == (403, 403)
        assert EVERYTHING not in browser.get(list_page(Run)).content.decode()
        assert Run.objects.count() == 1
