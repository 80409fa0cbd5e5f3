"""What operators see of records: every list and page, what a page tells and leads to, and what none ever shows."""

from typing import Any

import pytest
from axes.models import AccessAttempt
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.test import Client, RequestFactory
from django.urls import reverse

from accounts.models import ConnectedAccount
from commercecore_payments import clock
from commercecore_payments.admin.display import link
from commercecore_payments.admin_site import environment_badge, navigation
from commercecore_payments.tests.admin_pages import (
    OWN_RECORDS,
    html_of,
    list_page,
    make_records,
    receive_newest,
    record_page,
)
from commercecore_payments.tests.tenants import Tenant
from commercecore_payments.tests.test_commands import run_python
from developers.models import DeveloperToken
from disputes.models import Dispute
from disputes.tests.told import pay_disputed_past_the_service
from gateway.models import Operation
from gateway.models import Status as OperationStatus
from paymentmethods.models import Customer, PaymentMethod
from payouts.models import Payout
from refunds.models import Refund
from sandbox.models import SandboxObject
from stripe_events.applying import apply_now
from stripe_events.models import StripeEvent
from transactions.models import Transaction
from webhooks.models import Event, WebhookEndpoint
from webhooks.secrets import signing_secrets


def tables_of(client: Client, record: Any) -> dict[str, Any]:
    """The rows of each related table on a record's page."""
    return {table.title: table.rows for table in client.get(record_page(record)).context["related_tables"]}


class TestTheAdmin:
    def test_shows_the_list_and_the_page_of_a_record_of_every_kind(self, tenant: Tenant, seller: str, operator: Client) -> None:
        make_records(tenant, seller)
        addresses = [list_page(model) for model in OWN_RECORDS]
        addresses += [record_page(record) for model in OWN_RECORDS for record in model._default_manager.all()]
        addresses += [record_page(model._default_manager.all()[0], "history") for model in OWN_RECORDS]
        assert {address: operator.get(address).status_code for address in addresses} == dict.fromkeys(addresses, 200)

    def test_has_exactly_these_records(self) -> None:
        registered = {model for model in admin.site._registry if not model.__module__.startswith("django.contrib.admin")}
        assert registered == {*OWN_RECORDS, User, Group, AccessAttempt}

    def test_lets_the_configured_admin_log_in(self, db: None) -> None:
        User.objects.create_superuser("anna", password="correct horse")
        page = Client().post(reverse("admin:login"), {"username": "anna", "password": "correct horse", "next": "/admin/"})
        assert (page.status_code, page["Location"]) == (302, "/admin/")

    def test_sends_a_stranger_to_the_login(self, db: None) -> None:
        assert Client().get(list_page(Transaction))["Location"] == "/admin/login/?next=/admin/transactions/transaction/"


class TestTheEnvironment:
    @pytest.mark.parametrize(
        ("environment", "badge"), [("sandbox", ("Sandbox", "info")), ("test", ("Test", "warning")), ("live", ("LIVE", "danger"))]
    )
    def test_is_told_on_each_page(self, settings: Any, environment: str, badge: tuple[str, str]) -> None:
        settings.STRIPE_ENVIRONMENT = environment
        assert environment_badge(RequestFactory().get("/admin/")) == badge

    def test_of_another_kind_is_not_shown(self, tenant: Tenant, seller: str, operator: Client) -> None:
        tenant.pay(seller)
        Transaction.objects.update(environment="live")
        payment = Transaction._base_manager.get()
        assert operator.get(list_page(Transaction)).context["cl"].result_count == 0
        assert operator.get(record_page(payment))["Location"] == "/admin/"

    def test_of_a_real_stripe_has_no_sandbox_in_the_sidebar(self, settings: Any) -> None:
        request = RequestFactory().get("/admin/")
        with_sandbox = [group.get("title") for group in navigation(request)]
        settings.STRIPE_SANDBOX = False
        without = [None, "Callers", "Sellers", "Payments", "Stripe", "Reconciliation", "Webhooks to consumers", "Staff"]
        assert with_sandbox == [*without[:-1], "Sandbox (no real Stripe)", "Staff"]
        assert [group.get("title") for group in navigation(request)] == without

    def test_of_a_real_stripe_has_no_pages_of_the_sandbox(self) -> None:
        program = (
            "import django; django.setup(); from django.contrib import admin; "
            "print(sorted(model._meta.label for model in admin.site._registry if model._meta.app_label == 'sandbox'))"
        )
        keys = {"STRIPE_SECRET_KEY": "sk_test_abc", "STRIPE_PUBLISHABLE_KEY": "pk_test_abc", "STRIPE_SANDBOX": "false"}
        answer = run_python("-c", program, DJANGO_SETTINGS_MODULE="commercecore_payments.settings", **keys)
        assert answer.stdout == "[]\n"


