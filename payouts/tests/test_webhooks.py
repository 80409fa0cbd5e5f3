"""What Stripe's events about payouts change here."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from accounts.models import ConnectedAccount
from commercecore_payments.tests.tenants import Tenant
from gateway import reads
from gateway.client import stripe_client
from gateway.errors import StripeRejected
from gateway.events import NotYet
from gateway.snapshots import PayoutSnapshot
from payouts.models import Payout
from payouts.tests.told import newest, pay_out, tell
from payouts.webhooks import payout_changed
from sandbox.connect.onboarding import OnboardingDetails, complete_onboarding
from sandbox.timeline import due
from webhooks.models import Event

# Of a bank that sends every payout back (docs.stripe.com/connect/testing#account-numbers).
NO_SUCH_ACCOUNT = "000111111116"


class TestANewPayout:
    def test_is_kept_as_stripe_holds_it(self, tenant: Tenant, seller: str) -> None:
        payout_id = pay_out(tenant, seller)
        event = newest(seller, "created")
        assert payout_changed(event) == "The payout is pending."
        payout = Payout.objects.get()
        assert (payout.stripe_payout_id, payout.developer) == (payout_id, tenant.developer)
        assert payout.account == ConnectedAccount.objects.get(stripe_account_id=seller)
        assert (payout.amount_minor, payout.currency, payout.status, payout.automatic) == (400, "usd", "pending", False)
        assert (payout.failure_code, payout.failure_message) == ("", "")
        assert (payout.made_at, payout.arrives_at) == (event.created, datetime.fromtimestamp(event.object["arrival_date"], UTC))

    def test_is_made_once_however_often_it_is_told(self, tenant: Tenant, seller: str) -> None:
        pay_out(tenant, seller)
        tell(seller)
        before = Payout.objects.values().get()
        assert tell(seller) == "The payout is pending."
        assert Payout.objects.values().get() == before

    def test_of_the_platform_itself_has_no_record(self, tenant: Tenant, seller: str) -> None:
        pay_out(tenant, seller)
        event = replace(newest(seller, "created"), account_id="")
        assert payout_changed(event) == "A payout of the platform's own has no record here."
        assert Payout.objects.count() == 0

    def test_that_stripe_does_not_know_is_not_kept(self, tenant: Tenant, seller: str) -> None:
        pay_out(tenant, seller)
        event = replace(newest(seller, "created"), object={"id": "po_nobody"})
        with pytest.raises(StripeRejected):
            payout_changed(event)
        assert Payout.objects.count() == 0


class TestAPayoutThatGoesOn:
    def test_is_read_again_at_each_event(self, tenant: Tenant, seller: str) -> None:
        pay_out(tenant, seller)
        late = newest(seller, "created")
        tell(seller)
        due.move_clock(timedelta(days=2))
        assert tell(seller, "paid") == "The payout is paid."
        assert payout_changed(late) == "The payout is paid."
        assert Payout.objects.get().status == "paid"

    def test_that_its_bank_sends_back_says_why(self, tenant: Tenant) -> None:
        seller = tenant.create_seller(onboarded=False)
        complete_onboarding(account_id=seller, details=OnboardingDetails(account_number=NO_SUCH_ACCOUNT))
        pay_out(tenant, seller)
        tell(seller)
        due.move_clock(timedelta(days=2))
        assert tell(seller, "failed") == "The payout is failed."
        payout = Payout.objects.get()
        meaning = "The bank could not find the account that the money was sent to."
        assert (payout.status, payout.failure_code, payout.failure_message) == ("failed", "no_account", meaning)

    def test_that_is_canceled_is_so_here(self, tenant: Tenant, seller: str) -> None:
        payout_id = pay_out(tenant, seller)
        tell(seller)
        stripe_client().v1.payouts.cancel(payout_id, {}, {"stripe_account": seller})
        assert tell(seller, "canceled") == "The payout is canceled."
        assert Payout.objects.get().status == "canceled"

    def test_is_told_to_no_consumer(self, tenant: Tenant, seller: str) -> None:
        pay_out(tenant, seller)
        before = Event.objects.count()
        tell(seller)
        due.move_clock(timedelta(days=2))
        tell(seller, "paid")
        assert Event.objects.count() == before

    def test_waits_where_it_was_written_while_stripe_was_asked(
        self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        pay_out(tenant, seller)
        tell(seller)
        event, asked = newest(seller, "created"), reads.retrieve_payout

        def retrieve_slowly(payout_id: str, *, account_id: str) -> PayoutSnapshot:
            """The answer is that of now; it arrives after another event was applied."""
            found = asked(payout_id, account_id=account_id)
            monkeypatch.setattr(reads, "retrieve_payout", asked)
            due.move_clock(timedelta(days=2))
            tell(seller, "paid")
            return found

        monkeypatch.setattr(reads, "retrieve_payout", retrieve_slowly)
        with pytest.raises(NotYet, match="while Stripe was asked"):
            payout_changed(event)
        assert Payout.objects.get().status == "paid"
