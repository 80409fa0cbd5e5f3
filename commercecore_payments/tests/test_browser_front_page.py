"""The front page of the admin in a real Chromium: whole where there is room for it, and folded on a telephone."""

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from commercecore_payments.tests.admin_pages import make_records
from commercecore_payments.tests.browser import needs_chromium, sign_in
from commercecore_payments.tests.tenants import Tenant
from commercecore_payments.tests.test_browser_accessibility import violations

pytestmark = needs_chromium

DESKTOP, TELEPHONE = ViewportSize(width=1280, height=900), ViewportSize(width=390, height=844)
FOLDED = [
    "Sellers who cannot be paid",
    "Captured money, and net of refunds",
    "Accepted and declined payments",
    "Why payments were declined",
    "Refunds",
    "Latest transactions",
]


@pytest.fixture
def front_page(page: Page, base: str, tenant: Tenant, seller: str) -> Page:
    """Filled, and opened by an operator who may see everything."""
    make_records(tenant, seller)
    sign_in(page, f"{base}/admin/")
    page.wait_for_url(f"{base}/admin/")
    return page


def tables(page: Page) -> dict[str, bool]:
    """The tables that can be folded, and whether each stands open."""
    return {
        table.locator("summary").inner_text(): table.get_attribute("open") is not None
        for table in page.locator("details.folded").all()
    }


class TestTheFrontPage:
    def test_stands_open_on_a_desktop(self, front_page: Page) -> None:
        assert tables(front_page) == dict.fromkeys(FOLDED, True)

    def test_is_folded_on_a_telephone_below_what_needs_attention(self, front_page: Page) -> None:
        front_page.set_viewport_size(TELEPHONE)
        front_page.reload()
        assert tables(front_page) == dict.fromkeys(FOLDED, False)
        expect(front_page.get_by_text("Disputes that need a response")).to_be_in_viewport()
        assert front_page.evaluate("document.documentElement.scrollWidth") == 390
        front_page.get_by_text("Latest transactions").click()
        expect(front_page.locator("details", has_text="Latest transactions").get_by_text("Show all")).to_be_visible()
        assert violations(front_page) == []

    def test_unfolds_when_the_screen_grows(self, front_page: Page) -> None:
        front_page.set_viewport_size(TELEPHONE)
        expect(front_page.locator("details.folded[open]")).to_have_count(0)
        front_page.set_viewport_size(DESKTOP)
        expect(front_page.locator("details.folded[open]")).to_have_count(len(FOLDED))
