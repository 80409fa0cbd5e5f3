"""The account that each refund names: that of its payment."""

from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.db import connection

from commercecore_payments.tests.listed_rows import make_payment, make_refund
from commercecore_payments.tests.tenants import Tenant
from refunds.models import Refund
from refunds.operations.correct import correct_refund
from refunds.tests.test_webhooks import refund_past_us
from stripe_events.tests.arrivals import arrive, told_by_stripe, work
from transactions.tests.test_webhooks import pay_past_us


def accounts() -> list[str | None]:
    return list(Refund.objects.order_by("pk").values_list("account__stripe_account_id", flat=True))


class TestARefundNamesTheAccountOfItsPayment:
    def test_when_an_app_asks_for_it(self, tenant: Tenant, seller: str) -> None:
        tenant.pay(seller)
        assert tenant.refund(seller, amount=400).status_code == 201
        assert accounts() == [seller]

    def test_when_it_was_made_past_this_service(self, tenant: Tenant, seller: str) -> None:
        refund_past_us(seller, pay_past_us(seller))
        arrive(told_by_stripe(seller, "refund.created"))
        work()
        assert accounts() == [seller]

    def test_when_a_person_corrects_it(self, tenant: Tenant, seller: str) -> None:
        tenant.pay(seller)
        tenant.refund(seller, amount=400)
        Refund.objects.update(account=None)
        correct_refund(Refund.objects.select_related("transaction__account").get())
        assert accounts() == [seller]


class TestTheMigration:
    @pytest.mark.parametrize("undone", [False, True])
    def test_copies_the_account_to_every_refund_in_batches(
        self, tenant: Tenant, monkeypatch: pytest.MonkeyPatch, undone: bool
    ) -> None:
        migration: Any = import_module("refunds.migrations.0009_account_of_its_payment")
        monkeypatch.setattr(migration, "BATCH", 2)
        for _ in range(5):
            make_refund(tenant, account=None)
        wanted = list(Refund.objects.order_by("pk").values_list("transaction__account__stripe_account_id", flat=True))
        copy = migration.CopyAccounts()
        with connection.schema_editor() as editor:
            assert [copy(apps, editor), copy(apps, editor), copy(apps, editor)] == [2, 2, 1]
            if undone:
                Refund.objects.filter(pk=Refund.objects.earliest("pk").pk).update(account=None)
                assert copy(apps, editor) == 1
            assert copy(apps, editor) == 0
        assert accounts() == wanted
        assert None not in wanted

    def test_leaves_what_it_has_copied_alone(self, tenant: Tenant) -> None:
        migration: Any = import_module("refunds.migrations.0009_account_of_its_payment")
        refund = make_refund(tenant, account=make_payment(tenant).account)
        with connection.schema_editor() as editor:
            assert migration.CopyAccounts()(apps, editor) == 0
        assert Refund.objects.get().account_id == refund.account_id
