"""What a payment can become, and what the database itself refuses."""

from dataclasses import replace
from itertools import product

import pytest
from django.db import IntegrityError, transaction

from commercecore_payments.tests.tenants import Tenant, charges_at_stripe, intent_at_stripe
from gateway.models import Operation
from gateway.models import Status as OperationStatus
from gateway.outcomes import Outcome
from gateway.snapshots import PaymentIntentSnapshot
from transactions.models import LEGAL_MOVES, Status, Transaction, is_legal_move
from transactions.operations.settle import settle_payment_intent

OPEN = ("requires_payment_method", "requires_confirmation", "requires_action")
AT_STRIPE = (*OPEN, "processing", "requires_capture", "succeeded", "canceled")
LEGAL = {
    *product(("creating", "creation_failed"), AT_STRIPE),
    ("creating", "creation_failed"),
    *((before, after) for before, after in product(OPEN, AT_STRIPE) if before != after),
    *product(["processing"], ("requires_payment_method", "requires_action", "requires_capture", "succeeded", "canceled")),
    *product(["requires_capture"], ("processing", "succeeded", "canceled")),
}


class TestTheTableOfMoves:
    def test_has_a_row_for_every_status(self) -> None:
        assert set(LEGAL_MOVES) == set(Status)

    @pytest.mark.parametrize(("before", "after"), sorted(product(Status.values, Status.values)))
    def test_holds_exactly_the_legal_ones(self, before: str, after: str) -> None:
        assert is_legal_move(before, after) == (before == after or (before, after) in LEGAL)

    def test_lets_a_status_in_that_is_new_at_stripe_except_after_the_end(self) -> None:
        assert is_legal_move("processing", "requires_magic")
        assert is_legal_move("requires_magic", "succeeded")
        assert not is_legal_move("succeeded", "requires_magic")


class TestATransaction:
    @pytest.mark.parametrize("status", ["requires_capture", "canceled", "requires_payment_method"])
    def test_that_succeeded_is_not_changed_by_an_old_answer(self, tenant: Tenant, seller: str, status: str) -> None:
        payment = Transaction.objects.get(stripe_payment_intent_id=tenant.pay(seller))
        seen = PaymentIntentSnapshot.from_stripe(intent_at_stripe(seller, payment.stripe_payment_intent_id))
        payment.apply(replace(seen, status=status, amount_received_minor=0))
        payment.refresh_from_db()
        assert (payment.status, payment.amount_received_minor) == ("succeeded", 1000)

    @pytest.mark.parametrize(
        "sums",
        [
            {"amount_received_minor": 1001},
            {"amount_received_minor": -1},
            {"amount_capturable_minor": -1},
            {"amount_capturable_minor": 1001},
            {"amount_received_minor": 400, "amount_capturable_minor": 601},
            {"amount_refunded_minor": 1},
            {"amount_received_minor": 1000, "amount_refunded_minor": 1001},
            {"application_fee_minor": -1},
            {"application_fee_minor": 1001},
            {"amount_minor": 0},
        ],
    )
    def test_is_refused_by_the_database_with_sums_that_cannot_be(self, tenant: Tenant, seller: str, sums: dict[str, int]) -> None:
        tenant.create_payment(seller)
        with pytest.raises(IntegrityError), transaction.atomic():
            Transaction.objects.update(**sums)
        assert Transaction.objects.get().amount_minor == 1000


class TestACreationThatWasGivenUpAndTurnsUp:
    """As after a person closed it as not done, and Stripe's success came in later."""

    @pytest.fixture
    def given_up(self, tenant: Tenant, seller: str) -> tuple[Operation, Outcome]:
        transaction_id = tenant.create_payment(seller)
        made = PaymentIntentSnapshot.from_stripe(intent_at_stripe(seller, transaction_id))
        payment = Transaction.objects.get()
        payment.stripe_payment_intent_id = ""
        payment.mark_creation_failed()
        operation = Operation.objects.get(kind="payment_intent.create")
        return operation, Outcome(status=OperationStatus.SUCCEEDED, value=made)

    def test_pays_its_order_again(self, tenant: Tenant, seller: str, given_up: tuple[Operation, Outcome]) -> None:
        with transaction.atomic():
            settle_payment_intent(*given_up)
        payment = Transaction.objects.get()
        assert (payment.status, payment.holds_order) == ("requires_payment_method", True)
        assert tenant.confirm(seller, payment.stripe_payment_intent_id).status_code == 200

    def test_does_not_pay_an_order_that_another_has_paid(
        self, tenant: Tenant, seller: str, given_up: tuple[Operation, Outcome]
    ) -> None:
        tenant.pay(seller)
        with transaction.atomic():
            settle_payment_intent(*given_up)
        late = Transaction.objects.get(holds_order=False)
        response = tenant.confirm(seller, late.stripe_payment_intent_id)
        assert (response.status_code, response.json()["details"]["code"]) == (409, "order_taken")
        assert charges_at_stripe(seller, late.stripe_payment_intent_id) == []
