"""Makes the pictures of docs/operations.md: a service of its own in the sandbox, and a Chromium that walks as the text does.

    .venv/bin/python docs/pictures/make.py

Each picture is written beside this file, and replaces the one before.
"""

import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from playwright.sync_api import Locator, Page, sync_playwright

if TYPE_CHECKING:
    from commercecore_payments.tests.tenants import Tenant

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent))

# As wide as django-unfold needs to show its sidebar, and as high as leaves each picture below 150 KB; higher, where a form's
# button or the line that differs stands further down.
WIDTH, HEIGHT, HEIGHT_OF_A_WHOLE_FORM = 1280, 680, 900
OPERATOR, PASSWORD = "anna", secrets.token_urlsafe(12)
EARLIER, DECLINED, PAID, DIFFERENT = "order-1041", "order-1042", "order-1043", "order-1044"
# Milliseconds: a worker delivers within one or two seconds.
DELIVERED_WITHIN = 5_000


def main() -> None:
    with TemporaryDirectory() as folder, _serving(folder) as base, _receiver() as url:
        tenant = _tenant(url)
        _payments(tenant)
        _operator()
        with _browser() as page:
            _walk(page, base)


@contextmanager
def _serving(folder: str) -> Iterator[str]:
    """The address of a service with a database of its own, which this process shares."""
    from commercecore_payments.tests.service import free_port, serving

    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "commercecore_payments.settings",
        "DJANGO_ALLOW_ASYNC_UNSAFE": "1",  # playwright's loop runs in this very thread
        "COMMERCECORE_STATE_DIR": folder,
        "ALLOWED_HOSTS": "127.0.0.1,testserver",
        "PORT": str(free_port()),
    }
    with serving(dict(os.environ)):
        import django

        django.setup()
        yield f"http://127.0.0.1:{os.environ['PORT']}"


@contextmanager
def _receiver() -> Iterator[str]:
    """Where the app's events arrive: a receiver that takes them all."""
    from webhooks.tests.receivers import receiving

    with receiving() as receiver:
        yield receiver.url


def _tenant(url: str) -> "Tenant":
    from commercecore_payments.tests.tenants import Tenant
    from developers.tests.factories import AppFactory, make_token
    from webhooks.tests.receivers import make_endpoint

    app = AppFactory.create(name="Ada's Flowers", developer__name="Ada's Marketplace")
    make_endpoint(url, app)
    return Tenant(developer=app.developer, app=app, token=make_token(app.developer)[1])


def _payments(tenant: "Tenant") -> None:
    """Some that went well, a declined one, one to refund, and one whose record somebody has changed."""
    from django.core.management import call_command

    from transactions.models import Transaction

    seller = tenant.create_seller("flowers@example.com")
    tenant.get(f"/connected-accounts/{seller}")
    for number in range(6):
        tenant.pay(seller, order_id=f"order-{1030 + number}", amount=1900 + 700 * number)
    declined = tenant.create_payment(seller, order_id=DECLINED, amount=4200)
    tenant.confirm(seller, declined, "pm_card_visa_chargeDeclinedInsufficientFunds")
    # Their money is available at once, so that the refund need not wait for it.
    for order_id, amount in ((EARLIER, 5200), (PAID, 8400)):
        tenant.confirm(seller, tenant.create_payment(seller, order_id=order_id, amount=amount), "pm_card_bypassPending")
    tenant.pay(seller, order_id=DIFFERENT, amount=6600)
    Transaction.objects.filter(order_id=DIFFERENT).update(amount_received_minor=100)
    with suppress(SystemExit):  # by its status the command says that there are differences
        call_command("reconcile", "--grace", "0", stdout=StringIO())


def _operator() -> None:
    """A person in the groups Support and Finance, as most who work with payments are."""
    from django.contrib.auth.models import Group, User

    user = User.objects.create_user(OPERATOR, password=PASSWORD, is_staff=True)
    user.groups.set(Group.objects.filter(name__in=("Support", "Finance")))


@contextmanager
def _browser() -> Iterator[Page]:
    from commercecore_payments.tests.browser import CHROMIUM, SWITCHES

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=SWITCHES)
        yield browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        browser.close()


def _walk(page: Page, base: str) -> None:
    """The steps of docs/operations.md, in its order."""
    page.goto(f"{base}/admin/")
    page.get_by_label("Username").fill(OPERATOR)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    _picture(page, "overview")

    page.goto(f"{base}/admin/transactions/transaction/?outcome=declined")
    _picture(page, "declined-list")
    page.get_by_role("link", name="pi_").first.click()
    _picture(page, "declined")

    page.set_viewport_size({"width": WIDTH, "height": HEIGHT_OF_A_WHOLE_FORM})
    _open_payment(page, base, PAID)
    page.locator('a[href*="/transaction/"][href$="/refund/"]').first.click()
    page.locator('[name="amount"]').fill("42.00")
    page.get_by_label("Why").fill("Half of the flowers were withered.")
    _picture(page, "refund")
    page.locator("form.question button[type=submit]").click()
    page.wait_for_timeout(DELIVERED_WITHIN)
    page.reload()
    page.set_viewport_size({"width": WIDTH, "height": 2 * HEIGHT})  # so that the bar below the page covers none of it
    _picture(page.locator(".timeline"), "refunded")
    page.set_viewport_size({"width": WIDTH, "height": HEIGHT_OF_A_WHOLE_FORM})

    page.goto(f"{base}/admin/reconciliation/case/")
    page.get_by_role("link", name="Another amount").click()
    _picture(page, "case")
    page.locator('a[href$="/mend/"]').first.click()
    page.get_by_label("Why").fill("Stripe's dashboard shows 66.00 USD.")
    page.locator("form.question button[type=submit]").click()
    page.get_by_text("The case is mended.").wait_for()


def _open_payment(page: Page, base: str, order_id: str) -> None:
    page.goto(f"{base}/admin/transactions/transaction/?q={order_id}")
    page.get_by_role("link", name="pi_").first.click()


def _picture(seen: Page | Locator, name: str) -> None:
    """Of the page as it is on the screen, or of a part of it as a whole."""
    page = seen.page if isinstance(seen, Locator) else seen
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(300)  # milliseconds: pages fade in
    seen.screenshot(path=HERE / f"{name}.png")


if __name__ == "__main__":
    main()
