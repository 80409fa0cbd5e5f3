"""What operators see: every list and record, what search finds, and what no page ever shows."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.html import strip_tags

from accounts.models import ConnectedAccount
from commercecore_payments import clock
from commercecore_payments.admin.display import link
from commercecore_payments.admin_site import environment_badge, navigation
from commercecore_payments.tests.admin_pages import (
    OWN_RECORDS,
    list_page,
    make_records,
    receive_newest,
    record_page,
    staff_client,
)
from commercecore_payments.tests.tenants import Tenant
from commercecore_payments.tests.test_commands import run_python
from developers.models import App, Developer, DeveloperToken
from disputes.models import Dispute
from gateway.models import Operation
from gateway.models import Status as OperationStatus
from paymentmethods.models import Customer, PaymentMethod
from payouts.models import Payout
from refunds.models import Refund
from sandbox.models import SandboxObject
from stripe_events.models import StripeEvent
from transactions.models import Transaction
from webhooks.models import Delivery, Event, WebhookEndpoint
from webhooks.secrets import signing_secrets


@pytest.fixture
def operator(tenant: Tenant) -> Client:
    return staff_client(superuser=True)


def html_of(client: Client, address: str, **query: Any) -> str:
    response = client.get(address, query)
    assert response.status_code == 200
    return response.content.decode()


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
        assert registered == {*OWN_RECORDS, User, Group}

    def test_shows_the_overview_to_an_operator_with_no_permissions(self, tenant: Tenant, seller: str) -> None:
        transaction_id = tenant.pay(seller)
        page = html_of(staff_client(), reverse("admin:index"))
        assert transaction_id not in page
        assert "Operations without a known outcome" not in page

    def test_counts_on_the_overview_what_waits_for_an_operator(self, tenant: Tenant, seller: str, operator: Client) -> None:
        transaction_id = tenant.pay(seller)
        Operation.objects.filter(kind="payment_intent.confirm").update(status=OperationStatus.UNKNOWN, closed_at=None)
        response = operator.get(reverse("admin:index"))
        figures = {figure.title: (figure.count, figure.calls_for_action) for figure in response.context["figures"]}
        assert figures == {
            "Needs review": ("0", False),
            "Disputes that need a response": ("0", False),
            "Stripe events in trouble": ("0", False),
            "Endpoints switched off for failing": ("0", False),
            "Operations without a known outcome": ("1", True),
            "Failed refunds": ("0", False),
            "Sellers who cannot be paid yet": ("1", False),
            "Successful payments begun in the last 24 hours": ("1", False),
        }
        assert transaction_id in response.content.decode()

    def test_leads_from_each_figure_to_a_list_that_opens(self, tenant: Tenant, seller: str, operator: Client) -> None:
        make_records(tenant, seller)
        figures = operator.get(reverse("admin:index")).context["figures"]
        results = [operator.get(figure.address).context["cl"].result_count for figure in figures]
        assert results == [int(figure.count) for figure in figures]

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
        without = [None, "Callers", "Sellers", "Payments", "Stripe", "Webhooks to consumers", "Staff"]
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
    def test_of_a_transaction_tells_what_consumers_and_stripe_said_of_it(
        self, tenant: Tenant, seller: str, operator: Client
    ) -> None:
        make_records(tenant, seller)
        payment, refunded = Transaction.objects.get(order_id="disputed"), Transaction.objects.get(order_id="2227222")
        events = Event.objects.filter(subject_type__in=("transaction", "refund", "dispute")).exclude(body__contains="declined")
        about = {refunded: ["payment.succeeded", "refund.processed"], payment: ["payment.succeeded", "dispute.created"]}
        for record, types in about.items():
            tables = tables_of(operator, record)
            told = [event for event in events if f'href="{record_page(event)}"' in str(tables["What consumers were told"])]
            assert sorted(event.type for event in told) == sorted(types)
        tables = tables_of(operator, payment)
        assert [row[2] for row in tables["What Stripe told"]] == ["charge.dispute.created", "payment_intent.succeeded"]
        assert f'href="{record_page(Dispute.objects.get())}"' in tables["Disputes"][0][0]
        assert tables_of(operator, refunded)["What Stripe told"] == []

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
                 payment: ["Disputes", "What consumers were told", "What Stripe told"], endpoint: ["Deliveries"]}  # fmt: skip
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
            ("Transaction", "What consumers were told"): 1,  # of the payment itself; the dispute's page has its own
            ("Transaction", "What Stripe told"): 2,
            ("WebhookEndpoint", "Deliveries"): Event.objects.count(),
        }

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


class TestSearch:
    @pytest.mark.parametrize("what", ["transaction", "charge", "order", "user", "account", "email", "app", "developer"])
    def test_finds_a_transaction_by_its(self, tenant: Tenant, seller: str, operator: Client, what: str) -> None:
        payment = Transaction.objects.get(stripe_payment_intent_id=tenant.pay(seller))
        terms = {
            "transaction": payment.stripe_payment_intent_id,
            "charge": payment.stripe_charge_id,
            "order": "2227222",
            "user": "usr_ada",
            "account": seller,
            "email": "seller@",
            "app": tenant.app.pk,
            "developer": tenant.developer.pk,
        }
        other = Tenant.create(user_id="usr_bob")
        other.pay(other.create_seller("someone@example.com"), order_id="another")
        found = operator.get(list_page(Transaction), {"q": terms[what]}).context["cl"].result_list
        assert [row.pk for row in found] == [payment.pk]

    def test_finds_every_other_kind_of_record(self, tenant: Tenant, seller: str, operator: Client) -> None:
        transaction_id = make_records(tenant, seller)
        refund, method = Refund.objects.get(), PaymentMethod.objects.get()
        operation = Operation.objects.filter(kind="refund.create").get()
        token, dispute, payout = DeveloperToken.objects.get(), Dispute.objects.get(), Payout.objects.get()
        told = Event.objects.get(type="refund.processed")
        received = StripeEvent.objects.get(type="payout.created")
        endpoint, delivery = WebhookEndpoint.objects.get(), Delivery.objects.all()[0]
        expected: list[tuple[type[Any], str, Any]] = [
            (Refund, transaction_id, refund),
            (Refund, refund.stripe_refund_id, refund),
            (Operation, operation.id, operation),
            (Operation, operation.stripe_request_id, operation),
            (PaymentMethod, "4242", method),
            (Customer, method.customer.stripe_customer_id, method.customer),
            (ConnectedAccount, "seller@example", ConnectedAccount.objects.get()),
            (Developer, tenant.developer.name, tenant.developer),
            (App, tenant.developer.pk, tenant.app),
            (DeveloperToken, token.prefix, token),
            (Dispute, dispute.stripe_dispute_id, dispute),
            (Dispute, "disputed", dispute),
            (Payout, payout.stripe_payout_id, payout),
            (Payout, seller, payout),
            (StripeEvent, received.event_id, received),
            (StripeEvent, payout.stripe_payout_id, received),
            (Event, told.id, told),
            (Event, refund.stripe_refund_id, told),
            (WebhookEndpoint, "shop.example", endpoint),
            (WebhookEndpoint, tenant.app.pk, endpoint),
            (Delivery, delivery.event_id, delivery),
        ]
        found = [list(operator.get(list_page(model), {"q": term}).context["cl"].result_list) for model, term, _ in expected]
        assert found == [[record] for _, _, record in expected]


class TestAFilter:
    def test_shows_the_operations_whose_outcome_is_unknown(self, tenant: Tenant, seller: str, operator: Client) -> None:
        tenant.pay(seller)
        Operation.objects.filter(kind="payment_intent.confirm").update(status=OperationStatus.UNKNOWN, closed_at=None)
        kinds = {answer: [row.kind for row in operator.get(list_page(Operation), {"open": answer}).context["cl"].result_list]
                 for answer in ("yes", "no")}  # fmt: skip
        assert kinds == {"yes": ["payment_intent.confirm"], "no": ["payment_intent.create", "account.create"]}

    def test_by_days_takes_both_as_a_whole(self, tenant: Tenant, seller: str, operator: Client) -> None:
        for order, moment in (("a", "2026-11-01T23:59:59Z"), ("b", "2026-11-02T00:00:00Z"), ("c", "2026-11-03T23:59:59Z"),
                              ("d", "2026-11-04T00:00:00Z")):  # fmt: skip
            tenant.create_payment(seller, order_id=order)
            Transaction.objects.filter(order_id=order).update(created_at=moment)
        days = {"created_at_from": "2026-11-02", "created_at_to": "2026-11-03"}
        assert [row.order_id for row in operator.get(list_page(Transaction), days).context["cl"].result_list] == ["c", "b"]

    @pytest.mark.parametrize("text", ["2026-02-30", "yesterday"])
    def test_by_a_day_that_is_none_is_refused(self, operator: Client, text: str) -> None:
        response = operator.get(list_page(Transaction), {"created_at_from": text})
        assert (response.status_code, response["Location"]) == (302, "/admin/transactions/transaction/?e=1")

    def test_by_currency_and_status_shows_those_alone(self, tenant: Tenant, seller: str, operator: Client) -> None:
        tenant.pay(seller, order_id="dollars")
        tenant.create_payment(seller, order_id="yen", currency="jpy")
        answers = [operator.get(list_page(Transaction), query).context["cl"].result_list
                   for query in ({"currency": "jpy"}, {"status__exact": "succeeded"})]  # fmt: skip
        assert [[row.order_id for row in rows] for rows in answers] == [["yen"], ["dollars"]]


def multiply(model: type[Any], number: int) -> None:
    """Copies one row until there are `number` of them."""
    row = model._default_manager.all()[0]
    own: dict[Any, dict[str, Any]] = {
        ConnectedAccount: {"stripe_account_id": "acct_{}", "email": "{}@example.com"},
        Transaction: {"stripe_payment_intent_id": "pi_{}", "order_id": "order_{}"},
        Refund: {"stripe_refund_id": "re_{}"},
        PaymentMethod: {"stripe_payment_method_id": "pm_{}"},
        Customer: {"stripe_customer_id": "cus_{}", "user_id": "usr_{}"},
        Dispute: {"stripe_dispute_id": "du_{}"},
        Payout: {"stripe_payout_id": "po_{}"},
        Operation: {"id": "op_{}"},
        StripeEvent: {"event_id": "evt_{}"},
        Event: {"id": "msg_{}", "sequence": "100{}"},
        WebhookEndpoint: {"id": "we_{}"},
        Developer: {"id": "de_{}"},
        App: {"id": "ap_{}"},
        DeveloperToken: {"digest": "{}"},
    }
    fields = {field.attname: getattr(row, field.attname) for field in model._meta.fields if not field.primary_key}
    for copy in range(number - model._default_manager.count()):
        model._default_manager.create(**{**fields, **{name: text.format(copy + number) for name, text in own[model].items()}})


def multiply_deliveries(number: int) -> None:
    """Each has an event of its own, of which an endpoint is sent one delivery."""
    delivery = Delivery.objects.all()[0]
    Event.objects.exclude(pk=delivery.event_id).delete()
    multiply(Event, number)
    for sequence, event in enumerate(Event.objects.filter(deliveries=None), start=1000 * number):
        Delivery.objects.create(event=event, endpoint=delivery.endpoint, sequence=sequence)


class TestAList:
    @pytest.mark.parametrize(
        "model",
        [
            ConnectedAccount,
            Transaction,
            Refund,
            Dispute,
            Payout,
            PaymentMethod,
            Customer,
            Operation,
            StripeEvent,
            Event,
            WebhookEndpoint,
            Delivery,
            Developer,
            App,
            DeveloperToken,
        ],
    )
    def test_asks_the_database_as_often_for_thirty_rows_as_for_three(
        self, tenant: Tenant, seller: str, operator: Client, model: type[Any]
    ) -> None:
        make_records(tenant, seller)
        if model in (Operation, Event, Delivery):
            model._default_manager.exclude(pk=model._default_manager.all()[0].pk).delete()
        queries = []
        for number in (3, 30):
            multiply_deliveries(number) if model is Delivery else multiply(model, number)
            with CaptureQueriesContext(connection) as captured:
                assert operator.get(list_page(model)).context["cl"].result_count == number
            queries.append(len(captured))
        assert queries[0] == queries[1]

    def test_shows_amounts_in_their_currency(self, tenant: Tenant, seller: str, operator: Client) -> None:
        tenant.create_payment(seller, order_id="dollars", amount=123456)
        tenant.create_payment(seller, order_id="yen", amount=1500, currency="jpy")
        page = html_of(operator, list_page(Transaction))
        assert "1,234.56 USD" in page
        assert "1,500 JPY" in page

    def test_of_transactions_shows_at_one_look_what_was_received_and_until_when_money_is_held(
        self, tenant: Tenant, seller: str, operator: Client
    ) -> None:
        tenant.confirm(seller, tenant.create_payment(seller, order_id="held", amount=8800, capture_method="manual"))
        Transaction.objects.update(
            amount_received_minor=100, amount_capturable_minor=0, capture_before=datetime(2026, 12, 6, 9, 30, tzinfo=UTC)
        )
        response = operator.get(list_page(Transaction))
        columns = response.context["cl"].list_display
        assert list(columns[1:6]) == ["status_label", "amount", "received", "held_until", "refunded"]
        row = " ".join(strip_tags(response.content.decode()).split())
        assert "88.00 USD 1.00 USD 2026-12-06 09:30:00 UTC 0.00 USD" in row

    def test_shortens_a_long_error(self, tenant: Tenant, seller: str, operator: Client) -> None:
        tenant.create_payment(seller)
        Operation.objects.filter(kind="payment_intent.create").update(error_message="x" * 61)
        page = html_of(operator, list_page(Operation))
        assert f'<span title="{"x" * 61}">{"x" * 59}…</span>' in page

    def test_shows_json_of_any_text_harmlessly(self, tenant: Tenant, seller: str, operator: Client) -> None:
        tenant.create_payment(seller, metadata={"note": "<script>alert(1)</script>"})
        page = html_of(operator, record_page(Transaction.objects.get()))
        assert "<script>alert(1)" not in page
        assert json.dumps("&lt;script&gt;alert(1)&lt;/script&gt;").replace('"', "&quot;") in page
