"""The statements that are written once do what the ORM would do, and both halves of a pair or none."""

from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db import IntegrityError

from accounts.models import ConnectedAccount
from accounts.operations import while_open
from commercecore_payments.instances import new_row, twin
from commercecore_payments.rows import column_values
from commercecore_payments.statements import While, insert_with_subject
from commercecore_payments.tests.tenants import Tenant
from gateway.models import Kind, Operation
from transactions.models import Transaction

TIMES = {"created_at": timedelta(), "last_sent_at": timedelta(), "next_recovery_at": timedelta(minutes=1)}


def account_of(seller: str) -> ConnectedAccount:
    return ConnectedAccount.objects.get(stripe_account_id=seller)


def a_payment(tenant: Tenant, seller: str, **more: Any) -> Transaction:
    named = {"developer": tenant.developer, "app": tenant.app, "account": account_of(seller)}
    return new_row(Transaction, **named, order_id="1", amount_minor=1000, currency="usd", **more)


def an_operation(tenant: Tenant) -> Operation:
    return new_row(
        Operation, kind=Kind.PAYMENT_INTENT_CREATE, subject_type="transaction", parameters_json="{}", developer=tenant.developer
    )


def insert_both(operation: Operation, payment: Transaction, *, account: While, key: While | None = None) -> bool:
    return insert_with_subject(operation, payment, key="subject_id", times=TIMES, subject_while=account, row_while=key)


def stored() -> tuple[int, int]:
    """Payments and operations beside those of the tenant's own making."""
    return Transaction.objects.count(), Operation.objects.filter(kind=Kind.PAYMENT_INTENT_CREATE).count()


@pytest.mark.django_db
class TestAnInsertionWithItsSubject:
    def test_stores_both_and_the_one_names_the_other(self, tenant: Tenant, seller: str) -> None:
        payment, operation = a_payment(tenant, seller), an_operation(tenant)
        assert insert_both(operation, payment, account=while_open(payment.account)) is True
        there = Operation.objects.get(pk=operation.pk)
        assert there.subject_id == operation.subject_id == payment.pk == Transaction.objects.get().pk
        assert column_values(there) == column_values(operation)
        assert column_values(Transaction.objects.get()) == column_values(payment)
        assert there.next_recovery_at is not None
        assert timedelta(0) <= there.next_recovery_at - there.created_at - timedelta(minutes=1) < timedelta(seconds=1)

    @pytest.mark.parametrize("status", ["deleting", "deleted"])
    def test_stores_nothing_where_the_account_is_not_open(self, tenant: Tenant, seller: str, status: str) -> None:
        payment, operation = a_payment(tenant, seller), an_operation(tenant)
        ConnectedAccount.objects.filter(pk=payment.account.pk).update(status=status)
        assert insert_both(operation, payment, account=while_open(payment.account)) is False
        assert stored() == (0, 0)

    def test_stores_nothing_where_the_second_condition_does_not_hold(self, tenant: Tenant, seller: str) -> None:
        payment, operation = a_payment(tenant, seller), an_operation(tenant)
        lost = While(ConnectedAccount, {"id": payment.account.pk, "email": "another@example.com"})
        assert insert_both(operation, payment, account=while_open(payment.account), key=lost) is False
        assert stored() == (0, 0)

    def test_stores_nothing_more_where_the_order_is_taken(self, tenant: Tenant, seller: str) -> None:
        first = a_payment(tenant, seller)
        assert insert_both(an_operation(tenant), first, account=while_open(first.account)) is True
        with pytest.raises(IntegrityError):
            insert_both(an_operation(tenant), a_payment(tenant, seller), account=while_open(first.account))
        assert stored() == (1, 1)


@pytest.mark.django_db
class TestARow:
    def test_that_is_new_has_what_the_model_would_give_it(self, tenant: Tenant, seller: str) -> None:
        named = {"developer": tenant.developer, "app": tenant.app, "account": account_of(seller)}
        new, whole = (make(**named, order_id="1", amount_minor=1) for make in (partial(new_row, Transaction), Transaction))
        differing = {name for name, value in column_values(new).items() if column_values(whole)[name] != value}
        assert differing == {"created_at", "updated_at"}
        assert (new.account, new._state.adding, new._state.db) == (named["account"], True, None)
        new.save()
        assert column_values(Transaction.objects.get()) == column_values(new)

    def test_with_a_name_that_no_field_has_is_refused(self) -> None:
        with pytest.raises(TypeError, match="Operation has no statuss"):
            new_row(Operation, statuss="sending")

    def test_and_its_twin_change_each_by_itself(self, tenant: Tenant, seller: str) -> None:
        payment = a_payment(tenant, seller)
        other = twin(payment)
        other.status, other.account = "succeeded", ConnectedAccount(stripe_account_id="acct_other")
        assert (payment.status, payment.account.stripe_account_id) == ("creating", seller)
        assert (twin(payment).account, twin(payment)._state.adding) == (payment.account, True)
