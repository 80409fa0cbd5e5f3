"""One test for each test payment method: what confirming a payment with it does."""

from collections.abc import Callable
from typing import Any

import pytest
import stripe

from sandbox.money import authentication
from sandbox.money.cards import CARDS
from sandbox.money.country_cards import VISA_CARDS
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
    "pm_card_threeDSecureOptional": ("visa", "3055"),
    "pm_card_amex_threeDSecureNotSupported": ("amex", "0005"),
    "pm_card_cvcCheckFail": ("visa", "0101"),
    "pm_card_avsFail": ("visa", "0010"),
    "pm_card_avsLine1Fail": ("visa", "0028"),
    "pm_card_avsZipFail": ("visa", "0036"),
    "pm_card_avsUnchecked": ("visa", "0044"),
    "pm_card_ae_mastercard": ("mastercard", "0022"),
    "pm_card_gb_debit": ("visa", "0005"),
    "pm_card_gb_mastercard": ("mastercard", "4449"),
    "pm_card_th_credit": ("visa", "0003"),
    "pm_card_th_debit": ("visa", "0008"),
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
    "pm_card_chargeDeclinedFraudulent": ("card_declined", "fraudulent"),
    "pm_card_riskLevelHighest": ("card_declined", "fraudulent"),
    "pm_card_threeDSecureRequiredProcessingError": ("card_declined", "generic_decline"),
}
CHALLENGED = {
    "pm_card_authenticationRequired": "3184",
    "pm_card_authenticationRequiredOnSetup": "3155",
    "pm_card_threeDSecure2Required": "3220",
    "pm_card_threeDSecureRequired": "3063",
    "pm_card_threeDSecureRequiredChargeDeclined": "1629",
    "pm_card_authenticationRequiredChargeDeclinedInsufficientFunds": "3178",
    "pm_card_authenticationRequiredSetupForOffSession": "0446",
}
CHALLENGED_OFF_SESSION = set(CHALLENGED) - {"pm_card_authenticationRequiredSetupForOffSession"}
# As in the table of Stripe's documentation: some of those that a project in Europe or the Americas tries first.
COUNTRIES = {
    "pm_card_us": "4242",
    "pm_card_br": "0002",
    "pm_card_ca": "0000",
    "pm_card_mx": "8001",
    "pm_card_gb": "0000",
    "pm_card_de": "0016",
    "pm_card_fr": "0003",
    "pm_card_es": "0007",
    "pm_card_it": "0008",
    "pm_card_jp": "0003",
}
FAILED_CHECKS = {
    "pm_card_visa": (None, None, "unchecked"),
    "pm_card_cvcCheckFail": (None, None, "fail"),
    "pm_card_avsFail": ("fail", "fail", "unchecked"),
    "pm_card_avsLine1Fail": ("fail", None, "unchecked"),
    "pm_card_avsZipFail": (None, "fail", "unchecked"),
    "pm_card_avsUnchecked": ("unavailable", "unavailable", "unchecked"),
}


class TestTheTable:
    def test_is_wholly_tested_here(self) -> None:
        of_countries = {f"pm_card_{code}" for code in VISA_CARDS}
        assert set(CARDS) == set(SUCCEEDING) | set(DECLINING) | set(CHALLENGED) | of_countries

    def test_has_each_card_of_a_country_under_its_letters(self) -> None:
        assert len(VISA_CARDS) == 56
        for code, (_, last4) in VISA_CARDS.items():
            card = CARDS[f"pm_card_{code}"]
            assert (card.country.lower(), card.last4, len(last4), card.brand, card.funding) == (code, last4, 4, "visa", "credit")


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

    @pytest.mark.parametrize("name", COUNTRIES)
    def test_a_card_of_a_country_succeeds(self, pay: Callable[..., Any], name: str) -> None:
        payment = pay(name, expand=["latest_charge", "payment_method"])
        assert payment.status == "succeeded"
        for card in (payment.payment_method.card, payment.latest_charge.payment_method_details.card):
            assert (card.country, card.last4) == (name.removeprefix("pm_card_").upper(), COUNTRIES[name])

    @pytest.mark.parametrize("name", FAILED_CHECKS)
    def test_a_card_tells_its_checks(self, pay: Callable[..., Any], name: str) -> None:
        payment = pay(name, expand=["latest_charge", "payment_method"])
        for card in (payment.payment_method.card, payment.latest_charge.payment_method_details.card):
            checks = card.checks
            assert (checks.address_line1_check, checks.address_postal_code_check, checks.cvc_check) == FAILED_CHECKS[name]

    def test_a_card_is_refused_where_the_account_takes_none(
        self, v1: Any, at_seller: dict[str, str], new_payment: Callable[..., Any]
    ) -> None:
        v1.accounts.update(at_seller["stripe_account"], {"capabilities": {"card_payments": {"requested": False}}})
        intent = new_payment(payment_method="pm_card_visa")
        with pytest.raises(stripe.InvalidRequestError, match="without the `card_payments` capability enabled") as refused:
            v1.payment_intents.confirm(intent.id, None, at_seller)
        assert refused.value.http_status == 400
        assert v1.payment_intents.retrieve(intent.id, None, at_seller).status == "requires_confirmation"
        assert v1.charges.list(None, at_seller).data == []


