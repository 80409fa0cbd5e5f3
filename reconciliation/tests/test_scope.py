"""What a comparison is about: all accounts, one, one app, or what was made in a time; and when it cannot be made at all."""

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command

from accounts.models import ConnectedAccount
from accounts.models import Status as AccountStatus
from commercecore_payments import clock
from commercecore_payments.tests.tenants import Tenant
from gateway.client import stripe_client
from reconciliation.models import Case, Run
from reconciliation.running import Runner, begin
from reconciliation.scope import Scope
from reconciliation.tests.comparison import differences, reconcile
from sandbox.connect.deauthorization import deauthorize
from sandbox.faults.plans import order
from transactions.models import Transaction


def spoil(transaction_id: str) -> None:
    """Our record says that a cent less was received."""
    row = Transaction.objects.get(stripe_payment_intent_id=transaction_id)
    Transaction.objects.filter(pk=row.pk).update(amount_received_minor=row.amount_received_minor - 1)


class TestAComparison:
    def test_of_one_account_is_about_nothing_else(self, tenant: Tenant, seller: str) -> None:
        other = tenant.create_seller("other@example.com")
        tenant.get(f"/connected-accounts/{other}")
        spoiled = [tenant.pay(account, order_id=account) for account in (seller, other)]
        for one in spoiled:
            spoil(one)

        status, found = reconcile("--account", seller)

        assert (status, differences(found)) == (1, [("amount", spoiled[0], "open")])
        assert found["compared"] == {"account": 1, "payment_intent": 1, "charge": 1, "balance_transaction": 1, "total": 4}

    def test_of_one_app_tells_nothing_of_others(self, tenant: Tenant, seller: str) -> None:
        other = Tenant.create()
        other_seller = other.create_seller("other@example.com")
        mine, theirs = tenant.pay(seller), other.pay(other_seller)
        spoil(mine)
        spoil(theirs)

        status, found = reconcile("--app", tenant.app.pk)

        assert (status, differences(found)) == (1, [("amount", mine, "open")])

    @pytest.mark.parametrize(("arguments", "is_told"), [(["--since", "1h"], False), (["--until", "1h"], True), ([], True)])
    def test_of_a_time_is_about_what_was_made_then(
        self, tenant: Tenant, seller: str, arguments: list[str], is_told: bool
    ) -> None:
        spoil(tenant.pay(seller))
        with clock.moved_ahead(timedelta(hours=2)):
            status, found = reconcile(*arguments)
        assert (status, found["differences"]["total"]) == ((1, 1) if is_told else (0, 0))

    def test_leaves_the_books_of_deleted_accounts_closed(self, tenant: Tenant, seller: str) -> None:
        spoil(tenant.pay(seller))
        tenant.refund(seller)
        assert tenant.delete(f"/connected-accounts/{seller}").status_code == 200
        assert reconcile()[0] == 0

    @pytest.mark.parametrize("mended", [False, True], ids=["is told", "is closed here too"])
    def test_of_a_seller_who_has_left(self, tenant: Tenant, seller: str, mended: bool) -> None:
        tenant.pay(seller)
        deauthorize(seller)

        _, found = reconcile(*(["--fix", "safe"] if mended else []))

        assert differences(found) == [("missing_there", seller, "mended" if mended else "open")]
        account = ConnectedAccount.objects.get(stripe_account_id=seller)
        assert account.status == (AccountStatus.DELETED if mended else AccountStatus.ACTIVE)

    def test_of_an_account_that_was_made_past_this_service_waits_for_a_person(self, tenant: Tenant) -> None:
        made = stripe_client().v1.accounts.create({"type": "express"})
        _, found = reconcile("--fix", "safe")
        assert differences(found) == [("missing_here", made.id, "open")]


class TestACommandLine:
    @pytest.mark.parametrize(
        ("arguments", "sentence"),
        [
            (["--account", "acct_unknown"], "There is no connected account acct_unknown."),
            (["--app", "ap_unknown"], "There is no app ap_unknown."),
            (["--since", "yesterday"], "A time is 90m, 36h or 7d for so long ago"),
            (["--since", "1h", "--until", "2h"], "--since has to be before --until."),
            (["--dry-run", "--fix", "safe"], "--dry-run mends nothing, and --fix does."),
            (["--grace", "-1"], "--grace has to be 0 or more seconds."),
        ],
    )
    def test_that_cannot_be_meant_ends_with_two(self, transactional_db: None, arguments: list[str], sentence: str) -> None:
        with pytest.raises(CommandError, match=sentence.replace("(", r"\(")) as refused:
            call_command("reconcile", *arguments)
        assert refused.value.returncode == 2
        assert Run.objects.count() == 0


class TestARunThatWasStopped:
    def test_goes_on_where_it_stood(self, tenant: Tenant, seller: str) -> None:
        other = tenant.create_seller("other@example.com")
        tenant.get(f"/connected-accounts/{other}")
        first, second = tenant.pay(seller, order_id="1"), tenant.pay(other, order_id="2")
        spoil(first)
        spoil(second)
        run = begin(Scope(grace=timedelta(0)), mends=False, asked="", asked_by="a test")
        runner = Runner(run)
        assert runner.next_piece()  # the accounts
        assert runner.next_piece()  # the first of them
        Run.objects.filter(pk=run.pk).update(holder="elsewhere:1", leased_until=clock.database_now() - timedelta(seconds=1))
        assert Case.objects.count() == 1

        status, found = reconcile()

        assert (found["run"], status) == (run.pk, 1)
        assert differences(found) == sorted([("amount", first, "open"), ("amount", second, "open")])
        run.refresh_from_db()
        assert (run.resumed, run.status, run.compared["payment_intent"]) == (1, Run.Status.FINISHED, 2)

    def test_is_left_to_the_process_that_is_at_it(self, tenant: Tenant, seller: str) -> None:
        run = begin(Scope(), mends=False, asked="", asked_by="a test")
        Run.objects.filter(pk=run.pk).update(holder="elsewhere:1")
        with pytest.raises(CommandError, match="under way at elsewhere:1") as refused:
            reconcile()
        assert refused.value.returncode == 2

    def test_may_be_continued_when_stripe_was_out_of_reach(
        self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("gateway.listing.WAITS_S", ())
        order("refuse_connection", method="GET", path="/v1/charges")
        with pytest.raises(CommandError, match="Stripe could not be asked") as failed:
            reconcile()
        assert failed.value.returncode == 2
        assert reconcile()[0] == 0
        assert Run.objects.get().resumed == 1
