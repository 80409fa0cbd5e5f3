"""What a person does with a case."""

from datetime import timedelta
from typing import Any

import pytest

from commercecore_payments.clock import now
from commercecore_payments.tests.tenants import Tenant
from gateway.client import stripe_client
from reconciliation import decisions
from reconciliation.comparing import still_differs
from reconciliation.decisions import close_case, compare_case_again, correct_case, mend_case
from reconciliation.errors import CaseHasChanged, CaseIsClosed, CaseNotMended
from reconciliation.mending import mend
from reconciliation.models import Case
from reconciliation.tests.comparison import reconcile
from refunds.errors import PaymentNotRecorded
from refunds.models import Refund
from transactions.models import Status, Transaction
from webhooks.models import Event


@pytest.fixture
def paid(tenant: Tenant, seller: str) -> Transaction:
    tenant.pay(seller, order_id="order-1", amount=5000)
    payment: Transaction = Transaction.objects.get()
    return payment


def case_of(payment: Transaction, **changes: object) -> Case:
    """The case of a payment whose record was changed by hand."""
    Transaction.objects.filter(pk=payment.pk).update(**changes)
    reconcile()
    case: Case = Case.objects.get()
    return case


class TestMending:
    def test_ends_the_case_with_what_stripe_says(self, paid: Transaction) -> None:
        case = case_of(paid, amount_received_minor=1)
        mend_case(case, by="ada", reason="Stripe's dashboard shows 50.00.")
        paid.refresh_from_db()
        assert paid.amount_received_minor == 5000
        assert (case.status, case.closed_by, case.closing_reason) == ("mended", "ada", "Stripe's dashboard shows 50.00.")

    def test_leaves_a_case_open_that_it_cannot_mend(self, paid: Transaction) -> None:
        case = case_of(paid, status=Status.CANCELED, holds_order=False)
        with pytest.raises(CaseNotMended, match=r"It waits for a person\."):
            mend_case(case, by="ada", reason="Try.")
        paid.refresh_from_db()
        assert (case.is_open, paid.status) == (True, Status.CANCELED)

    def test_is_not_told_as_refused_when_a_run_ends_the_case_at_that_moment(
        self, paid: Transaction, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        case = case_of(paid, amount_received_minor=1)

        def mend_before_a_run(*what: Any) -> str:
            problem = mend(*what)
            reconcile()
            return problem

        monkeypatch.setattr(decisions, "mend", mend_before_a_run)
        assert mend_case(case, by="ada", reason="Stripe's dashboard shows 50.00.").status == "gone"
        paid.refresh_from_db()
        assert paid.amount_received_minor == 5000

    def test_of_a_closed_case_is_refused(self, paid: Transaction) -> None:
        case = case_of(paid, amount_received_minor=1)
        close_case(case, by="ada", reason="Known.")
        with pytest.raises(CaseIsClosed):
            mend_case(case, by="ada", reason="Again.")
        paid.refresh_from_db()
        assert paid.amount_received_minor == 1


class TestCorrecting:
    def test_takes_over_what_no_payment_becomes_and_tells_its_app(self, paid: Transaction) -> None:
        case = case_of(paid, status=Status.CANCELED, holds_order=False, currency="eur")
        told = Event.objects.count()
        correct_case(case, by="ada", reason="Our row was wrong.")
        paid.refresh_from_db()
        assert (paid.status, paid.currency, paid.holds_order) == (Status.SUCCEEDED, "usd", True)
        assert case.status == "mended"
        assert [event.type for event in Event.objects.order_by("sequence")][told:] == ["payment.succeeded"]

    def test_is_refused_where_a_side_is_not_as_the_person_has_seen_it(self, paid: Transaction) -> None:
        case = case_of(paid, status=Status.CANCELED, holds_order=False)
        Transaction.objects.filter(pk=paid.pk).update(currency="eur")
        with pytest.raises(CaseHasChanged, match="nothing was done"):
            correct_case(case, by="ada", reason="Our row was wrong.")
        paid.refresh_from_db()
        assert (paid.status, paid.currency) == (Status.CANCELED, "eur")
        assert (case.is_open, case.here["currency"]) == (True, "eur")
        correct_case(case, by="ada", reason="Our row was wrong.")
        paid.refresh_from_db()
        assert (paid.status, paid.currency, case.status) == (Status.SUCCEEDED, "usd", "mended")

    def test_brings_a_refund_back_to_its_own_payment(self, tenant: Tenant, seller: str, paid: Transaction) -> None:
        tenant.refund(seller, order_id="order-1", amount=700)
        tenant.pay(seller, order_id="order-2", amount=900)
        other = Transaction.objects.get(order_id="order-2")
        Refund.objects.update(transaction=other, amount_minor=701)
        reconcile()
        case = Case.objects.get(kind="refund")
        assert (case.type, case.proposal) == ("amount", "correct")

        correct_case(case, by="ada", reason="Our row was wrong.")

        refund = Refund.objects.get()
        paid.refresh_from_db()
        other.refresh_from_db()
        assert (refund.transaction, refund.amount_minor) == (paid, 700)
        assert (paid.amount_refunded_minor, other.amount_refunded_minor) == (700, 0)
        assert reconcile()[0] == 0

    def test_of_a_refund_whose_payment_is_not_recorded_says_what_to_do_first(
        self, tenant: Tenant, seller: str, paid: Transaction
    ) -> None:
        tenant.refund(seller, order_id="order-1", amount=700)
        tenant.pay(seller, order_id="order-2", amount=900)
        other = Transaction.objects.get(order_id="order-2")
        Refund.objects.update(transaction=other)
        paid.delete()
        reconcile()

        with pytest.raises(PaymentNotRecorded, match="not recorded here: mend that first"):
            correct_case(Case.objects.get(kind="refund"), by="ada", reason="Our row was wrong.")

        other.refresh_from_db()
        assert (Refund.objects.get().transaction, other.amount_refunded_minor) == (other, 0)


class TestAccepting:
    def test_ends_the_case_as_the_person_has_seen_it(self, paid: Transaction) -> None:
        case = case_of(paid, amount_received_minor=1)
        close_case(case, by="ada", reason="Known.")
        assert (case.status, case.closed_by, case.closing_reason) == ("accepted", "ada", "Known.")

    def test_is_refused_where_a_run_has_seen_it_otherwise_meanwhile(self, paid: Transaction) -> None:
        as_seen = case_of(paid, amount_received_minor=1)
        case_of(paid, amount_received_minor=2)
        with pytest.raises(CaseHasChanged, match="nothing was done"):
            close_case(as_seen, by="ada", reason="Known.")
        case = Case.objects.get()
        assert (case.is_open, case.closed_by, case.here["amount_received"]) == (True, "", 2)


class TestComparingAgain:
    def test_ends_a_case_whose_sides_agree_by_now(self, paid: Transaction) -> None:
        case = case_of(paid, amount_received_minor=1)
        Transaction.objects.filter(pk=paid.pk).update(amount_received_minor=5000)
        compare_case_again(case, by="ada")
        assert (case.status, case.closed_by) == ("gone", "ada")

    def test_brings_both_sides_up_to_date(self, paid: Transaction) -> None:
        case = case_of(paid, amount_received_minor=1)
        Transaction.objects.filter(pk=paid.pk).update(amount_received_minor=2)
        compare_case_again(case, by="ada")
        assert (case.is_open, case.here["amount_received"], case.at_stake_minor) == (True, 2, 4998)

    def test_ends_a_duplicate_once_it_is_refunded(self, tenant: Tenant, seller: str, paid: Transaction) -> None:
        tenant.pay(seller, order_id="order-2", amount=5000)
        second = Transaction.objects.get(order_id="order-2")
        Transaction.objects.filter(pk=paid.pk).update(holds_order=False)
        Transaction.objects.filter(pk=second.pk).update(order_id="order-1")
        reconcile()
        case = Case.objects.get()
        assert (case.type, case.object_id, case.transaction, case.at_stake_minor) == (
            "probable_duplicate",
            "order-1",
            second,
            5000,
        )
        asked = {"account_id": seller, "transaction_id": str(second)}
        assert tenant.post("/refunds", asked).status_code == 201

        compare_case_again(case, by="ada")

        assert case.status == "gone"

    def test_leaves_one_that_somebody_accepts_meanwhile_as_they_saw_it_so_that_the_next_run_opens_it_anew(
        self, paid: Transaction, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        case = case_of(paid, amount_received_minor=1)
        seen = Case.objects.get(pk=case.pk)
        Transaction.objects.filter(pk=paid.pk).update(amount_received_minor=2)

        def look_while_bob_accepts(*looked_at: Any) -> Any:
            close_case(seen, by="bob", reason="Known.")
            return still_differs(*looked_at)

        monkeypatch.setattr(decisions, "still_differs", look_while_bob_accepts)
        compare_case_again(case, by="ada")
        assert (case.status, case.closed_by, case.here["amount_received"]) == ("accepted", "bob", 1)
        reconcile()
        case.refresh_from_db()
        assert (case.status, case.here["amount_received"]) == ("open", 2)


class TestARecordThatWasLost:
    def test_is_made_anew_from_stripe_and_its_operation(self, tenant: Tenant, seller: str, paid: Transaction) -> None:
        Transaction.objects.all().delete()

        _, found = reconcile("--fix", "safe")

        assert [(case["type"], case["state"]) for case in found["cases"]] == [("missing_here", "mended")]
        again = Transaction.objects.get()
        assert (again.app, again.order_id, again.user_id, again.external) == (tenant.app, "order-1", tenant.user_id, False)
        assert (again.status, again.amount_received_minor, again.holds_order) == (Status.SUCCEEDED, 5000, True)

    def test_comes_back_with_its_refunds_and_disputes(self, tenant: Tenant, seller: str) -> None:
        asked: Any = {
            "amount": 5000,
            "currency": "usd",
            "confirm": True,
            "payment_method": "pm_card_createDispute",
            "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
        }
        stripe_client().v1.payment_intents.create(asked, {"stripe_account": seller})

        _, found = reconcile("--fix", "safe")

        assert [(case["type"], case["kind"], case["state"]) for case in found["cases"]] == [
            ("missing_here", "payment_intent", "mended")
        ]
        payment = Transaction.objects.get()
        assert (payment.external, payment.disputes.count()) == (True, 1)
        assert abs(payment.created_at - now()) < timedelta(minutes=1)
        assert reconcile()[0] == 0
