"""Customers and their cards: https://docs.stripe.com/api/payment_methods and https://docs.stripe.com/api/setup_intents."""

from collections.abc import Callable

import pytest
import stripe

from gateway import reads
from gateway.tests.contract.calls import NO_REDIRECTS, Options, Services, fault, refusal

Pay = Callable[..., stripe.PaymentIntent]


@pytest.fixture
def customer(v1: Services) -> str:
    """The id of a new customer of the platform."""
    return str(v1.customers.create({"metadata": {"commercecore_user": "usr_1"}}).id)


def save(v1: Services, customer: str, card: str) -> stripe.SetupIntent:
    """Saves a card as the service does."""
    parameters = {"customer": customer, "payment_method": card, "usage": "off_session", "confirm": True, **NO_REDIRECTS}
    made: stripe.SetupIntent = v1.setup_intents.create({**parameters, "expand": ["payment_method"]})
    return made


class TestASavedCard:
    def test_is_a_payment_method_of_its_own(self, v1: Services, customer: str) -> None:
        made = save(v1, customer, "pm_card_visa")
        assert made.status == "succeeded"
        read = reads.retrieve_setup_intent(made.id)
        assert read.payment_method is not None
        assert read.payment_method.id != "pm_card_visa"
        assert (read.payment_method.brand, read.payment_method.last4) == ("visa", "4242")

    def test_pays_a_seller_through_a_clone(self, v1: Services, at_seller: Options, customer: str, pay: Pay) -> None:
        saved = v1.payment_methods.attach("pm_card_visa", {"customer": customer})
        clone = v1.payment_methods.create({"customer": customer, "payment_method": saved.id}, at_seller)
        assert clone.id != saved.id
        assert pay(clone.id).status == "succeeded"

    def test_that_is_detached_is_never_used_again(self, v1: Services, customer: str) -> None:
        saved = v1.payment_methods.attach("pm_card_visa", {"customer": customer})
        assert v1.payment_methods.detach(saved.id).customer is None
        assert fault(lambda: v1.payment_methods.attach(saved.id, {"customer": customer})).http_status == 400

    def test_that_declines_is_told_so(self, v1: Services, customer: str) -> None:
        declined, _ = refusal(lambda: save(v1, customer, "pm_card_visa_chargeDeclined"), stripe.CardError)
        assert (declined.http_status, declined.code, declined.decline_code) == (402, "card_declined", "generic_decline")

    def test_may_be_attached_and_decline_later(self, v1: Services, at_seller: Options, customer: str, pay: Pay) -> None:
        saved = v1.payment_methods.attach("pm_card_chargeCustomerFail", {"customer": customer})
        clone = v1.payment_methods.create({"customer": customer, "payment_method": saved.id}, at_seller)
        assert fault(lambda: pay(clone.id), stripe.CardError).code == "card_declined"

    @pytest.mark.unverified("A card that declines cannot be attached to a customer: 402 card_declined.")
    def test_that_declines_is_not_attached(self, v1: Services, customer: str) -> None:
        declined = fault(
            lambda: v1.payment_methods.attach("pm_card_visa_chargeDeclined", {"customer": customer}), stripe.CardError
        )
        assert (declined.http_status, declined.code) == (402, "card_declined")
