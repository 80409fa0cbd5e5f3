"""What belongs to one account is not there for another."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import stripe

from sandbox.tests.refusals import told

Make = Callable[..., Any]


def missing(call: Callable[[], Any]) -> stripe.InvalidRequestError:
    """The refusal of a call for what does not exist there."""
    with pytest.raises(stripe.InvalidRequestError) as refused:
        call()
    assert refused.value.code == "resource_missing"
    return refused.value


class TestObjectsOfASeller:
    def test_are_not_there_for_the_platform_or_another_seller(
        self, v1: Any, at_seller: dict[str, str], new_seller: Callable[[], str], pay: Make
    ) -> None:
        payment = pay()
        refund = v1.refunds.create({"payment_intent": payment.id, "amount": 100}, at_seller)
        customer = v1.customers.create(None, at_seller)
        for elsewhere in ({}, {"stripe_account": new_seller()}):
            for call in (
                partial(v1.payment_intents.retrieve, payment.id, None, elsewhere),
                partial(v1.payment_intents.cancel, payment.id, None, elsewhere),
                partial(v1.charges.retrieve, payment.latest_charge, None, elsewhere),
                partial(v1.refunds.retrieve, refund.id, None, elsewhere),
                partial(v1.payment_methods.retrieve, payment.payment_method, None, elsewhere),
                partial(v1.customers.retrieve, customer.id, None, elsewhere),
            ):
                assert missing(call).http_status == 404
            assert missing(partial(v1.refunds.create, {"charge": payment.latest_charge}, elsewhere)).http_status == 400
            assert v1.payment_intents.list(None, elsewhere).data == []
            assert v1.charges.list(None, elsewhere).data == []
            assert v1.refunds.list(None, elsewhere).data == []
        assert v1.charges.retrieve(payment.latest_charge, None, at_seller).amount_refunded == 100

    def test_take_no_customer_or_method_of_the_platform(self, v1: Any, at_seller: dict[str, str], new_payment: Make) -> None:
        customer = v1.customers.create({"payment_method": "pm_card_visa"})
        method = v1.customers.payment_methods.list(customer.id).data[0]
        assert missing(lambda: new_payment(customer=customer.id)).param == "customer"
        assert missing(lambda: new_payment(payment_method=method.id)).param == "payment_method"
        assert v1.payment_intents.list(None, at_seller).data == []


class TestTheAccountHeader:
    @pytest.mark.parametrize("account", ["acct_unknown", "nonsense", "acct_1" + "x" * 300])
    def test_of_an_unknown_account_is_a_403(self, v1: Any, account: str) -> None:
        with pytest.raises(stripe.PermissionError) as refused:
            v1.payment_intents.create({"amount": 100, "currency": "usd"}, {"stripe_account": account})
        assert (refused.value.http_status, told(refused).code) == (403, "account_invalid")
        assert told(refused).type == "invalid_request_error"

    def test_of_a_deleted_account_is_a_403(self, v1: Any, at_seller: dict[str, str], pay: Make) -> None:
        payment = pay()
        v1.accounts.delete(at_seller["stripe_account"])
        with pytest.raises(stripe.PermissionError):
            v1.payment_intents.retrieve(payment.id, None, at_seller)

    def test_lets_an_account_see_itself_and_no_other(self, v1: Any, new_seller: Callable[[], str]) -> None:
        one, other = new_seller(), new_seller()
        assert v1.accounts.retrieve(one, None, {"stripe_account": one}).id == one
        with pytest.raises(stripe.PermissionError):
            v1.accounts.retrieve(other, None, {"stripe_account": one})

    def test_lets_no_account_make_accounts_or_links_of_others(self, v1: Any, new_seller: Callable[[], str]) -> None:
        one, other = new_seller(), new_seller()
        with pytest.raises(stripe.InvalidRequestError):
            v1.accounts.create({"type": "express"}, {"stripe_account": one})
        assert len(v1.accounts.list().data) == 2
        addresses = {"return_url": "https://shop.example", "refresh_url": "https://shop.example"}
        parameters = {"account": other, "type": "account_onboarding", **addresses}
        assert missing(lambda: v1.account_links.create(parameters, {"stripe_account": one})).param == "account"
