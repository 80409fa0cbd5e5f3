"""The pages as a person meets them: a real Chromium, the real server, no step skipped."""

import pytest
from playwright.sync_api import Page, expect

from accounts.models import ConnectedAccount
from commercecore_payments.tests.browser import needs_chromium, sign_in
from commercecore_payments.tests.tenants import Tenant
from sandbox.faults.plans import order
from sandbox.orders import create_order
from transactions.models import Transaction

pytestmark = needs_chromium


class TestASeller:
    def test_is_onboarded_by_the_form_and_opens_the_dashboard(self, page: Page, base: str, tenant: Tenant) -> None:
        answer = tenant.post("/connected-accounts", {"email": "seller@example.com"}).json()
        page.goto(answer["links"]["onboarding_url"])
        expect(page.get_by_text("This is no real Stripe")).to_be_visible()
        page.get_by_role("button", name="Submit").click()
        expect(page.get_by_role("heading", name="You are ready to be paid")).to_be_visible()

        seller = answer["data"]["account_id"]
        tenant.pay(seller, amount=4200)
        page.goto(tenant.post("/connected-accounts/login", {"account_id": seller}).json()["data"]["login_url"])
        expect(page.get_by_text(seller)).to_be_visible()
        expect(page.get_by_text("42.00").first).to_be_visible()
        account = ConnectedAccount.objects.get(stripe_account_id=seller)
        assert (account.charges_enabled, account.details_submitted) == (True, True)
        assert f"/express/{seller}/" in page.url


class TestABuyer:
    @pytest.mark.parametrize(("button", "outcome"), [("Complete", "succeeded"), ("Fail", "failed")])
    def test_meets_the_challenge_and_comes_back_to_the_shop(
        self, page: Page, base: str, tenant: Tenant, button: str, outcome: str
    ) -> None:
        seller = tenant.create_seller()
        transaction_id = tenant.create_payment(seller, return_url=f"{base}/")
        action = tenant.confirm(seller, transaction_id, "pm_card_threeDSecure2Required").json()["data"]["next_action"]
        page.goto(action["redirect_to_url"]["url"])
        page.get_by_role("button", name=button).click()
        page.wait_for_url(f"{base}/?payment_intent={transaction_id}*redirect_status={outcome}")
        status = tenant.get(f"/transactions/{transaction_id}").json()["data"]["status"]
        assert status == ("succeeded" if outcome == "succeeded" else "requires_payment_method")


class TestAnOperator:
    def test_signs_in_and_finds_a_payment(self, page: Page, base: str, tenant: Tenant, seller: str) -> None:
        transaction_id = tenant.pay(seller, amount=4200, order_id="order-77")
        tenant.refund(seller, order_id="order-77", amount=1200)

        sign_in(page, f"{base}/admin/")
        page.goto(f"{base}/admin/transactions/transaction/?q=order-77")
        page.get_by_role("link", name=transaction_id).first.click()
        page.wait_for_url(f"{base}/admin/transactions/transaction/*/change/**")
        expect(page.get_by_text("42.00 USD").first).to_be_visible()
        expect(page.get_by_text("12.00 USD").first).to_be_visible()
        assert "_secret_" not in page.content()


class TestTheCheckout:
    def test_is_declined_challenged_and_paid_and_leads_into_the_admin(
        self, page: Page, base: str, tenant: Tenant, seller: str
    ) -> None:
        create_order(developer_id=tenant.developer.pk, account_id=seller, amount_minor=4200, currency="usd", order_id="order_77")
        sign_in(page, f"{base}/sandbox/checkout")
        page.wait_for_url(f"{base}/sandbox/checkout")
        expect(page.get_by_text("This is no real Stripe")).to_be_visible()
        pay_with(page, "Insufficient funds (•••• 9995)")
        expect(page.get_by_text("Your card has insufficient funds.")).to_be_visible()
        expect(page.get_by_text("insufficient_funds", exact=True)).to_be_visible()

        page.get_by_role("link", name="Try another card").click()
        pay_with(page, "Always asks (•••• 3220)")
        expect(page.get_by_role("heading", name="Is this you?")).to_be_visible()
        expect(page.get_by_text("$42.00 USD")).to_be_visible()
        page.get_by_role("button", name="Complete").click()
        page.wait_for_url(f"{base}/sandbox/checkout/result?payment_intent=pi_*redirect_status=succeeded")
        expect(page.get_by_role("heading", name="Paid")).to_be_visible()

        page.get_by_role("link", name="The transaction in the admin").click()
        page.wait_for_url(f"{base}/admin/transactions/transaction/*/change/**")
        expect(page.get_by_text("order_77").first).to_be_visible()
        expect(page.get_by_text("42.00 USD").first).to_be_visible()
        payment = Transaction.objects.get()
        assert (payment.order_id, payment.status, payment.amount_received_minor) == ("order_77", "succeeded", 4200)

    def test_that_is_paid_shows_its_payment_intent(self, page: Page, base: str, tenant: Tenant, seller: str) -> None:
        sign_in(page, f"{base}/sandbox/checkout?seller={seller}")
        page.get_by_label("Amount", exact=True).fill("1234")
        page.get_by_label("Only hold it").check()
        pay_with(page, "Visa (•••• 4242)")
        expect(page.get_by_role("heading", name="The money is held")).to_be_visible()
        page.get_by_role("link", name="The payment intent in the sandbox").click()
        expect(page.get_by_text('"amount_capturable": 1234')).to_be_visible()
        assert "_secret_" not in page.content()


def pay_with(page: Page, card: str) -> None:
    """Chooses a test card of the checkout, by its words, and pays."""
    page.get_by_label("Test card").select_option(label=card)
    page.get_by_role("button", name="Pay", exact=True).click()


class TestThePagesOfTheSandbox:
    def test_fit_a_phone(self, page: Page, base: str, tenant: Tenant, seller: str) -> None:
        transaction_id = tenant.pay(seller, amount=4200)
        order("drop_event", event_type="payment_intent.amount_capturable_updated", account=seller)
        sign_in(page, f"{base}/sandbox/")
        page.set_viewport_size({"width": 390, "height": 844})
        result = f"checkout/result?payment_intent={transaction_id}"
        pages = ["", "checkout", result, "accounts", "payments", f"objects/{transaction_id}", "events", "faults", "clock"]
        for address in pages:
            page.goto(f"{base}/sandbox/{address}")
            expect(page.get_by_text("This is no real Stripe")).to_be_visible()
            assert page.evaluate("document.documentElement.scrollWidth") == 390, address
