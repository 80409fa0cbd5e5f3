"""The first page of the admin: what waits for an operator."""

from datetime import time, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from commercecore_payments import clock
from commercecore_payments.admin.attention import Figure
from commercecore_payments.tests.admin_pages import html_of, make_records, receive_newest, staff_client
from commercecore_payments.tests.tenants import Tenant
from gateway.models import Operation
from gateway.models import Status as OperationStatus
from reconciliation.models import Run
from stripe_events.models import StripeEvent
from webhooks.endpoints import create_endpoint
from webhooks.models import Delivery, WebhookEndpoint

JUST_NOT_OVERDUE, OVERDUE = timedelta(minutes=4, seconds=50), timedelta(minutes=5, seconds=1)


def figures_of(operator: Client) -> dict[str, Figure]:
    return {figure.title: figure for figure in operator.get(reverse("admin:index")).context["figures"]}


def listed(operator: Client, figure: Figure) -> list[Any]:
    """The keys of the records in the list that the figure leads to."""
    return [record.pk for record in operator.get(figure.address).context["cl"].result_list]


class TestTheOverview:
    def test_tells_nothing_to_an_operator_with_no_permissions(self, tenant: Tenant, seller: str) -> None:
        transaction_id = tenant.pay(seller)
        page = html_of(staff_client(), reverse("admin:index"))
        assert transaction_id not in page
        assert "Operations without a known outcome" not in page

    def test_counts_what_waits_for_an_operator(self, tenant: Tenant, seller: str, operator: Client) -> None:
        transaction_id = tenant.pay(seller)
        Operation.objects.filter(kind="payment_intent.confirm").update(status=OperationStatus.UNKNOWN, closed_at=None)
        response = operator.get(reverse("admin:index"))
        figures = {figure.title: (figure.count, figure.calls_for_action) for figure in response.context["figures"]}
        assert figures == {
            "Operations without a known outcome": ("1", True),
            "Operations to review": ("0", False),
            "Holds about to lapse": ("0", False),
            "Disputes that need a response": ("0", False),
            "Refunds that wait for a second person": ("0", False),
            "Stripe events in trouble": ("0", False),
            "Stripe events quarantined in the last 7 days": ("0", False),
            "Endpoints at which nothing arrives": ("0", False),
            "Endpoints switched off for failing": ("0", False),
            "Differences from Stripe's books": ("0", False),
            "Last reconciliation": ("never", False),
            "Refunds that failed in the last 7 days": ("0", False),
            "Sellers who cannot be paid": ("1", False),
        }
        assert transaction_id in response.content.decode()

    def test_leads_from_each_figure_to_a_list_that_opens(self, tenant: Tenant, seller: str, operator: Client) -> None:
        make_records(tenant, seller)
        figures = operator.get(reverse("admin:index")).context["figures"]
        results = [
            operator.get(figure.address).context["cl"].result_count for figure in figures if figure.title != "Last reconciliation"
        ]
        assert results == [int(figure.count) for figure in figures if figure.title != "Last reconciliation"]


class TestTheLastReconciliation:
    @pytest.mark.parametrize(
        ("hours_ago", "status", "detail", "calls_for_action"),
        [
            (35, "finished", "3 differences in 1,200 objects", False),
            (37, "finished", "late; 3 differences in 1,200 objects", True),
            (1, "failed", "it could not be finished", True),
        ],
    )
    def test_calls_for_action_where_it_failed_or_is_late(
        self, operator: Client, settings: Any, hours_ago: int, status: str, detail: str, calls_for_action: bool
    ) -> None:
        settings.RECONCILE_NIGHTLY_AT = time(3)
        begun = clock.now() - timedelta(hours=hours_ago)
        Run.objects.create(
            status=status, started_at=begun, finished_at=begun, grace_s=60, differences={"amount": 3},
            compared={"charge": 700, "refund": 500},
        )  # fmt: skip
        figure = figures_of(operator)["Last reconciliation"]
        assert (figure.count, figure.detail) == (f"{begun:%Y-%m-%d %H:%M} UTC", detail)
        assert figure.calls_for_action is calls_for_action
        assert operator.get(figure.address).status_code == 200


