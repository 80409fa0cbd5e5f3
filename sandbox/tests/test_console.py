"""The sandbox's own pages: for the staff alone, and nothing on them that opens anything."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import stripe
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from commercecore_payments.tests.test_commands import run_python
from sandbox.faults import plans
from sandbox.models import SandboxDelivery, SandboxFault, SandboxObject
from sandbox.pages import console
from sandbox.tests.page_forms import filled, text
from sandbox.timeline import clock

Make = Callable[..., Any]
PAGES = (
    "/sandbox/",
    "/sandbox/checkout",
    "/sandbox/checkout/result",
    "/sandbox/accounts",
    "/sandbox/payments",
    "/sandbox/events",
    "/sandbox/faults",
    "/sandbox/clock",
)
FORMS = ("/sandbox/checkout", "/sandbox/faults", "/sandbox/faults/cancel", "/sandbox/clock")


def event_about(stripe_id: str, number: int = 1) -> SandboxObject:
    """An event that tells of a stored object, put there past the journal: these pages only show what there is."""
    told = SandboxObject.objects.get(stripe_id=stripe_id)
    return SandboxObject.objects.create(
        account=told.account,
        object_type="event",
        stripe_id=f"evt_Test{number}",
        created_at=clock.now(),
        data={
            "id": f"evt_Test{number}",
            "object": "event",
            "account": told.account,
            "api_version": stripe.api_version,
            "created": clock.now_seconds(),
            "data": {"object": told.data},
            "livemode": False,
            "pending_webhooks": 0,
            "request": {"id": None, "idempotency_key": None},
            "type": "payment_intent.partially_funded",  # which nothing in the sandbox leads to
        },
    )


def endpoint_at(url: str) -> SandboxObject:
    """A webhook endpoint of the platform, put there past the journal, its secret among what it shows."""
    data: dict[str, Any] = {
        "id": "we_Test",
        "object": "webhook_endpoint",
        "api_version": None,
        "application": None,
        "created": clock.now_seconds(),
        "description": None,
        "enabled_events": ["*"],
        "livemode": False,
        "metadata": {},
        "secret": "whsec_Test",
        "status": "enabled",
        "url": url,
    }
    return SandboxObject.objects.create(object_type="webhook_endpoint", stripe_id="we_Test", created_at=clock.now(), data=data)


class TestEveryPage:
    @pytest.mark.parametrize("address", PAGES[:2] + PAGES[3:])
    def test_says_that_it_is_no_real_stripe_and_runs_no_script(self, staff_browser: Client, pay: Make, address: str) -> None:
        pay()
        page = staff_browser.get(address)
        assert page.status_code == 200
        assert page["Cache-Control"] == "no-store"
        assert "default-src 'none'" in page["Content-Security-Policy"]
        html = text(page)
        assert "This is no real Stripe" in html
        assert re.search(r"<script|<style|\sstyle=|\son\w+=", html) is None

    @pytest.mark.django_db
    @pytest.mark.parametrize("address", [*PAGES, "/sandbox/objects/pi_1"])
    def test_leads_strangers_to_the_admins_login(self, address: str) -> None:
        for stranger in (Client(), signed_in("visitor")):
            answer = stranger.get(address)
            assert (answer.status_code, answer["Location"]) == (302, f"/admin/login/?next={address}")

    @pytest.mark.parametrize("address", [*FORMS, "/sandbox/accounts/acct_1/onboard", "/sandbox/accounts/acct_1/disconnect"])
    def test_takes_no_form_from_strangers_or_without_its_token(self, staff_browser: Client, address: str) -> None:
        plans.order("drop_answer")
        answers = {"hours": "24", "kind": "fail_inside", "times": "1", "delay_s": "0"}
        assert Client().post(address, answers)["Location"].startswith("/admin/login/")
        assert signed_in("visitor").post(address, answers)["Location"].startswith("/admin/login/")
        assert staff_browser.post(address, answers).status_code == 403
        assert list(SandboxFault.objects.values_list("kind", flat=True)) == ["drop_answer"]
        assert clock.ahead() == timedelta()

    @pytest.mark.parametrize("address", ["objects/pi_nobody", "payments?kind=customer"])
    def test_of_what_is_not_there_is_a_404(self, staff_browser: Client, address: str) -> None:
        assert staff_browser.get(f"/sandbox/{address}").status_code == 404

    def test_is_not_there_beside_a_real_stripe(self) -> None:
        program = (
            "import django; django.setup(); from django.urls import resolve; "
            f"print({{resolve(address).view_name for address in {PAGES!r}}})"
        )
        keys = {"STRIPE_SECRET_KEY": "sk_test_abc", "STRIPE_PUBLISHABLE_KEY": "pk_test_abc", "STRIPE_SANDBOX": "false"}
        answer = run_python("-c", program, DJANGO_SETTINGS_MODULE="commercecore_payments.settings", **keys)
        assert answer.returncode != 0
        assert "Resolver404" in answer.stderr


def signed_in(name: str) -> Client:
    """The browser of a user who is not on the staff."""
    client = Client()
    client.force_login(User.objects.get_or_create(username=name)[0])
    return client


class TestTheWayToThem:
    @pytest.mark.parametrize("address", ["/", "/admin/"])
    def test_begins_at_the_landing_page_and_in_the_admin(self, staff_browser: Client, address: str) -> None:
        html = text(staff_browser.get(address))
        assert 'href="/sandbox/checkout"' in html
        assert 'href="/sandbox/"' in html


class TestTheOverview:
    def test_counts_what_there_is(self, staff_browser: Client, pay: Make) -> None:
        pay()
        html = text(staff_browser.get("/sandbox/"))
        assert re.search(r"Charges</a></dt><dd>1</dd>", html)
        assert re.search(r"Refunds</a></dt><dd>0</dd>", html)


class TestTheAccounts:
    def test_show_what_they_earned(self, staff_browser: Client, at_seller: dict[str, str], pay: Make) -> None:
        pay(amount=4200)
        html = text(staff_browser.get("/sandbox/accounts"))
        assert at_seller["stripe_account"] in html
        assert "40.48 USD" in html  # less Stripe's fee of 2.9 % and 0.30

    def test_are_onboarded_by_a_button(self, staff_browser: Client, v1: Any, new_account: Make) -> None:
        account = new_account()
        page = staff_browser.get("/sandbox/accounts")
        address = reverse("sandbox:onboard", args=[account])
        assert f'action="{address}"' in text(page)
        answer = staff_browser.post(address, filled(page))
        assert (answer.status_code, answer["Location"]) == (302, "/sandbox/accounts")
        assert v1.accounts.retrieve(account).charges_enabled is True
        assert address not in text(staff_browser.get("/sandbox/accounts"))

    def test_are_onboarded_by_a_button_of_their_page_as_well(self, staff_browser: Client, v1: Any, new_account: Make) -> None:
        account = new_account()
        v1.accounts.update(account, {"business_type": "company", "business_profile": {"name": "Boots"}})
        page = staff_browser.get(f"/sandbox/objects/{account}")
        address = reverse("sandbox:onboard", args=[account])
        assert f'action="{address}"' in text(page)
        answer = staff_browser.post(address, filled(page))
        assert (answer.status_code, answer["Location"]) == (302, f"/sandbox/objects/{account}")
        found = v1.accounts.retrieve(account)
        assert (found.charges_enabled, found.business_type, found.business_profile.name) == (True, "company", "Boots")
        assert address not in text(staff_browser.get(f"/sandbox/objects/{account}"))

    def test_are_disconnected_by_a_button(self, staff_browser: Client, v1: Any, new_seller: Make) -> None:
        account, other = new_seller(), new_seller()
        page = staff_browser.get("/sandbox/accounts")
        address = reverse("sandbox:disconnect", args=[account])
        assert f'action="{address}"' in text(page)
        assert staff_browser.post(address, filled(page))["Location"] == "/sandbox/accounts"
        with pytest.raises(stripe.PermissionError):
            v1.payment_intents.list(None, {"stripe_account": account})
        assert v1.payment_intents.list(None, {"stripe_account": other}).data == []
        html = text(staff_browser.get("/sandbox/accounts"))
        assert address not in html
        assert ">disconnected</span>" in html

    @pytest.mark.parametrize("action", ["onboard", "disconnect"])
    def test_that_are_not_there_are_a_404(self, staff_browser: Client, new_account: Make, action: str) -> None:
        new_account()
        form = filled(staff_browser.get("/sandbox/accounts"))
        assert staff_browser.post(f"/sandbox/accounts/acct_nobody/{action}", form).status_code == 404


class TestThePayments:
    def test_are_listed_by_kind_and_account(
        self, staff_browser: Client, v1: Any, at_seller: dict[str, str], new_seller: Make, pay: Make
    ) -> None:
        payment = pay()
        refund = v1.refunds.create({"payment_intent": payment.id}, at_seller)
        account, other = at_seller["stripe_account"], new_seller()
        for kind, identity in (("payment_intent", payment.id), ("charge", payment.latest_charge), ("refund", refund.id)):
            for owner, found in ((account, True), ("", True), (other, False)):
                html = text(staff_browser.get("/sandbox/payments", {"kind": kind, "account": owner}))
                assert (f"/sandbox/objects/{identity}" in html) is found
                assert ("10.00 USD" in html) is found

    def test_are_listed_with_reviews_which_have_no_amount(self, staff_browser: Client, pay: Make) -> None:
        review = pay("pm_card_riskLevelElevated").review
        html = text(staff_browser.get("/sandbox/payments", {"kind": "review"}))
        assert f"/sandbox/objects/{review}" in html
        assert '<td data-label="Amount" class="amount">–</td>' in html
        assert ">open</span>" in html
        assert ">Reviews</a>" in html

    def test_are_listed_with_payouts(self, staff_browser: Client, v1: Any, at_seller: dict[str, str], pay: Make) -> None:
        pay("pm_card_bypassPending")
        v1.balance.retrieve(None, at_seller)
        payout = v1.payouts.create({"amount": 100, "currency": "usd"}, at_seller).id
        html = text(staff_browser.get("/sandbox/payments", {"kind": "payout"}))
        assert f"/sandbox/objects/{payout}" in html
        assert '<td data-label="Amount" class="amount">1.00 USD</td>' in html
        assert re.search(r"Payouts</a></dt><dd>1</dd>", text(staff_browser.get("/sandbox/")))

    def test_come_in_pages(self, staff_browser: Client, new_payment: Make) -> None:
        made = [new_payment().id for _ in range(console.PAGE_SIZE + 1)]
        first = text(staff_browser.get("/sandbox/payments"))
        assert made[0] not in first
        older = re.search(r'href="(/sandbox/payments\?[^"]*before=\d+)"', first)
        assert older is not None
        second = text(staff_browser.get(older.group(1)))
        assert [identity for identity in made if identity in second] == [made[0]]
        assert "before=" not in second
        assert made[-1] in text(staff_browser.get("/sandbox/payments?before=9999999999999999999999"))


class TestAnObject:
    def test_is_shown_without_what_opens_it(self, staff_browser: Client, pay: Make) -> None:
        payment = pay("pm_card_authenticationRequired", return_url="https://shop.example/")
        secret, challenge = payment.client_secret, payment.next_action.redirect_to_url.url
        html = text(staff_browser.get(f"/sandbox/objects/{payment.id}"))
        assert "&quot;status&quot;: &quot;requires_action&quot;" in html
        assert secret not in html
        assert challenge not in html

    def test_leads_to_the_events_about_it(self, staff_browser: Client, pay: Make) -> None:
        payment, other = pay(), pay()
        event, about_another = event_about(payment.id), event_about(other.id, 2)
        html = text(staff_browser.get(f"/sandbox/objects/{payment.id}"))
        assert f"/sandbox/objects/{event.stripe_id}" in html
        assert about_another.stripe_id not in html

    @pytest.mark.parametrize("kind", ["account", "charge"])
    def test_shows_its_own_story(self, staff_browser: Client, pay: Make, at_seller: dict[str, str], kind: str) -> None:
        charge = pay().latest_charge
        identity = charge if kind == "charge" else at_seller["stripe_account"]
        told = "charge.succeeded" if kind == "charge" else "account.updated"
        assert f"<code>{told}</code>" in text(staff_browser.get(f"/sandbox/objects/{identity}"))

    def test_leads_to_what_came_of_it(self, staff_browser: Client, v1: Any, pay: Make, at_seller: dict[str, str]) -> None:
        paid = pay("pm_card_riskLevelElevated")
        refund = v1.refunds.create({"payment_intent": paid.id, "amount": 400}, at_seller)
        came_of = {paid.id: (paid.latest_charge, refund.id, paid.review), paid.latest_charge: (refund.id, paid.review)}
        for stripe_id, followed in came_of.items():
            shown = text(staff_browser.get(f"/sandbox/objects/{stripe_id}"))
            assert [f'<a href="/sandbox/objects/{one}">' in shown for one in followed] == [True] * len(followed)
        assert "What came of it" not in text(staff_browser.get(f"/sandbox/objects/{refund.id}"))


class TestTheEvents:
    def test_are_listed_by_type_and_account(self, staff_browser: Client, at_seller: dict[str, str], pay: Make) -> None:
        event = event_about(pay().id)
        queries: list[tuple[dict[str, str], bool]] = [
            ({}, True),
            ({"type": "payment_intent.partially_funded", "account": at_seller["stripe_account"]}, True),
            ({"type": "charge.refunded"}, False),
            ({"account": "acct_other"}, False),
        ]
        for query, found in queries:
            assert (f"/sandbox/objects/{event.stripe_id}" in text(staff_browser.get("/sandbox/events", query))) is found

    def test_show_their_deliveries_and_no_secret(self, staff_browser: Client, pay: Make) -> None:
        event, endpoint = event_about(pay().id), endpoint_at("https://shop.example/hook")
        SandboxDelivery.objects.create(
            event=event,
            endpoint=endpoint,
            status="failed",
            attempts=3,
            due_at=clock.now(),
            created_at=clock.now(),
            last_status=503,
        )
        html = text(staff_browser.get(f"/sandbox/objects/{event.stripe_id}"))
        assert "https://shop.example/hook" in html
        assert "503" in html
        assert "_secret_" in str(event.data)
        assert "_secret_" not in html
        assert "whsec_" not in html + text(staff_browser.get(f"/sandbox/objects/{endpoint.stripe_id}"))
