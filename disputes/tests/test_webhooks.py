"""What Stripe's events about disputes change here, and what consumers are told of it."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from commercecore_payments import clock
from commercecore_payments.tests.tenants import Tenant
from developers.tests.factories import AppFactory
from disputes.models import Dispute
from disputes.tests.told import newest, pay_disputed, pay_disputed_past_the_service, tell
from disputes.webhooks import dispute_changed
from gateway import reads
from gateway.errors import StripeRejected
from gateway.events import NotYet
from gateway.snapshots import DisputeSnapshot
from sandbox.money import dispute_orders
from transactions.models import Transaction
from webhooks.models import Event

Meanwhile = Callable[[], Any]


def told() -> list[tuple[str, dict[str, Any]]]:
    """The type of each outgoing event about disputes, with its data."""
    events = Event.objects.filter(subject_type="dispute").order_by("app", "sequence")
    return [(event.type, json.loads(event.body)["data"]) for event in events]


def types_told() -> list[str]:
    return [event_type for event_type, _ in told()]


def while_stripe_is_asked(monkeypatch: pytest.MonkeyPatch, meanwhile: Meanwhile) -> None:
    """Something else happens here between Stripe's answer and what is made of it; once."""
    asked = reads.retrieve_dispute

    def retrieve(dispute_id: str, *, account_id: str) -> DisputeSnapshot:
        found = asked(dispute_id, account_id=account_id)
        monkeypatch.setattr(reads, "retrieve_dispute", asked)
        meanwhile()
        return found

    monkeypatch.setattr(reads, "retrieve_dispute", retrieve)


class TestANewDispute:
    def test_is_kept_as_stripe_holds_it(self, tenant: Tenant, seller: str) -> None:
        payment_id = pay_disputed(tenant, seller)
        event = newest(seller, "created")
        assert dispute_changed(event) == "The dispute is needs_response."
        dispute, payment = Dispute.objects.get(), Transaction.objects.get()
        assert (dispute.stripe_dispute_id, dispute.stripe_charge_id) == (event.object_id, payment.stripe_charge_id)
        assert (dispute.transaction, dispute.app, dispute.developer) == (payment, tenant.app, tenant.developer)
        assert (dispute.account, payment.stripe_payment_intent_id) == (payment.account, payment_id)
        assert (dispute.amount_minor, dispute.currency, dispute.reason) == (1000, "usd", "fraudulent")
        assert (dispute.status, dispute.has_evidence, dispute.version) == ("needs_response", False, 1)
        assert dispute.opened_at == event.created
        assert dispute.evidence_due_at == event.created + timedelta(days=7)

    def test_is_told_to_the_app_of_its_payment(self, tenant: Tenant, seller: str) -> None:
        payment_id = pay_disputed(tenant, seller)
        AppFactory.create(developer=tenant.developer)
        tell(seller)
        dispute = Dispute.objects.get()
        [(event_type, data)] = told()
        assert Event.objects.get(subject_type="dispute", subject_id=dispute.pk).app == tenant.app
        assert event_type == "dispute.created"
        assert data.pop("sequence") > 0
        assert data == {
            "dispute_id": dispute.stripe_dispute_id,
            "version": 1,
            "account_id": seller,
            "transaction_id": payment_id,
            "order_id": "2227222",
            "amount": 1000,
            "currency": "usd",
            "reason": "fraudulent",
            "status": "needs_response",
            "evidence_due": int(dispute.opened_at.timestamp()) + 7 * 24 * 3600,
            "created": int(dispute.opened_at.timestamp()),
            "external": False,
        }

    def test_is_made_once_however_often_it_is_told(self, tenant: Tenant, seller: str) -> None:
        pay_disputed(tenant, seller)
        assert [tell(seller), tell(seller)] == ["The dispute is needs_response."] * 2
        assert (Dispute.objects.get().version, types_told()) == (1, ["dispute.created"])

    def test_that_is_closed_already_is_told_as_created_and_closed(self, tenant: Tenant, seller: str) -> None:
        pay_disputed(tenant, seller)
        event = newest(seller, "created")
        dispute_orders.move(event.object_id, "lost")
        assert dispute_changed(event) == "The dispute is lost."
        assert [(event_type, data["status"]) for event_type, data in told()] == [
            ("dispute.created", "lost"),
            ("dispute.closed", "lost"),
        ]

    def test_of_the_platform_itself_has_no_record(self, tenant: Tenant, seller: str) -> None:
        pay_disputed(tenant, seller)
        event = replace(newest(seller, "created"), account_id="")
        assert dispute_changed(event) == "A dispute of the platform's own has no record here."
        assert (Dispute.objects.count(), types_told()) == (0, [])

    def test_that_stripe_does_not_know_is_not_kept(self, tenant: Tenant, seller: str) -> None:
        pay_disputed(tenant, seller)
        event = replace(newest(seller, "created"), object={"id": "du_nobody"})
        with pytest.raises(StripeRejected):
            dispute_changed(event)
        assert (Dispute.objects.count(), types_told()) == (0, [])


