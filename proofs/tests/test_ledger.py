"""The comparison of the books is proven itself: each kind of violation is planted by hand, and found."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import ConnectedAccount
from commercecore_payments.tests.tenants import Tenant
from gateway.client import stripe_client
from gateway.models import Kind, Operation, Status
from gateway.operations import OPERATION_METADATA_KEY
from gateway.tests.faults import stripe_fails, time_out_before
from idempotency.models import FINGERPRINT_LENGTH, IdempotencyKey
from proofs.findings import Rule
from proofs.ledger import compare
from proofs.world import World
from refunds.models import Refund
from sandbox.models import SandboxObject
from transactions.models import Transaction

ORDER = "order_1"


@pytest.fixture
def world(transactional_db: None) -> World:
    return World.create()


def found(tenant: Tenant, *, at_rest: bool = True) -> set[Rule]:
    return {finding.rule for finding in compare(developer_id=tenant.developer.pk, at_rest=at_rest)}


def change(row: SandboxObject, **data: Any) -> None:
    """Writes into Stripe's own books, past everybody."""
    row.data |= data
    row.save()


def at_stripe(object_type: str) -> SandboxObject:
    return SandboxObject.objects.filter(object_type=object_type).latest("pk")


def copy(row: SandboxObject) -> None:
    """The same object once more, under another id."""
    row.pk = None
    row.stripe_id += "again"
    row.data["id"] = row.stripe_id
    row.save()


def close(kind: Kind, status: Status) -> None:
    Operation.objects.filter(kind=kind).update(status=status, closed_at=timezone.now())


def held_payment(tenant: Tenant, seller: str) -> str:
    """The id of a payment whose money is held, made so at Stripe."""
    transaction_id = tenant.create_payment(seller, order_id=ORDER)
    options: Any = {"stripe_account": seller}
    stripe_client().v1.payment_intents.update(transaction_id, {"capture_method": "manual"}, options)
    assert tenant.confirm(seller, transaction_id).json()["data"]["status"] == "requires_capture"
    return transaction_id


def plant_operation(tenant: Tenant, kind: Kind, target_id: str, status: Status, parameters: str = "{}") -> None:
    Operation.objects.create(
        kind=kind, status=status, target_id=target_id, parameters_json=parameters, developer=tenant.developer,
        subject_type="transaction", subject_id=Transaction.objects.get().pk, closed_at=timezone.now(),
    )  # fmt: skip


class TestBooksThatAgree:
    def test_have_no_findings(self, world: World) -> None:
        tenant, seller = world.tenant, world.sellers[0]
        tenant.pay(seller, order_id=ORDER)
        assert tenant.refund(seller, order_id=ORDER, amount=300).status_code == 201
        tenant.confirm(seller, tenant.create_payment(seller, order_id="order_2"), "pm_card_chargeDeclined")
        assert tenant.post("/payment-methods", {"payment_method_id": "pm_card_visa"}).status_code == 201
        assert tenant.post("/payment-methods", {"payment_method_id": "pm_card_chargeDeclined"}).status_code == 402
        assert world.findings(at_rest=True) == []

    def test_have_none_while_an_outcome_is_unknown(self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch) -> None:
        tenant.pay(seller, order_id=ORDER)
        with stripe_fails(monkeypatch, time_out_before, path="/refunds"):
            assert tenant.refund(seller, order_id=ORDER).status_code == 503
        assert found(tenant, at_rest=False) == set()


class TestAChargeTooMany:
    def test_of_an_order_is_found(self, tenant: Tenant, seller: str) -> None:
        tenant.pay(seller, order_id=ORDER)
        Transaction.objects.update(holds_order=False)
        tenant.pay(seller, order_id=ORDER)
        assert found(tenant) == {Rule.ORDER_CHARGED_TWICE}

    def test_is_none_where_the_first_was_given_back(self, tenant: Tenant, seller: str) -> None:
        tenant.pay(seller, order_id=ORDER)
        assert tenant.refund(seller, order_id=ORDER).status_code == 201
        tenant.pay(seller, order_id=ORDER)
        assert found(tenant) == set()

    def test_of_an_intent_is_found(self, tenant: Tenant, seller: str) -> None:
        tenant.pay(seller, order_id=ORDER)
        copy(at_stripe("charge"))
        assert found(tenant) >= {Rule.INTENT_CHARGED_TWICE, Rule.ORDER_CHARGED_TWICE}


