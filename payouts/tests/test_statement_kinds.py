"""manage.py payout_statement, of payouts of every kind."""

import json
from datetime import timedelta
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import ConnectedAccount
from commercecore_payments.tests.tenants import Tenant
from gateway.client import stripe_client
from payouts.models import Payout
from payouts.statement import statement_of
from payouts.tests.balances import days_pass, paid_out, payouts_of
from payouts.tests.test_statement import statement
from payouts.tests.told import pay_out
from refunds.models import Refund
from sandbox.models import SandboxObject
from sandbox.money import dispute_orders, ledger, payouts, refund_lifecycle
from sandbox.objects import journal, state
from sandbox.tests.bank_debits import capable, confirmed
from transactions.models import Transaction

A_DAY = timedelta(days=1)
AT_ONCE = "pm_card_bypassPending"  # whose money is available at once


def lines_of(told: dict[str, Any]) -> list[tuple[Any, ...]]:
    return [(line["type"], line["record"], line["order_id"], line["net"]) for line in told["lines"]]


def told_of(seller: str, payout: str, *, status: int = 0) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(statement(seller, payout, status=status))
    return told


class TestAPayoutOfEverythingThatHappens:
    def test_is_explained_by_the_record_behind_each_line(self, tenant: Tenant, seller: str) -> None:
        tenant.pay(seller, order_id="whole", amount=50_000)
        with_fee = tenant.create_payment(seller, order_id="fee", amount=7_000, application_fee_amount=700)
        tenant.confirm(seller, with_fee)
        tenant.refund(seller, order_id="fee", amount=3_500, refund_application_fee=True)
        for outcome in ("lost", "won"):
            tenant.confirm(seller, tenant.create_payment(seller, order_id=outcome), "pm_card_createDispute")
        tenant.confirm(seller, tenant.create_payment(seller, order_id="failed"), "pm_card_pendingRefund")
        tenant.refund(seller, order_id="failed", amount=400)
        refund_lifecycle.order(Refund.objects.get(amount_minor=400).stripe_refund_id, "failed", "lost_or_stolen_card")
        days_pass(seller, timedelta())
        self.banks_decide()
        days_pass(seller)

        (payout,) = payouts_of(seller)
        told = told_of(seller, payout)
        assert sorted(lines_of(told)) == [
            ("adjustment", "dispute", "lost", -2_500),  # 10.00 and the fee of 15.00
            ("adjustment", "dispute", "won", -2_500),
            ("adjustment", "dispute", "won", 2_500),
            ("charge", "payment", "failed", 941),
            ("charge", "payment", "fee", 6_067),
            ("charge", "payment", "lost", 941),
            ("charge", "payment", "whole", 48_520),
            ("charge", "payment", "won", 941),
            ("refund", "refund", "failed", -400),
            ("refund", "refund", "fee", -3_150),  # half of the platform's share comes back with it
            ("refund_failure", "refund", "failed", 400),
        ]
        assert (told["amount"], told["unexplained"], told["unexplained_lines"]) == (51_760, 0, 0)

    def banks_decide(self) -> None:
        """Each dispute as its order is called."""
        for dispute in SandboxObject.objects.filter(object_type="dispute"):
            payment = Transaction.objects.get(stripe_payment_intent_id=dispute.data["payment_intent"])
            dispute_orders.move(dispute.stripe_id, payment.order_id)

    def test_is_not_explained_where_a_share_was_given_back_past_us(self, tenant: Tenant, seller: str) -> None:
        tenant.confirm(seller, tenant.create_payment(seller, amount=7_000, application_fee_amount=700))
        paid_out(seller)
        fee = SandboxObject.objects.get(object_type="application_fee").stripe_id
        stripe_client().v1.application_fees.refunds.create(fee, {"amount": 100})
        days_pass(seller)
        told = told_of(seller, payouts_of(seller)[0], status=1)
        assert lines_of(told) == [("adjustment", "", "", 100)]
        assert (told["unexplained"], told["unexplained_lines"]) == (100, 1)

    def test_is_explained_where_no_card_was_charged(self, tenant: Tenant, seller: str) -> None:
        v1 = stripe_client().v1
        debit: Any = confirmed()
        intent = v1.payment_intents.create(debit, capable(v1, seller))  # type: ignore[arg-type]
        days_pass(seller, timedelta(days=10))
        v1.refunds.create({"payment_intent": intent.id, "amount": 100}, {"stripe_account": seller})
        tenant.pay(seller, order_id="card")
        days_pass(seller)
        lines = [line for payout in payouts_of(seller) for line in lines_of(told_of(seller, payout))]
        assert sorted(kind for kind, *_ in lines) == ["charge", "payment", "payment_refund"]
        assert {record for _, record, *_ in lines} == {"payment", "refund"}


class TestAPayoutInACurrency:
    def test_is_told_in_its_own_and_holds_nothing_of_another(self, tenant: Tenant, seller: str) -> None:
        for currency, order in (("usd", "in dollars"), ("jpy", "in yen"), ("kwd", "in dinars")):
            tenant.confirm(seller, tenant.create_payment(seller, order_id=order, amount=10_000, currency=currency))
        days_pass(seller)
        tables = [statement(seller, payout, format="table") for payout in payouts_of(seller)]
        told = sorted(tuple(line.split(": ")[1] for line in table.splitlines() if ": " in line) for table in tables)
        assert told == [("9,710 JPY, paid", "0 JPY"), ("9.710 KWD, paid", "0.000 KWD"), ("96.80 USD, paid", "0.00 USD")]
        assert sorted(table.count("\ncharge ") for table in tables) == [1, 1, 1]


