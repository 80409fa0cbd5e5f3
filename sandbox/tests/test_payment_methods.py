"""Customers and their payment methods."""

from collections.abc import Callable
from typing import Any

import pytest
import stripe

from sandbox.tests.refusals import told

Make = Callable[..., Any]
SPENT = "may not be used again"


class TestACustomer:
    def test_is_changed_field_by_field(self, v1: Any) -> None:
        customer = v1.customers.create({"email": "a@example.com", "name": "Ada", "metadata": {"a": "1"}})
        assert customer.id.startswith("cus_")
        assert len(customer.id) == 18
        changed = v1.customers.update(customer.id, {"name": "", "phone": "+15550100"})
        assert (changed.email, changed.name, changed.phone) == ("a@example.com", None, "+15550100")
        assert changed.metadata.to_dict() == {"a": "1"}

    def test_is_found_by_email(self, v1: Any) -> None:
        v1.customers.create({"email": "a@example.com"})
        wanted = v1.customers.create({"email": "b@example.com"})
        assert [customer.id for customer in v1.customers.list({"email": "b@example.com"})] == [wanted.id]

    def test_once_deleted_says_so_and_frees_its_cards_for_nobody(self, v1: Any) -> None:
        customer = v1.customers.create({"payment_method": "pm_card_visa"})
        method = v1.customers.payment_methods.list(customer.id).data[0]
        assert v1.customers.delete(customer.id).deleted is True
        assert v1.customers.retrieve(customer.id).deleted is True
        assert v1.customers.list().data == []
        with pytest.raises(stripe.InvalidRequestError) as refused:
            v1.payment_methods.attach(method.id, {"customer": v1.customers.create().id})
        assert SPENT in str(refused.value)
        for call in (lambda: v1.customers.update(customer.id, {"name": "x"}), lambda: v1.customers.delete(customer.id)):
            with pytest.raises(stripe.InvalidRequestError) as gone:
                call()
            assert (gone.value.http_status, gone.value.code) == (404, "resource_missing")


class TestCreatingAPaymentMethod:
    def test_from_a_token_gives_its_card(self, v1: Any) -> None:
        method = v1.payment_methods.create({"type": "card", "card": {"token": "tok_mastercard"}})
        assert (method.card.brand, method.card.last4, method.customer) == ("mastercard", "4444", None)

    def test_from_tokens_tells_one_card_from_another_by_its_fingerprint(self, v1: Any) -> None:
        tokens = ("tok_visa", "tok_us", "tok_visa_chargeDeclined", "tok_br", "tok_nl", "tok_hu", "tok_gb_debit", "tok_unionpay")
        prints = [v1.payment_methods.create({"type": "card", "card": {"token": token}}).card.fingerprint for token in tokens]
        assert (prints[0], len(set(prints))) == (prints[1], len(tokens) - 1)

    @pytest.mark.parametrize("raw", [{"number": "4242424242424242"}, {"token": "tok_visa", "cvc": "123"}])
    def test_from_a_card_number_is_refused(self, v1: Any, raw: dict[str, str]) -> None:
        with pytest.raises(stripe.StripeError) as refused:
            v1.payment_methods.create({"type": "card", "card": raw})
        assert refused.value.http_status == 402
        assert told(refused).type == "invalid_request_error"
        assert "Sending credit card numbers directly to the Stripe API is generally unsafe" in str(refused.value)
        assert v1.payment_methods.list().data == []

    @pytest.mark.parametrize(
        ("parameters", "code", "param"),
        [
            ({}, "parameter_missing", "type"),
            ({"type": "card"}, "parameter_missing", "card"),
            ({"type": "card", "card": {"token": "tok_unknown"}}, "resource_missing", "card[token]"),
            ({"type": "sepa_debit"}, None, "type"),
        ],
    )
    def test_from_nothing_is_refused(self, v1: Any, parameters: dict[str, Any], code: str, param: str) -> None:
        with pytest.raises(stripe.InvalidRequestError) as refused:
            v1.payment_methods.create(parameters)
        assert (refused.value.http_status, refused.value.code, refused.value.param) == (400, code, param)


