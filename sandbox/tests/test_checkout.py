"""The checkout: the API's own operations behind a form."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from django.urls import reverse

from commercecore_payments.demo import create_demo_tenant
from commercecore_payments.tests.tenants import Tenant, charges_at_stripe, intent_at_stripe
from developers.models import App
from sandbox.models import SandboxOrder
from sandbox.money.cards import CARDS
from sandbox.orders import create_order
from sandbox.pages.checkout import BUYER
from sandbox.pages.offered_cards import NAMED, grouped_choices
from sandbox.tests.page_forms import filled, text
from transactions.models import Transaction

CHECKOUT = "/sandbox/checkout"


@pytest.fixture
def order(tenant: Tenant, seller: str) -> str:
    """The id of an unpaid order of 42.00 USD at the seller."""
    made = create_order(developer_id=tenant.developer.pk, account_id=seller, amount_minor=4200, currency="usd")
    return made.order_id


def form_of(staff_browser: Client, seller: str) -> dict[str, str]:
    """The checkout's form as it stands, with the plain card."""
    page = staff_browser.get(CHECKOUT, {"seller": seller})
    assert page.status_code == 200
    answers = filled(page)
    return answers | {"card": "pm_card_visa", "capture": "automatic"}


def result_of(staff_browser: Client, answer: Any) -> Any:
    """The page that a paid form leads to."""
    assert answer.status_code == 302
    assert answer["Location"].startswith("/sandbox/checkout/result?payment_intent=pi_")
    return staff_browser.get(answer["Location"])


def buy(staff_browser: Client, seller: str, **answers: str) -> Any:
    return staff_browser.post(CHECKOUT, form_of(staff_browser, seller) | answers)


class TestTheCheckout:
    def test_pays_an_order(self, staff_browser: Client, tenant: Tenant, seller: str, order: str) -> None:
        html = text(result_of(staff_browser, buy(staff_browser, seller, order=order)))
        payment = Transaction.objects.get()
        assert (payment.order_id, payment.status, payment.amount_received_minor) == (order, "succeeded", 4200)
        assert (payment.user_id, payment.app, payment.developer) == (BUYER, tenant.app, tenant.developer)
        assert "42.00 USD" in html
        assert f"/admin/transactions/transaction/{payment.pk}/change/" in html
        assert f"/sandbox/objects/{payment.stripe_payment_intent_id}" in html
        assert "_secret_" not in html

    def test_makes_a_new_order(self, staff_browser: Client, seller: str) -> None:
        result_of(staff_browser, buy(staff_browser, seller, order="new", amount_minor="1500", currency="JPY"))
        order, payment = SandboxOrder.objects.get(), Transaction.objects.get()
        assert (order.amount_minor, order.currency, order.account_id) == (1500, "jpy", seller)
        assert (payment.order_id, payment.amount_minor, payment.currency) == (order.order_id, 1500, "jpy")

    def test_holds_the_money_where_it_is_told_to(self, staff_browser: Client, seller: str, order: str) -> None:
        html = text(result_of(staff_browser, buy(staff_browser, seller, order=order, capture="manual")))
        payment = Transaction.objects.get()
        assert (payment.status, payment.amount_capturable_minor, payment.amount_received_minor) == ("requires_capture", 4200, 0)
        assert "The money is held" in html

    @pytest.mark.parametrize("new", [True, False])
    def test_sent_twice_pays_once(self, staff_browser: Client, seller: str, order: str, new: bool) -> None:
        form = form_of(staff_browser, seller) | {"order": "new" if new else order, "amount_minor": "4200", "currency": "usd"}
        result_of(staff_browser, staff_browser.post(CHECKOUT, form))
        again = result_of(staff_browser, staff_browser.post(CHECKOUT, form))
        assert "This order had been paid before. Nothing was charged now." in text(again)
        payment = Transaction.objects.get()
        assert len(charges_at_stripe(seller, payment.stripe_payment_intent_id)) == 1
        assert SandboxOrder.objects.count() == (2 if new else 1)

    def test_tells_a_decline_and_takes_another_card(self, staff_browser: Client, seller: str, order: str) -> None:
        declined = buy(staff_browser, seller, order=order, card="pm_card_visa_chargeDeclinedInsufficientFunds")
        html = text(result_of(staff_browser, declined))
        assert "Your card has insufficient funds." in html
        assert "<code>card_declined</code>" in html
        assert "<code>insufficient_funds</code>" in html
        assert Transaction.objects.get().amount_received_minor == 0
        result_of(staff_browser, buy(staff_browser, seller, order=order))
        assert Transaction.objects.get().status == "succeeded"

    def test_goes_on_with_an_earlier_attempt_as_it_was_to_be_captured(
        self, staff_browser: Client, seller: str, order: str
    ) -> None:
        buy(staff_browser, seller, order=order, card="pm_card_visa_chargeDeclined", capture="manual")
        buy(staff_browser, seller, order=order, capture="automatic")
        assert Transaction.objects.get().status == "requires_capture"

    @pytest.mark.parametrize(("outcome", "status"), [("complete", "succeeded"), ("fail", "requires_payment_method")])
    def test_sends_the_buyer_to_the_challenge(
        self, staff_browser: Client, seller: str, order: str, outcome: str, status: str
    ) -> None:
        challenged = buy(staff_browser, seller, order=order, card="pm_card_threeDSecure2Required")
        address = urlsplit(challenged["Location"]).path
        assert address.startswith("/sandbox/3d-secure/pi_")
        back = staff_browser.post(address, filled(staff_browser.get(address)) | {"outcome": outcome})["Location"]
        payment = Transaction.objects.get()
        assert parse_qs(urlsplit(back).query)["payment_intent"] == [payment.stripe_payment_intent_id]
        html = text(staff_browser.get(back.removeprefix("http://127.0.0.1:8000")))
        payment.refresh_from_db()
        assert payment.status == status
        assert ("Paid" in html, "Try another card" in html) == (outcome == "complete", outcome == "fail")
        assert "_secret_" not in html

    def test_of_an_order_that_waits_at_its_challenge_leads_back_there(
        self, staff_browser: Client, seller: str, order: str
    ) -> None:
        form = form_of(staff_browser, seller) | {"order": order, "card": "pm_card_threeDSecure2Required"}
        challenge = staff_browser.post(CHECKOUT, form)["Location"]
        html = text(result_of(staff_browser, staff_browser.post(CHECKOUT, form)))
        assert f'href="{challenge}"' in html
        assert intent_at_stripe(seller, Transaction.objects.get().stripe_payment_intent_id)["status"] == "requires_action"

    def test_tells_an_error_as_the_api_would(self, staff_browser: Client, tenant: Tenant) -> None:
        seller = tenant.post("/connected-accounts", {"email": "new@example.com"}).json()["data"]["account_id"]
        page = buy(staff_browser, seller, order="new", amount_minor="2500", currency="usd")
        assert page.status_code == 400
        assert "confirmation_refused" in text(page)


