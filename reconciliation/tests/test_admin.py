"""Cases and runs in the admin: who may do what, and what comes of it."""

import pytest

from commercecore_payments.tests.admin_pages import html_of, list_page, perform, record_page
from commercecore_payments.tests.tenants import Tenant
from reconciliation.by_worker import compare_next
from reconciliation.models import Case, Run
from reconciliation.tests.comparison import reconcile
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
        assert "The payment&#x27;s amount received is 4999 here and 5000 at Stripe." in page
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
    @pytest.mark.parametrize("action", ["mend", "accept", "compare_again"])
    def test_is_nobody_elses_to_end(self, case: Case, group: str, action: str) -> None:
        assert perform(member("bob", group), case, action).status_code in (403, 404)
        case.refresh_from_db()
        assert (case.is_open, Transaction.objects.get().amount_received_minor) == (True, 4999)


class TestARun:
    def test_is_listed_under_the_drift_of_each_day(self, case: Case) -> None:
        page = html_of(member("ada"), list_page(Run))
        assert "Differences found by day" in page
        assert "1 of 30 days were compared; the most differences found on one of them were 1." in page

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