class TestATestPaymentMethodThatTheSandboxDoesNotKnow:
    UNKNOWN = "The sandbox does not know this test payment method."

    @pytest.mark.parametrize("name", ["pm_card_dinersInquiry", "pm_usBankAccount_unheardOf", "tok_unheardOf"])
    def test_is_missing_and_said_to_be_unknown_here(self, v1: Any, at_seller: dict[str, str], pay: Make, name: str) -> None:
        with pytest.raises(stripe.InvalidRequestError) as refused:
            pay(name)
        assert (refused.value.http_status, refused.value.code, refused.value.param) == (400, "resource_missing", "payment_method")
        assert told(refused).message == f"No such PaymentMethod: '{name}'. {self.UNKNOWN}"
        with pytest.raises(stripe.InvalidRequestError) as refused:
            v1.payment_methods.attach(name, {"customer": v1.customers.create().id})
        assert (refused.value.http_status, refused.value.code, refused.value.param) == (404, "resource_missing", "payment_method")
        assert told(refused).message == f"No such PaymentMethod: '{name}'. {self.UNKNOWN}"
        assert (v1.payment_intents.list(None, at_seller).data, v1.payment_methods.list().data) == ([], [])

    def test_is_no_token_either(self, v1: Any) -> None:
        with pytest.raises(stripe.InvalidRequestError) as refused:
            v1.payment_methods.create({"type": "card", "card": {"token": "tok_unheardOf"}})
        assert (refused.value.http_status, refused.value.code, refused.value.param) == (400, "resource_missing", "card[token]")
        assert told(refused).message == f"No such token: 'tok_unheardOf'. {self.UNKNOWN}"

    @pytest.mark.parametrize("name", ["pm_1Unknown", "tok_visa"])
    def test_is_none_of_another_name(self, v1: Any, pay: Make, name: str) -> None:
        with pytest.raises(stripe.InvalidRequestError) as refused:
            pay(name)
        assert told(refused).message == f"No such PaymentMethod: '{name}'"


class TestAttaching:
    def test_a_ready_test_card_makes_a_new_method(self, v1: Any) -> None:
        customer = v1.customers.create()
        one = v1.payment_methods.attach("pm_card_visa", {"customer": customer.id})
        other = v1.payment_methods.attach("pm_card_visa", {"customer": customer.id})
        assert one.id != other.id
        assert one.customer == customer.id
        assert [method.id for method in v1.payment_methods.list({"customer": customer.id})] == [other.id, one.id]
        assert [method.id for method in v1.customers.payment_methods.list(customer.id, {"type": "card"})] == [other.id, one.id]

    def test_a_declining_card_is_declined(self, v1: Any) -> None:
        customer = v1.customers.create()
        with pytest.raises(stripe.CardError) as declined:
            v1.payment_methods.attach("pm_card_chargeDeclined", {"customer": customer.id})
        assert (declined.value.http_status, declined.value.code) == (402, "card_declined")
        assert v1.payment_methods.list({"customer": customer.id}).data == []

    def test_the_card_that_declines_later_works(self, v1: Any) -> None:
        customer = v1.customers.create()
        method = v1.payment_methods.attach("pm_card_chargeCustomerFail", {"customer": customer.id})
        parameters = {"amount": 100, "currency": "usd", "customer": customer.id, "payment_method": method.id}
        with pytest.raises(stripe.CardError) as declined:
            v1.payment_intents.create(parameters | {"confirm": True, "return_url": "https://shop.example"})
        assert declined.value.code == "card_declined"
        assert v1.payment_methods.retrieve(method.id).customer == customer.id

    def test_to_a_second_customer_is_refused(self, v1: Any) -> None:
        method = v1.payment_methods.attach("pm_card_visa", {"customer": v1.customers.create().id})
        with pytest.raises(stripe.InvalidRequestError) as refused:
            v1.payment_methods.attach(method.id, {"customer": v1.customers.create().id})
        assert "already been attached" in str(refused.value)

    @pytest.mark.parametrize(
        ("method", "customer", "refusal"),
        [
            ("pm_unknown", "", (404, "resource_missing", "payment_method")),
            ("pm_card_visa", "cus_unknown", (400, "resource_missing", "customer")),
        ],
    )
    def test_what_does_not_exist_is_refused(self, v1: Any, method: str, customer: str, refusal: tuple[int, str, str]) -> None:
        with pytest.raises(stripe.InvalidRequestError) as refused:
            v1.payment_methods.attach(method, {"customer": customer or v1.customers.create().id})
        assert (refused.value.http_status, refused.value.code, refused.value.param) == refusal


class TestDetaching:
    def test_is_for_good(self, v1: Any) -> None:
        customer = v1.customers.create()
        method = v1.payment_methods.attach("pm_card_visa", {"customer": customer.id})
        assert v1.payment_methods.detach(method.id).customer is None
        payment = v1.payment_intents.create({"amount": 100, "currency": "usd"})
        for call in (
            lambda: v1.payment_methods.attach(method.id, {"customer": customer.id}),
            lambda: v1.payment_intents.confirm(payment.id, {"payment_method": method.id, "return_url": "https://a.example"}),
        ):
            with pytest.raises(stripe.InvalidRequestError) as refused:
                call()
            assert refused.value.http_status == 400
            assert SPENT in str(refused.value)
        with pytest.raises(stripe.InvalidRequestError) as refused:
            v1.payment_methods.detach(method.id)
        assert "not attached to a customer" in str(refused.value)


