"""What one account, one object or one moment does to a comparison: nothing to all others, and nothing that is not told."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.core.management import CommandError, call_command

from commercecore_payments import clock
from commercecore_payments.tests.tenants import Tenant
from gateway.client import stripe_client
from gateway.listing import Page, pages
from reconciliation.booking import Cases
from reconciliation.books import Books
from reconciliation.by_worker import ask_for_run, compare_next
from reconciliation.decisions import _as_it_was, close_case
from reconciliation.kinds.payment_intents import compare
from reconciliation.models import Case, Run
from reconciliation.running import Runner, begin
from reconciliation.scope import Scope
from reconciliation.tests.comparison import differences, reconcile
from reconciliation.tests.test_scope import spoil
from sandbox.connect.deauthorization import deauthorize
from sandbox.faults.plans import order
from sandbox.models import SandboxObject
from transactions.models import Transaction
from transactions.operations.bring_up_to_date import bring_payment_up_to_date


@pytest.fixture
def other(tenant: Tenant, seller: str) -> str:
    """A second account, compared after the first."""
    account_id = tenant.create_seller("other@example.com")
    tenant.get(f"/connected-accounts/{account_id}")
    return account_id


def change_at_stripe(stripe_id: str, **changes: Any) -> None:
    """What Stripe says of an object from now on."""
    row = SandboxObject.objects.get(stripe_id=stripe_id)
    row.data |= changes
    row.save()


def compare_all(runner: Runner) -> None:
    while runner.next_piece():
        pass


class TestAnAccountThatCannotBeCompared:
    def test_keeps_no_other_one_from_it_and_is_told(self, tenant: Tenant, seller: str, other: str) -> None:
        first, spoiled = tenant.pay(seller, order_id="1"), tenant.pay(other, order_id="2")
        spoil(first)
        reconcile()
        Case.objects.filter(object_id=first).update(kind="order", here={"payments": ["a shape that nobody expects"]})
        spoil(spoiled)

        with pytest.raises(CommandError, match=f"Not compared: {seller}") as ended:
            reconcile()

        assert ended.value.returncode == 2
        run = Run.objects.latest("pk")
        assert (run.status, run.not_compared) == (Run.Status.FINISHED, {seller: "TypeError: the log says more."})
        assert Case.objects.get(object_id=spoiled).last_run == run
        assert Case.objects.get(kind="order").is_open

    def test_for_which_stripe_answers_nothing_is_passed_over_the_second_time(
        self, tenant: Tenant, seller: str, other: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("gateway.listing.WAITS_S", ())
        order("fail_inside", method="GET", path="/v1/charges", account=seller, times=20)
        spoiled = tenant.pay(other)
        spoil(spoiled)
        with pytest.raises(CommandError, match="Stripe could not be asked"):
            reconcile()
        with pytest.raises(CommandError, match=f"Not compared: {seller}"):
            reconcile()
        run = Run.objects.get()
        assert (run.status, run.resumed, list(run.not_compared)) == (Run.Status.FINISHED, 1, [seller])
        assert Case.objects.get().object_id == spoiled

    def test_keeps_its_cases_when_its_seller_has_left(self, tenant: Tenant, seller: str, other: str) -> None:
        spoil(tenant.pay(seller))
        reconcile()
        deauthorize(seller)
        reconcile()
        assert Case.objects.get(kind="payment_intent").is_open

    def test_does_not_end_the_comparison_when_its_fees_are_nobodys_and_it_has_left(self, transactional_db: None) -> None:
        stranger = Tenant.create()
        account_id = stranger.create_seller()
        stranger.confirm(account_id, stranger.create_payment(account_id, application_fee_amount=100))
        deauthorize(account_id)
        Transaction.objects.all().delete()

        _, found = reconcile()

        assert [case["type"] for case in found["cases"]] == ["missing_there", "orphan"]

    def test_ends_neither_a_worker_that_has_other_things_to_do_nor_the_command_as_if_the_books_differed(
        self, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("reconciliation.running.ACCOUNTS", None)  # as good as a list that nobody can read
        run = ask_for_run(Scope(), mends=False, asked_by="ada")
        assert compare_next() is False
        run.refresh_from_db()
        assert (run.status, run.error, run.holder) == (Run.Status.RUNNING, "AttributeError: the log says more.", "")
        with pytest.raises(CommandError, match="AttributeError: the log says more") as ended:
            reconcile()
        assert ended.value.returncode == 2


class TestAllAccounts:
    def test_are_not_closed_here_when_stripe_shows_none_of_them(self, tenant: Tenant, seller: str, other: str) -> None:
        for account_id in (seller, other):
            deauthorize(account_id)
        reconcile("--fix", "safe")
        assert set(Case.objects.values_list("type", "proposal", "status")) == {("missing_there", "look", "open")}


class TestAMend:
    def test_that_changes_nothing_is_not_told_as_one(self, tenant: Tenant, seller: str) -> None:
        tenant.pay(seller, amount=5000)
        charge_id = Transaction.objects.get().stripe_charge_id
        change_at_stripe(charge_id, amount_refunded=700)

        status, found = reconcile("--fix", "safe")

        assert (status, differences(found)) == (1, [("amount", charge_id, "open")])
        assert Case.objects.get().last_problem == "Afterwards it differed still."

    def test_that_fails_as_nobody_expects_is_its_cases_problem_alone(
        self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        failing, other = tenant.pay(seller, order_id="1"), tenant.pay(seller, order_id="2")
        spoil(failing)
        spoil(other)

        def mend_all_but_one(payment_intent_id: str, **options: Any) -> str:
            if payment_intent_id == failing:
                raise KeyError("a shape that nobody expects")
            return bring_payment_up_to_date(payment_intent_id, **options)

        monkeypatch.setattr("reconciliation.mending.bring_payment_up_to_date", mend_all_but_one)

        status, found = reconcile("--fix", "safe")

        assert (status, differences(found)) == (1, sorted([("amount", failing, "open"), ("amount", other, "mended")]))
        problem = "It could not be mended: KeyError. The log says more."
        assert Case.objects.get(object_id=failing).last_problem == problem
        run = Run.objects.get()
        assert (run.status, run.not_compared) == (Run.Status.FINISHED, {})
        assert Transaction.objects.get(stripe_payment_intent_id=failing).amount_received_minor == 999


class TestARunThatReadsALongListOfEvents:
    def test_stays_held_by_its_process_page_after_page(
        self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        spoiled = tenant.pay(seller)
        spoil(spoiled)
        was_held: list[bool] = []

        def slow_pages(path: str, **options: Any) -> Iterator[Page]:
            for page in pages(path, **options):
                Run.objects.update(leased_until=clock.database_now() - timedelta(seconds=1))
                yield page
                was_held.append(Run.objects.filter(leased_until__gt=clock.database_now()).exists())

        monkeypatch.setattr("gateway.listing.PAGE_SIZE", 2)
        monkeypatch.setattr("reconciliation.running.SIGN_OF_LIFE_EVERY_S", 0.0)
        monkeypatch.setattr("reconciliation.undelivered.pages", slow_pages)

        assert differences(reconcile()[1]) == [("amount", spoiled, "open")]

        assert len(was_held) > 1
        assert all(was_held)


class TestACaseThatTwoComparisonsSee:
    def test_is_found_by_both_and_stays_open(self, tenant: Tenant, seller: str) -> None:
        transaction_id = tenant.pay(seller)
        spoil(transaction_id)
        first = Runner(begin(Scope(grace=timedelta(0)), mends=False, asked="first", asked_by="a test"))
        assert first.next_piece()  # the accounts
        assert first.next_piece()  # the seller's books
        assert differences(reconcile()[1]) == [("amount", transaction_id, "open")]
        compare_all(first)
        first.run.refresh_from_db()
        assert (first.run.differences, first.run.left_open) == ({"amount": 1}, 1)

    def test_stays_accepted_when_somebody_accepts_it_at_that_moment(self, tenant: Tenant, seller: str) -> None:
        spoil(tenant.pay(seller))
        reconcile()
        case = Case.objects.get()
        run = begin(Scope(), mends=False, asked="second", asked_by="a test")
        as_read = Case.objects.get()
        found = _as_it_was(case)
        close_case(case, by="ada", reason="Known.")
        assert Cases(run)._brought_up_to_date(as_read, found) is None
        assert Cases(run).take(found, account=case.account) is False
        assert Case.objects.get().status == Case.Status.ACCEPTED


class TestACaseOfARunThatWasKilled:
    def test_is_not_left_open_when_it_was_mended_before(self, tenant: Tenant, seller: str) -> None:
        transaction_id = tenant.pay(seller)
        spoil(transaction_id)
        run = begin(Scope(grace=timedelta(0)), mends=True, asked="", asked_by="a test")
        killed = Cases(run)
        Run.objects.filter(pk=run.pk).update(holder="")
        case_of_the_killed_piece(killed, transaction_id)
        Transaction.objects.update(amount_received_minor=1000)

        _, found = reconcile()

        assert (found["run"], found["left_open"], Case.objects.get().status) == (run.pk, 0, "gone")


def case_of_the_killed_piece(cases: Cases, transaction_id: str) -> None:
    """What a process wrote before it was killed: a case, of a difference that is mended, without a word of that."""
    payment = Transaction.objects.select_related("account").get(stripe_payment_intent_id=transaction_id)
    options: Any = {"stripe_account": payment.account.stripe_account_id}
    page = [stripe_client().v1.payment_intents.retrieve(transaction_id, {}, options).to_dict()]
    (found,) = compare(Books(Scope(grace=timedelta(0)), payment.account), page)
    cases.take(found, account=payment.account)


class TestAComparisonOfSomeTime:
    def test_ends_no_case_of_what_its_last_second_leaves_out(self, tenant: Tenant, seller: str) -> None:
        with time_machine.travel(clock.now().replace(microsecond=100_000), tick=False):
            tenant.pay(seller)
            change_at_stripe(Transaction.objects.get().stripe_charge_id, amount_refunded=700)
            reconcile()
            case = Case.objects.get()
            assert case.object_created_at is not None
            scope = Scope(until=case.object_created_at + timedelta(milliseconds=500), grace=timedelta(0))
        compare_all(Runner(begin(scope, mends=False, asked="until", asked_by="a test")))
        case.refresh_from_db()
        assert case.is_open


class TestAnOutput:
    def test_that_cannot_be_written_is_told_before_anything_is_compared(self, transactional_db: None, tmp_path: Path) -> None:
        with pytest.raises(CommandError, match="No such file or directory") as refused:
            call_command("reconcile", output=tmp_path / "nowhere" / "result.json")
        assert (refused.value.returncode, Run.objects.count()) == (2, 0)
