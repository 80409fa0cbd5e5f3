"""The verdict on a payment in each of its states."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from commercecore_payments import clock
from commercecore_payments.tests.tenants import Tenant
from explanations.explaining import explain
from explanations.structure import Reader, Verdict
from explanations.tests import states
from gateway.models import Operation
from transactions.models import Transaction
from webhooks.sending import deliver_next
from webhooks.tests.receivers import Scripted, make_endpoint, receiving

State = Callable[[Tenant, str], None]


def verdict(reader: Reader | None = None) -> Verdict:
    payment = Transaction.objects.get()
    return explain(payment, reader or Reader()).verdict


# The state, its code, whom it waits for, whether it is a problem, and what its headline says.
STATES: list[tuple[State, str, str, bool, str]] = [
    (states.unpaid, "not_paid", "buyer", False, "The buyer has not paid yet"),
    (
        states.of_a_seller_who_cannot_take_payments,
        "seller_not_ready",
        "seller",
        True,
        "The buyer cannot pay: the seller cannot take payments",
    ),
    (states.declined, "declined", "buyer", True, "The payment was declined: there is not enough money on the card"),
    (states.challenged, "requires_action", "buyer", False, "The buyer has to confirm the payment"),
    (states.processing, "processing", "stripe", False, "The payment is on its way"),
    (states.held, "held", "us", False, "10.00 USD are held until"),
    (states.partly_captured, "partly_captured", "nobody", False, "Paid: 4.00 USD, a part of what was held"),
    (states.lapsed, "hold_lapsed", "nobody", True, "The hold has lapsed: the money went back to the buyer"),
    (states.canceled, "canceled", "nobody", False, "The payment was canceled"),
    (states.paid, "paid", "nobody", False, "Paid: 10.00 USD"),
    (states.paid_in_the_dashboard, "paid_elsewhere", "nobody", False, "Paid: 10.00 USD past this service"),
    (states.partly_refunded, "partly_refunded", "nobody", False, "4.00 USD went back to the buyer: a part of 10.00 USD"),
    (states.refunded, "refunded", "nobody", False, "10.00 USD went back to the buyer: all of it"),
    (states.refund_pending, "refund_pending", "stripe", False, "A refund of 4.00 USD is on its way to the buyer"),
    (states.refund_failed, "refund_failed", "us", True, "The refund of 4.00 USD failed: the buyer has not got the money"),
    (states.refund_refused, "refund_not_made", "us", True, "The refund of 10.00 USD was not made"),
    (
        states.refund_that_asks_the_buyer,
        "refund_requires_action",
        "buyer",
        True,
        "The buyer has to act for the refund of 4.00 USD",
    ),
    (
        states.disputed,
        "dispute_needs_response",
        "seller",
        True,
        "The buyer's bank disputes the payment: an answer is needed until",
    ),
    (
        states.asked_about,
        "inquiry_needs_response",
        "seller",
        True,
        "The buyer's bank asks about the payment: an answer is needed",
    ),
    (states.dispute_won, "dispute_won", "nobody", False, "The dispute was won: the money is back with the seller"),
    (states.dispute_lost, "dispute_lost", "nobody", True, "The dispute was lost: the money stays with the buyer"),
    (states.outcome_unknown, "outcome_unknown", "us", True, "It is not known yet what became of the confirmation"),
    (states.needing_review, "needs_review", "us", True, "Nobody knows what became of the refund"),
    (states.not_sent, "creation_failed", "us", True, "The payment was never made"),
    (states.of_a_deleted_account, "account_deleted", "nobody", False, "The seller's account is gone, and the payment with it"),
]


class TestAPayment:
    @pytest.mark.parametrize(
        ("state", "code", "waits_for", "is_problem", "headline"), STATES, ids=[state[0].__name__ for state in STATES]
    )
    def test_is_judged(
        self, tenant: Tenant, seller: str, state: State, code: str, waits_for: str, is_problem: bool, headline: str
    ) -> None:
        state(tenant, seller)
        found = verdict()
        assert (found.code, found.waits_for, found.is_problem) == (code, waits_for, is_problem)
        assert found.headline.startswith(headline)

    def test_that_was_declined_says_what_to_tell_the_buyer(self, tenant: Tenant, seller: str) -> None:
        states.declined(tenant, seller)
        found = verdict()
        assert found.explanation == (
            "The buyer was not charged. Stripe's words: “Your card has insufficient funds.” (insufficient_funds)."
        )
        assert found.next_step == (
            "Tell the buyer: “There is not enough money on your card. Please pay with another card.” "
            "The same payment can be tried again with any card."
        )

    def test_that_was_declined_for_a_stolen_card_says_so_to_nobody_who_may_have_stolen_it(
        self, tenant: Tenant, seller: str
    ) -> None:
        states.declined_as_stolen(tenant, seller)
        found = verdict()
        assert found.headline == "The payment was declined: the card was reported stolen"
        assert "stolen" not in found.next_step

    def test_whose_hold_lapses_within_a_day_is_a_problem_and_after_that_another(self, tenant: Tenant, seller: str) -> None:
        states.held(tenant, seller)
        until = Transaction.objects.get().capture_before
        assert until is not None
        judged = []
        for hours in (25, 23, -1):
            with clock.moved_ahead(until - timedelta(hours=hours) - clock.now()):
                found = verdict()
            judged.append((found.code, found.is_problem))
        assert judged == [("held", False), ("held", True), ("hold_overdue", True)]

    def test_that_stripe_refused_says_why_and_to_mend_it(self, tenant: Tenant, seller: str) -> None:
        states.refused(tenant, seller)
        found = verdict()
        assert found.explanation == "Stripe refused the payment: This account cannot make charges. The buyer was not charged."
        assert found.next_step == "Mend what Stripe names, and ask again. The order is free: it can be paid by a new payment."

    def test_that_was_canceled_says_by_whom_and_why(self, tenant: Tenant, seller: str) -> None:
        states.canceled(tenant, seller)
        gone = "The buyer is not charged, and what was held is given back."
        assert verdict().explanation == f"{tenant.app.name} canceled it: requested by customer. {gone}"
        Operation.objects.filter(kind="payment_intent.cancel").update(operator="anna")
        assert verdict().explanation == f"anna (operations staff) canceled it: requested by customer. {gone}"
        assert verdict(Reader(tenant.app)).explanation == f"Operations staff canceled it: requested by customer. {gone}"

    def test_that_the_staff_canceled_says_why_in_their_words_to_the_staff_alone(self, tenant: Tenant, seller: str) -> None:
        states.canceled_by_the_staff(tenant, seller)
        gone = "The buyer is not charged, and what was held is given back."
        assert verdict().explanation == f"anna (operations staff) canceled it: The order was given up. {gone}"
        assert verdict(Reader(tenant.app)).explanation == f"Operations staff canceled it. {gone}"

    def test_whose_seller_cannot_take_payments_says_what_is_missing_and_what_became_of_the_attempt(
        self, tenant: Tenant, seller: str
    ) -> None:
        states.of_a_seller_who_cannot_take_payments(tenant, seller)
        refused = "Stripe refused the confirmation: Your account cannot currently make charges."
        assert verdict().explanation.startswith(f"The seller has not finished the onboarding. {refused}")

    def test_that_was_canceled_elsewhere_says_so(self, tenant: Tenant, seller: str) -> None:
        states.canceled_in_the_dashboard(tenant, seller)
        assert verdict().explanation.startswith("It was canceled past this service, as in Stripe's dashboard: duplicate.")

    def test_whose_outcome_is_unknown_says_when_the_worker_looks_and_what_staff_can_do(self, tenant: Tenant, seller: str) -> None:
        states.outcome_unknown(tenant, seller)
        due = Operation.objects.get(status="unknown").next_recovery_at
        step = f"Nothing has to be done. The worker looks again on {due:%Y-%m-%d %H:%M:%S} UTC."
        assert verdict().next_step == f"{step} Open the confirmation and press Recover now to ask at once."
        assert verdict(Reader(tenant.app)).next_step == step

    def test_whose_call_is_under_way_waits_for_stripe(self, tenant: Tenant, seller: str) -> None:
        states.outcome_unknown(tenant, seller)
        Operation.objects.filter(status="unknown").update(status="sending")
        found = verdict()
        assert (found.code, found.waits_for, found.is_problem) == ("under_way", "stripe", False)

    def test_that_is_well_is_a_problem_where_the_app_was_not_told(self, tenant: Tenant, seller: str) -> None:
        with receiving(Scripted(500, b"out of order"), Scripted()) as receiver:
            make_endpoint(receiver.url, tenant.app)
            tenant.pay(seller)
            waiting = verdict()
            assert deliver_next()
            found = verdict()
            with clock.moved_ahead(timedelta(hours=1)):
                assert deliver_next()
        assert (waiting.code, found.code, found.waits_for, found.is_problem) == ("paid", "app_not_told", "us", True)
        assert found.headline == "Paid: 10.00 USD. But the app has not been told"
        assert "/hooks has not got payment.succeeded: it answered 500. It is tried again on 20" in found.explanation
        assert verdict().code == "paid"

    def test_of_whose_hold_the_app_was_not_told_still_says_what_to_do_with_the_hold(self, tenant: Tenant, seller: str) -> None:
        with receiving(Scripted(500)) as receiver:
            make_endpoint(receiver.url, tenant.app)
            states.held(tenant, seller)
            deliver_next()
        found = verdict()
        assert found.code == "app_not_told"
        assert found.next_step.startswith(
            "Capture it when the goods are sent, the whole or a part once; or cancel the payment. The"
        )

    def test_whose_refund_was_refused_after_a_lost_dispute_asks_nobody_to_refund_it_again(
        self, tenant: Tenant, seller: str
    ) -> None:
        states.dispute_lost(tenant, seller)
        answer = tenant.post("/refunds", {"order_id": "2227222", "account_id": seller}, **{"CommerceCore-Version": "2026-12-01"})
        found = verdict()
        assert (answer.status_code, found.code, found.waits_for) == (409, "refund_not_made", "nobody")
        assert found.next_step == "Nothing has to be refunded: the buyer's bank has taken all of it back."

    def test_has_a_remark_for_everything_else_that_is_true(self, tenant: Tenant, seller: str) -> None:
        states.dispute_lost(tenant, seller)
        Transaction.objects.update(external=True, app=None, holds_order=False)
        assert verdict().remarks == ("It was made past this service: it has no order and no user here.",)