class TestQuarantinedEvents:
    def test_call_for_action_for_a_week(self, tenant: Tenant, seller: str, operator: Client) -> None:
        event = receive_newest(seller, "account.updated")
        title = "Stripe events quarantined in the last 7 days"
        assert (figures_of(operator)[title].count, figures_of(operator)[title].calls_for_action) == ("0", False)
        StripeEvent.objects.update(status="quarantined")
        figure = figures_of(operator)[title]
        assert (figure.count, figure.calls_for_action) == ("1", True)
        assert listed(operator, figure) == [event.pk]
        StripeEvent.objects.update(received_at=clock.now() - timedelta(days=7, seconds=1))
        figure = figures_of(operator)[title]
        assert (figure.count, figure.calls_for_action) == ("0", False)
        assert listed(operator, figure) == []


@pytest.fixture
def delivery(tenant: Tenant, seller: str) -> Delivery:
    """The one delivery there is, due since it was made."""
    create_endpoint(url="https://shop.example/hooks", event_types=["payment.succeeded"], actor=tenant.actor)
    tenant.pay(seller)
    found: Delivery = Delivery.objects.get()
    return found


class TestOverdueDeliveries:
    def test_are_shown_where_no_worker_posts_them(self, delivery: Delivery, operator: Client) -> None:
        with clock.moved_ahead(JUST_NOT_OVERDUE):
            assert "Overdue deliveries" not in figures_of(operator)
        with clock.moved_ahead(OVERDUE):
            figure = figures_of(operator)["Overdue deliveries"]
            assert listed(operator, figure) == [delivery.pk]
        assert (figure.count, figure.calls_for_action, figure.is_critical) == ("1", True, True)
        assert figure.detail == "no worker runs, or too few do"
        assert listed(operator, figure) == []

    @pytest.mark.parametrize(
        "changes",
        [{"status": "succeeded"}, {"leased_until": timedelta(minutes=6)}, {"next_attempt_at": timedelta(minutes=1)}],
        ids=["that arrived", "that a worker holds", "that are to wait"],
    )
    def test_are_not_those(self, delivery: Delivery, operator: Client, changes: dict[str, Any]) -> None:
        Delivery.objects.update(
            **{name: clock.now() + value if isinstance(value, timedelta) else value for name, value in changes.items()}
        )
        with clock.moved_ahead(OVERDUE):
            assert "Overdue deliveries" not in figures_of(operator)

    def test_are_those_of_a_worker_that_died(self, delivery: Delivery, operator: Client) -> None:
        Delivery.objects.update(leased_until=clock.now() + timedelta(minutes=1))
        with clock.moved_ahead(OVERDUE):
            assert figures_of(operator)["Overdue deliveries"].count == "1"

    def test_are_not_those_of_an_endpoint_that_is_off(self, delivery: Delivery, operator: Client) -> None:
        WebhookEndpoint.objects.update(status="disabled", disabled_at=clock.now(), disabled_reason="by_operator")
        with clock.moved_ahead(OVERDUE):
            assert "Overdue deliveries" not in figures_of(operator)

    def test_are_those_of_an_endpoint_whose_pause_has_been_over_for_as_long(self, delivery: Delivery, operator: Client) -> None:
        WebhookEndpoint.objects.update(paused_until=clock.now() + timedelta(minutes=1))
        with clock.moved_ahead(OVERDUE):
            assert "Overdue deliveries" not in figures_of(operator)
        with clock.moved_ahead(OVERDUE + timedelta(minutes=1)):
            assert figures_of(operator)["Overdue deliveries"].count == "1"

    def test_are_not_critical_where_all_wait_for_endpoints_that_fail(self, delivery: Delivery, operator: Client) -> None:
        WebhookEndpoint.objects.update(failing_since=clock.now())
        with clock.moved_ahead(OVERDUE):
            figure = figures_of(operator)["Overdue deliveries"]
        assert (figure.count, figure.calls_for_action, figure.is_critical) == ("1", True, False)
        assert figure.detail == "all to endpoints that fail"


class TestOverdueStripeEvents:
    def test_are_shown_where_no_worker_applies_them(self, tenant: Tenant, seller: str, operator: Client) -> None:
        event = receive_newest(seller, "account.updated")
        with clock.moved_ahead(JUST_NOT_OVERDUE):
            assert "Overdue Stripe events" not in figures_of(operator)
        with clock.moved_ahead(OVERDUE):
            figure = figures_of(operator)["Overdue Stripe events"]
            assert listed(operator, figure) == [event.pk]
            assert (figure.count, figure.calls_for_action, figure.is_critical) == ("1", True, True)
            StripeEvent.objects.update(next_attempt_at=clock.now())  # one that waits for something, and was looked at
            assert "Overdue Stripe events" not in figures_of(operator)
            StripeEvent.objects.update(status="applied", next_attempt_at=clock.now() - OVERDUE)
            assert "Overdue Stripe events" not in figures_of(operator)
