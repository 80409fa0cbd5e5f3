"""`manage.py reconcile`: what differs is found, told once, and mended where no money moves."""

from io import StringIO

import pytest
from django.core.management import call_command

from commercecore_payments.tests.tenants import Tenant
from gateway.client import stripe_client
from reconciliation.models import Case, Run
from reconciliation.tests.comparison import differences, reconcile
from refunds.models import Refund
from transactions.models import Status, Transaction


def payment(transaction_id: str) -> Transaction:
    found: Transaction = Transaction.objects.get(stripe_payment_intent_id=transaction_id)
    return found


class TestBooksThatAgree:
    def test_show_no_difference(self, tenant: Tenant, seller: str) -> None:
        tenant.pay(seller, order_id="1", amount=5000)
        tenant.refund(seller, order_id="1", amount=2000)
        tenant.create_payment(seller, order_id="2")
        declined = tenant.create_payment(seller, order_id="3")
        tenant.confirm(seller, declined, "pm_card_chargeDeclined")
        held = tenant.create_payment(seller, order_id="4", amount=5000, capture_method="manual", application_fee_amount=300)
        tenant.confirm(seller, held)
        tenant.post(f"/transactions/{held}/capture", {"amount": 4000})
        canceled = tenant.create_payment(seller, order_id="5", capture_method="manual")
        tenant.confirm(seller, canceled)
        tenant.post(f"/transactions/{canceled}/cancel")

        status, found = reconcile()

        assert (status, found["differences"], found["cases"]) == (0, {"total": 0}, [])
        assert found["compared"] == {
            "account": 1,
            "payment_intent": 5,
            "charge": 4,
            "refund": 3,
            "balance_transaction": 3,
            "application_fee": 1,
            "total": 17,
        }
        run = Run.objects.get()
        assert (run.status, run.asked, run.holder, run.total_compared) == (Run.Status.FINISHED, "", "", 17)

    def test_are_read_by_a_dry_run_which_leaves_no_trace(self, tenant: Tenant, seller: str) -> None:
        transaction_id = tenant.pay(seller)
        Transaction.objects.filter(pk=payment(transaction_id).pk).update(amount_received_minor=900)

        status, found = reconcile("--dry-run")

        assert (status, differences(found)) == (1, [("amount", transaction_id, "open")])
        assert (Run.objects.count(), Case.objects.count()) == (0, 0)

    def test_tell_before_anything_is_mended_what_could_be(self, tenant: Tenant, seller: str) -> None:
        mendable, agreed = (payment(tenant.pay(seller, order_id=order)) for order in ("1", "2"))
        Transaction.objects.filter(pk=mendable.pk).update(amount_received_minor=900)
        Transaction.objects.filter(pk=agreed.pk).update(currency="eur")
        out = StringIO()

        with pytest.raises(SystemExit):
            call_command("reconcile", dry_run=True, grace=0, stdout=out)

        told = [line.split("  ")[0] + line[-2:] for line in out.getvalue().splitlines() if line]
        assert [one for one in told if one.startswith(("Can be", "Left for"))] == ["Can be mended 1", "Left for a person 1"]
        assert out.getvalue().endswith(" at Stripe.\n")
        assert (reconcile("--dry-run")[1]["mendable"], reconcile()[1]["mendable"]) == (1, 1)