class TestAPage:
    def test_of_a_transaction_shows_its_refunds_and_disputes(self, tenant: Tenant, seller: str, operator: Client) -> None:
        make_records(tenant, seller)
        payment, refunded = Transaction.objects.get(order_id="disputed"), Transaction.objects.get(order_id="2227222")
        assert f'href="{record_page(Dispute.objects.get())}"' in tables_of(operator, payment)["Disputes"][0][0]
        assert f'href="{record_page(Refund.objects.get())}"' in tables_of(operator, refunded)["Refunds"][0][0]

    def test_of_a_refund_tells_what_consumers_and_stripe_said_of_it(self, tenant: Tenant, seller: str, operator: Client) -> None:
        make_records(tenant, seller)
        stripe_event = receive_newest(seller, "refund.created")
        tables = tables_of(operator, Refund.objects.get())
        event = Event.objects.get(type="refund.processed")
        assert [row[0] for row in tables["What consumers were told"]] == [link(event, "refund.processed")]
        assert [row[0] for row in tables["What Stripe told"]] == [link(stripe_event)]

    def test_of_an_account_shows_its_payouts_and_disputes_alone(self, tenant: Tenant, seller: str, operator: Client) -> None:
        make_records(tenant, seller)
        tenant.create_seller("other@example.com")
        of_seller, of_other = (tables_of(operator, ConnectedAccount.objects.get(email=email))
                               for email in ("seller@example.com", "other@example.com"))  # fmt: skip
        assert [row[0] for row in of_seller["Payouts"]] == [link(Payout.objects.get())]
        assert [row[0] for row in of_seller["Disputes"]] == [link(Dispute.objects.get())]
        assert (of_other["Payouts"], of_other["Disputes"]) == ([], [])

    def test_leads_to_the_list_of_all_that_a_table_is_too_short_for(
        self, tenant: Tenant, seller: str, operator: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        make_records(tenant, seller)
        for module in ("disputes", "payouts", "stripe_events", "webhooks"):
            monkeypatch.setattr(f"{module}.admin.RELATED_ROWS", 1)
        account, endpoint = ConnectedAccount.objects.get(), WebhookEndpoint.objects.get()
        payment, event = Transaction.objects.get(order_id="disputed"), Event.objects.get(type="dispute.created")
        pages = {account: ["Disputes", "Payouts"], tenant.app: ["Webhook endpoints"], event: ["Deliveries"],
                 payment: ["Disputes"], Dispute.objects.get(): ["What consumers were told", "What Stripe told"],
                 endpoint: ["Deliveries"]}  # fmt: skip
        listed = {}
        for record, titles in pages.items():
            tables = {table.title: table for table in operator.get(record_page(record)).context["related_tables"]}
            for title in titles:
                results = operator.get(tables[title].address).context["cl"].result_count
                listed[type(record).__name__, title] = results
        assert listed == {
            ("ConnectedAccount", "Disputes"): 1,
            ("ConnectedAccount", "Payouts"): 1,
            ("App", "Webhook endpoints"): 1,
            ("Event", "Deliveries"): 1,
            ("Transaction", "Disputes"): 1,
            ("Dispute", "What consumers were told"): 1,
            ("Dispute", "What Stripe told"): 1,
            ("WebhookEndpoint", "Deliveries"): Event.objects.count(),
        }

    def test_of_an_app_shows_and_lists_no_payments_that_were_made_past_it(
        self, tenant: Tenant, seller: str, operator: Client
    ) -> None:
        tenant.pay(seller)
        payment = Transaction.objects.get()
        pay_disputed_past_the_service(seller)
        apply_now(receive_newest(seller, "payment_intent.succeeded"))
        assert Transaction.objects.filter(external=True).count() == 1
        tables = {table.title: table for table in operator.get(record_page(tenant.app)).context["related_tables"]}
        table = tables["Latest transactions"]
        assert [row[0] for row in table.rows] == [link(payment)]
        assert [row.pk for row in operator.get(table.address).context["cl"].result_list] == [payment.pk]

    def test_of_an_app_shows_its_endpoints_alone(self, tenant: Tenant, seller: str, operator: Client) -> None:
        make_records(tenant, seller)
        other = Tenant.create()
        assert [row[0] for row in tables_of(operator, tenant.app)["Webhook endpoints"]] == [link(WebhookEndpoint.objects.get())]
        assert tables_of(operator, other.app)["Webhook endpoints"] == []

    def test_of_a_transaction_leads_to_everything_about_it(self, tenant: Tenant, seller: str, operator: Client) -> None:
        transaction_id = make_records(tenant, seller)
        payment = Transaction.objects.get(stripe_payment_intent_id=transaction_id)
        page = html_of(operator, record_page(payment))
        about = [payment.account, payment.developer, payment.app, *payment.refunds.all(), *Operation.objects.of(payment)]
        missing = [record for record in about if f'href="{record_page(record)}"' not in page]
        assert (len(about), missing) == (6, [])
        assert "10.00 USD" in page
        assert "3.00 USD" in page

    def test_of_an_operation_leads_to_the_record_it_is_about(self, tenant: Tenant, seller: str, operator: Client) -> None:
        make_records(tenant, seller)
        subjects = {Refund: "refund", Transaction: "transaction", ConnectedAccount: "connectedaccount", Customer: "customer",
                    PaymentMethod: "paymentmethod"}  # fmt: skip
        for model, name in subjects.items():
            operation = Operation.objects.filter(subject_type=name)[0]
            record = model._default_manager.get(pk=operation.subject_id)
            assert f'href="{record_page(record)}"' in html_of(operator, record_page(operation))
            assert f'href="{record_page(record)}"' in html_of(operator, list_page(Operation))

    def test_of_a_declined_operation_says_why(self, tenant: Tenant, seller: str, operator: Client) -> None:
        make_records(tenant, seller)
        page = html_of(operator, record_page(Operation.objects.get(status=OperationStatus.DECLINED)))
        assert "Your card was declined. · card_error · card_declined · generic_decline" in page
        assert "&quot;payment_method&quot;: &quot;pm_card_visa_chargeDeclined&quot;" in page

    def test_of_an_account_leads_to_its_transactions(self, tenant: Tenant, seller: str, operator: Client) -> None:
        tenant.pay(seller)
        other = tenant.create_seller("other@example.com")
        tenant.pay(other, order_id="elsewhere")
        account = ConnectedAccount.objects.get(stripe_account_id=seller)
        address = f"{list_page(Transaction)}?account__id__exact={account.pk}"
        assert address in html_of(operator, record_page(account))
        assert [payment.order_id for payment in operator.get(address).context["cl"].result_list] == ["2227222"]

    def test_never_shows_a_secret(self, tenant: Tenant, seller: str, operator: Client) -> None:
        make_records(tenant, seller)
        account = ConnectedAccount.objects.get(stripe_account_id=seller)
        token = DeveloperToken.objects.get()
        rows = SandboxObject.objects.all()
        endpoint = WebhookEndpoint.objects.get()
        secrets = {
            account.onboarding_link_nonce,
            token.digest,
            tenant.token,
            endpoint.secret,
            *signing_secrets(endpoint, clock.now()),
        }
        secrets |= {row.data["client_secret"] for row in rows if "client_secret" in row.data}
        records = (account, token, tenant.developer, tenant.app, endpoint, *StripeEvent.objects.all(), *Event.objects.all())
        pages = [html_of(operator, record_page(record)) for record in (*records, *rows)]
        pages += [html_of(operator, list_page(model)) for model in OWN_RECORDS]
        assert len(secrets) == 9
        assert [secret for secret in secrets for page in pages if secret in page] == []
