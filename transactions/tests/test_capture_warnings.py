"""Apps are told 48, 24 and 2 hours before a hold lapses."""

import json
from datetime import timedelta

import pytest

from commercecore_payments import clock
from commercecore_payments.tests.tenants import Tenant
from transactions.models import Transaction
from transactions.operations.capture_warnings import warn_of_next_lapse
from webhooks.models import Event


@pytest.fixture
def held(tenant: Tenant, seller: str) -> Transaction:
    """A payment whose hold lapses in seven days."""
    payment_id = tenant.create_payment(seller, capture_method="manual")
    tenant.confirm(seller, payment_id)
    return Transaction.objects.get()


def warned(payment: Transaction, *, hours_before: float) -> list[int]:
    """The hours that were told in all, after the worker has run so long before the hold lapses."""
    assert payment.capture_before is not None
    with clock.moved_ahead(payment.capture_before - timedelta(hours=hours_before) - clock.now()):
        while warn_of_next_lapse():
            pass
    events = Event.objects.filter(type="payment.capture_expiring").order_by("sequence")
    return [json.loads(event.body)["data"]["hours_left"] for event in events]


class TestAHoldThatIsAboutToLapse:
    def test_is_told_of_three_times(self, held: Transaction) -> None:
        assert warned(held, hours_before=49) == []
        assert warned(held, hours_before=47.9) == [48]
        assert warned(held, hours_before=30) == [48]
        assert warned(held, hours_before=23.9) == [48, 24]
        assert warned(held, hours_before=2.1) == [48, 24]
        assert warned(held, hours_before=1.9) == [48, 24, 2]
        assert warned(held, hours_before=0.1) == [48, 24, 2]

    def test_is_told_of_once_where_the_earlier_warnings_were_missed(self, held: Transaction) -> None:
        assert warned(held, hours_before=1) == [2]

    def test_is_told_with_the_payment_as_it_is(self, held: Transaction) -> None:
        warned(held, hours_before=20)
        data = json.loads(Event.objects.get(type="payment.capture_expiring").body)["data"]
        held.refresh_from_db()
        assert held.capture_before is not None
        assert (data["transaction_id"], data["status"], data["capture_before"], data["version"]) == (
            held.stripe_payment_intent_id,
            "requires_capture",
            int(held.capture_before.timestamp()),
            held.version,
        )

    def test_is_not_told_of_once_it_has_lapsed_or_was_captured(self, tenant: Tenant, held: Transaction) -> None:
        assert warned(held, hours_before=-0.1) == []
        tenant.post(f"/transactions/{held.stripe_payment_intent_id}/capture", {})
        assert warned(held, hours_before=1) == []
