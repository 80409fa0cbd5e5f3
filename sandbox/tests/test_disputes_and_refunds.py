"""A bank and the refunds of a charge: together they never take more than was paid."""

from typing import Any

import pytest

from sandbox.money import refund_lifecycle
from sandbox.tests.ordered_disputes import FEE, GIVEN_BACK, TAKEN, Books, Make, Options, booked, dispute_in, order, told

__all__ = ["booked", "dispute_in", "order", "told"]  # the fixtures of these names
pytestmark = pytest.mark.usefixtures("noon")


class TestADisputeThatWasWonAndIsLostAfterAll:
    @pytest.fixture
    def won(self, dispute_in: Make) -> str:
        """A dispute of 10.00 whose money was given back."""
        return str(dispute_in("won"))

    @pytest.fixture
    def refund(self, v1: Any, at_seller: Options, won: str) -> Make:
        """Refunds the disputed charge: the rest of it where no amount is given."""
        charge = v1.disputes.retrieve(won, None, at_seller).charge
        return lambda **amount: v1.refunds.create({"charge": charge} | amount, at_seller)

    def test_takes_nothing_where_all_was_refunded(
        self, v1: Any, at_seller: Options, won: str, refund: Make, order: Make, booked: Books, told: Make
    ) -> None:
        refund()
        before = len(told())
        lost = order(won, "lost").json()
        assert (lost["status"], lost["amount"], lost["is_charge_refundable"]) == ("lost", 1000, True)
        assert (booked(), told()[before:]) == ([TAKEN, GIVEN_BACK], ["closed"])
        assert sum(moved.net for moved in v1.balance_transactions.list(None, at_seller)) == -59  # Stripe's fee for the payment

    def test_takes_what_refunds_have_left(self, won: str, refund: Make, order: Make, booked: Books) -> None:
        refund(amount=400)
        lost = order(won, "lost").json()
        assert (lost["status"], lost["amount"], lost["is_charge_refundable"]) == ("lost", 600, False)
        assert booked() == [TAKEN, GIVEN_BACK, -600 - FEE]

    def test_gives_back_what_it_took_last(self, won: str, refund: Make, order: Make, booked: Books) -> None:
        refund(amount=400)
        order(won, "lost")
        assert order(won, "won").json()["status"] == "won"
        assert booked() == [TAKEN, GIVEN_BACK, -600 - FEE, 600 + FEE]

    def test_fails_the_refund_that_waits_and_takes_its_money(
        self, v1: Any, at_seller: Options, won: str, refund: Make, order: Make, booked: Books
    ) -> None:
        v1.accounts.update(at_seller["stripe_account"], {"settings": {"payouts": {"debit_negative_balances": False}}})
        waiting = refund()
        assert (waiting.status, waiting.pending_reason) == ("pending", "insufficient_funds")
        assert order(won, "lost").json()["amount"] == 1000
        failed = v1.refunds.retrieve(waiting.id, None, at_seller)
        assert (failed.status, failed.failure_reason) == ("failed", "charge_for_pending_refund_disputed")
        assert booked() == [TAKEN, GIVEN_BACK, TAKEN]

    def test_gives_nothing_back_where_it_took_nothing(self, won: str, refund: Make, order: Make, booked: Books) -> None:
        refund()
        for status in ("lost", "appeal_needs_response", "won"):
            assert order(won, status).json()["status"] == status
        assert booked() == [TAKEN, GIVEN_BACK]

    def test_takes_by_its_appeal_what_a_failed_refund_has_brought_back(
        self, v1: Any, at_seller: Options, won: str, refund: Make, order: Make, booked: Books
    ) -> None:
        returned = refund()
        for status in ("lost", "appeal_needs_response"):
            assert order(won, status).json()["status"] == status
        refund_lifecycle.order(returned.id, "failed")
        assert v1.disputes.close(won, None, at_seller).status == "lost"
        assert booked() == [TAKEN, GIVEN_BACK, TAKEN]
