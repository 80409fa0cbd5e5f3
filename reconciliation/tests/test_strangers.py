"""What callers, sellers and buyers write, and what that does not do to a comparison."""

from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from accounts.models import ConnectedAccount
from commercecore_payments import clock
from commercecore_payments.clock import now
from commercecore_payments.tests.tenants import Tenant
from gateway.client import stripe_client
from gateway.models import Operation
from gateway.operations import OPERATION_METADATA_KEY
from reconciliation.booking import Cases
from reconciliation.decisions import close_case, compare_case_again, correct_case
from reconciliation.differences import Difference, told_in
from reconciliation.errors import CaseNotMended
from reconciliation.models import Case, DifferenceType, ObjectKind, Proposal, Run
from reconciliation.running import begin
from reconciliation.scope import Scope
from reconciliation.tests.comparison import differences, reconcile
from reconciliation.tests.test_misfortunes import change_at_stripe
from reconciliation.tests.test_scope import spoil
from sandbox.money import ledger
from sandbox.objects import journal
from sandbox.tests.bank_debits import confirmed
from transactions.models import Transaction
from transactions.operations.create import ORDER_METADATA_KEY


def pay_past_us(seller: str, **more: Any) -> str:
    """A payment of 10.00 USD that the seller has made at Stripe without this service."""
    never = {"enabled": True, "allow_redirects": "never"}
    asked = {"amount": 1000, "currency": "usd", "confirm": True, "payment_method": "pm_card_visa"}
    asked |= {"automatic_payment_methods": never, **more}
    return stripe_client().v1.payment_intents.create(asked, {"stripe_account": seller}).id  # type: ignore[arg-type]


class TestMetadata:
    def test_that_names_another_accounts_operation_makes_a_payment_nobody_elses(self, tenant: Tenant, seller: str) -> None:
        stranger = Tenant.create()
        own = stranger.create_seller("stranger@example.com")
        tenant.pay(seller)
        named = Operation.objects.filter(kind="payment_intent.create").get().pk
        pay_past_us(own, metadata={OPERATION_METADATA_KEY: named})
        reconcile()
        assert Case.objects.get(kind="payment_intent").app is None

    @pytest.mark.parametrize(("said", "told"), [("order-1", "order-1"), ("\0", ""), ("\ud800", ""), ("x" * 256, ""), (None, "")])
    def test_is_a_name_of_ours_where_it_can_be_one(self, said: str | None, told: str) -> None:
        assert told_in({"metadata": {"key": said} if said is not None else None}, "key") == told

    def test_that_is_long_or_is_not_there_stops_nothing(self, tenant: Tenant, seller: str) -> None:
        made = pay_past_us(seller, metadata={ORDER_METADATA_KEY: "1", OPERATION_METADATA_KEY: "op"})
        paid = tenant.pay(seller)
        options: Any = {"stripe_account": seller}
        refund = stripe_client().v1.refunds.create({"payment_intent": paid, "amount": 100}, options)
        change_at_stripe(made, metadata={ORDER_METADATA_KEY: "x" * 500, OPERATION_METADATA_KEY: "x" * 500})
        change_at_stripe(refund.id, metadata=None)

        _, found = reconcile()

        assert differences(found) == [("external_refund", refund.id, "open"), ("missing_here", made, "open")]


class TestAnOrderThatAPaymentMadePastUsNames:
    @pytest.fixture
    def case(self, tenant: Tenant, seller: str) -> Case:
        tenant.pay(seller, order_id="order-1")
        for _ in range(2):
            pay_past_us(seller, metadata={ORDER_METADATA_KEY: "order-1"})
        reconcile("--fix", "safe")
        found: Case = Case.objects.get(kind="order")
        return found

    def test_is_paid_by_all_of_them(self, case: Case) -> None:
        assert (case.is_open, len(case.here["payments"])) == (True, 3)

    def test_is_looked_at_again_by_a_person(self, case: Case) -> None:
        compare_case_again(case, by="ada")
        assert case.is_open

    def test_stays_quiet_once_it_is_accepted(self, case: Case) -> None:
        close_case(case, by="ada", reason="Three deliveries.")
        _, found = reconcile()
        assert (found["differences"]["total"], found["accepted"]) == (0, 1)

    def test_stays_open_when_a_comparison_does_not_see_them(self, case: Case) -> None:
        with clock.moved_ahead(timedelta(hours=2)):
            Case.objects.update(object_created_at=now())
            reconcile("--since", "1h")
        case.refresh_from_db()
        assert case.is_open