class TestALateCharge:
    def test_is_found(self, tenant: Tenant, seller: str) -> None:
        tenant.pay(seller, order_id=ORDER)
        confirmation = Operation.objects.get(kind=Kind.PAYMENT_INTENT_CONFIRM)
        confirmation.created_at -= timedelta(seconds=170)
        confirmation.save()
        assert found(tenant) == {Rule.CHARGED_LATE}

    def test_is_none_within_the_time_that_a_buyer_waits(self, tenant: Tenant, seller: str) -> None:
        tenant.pay(seller, order_id=ORDER)
        confirmation = Operation.objects.get(kind=Kind.PAYMENT_INTENT_CONFIRM)
        confirmation.created_at -= timedelta(seconds=150)
        confirmation.save()
        assert found(tenant) == set()


class TestMoreThanThereWas:
    def test_is_found_where_it_was_captured(self, tenant: Tenant, seller: str) -> None:
        tenant.pay(seller, order_id=ORDER)
        change(at_stripe("charge"), amount_captured=1001)
        assert Rule.CAPTURED_TOO_MUCH in found(tenant)

    def test_is_found_where_another_part_was_asked_for(self, tenant: Tenant, seller: str) -> None:
        transaction_id = held_payment(tenant, seller)
        stripe_client().v1.payment_intents.capture(transaction_id, {}, {"stripe_account": seller})
        plant_operation(tenant, Kind.PAYMENT_INTENT_CAPTURE, transaction_id, Status.SUCCEEDED, '{"amount_to_capture":400}')
        assert Rule.CAPTURED_TOO_MUCH in found(tenant)

    def test_is_found_where_it_was_refunded(self, tenant: Tenant, seller: str) -> None:
        tenant.pay(seller, order_id=ORDER)
        tenant.refund(seller, order_id=ORDER, amount=600)
        copy(at_stripe("refund"))
        assert found(tenant) >= {Rule.REFUNDED_TOO_MUCH, Rule.DONE_TWICE}

    def test_is_found_where_it_is_spoken_for_here(self, tenant: Tenant, seller: str) -> None:
        tenant.pay(seller, order_id=ORDER)
        tenant.refund(seller, order_id=ORDER, amount=600)
        Refund.objects.update(amount_minor=1100)
        assert found(tenant, at_rest=False) == {Rule.REFUNDED_TOO_MUCH, Rule.REFUND_DIFFERS}


class TestWhatNoOperationAskedFor:
    def test_is_found_of_a_payment_intent(self, tenant: Tenant, seller: str) -> None:
        stripe_client().v1.payment_intents.create({"amount": 500, "currency": "usd"}, {"stripe_account": seller})
        assert found(tenant) == {Rule.DONE_WITHOUT_OPERATION, Rule.PAYMENT_DIFFERS}

    def test_is_found_of_a_refund(self, tenant: Tenant, seller: str) -> None:
        transaction_id = tenant.pay(seller, order_id=ORDER)
        stripe_client().v1.refunds.create({"payment_intent": transaction_id, "amount": 5}, {"stripe_account": seller})
        assert Rule.DONE_WITHOUT_OPERATION in found(tenant)

    def test_is_found_of_a_charge(self, tenant: Tenant, seller: str) -> None:
        transaction_id = tenant.create_payment(seller, order_id=ORDER)
        stripe_client().v1.payment_intents.confirm(transaction_id, {"payment_method": "pm_card_visa"}, {"stripe_account": seller})
        assert Rule.DONE_WITHOUT_OPERATION in found(tenant)

    def test_is_found_of_a_capture(self, tenant: Tenant, seller: str) -> None:
        transaction_id = held_payment(tenant, seller)
        stripe_client().v1.payment_intents.capture(transaction_id, {}, {"stripe_account": seller})
        assert Rule.DONE_WITHOUT_OPERATION in found(tenant)

    def test_is_found_of_a_cancellation(self, tenant: Tenant, seller: str) -> None:
        transaction_id = tenant.create_payment(seller, order_id=ORDER)
        stripe_client().v1.payment_intents.cancel(transaction_id, {}, {"stripe_account": seller})
        assert Rule.DONE_WITHOUT_OPERATION in found(tenant)