class TestAPayoutThatCameBack:
    def test_says_so_and_is_explained_by_the_record_in_the_next_one(self, tenant: Tenant, seller: str) -> None:
        account = SandboxObject.objects.get(object_type="account", stripe_id=seller)
        account.hidden["payout_failure"] = "no_account"
        account.save()
        tenant.pay(seller, order_id="order_1")
        days_pass(seller)
        (failed,) = payouts_of(seller)
        self.another_bank_is_named(account)
        tenant.pay(seller, order_id="order_2")
        days_pass(seller)

        told = told_of(seller, failed)
        assert (told["status"], told["unexplained"]) == ("failed", 0)
        assert told["remark"] == "It failed: the money went back to the seller's balance, and a later payout carries it."
        told = told_of(seller, payouts_of(seller)[0])
        assert lines_of(told) == [("charge", "payment", "order_2", 941), ("payout_failure", "payout", "", 941)]
        assert (told["amount"], told["unexplained"], told["remark"]) == (2 * 941, 0, "")

    def another_bank_is_named(self, account: SandboxObject) -> None:
        account.refresh_from_db()
        account.hidden["payout_failure"] = None
        for bank_account in account.data["external_accounts"]["data"]:
            bank_account["status"] = "new"
        account.save()

    def test_for_it_was_reversed_names_the_payout_that_took_it_back(self, tenant: Tenant, seller: str) -> None:
        tenant.pay(seller)
        row = SandboxObject.objects.get(object_type="payout", stripe_id=paid_out(seller))
        row.data["reversed_by"] = "po_back"
        row.save()
        told = told_of(seller, row.stripe_id)
        assert told["remark"] == "It was reversed by po_back, which takes the money back from the bank."

    def test_for_it_was_canceled_says_so(self, tenant: Tenant, seller: str) -> None:
        payout = pay_out(tenant, seller)
        stripe_client().v1.payouts.cancel(payout, {}, {"stripe_account": seller})
        assert told_of(seller, payout, status=1)["remark"].startswith("It was canceled: the money went back to the seller's")


class TestAPayoutThatTakesMoneyFromTheBank:
    def test_is_explained_by_what_was_owed(self, tenant: Tenant, seller: str) -> None:
        tenant.pay(seller, order_id="order_1")
        paid_out(seller)
        tenant.refund(seller, order_id="order_1")
        self.is_collected(seller, 1_000)
        told = told_of(seller, payouts_of(seller)[0])
        assert lines_of(told) == [("refund", "refund", "order_1", -1_000)]
        assert (told["amount"], told["unexplained"]) == (-1_000, 0)

    def is_collected(self, seller: str, amount: int) -> None:
        """The sandbox collects no debts by itself: it is a payout of less than nothing."""
        with journal.change():
            account = state.referred("", "account", seller, param="account")
            made = payouts.make(account, "usd", -amount, payouts.Wish(), automatic=True)
            for row in ledger.transactions(seller).filter(hidden__payout__isnull=True):
                row.hidden["payout"] = made.stripe_id
                state.save(row)


class TestAPayoutBesideOthersMadeByHand:
    def test_is_explained_by_the_records_of_those(self, tenant: Tenant, seller: str) -> None:
        by_hand = pay_out(tenant, seller)
        days_pass(seller, A_DAY)
        told = told_of(seller, payouts_of(seller)[0])
        line = told["lines"][0]
        assert (line["type"], line["record_id"], line["net"]) == ("payout", by_hand, -400)
        assert (told["amount"], told["unexplained"]) == (541, 0)

    def test_is_not_explained_while_those_are_not_known_here(self, tenant: Tenant, seller: str) -> None:
        by_hand = pay_out(tenant, seller)
        days_pass(seller, A_DAY)
        Payout.objects.get(stripe_payout_id=by_hand).delete()
        told = told_of(seller, payouts_of(seller)[0], status=1)
        assert (told["unexplained"], told["unexplained_lines"]) == (-400, 1)
        assert told["remark"] == "Stripe has not told yet all that it is made of; until it has, something may be missing."


class TestAPayoutOfVeryMany:
    def test_is_told_with_one_query_for_each_page_and_kind_of_record(self, tenant: Tenant, seller: str) -> None:
        tenant.pay(seller)
        payout = paid_out(seller)
        booked = ledger.transactions(seller).get(data__type="charge")
        names = [f"txn_{number:04}" for number in range(1_000)]
        ledger.transactions(seller).bulk_create(
            SandboxObject(
                account=seller,
                object_type="balance_transaction",
                stripe_id=name,
                data={**booked.data, "id": name},
                hidden={"payout": payout},
                created_at=booked.created_at,
            )
            for name in names
        )
        account = ConnectedAccount.objects.get(stripe_account_id=seller)
        told = statement_of(payout, account=account)
        with CaptureQueriesContext(connection) as asked:
            assert sum(1 for _ in told.lines()) == 1_001
        assert sum('FROM "transactions_transaction"' in query["sql"] for query in asked) == 11  # pages of a hundred, and the rest
        assert (told.totals["charge"].lines, told.unexplained_lines) == (1_001, 0)
        assert told.unexplained_minor == -1_000 * 941