class TestAnOrder:
    def test_that_was_paid_twice_does_not_hide_that_the_fee_differs(self, tenant: Tenant, seller: str) -> None:
        for order_id in ("1", "2"):
            payment = tenant.create_payment(seller, order_id=order_id, application_fee_amount=100)
            tenant.confirm(seller, payment)
        fee_id = stripe_client().v1.application_fees.list({"limit": 1}).data[0].id
        Transaction.objects.filter(order_id="1").update(order_id="2", holds_order=False)
        change_at_stripe(fee_id, amount=90)

        _, found = reconcile()

        assert sorted(case["kind"] for case in found["cases"]) == ["application_fee", "order"]

    def test_that_is_called_like_a_formula_is_none_in_a_spreadsheet(self, tenant: Tenant, seller: str) -> None:
        for order_id in ("=1+1", "2"):
            tenant.pay(seller, order_id=order_id)
        Transaction.objects.filter(order_id="2").update(order_id="=1+1", holds_order=False)
        out = StringIO()
        with pytest.raises(SystemExit):
            call_command("reconcile", grace=0, format="csv", stdout=out)
        assert ",'=1+1," in out.getvalue()

    @pytest.mark.parametrize("written_as", ["table", "csv"])
    def test_does_nothing_to_the_terminal_and_stays_in_its_line(self, tenant: Tenant, seller: str, written_as: str) -> None:
        tenant.pay(seller, order_id="1")
        tenant.pay(seller, order_id="2")
        Transaction.objects.update(order_id="\x1b[2Jx\nAt stake  nothing", holds_order=False)
        out = StringIO()
        with pytest.raises(SystemExit):
            call_command("reconcile", grace=0, format=written_as, stdout=out)
        assert r"\x1b[2Jx\nAt stake  nothing" in out.getvalue()
        assert not [line for line in out.getvalue().splitlines() if "\x1b" in line or line == "At stake  nothing"]


class TestABankDebit:
    def test_that_waits_for_the_bank_has_received_nothing_on_either_side_nor_given_back_any(
        self, tenant: Tenant, seller: str
    ) -> None:
        stripe_client().v1.accounts.update(seller, {"capabilities": {"us_bank_account_ach_payments": {"requested": True}}})
        asked, options = confirmed("pm_usBankAccount_processing"), {"stripe_account": seller}
        made = stripe_client().v1.payment_intents.create(asked, options)  # type: ignore[arg-type]
        stripe_client().v1.refunds.create({"payment_intent": made.id, "amount": 100}, options)  # type: ignore[arg-type]
        reconcile("--fix", "safe")
        assert reconcile()[0] == 0
        assert Transaction.objects.get().status == "processing"

    def test_that_waits_for_the_bank_may_have_moved_money_at_stripe_already(self, tenant: Tenant, seller: str) -> None:
        stripe_client().v1.accounts.update(seller, {"capabilities": {"us_bank_account_ach_payments": {"requested": True}}})
        asked, options = confirmed("pm_usBankAccount_processing"), {"stripe_account": seller}
        stripe_client().v1.payment_intents.create(asked, options)  # type: ignore[arg-type]
        reconcile("--fix", "safe")
        waiting = Transaction.objects.get()
        with journal.change():
            ledger.book(
                account=seller,
                type="payment",
                amount=1000,
                currency="usd",
                source=waiting.stripe_charge_id,
                reporting_category="charge",
                description="",
                available_on=now() + timedelta(days=4),
            )

        status, found = reconcile()

        assert (status, found["cases"], found["compared"]["balance_transaction"]) == (0, [], 1)
        assert (waiting.status, waiting.amount_received_minor) == ("processing", 0)


@pytest.mark.parametrize("unstorable", ["\0", "\ud83d"], ids=["zero", "half"])
class TestTheCharacterZeroAndHalfASurrogatePair:
    """That PostgreSQL stores nowhere."""

    def test_in_what_stripe_says_is_kept_as_one_that_can_be_stored(self, tenant: Tenant, seller: str, unstorable: str) -> None:
        found = Difference(
            type=DifferenceType.MISSING_HERE,
            kind=ObjectKind.PAYMENT_INTENT,
            object_id="pi_1",
            summary=f"Order 1{unstorable} is not here.",
            proposal=Proposal.LOOK,
            there={"metadata": {f"order{unstorable}": [f"1{unstorable}"]}},
        )
        account = ConnectedAccount.objects.get()
        cases = Cases(begin(Scope(), mends=False, asked="", asked_by="a test"))

        assert cases.take(found, account=account) is True

        case = Case.objects.get()
        kept = ("Order 1\ufffd is not here.", {"metadata": {"order\ufffd": ["1\ufffd"]}})
        assert (case.summary, case.there) == kept
        close_case(case, by="ada", reason="Known.")
        assert cases.take(found, account=account) is False
        case.refresh_from_db()
        assert (case.summary, case.there) == kept


class TestACurrencyThatNobodyKnows:
    def test_and_no_record_has_room_for_is_told_and_keeps_nothing_from_being_compared(self, tenant: Tenant, seller: str) -> None:
        spoiled = tenant.pay(seller)
        spoil(spoiled)
        made = pay_past_us(seller)
        change_at_stripe(made, currency="eightabc")

        status, found = reconcile("--fix", "safe")

        is_stored = connection.vendor == "sqlite"  # which stores eight letters where there is room for three
        assert (status, differences(found)) == (
            1,
            [("amount", spoiled, "mended"), ("missing_here", made, "mended" if is_stored else "open")],
        )
        case, run = Case.objects.get(object_id=made), Run.objects.get()
        assert (case.currency, run.status, run.not_compared) == ("eightabc", Run.Status.FINISHED, {})


class TestACaseThatIsNoneToCorrect:
    def test_is_refused(self, tenant: Tenant, seller: str) -> None:
        transaction_id = tenant.pay(seller)
        spoil(transaction_id)
        reconcile()
        with pytest.raises(CaseNotMended):
            correct_case(Case.objects.get(), by="ada", reason="Try.")
        assert Transaction.objects.get().amount_received_minor == 999