class TestWhatHappenedTwice:
    def test_is_found_by_the_operation_that_both_name(self, tenant: Tenant, seller: str) -> None:
        transaction_id = tenant.pay(seller, order_id=ORDER)
        tenant.refund(seller, order_id=ORDER, amount=100)
        operation = Operation.objects.get(kind=Kind.REFUND_CREATE)
        again: Any = {"payment_intent": transaction_id, "amount": 100, "metadata": {OPERATION_METADATA_KEY: operation.pk}}
        stripe_client().v1.refunds.create(again, {"stripe_account": seller})
        assert Rule.DONE_TWICE in found(tenant)

    def test_is_found_by_the_key_that_both_were_asked_under(self, tenant: Tenant, seller: str) -> None:
        tenant.pay(seller, order_id=ORDER)
        for amount in (100, 200):
            tenant.refund(seller, order_id=ORDER, amount=amount)
        key = IdempotencyKey.objects.create(
            developer=tenant.developer, key="key-1", fingerprint="f" * FINGERPRINT_LENGTH, held_until=timezone.now()
        )
        Operation.objects.filter(kind=Kind.REFUND_CREATE).update(caller_key=key)
        assert found(tenant) == {Rule.DONE_TWICE}


class TestWhatHappenedAndIsCalledAFailure:
    @pytest.mark.parametrize("status", [Status.REJECTED, Status.DECLINED, Status.NOT_SENT])
    @pytest.mark.parametrize("kind", [Kind.REFUND_CREATE, Kind.PAYMENT_INTENT_CREATE, Kind.PAYMENT_INTENT_CONFIRM])
    def test_is_found(self, tenant: Tenant, seller: str, kind: Kind, status: Status) -> None:
        tenant.pay(seller, order_id=ORDER)
        tenant.refund(seller, order_id=ORDER, amount=100)
        close(kind, status)
        assert found(tenant) == {Rule.DONE_AND_RECORDED_AS_FAILED}

    def test_is_found_of_a_saved_card(self, tenant: Tenant) -> None:
        tenant.post("/payment-methods", {"payment_method_id": "pm_card_visa"})
        close(Kind.SETUP_INTENT_CREATE, Status.NOT_SENT)
        assert found(tenant) == {Rule.DONE_AND_RECORDED_AS_FAILED}

    def test_is_found_of_a_capture(self, tenant: Tenant, seller: str) -> None:
        transaction_id = held_payment(tenant, seller)
        stripe_client().v1.payment_intents.capture(transaction_id, {}, {"stripe_account": seller})
        plant_operation(tenant, Kind.PAYMENT_INTENT_CAPTURE, transaction_id, Status.REJECTED)
        assert Rule.DONE_AND_RECORDED_AS_FAILED in found(tenant)

    def test_is_found_of_a_cancellation(self, tenant: Tenant, seller: str) -> None:
        transaction_id = tenant.create_payment(seller, order_id=ORDER)
        stripe_client().v1.payment_intents.cancel(transaction_id, {}, {"stripe_account": seller})
        plant_operation(tenant, Kind.PAYMENT_INTENT_CANCEL, transaction_id, Status.NOT_SENT)
        assert Rule.DONE_AND_RECORDED_AS_FAILED in found(tenant)


class TestWhatIsRecordedAndNeverHappened:
    def test_is_found_of_a_refund(self, tenant: Tenant, seller: str) -> None:
        tenant.pay(seller, order_id=ORDER)
        tenant.refund(seller, order_id=ORDER, amount=100)
        at_stripe("refund").delete()
        assert found(tenant) >= {Rule.RECORDED_AND_NOT_DONE, Rule.REFUND_DIFFERS}

    def test_is_found_of_a_payment(self, tenant: Tenant, seller: str) -> None:
        tenant.create_payment(seller, order_id=ORDER)
        at_stripe("payment_intent").delete()
        assert found(tenant) == {Rule.RECORDED_AND_NOT_DONE, Rule.PAYMENT_DIFFERS}


