"""`GET /transactions/{id}/explain` and `manage.py explain`."""

import json
from collections.abc import Callable
from io import BytesIO, StringIO, TextIOWrapper
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from commercecore_payments.tests.tenants import Tenant
from disputes.models import Dispute
from explanations.explaining import explain
from explanations.serializers import explanation_data
from explanations.structure import Reader
from explanations.tests import states
from gateway.models import Operation
from refunds.models import Refund
from transactions.models import Transaction


class TestTheRoute:
    def test_gives_the_explanation_of_the_apps_own_payment(self, tenant: Tenant, seller: str) -> None:
        states.declined(tenant, seller)
        payment = Transaction.objects.get()
        response = tenant.get(f"/transactions/{payment}/explain")
        assert response.status_code == 200
        data = response.json()["data"]
        assert data == explanation_data(explain(payment, Reader(tenant.app)))
        assert data["verdict"] == {
            "code": "declined",
            "headline": "The payment was declined: there is not enough money on the card",
            "explanation": "The buyer was not charged. Stripe's words: “Your card has insufficient funds.” (insufficient_funds).",
            "next_step": "Tell the buyer: “There is not enough money on your card. Please pay with another card.” "
            "The same payment can be tried again with any card.",
            "waits_for": "buyer",
            "is_problem": True,
            "remarks": [],
        }
        first = data["timeline"][0]
        assert {name: first[name] for name in ("kind", "text", "tone", "is_ahead")} == {
            "kind": "request",
            "text": f"{tenant.app.name} asked for a payment (10.00 USD).",
            "tone": "quiet",
            "is_ahead": False,
        }

    def test_knows_no_payment_of_another_tenant(self, tenant: Tenant, seller: str) -> None:
        states.paid(tenant, seller)
        stranger = Tenant.create()
        response = stranger.get(f"/transactions/{Transaction.objects.get()}/explain")
        assert (response.status_code, response.json()["details"]["code"]) == (404, "transaction_not_found")

    @pytest.mark.parametrize(("header", "status"), [("X-Developer-Token", 401), ("X-App-ID", 400), ("X-User-ID", 401)])
    def test_opens_to_nobody_without(self, tenant: Tenant, seller: str, header: str, status: int) -> None:
        states.unpaid(tenant, seller)
        headers = {name: value for name, value in tenant.headers.items() if name != header}
        response = tenant.client.get(f"/api/v1/transactions/{Transaction.objects.get()}/explain", headers=headers)
        assert response.status_code == status


def output_of(*arguments: str) -> str:
    out = StringIO()
    call_command("explain", *arguments, stdout=out)
    return out.getvalue()


def _charge() -> str:
    return Transaction.objects.get().stripe_charge_id


def _refund() -> str:
    return Refund.objects.get().stripe_refund_id


def _refunds_operation() -> str:
    return Operation.objects.get(kind="refund.create").pk


def _payments_operation() -> str:
    return Operation.objects.get(kind="payment_intent.confirm").pk


def _callers_request() -> str:
    return Operation.objects.get(kind="payment_intent.confirm").request_id


def _request_of_stripe() -> str:
    return Operation.objects.get(kind="refund.create").stripe_request_id


def _order() -> str:
    return Transaction.objects.get().order_id


class TestTheCommand:
    @pytest.mark.parametrize(
        "name", [_charge, _refund, _refunds_operation, _payments_operation, _callers_request, _request_of_stripe, _order]
    )
    def test_finds_the_payment_by_any_id_about_it(self, tenant: Tenant, seller: str, name: Callable[[], str]) -> None:
        states.partly_refunded(tenant, seller)
        text = output_of(name())
        assert text.startswith(f"{Transaction.objects.get()}: 4.00 USD went back to the buyer: a part of 10.00 USD.\n")
        assert "It waits for nobody.\n" in text
        assert f" + {'Stripe took the refund.'}\n" in text

    def test_finds_the_payment_of_a_dispute(self, tenant: Tenant, seller: str) -> None:
        states.disputed(tenant, seller)
        [found] = json.loads(output_of(str(Dispute.objects.get()), "--format", "json"))
        assert (found["transaction_id"], found["verdict"]["code"]) == (str(Transaction.objects.get()), "dispute_needs_response")

    def test_finds_the_payment_of_a_charge_that_was_declined_before_another(self, tenant: Tenant, seller: str) -> None:
        states.declined(tenant, seller)
        payment = Transaction.objects.get()
        declined = payment.stripe_charge_id
        tenant.confirm(seller, str(payment))
        states.everything_arrives(seller)
        payment.refresh_from_db()
        assert (payment.status, payment.stripe_charge_id == declined) == ("succeeded", False)
        [found] = json.loads(output_of(declined, "--format", "json"))
        assert (found["transaction_id"], found["verdict"]["code"]) == (str(payment), "paid")

    @pytest.mark.parametrize("name", ["op_7", "req_7", "re_7", "pyr_7", "du_7", "dp_7", "ch_7", "py_7", "pi_7", "7"])
    def test_finds_the_payment_of_an_order_whatever_an_app_calls_it(self, tenant: Tenant, seller: str, name: str) -> None:
        payment = tenant.create_payment(seller, order_id=name)
        tenant.create_payment(seller, order_id="another")
        [found] = json.loads(output_of(name, "--format", "json"))
        assert found["transaction_id"] == payment

    def test_does_nothing_to_a_terminal_whatever_an_app_writes(self, tenant: Tenant, seller: str) -> None:
        tenant.create_payment(seller, order_id="x\x1b[2J\nReceived: 1.00 USD\u202e")
        payment = Transaction.objects.get()
        text = output_of(str(payment))
        assert all(line.isprintable() for line in text.splitlines())
        assert r"Order:            x\x1b[2J\nReceived: 1.00 USD\u202e" in text.splitlines()
        assert output_of(str(payment), "--format", "json").isascii()

    def test_that_nobody_takes_is_told_in_a_sentence(self, tenant: Tenant, seller: str) -> None:
        tenant.create_payment(seller, order_id="Größe")
        with pytest.raises(CommandError, match="codec can't encode"):
            call_command("explain", "Größe", stdout=TextIOWrapper(BytesIO(), encoding="ascii"))

    def test_explains_every_payment_of_an_order(self, tenant: Tenant, seller: str) -> None:
        states.canceled(tenant, seller)
        states.paid(tenant, seller)
        found = json.loads(output_of("2227222", "--format", "json"))
        assert [one["verdict"]["code"] for one in found] == ["paid", "canceled"]

    @pytest.mark.parametrize(
        "name", ["pi_unknown", "op_unknown", "re_unknown", "dp_unknown", "req_unknown", " ", "pi_\udcff", "pi_\x00"]
    )
    def test_finds_nothing_by_what_is_known_to_nobody(self, db: None, name: Any) -> None:
        with pytest.raises(CommandError, match="No payment is known here by") as raised:
            output_of(name)
        assert raised.value.returncode == 1

    def test_takes_no_other_format(self, db: None) -> None:
        with pytest.raises(CommandError, match="invalid choice"):
            output_of("pi_1", "--format", "xml")
