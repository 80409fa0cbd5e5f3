"""`dry_run` on a refund and a capture: the same judgement as the real one's, and nothing is written or sent."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.apps import apps
from django.db.models import Model

from commercecore_payments.tests.tenants import Tenant, charges_at_stripe, refunds_at_stripe
from gateway.client import stripe_client
from gateway.models import Operation
from gateway.tests.faults import killed, stripe_fails
from rate_limits.models import Bucket
from refunds.models import Refund
from sandbox.connect.onboarding import complete_onboarding
from transactions.models import Transaction

OWN_MODELS = [model for model in apps.get_models() if model._meta.managed and model._meta.app_label != "sandbox"]


def everything() -> dict[type[Model], list[Any]]:
    """Every row that we have, but those that count requests."""
    kept = [model for model in OWN_MODELS if model is not Bucket]
    return {model: sorted(model._base_manager.values_list(), key=str) for model in kept}


@contextmanager
def nothing_done(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fails where a row is changed, or where Stripe is asked for more than a look."""
    before = everything()
    with stripe_fails(monkeypatch, killed, path="/") as sent:
        yield
    assert sent == []
    assert everything() == before


def told(response: Any) -> tuple[int, Any]:
    """The answer without what names the request: the data of a success, or an error's detail and details."""
    body = response.json()
    return response.status_code, body["data"] if "data" in body else (body["detail"], body["details"])


@pytest.fixture
def held(tenant: Tenant, seller: str) -> str:
    """The id of a payment of 1000 whose money is held, with a fee of 100."""
    transaction_id = tenant.create_payment(seller, capture_method="manual", application_fee_amount=100)
    assert tenant.confirm(seller, transaction_id).json()["data"]["status"] == "requires_capture"
    return transaction_id