class TestADifference:
    def test_opens_a_case_with_both_sides(self, tenant: Tenant, seller: str) -> None:
        transaction_id = tenant.pay(seller, amount=5000)
        Transaction.objects.filter(pk=payment(transaction_id).pk).update(status=Status.CANCELED, holds_order=False)

        status, found = reconcile()

        assert (status, differences(found)) == (1, [("state", transaction_id, "open")])
        case = Case.objects.get()
        assert (case.here["status"], case.there["status"]) == ("canceled", "succeeded")
        assert (case.at_stake_minor, case.currency, case.proposal) == (5000, "usd", "correct")
        assert case.transaction == payment(transaction_id)
        assert case.app_id == tenant.app.pk

    def test_is_the_same_case_in_the_next_run_and_gone_when_it_is_gone(self, tenant: Tenant, seller: str) -> None:
        transaction_id = tenant.pay(seller, amount=5000)
        row = Transaction.objects.filter(pk=payment(transaction_id).pk)
        row.update(amount_received_minor=4000)
        reconcile()
        reconcile()
        assert Case.objects.get().is_open

        row.update(amount_received_minor=5000)
        status, found = reconcile()

        assert (status, found["differences"]["total"]) == (0, 0)
        assert Case.objects.get().status == Case.Status.GONE

    def test_stays_quiet_once_it_is_accepted_until_it_changes(self, tenant: Tenant, seller: str) -> None:
        transaction_id = tenant.pay(seller, amount=5000)
        row = Transaction.objects.filter(pk=payment(transaction_id).pk)
        row.update(amount_received_minor=4000)
        reconcile()
        case = Case.objects.get()
        assert case.close(Case.Status.ACCEPTED, at=case.opened_at, by="ada", reason="Settled by hand.")

        status, found = reconcile()
        assert (status, found["differences"]["total"], found["accepted"]) == (0, 0, 1)

        row.update(amount_received_minor=3000)
        status, found = reconcile()
        assert (status, differences(found)) == (1, [("amount", transaction_id, "open")])

    def test_is_none_while_it_is_young(self, tenant: Tenant, seller: str) -> None:
        transaction_id = tenant.pay(seller)
        Transaction.objects.filter(pk=payment(transaction_id).pk).update(amount_received_minor=900)

        status, found = reconcile("--grace", "600")

        assert (status, found["differences"]["total"], found["young"]) == (0, 0, 1)


class TestMending:
    def test_takes_over_the_state_that_stripe_has(self, tenant: Tenant, seller: str) -> None:
        transaction_id = tenant.pay(seller, amount=5000)
        before = {"status": Status.REQUIRES_ACTION, "amount_received_minor": 0}
        Transaction.objects.filter(pk=payment(transaction_id).pk).update(**before)

        status, found = reconcile("--fix", "safe")

        assert (status, differences(found)) == (1, [("state", transaction_id, "mended")])
        mended = payment(transaction_id)
        assert (mended.status, mended.amount_received_minor) == (Status.SUCCEEDED, 5000)
        assert reconcile("--fix", "safe")[0] == 0

    def test_records_a_refund_that_was_made_past_this_service(self, tenant: Tenant, seller: str) -> None:
        transaction_id = tenant.pay(seller, amount=5000)
        asked = {"payment_intent": transaction_id, "amount": 700}
        refund = stripe_client().v1.refunds.create(asked, {"stripe_account": seller})  # type: ignore[arg-type]

        status, found = reconcile()
        assert (status, differences(found)) == (1, [("external_refund", refund.id, "open")])
        assert found["at_stake"] == {"usd": 700}

        status, found = reconcile("--fix", "safe")
        assert (status, differences(found)) == (1, [("external_refund", refund.id, "mended")])
        recorded = Refund.objects.get()
        assert (recorded.external, recorded.amount_minor, payment(transaction_id).amount_refunded_minor) == (True, 700, 700)
        assert Case.objects.get().status == Case.Status.MENDED
        assert reconcile()[0] == 0

    def test_leaves_to_a_person_what_our_records_could_not_have_become(self, tenant: Tenant, seller: str) -> None:
        transaction_id = tenant.pay(seller, amount=5000)
        Transaction.objects.filter(pk=payment(transaction_id).pk).update(status=Status.CANCELED, holds_order=False)

        status, found = reconcile("--fix", "safe")

        assert (status, differences(found)) == (1, [("state", transaction_id, "open")])
        assert payment(transaction_id).status == Status.CANCELED
        assert Case.objects.get().last_problem == "It waits for a person."


class TestAnEventThatNeverCame:
    @pytest.mark.parametrize("mended", [False, True], ids=["is told", "is fetched and applied"])
    def test_is_why_a_payment_is_behind(self, tenant: Tenant, seller: str, mended: bool) -> None:
        transaction_id = tenant.create_payment(seller, amount=5000)
        row = payment(transaction_id)
        Transaction.objects.filter(pk=row.pk).update(updated_at=row.updated_at.replace(year=2020))
        confirmed = {"payment_method": "pm_card_visa"}
        stripe_client().v1.payment_intents.confirm(transaction_id, confirmed, {"stripe_account": seller})  # type: ignore[arg-type]

        _, found = reconcile(*(["--fix", "safe"] if mended else []))

        state = "mended" if mended else "open"
        assert differences(found) == [("event_never_delivered", transaction_id, state)]
        assert payment(transaction_id).status == (Status.SUCCEEDED if mended else Status.REQUIRES_PAYMENT_METHOD)
