"""Setup intents: saving a card for later."""

from typing import Any

import pytest
import stripe

from sandbox.tests.refusals import RETURN_URL_NEEDED, told

NEVER = {"enabled": True, "allow_redirects": "never"}


def set_up(v1: Any, method: str, **parameters: Any) -> Any:
    """A setup intent on the platform, confirmed at once."""
    defaults = {"payment_method": method, "confirm": True, "automatic_payment_methods": NEVER}
    return v1.setup_intents.create(defaults | parameters)


class TestASetupIntent:
    def test_starts_without_a_method(self, v1: Any) -> None:
        intent = v1.setup_intents.create()
        assert intent.id.startswith("seti_1")
        assert intent.client_secret.startswith(f"{intent.id}_secret_")
        assert (intent.status, intent.usage) == ("requires_payment_method", "off_session")

    def test_with_a_method_waits_for_confirmation(self, v1: Any) -> None:
        intent = v1.setup_intents.create({"payment_method": "pm_card_visa", "automatic_payment_methods": NEVER})
        assert intent.status == "requires_confirmation"
        assert v1.setup_intents.confirm(intent.id).status == "succeeded"

    def test_saves_the_card_for_its_customer(self, v1: Any) -> None:
        customer = v1.customers.create()
        intent = set_up(v1, "pm_card_visa", customer=customer.id, expand=["payment_method"])
        assert (intent.status, intent.payment_method.customer) == ("succeeded", customer.id)
        assert [method.id for method in v1.payment_methods.list({"customer": customer.id})] == [intent.payment_method.id]

    @pytest.mark.parametrize("card", ["authenticationRequired", "authenticationRequiredOnSetup", "threeDSecure2Required"])
    def test_asks_the_buyer_of_a_challenged_card(self, v1: Any, card: str) -> None:
        customer = v1.customers.create()
        intent = set_up(v1, f"pm_card_{card}", customer=customer.id, return_url="https://shop.example/back")
        assert intent.status == "requires_action"
        assert f"/sandbox/3d-secure/{intent.id}/" in intent.next_action.redirect_to_url.url
        assert v1.payment_methods.list({"customer": customer.id}).data == []

    def test_is_declined_with_a_declining_card(self, v1: Any) -> None:
        customer = v1.customers.create()
        with pytest.raises(stripe.CardError) as declined:
            set_up(v1, "pm_card_chargeDeclinedInsufficientFunds", customer=customer.id)
        error = told(declined)
        assert (declined.value.http_status, error.code, error.decline_code) == (402, "card_declined", "insufficient_funds")
        intent = v1.setup_intents.retrieve(error.setup_intent.id)
        assert (intent.status, intent.payment_method) == ("requires_payment_method", None)
        assert intent.last_setup_error.decline_code == "insufficient_funds"
        assert v1.payment_methods.list({"customer": customer.id}).data == []

    def test_succeeds_with_the_card_that_declines_payments(self, v1: Any) -> None:
        assert set_up(v1, "pm_card_chargeCustomerFail", customer=v1.customers.create().id).status == "succeeded"

    def test_needs_a_return_url_for_dynamic_methods(self, v1: Any) -> None:
        with pytest.raises(stripe.InvalidRequestError) as refused:
            v1.setup_intents.create({"payment_method": "pm_card_visa", "confirm": True})
        assert told(refused).message == RETURN_URL_NEEDED.format(kind="SetupIntent")
        assert v1.setup_intents.list().data == []

    def test_is_refused_with_the_parameter_that_is_gone(self, v1: Any) -> None:
        with pytest.raises(stripe.InvalidRequestError) as refused:
            v1.setup_intents.create({"payment_method_types": ["card"]})
        assert refused.value.code == "payment_method_types_no_longer_supported"

    def test_without_a_method_cannot_be_confirmed(self, v1: Any) -> None:
        intent = v1.setup_intents.create({"automatic_payment_methods": NEVER})
        with pytest.raises(stripe.InvalidRequestError) as refused:
            v1.setup_intents.confirm(intent.id)
        assert refused.value.code == "setup_intent_unexpected_state"

    def test_that_succeeded_moves_no_more(self, v1: Any) -> None:
        intent = set_up(v1, "pm_card_visa")
        for call in (
            lambda: v1.setup_intents.confirm(intent.id, {"payment_method": "pm_card_visa"}),
            lambda: v1.setup_intents.cancel(intent.id),
            lambda: v1.setup_intents.update(intent.id, {"payment_method": "pm_card_visa"}),
        ):
            with pytest.raises(stripe.InvalidRequestError) as refused:
                call()
            assert (refused.value.http_status, refused.value.code) == (400, "setup_intent_unexpected_state")
            assert told(refused).setup_intent.id == intent.id
        assert v1.setup_intents.retrieve(intent.id).payment_method == intent.payment_method

    def test_can_be_canceled_before_it_succeeds(self, v1: Any) -> None:
        intent = v1.setup_intents.create()
        canceled = v1.setup_intents.cancel(intent.id, {"cancellation_reason": "abandoned"})
        assert (canceled.status, canceled.cancellation_reason) == ("canceled", "abandoned")

    def test_is_a_404_where_it_does_not_exist(self, v1: Any) -> None:
        with pytest.raises(stripe.InvalidRequestError) as refused:
            v1.setup_intents.retrieve("seti_unknown")
        assert (refused.value.http_status, refused.value.code) == (404, "resource_missing")
