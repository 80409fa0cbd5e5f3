"""Disputes as operators see them."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from commercecore_payments import clock
from commercecore_payments.tests.admin_pages import list_page, record_page, staff_client
from commercecore_payments.tests.tenants import Tenant
from disputes.admin import time_left
from disputes.models import Dispute
from disputes.tests.told import pay_disputed, tell
from sandbox.money import dispute_orders


@pytest.fixture
def operator(tenant: Tenant) -> Client:
    return staff_client(superuser=True)


def shown(operator: Client, **query: Any) -> list[str]:
    """The disputes of the list, in its order."""
    return [dispute.stripe_dispute_id for dispute in operator.get(list_page(Dispute), query).context["cl"].result_list]


# Copies of a dispute: when each falls due, in days from now, and its status.
DUE: dict[str, tuple[int | None, str]] = {
    "du_older": (-400, "won"),
    "du_reviewed": (2, "under_review"),
    "du_dateless": (None, "needs_response"),
    "du_later": (9, "warning_needs_response"),
    "du_old": (-300, "lost"),
    "du_soon": (1, "needs_response"),
}


@pytest.fixture
def copies(tenant: Tenant, seller: str) -> None:
    """Six disputes: three that need a response, one of them without a date, one under review, two that are closed."""
    pay_disputed(tenant, seller)
    tell(seller)
    dispute = Dispute.objects.get()
    Dispute.objects.all().delete()
    for name, (days, status) in DUE.items():
        dispute.pk, dispute.stripe_dispute_id, dispute.status = None, name, status
        dispute.evidence_due_at = clock.now() + timedelta(days=days) if days is not None else None
        dispute.opened_at = clock.now() + timedelta(days=(days or 0) - 10)
        dispute.save(force_insert=True)


class TestTheList:
    def test_shows_first_what_needs_a_response_soonest(self, copies: None, operator: Client) -> None:
        assert shown(operator) == ["du_soon", "du_later", "du_dateless", "du_reviewed", "du_old", "du_older"]

    @pytest.mark.parametrize(
        ("answer", "names"),
        [("needed", ["du_soon", "du_later", "du_dateless"]), ("not_needed", ["du_reviewed", "du_old", "du_older"])],
    )
    def test_is_filtered_by_what_needs_a_response(self, copies: None, operator: Client, answer: str, names: list[str]) -> None:
        assert shown(operator, response=answer) == names


class TestTheTimeLeft:
    @pytest.mark.parametrize(
        ("status", "left", "text", "is_red"),
        [
            ("needs_response", timedelta(days=7, minutes=1), "7 days left", False),
            ("needs_response", timedelta(days=3, minutes=1), "3 days left", False),
            ("warning_needs_response", timedelta(days=3, minutes=-1), "2 days left", True),
            ("appeal_needs_response", timedelta(days=1, minutes=1), "1 day left", True),
            ("needs_response", timedelta(hours=23, minutes=59), "23 hours left", True),
            ("needs_response", timedelta(minutes=59), "0 hours left", True),
            ("needs_response", timedelta(seconds=-1), "Overdue", True),
        ],
    )
    def test_is_a_label(self, status: str, left: timedelta, text: str, is_red: bool) -> None:
        label = time_left(Dispute(status=status, evidence_due_at=clock.now() + left))
        assert text in label
        assert ("red" in label) is is_red

    @pytest.mark.parametrize("status", ["under_review", "won", "lost"])
    def test_is_not_shown_where_nothing_is_asked_for(self, status: str) -> None:
        assert time_left(Dispute(status=status, evidence_due_at=clock.now())) == "-"


class TestThePage:
    def test_says_what_to_do_until_there_is_nothing_to_do(self, tenant: Tenant, seller: str, operator: Client) -> None:
        pay_disputed(tenant, seller)
        tell(seller)
        dispute = Dispute.objects.get()
        page = operator.get(record_page(dispute)).content.decode()
        assert "This dispute needs a response" in page
        assert f"{dispute.evidence_due_at:%Y-%m-%d %H:%M:%S} UTC" in page
        assert f'href="{record_page(dispute.transaction)}"' in page
        dispute_orders.move(dispute.stripe_dispute_id, "won")
        tell(seller, "closed")
        assert "This dispute needs a response" not in operator.get(record_page(dispute)).content.decode()

    @pytest.mark.parametrize(
        ("status", "sentence"),
        [
            ("warning_needs_response", "has taken no money"),
            ("needs_response", "has taken the money back"),
            ("appeal_needs_response", "may appeal"),
        ],
    )
    def test_says_what_the_response_is_needed_for(self, copies: None, operator: Client, status: str, sentence: str) -> None:
        Dispute.objects.filter(stripe_dispute_id="du_soon").update(status=status)
        assert sentence in operator.get(record_page(Dispute.objects.get(stripe_dispute_id="du_soon"))).content.decode()


class TestTheOverview:
    def test_tells_of_the_nearest_date(self, copies: None, operator: Client) -> None:
        figures = {figure.title: figure for figure in operator.get(reverse("admin:index")).context["figures"]}
        figure = figures["Disputes that need a response"]
        due = Dispute.objects.get(stripe_dispute_id="du_soon").evidence_due_at
        assert (figure.count, figure.calls_for_action, figure.is_critical) == ("3", True, True)
        assert figure.detail == f"the first until {due:%Y-%m-%d %H:%M} UTC"

    def test_is_calm_where_there_is_time(self, copies: None, operator: Client) -> None:
        Dispute.objects.filter(stripe_dispute_id="du_soon").update(status="under_review")
        figures = {figure.title: figure for figure in operator.get(reverse("admin:index")).context["figures"]}
        figure = figures["Disputes that need a response"]
        assert (figure.count, figure.calls_for_action, figure.is_critical) == ("2", True, False)