class TestUsingAMethod:
    def test_without_saving_it_uses_it_up(self, v1: Any, at_seller: dict[str, str], pay: Make, new_payment: Make) -> None:
        method = v1.payment_methods.create({"type": "card", "card": {"token": "tok_visa"}}, at_seller)
        assert pay(method.id).status == "succeeded"
        with pytest.raises(stripe.InvalidRequestError) as refused:
            new_payment(payment_method=method.id)
        assert SPENT in str(refused.value)

    def test_that_is_saved_may_go_on(self, v1: Any, at_seller: dict[str, str], pay: Make) -> None:
        customer = v1.customers.create({"payment_method": "pm_card_visa"}, at_seller)
        method = v1.payment_methods.list({"customer": customer.id}, at_seller).data[0]
        assert pay(method.id, customer=customer.id).status == "succeeded"
        assert pay(method.id, customer=customer.id, off_session=True).status == "succeeded"

    def test_of_another_customer_is_refused(self, v1: Any, at_seller: dict[str, str], pay: Make) -> None:
        customer = v1.customers.create({"payment_method": "pm_card_visa"}, at_seller)
        method = v1.payment_methods.list({"customer": customer.id}, at_seller).data[0]
        for parameters in ({}, {"customer": v1.customers.create(None, at_seller).id}):
            with pytest.raises(stripe.InvalidRequestError) as refused:
                pay(method.id, **parameters)
            assert refused.value.param == "payment_method"
            assert f"belongs to the Customer {customer.id}" in str(refused.value)
        assert v1.charges.list(None, at_seller).data == []

    def test_for_future_use_saves_it(self, v1: Any, at_seller: dict[str, str], pay: Make) -> None:
        customer = v1.customers.create(None, at_seller)
        payment = pay(customer=customer.id, setup_future_usage="off_session", expand=["payment_method"])
        assert payment.payment_method.customer == customer.id


class TestCloning:
    def test_copies_a_saved_card_to_the_seller(self, v1: Any, at_seller: dict[str, str], pay: Make) -> None:
        customer = v1.customers.create({"payment_method": "pm_card_amex"})
        original = v1.customers.payment_methods.list(customer.id).data[0]
        copy = v1.payment_methods.create({"customer": customer.id, "payment_method": original.id}, at_seller)
        assert copy.id != original.id
        assert (copy.card.last4, copy.card.fingerprint) == (original.card.last4, original.card.fingerprint)
        assert copy.customer is None
        assert pay(copy.id).status == "succeeded"
        assert v1.payment_methods.retrieve(original.id).customer == customer.id

    def test_keeps_how_the_card_behaves(self, v1: Any, at_seller: dict[str, str], pay: Make) -> None:
        customer = v1.customers.create({"payment_method": "pm_card_chargeCustomerFail"})
        original = v1.customers.payment_methods.list(customer.id).data[0]
        copy = v1.payment_methods.create({"customer": customer.id, "payment_method": original.id}, at_seller)
        with pytest.raises(stripe.CardError) as declined:
            pay(copy.id)
        assert declined.value.code == "card_declined"

    def test_is_refused_for_another_customer_or_without_one(self, v1: Any, at_seller: dict[str, str]) -> None:
        customer = v1.customers.create({"payment_method": "pm_card_visa"})
        original = v1.customers.payment_methods.list(customer.id).data[0]
        for parameters in ({"customer": v1.customers.create().id}, {}):
            with pytest.raises(stripe.InvalidRequestError) as refused:
                v1.payment_methods.create(parameters | {"payment_method": original.id}, at_seller)
            assert refused.value.param == "customer"
        assert v1.payment_methods.list(None, at_seller).data == []

    def test_is_refused_on_the_platform_itself(self, v1: Any) -> None:
        with pytest.raises(stripe.InvalidRequestError) as refused:
            v1.payment_methods.create({"payment_method": "pm_card_visa"})
        assert refused.value.param == "payment_method"

    def test_is_refused_for_a_detached_card(self, v1: Any, at_seller: dict[str, str]) -> None:
        customer = v1.customers.create()
        method = v1.payment_methods.attach("pm_card_visa", {"customer": customer.id})
        v1.payment_methods.detach(method.id)
        with pytest.raises(stripe.InvalidRequestError) as refused:
            v1.payment_methods.create({"customer": customer.id, "payment_method": method.id}, at_seller)
        assert SPENT in str(refused.value)