class TestARowThatDiffers:
    def test_is_found_by_its_status(self, tenant: Tenant, seller: str) -> None:
        tenant.create_payment(seller, order_id=ORDER)
        Transaction.objects.update(status="canceled")
        assert found(tenant) == {Rule.PAYMENT_DIFFERS}

    def test_is_found_by_its_sums(self, tenant: Tenant, seller: str) -> None:
        tenant.pay(seller, order_id=ORDER)
        Transaction.objects.update(amount_received_minor=999)
        assert found(tenant) == {Rule.PAYMENT_DIFFERS, Rule.ACCOUNT_DIFFERS}

    def test_is_found_by_what_was_refunded(self, tenant: Tenant, seller: str) -> None:
        tenant.pay(seller, order_id=ORDER)
        tenant.refund(seller, order_id=ORDER, amount=100)
        Transaction.objects.update(amount_refunded_minor=0)
        assert found(tenant) == {Rule.PAYMENT_DIFFERS, Rule.ACCOUNT_DIFFERS}

    @pytest.mark.parametrize("change", [{"status": "pending"}, {"amount_minor": 99}])
    def test_is_found_of_a_refund(self, tenant: Tenant, seller: str, change: dict[str, Any]) -> None:
        tenant.pay(seller, order_id=ORDER)
        tenant.refund(seller, order_id=ORDER, amount=100)
        Refund.objects.update(**change)
        assert found(tenant) == {Rule.REFUND_DIFFERS}

    def test_may_lag_behind_its_buyer_until_it_is_read(self, tenant: Tenant, seller: str) -> None:
        transaction_id = tenant.create_payment(seller, order_id=ORDER)
        tenant.confirm(seller, transaction_id, "pm_card_authenticationRequired")
        World(tenant, [seller]).answer_challenge(transaction_id, passes=True)
        assert found(tenant, at_rest=False) == set()
        assert found(tenant) == {Rule.PAYMENT_DIFFERS, Rule.ACCOUNT_DIFFERS}
        tenant.get(f"/transactions/{transaction_id}")
        assert found(tenant) == set()


class TestBooksOfAnAccount:
    def test_that_do_not_add_up_are_found(self, tenant: Tenant, seller: str) -> None:
        tenant.pay(seller, order_id=ORDER)
        tenant.get("/connected-accounts/" + seller)  # the charge is booked with the next call
        SandboxObject.objects.filter(object_type="balance_transaction", account=seller).delete()
        assert found(tenant) == {Rule.ACCOUNT_DIFFERS}

    def test_with_a_fee_that_nobody_asked_for_are_found(self, tenant: Tenant, seller: str) -> None:
        transaction_id = tenant.create_payment(seller, order_id=ORDER)
        stripe_client().v1.payment_intents.update(transaction_id, {"application_fee_amount": 50}, {"stripe_account": seller})
        tenant.confirm(seller, transaction_id)
        tenant.get("/connected-accounts/" + seller)
        assert found(tenant) == {Rule.FEE_DIFFERS}


class TestAReservation:
    def test_that_is_given_away_too_early_is_found_of_a_refund(
        self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        tenant.pay(seller, order_id=ORDER)
        with stripe_fails(monkeypatch, time_out_before, path="/refunds"):
            tenant.refund(seller, order_id=ORDER)
        Refund.objects.update(status="creation_failed")
        assert found(tenant) == {Rule.RESERVATION_LOST}

    def test_that_is_given_away_too_early_is_found_of_an_order(
        self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        transaction_id = tenant.create_payment(seller, order_id=ORDER)
        with stripe_fails(monkeypatch, time_out_before, path="/confirm"):
            tenant.confirm(seller, transaction_id)
        Transaction.objects.update(holds_order=False)
        assert found(tenant) == {Rule.RESERVATION_LOST}

    def test_that_is_given_away_too_early_is_found_of_an_account(
        self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with stripe_fails(monkeypatch, time_out_before, path="/accounts"):
            tenant.delete(f"/connected-accounts/{seller}")
        ConnectedAccount.objects.update(status="active")
        assert found(tenant) == {Rule.RESERVATION_LOST}

    def test_that_nothing_will_ever_end_is_found(self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch) -> None:
        tenant.pay(seller, order_id=ORDER)
        with stripe_fails(monkeypatch, time_out_before, path="/refunds"):
            tenant.refund(seller, order_id=ORDER)
        close(Kind.REFUND_CREATE, Status.REJECTED)
        assert found(tenant) == {Rule.LEFT_BEHIND}
