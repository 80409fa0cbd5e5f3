"""Bank accounts as payment methods: saved, allowed by an intent, and debited under a mandate."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import stripe

from sandbox.connect import decisions
from sandbox.connect.onboarding import complete_onboarding
from sandbox.models import SandboxObject
from sandbox.pages.dashboard import read_dashboard
from sandbox.tests.bank_debits import BACK, OFFLINE, ONLY_DEBITS, capable, confirmed, names_of_events
from sandbox.tests.conftest import Options, Services
from sandbox.tests.refusals import told
from sandbox.tests.test_payment_methods import SPENT
from sandbox.timeline import due

Make = Callable[..., Any]
SUCCESS = "pm_usBankAccount_success"
BOTH: dict[str, Any] = {"allowed_payment_method_types": ["card", "us_bank_account"]}
ONLINE = {"customer_acceptance": {"type": "online", "online": {"ip_address": "192.0.2.7", "user_agent": "Browser/1"}}}
NO_MANDATE = "requires a mandate, but no existing mandate was found."


@pytest.fixture
def at_seller(v1: Services, new_seller: Callable[[], str]) -> Options:
    return capable(v1, new_seller())


@pytest.fixture
def customer(v1: Services, at_seller: Options) -> str:
    return str(v1.customers.create({}, at_seller).id)


@pytest.fixture
def saved(v1: Services, at_seller: Options, customer: str) -> str:
    """A bank account that is saved for the customer, without a mandate."""
    return str(v1.payment_methods.attach(SUCCESS, {"customer": customer}, at_seller).id)


def lose_the_capability(v1: Services, at_seller: Options) -> None:
    """The seller can take bank debits no more."""
    v1.accounts.update(at_seller["stripe_account"], {"capabilities": {"us_bank_account_ach_payments": {"requested": False}}})


class TestAReadyBankAccount:
    def test_is_saved_as_a_new_method_each_time(self, v1: Services, at_seller: Options, customer: str) -> None:
        one, other = (v1.payment_methods.attach(SUCCESS, {"customer": customer}, at_seller) for _ in range(2))
        assert one.id != other.id
        assert (one.type, one.customer, "card" in one) == ("us_bank_account", customer, False)
        account = one.us_bank_account.to_dict()
        assert account.pop("fingerprint") == other.us_bank_account.fingerprint
        assert account == {
            "account_holder_type": "individual",
            "account_type": "checking",
            "bank_name": "STRIPE TEST BANK",
            "financial_connections_account": None,
            "last4": "6789",
            "networks": {"preferred": "ach", "supported": ["ach"]},
            "routing_number": "110000000",
            "status_details": {},
        }
        for kind, expected in (("us_bank_account", [other.id, one.id]), ("card", [])):
            found = v1.payment_methods.list({"customer": customer, "type": kind}, at_seller)
            assert [method.id for method in found] == expected

    def test_that_microdeposits_would_verify_is_refused(self, v1: Services, at_seller: Options, customer: str) -> None:
        with pytest.raises(stripe.InvalidRequestError) as refused:
            v1.payment_methods.attach("pm_usBankAccount_failMicrodeposits", {"customer": customer}, at_seller)
        assert (refused.value.http_status, refused.value.param) == (400, "payment_method")
        assert "does not support the verification of bank accounts by microdeposits" in str(refused.value)
        assert v1.payment_methods.list(None, at_seller).data == []

    def test_is_not_made_of_a_number(self, v1: Services) -> None:
        number = {"account_number": "000123456789", "routing_number": "110000000", "account_holder_type": "individual"}
        with pytest.raises(stripe.InvalidRequestError) as refused:
            v1.payment_methods.create({"type": "us_bank_account", "us_bank_account": number})
        assert "The sandbox does not support the parameter us_bank_account." in str(refused.value)
        assert v1.payment_methods.list().data == []

    def test_that_nobody_saved_is_used_once(self, v1: Services, at_seller: Options) -> None:
        used = v1.payment_intents.create(confirmed(), at_seller).payment_method
        with pytest.raises(stripe.InvalidRequestError) as refused:
            v1.payment_intents.create(confirmed(used), at_seller)
        assert SPENT in str(refused.value)

    def test_is_cloned_with_its_mandate(self, v1: Services, at_seller: Options) -> None:
        customer = v1.customers.create({}).id
        setup = {"customer": customer, "payment_method": SUCCESS, "confirm": True, "return_url": BACK}
        method = v1.setup_intents.create({**setup, **ONLY_DEBITS, "mandate_data": OFFLINE}).payment_method
        copy = v1.payment_methods.create({"customer": customer, "payment_method": method}, at_seller)
        paid = {name: value for name, value in confirmed(copy.id).items() if name != "mandate_data"}
        assert v1.payment_intents.create(paid, at_seller).status == "processing"


class TestAnIntent:
    def test_takes_bank_debits_where_it_is_told_to(self, v1: Services, at_seller: Options) -> None:
        made = v1.payment_intents.create({"amount": 1000, "currency": "usd", **BOTH}, at_seller)
        assert made.payment_method_types == ["card", "us_bank_account"]
        shown = made.payment_method_options.us_bank_account.to_dict()
        assert shown == {"mandate_options": {}, "verification_method": "automatic"}
        changed = v1.payment_intents.update(made.id, {"allowed_payment_method_types": ["card"]}, at_seller)
        assert "us_bank_account" not in changed.payment_method_options

    def test_takes_none_otherwise(self, v1: Services, at_seller: Options, new_payment: Make) -> None:
        payment = new_payment()
        assert payment.payment_method_types == ["card", "link"]
        before = names_of_events(v1, at_seller)
        with pytest.raises(stripe.InvalidRequestError) as refused:
            v1.payment_intents.confirm(payment.id, {"payment_method": SUCCESS, "mandate_data": OFFLINE}, at_seller)
        assert (refused.value.http_status, refused.value.param) == (400, "payment_method")
        assert "The PaymentMethod provided (us_bank_account) is not allowed for this PaymentIntent." in str(refused.value)
        assert names_of_events(v1, at_seller) == before

    @pytest.mark.parametrize(
        ("parameters", "param"), [({"currency": "eur"}, "currency"), ({"capture_method": "manual"}, "capture_method")]
    )
    def test_with_another_currency_or_a_hold_takes_none(
        self, v1: Services, at_seller: Options, parameters: dict[str, str], param: str
    ) -> None:
        with pytest.raises(stripe.InvalidRequestError) as refused:
            v1.payment_intents.create(confirmed(**parameters), at_seller)
        assert (refused.value.code, refused.value.param) == ("payment_intent_invalid_parameter", param)
        waiting = v1.payment_intents.create({"amount": 1000, "currency": "usd", **ONLY_DEBITS}, at_seller)
        with pytest.raises(stripe.InvalidRequestError) as refused:
            v1.payment_intents.update(waiting.id, parameters, at_seller)
        assert (refused.value.code, refused.value.param) == ("payment_intent_invalid_parameter", param)
        assert names_of_events(v1, at_seller) == ["payment_intent.created"]

    def test_that_becomes_a_hold_when_it_is_confirmed_takes_none(self, v1: Services, at_seller: Options) -> None:
        made = v1.payment_intents.create({"amount": 1000, "currency": "usd", **ONLY_DEBITS}, at_seller)
        sent = {"payment_method": SUCCESS, "mandate_data": OFFLINE, "return_url": BACK, "capture_method": "manual"}
        with pytest.raises(stripe.InvalidRequestError) as refused:
            v1.payment_intents.confirm(made.id, sent, at_seller)
        assert (refused.value.code, refused.value.param) == ("payment_intent_invalid_parameter", "capture_method")
        assert v1.payment_intents.retrieve(made.id, None, at_seller).capture_method == "automatic_async"
        assert v1.charges.list(None, at_seller).data == []

    def test_of_an_account_without_the_capability_takes_none(self, v1: Services, new_seller: Callable[[], str]) -> None:
        account = {"stripe_account": new_seller()}
        with pytest.raises(stripe.InvalidRequestError) as refused:
            v1.payment_intents.create(confirmed(), account)
        assert refused.value.param == "allowed_payment_method_types"
        assert 'The payment method type "us_bank_account" is invalid.' in str(refused.value)
        assert v1.payment_intents.list(None, account).data == []

    def test_of_an_account_that_takes_no_cards_takes_them(self, v1: Services) -> None:
        asked = {"us_bank_account_ach_payments": {"requested": True}, "transfers": {"requested": True}}
        account = v1.accounts.create({"type": "express", "country": "US", "capabilities": asked}).id
        complete_onboarding(account_id=account)
        both = confirmed(**BOTH)
        assert v1.payment_intents.create(both, {"stripe_account": account}).status == "processing"
        with_a_card = {name: value for name, value in both.items() if name != "mandate_data"} | {"payment_method": "pm_card_visa"}
        with pytest.raises(stripe.InvalidRequestError) as refused:
            v1.payment_intents.create(with_a_card, {"stripe_account": account})
        assert "`card_payments` capability" in str(refused.value)

    @pytest.mark.parametrize("capture_method", ["automatic_async", "manual"])
    def test_takes_a_card_on_none_of_their_terms(self, v1: Services, at_seller: Options, capture_method: str) -> None:
        made = v1.payment_intents.create({"amount": 1000, "currency": "usd", **BOTH}, at_seller)
        lose_the_capability(v1, at_seller)
        sent = {"payment_method": "pm_card_visa", "return_url": BACK, "capture_method": capture_method}
        paid = v1.payment_intents.confirm(made.id, sent, at_seller)
        assert paid.status == ("requires_capture" if capture_method == "manual" else "succeeded")
        assert len(v1.charges.list(None, at_seller).data) == 1

    def test_of_an_account_that_lost_the_capability_debits_no_more(self, v1: Services, at_seller: Options) -> None:
        made = v1.payment_intents.create({"amount": 1000, "currency": "usd", **BOTH}, at_seller)
        lose_the_capability(v1, at_seller)
        before = names_of_events(v1, at_seller)
        sent = {"payment_method": SUCCESS, "return_url": BACK, "mandate_data": OFFLINE}
        with pytest.raises(stripe.InvalidRequestError, match="without the `us_bank_account_ach_payments` capability") as refused:
            v1.payment_intents.confirm(made.id, sent, at_seller)
        assert refused.value.http_status == 400
        assert v1.payment_intents.retrieve(made.id, None, at_seller).to_dict() == made.to_dict()
        assert (v1.charges.list(None, at_seller).data, names_of_events(v1, at_seller)) == ([], before)

    @pytest.mark.parametrize("method", ["pm_card_visa", SUCCESS])
    def test_of_a_disabled_account_is_told_that_it_is_disabled(self, v1: Services, at_seller: Options, method: str) -> None:
        made = v1.payment_intents.create({"amount": 1000, "currency": "usd", **BOTH}, at_seller)
        decisions.bring_into(at_seller["stripe_account"], "under_review")
        with pytest.raises(stripe.InvalidRequestError, match="Your account cannot currently make charges") as refused:
            v1.payment_intents.confirm(made.id, {"payment_method": method, "return_url": BACK}, at_seller)
        assert (refused.value.http_status, refused.value.code, refused.value.param) == (400, None, None)
        assert v1.payment_intents.retrieve(made.id, None, at_seller).status == "requires_payment_method"
        assert v1.charges.list(None, at_seller).data == []

    def test_chooses_nothing_about_them(self, v1: Services, at_seller: Options) -> None:
        options = {"us_bank_account": {"verification_method": "microdeposits"}}
        with pytest.raises(stripe.InvalidRequestError) as refused:
            v1.payment_intents.create(confirmed(payment_method_options=options), at_seller)
        assert "does not support the parameter payment_method_options[us_bank_account]" in str(refused.value)


class TestAMandate:
    def without_one(self, method: str, **parameters: Any) -> dict[str, Any]:
        return {name: value for name, value in confirmed(method, **parameters).items() if name != "mandate_data"}

    def test_is_needed_for_a_debit(self, v1: Services, at_seller: Options) -> None:
        made = v1.payment_intents.create({"amount": 1000, "currency": "usd", "payment_method": SUCCESS, **ONLY_DEBITS}, at_seller)
        with pytest.raises(stripe.InvalidRequestError) as refused:
            v1.payment_intents.confirm(made.id, {"return_url": BACK}, at_seller)
        error = told(refused)
        assert (refused.value.http_status, error.type, error.code) == (400, "invalid_request_error", None)
        assert f"This PaymentIntent {NO_MANDATE}" in str(refused.value)
        assert (error.payment_intent.id, error.payment_intent.status) == (made.id, "requires_confirmation")
        assert v1.charges.list(None, at_seller).data == []
        assert names_of_events(v1, at_seller) == ["payment_intent.created"]

    def test_is_given_online_with_the_buyers_browser(self, v1: Services, at_seller: Options) -> None:
        assert v1.payment_intents.create(confirmed(mandate_data=ONLINE), at_seller).status == "processing"
        with pytest.raises(stripe.InvalidRequestError) as refused:
            v1.payment_intents.create(confirmed(mandate_data={"customer_acceptance": {"type": "online"}}), at_seller)
        assert (refused.value.code, refused.value.param) == ("parameter_missing", "mandate_data[customer_acceptance][online]")

    def test_comes_with_the_confirmation_alone(self, v1: Services, at_seller: Options) -> None:
        unconfirmed = {"amount": 1000, "currency": "usd", "mandate_data": OFFLINE, **ONLY_DEBITS}
        with pytest.raises(stripe.InvalidRequestError) as refused:
            v1.payment_intents.create(unconfirmed, at_seller)
        assert refused.value.param == "mandate_data"

    def test_of_a_card_is_refused(self, v1: Services, at_seller: Options, new_payment: Make) -> None:
        with pytest.raises(stripe.InvalidRequestError) as refused:
            v1.payment_intents.confirm(new_payment().id, {"payment_method": "pm_card_visa", "mandate_data": OFFLINE}, at_seller)
        assert (refused.value.param, "does not support the mandate of a card" in str(refused.value)) == ("mandate_data", True)
        assert v1.charges.list(None, at_seller).data == []

    def test_for_one_payment_is_for_no_other(self, v1: Services, at_seller: Options, customer: str, saved: str) -> None:
        v1.payment_intents.create(confirmed(saved, customer=customer), at_seller)
        with pytest.raises(stripe.InvalidRequestError) as refused:
            v1.payment_intents.create(self.without_one(saved, customer=customer), at_seller)
        assert NO_MANDATE in str(refused.value)

    def test_for_future_use_is_kept(self, v1: Services, at_seller: Options, customer: str, saved: str) -> None:
        v1.payment_intents.create(confirmed(saved, customer=customer, setup_future_usage="off_session"), at_seller)
        later = v1.payment_intents.create(self.without_one(saved, customer=customer, off_session=True), at_seller)
        assert later.status == "processing"

    def test_is_over_once_a_payment_under_it_was_disputed(self, v1: Services, at_seller: Options, customer: str) -> None:
        method = v1.payment_methods.attach("pm_usBankAccount_dispute", {"customer": customer}, at_seller).id
        v1.payment_intents.create(confirmed(method, customer=customer, setup_future_usage="off_session"), at_seller)
        again = self.without_one(method, customer=customer)
        assert v1.payment_intents.create(again, at_seller).status == "processing"
        due.move_clock(timedelta(days=7))
        with pytest.raises(stripe.InvalidRequestError) as refused:
            v1.payment_intents.create(again, at_seller)
        assert NO_MANDATE in str(refused.value)


class TestASetupIntent:
    def test_saves_a_bank_account_and_its_mandate(self, v1: Services, at_seller: Options, customer: str) -> None:
        sent = {"customer": customer, "payment_method": SUCCESS, "confirm": True, "return_url": BACK}
        made = v1.setup_intents.create({**sent, **ONLY_DEBITS, "mandate_data": OFFLINE}, at_seller)
        assert (made.status, made.payment_method_types) == ("succeeded", ["us_bank_account"])
        assert v1.payment_methods.retrieve(made.payment_method, None, at_seller).customer == customer
        paid = {name: value for name, value in confirmed(made.payment_method).items() if name != "mandate_data"}
        assert v1.payment_intents.create({**paid, "customer": customer}, at_seller).status == "processing"

    def test_needs_a_mandate(self, v1: Services, at_seller: Options) -> None:
        made = v1.setup_intents.create(ONLY_DEBITS, at_seller)
        with pytest.raises(stripe.InvalidRequestError) as refused:
            v1.setup_intents.confirm(made.id, {"payment_method": SUCCESS, "return_url": BACK}, at_seller)
        assert f"This SetupIntent {NO_MANDATE}" in str(refused.value)
        assert v1.setup_intents.retrieve(made.id, None, at_seller).status == "requires_payment_method"

    def test_of_an_account_without_the_capability_takes_none(self, v1: Services, new_seller: Callable[[], str]) -> None:
        account = {"stripe_account": new_seller()}
        with pytest.raises(stripe.InvalidRequestError) as refused:
            v1.setup_intents.create(ONLY_DEBITS, account)
        assert (refused.value.code, refused.value.param) == ("setup_intent_invalid_parameter", "allowed_payment_method_types")
        assert v1.setup_intents.list(None, account).data == []

    def test_takes_a_card_on_none_of_the_terms_of_debits(self, v1: Services, at_seller: Options, customer: str) -> None:
        made = v1.setup_intents.create({"customer": customer, **BOTH}, at_seller)
        lose_the_capability(v1, at_seller)
        set_up = v1.setup_intents.confirm(made.id, {"payment_method": "pm_card_visa", "return_url": BACK}, at_seller)
        assert set_up.status == "succeeded"
        (saved,) = v1.payment_methods.list({"customer": customer}, at_seller)
        assert (saved.id, saved.type) == (set_up.payment_method, "card")

    def test_of_an_account_that_lost_the_capability_saves_no_bank_account(self, v1: Services, at_seller: Options) -> None:
        made = v1.setup_intents.create(BOTH, at_seller)
        lose_the_capability(v1, at_seller)
        sent = {"payment_method": SUCCESS, "return_url": BACK, "mandate_data": OFFLINE}
        with pytest.raises(stripe.InvalidRequestError) as refused:
            v1.setup_intents.confirm(made.id, sent, at_seller)
        assert (refused.value.code, refused.value.param) == ("setup_intent_invalid_parameter", "allowed_payment_method_types")
        assert v1.setup_intents.retrieve(made.id, None, at_seller).status == "requires_payment_method"


class TestTheDashboard:
    @pytest.mark.parametrize(
        ("name", "shown"),
        [
            (SUCCESS, ("STRIPE TEST BANK •••• 6789", "succeeded", "good")),
            ("pm_usBankAccount_noAccount", ("STRIPE TEST BANK •••• 1116", "failed", "bad")),
        ],
    )
    def test_tells_of_a_debit(self, v1: Services, at_seller: Options, name: str, shown: tuple[str, str, str]) -> None:
        v1.payment_intents.create(confirmed(name), at_seller)
        account = SandboxObject.objects.get(stripe_id=at_seller["stripe_account"])
        (waiting,) = read_dashboard(account).payments
        assert (waiting.method, waiting.status, waiting.tone) == (shown[0], "processing", "waiting")
        due.move_clock(timedelta(days=7))
        (decided,) = read_dashboard(account).payments
        assert (decided.method, decided.status, decided.tone) == shown
