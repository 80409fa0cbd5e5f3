"""Payment intents: their states, moves and declines (https://docs.stripe.com/payments/paymentintents/lifecycle)."""

from collections.abc import Callable

import pytest
import stripe

from gateway import reads
from gateway.tests.contract.calls import Options, Services, fault, refusal

Pay = Callable[..., stripe.PaymentIntent]
SHOP = "https://example.com/back"


class TestAPayment:
    def test_waits_for_a_payment_method(self, new_payment: Pay) -> None:
        made = new_payment()
        assert (made.status, made.amount_received, made.latest_charge) == ("requires_payment_method", 0, None)
        assert made.capture_method == "automatic_async"

    def test_waits_for_its_confirmation(self, new_payment: Pay) -> None:
        assert new_payment(payment_method="pm_card_visa").status == "requires_confirmation"

    def test_succeeds_when_it_is_confirmed(self, v1: Services, at_seller: Options, new_payment: Pay, seller: str) -> None:
        made = new_payment(metadata={"commercecore_order": "7"})
        done = v1.payment_intents.confirm(made.id, {"payment_method": "pm_card_visa"}, at_seller)
        assert (done.status, done.amount_received, done.amount_capturable) == ("succeeded", 1000, 0)
        read = reads.retrieve_payment_intent(made.id, account_id=seller)
        assert (read.status, read.amount_received_minor, read.metadata) == ("succeeded", 1000, {"commercecore_order": "7"})
        assert read.latest_charge_id == done.latest_charge

    def test_is_not_confirmed_twice(self, v1: Services, at_seller: Options, pay: Pay) -> None:
        made = pay()
        again, error = refusal(
            lambda: v1.payment_intents.confirm(made.id, {"payment_method": "pm_card_visa"}, at_seller), stripe.InvalidRequestError
        )
        assert (again.http_status, again.code) == (400, "payment_intent_unexpected_state")
        assert error["payment_intent"]["status"] == "succeeded"

    def test_needs_a_payment_method_to_be_confirmed(self, v1: Services, at_seller: Options, new_payment: Pay) -> None:
        made = new_payment()
        refused = fault(lambda: v1.payment_intents.confirm(made.id, {}, at_seller))
        assert (refused.http_status, refused.type) == (400, "invalid_request_error")
        left = v1.payment_intents.retrieve(made.id, {}, at_seller)
        assert (left.status, left.amount_received, left.latest_charge) == ("requires_payment_method", 0, None)

    def test_takes_another_amount_before_its_confirmation(self, v1: Services, at_seller: Options, new_payment: Pay) -> None:
        made = new_payment()
        assert v1.payment_intents.update(made.id, {"amount": 1500}, at_seller).amount == 1500

    def test_is_canceled_before_it_succeeds_and_not_after(
        self, v1: Services, at_seller: Options, new_payment: Pay, pay: Pay
    ) -> None:
        canceled = v1.payment_intents.cancel(new_payment().id, {"cancellation_reason": "abandoned"}, at_seller)
        assert (canceled.status, canceled.cancellation_reason) == ("canceled", "abandoned")
        assert canceled.canceled_at is not None
        paid = pay()
        refused = fault(lambda: v1.payment_intents.cancel(paid.id, {}, at_seller))
        assert (refused.http_status, refused.code) == (400, "payment_intent_unexpected_state")

    def test_names_no_types_of_payment_methods_any_more(self, careless: Services, at_seller: Options) -> None:
        parameters = {"amount": 1000, "currency": "usd", "payment_method_types": ["card"]}
        refused = fault(lambda: careless.payment_intents.create(parameters, at_seller))
        assert (refused.http_status, refused.code) == (400, "payment_method_types_no_longer_supported")

    def test_that_may_redirect_needs_an_address_to_come_back_to(self, pay: Pay) -> None:
        refused = fault(lambda: pay(automatic_payment_methods={"enabled": True}))
        assert (refused.http_status, refused.type) == (400, "invalid_request_error")
        assert pay(automatic_payment_methods={"enabled": True}, return_url=SHOP).status == "succeeded"

    @pytest.mark.parametrize(
        ("parameters", "code", "param"),
        [
            ({"amount": "ten"}, "parameter_invalid_integer", "amount"),
            ({"amount": 1}, "amount_too_small", "amount"),
            ({"colour": "red"}, "parameter_unknown", "colour"),
        ],
    )
    def test_with_wrong_parameters_is_refused(
        self, careless: Services, at_seller: Options, parameters: dict[str, object], code: str, param: str
    ) -> None:
        wrong = {"amount": 1000, "currency": "usd", **parameters}
        refused = fault(lambda: careless.payment_intents.create(wrong, at_seller))
        assert (refused.http_status, refused.type) == (400, "invalid_request_error")
        assert (refused.code, refused.param) == (code, param)

    def test_without_a_currency_is_refused(self, careless: Services, at_seller: Options) -> None:
        refused = fault(lambda: careless.payment_intents.create({"amount": 1000}, at_seller))
        assert (refused.http_status, refused.code, refused.param) == (400, "parameter_missing", "currency")

    @pytest.mark.unverified("An unknown payment intent answers 404 resource_missing and names the parameter intent.")
    def test_that_does_not_exist_is_missing(self, v1: Services, at_seller: Options) -> None:
        refused = fault(lambda: v1.payment_intents.retrieve("pi_3ContractUnknown", {}, at_seller))
        assert (refused.http_status, refused.code, refused.param) == (404, "resource_missing", "intent")