class TestAuthentication:
    @pytest.mark.parametrize("name", CHALLENGED)
    def test_a_challenged_card_waits_for_the_buyer(self, pay: Callable[..., Any], name: str) -> None:
        payment = pay(name, expand=["payment_method"])
        assert (payment.status, payment.latest_charge, payment.amount_received) == ("requires_action", None, 0)
        assert payment.payment_method.card.last4 == CHALLENGED[name]

    @pytest.mark.parametrize("name", sorted(CHALLENGED_OFF_SESSION))
    def test_a_challenged_card_is_declined_while_the_buyer_is_away(self, pay: Callable[..., Any], name: str) -> None:
        with pytest.raises(stripe.CardError) as declined:
            pay(name, off_session=True)
        error = told(declined)
        assert (error.code, error.decline_code) == ("authentication_required", "authentication_required")
        assert error.payment_intent.status == "requires_payment_method"

    def test_a_card_that_counts_as_set_up_is_charged_while_the_buyer_is_away(self, pay: Callable[..., Any]) -> None:
        assert pay("pm_card_authenticationRequiredSetupForOffSession", off_session=True).status == "succeeded"

    @pytest.mark.parametrize(
        ("name", "wish", "status"),
        [
            ("pm_card_threeDSecureOptional", "automatic", "succeeded"),
            ("pm_card_threeDSecureOptional", "any", "requires_action"),
            ("pm_card_threeDSecureOptional", "challenge", "requires_action"),
            ("pm_card_visa", "any", "succeeded"),
            ("pm_card_amex_threeDSecureNotSupported", "any", "succeeded"),
        ],
    )
    def test_that_the_payment_asks_for_is_up_to_the_card(
        self, pay: Callable[..., Any], name: str, wish: str, status: str
    ) -> None:
        assert pay(name, payment_method_options={"card": {"request_three_d_secure": wish}}).status == status

    def test_that_is_followed_by_a_decline_tells_insufficient_funds(
        self, v1: Any, at_seller: dict[str, str], pay: Callable[..., Any]
    ) -> None:
        payment = pay("pm_card_authenticationRequiredChargeDeclinedInsufficientFunds")
        authentication.answer_open_challenge(intent_id=payment.id, authenticated=True)
        declined = v1.payment_intents.retrieve(payment.id, None, at_seller)
        assert (declined.status, declined.last_payment_error.decline_code) == ("requires_payment_method", "insufficient_funds")

    @pytest.mark.parametrize(
        ("name", "supported"), [("pm_card_threeDSecureOptional", True), ("pm_card_amex_threeDSecureNotSupported", False)]
    )
    def test_that_a_card_cannot_do_is_told_of_it(self, pay: Callable[..., Any], name: str, supported: bool) -> None:
        assert pay(name, expand=["payment_method"]).payment_method.card.three_d_secure_usage.supported is supported

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

    @pytest.mark.parametrize("name", ["pm_card_radarBlock", "pm_card_riskLevelHighest"])
    def test_tells_that_stripe_blocked_it(self, v1: Any, at_seller: dict[str, str], pay: Callable[..., Any], name: str) -> None:
        with pytest.raises(stripe.CardError) as declined:
            pay(name)
        outcome = v1.charges.retrieve(told(declined).charge, None, at_seller).outcome
        assert (outcome.type, outcome.network_status, outcome.risk_level) == ("blocked", "not_sent_to_network", "highest")

    def test_tells_an_elevated_risk(self, pay: Callable[..., Any]) -> None:
        outcome = pay("pm_card_riskLevelElevated", expand=["latest_charge"]).latest_charge.outcome
        assert (outcome.type, outcome.risk_level) == ("manual_review", "elevated")
