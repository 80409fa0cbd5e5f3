"""Stripe's events as operators see and mend them."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib import messages
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse

from commercecore_payments import clock
from commercecore_payments.tests.admin_pages import list_page, perform, receive_newest, record_page, staff_client
from commercecore_payments.tests.tenants import Tenant
from disputes.models import Dispute
from disputes.tests.told import pay_disputed, pay_disputed_past_the_service
from stripe_events.models import StripeEvent

NOT_KNOWN = "The account is not known here."


@pytest.fixture
def operator(tenant: Tenant) -> Client:
    return staff_client(superuser=True)


@pytest.fixture
def event(tenant: Tenant, seller: str) -> StripeEvent:
    """An event about a dispute, received and not applied."""
    pay_disputed(tenant, seller)
    return receive_newest(seller, "charge.dispute.created")


def mark(event: StripeEvent, **changes: Any) -> None:
    StripeEvent.objects.filter(pk=event.pk).update(**changes)


def said(response: Any) -> list[tuple[int, str]]:
    return [(message.level, str(message)) for message in get_messages(response.wsgi_request)]


class TestApplyNow:
    @pytest.mark.parametrize(
        "changes",
        [
            {"status": "pending"},
            {"status": "failed", "failures": 8, "error": "Stripe could not be asked."},
            {"status": "quarantined", "note": NOT_KNOWN},
            {"status": "unhandled"},
        ],
        ids=["one that waits", "one that was given up", "one that was kept apart", "one that meant nothing"],
    )
    def test_applies(self, event: StripeEvent, operator: Client, changes: dict[str, Any]) -> None:
        mark(event, **changes)
        assert operator.get(record_page(event, "apply_now")).status_code == 200
        assert Dispute.objects.count() == 0
        response = perform(operator, event, "apply_now")
        assert said(response) == [(messages.SUCCESS, "The event is applied. The dispute is needs_response.")]
        event.refresh_from_db()
        assert (event.status, event.failures, event.error) == ("applied", 0, "")
        assert Dispute.objects.get().stripe_dispute_id == event.object_id

    def test_says_why_it_was_not_applied(self, tenant: Tenant, seller: str, operator: Client) -> None:
        pay_disputed_past_the_service(seller)
        event = receive_newest(seller, "charge.dispute.created")
        response = perform(operator, event, "apply_now")
        waits = "The event is pending, and not applied: The dispute's payment is not known here yet."
        assert said(response) == [(messages.WARNING, waits)]

    def test_is_not_offered_for_what_is_applied(self, event: StripeEvent, operator: Client) -> None:
        address = record_page(event, "apply_now")
        assert address in operator.get(record_page(event)).content.decode()
        mark(event, status="applied")
        assert address not in operator.get(record_page(event)).content.decode()
        operator.post(address)
        assert Dispute.objects.count() == 0


class TestThePage:
    def test_leads_to_the_record_and_to_the_seller(self, event: StripeEvent, operator: Client) -> None:
        perform(operator, event, "apply_now")
        page = operator.get(record_page(event)).content.decode()
        dispute = Dispute.objects.get()
        assert f'href="{record_page(dispute)}"' in page
        assert f'href="{record_page(dispute.account)}"' in page
        assert "&quot;type&quot;: &quot;charge.dispute.created&quot;" in page

    @pytest.mark.parametrize(
        ("changes", "title"),
        [
            ({"status": "failed", "failures": 8}, "This event was given up"),
            ({"status": "pending", "failures": 1}, "This event could not be applied yet"),
            ({"status": "quarantined"}, "This event is kept apart"),
        ],
    )
    def test_explains_what_is_in_trouble(self, event: StripeEvent, operator: Client, changes: dict[str, Any], title: str) -> None:
        assert title not in operator.get(record_page(event)).content.decode()
        mark(event, **changes)
        assert title in operator.get(record_page(event)).content.decode()

    @pytest.mark.parametrize(
        ("note", "facts"),
        [
            (
                "The dispute's payment is not known here yet.",
                ["The dispute&#x27;s payment is not known here yet.", "Apply now does"],
            ),
            ("", ["No worker has taken this event up.", "See to it that a worker runs."]),
        ],
        ids=["for something", "for a worker"],
    )
    def test_says_what_an_event_waits_for_that_waits_for_an_hour(
        self, event: StripeEvent, operator: Client, note: str, facts: list[str]
    ) -> None:
        received = clock.now() - timedelta(minutes=59)
        mark(event, note=note, received_at=received)
        assert "This event waits" not in operator.get(record_page(event)).content.decode()
        received = clock.now() - timedelta(minutes=61)
        mark(event, received_at=received)
        page = operator.get(record_page(event)).content.decode()
        assert [fact for fact in ("This event waits", f"{received:%Y-%m-%d %H:%M:%S} UTC", *facts) if fact not in page] == []
        mark(event, status="applied")
        assert "This event waits" not in operator.get(record_page(event)).content.decode()


class TestTroubleOnTheOverview:
    def test_is_counted_and_listed(self, event: StripeEvent, seller: str, operator: Client) -> None:
        receive_newest(seller, "payment_intent.succeeded")
        mark(event, failures=1, error="Stripe could not be asked.")
        figures = {figure.title: figure for figure in operator.get(reverse("admin:index")).context["figures"]}
        figure = figures["Stripe events in trouble"]
        assert (figure.count, figure.calls_for_action) == ("1", True)
        assert [row.pk for row in operator.get(figure.address).context["cl"].result_list] == [event.pk]
        assert operator.get(list_page(StripeEvent)).context["cl"].result_count == 2
