"""What Stripe's events do to saved cards."""

from dataclasses import replace

import pytest

from commercecore_payments import clock
from commercecore_payments.tests.tenants import Tenant
from gateway import reads
from gateway.client import stripe_client
from gateway.snapshots import PaymentMethodSnapshot
from gateway.tests.faults import stripe_fails, time_out_after
from paymentmethods.models import PaymentMethod
from paymentmethods.webhooks import NOT_SAVED_HERE
from stripe_events.models import StripeEvent
from stripe_events.tests.arrivals import arrive, told_by_stripe, work


def save_card(tenant: Tenant) -> str:
    card_id: str = tenant.post("/payment-methods", {"payment_method_id": "pm_card_visa"}).json()["data"]["payment_method_id"]
    return card_id


class TestASavedCard:
    def test_that_was_detached_in_the_dashboard_is_no_longer_saved_here(self, tenant: Tenant) -> None:
        card_id = save_card(tenant)
        stripe_client().v1.payment_methods.detach(card_id)
        arrive(told_by_stripe("", "payment_method.detached"))
        work()
        assert PaymentMethod.objects.get().status == "detached"
        assert tenant.get("/payment-methods").json()["data"]["payment_methods"] == []

    def test_that_was_renewed_by_its_bank_shows_its_new_expiry(self, tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
        save_card(tenant)
        whole = reads.retrieve_payment_method

        def renewed(payment_method_id: str) -> PaymentMethodSnapshot:
            return replace(whole(payment_method_id), exp_month=7, exp_year=2041)

        monkeypatch.setattr(reads, "retrieve_payment_method", renewed)
        arrive([{**told_by_stripe("", "payment_method.attached")[0], "type": "payment_method.automatically_updated"}])
        work()
        card = PaymentMethod.objects.get()
        assert (card.status, card.exp_month, card.exp_year) == ("saved", 7, 2041)

    def test_that_changed_while_it_was_read_is_read_again(self, tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
        save_card(tenant)
        whole, years = reads.retrieve_payment_method, [2041, 2042]

        def renewed(payment_method_id: str) -> PaymentMethodSnapshot:
            year = years.pop(0)
            if year == 2041:
                PaymentMethod.objects.update(exp_year=2042, updated_at=clock.now())  # another worker has read later
            return replace(whole(payment_method_id), exp_year=year)

        monkeypatch.setattr(reads, "retrieve_payment_method", renewed)
        arrive([{**told_by_stripe("", "payment_method.attached")[0], "type": "payment_method.updated"}])
        work()
        work(ahead_s=5)
        assert (PaymentMethod.objects.get().exp_year, years) == (2042, [])

    def test_whose_detachment_had_no_answer_is_detached_by_its_event(
        self, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        card_id = save_card(tenant)
        with stripe_fails(monkeypatch, time_out_after, path="/detach"):
            assert tenant.delete(f"/payment-methods/{card_id}").status_code == 503
        arrive(told_by_stripe("", "payment_method.detached"))
        work()
        assert PaymentMethod.objects.get().status == "detached"

    def test_is_not_touched_by_a_late_event_of_its_attachment(self, tenant: Tenant) -> None:
        save_card(tenant)
        card = PaymentMethod.objects.get()
        arrive(told_by_stripe("", "payment_method.attached"))
        work()
        assert PaymentMethod.objects.get().updated_at == card.updated_at

    def test_is_none_of_those_that_connected_accounts_have(self, tenant: Tenant, seller: str) -> None:
        tenant.pay(seller)
        content = {
            **told_by_stripe(seller, "payment_intent.succeeded")[0],
            "id": "evt_card",
            "type": "payment_method.updated",
            "data": {"object": {"object": "payment_method", "id": "pm_1"}},
        }
        arrive([content])
        work()
        assert StripeEvent.objects.get().note == NOT_SAVED_HERE
