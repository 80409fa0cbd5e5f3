"""Refunds of bank debits: those of a debit that its bank has not decided wait for it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import stripe

from sandbox.tests.bank_debits import capable, confirmed
from sandbox.tests.conftest import Options, Services
from sandbox.tests.refund_readings import COVERED, nets, refunded, status_of, told
from sandbox.timeline import due

pytestmark = pytest.mark.usefixtures("noon")
Make = Callable[..., Any]
UNTIL_DECIDED = timedelta(days=8)  # more than four business days
FEE = 8  # Stripe's, of 10.00 USD
FAILING = "pm_usBankAccount_noAccount"


@pytest.fixture
def at_seller(v1: Services, new_seller: Callable[[], str]) -> Options:
    """A seller who takes bank debits, and is paid out by hand alone."""
    account = new_seller()
    v1.accounts.update(account, {"settings": {"payouts": {"schedule": {"interval": "manual"}}}})
    return capable(v1, account)


@pytest.fixture
def debit(v1: Services, at_seller: Options) -> Make:
    """Makes a payment of 10.00 USD by a bank debit, and gives its charge; other parameters may be given."""

    def make(*name: str, **parameters: Any) -> str:
        return str(v1.payment_intents.create(confirmed(*name, **parameters), at_seller).latest_charge)

    return make


@pytest.fixture
def waiting(v1: Services, at_seller: Options, debit: Make) -> Any:
    """A refund of a debit that will succeed."""
    return v1.refunds.create({"charge": debit()}, at_seller)


class TestARefundOfAPendingDebit:
    def test_waits_for_it_and_moves_no_money(self, v1: Services, at_seller: Options, waiting: Any) -> None:
        assert (waiting.status, waiting.pending_reason, waiting.balance_transaction) == ("pending", "charge_pending", None)
        assert waiting.id.startswith("pyr_3")
        assert waiting.destination_details.to_dict() == {"type": "us_bank_transfer", "us_bank_transfer": {}}
        assert nets(v1, at_seller) == []
        assert refunded(v1, at_seller, waiting) == (1000, True)

    def test_leaves_nothing_to_refund_twice(self, v1: Services, at_seller: Options, waiting: Any) -> None:
        with pytest.raises(stripe.InvalidRequestError) as refused:
            v1.refunds.create({"charge": waiting.charge, "amount": 1}, at_seller)
        assert (refused.value.http_status, refused.value.code) == (400, "charge_already_refunded")
        assert len(v1.refunds.list(None, at_seller).data) == 1

    def test_is_refused_beyond_its_amount(self, v1: Services, at_seller: Options, debit: Make) -> None:
        charge = debit()
        v1.refunds.create({"charge": charge, "amount": 400}, at_seller)
        with pytest.raises(stripe.InvalidRequestError) as refused:
            v1.refunds.create({"charge": charge, "amount": 601}, at_seller)
        assert refused.value.param == "amount"
        assert v1.charges.retrieve(charge, None, at_seller).amount_refunded == 400

    def test_goes_through_once_the_debit_succeeds(self, v1: Services, at_seller: Options, waiting: Any) -> None:
        due.move_clock(UNTIL_DECIDED)
        assert status_of(v1, at_seller, waiting) == ("succeeded", None)
        assert nets(v1, at_seller) == [("payment", 1000 - FEE), ("payment_refund", -1000)]
        assert refunded(v1, at_seller, waiting) == (1000, True)

    def test_then_waits_for_money_where_the_balance_has_to_cover_it(
        self, v1: Services, at_seller: Options, waiting: Any, debit: Make
    ) -> None:
        v1.accounts.update(at_seller["stripe_account"], COVERED)
        due.move_clock(UNTIL_DECIDED)
        assert status_of(v1, at_seller, waiting) == ("pending", "insufficient_funds")
        assert nets(v1, at_seller) == [("payment", 1000 - FEE)]
        debit()
        due.move_clock(UNTIL_DECIDED)
        assert status_of(v1, at_seller, waiting) == ("succeeded", None)

    def test_then_goes_through_where_the_balance_covers_it(
        self, v1: Services, at_seller: Options, waiting: Any, debit: Make
    ) -> None:
        v1.accounts.update(at_seller["stripe_account"], COVERED)
        debit()
        due.move_clock(UNTIL_DECIDED)
        assert status_of(v1, at_seller, waiting) == ("succeeded", None)
        assert v1.balance.retrieve(None, at_seller).available[0].amount == 1000 - 2 * FEE

    def test_then_goes_through_with_other_money_where_the_debit_brings_none(
        self, v1: Services, at_seller: Options, debit: Make
    ) -> None:
        debit()
        due.move_clock(UNTIL_DECIDED)
        v1.accounts.update(at_seller["stripe_account"], COVERED)
        refund = v1.refunds.create({"charge": debit(application_fee_amount=1000), "amount": 900}, at_seller)
        due.move_clock(UNTIL_DECIDED)
        assert status_of(v1, at_seller, refund) == ("succeeded", None)
        assert nets(v1, at_seller) == [("payment", 1000 - FEE), ("payment", -FEE), ("payment_refund", -900)]

    def test_in_part_goes_through_with_the_debits_own_money(self, v1: Services, at_seller: Options, debit: Make) -> None:
        v1.accounts.update(at_seller["stripe_account"], COVERED)
        refund = v1.refunds.create({"charge": debit(), "amount": 1000 - FEE}, at_seller)
        due.move_clock(UNTIL_DECIDED)
        assert status_of(v1, at_seller, refund) == ("succeeded", None)

    def test_is_canceled_where_the_debit_fails(self, v1: Services, at_seller: Options, debit: Make) -> None:
        refund = v1.refunds.create({"charge": debit(FAILING)}, at_seller)
        before = len(told(v1, at_seller, 0))
        due.move_clock(UNTIL_DECIDED)
        assert status_of(v1, at_seller, refund) == ("canceled", None)
        assert nets(v1, at_seller) == []
        assert refunded(v1, at_seller, refund) == (0, False)
        assert [name for name in told(v1, at_seller, before) if name.startswith("refund.")] == ["refund.updated"]

    def test_gives_the_fee_back_that_the_debit_brings(self, v1: Services, at_seller: Options, debit: Make) -> None:
        charge = debit(application_fee_amount=100)
        refund = v1.refunds.create({"charge": charge, "amount": 500, "refund_application_fee": True}, at_seller)
        assert nets(v1, None) == []
        due.move_clock(UNTIL_DECIDED)
        assert status_of(v1, at_seller, refund) == ("succeeded", None)
        assert nets(v1, None) == [("application_fee", 100), ("application_fee_refund", -50)]

    def test_cannot_give_back_a_fee_that_it_will_not_bring(self, v1: Services, at_seller: Options, debit: Make) -> None:
        charge = debit()
        with pytest.raises(stripe.InvalidRequestError) as refused:
            v1.refunds.create({"charge": charge, "refund_application_fee": True}, at_seller)
        assert (refused.value.http_status, refused.value.param) == (400, "refund_application_fee")
        assert v1.refunds.list(None, at_seller).data == []


class TestARefundOfADebitThatSucceeded:
    def test_is_booked_as_that_of_a_payment(self, v1: Services, at_seller: Options, debit: Make) -> None:
        charge = debit()
        due.move_clock(UNTIL_DECIDED)
        refund = v1.refunds.create({"charge": charge, "amount": 300, "expand": ["balance_transaction"]}, at_seller)
        assert (refund.status, refund.id[:5]) == ("succeeded", "pyr_3")
        booked = refund.balance_transaction
        assert (booked.type, booked.reporting_category, booked.net) == ("payment_refund", "refund", -300)

    def test_of_a_debit_that_failed_is_refused(self, v1: Services, at_seller: Options, debit: Make) -> None:
        charge = debit(FAILING)
        due.move_clock(UNTIL_DECIDED)
        with pytest.raises(stripe.InvalidRequestError) as refused:
            v1.refunds.create({"charge": charge}, at_seller)
        assert (refused.value.http_status, refused.value.code) == (400, "charge_not_refundable")
        assert v1.refunds.list(None, at_seller).data == []