class TestAHold:
    def test_is_captured_in_part_once(self, v1: Services, at_seller: Options, pay: Pay) -> None:
        held = pay(capture_method="manual")
        assert (held.status, held.amount_capturable, held.amount_received) == ("requires_capture", 1000, 0)
        done = v1.payment_intents.capture(held.id, {"amount_to_capture": 600}, at_seller)
        assert (done.status, done.amount_capturable, done.amount_received) == ("succeeded", 0, 600)
        again = fault(lambda: v1.payment_intents.capture(held.id, {}, at_seller))
        assert (again.http_status, again.code) == (400, "payment_intent_unexpected_state")

    def test_gives_no_more_than_was_held(self, v1: Services, at_seller: Options, pay: Pay) -> None:
        held = pay(capture_method="manual")
        refused = fault(lambda: v1.payment_intents.capture(held.id, {"amount_to_capture": 1001}, at_seller))
        assert (refused.http_status, refused.code) == (400, "amount_too_large")
        assert v1.payment_intents.retrieve(held.id, {}, at_seller).status == "requires_capture"

    def test_is_released(self, v1: Services, at_seller: Options, pay: Pay) -> None:
        released = v1.payment_intents.cancel(pay(capture_method="manual").id, {}, at_seller)
        assert (released.status, released.amount_capturable, released.amount_received) == ("canceled", 0, 0)


class TestADeclinedCard:
    @pytest.mark.parametrize(
        ("card", "code", "decline_code"),
        [
            ("pm_card_visa_chargeDeclined", "card_declined", "generic_decline"),
            ("pm_card_visa_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
            ("pm_card_visa_chargeDeclinedLostCard", "card_declined", "lost_card"),
            ("pm_card_visa_chargeDeclinedStolenCard", "card_declined", "stolen_card"),
            ("pm_card_chargeDeclinedExpiredCard", "expired_card", None),
            ("pm_card_chargeDeclinedIncorrectCvc", "incorrect_cvc", None),
            ("pm_card_chargeDeclinedProcessingError", "processing_error", None),
            pytest.param(
                "pm_card_visa_chargeDeclinedVelocityLimitExceeded",
                "card_declined",
                "card_velocity_exceeded",
                marks=pytest.mark.unverified("The card of the velocity limit declines as card_velocity_exceeded."),
            ),
        ],
    )
    def test_is_told_with_its_reason_and_the_payment(self, pay: Pay, card: str, code: str, decline_code: str | None) -> None:
        declined, error = refusal(lambda: pay(card), stripe.CardError)
        assert (declined.http_status, declined.type, declined.code) == (402, "card_error", code)
        assert decline_code is None or declined.decline_code == decline_code
        carried = error["payment_intent"]
        assert (carried["status"], carried["payment_method"]) == ("requires_payment_method", None)
        assert carried["last_payment_error"]["code"] == code

    def test_leaves_a_failed_charge_and_a_payment_that_another_card_pays(
        self, v1: Services, at_seller: Options, new_payment: Pay
    ) -> None:
        made = new_payment()
        bad = {"payment_method": "pm_card_visa_chargeDeclined"}
        _, error = refusal(lambda: v1.payment_intents.confirm(made.id, bad, at_seller), stripe.CardError)
        charge = v1.charges.retrieve(error["charge"], {}, at_seller)
        assert (charge.status, charge.paid, charge.captured) == ("failed", False, False)
        assert (charge.failure_code, charge.balance_transaction) == ("card_declined", None)
        assert v1.payment_intents.confirm(made.id, {"payment_method": "pm_card_visa"}, at_seller).status == "succeeded"


class TestAChallenge:
    def test_sends_the_buyer_to_the_bank(self, pay: Pay) -> None:
        redirecting = {"automatic_payment_methods": {"enabled": True}, "return_url": SHOP}
        made = pay("pm_card_threeDSecure2Required", **redirecting)
        assert made.status == "requires_action"
        assert made.next_action is not None
        assert made.next_action.type == "redirect_to_url"
        assert made.next_action.to_dict()["redirect_to_url"]["return_url"] == SHOP

    def test_is_left_to_stripes_browser_library_without_an_address(self, pay: Pay) -> None:
        made = pay("pm_card_threeDSecure2Required")
        assert made.status == "requires_action"
        assert made.next_action is not None
        assert made.next_action.type == "use_stripe_sdk"

    @pytest.mark.unverified("A card that always asks its buyer declines off session with authentication_required.")
    def test_cannot_be_asked_for_off_session(self, pay: Pay) -> None:
        declined, error = refusal(lambda: pay("pm_card_authenticationRequired", off_session=True), stripe.CardError)
        assert (declined.http_status, declined.code) == (402, "authentication_required")
        assert declined.decline_code == "authentication_required"
        assert error["payment_intent"]["status"] == "requires_payment_method"