class TestADisputeThatGoesOn:
    @pytest.fixture
    def opened(self, tenant: Tenant, seller: str) -> str:
        """The id of a dispute that is known here, and needs a response."""
        pay_disputed(tenant, seller)
        tell(seller)
        return Dispute.objects.get().stripe_dispute_id

    @pytest.mark.parametrize("outcome", ["won", "lost"])
    def test_is_told_once_when_it_is_closed(self, seller: str, opened: str, outcome: str) -> None:
        dispute_orders.move(opened, outcome)
        assert [tell(seller, "closed"), tell(seller, "closed")] == [f"The dispute is {outcome}."] * 2
        assert [(event_type, data["version"], data["status"]) for event_type, data in told()] == [
            ("dispute.created", 1, "needs_response"),
            ("dispute.closed", 2, outcome),
        ]

    def test_is_read_again_when_a_late_event_comes(self, seller: str, opened: str) -> None:
        late = newest(seller, "created")
        dispute_orders.move(opened, "won")
        tell(seller, "closed")
        assert dispute_changed(late) == "The dispute is won."
        assert (Dispute.objects.get().status, types_told()) == ("won", ["dispute.created", "dispute.closed"])

    def test_is_told_again_when_an_appeal_is_decided(self, seller: str, opened: str) -> None:
        for status in ("lost", "appeal_needs_response", "won"):
            dispute_orders.move(opened, status)
            dispute_changed(newest(seller, "created"))
        assert [(event_type, data["status"]) for event_type, data in told()] == [
            ("dispute.created", "needs_response"),
            ("dispute.closed", "lost"),
            ("dispute.closed", "won"),
        ]

    def test_waits_where_it_was_written_while_stripe_was_asked(
        self, seller: str, opened: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def close_it() -> None:
            dispute_orders.move(opened, "won")
            tell(seller, "closed")

        while_stripe_is_asked(monkeypatch, close_it)
        with pytest.raises(NotYet, match="while Stripe was asked"):
            tell(seller)
        assert (Dispute.objects.get().status, types_told()) == ("won", ["dispute.created", "dispute.closed"])

    def test_waits_where_another_worker_has_just_made_it(
        self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        pay_disputed(tenant, seller)
        while_stripe_is_asked(monkeypatch, lambda: tell(seller))
        with pytest.raises(NotYet, match="while Stripe was asked"):
            tell(seller)
        assert (Dispute.objects.count(), types_told()) == (1, ["dispute.created"])


class TestADisputeOfAnUnknownPayment:
    @pytest.fixture
    def payment_id(self, tenant: Tenant, seller: str) -> str:
        return pay_disputed_past_the_service(seller)

    @pytest.mark.parametrize("skew", [timedelta(0), timedelta(minutes=4, seconds=50), -timedelta(minutes=4, seconds=50)])
    def test_waits_for_the_payment_at_first(self, seller: str, payment_id: str, skew: timedelta) -> None:
        event = newest(seller, "created")
        with clock.moved_ahead(skew), pytest.raises(NotYet, match="payment is not known here yet"):
            dispute_changed(event)
        assert (Dispute.objects.count(), types_told()) == (0, [])

    def test_is_kept_without_one_where_stripes_clock_is_far_ahead(self, seller: str, payment_id: str) -> None:
        event = newest(seller, "created")
        with clock.moved_ahead(-timedelta(minutes=5, seconds=10)):
            assert dispute_changed(event) == "The dispute is needs_response."
        assert Dispute.objects.get().transaction is None

    def test_is_kept_without_one_after_five_minutes(self, tenant: Tenant, seller: str, payment_id: str) -> None:
        other_app = AppFactory.create(developer=tenant.developer)
        Tenant.create()  # whom it does not concern
        event = newest(seller, "created")
        with clock.moved_ahead(timedelta(minutes=5, seconds=10)):
            assert dispute_changed(event) == "The dispute is needs_response."
        dispute = Dispute.objects.get()
        assert (dispute.transaction, dispute.app, dispute.developer) == (None, None, tenant.developer)
        assert {event.app for event in Event.objects.filter(subject_type="dispute")} == {tenant.app, other_app}
        facts = [(data["transaction_id"], data["order_id"], data["external"]) for _, data in told()]
        assert facts == [(None, None, True)] * 2

    def test_gets_its_payment_as_soon_as_that_is_known(self, tenant: Tenant, seller: str) -> None:
        pay_disputed(tenant, seller)
        payment = Transaction.objects.get()
        payment_id = payment.stripe_payment_intent_id
        Transaction.objects.update(stripe_payment_intent_id="pi_another")
        event = newest(seller, "created")
        with clock.moved_ahead(timedelta(minutes=6)):
            dispute_changed(event)
        assert Dispute.objects.get().transaction is None
        Transaction.objects.update(stripe_payment_intent_id=payment_id)
        dispute_changed(event)
        dispute = Dispute.objects.get()
        assert (dispute.transaction, dispute.app, dispute.version) == (payment, tenant.app, 1)

    def test_is_not_given_a_payment_of_another_account(self, tenant: Tenant, seller: str, payment_id: str) -> None:
        other = tenant.create_seller("other@example.com")
        tenant.pay(other)
        Transaction.objects.update(stripe_payment_intent_id=payment_id)
        event = newest(seller, "created")
        with clock.moved_ahead(timedelta(minutes=6)):
            dispute_changed(event)
        assert Dispute.objects.get().transaction is None
