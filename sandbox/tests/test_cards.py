"""One test for each test payment method: what confirming a payment with it does."""

from collections.abc import Callable
from typing import Any

import pytest
import stripe

from sandbox.money.cards import CARDS
from sandbox.tests.refusals import told

SUCCEEDING = {
    "pm_card_visa": ("visa", "4242"),
    "pm_card_visa_debit": ("visa", "5556"),
    "pm_card_mastercard": ("mastercard", "4444"),
    "pm_card_mastercard_debit": ("mastercard", "3222"),
    "pm_card_mastercard_prepaid": ("mastercard", "5100"),
    "pm_card_amex": ("amex", "8431"),
    "pm_card_discover": ("discover", "9424"),
    "pm_card_diners": ("diners", "3237"),
    "pm_card_jcb": ("jcb", "0505"),
    "pm_card_unionpay": ("unionpay", "0005"),
    "pm_card_createDispute": ("visa", "0259"),
    "pm_card_createDisputeProductNotReceived": ("visa", "2685"),
    "pm_card_createDisputeInquiry": ("visa", "1976"),
    "pm_card_pendingRefund": ("visa", "7726"),
    "pm_card_refundFail": ("visa", "5126"),
    "pm_card_bypassPending": ("visa", "0077"),
    "pm_card_riskLevelElevated": ("visa", "9235"),
}
DECLINING = {
    "pm_card_visa_chargeDeclined": ("card_declined", "generic_decline"),
    "pm_card_chargeDeclined": ("card_declined", "generic_decline"),
    "pm_card_visa_chargeDeclinedInsufficientFunds": ("card_declined", "insufficient_funds"),
    "pm_card_chargeDeclinedInsufficientFunds": ("card_declined", "insufficient_funds"),
    "pm_card_visa_chargeDeclinedLostCard": ("card_declined", "lost_card"),
    "pm_card_chargeDeclinedLostCard": ("card_declined", "lost_card"),
    "pm_card_visa_chargeDeclinedStolenCard": ("card_declined", "stolen_card"),
    "pm_card_chargeDeclinedStolenCard": ("card_declined", "stolen_card"),
    "pm_card_chargeDeclinedExpiredCard": ("expired_card", None),
    "pm_card_chargeDeclinedIncorrectCvc": ("incorrect_cvc", None),
    "pm_card_chargeDeclinedProcessingError": ("processing_error", None),
    "pm_card_visa_chargeDeclinedVelocityLimitExceeded": ("card_declined", "card_velocity_exceeded"),
    "pm_card_chargeCustomerFail": ("card_declined", "generic_decline"),
    "pm_card_radarBlock": ("card_declined", "fraudulent"),
}
CHALLENGED = {
    "pm_card_authenticationRequired": "3184",
    "pm_card_authenticationRequiredOnSetup": "3155",
    "pm_card_threeDSecure2Required": "3220",
    "pm_card_threeDSecureRequiredChargeDeclined": "1629",
}


class TestTheTable:
    def test_is_wholly_tested_here(self) -> None:
        assert set(CARDS) == set(SUCCEEDING) | set(DECLINING) | set(CHALLENGED)


class TestConfirmingWith:
    @pytest.mark.parametrize("name", SUCCEEDING)
    def test_a_good_card_succeeds(self, pay: Callable[..., Any], name: str) -> None:
        payment = pay(name, expand=["latest_charge", "payment_method"])
        assert (payment.status, payment.amount_received) == ("succeeded", 1000)
        assert (payment.payment_method.card.brand, payment.payment_method.card.last4) == SUCCEEDING[name]
        assert payment.payment_method.id != name
        charge = payment.latest_charge
        assert (charge.status, charge.paid, charge.captured, charge.amount_captured) == ("succeeded", True, True, 1000)

    @pytest.mark.parametrize("name", DECLINING)
    def test_a_bad_card_is_declined(self, v1: Any, at_seller: dict[str, str], pay: Callable[..., Any], name: str) -> None:
        with pytest.raises(stripe.CardError) as declined:
            pay(name)
        error = told(declined)
        assert declined.value.http_status == 402
        assert (error.type, error.code, error.decline_code) == ("card_error", *DECLINING[name])
        payment = v1.payment_intents.retrieve(error.payment_intent.id, {"expand": ["latest_charge"]}, at_seller)
        assert (payment.status, payment.payment_method, payment.amount_received) == ("requires_payment_method", None, 0)
        assert payment.last_payment_error.code == error.code
        assert payment.last_payment_error.payment_method.id == error.payment_method.id
        charge = payment.latest_charge
        assert charge.id == error.charge
        assert (charge.status, charge.paid, charge.captured, charge.amount_captured) == ("failed", False, False, 0)
        assert charge.failure_code == error.code

    @pytest.mark.parametrize("name", CHALLENGED)
    def test_a_challenged_card_waits_for_the_buyer(self, pay: Callable[..., Any], name: str) -> None:
        payment = pay(name, expand=["payment_method"])
        assert (payment.status, payment.latest_charge, payment.amount_received) == ("requires_action", None, 0)
        assert payment.payment_method.card.last4 == CHALLENGED[name]

    @pytest.mark.parametrize("name", CHALLENGED)
    def test_a_challenged_card_is_declined_while_the_buyer_is_away(self, pay: Callable[..., Any], name: str) -> None:
        with pytest.raises(stripe.CardError) as declined:
            pay(name, off_session=True)
        error = told(declined)
        assert (error.code, error.decline_code) == ("authentication_required", "authentication_required")
        assert error.payment_intent.status == "requires_payment_method"

    def test_a_challenged_card_fails_where_no_action_is_wanted(self, pay: Callable[..., Any]) -> None:
        with pytest.raises(stripe.CardError) as declined:
            pay("pm_card_authenticationRequired", error_on_requires_action=True)
        error = told(declined)
        assert (error.code, error.decline_code) == ("authentication_required", "authentication_not_handled")
        assert error.payment_intent.status == "requires_payment_method"


class TestTheOutcomeOfACharge:
    def test_tells_that_the_bank_declined(self, v1: Any, at_seller: dict[str, str], pay: Callable[..., Any]) -> None:
        with pytest.raises(stripe.CardError) as declined:
            pay("pm_card_chargeDeclinedInsufficientFunds")
        outcome = v1.charges.retrieve(told(declined).charge, None, at_seller).outcome
        assert (outcome.type, outcome.network_status, outcome.reason) == (
            "issuer_declined", "declined_by_network", "insufficient_funds",
        )  # fmt: skip

    def test_tells_that_stripe_blocked_it(self, v1: Any, at_seller: dict[str, str], pay: Callable[..., Any]) -> None:
        with pytest.raises(stripe.CardError) as declined:
            pay("pm_card_radarBlock")
        outcome = v1.charges.retrieve(told(declined).charge, None, at_seller).outcome
        assert (outcome.type, outcome.network_status, outcome.risk_level) == ("blocked", "not_sent_to_network", "highest")

    def test_tells_an_elevated_risk(self, pay: Callable[..., Any]) -> None:
        outcome = pay("pm_card_riskLevelElevated", expand=["latest_charge"]).latest_charge.outcome
        assert (outcome.type, outcome.risk_level) == ("manual_review", "elevated")
