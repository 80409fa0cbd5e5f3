"""Orders that the sandbox keeps for a service without an order service."""

import pytest
from django.db import IntegrityError, transaction

from sandbox.models import SandboxOrder
from sandbox.orders import create_order, find_order

pytestmark = pytest.mark.django_db


class TestAnOrder:
    def test_is_found_by_its_developer(self) -> None:
        order = create_order(developer_id="de_1", account_id="acct_1", amount_minor=1250, currency="EUR")
        found = find_order(developer_id="de_1", order_id=order.order_id)
        assert found is not None
        assert (found.account_id, found.amount_minor, found.currency) == ("acct_1", 1250, "eur")
        assert order.order_id.startswith("order_")

    def test_is_not_there_for_another_developer(self) -> None:
        order = create_order(developer_id="de_1", account_id="acct_1", amount_minor=1250, currency="eur")
        assert find_order(developer_id="de_2", order_id=order.order_id) is None
        assert find_order(developer_id="de_1", order_id="order_unknown") is None

    def test_has_an_id_of_its_own_for_each_developer(self) -> None:
        for developer in ("de_1", "de_2"):
            create_order(developer_id=developer, account_id="acct_1", amount_minor=1, currency="usd", order_id="7")
        with pytest.raises(IntegrityError), transaction.atomic():
            create_order(developer_id="de_1", account_id="acct_1", amount_minor=2, currency="usd", order_id="7")
        assert SandboxOrder.objects.count() == 2

    @pytest.mark.parametrize("amount", [0, -1])
    def test_costs_something(self, amount: int) -> None:
        with pytest.raises(IntegrityError), transaction.atomic():
            create_order(developer_id="de_1", account_id="acct_1", amount_minor=amount, currency="usd")
        assert SandboxOrder.objects.count() == 0
