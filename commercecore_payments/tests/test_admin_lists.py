"""The lists of the admin: what search and filters find, and how rows are shown."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.html import strip_tags

from accounts.models import ConnectedAccount
from commercecore_payments.admin import lists
from commercecore_payments.tests.admin_pages import (
    html_of,
    list_page,
    make_records,
    record_page,
)
from commercecore_payments.tests.tenants import Tenant
from developers.models import App, Developer, DeveloperToken
from disputes.models import Dispute
from gateway.models import Operation
from gateway.models import Status as OperationStatus
from paymentmethods.models import Customer, PaymentMethod
from payouts.models import Payout
from refunds.models import Refund
from stripe_events.models import StripeEvent
from transactions.admin import TransactionAdmin
from transactions.models import Transaction
from webhooks.models import Delivery, Event, WebhookEndpoint


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

    def test_counts_and_leafs_no_further_than_its_bound(
        self, tenant: Tenant, seller: str, operator: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(lists, "MOST_COUNTED", 4)
        monkeypatch.setattr(TransactionAdmin, "list_per_page", 2)
        tenant.create_payment(seller)
        pages = {}
        for number in (4, 9):
            multiply(Transaction, number)
            response = operator.get(list_page(Transaction), {"p": "2"})
            said = "more than 4 transactions" in " ".join(strip_tags(response.content.decode()).split())
            pages[number] = (said, response.context["cl"].paginator.num_pages, len(response.context["cl"].result_list))
        assert pages == {4: (False, 2, 2), 9: (True, 2, 2)}
        assert operator.get(list_page(Transaction), {"p": "3"}).headers["Location"] == "/admin/transactions/transaction/?e=1"

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
        assert list(columns[2:7]) == ["status_label", "amount", "received", "held_until", "refunded"]
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
