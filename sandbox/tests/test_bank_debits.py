"""Debits of bank accounts: days of `processing`, and then money, or none."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import stripe

from sandbox.money.bank_accounts import BANK_ACCOUNTS
from sandbox.tests.bank_debits import BACK, OFFLINE, capable, confirmed, names_of_events
from sandbox.tests.conftest import NOON, Options, Services
from sandbox.tests.refusals import told
from sandbox.timeline import due

pytestmark = pytest.mark.usefixtures("noon")
Make = Callable[..., Any]
DECIDED = datetime(2026, 12, 8, 2, tzinfo=UTC)  # Monday, 21:00 in New York: four business days after the cutoff of NOON's Tuesday
FAILING = {
    "pm_usBankAccount_accountClosed": "account_closed",
    "pm_usBankAccount_noAccount": "no_account",
    "pm_usBankAccount_insufficientFunds": "insufficient_funds",
    "pm_usBankAccount_debitNotAuthorized": "debit_not_authorized",
    "pm_usBankAccount_invalidCurrency": "payment_method_currency_mismatch",
}
REFUSED = {
    "pm_usBankAccount_weeklyLimitExceeded": ("charge_exceeds_source_limit", None, "not_assessed", "charge_exceeds_source_limit"),
    "pm_usBankAccount_riskLevelHighest": ("card_declined", "fraudulent", "highest", "highest_risk_level"),
}
OTHERS = {
    "pm_usBankAccount_success",
    "pm_usBankAccount_failMicrodeposits",
    "pm_usBankAccount_processing",
    "pm_usBankAccount_dispute",
}


@pytest.fixture
def at_seller(v1: Services, new_seller: Callable[[], str]) -> Options:
    return capable(v1, new_seller())


@pytest.fixture
def debit(v1: Services, at_seller: Options) -> Make:
    """Makes a payment of 10.00 USD by a bank debit, confirmed at once; other parameters may be given."""

    def make(*name: str, **parameters: Any) -> Any:
        return v1.payment_intents.create(confirmed(*name, **parameters), at_seller)

    return make


@pytest.fixture
def money(v1: Services, at_seller: Options) -> Callable[[], tuple[int, int]]:
    """What the seller has available, and pending."""

    def look() -> tuple[int, int]:
        balance = v1.balance.retrieve(None, at_seller)
        return sum(one.amount for one in balance.available), sum(one.amount for one in balance.pending)

    return look


def test_the_table_of_bank_accounts_is_wholly_tested_here() -> None:
    assert set(BANK_ACCOUNTS) == set(FAILING) | set(REFUSED) | OTHERS


class TestADebit:
    def test_is_processing_at_first(self, debit: Make, v1: Services, at_seller: Options, money: Any) -> None:
        payment = debit(application_fee_amount=50, expand=["latest_charge"])
        assert (payment.status, payment.amount_received, payment.processing) == ("processing", 0, None)
        charge = payment.latest_charge
        assert charge.id.startswith("py_3")
        assert (charge.status, charge.paid, charge.captured, charge.amount_captured) == ("pending", False, True, 1000)
        assert (charge.outcome, charge.balance_transaction, charge.application_fee) == (None, None, None)
        details = charge.payment_method_details
        assert (details.type, details.us_bank_account.last4) == ("us_bank_account", "6789")
        assert (details.us_bank_account.payment_reference, details.us_bank_account.mandate) == (None, None)
        assert names_of_events(v1, at_seller) == ["payment_intent.created", "payment_intent.processing", "charge.pending"]
        assert money() == (0, 0)

    def test_succeeds_four_business_days_after_it_was_sent(
        self, debit: Make, v1: Services, at_seller: Options, money: Any
    ) -> None:
        made = debit(application_fee_amount=50)
        before = names_of_events(v1, at_seller)
        due.move_clock(DECIDED - NOON - timedelta(seconds=1))
        assert v1.payment_intents.retrieve(made.id, None, at_seller).status == "processing"
        assert names_of_events(v1, at_seller) == before
        due.move_clock(timedelta(seconds=1))
        expand = ["latest_charge.balance_transaction", "latest_charge.application_fee"]
        paid = v1.payment_intents.retrieve(made.id, {"expand": expand}, at_seller)
        assert (paid.status, paid.amount_received) == ("succeeded", 1000)
        charge = paid.latest_charge
        assert (charge.status, charge.paid, charge.captured, charge.failure_code) == ("succeeded", True, True, None)
        assert (charge.outcome.type, charge.outcome.risk_level) == ("authorized", "not_assessed")
        reference = charge.payment_method_details.us_bank_account.payment_reference
        assert (len(reference), reference[:8]) == (15, "09100001")
        assert charge.application_fee.amount == 50
        assert names_of_events(v1, at_seller)[len(before) :] == ["charge.succeeded", "payment_intent.succeeded"]

    def test_that_succeeds_is_booked_with_its_fees_and_available_at_once(
        self, debit: Make, v1: Services, at_seller: Options, money: Any
    ) -> None:
        debit(application_fee_amount=50)
        due.move_clock(DECIDED - NOON)
        (booked,) = v1.balance_transactions.list(None, at_seller).data
        assert (booked.type, booked.reporting_category, booked.status) == ("payment", "charge", "available")
        assert (booked.amount, booked.fee, booked.net) == (1000, 58, 942)
        assert [(line.type, line.amount) for line in booked.fee_details] == [("stripe_fee", 8), ("application_fee", 50)]
        assert (booked.created, booked.available_on) == (int(DECIDED.timestamp()), int(DECIDED.timestamp()))
        assert money() == (942, 0)

    def test_costs_five_dollars_at_most(self, debit: Make, v1: Services, at_seller: Options) -> None:
        debit(amount=62_500)
        debit(amount=62_400)
        debit(amount=1_000_000)
        due.move_clock(DECIDED - NOON)
        fees = {booked.amount: booked.fee for booked in v1.balance_transactions.list(None, at_seller)}
        assert fees == {62_500: 500, 62_400: 499, 1_000_000: 500}

    @pytest.mark.parametrize(
        ("made", "decided"),
        [
            (datetime(2026, 12, 2, 1, 59, 59, tzinfo=UTC), datetime(2026, 12, 8, 2, tzinfo=UTC)),
            (datetime(2026, 12, 2, 2, tzinfo=UTC), datetime(2026, 12, 9, 2, tzinfo=UTC)),
            (datetime(2026, 12, 5, 1, tzinfo=UTC), datetime(2026, 12, 11, 2, tzinfo=UTC)),
            (datetime(2026, 12, 5, 12, tzinfo=UTC), datetime(2026, 12, 12, 2, tzinfo=UTC)),
            (datetime(2026, 12, 7, 3, tzinfo=UTC), datetime(2026, 12, 12, 2, tzinfo=UTC)),
        ],
        ids=["before the cutoff", "at the cutoff", "Friday evening", "Saturday", "Sunday night"],
    )
    def test_waits_for_business_days_alone(
        self, debit: Make, v1: Services, at_seller: Options, made: datetime, decided: datetime
    ) -> None:
        due.move_clock(made - NOON)
        payment = debit()
        due.move_clock(decided - made - timedelta(seconds=1))
        assert v1.payment_intents.retrieve(payment.id, None, at_seller).status == "processing"
        due.move_clock(timedelta(seconds=1))
        assert v1.payment_intents.retrieve(payment.id, None, at_seller).status == "succeeded"

    @pytest.mark.parametrize("name", FAILING)
    def test_that_the_bank_sends_back_fails(self, debit: Make, v1: Services, at_seller: Options, money: Any, name: str) -> None:
        made = debit(name, application_fee_amount=50)
        assert made.status == "processing"
        before = names_of_events(v1, at_seller)
        due.move_clock(DECIDED - NOON)
        failed = v1.payment_intents.retrieve(made.id, {"expand": ["latest_charge"]}, at_seller)
        assert (failed.status, failed.payment_method, failed.amount_received) == ("requires_payment_method", None, 0)
        error, charge = failed.last_payment_error, failed.latest_charge
        assert (error.code, error.charge, error.type) == (FAILING[name], charge.id, "card_error")
        assert error.payment_method.id == made.payment_method
        assert (charge.status, charge.paid, charge.captured, charge.amount_captured) == ("failed", False, False, 0)
        assert (charge.failure_code, charge.failure_message) == (FAILING[name], error.message)
        assert (charge.outcome.type, charge.outcome.reason) == ("issuer_declined", FAILING[name])
        assert (charge.balance_transaction, charge.application_fee) == (None, None)
        assert names_of_events(v1, at_seller)[len(before) :] == ["charge.failed", "payment_intent.payment_failed"]
        assert (money(), v1.balance_transactions.list(None, at_seller).data) == ((0, 0), [])

    def test_that_failed_may_be_tried_with_another_account(self, debit: Make, v1: Services, at_seller: Options) -> None:
        failed = debit("pm_usBankAccount_noAccount")
        due.move_clock(DECIDED - NOON)
        again = {"payment_method": "pm_usBankAccount_success", "mandate_data": OFFLINE, "return_url": BACK}
        retried = v1.payment_intents.confirm(failed.id, again, at_seller)
        assert (retried.status, retried.last_payment_error) == ("processing", None)
        assert retried.latest_charge != failed.latest_charge

    @pytest.mark.parametrize("name", REFUSED)
    def test_that_stripe_refuses_fails_at_once(self, debit: Make, v1: Services, at_seller: Options, name: str) -> None:
        code, decline_code, risk_level, reason = REFUSED[name]
        with pytest.raises(stripe.CardError) as refused:
            debit(name)
        error = told(refused)
        assert (refused.value.http_status, error.code, error.decline_code) == (402, code, decline_code)
        (charge,) = v1.charges.list(None, at_seller).data
        assert (charge.status, charge.captured, charge.failure_code) == ("failed", False, code)
        assert (charge.outcome.network_status, charge.outcome.risk_level) == ("not_sent_to_network", risk_level)
        assert (charge.outcome.type, charge.outcome.reason) == ("blocked", reason)
        (intent,) = v1.payment_intents.list(None, at_seller).data
        assert (intent.status, intent.last_payment_error.code) == ("requires_payment_method", code)

    def test_of_the_account_that_stays_in_processing_is_never_decided(
        self, debit: Make, v1: Services, at_seller: Options
    ) -> None:
        payment = debit("pm_usBankAccount_processing")
        due.move_clock(timedelta(days=365))
        assert v1.payment_intents.retrieve(payment.id, None, at_seller).status == "processing"

    def test_that_is_disputed_is_lost_at_once(self, debit: Make, v1: Services, at_seller: Options, money: Any) -> None:
        payment = debit("pm_usBankAccount_dispute")
        before = names_of_events(v1, at_seller)
        due.move_clock(DECIDED - NOON)
        (dispute,) = v1.disputes.list({"payment_intent": payment.id}, at_seller).data
        assert (dispute.status, dispute.reason, dispute.amount) == ("lost", "debit_not_authorized", 1000)
        assert (dispute.payment_method_details, dispute.is_charge_refundable) == (None, False)
        assert v1.charges.retrieve(payment.latest_charge, None, at_seller).disputed is True
        told_since = [name for name in names_of_events(v1, at_seller)[len(before) :] if name.startswith("charge.dispute")]
        assert told_since == ["charge.dispute.created", "charge.dispute.funds_withdrawn", "charge.dispute.closed"]
        assert money() == (1000 - 8 - 1000 - 1500, 0)


class TestAPaymentInProcessing:
    @pytest.mark.parametrize(
        ("call", "text"),
        [
            ("confirm", "You cannot confirm this PaymentIntent because it has a status of processing."),
            ("capture", "This PaymentIntent could not be captured because it has a status of processing."),
            ("update", "This PaymentIntent's amount could not be updated because it has a status of processing."),
        ],
    )
    def test_is_neither_confirmed_nor_captured_nor_changed(
        self, debit: Make, v1: Services, at_seller: Options, call: str, text: str
    ) -> None:
        payment = debit()
        before = names_of_events(v1, at_seller)
        sent = {"amount": 500} if call == "update" else {}
        with pytest.raises(stripe.InvalidRequestError) as refused:
            getattr(v1.payment_intents, call)(payment.id, sent, at_seller)
        assert (refused.value.http_status, refused.value.code) == (400, "payment_intent_unexpected_state")
        assert text in str(refused.value)
        assert told(refused).payment_intent.status == "processing"
        assert names_of_events(v1, at_seller) == before

    def test_is_canceled_before_it_is_sent_to_the_bank(self, debit: Make, v1: Services, at_seller: Options, money: Any) -> None:
        payment = debit()
        before = names_of_events(v1, at_seller)
        due.move_clock(timedelta(hours=14) - timedelta(seconds=1))
        canceled = v1.payment_intents.cancel(payment.id, {"cancellation_reason": "duplicate"}, at_seller)
        assert (canceled.status, canceled.cancellation_reason, canceled.amount_received) == ("canceled", "duplicate", 0)
        charge = v1.charges.retrieve(payment.latest_charge, None, at_seller)
        assert (charge.status, charge.paid, charge.captured, charge.amount_captured) == ("failed", False, False, 0)
        assert (charge.failure_code, charge.failure_message) == (
            None, "The payment was canceled before it was sent to the bank."
        )  # fmt: skip
        assert (charge.refunded, charge.amount_refunded) == (False, 0)
        assert names_of_events(v1, at_seller)[len(before) :] == ["charge.failed", "payment_intent.canceled"]
        due.move_clock(timedelta(days=30))
        assert v1.payment_intents.retrieve(payment.id, None, at_seller).status == "canceled"
        assert v1.charges.retrieve(payment.latest_charge, None, at_seller).status == "failed"
        assert (money(), v1.balance_transactions.list(None, at_seller).data) == ((0, 0), [])

    def test_is_not_canceled_from_the_cutoff_on(self, debit: Make, v1: Services, at_seller: Options) -> None:
        payment = debit()
        before = names_of_events(v1, at_seller)
        due.move_clock(timedelta(hours=14))
        with pytest.raises(stripe.InvalidRequestError) as refused:
            v1.payment_intents.cancel(payment.id, None, at_seller)
        assert (refused.value.http_status, refused.value.code) == (400, "payment_intent_unexpected_state")
        assert "You cannot cancel this PaymentIntent because it has a status of processing." in str(refused.value)
        assert v1.charges.retrieve(payment.latest_charge, None, at_seller).status == "pending"
        assert names_of_events(v1, at_seller) == before

    def test_that_is_never_decided_is_canceled_whenever(self, debit: Make, v1: Services, at_seller: Options) -> None:
        payment = debit("pm_usBankAccount_processing")
        due.move_clock(timedelta(days=365))
        assert v1.payment_intents.cancel(payment.id, None, at_seller).status == "canceled"

    def test_is_refunded_once_it_has_succeeded(self, debit: Make, v1: Services, at_seller: Options, money: Any) -> None:
        v1.accounts.update(at_seller["stripe_account"], {"settings": {"payouts": {"schedule": {"interval": "manual"}}}})
        payment = debit()
        refund = v1.refunds.create({"payment_intent": payment.id, "amount": 300}, at_seller)
        assert (refund.status, refund.pending_reason, money()) == ("pending", "charge_pending", (0, 0))
        due.move_clock(DECIDED - NOON)
        assert v1.refunds.retrieve(refund.id, None, at_seller).status == "succeeded"
        assert v1.charges.retrieve(payment.latest_charge, None, at_seller).amount_refunded == 300
        assert money() == (692, 0)

    @pytest.mark.parametrize("ends", ["fails", "is canceled"])
    def test_takes_its_refunds_along_where_it(self, debit: Make, v1: Services, at_seller: Options, money: Any, ends: str) -> None:
        payment = debit("pm_usBankAccount_noAccount")
        refund = v1.refunds.create({"payment_intent": payment.id}, at_seller)
        if ends == "is canceled":
            v1.payment_intents.cancel(payment.id, None, at_seller)
        due.move_clock(DECIDED - NOON)
        assert v1.refunds.retrieve(refund.id, None, at_seller).status == "canceled"
        charge = v1.charges.retrieve(payment.latest_charge, None, at_seller)
        assert (charge.status, charge.amount_refunded, charge.refunded) == ("failed", 0, False)
        assert money() == (0, 0)