class TestAWrongForm:
    @pytest.mark.parametrize(
        ("answers", "problem"),
        [
            ({"order": "new", "amount_minor": "49", "currency": "usd"}, "The amount must be at least 50 in usd"),
            ({"order": "new", "amount_minor": "", "currency": "usd"}, "A new order needs an amount."),
            ({"order": "new", "amount_minor": "2500", "currency": "xyz"}, "Stripe knows no such currency."),
            ({"order": "order_nowhere"}, "The seller has no such order."),
            ({"card": "pm_card_nonsense"}, "Select a valid choice."),
            ({"capture": "never"}, "Select a valid choice."),
        ],
    )
    def test_comes_back_and_nothing_is_made(
        self, staff_browser: Client, seller: str, answers: dict[str, str], problem: str
    ) -> None:
        page = buy(staff_browser, seller, **answers)
        assert page.status_code == 400
        assert problem in text(page)
        assert not Transaction.objects.exists()
        assert not SandboxOrder.objects.exists()

    def test_of_another_sellers_order_is_refused(self, staff_browser: Client, tenant: Tenant, seller: str, order: str) -> None:
        other = tenant.create_seller(email="other@example.com")
        assert buy(staff_browser, other, order=order).status_code == 400
        assert not Transaction.objects.exists()

    def test_of_an_unknown_seller_is_a_404(self, staff_browser: Client, seller: str) -> None:
        form = form_of(staff_browser, seller) | {"order": "new", "seller": "acct_nobody"}
        assert staff_browser.post(CHECKOUT, form).status_code == 404
        assert not SandboxOrder.objects.exists()

    def test_without_its_token_is_refused(self, staff_browser: Client, seller: str, order: str) -> None:
        form = form_of(staff_browser, seller) | {"order": order}
        del form["csrfmiddlewaretoken"]
        assert staff_browser.post(CHECKOUT, form).status_code == 403
        assert not Transaction.objects.exists()

    def test_of_a_developer_without_an_app_says_so(self, staff_browser: Client, seller: str, order: str) -> None:
        form = form_of(staff_browser, seller) | {"order": order}
        App.objects.all().delete()
        page = staff_browser.post(CHECKOUT, form)
        assert page.status_code == 409
        assert "no enabled app" in text(page)


class TestTheChoice:
    def test_begins_with_the_demo_seller(self, staff_browser: Client, seller: str) -> None:
        demo = create_demo_tenant()
        page = staff_browser.get(CHECKOUT)
        assert filled(page)["seller"] == demo.account_id
        assert demo.order_id in text(page)

    def test_leaves_out_what_is_paid(self, staff_browser: Client, seller: str, order: str) -> None:
        assert order in text(staff_browser.get(CHECKOUT, {"seller": seller}))
        result_of(staff_browser, buy(staff_browser, seller, order=order))
        assert order not in text(staff_browser.get(CHECKOUT, {"seller": seller}))

    def test_without_a_seller_says_how_to_get_one(self, staff_browser: Client) -> None:
        assert "create_demo_tenant" in text(staff_browser.get(CHECKOUT))

    def test_offers_every_test_card_once(self) -> None:
        offered = [name for _, cards in grouped_choices() for name, _ in cards]
        assert len(offered) == len(set(CARDS.values()))
        assert {CARDS[name] for name in offered} == set(CARDS.values())

    def test_names_every_test_card_in_plain_words(self) -> None:
        assert [title for title, _ in grouped_choices()] == list(NAMED)
        assert ("pm_card_br", "Brazil (•••• 0002)") in dict(grouped_choices())["Of other countries"]


class TestAResult:
    @pytest.mark.parametrize("payment_intent", ["", "pi_nobody"])
    def test_of_no_payment_is_a_404(self, staff_browser: Client, payment_intent: str) -> None:
        assert staff_browser.get(reverse("sandbox:checkout_result"), {"payment_intent": payment_intent}).status_code == 404
