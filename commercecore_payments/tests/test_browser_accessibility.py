"""The admin for people who cannot see it well, or not at all: axe finds no serious violation, in light and in dark."""

from datetime import timedelta
from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.urls import reverse
from playwright.sync_api import Page

from commercecore_payments.clock import now
from commercecore_payments.tests.admin_pages import list_page, make_records, record_page
from commercecore_payments.tests.browser import base, needs_chromium, page, sign_in
from commercecore_payments.tests.tenants import Tenant
from gateway.models import Operation
from refunds.models import Refund
from transactions.models import Transaction

__all__ = ["base", "page"]  # fixtures

pytestmark = needs_chromium

# What axe holds to be in somebody's way; the lesser impacts are moderate and minor.
SERIOUS = ("serious", "critical")


def violations(page: Page) -> list[tuple[str, str, str]]:
    """The serious ones of the page: the rule, the element, and what is wrong with it."""
    found = Axe().run(page).response["violations"]
    return [
        (rule["id"], node["html"][:200], node["failureSummary"].replace("\n", " ")[:300])
        for rule in found
        if rule["impact"] in SERIOUS
        for node in rule["nodes"]
    ]


class TestThePagesOfTheAdmin:
    @pytest.mark.parametrize("scheme", ["light", "dark"])
    def test_stand_in_nobodys_way(
        self, page: Page, base: str, tenant: Tenant, seller: str, scheme: Literal["light", "dark"]
    ) -> None:
        make_records(tenant, seller)
        Operation.objects.filter(kind="refund.create").update(status="needs_review", closed_at=None)
        held = tenant.create_payment(seller, order_id="held", capture_method="manual")
        tenant.confirm(seller, held)
        Transaction.objects.filter(stripe_payment_intent_id=held).update(capture_before=now() + timedelta(hours=1))
        payment = Transaction.objects.get(order_id="2227222")
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        found: dict[str, Any] = {}
        page.goto(f"{base}/admin/login/")
        found["login"] = violations(page)
        sign_in(page, f"{base}/admin/")
        page.wait_for_url(f"{base}/admin/")
        addresses = {
            "front page": reverse("admin:index"),
            "list": list_page(Transaction),
            "list with filters": f"{list_page(Refund)}?status__exact=succeeded&q=re_",
            "payment": record_page(payment),
            "operation": record_page(Operation.objects.get(status="needs_review")),
            "preview of a refund": record_page(payment, "refund"),
        }
        for name, address in addresses.items():
            page.goto(f"{base}{address}")
            found[name] = violations(page)
        assert {name: problems for name, problems in found.items() if problems} == {}
