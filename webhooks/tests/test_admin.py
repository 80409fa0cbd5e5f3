"""The consumers' events, endpoints and deliveries as operators see and mend them."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse

from commercecore_payments import clock
from commercecore_payments.tests.admin_pages import perform, record_page, staff_client
from commercecore_payments.tests.tenants import Tenant
from gateway.models import Operation
from transactions.models import Transaction
from webhooks.endpoints import create_endpoint
from webhooks.models import Delivery, DeliveryAttempt, Event, WebhookEndpoint


@pytest.fixture
def operator(tenant: Tenant) -> Client:
    return staff_client(superuser=True)


@pytest.fixture
def endpoint(tenant: Tenant, seller: str) -> WebhookEndpoint:
    """An endpoint that is to be sent one event: a payment succeeded."""
    made, _ = create_endpoint(url="https://shop.example/hooks", event_types=["payment.succeeded"], actor=tenant.actor)
    tenant.pay(seller)
    return made


@pytest.fixture
def delivery(endpoint: WebhookEndpoint) -> Delivery:
    found: Delivery = Delivery.objects.get()
    return found


def said(response: Any) -> list[str]:
    return [str(message) for message in get_messages(response.wsgi_request)]


class TestSwitchingAnEndpointOff:
    def test_stops_its_deliveries(self, endpoint: WebhookEndpoint, delivery: Delivery, operator: Client) -> None:
        assert operator.get(record_page(endpoint, "switch_off")).status_code == 200
        assert WebhookEndpoint.objects.get().status == "enabled"
        response = perform(operator, endpoint, "switch_off")
        assert said(response) == [f"The endpoint {endpoint.pk} is switched off."]
        endpoint.refresh_from_db()
        delivery.refresh_from_db()
        assert (endpoint.status, endpoint.disabled_reason, delivery.status) == ("disabled", "by_operator", "stopped")
        assert "An operator switched it off" in operator.get(record_page(endpoint)).content.decode()

    def test_can_be_undone(self, endpoint: WebhookEndpoint, operator: Client) -> None:
        perform(operator, endpoint, "switch_off")
        response = perform(operator, endpoint, "switch_on")
        assert said(response)[-1] == f"The endpoint {endpoint.pk} is switched on."
        endpoint.refresh_from_db()
        assert (endpoint.status, endpoint.disabled_reason, endpoint.disabled_at) == ("enabled", "", None)

    def test_is_offered_where_it_changes_something(self, endpoint: WebhookEndpoint, operator: Client) -> None:
        def offered() -> list[str]:
            page = operator.get(record_page(endpoint)).content.decode()
            return [name for name in ("switch_off", "switch_on") if record_page(endpoint, name) in page]

        assert offered() == ["switch_off"]
        perform(operator, endpoint, "switch_off")
        assert offered() == ["switch_on"]
        WebhookEndpoint.objects.update(deleted_at=clock.now())
        assert offered() == []

    def test_does_nothing_to_one_that_is_deleted(self, endpoint: WebhookEndpoint, operator: Client) -> None:
        WebhookEndpoint.objects.update(deleted_at=clock.now())
        perform(operator, endpoint, "switch_off")
        assert WebhookEndpoint.objects.get().status == "enabled"


class TestSendingAgain:
    def test_makes_a_delivery_due(self, delivery: Delivery, operator: Client) -> None:
        Delivery.objects.update(status="failed", scheduled_attempts=9, next_attempt_at=clock.now() - timedelta(days=5),
                                finished_at=clock.now())  # fmt: skip
        assert operator.get(record_page(delivery, "send_again")).status_code == 200
        assert Delivery.objects.get().status == "failed"
        response = perform(operator, delivery, "send_again")
        assert said(response) == [f"The delivery {delivery.pk} is due now."]
        delivery.refresh_from_db()
        assert (delivery.status, delivery.scheduled_attempts, delivery.finished_at) == ("pending", 0, None)
        assert abs(delivery.next_attempt_at - clock.now()) < timedelta(minutes=1)

    def test_is_not_offered_to_an_endpoint_that_is_off(self, delivery: Delivery, operator: Client) -> None:
        perform(operator, delivery.endpoint, "switch_off")
        address = record_page(delivery, "send_again")
        assert address not in operator.get(record_page(delivery)).content.decode()
        operator.post(address)
        assert Delivery.objects.get().status == "stopped"


class TestThePages:
    def test_of_a_delivery_shows_its_attempts_in_their_order(self, delivery: Delivery, operator: Client) -> None:
        for number, (http_status, error, answer) in enumerate([(None, "Connection refused.", ""), (500, "", "oops")], start=1):
            DeliveryAttempt.objects.create(
                delivery=delivery, number=number, started_at=clock.now(), duration_ms=1234, http_status=http_status,
                error=error, answer=answer,
            )  # fmt: skip
        [table] = operator.get(record_page(delivery)).context["related_tables"]
        assert [(row[0], *row[2:]) for row in table.rows] == [
            (1, "1,234 ms", "-", "Connection refused."),
            (2, "1,234 ms", "500", "oops"),
        ]

    def test_of_an_event_shows_what_is_sent_and_leads_to_the_payment(self, delivery: Delivery, operator: Client) -> None:
        page = operator.get(record_page(delivery.event)).content.decode()
        payment = Transaction.objects.get()
        assert f"&quot;transaction_id&quot;: &quot;{payment.stripe_payment_intent_id}&quot;" in page
        assert f'href="{record_page(payment)}"' in page
        assert f'href="{record_page(delivery)}"' in page

    def test_of_an_event_about_something_else_stand(self, delivery: Delivery, operator: Client) -> None:
        Event.objects.filter(pk=delivery.event_id).update(subject_type="unheard_of")
        assert "unheard_of" in operator.get(record_page(delivery.event)).content.decode()


class TestEndpointsOffOnTheOverview:
    def test_are_counted_and_listed_where_they_failed(self, endpoint: WebhookEndpoint, operator: Client) -> None:
        figures = {}
        for reason in ("by_developer", "failing"):
            WebhookEndpoint.objects.update(status="disabled", disabled_reason=reason, disabled_at=clock.now())
            shown = operator.get(reverse("admin:index")).context["figures"]
            figures[reason] = next(one for one in shown if one.title == "Endpoints switched off for failing")
        assert [(figure.count, figure.calls_for_action) for figure in figures.values()] == [("0", False), ("1", True)]
        listed = operator.get(figures["failing"].address).context["cl"].result_list
        assert [row.pk for row in listed] == [endpoint.pk]


class TestSendingAnEventAgain:
    def test_makes_it_due_at_every_endpoint_that_takes_it(
        self, endpoint: WebhookEndpoint, tenant: Tenant, operator: Client
    ) -> None:
        create_endpoint(url="https://shop.example/others", event_types=["dispute.created"], actor=tenant.actor)
        Delivery.objects.update(status=Delivery.Status.SUCCEEDED)
        response = perform(operator, Event.objects.get(), "send_event_again")
        assert said(response) == ["The event is due now at 1 endpoint."]
        assert [(one.endpoint, one.status) for one in Delivery.objects.all()] == [(endpoint, "pending")]

    def test_says_where_no_endpoint_takes_it(self, endpoint: WebhookEndpoint, operator: Client) -> None:
        perform(operator, endpoint, "switch_off")
        response = perform(operator, Event.objects.get(), "send_event_again")
        assert said(response)[-1] == "Nothing was sent: no endpoint of the app that is on takes this event."


class TestSendingARangeAgain:
    def test_sends_what_was_missed_while_the_endpoint_was_off(
        self, endpoint: WebhookEndpoint, tenant: Tenant, seller: str, operator: Client
    ) -> None:
        perform(operator, endpoint, "switch_off")
        tenant.pay(seller, order_id="missed")
        perform(operator, endpoint, "switch_on")
        response = perform(operator, endpoint, "send_range_again", {"first": "1", "last": "2"})
        assert said(response)[-1] == "2 events of those numbered 1 to 2 are due now."
        assert sorted(one.event.sequence for one in Delivery.objects.filter(status="pending")) == [1, 2]

    def test_that_ends_before_it_begins_is_refused(self, endpoint: WebhookEndpoint, operator: Client) -> None:
        response = perform(operator, endpoint, "send_range_again", {"first": "2", "last": "1"})
        assert response.context["form"].non_field_errors() == ["The last number has to be the first, or one after it."]


class TestThePageOfAnEvent:
    def test_names_the_requests_that_were_made_before_it_and_their_operations(
        self, tenant: Tenant, seller: str, operator: Client
    ) -> None:
        payment_id = tenant.create_payment(seller)
        confirmation = {"account_id": seller, "transaction_id": payment_id, "payment_method_id": "pm_card_visa"}
        assert tenant.post("/transactions/confirm", confirmation, **{"X-Request-ID": "checkout-7"}).status_code == 200
        event = Event.objects.get(type="payment.succeeded")
        asked = {"order_id": "2227222", "account_id": seller, "amount": 400}
        assert tenant.post("/refunds", asked, **{"X-Request-ID": "regret-8"}).status_code == 201
        page = operator.get(record_page(event)).content.decode()
        confirmed = Operation.objects.get(request_id="checkout-7")
        assert "What was asked before it" in page
        assert record_page(confirmed) in page
        assert ("checkout-7" in page, "regret-8" in page) == (True, False)

    def test_leaves_out_what_was_asked_after_it(self, tenant: Tenant, seller: str, operator: Client) -> None:
        tenant.pay(seller)
        event = Event.objects.get(type="payment.succeeded")
        Operation.objects.update(request_id="later-9", created_at=event.created_at + timedelta(seconds=1))
        assert "later-9" not in operator.get(record_page(event)).content.decode()