class TestADryRunOfACapture:
    @pytest.mark.parametrize(
        ("body", "taken", "released", "fee"),
        [
            ({}, 1000, 0, 100),
            ({"amount": 400}, 400, 600, 100),
            ({"amount": 40}, 40, 960, 40),
            ({"amount": 400, "application_fee_amount": 0}, 400, 600, 0),
        ],
    )
    def test_tells_what_the_capture_then_does(
        self,
        tenant: Tenant,
        seller: str,
        held: str,
        monkeypatch: pytest.MonkeyPatch,
        body: dict[str, int],
        taken: int,
        released: int,
        fee: int,
    ) -> None:
        with nothing_done(monkeypatch):
            response = tenant.post(f"/transactions/{held}/capture", {**body, "dry_run": True})
        assert told(response) == (
            200,
            {
                "message": "Dry run: nothing was done",
                "dry_run": True,
                "transaction_id": held,
                "account_id": seller,
                "order_id": "2227222",
                "status": "requires_capture",
                "amount": taken,
                "amount_released": released,
                "application_fee_amount": fee,
                "currency": "usd",
            },
        )
        real = tenant.post(f"/transactions/{held}/capture", {**body, "dry_run": False}).json()["data"]
        assert (real["status"], real["amount_received"]) == ("succeeded", taken)
        [charge] = charges_at_stripe(seller, held)
        fee_at_stripe = stripe_client().v1.application_fees.retrieve(charge["application_fee"]).amount if fee else 0
        assert fee_at_stripe == fee

    @pytest.mark.parametrize("body", [{"amount": 1001}, {"amount": 400, "application_fee_amount": 401}, {"amount": 0}])
    def test_is_refused_as_the_capture_is(
        self, tenant: Tenant, held: str, monkeypatch: pytest.MonkeyPatch, body: dict[str, int]
    ) -> None:
        with nothing_done(monkeypatch):
            dry = told(tenant.post(f"/transactions/{held}/capture", {**body, "dry_run": True}))
        assert dry == told(tenant.post(f"/transactions/{held}/capture", body))

    def test_of_what_is_not_held_is_refused_as_the_capture_is(
        self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        unpaid, paid = tenant.create_payment(seller, order_id="1"), tenant.pay(seller, order_id="2")
        for transaction_id, code in ((unpaid, "not_capturable"), (paid, "already_captured"), ("pi_1", "transaction_not_found")):
            with nothing_done(monkeypatch):
                dry = told(tenant.post(f"/transactions/{transaction_id}/capture", {"dry_run": True}))
            assert dry[1][1]["code"] == code
            assert dry == told(tenant.post(f"/transactions/{transaction_id}/capture"))

    def test_knows_what_stripe_knows_and_does_not_write_it_down(
        self, tenant: Tenant, seller: str, held: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        Transaction.objects.update(status="requires_action", amount_capturable_minor=0)  # a challenge that was passed meanwhile
        with nothing_done(monkeypatch):
            response = tenant.post(f"/transactions/{held}/capture", {"dry_run": True})
        assert (response.status_code, response.json()["data"]["amount"]) == (200, 1000)

    def test_tells_that_an_operation_is_in_progress(
        self, tenant: Tenant, seller: str, held: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with stripe_fails(monkeypatch, killed, path="/capture"), pytest.raises(KeyboardInterrupt):
            tenant.post(f"/transactions/{held}/capture")
        with nothing_done(monkeypatch):
            dry = told(tenant.post(f"/transactions/{held}/capture", {"dry_run": True}))
        assert (dry[0], dry[1][1]["code"]) == (409, "operation_in_progress")
        assert dry == told(tenant.post(f"/transactions/{held}/capture"))


class TestADryRunOfARefund:
    @pytest.mark.parametrize(("body", "amount", "left", "fee"), [({}, 1000, 0, 0), ({"amount": 333}, 333, 667, 0)])
    def test_tells_what_the_refund_then_does(
        self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch, body: Any, amount: int, left: int, fee: int
    ) -> None:
        transaction_id = tenant.pay(seller)
        with nothing_done(monkeypatch):
            response = tenant.refund(seller, **body, dry_run=True)
        assert told(response) == (
            200,
            {
                "message": "Dry run: nothing was done",
                "dry_run": True,
                "amount": amount,
                "currency": "usd",
                "order_id": "2227222",
                "transaction_id": transaction_id,
                "account_id": seller,
                "amount_left": left,
                "application_fee_amount": fee,
            },
        )
        assert refunds_at_stripe(seller, transaction_id) == []
        assert tenant.refund(seller, **body).json()["data"]["amount"] == amount
        assert refunds_at_stripe(seller, transaction_id) == [amount]

    def test_tells_what_goes_back_of_the_fee(self, tenant: Tenant, seller: str, held: str) -> None:
        tenant.post(f"/transactions/{held}/capture")
        body = {"transaction_id": held, "account_id": seller, "amount": 335, "refund_application_fee": True, "dry_run": True}
        data = tenant.post("/refunds", body).json()["data"]
        assert (data["application_fee_amount"], data["amount_left"]) == (34, 665)

    def test_is_refused_as_the_refund_is(self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch) -> None:
        tenant.create_payment(seller, order_id="unpaid")
        tenant.pay(seller, order_id="paid")
        tenant.refund(seller, order_id="paid", amount=600)
        tenant.pay(seller, order_id="back")
        tenant.refund(seller, order_id="back")
        for order_id, amount, code in (
            ("unpaid", 1, "not_refundable"), ("paid", 401, "refund_exceeds_payment"), ("paid", 0, "invalid_body"),
            ("back", 1, "nothing_left_to_refund"), ("nowhere", 1, "transaction_not_found"),
        ):  # fmt: skip
            with nothing_done(monkeypatch):
                dry = told(tenant.refund(seller, order_id=order_id, amount=amount, dry_run=True))
            assert dry[1][1]["code"] == code
            assert dry == told(tenant.refund(seller, order_id=order_id, amount=amount))

    def test_knows_what_stripe_knows_and_does_not_write_it_down(
        self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        tenant.pay(seller)
        Transaction.objects.update(status="processing", amount_received_minor=0)
        with nothing_done(monkeypatch):
            assert tenant.refund(seller, dry_run=True).json()["data"]["amount"] == 1000

    def test_tells_that_an_equal_one_is_in_progress_and_counts_what_it_takes(
        self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        tenant.pay(seller)
        with stripe_fails(monkeypatch, killed, path="/refunds"), pytest.raises(KeyboardInterrupt):
            tenant.refund(seller, amount=400)
        with nothing_done(monkeypatch):
            equal, other = (tenant.refund(seller, amount=amount, dry_run=True) for amount in (400, 500))
        assert (equal.status_code, equal.json()["details"]["code"]) == (409, "operation_in_progress")
        assert (other.status_code, other.json()["data"]["amount_left"]) == (200, 100)

    def test_tells_that_the_payment_is_in_progress(self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch) -> None:
        transaction_id = tenant.create_payment(seller)
        with stripe_fails(monkeypatch, killed, path="/confirm"), pytest.raises(KeyboardInterrupt):
            tenant.confirm(seller, transaction_id)
        with nothing_done(monkeypatch):
            dry = told(tenant.refund(seller, dry_run=True))
        assert (dry[0], dry[1][1]["code"]) == (409, "operation_in_progress")
        assert dry == told(tenant.refund(seller))

    def test_at_a_deleted_account_is_refused_as_the_refund_is(self, tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
        seller = tenant.create_seller("gone@example.com", onboarded=False)
        complete_onboarding(account_id=seller)
        tenant.pay(seller)
        tenant.delete(f"/connected-accounts/{seller}")
        with nothing_done(monkeypatch):
            dry = told(tenant.refund(seller, dry_run=True))
        assert dry == told(tenant.refund(seller))


class TestADryRunUnderAKey:
    def test_is_refused_and_leaves_the_key_free_for_the_real_request(
        self, tenant: Tenant, seller: str, held: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        paid = tenant.pay(seller, order_id="2")
        asked = {f"/transactions/{held}/capture": {}, "/refunds": {"transaction_id": paid, "account_id": seller}}
        for number, (path, body) in enumerate(asked.items()):
            key = {"Idempotency-Key": f"key-{number}"}
            with nothing_done(monkeypatch):
                refused = tenant.post(path, {**body, "dry_run": True}, **key)
            details = refused.json()["details"]
            assert (refused.status_code, details["code"], list(details["fields"])) == (400, "dry_run_under_key", ["dry_run"])
            assert tenant.post(path, body, **key).status_code in (200, 201)
        assert (Refund.objects.count(), Operation.objects.filter(status="succeeded", kind="refund.create").count()) == (1, 1)

    @pytest.mark.parametrize("dry_run", ["true", 1, None])
    def test_is_meant_by_true_alone(self, tenant: Tenant, seller: str, dry_run: Any) -> None:
        tenant.pay(seller)
        refused = tenant.refund(seller, dry_run=dry_run)
        assert (refused.status_code, list(refused.json()["details"]["fields"])) == (400, ["dry_run"])
        assert Refund.objects.count() == 0
