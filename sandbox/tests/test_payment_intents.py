"""Payment intents: what each state lets happen."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import stripe

from sandbox.tests.refusals import RETURN_URL_NEEDED, told

Make = Callable[..., Any]


def refused_state(call: Callable[[], Any]) -> Any:
    """The error of a move that the state does not allow."""
    with pytest.raises(stripe.InvalidRequestError) as refused:
        call()
    assert (refused.value.http_status, refused.value.code) == (400, "payment_intent_unexpected_state")
    return told(refused)


class TestANewPaymentIntent:
    def test_waits_for_a_payment_method(self, new_payment: Make) -> None:
        payment = new_payment()
        assert payment.id.startswith("pi_3")
        assert len(payment.id) == 27
        assert payment.client_secret.startswith(f"{payment.id}_secret_")
        assert len(payment.client_secret) == len(payment.id) + len("_secret_") + 25
        assert payment.status == "requires_payment_method"
        assert (payment.amount_capturable, payment.amount_received, payment.latest_charge) == (0, 0, None)
        assert payment.capture_method == "automatic_async"

    def test_with_a_payment_method_waits_for_confirmation(self, new_payment: Make) -> None:
        payment = new_payment(payment_method="pm_card_visa")
        assert payment.status == "requires_confirmation"
        assert payment.payment_method.startswith("pm_1")

    def test_of_a_direct_charge_names_the_application(self, v1: Any, new_payment: Make) -> None:
        assert new_payment().application.startswith("ca_")
        assert v1.payment_intents.create({"amount": 100, "currency": "usd"}).application is None

    def test_takes_dynamic_payment_methods_unless_told_otherwise(self, v1: Any) -> None:
        payment = v1.payment_intents.create({"amount": 100, "currency": "usd"})
        assert payment.automatic_payment_methods.to_dict() == {"enabled": True, "allow_redirects": "always"}
        only_cards = v1.payment_intents.create({"amount": 100, "currency": "usd", "allowed_payment_method_types": ["card"]})
        assert (only_cards.automatic_payment_methods, only_cards.payment_method_types) == (None, ["card"])

    def test_is_made_on_an_account_that_may_not_charge_yet(self, v1: Any, new_account: Callable[[], str]) -> None:
        at_account = {"stripe_account": new_account()}
        payment = v1.payment_intents.create({"amount": 100, "currency": "usd"}, at_account)
        parameters = {"payment_method": "pm_card_visa", "return_url": "https://shop.example"}
        with pytest.raises(stripe.InvalidRequestError) as refused:
            v1.payment_intents.confirm(payment.id, parameters, at_account)
        assert refused.value.http_status == 400
        assert "cannot currently make charges" in str(refused.value)
        assert v1.payment_intents.retrieve(payment.id, None, at_account).status == "requires_payment_method"
        assert v1.charges.list(None, at_account).data == []

    @pytest.mark.parametrize(
        ("amount", "currency", "refusal"),
        [
            (49, "usd", ("amount_too_small", "amount")),
            (29, "gbp", ("amount_too_small", "amount")),
            (49, "jpy", ("amount_too_small", "amount")),
            (0, "usd", ("parameter_invalid_integer", "amount")),
            (-5, "usd", ("parameter_invalid_integer", "amount")),
            (100_000_000, "usd", ("amount_too_large", "amount")),
            (1001, "kwd", (None, "amount")),
            (1010, "isk", (None, "amount")),
            ("10.00", "usd", ("parameter_invalid_integer", "amount")),
            ("ten", "usd", ("parameter_invalid_integer", "amount")),
            (1000, "xyz", (None, "currency")),
        ],
    )
    def test_is_refused_for(self, v1: Any, amount: Any, currency: str, refusal: tuple[str | None, str]) -> None:
        with pytest.raises(stripe.InvalidRequestError) as refused:
            v1.payment_intents.create({"amount": amount, "currency": currency})
        assert (refused.value.http_status, refused.value.code, refused.value.param) == (400, *refusal)
        assert v1.payment_intents.list().data == []

    @pytest.mark.parametrize(
        ("amount", "currency"), [(50, "usd"), (99_999_999, "usd"), (50, "JPY"), (1010, "kwd"), (1100, "isk")]
    )
    def test_takes_amounts_at_the_edge(self, new_payment: Make, amount: int, currency: str) -> None:
        payment = new_payment(amount=amount, currency=currency)
        assert (payment.amount, payment.currency) == (amount, currency.lower())

    def test_is_refused_with_the_parameter_that_is_gone(self, new_payment: Make) -> None:
        with pytest.raises(stripe.InvalidRequestError) as refused:
            new_payment(payment_method_types=["card"])
        assert refused.value.code == "payment_method_types_no_longer_supported"
        assert refused.value.param == "payment_method_types"

    def test_is_refused_with_two_ways_of_saying_its_types(self, new_payment: Make) -> None:
        with pytest.raises(stripe.InvalidRequestError) as refused:
            new_payment(allowed_payment_method_types=["card"])
        assert "You may only specify one of these parameters" in str(refused.value)

    def test_is_refused_with_parameters_of_a_confirmation_it_does_not_ask_for(self, new_payment: Make) -> None:
        with pytest.raises(stripe.InvalidRequestError) as refused:
            new_payment(return_url="https://shop.example")
        assert refused.value.param == "return_url"

    def test_takes_an_application_fee_in_a_direct_charge_alone(self, v1: Any, pay: Make) -> None:
        payment = pay(application_fee_amount=120, expand=["latest_charge"])
        assert (payment.application_fee_amount, payment.latest_charge.application_fee_amount) == (120, 120)
        for call in (
            lambda: v1.payment_intents.create({"amount": 100, "currency": "usd", "application_fee_amount": 1}),
            lambda: pay(application_fee_amount=1001),
        ):
            with pytest.raises(stripe.InvalidRequestError) as refused:
                call()
            assert refused.value.param == "application_fee_amount"


class TestConfirming:
    def test_takes_the_money(self, v1: Any, at_seller: dict[str, str], new_payment: Make) -> None:
        payment = new_payment()
        confirmed = v1.payment_intents.confirm(payment.id, {"payment_method": "pm_card_visa"}, at_seller)
        assert (confirmed.status, confirmed.amount_received, confirmed.amount_capturable) == ("succeeded", 1000, 0)
        assert confirmed.latest_charge.startswith("ch_3")

    def test_after_a_decline_may_succeed_with_another_card(self, v1: Any, at_seller: dict[str, str], new_payment: Make) -> None:
        payment = new_payment()
        with pytest.raises(stripe.CardError):
            v1.payment_intents.confirm(payment.id, {"payment_method": "pm_card_chargeDeclined"}, at_seller)
        confirmed = v1.payment_intents.confirm(payment.id, {"payment_method": "pm_card_visa"}, at_seller)
        assert (confirmed.status, confirmed.last_payment_error) == ("succeeded", None)
        charges = v1.charges.list({"payment_intent": payment.id}, at_seller)
        assert [charge.status for charge in charges] == ["succeeded", "failed"]

    def test_twice_is_refused(self, v1: Any, at_seller: dict[str, str], pay: Make) -> None:
        payment = pay()
        refused = refused_state(lambda: v1.payment_intents.confirm(payment.id, {"payment_method": "pm_card_visa"}, at_seller))
        assert "because it has already succeeded after being previously confirmed." in refused.message
        assert refused.payment_intent.id == payment.id
        assert len(v1.charges.list({"payment_intent": payment.id}, at_seller).data) == 1

    @pytest.mark.parametrize("end", ["cancel", "hold"])
    def test_what_is_canceled_or_held_is_refused(
        self, v1: Any, at_seller: dict[str, str], new_payment: Make, pay: Make, end: str
    ) -> None:
        payment = pay(capture_method="manual") if end == "hold" else new_payment()
        if end == "cancel":
            v1.payment_intents.cancel(payment.id, None, at_seller)
        refused = refused_state(lambda: v1.payment_intents.confirm(payment.id, {"payment_method": "pm_card_visa"}, at_seller))
        status, charges = ("canceled", 0) if end == "cancel" else ("requires_capture", 1)
        assert refused.payment_intent.status == status
        left = v1.payment_intents.retrieve(payment.id, None, at_seller)
        assert (left.status, left.amount_received) == (status, 0)
        assert len(v1.charges.list({"payment_intent": payment.id}, at_seller).data) == charges

    def test_without_a_payment_method_is_refused(self, v1: Any, at_seller: dict[str, str], new_payment: Make) -> None:
        payment = new_payment()
        refused = refused_state(lambda: v1.payment_intents.confirm(payment.id, None, at_seller))
        assert "because it's missing a payment method" in refused.message

    @pytest.mark.parametrize("allowed", [{}, {"allowed_payment_method_types": ["card"]}], ids=["dynamic ones", "cards"])
    def test_a_method_that_may_redirect_needs_a_return_url(
        self, v1: Any, at_seller: dict[str, str], allowed: dict[str, Any]
    ) -> None:
        payment = v1.payment_intents.create({"amount": 100, "currency": "usd", **allowed}, at_seller)
        with pytest.raises(stripe.InvalidRequestError) as refused:
            v1.payment_intents.confirm(payment.id, {"payment_method": "pm_card_visa"}, at_seller)
        assert (refused.value.http_status, refused.value.code, refused.value.param) == (400, None, None)
        assert told(refused).message == RETURN_URL_NEEDED.format(kind="PaymentIntent")
        assert v1.payment_intents.retrieve(payment.id, None, at_seller).to_dict() == payment.to_dict()
        parameters = {"payment_method": "pm_card_visa", "return_url": "https://shop.example"}
        assert v1.payment_intents.confirm(payment.id, parameters, at_seller).status == "succeeded"

    def test_at_an_unknown_address_is_a_404(self, v1: Any, at_seller: dict[str, str]) -> None:
        with pytest.raises(stripe.InvalidRequestError) as refused:
            v1.payment_intents.confirm("pi_unknown", None, at_seller)
        assert (refused.value.http_status, refused.value.code, refused.value.param) == (404, "resource_missing", "intent")
        assert "No such payment_intent: 'pi_unknown'" in str(refused.value)

    def test_with_an_unknown_method_is_a_400(self, v1: Any, at_seller: dict[str, str], new_payment: Make) -> None:
        payment = new_payment()
        with pytest.raises(stripe.InvalidRequestError) as refused:
            v1.payment_intents.confirm(payment.id, {"payment_method": "pm_unknown"}, at_seller)
        assert (refused.value.http_status, refused.value.code) == (400, "resource_missing")
        assert refused.value.param == "payment_method"

    def test_again_while_the_buyer_is_asked_asks_anew(self, v1: Any, at_seller: dict[str, str], pay: Make) -> None:
        payment = pay("pm_card_authenticationRequired")
        again = v1.payment_intents.confirm(payment.id, None, at_seller)
        assert again.status == "requires_action"
        assert again.next_action.use_stripe_sdk.stripe_js != payment.next_action.use_stripe_sdk.stripe_js
        other = v1.payment_intents.confirm(payment.id, {"payment_method": "pm_card_visa"}, at_seller)
        assert (other.status, other.next_action) == ("succeeded", None)

    def test_keeps_the_options_of_the_card(self, v1: Any, at_seller: dict[str, str], new_payment: Make) -> None:
        options = {"card": {"request_three_d_secure": "any"}}
        parameters = {"payment_method": "pm_card_visa", "payment_method_options": options}
        confirmed = v1.payment_intents.confirm(new_payment().id, parameters, at_seller)
        assert confirmed.payment_method_options.card.request_three_d_secure == "any"


class TestAnActionOfTheBuyer:
    def test_redirects_where_there_is_a_way_back(self, pay: Make) -> None:
        payment = pay("pm_card_authenticationRequired", return_url="https://shop.example/back?order=7")
        assert payment.next_action.type == "redirect_to_url"
        assert payment.next_action.redirect_to_url.return_url == "https://shop.example/back?order=7"
        assert f"/sandbox/3d-secure/{payment.id}/" in payment.next_action.redirect_to_url.url

    def test_is_left_to_stripes_library_where_there_is_none(self, pay: Make) -> None:
        action = pay("pm_card_authenticationRequired").next_action
        assert action.type == "use_stripe_sdk"
        assert action.use_stripe_sdk["type"] == "three_d_secure_redirect"
        assert "/sandbox/3d-secure/" in action.use_stripe_sdk["stripe_js"]


class TestCapturing:
    def test_the_whole_hold_takes_it(self, v1: Any, at_seller: dict[str, str], pay: Make) -> None:
        held = pay(capture_method="manual", expand=["latest_charge"])
        assert (held.status, held.amount_capturable, held.amount_received) == ("requires_capture", 1000, 0)
        assert (held.latest_charge.captured, held.latest_charge.amount_captured) == (False, 0)
        captured = v1.payment_intents.capture(held.id, {"expand": ["latest_charge"]}, at_seller)
        assert (captured.status, captured.amount_capturable, captured.amount_received) == ("succeeded", 0, 1000)
        assert (captured.latest_charge.captured, captured.latest_charge.amount_captured) == (True, 1000)
        assert captured.latest_charge.amount_refunded == 0

    def test_a_part_releases_the_rest(self, v1: Any, at_seller: dict[str, str], pay: Make) -> None:
        held = pay(capture_method="manual")
        parameters = {"amount_to_capture": 600, "expand": ["latest_charge.refunds"]}
        captured = v1.payment_intents.capture(held.id, parameters, at_seller)
        assert (captured.status, captured.amount, captured.amount_received) == ("succeeded", 1000, 600)
        charge = captured.latest_charge
        assert (charge.amount_captured, charge.amount_refunded, charge.refunded) == (600, 400, False)
        assert [refund.amount for refund in charge.refunds] == [400]

    def test_more_than_the_hold_is_refused(self, v1: Any, at_seller: dict[str, str], pay: Make) -> None:
        held = pay(capture_method="manual")
        with pytest.raises(stripe.InvalidRequestError) as refused:
            v1.payment_intents.capture(held.id, {"amount_to_capture": 1001}, at_seller)
        assert (refused.value.http_status, refused.value.code) == (400, "amount_too_large")
        assert v1.payment_intents.retrieve(held.id, None, at_seller).status == "requires_capture"

    def test_twice_is_refused(self, v1: Any, at_seller: dict[str, str], pay: Make) -> None:
        held = pay(capture_method="manual")
        v1.payment_intents.capture(held.id, None, at_seller)
        refused = refused_state(lambda: v1.payment_intents.capture(held.id, None, at_seller))
        assert "because it has already been captured." in refused.message

    def test_what_is_not_held_is_refused(self, v1: Any, at_seller: dict[str, str], new_payment: Make, pay: Make) -> None:
        for payment in (new_payment(), new_payment(payment_method="pm_card_visa"), pay()):
            refused = refused_state(partial(v1.payment_intents.capture, payment.id, None, at_seller))
            assert f"because it has a status of {payment.status}" in refused.message


class TestCancelling:
    @pytest.mark.parametrize("method", ["", "pm_card_visa"])
    def test_what_is_not_paid_ends_it(self, v1: Any, at_seller: dict[str, str], new_payment: Make, method: str) -> None:
        payment = new_payment(**({"payment_method": method} if method else {}))
        canceled = v1.payment_intents.cancel(payment.id, {"cancellation_reason": "abandoned"}, at_seller)
        assert (canceled.status, canceled.cancellation_reason) == ("canceled", "abandoned")
        assert canceled.canceled_at >= payment.created

    def test_what_waits_for_the_buyer_ends_the_challenge(self, v1: Any, at_seller: dict[str, str], pay: Make) -> None:
        payment = pay("pm_card_authenticationRequired")
        canceled = v1.payment_intents.cancel(payment.id, None, at_seller)
        assert (canceled.status, canceled.next_action) == ("canceled", None)

    def test_a_hold_gives_the_money_back(self, v1: Any, at_seller: dict[str, str], pay: Make) -> None:
        held = pay(capture_method="manual")
        canceled = v1.payment_intents.cancel(held.id, {"expand": ["latest_charge"]}, at_seller)
        assert (canceled.status, canceled.amount_capturable) == ("canceled", 0)
        charge = canceled.latest_charge
        assert (charge.refunded, charge.amount_refunded, charge.captured) == (True, 1000, False)

    def test_a_paid_or_canceled_one_is_refused(self, v1: Any, at_seller: dict[str, str], new_payment: Make, pay: Make) -> None:
        paid, gone = pay(), new_payment()
        v1.payment_intents.cancel(gone.id, None, at_seller)
        for payment, status in ((paid, "succeeded"), (gone, "canceled")):
            refused = refused_state(partial(v1.payment_intents.cancel, payment.id, None, at_seller))
            assert (
                f"You cannot cancel this PaymentIntent because it has a status of {status}. Only a PaymentIntent with one of "
                "the following statuses may be canceled: requires_payment_method, requires_capture, requires_confirmation, "
                "requires_action." in refused.message
            )

    def test_for_a_reason_that_is_stripes_own_is_refused(self, v1: Any, at_seller: dict[str, str], new_payment: Make) -> None:
        payment = new_payment()
        with pytest.raises(stripe.InvalidRequestError) as refused:
            v1.payment_intents.cancel(payment.id, {"cancellation_reason": "automatic"}, at_seller)
        assert refused.value.param == "cancellation_reason"
