"""Every action of the staff in a real Chromium, as each of the groups: what each is offered, and what not; and each done."""

import time
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Page, expect

from commercecore_payments.tests.admin_pages import REASON, list_page, record_page
from commercecore_payments.tests.browser import needs_chromium
from commercecore_payments.tests.tenants import Tenant, refunds_at_stripe
from gateway.models import Kind, Operation
from refunds.models import RefundApproval
from staff.audit import entries_about
from staff.groups import FINANCE, RIGHTS
from staff.tests.people import make_member
from staff.tests.scenes import ACTS, Act, play
from transactions.models import Transaction

pytestmark = needs_chromium


def enter(page: Page, base: str, username: str, group: str) -> None:
    """The page belongs to a new member of the group from now on, as after the login."""
    client = Client()
    client.force_login(make_member(username, group))
    cookie = {"name": settings.SESSION_COOKIE_NAME, "value": client.cookies[settings.SESSION_COOKIE_NAME].value, "url": base}
    page.context.clear_cookies()
    page.context.add_cookies([cookie])  # type: ignore[list-item]


def offered(page: Page, base: str) -> list[str]:
    """The actions whose buttons are on the pages of their records and lists, as far as these open; each is opened once."""
    by_page: dict[str, list[Act]] = {}
    for act in ACTS:
        by_page.setdefault(act.page, []).append(act)
    found = []
    for address, acts in by_page.items():
        page.goto(base + address)
        found += [str(act) for act in acts if page.locator(f'a[href="{act.form}"]').count()]
    return found


def carry_out(page: Page, base: str, act: Act) -> str:
    """Presses the button, fills the form in, and sends it: what the page then says."""
    page.goto(base + act.page)
    page.locator(f'a[href="{act.form}"]').first.click()
    for name, value in act.answers.items():
        page.locator(f'[name="{name}"]').fill(value)
    page.get_by_label("Why").fill(REASON)
    with page.expect_navigation():  # the next page is there as a whole, and not only the question gone
        page.locator("form.question button[type=submit]").click()
    page.wait_for_function("!document.querySelector('form.question')")
    return page.locator("body").inner_text()


def outcome_of(act: Act, record: Any) -> tuple[str, str, str]:
    """Who did it, why, and how it ended, by the audit log."""
    entries = [one for one in entries_about(record) if (one.additional_data or {}).get("action") == act.name]
    [entry] = entries
    return entry.actor.username, entry.additional_data["reason"], entry.additional_data["outcome"]


class TestEachGroup:
    @pytest.mark.parametrize("group", RIGHTS)
    def test_is_offered_its_own_actions_alone_and_does_each(
        self, page: Page, base: str, tenant: Tenant, seller: str, group: str
    ) -> None:
        play(tenant, seller)
        enter(page, base, "anna", group)
        expected = [str(act) for act in ACTS if act.right in RIGHTS[group]]
        assert sorted(offered(page, base)) == sorted(expected)
        ended = {}
        for act in ACTS:
            if act.right in RIGHTS[group]:
                record, name = act.logged_under("anna"), str(act)
                carry_out(page, base, act)
                ended[name] = outcome_of(act, record)
        assert ended == dict.fromkeys(expected, ("anna", REASON, "done"))


class TestARefundForTwo:
    def test_waits_for_a_second_person_and_is_made_once_by_them(self, page: Page, base: str, tenant: Tenant, seller: str) -> None:
        transaction_id = tenant.pay(seller, amount=90_000)
        payment = Transaction.objects.get()
        enter(page, base, "anna", FINANCE)
        text = carry_out(page, base, Act("refund", ACTS[0].right, Transaction.objects.get, {"amount": "600.00"}))
        assert "The refund of 600.00 USD waits for a second person. Nothing was sent to Stripe yet." in text
        approval = RefundApproval.objects.get()
        page.goto(base + record_page(approval))
        expect(page.get_by_role("link", name="Withdraw").first).to_be_visible()
        assert page.locator(f'a[href="{record_page(approval, "approve")}"]').count() == 0

        enter(page, base, "ben", FINANCE)
        page.goto(base + list_page(RefundApproval))
        page.get_by_role("link", name=f"refund of {payment}").click()
        page.locator(f'a[href="{record_page(approval, "approve")}"]').first.click()
        page.get_by_label("Why").fill("The photographs show it.")
        page.locator("form.question button[type=submit]").dblclick()
        give_up_at = time.monotonic() + 20  # whichever of the two posts the browser shows, the first is still at Stripe
        while not RefundApproval.objects.filter(note__contains="It was refunded").exists() and time.monotonic() < give_up_at:
            page.wait_for_timeout(100)
        page.goto(base + record_page(approval))
        expect(page.get_by_text("It was refunded: re_").first).to_be_visible()
        assert refunds_at_stripe(seller, transaction_id) == [60_000]
        assert Operation.objects.filter(kind=Kind.REFUND_CREATE).count() == 1
