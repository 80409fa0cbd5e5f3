"""Which events are told of what, in which order: each of Stripe's names, and none that Stripe does not have."""

import ast
import inspect
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import stripe

from sandbox.connect import deauthorization
from sandbox.models import SandboxObject
from sandbox.money import authentication
from sandbox.objects import event_names, events, ids
from sandbox.objects.event_types import EVENT_TYPES
from sandbox.tests.conftest import Options, Services
from sandbox.tests.told_events import Told, newest
from sandbox.timeline import due

Make = Callable[..., Any]


def finish_challenge(intent_id: str, *, authenticated: bool) -> None:
    """The buyer's answer to the bank."""
    token = SandboxObject.objects.get(stripe_id=intent_id).hidden["challenge"]["token"]
    authentication.finish_challenge(intent_id=intent_id, token=token, authenticated=authenticated)


class TestNames:
    def test_of_a_payment_that_succeeds(self, pay: Make, told: Told) -> None:
        pay()

        assert told() == [
            "payment_intent.created", "payment_intent.succeeded", "charge.succeeded", "charge.updated",
        ]  # fmt: skip

    def test_of_a_payment_that_is_declined_twice_and_then_taken(
        self, v1: Services, at_seller: Options, pay: Make, told: Told
    ) -> None:
        with pytest.raises(stripe.CardError):
            pay("pm_card_chargeDeclined")
        assert sorted(told()) == ["charge.failed", "payment_intent.created", "payment_intent.payment_failed"]
        intent = v1.payment_intents.list({}, at_seller).data[0].id

        with pytest.raises(stripe.CardError):
            v1.payment_intents.confirm(intent, {"payment_method": "pm_card_chargeDeclined"}, at_seller)
        assert sorted(told()) == ["charge.failed", "payment_intent.payment_failed"]

        v1.payment_intents.confirm(intent, {"payment_method": "pm_card_visa"}, at_seller)
        assert sorted(told()) == ["charge.succeeded", "charge.updated", "payment_intent.succeeded"]

    def test_of_a_payment_whose_buyer_is_asked_and_fails_and_then_succeeds(
        self, v1: Services, at_seller: Options, pay: Make, told: Told
    ) -> None:
        intent = pay("pm_card_threeDSecure2Required")
        assert told() == ["payment_intent.created", "payment_intent.requires_action"]

        finish_challenge(intent.id, authenticated=False)
        assert told() == ["payment_intent.payment_failed"]

        v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_threeDSecure2Required"}, at_seller)
        assert told() == ["payment_intent.requires_action"]

        finish_challenge(intent.id, authenticated=True)
        assert sorted(told()) == ["charge.succeeded", "charge.updated", "payment_intent.succeeded"]

    def test_of_a_hold_that_is_captured(self, v1: Services, at_seller: Options, pay: Make, told: Told) -> None:
        intent = pay(capture_method="manual")
        assert sorted(told()) == ["charge.succeeded", "payment_intent.amount_capturable_updated", "payment_intent.created"]

        v1.payment_intents.capture(intent.id, {}, at_seller)
        assert sorted(told()) == ["charge.captured", "payment_intent.succeeded"]

    def test_of_a_hold_that_is_released(self, v1: Services, at_seller: Options, pay: Make, told: Told) -> None:
        intent = pay(capture_method="manual")
        told()

        v1.payment_intents.cancel(intent.id, {}, at_seller)

        assert sorted(told()) == ["charge.refunded", "payment_intent.canceled", "refund.created"]

    def test_of_a_hold_that_lapses(self, pay: Make, told: Told) -> None:
        pay(capture_method="manual")
        told()

        due.move_clock(timedelta(days=8))

        assert sorted(told()) == ["charge.expired", "payment_intent.canceled", "refund.created"]

    def test_of_a_refund_that_settles_later(self, v1: Services, at_seller: Options, pay: Make, told: Told) -> None:
        intent = pay("pm_card_pendingRefund")
        told()

        v1.refunds.create({"payment_intent": intent.id, "amount": 400}, at_seller)
        assert sorted(told()) == ["charge.refunded", "refund.created"]

        due.move_clock(timedelta(hours=1))
        assert told() == ["refund.updated"]

    def test_of_a_refund_that_fails(self, v1: Services, at_seller: Options, pay: Make, told: Told) -> None:
        intent = pay("pm_card_refundFail")
        v1.refunds.create({"payment_intent": intent.id}, at_seller)
        told()

        due.move_clock(timedelta(hours=1))

        assert told() == ["charge.updated", "refund.updated", "refund.failed", "balance.available"]

    def test_of_a_dispute_that_is_won(self, v1: Services, at_seller: Options, pay: Make, told: Told) -> None:
        pay("pm_card_createDispute")
        # The second charge.updated is the dispute's own doing: the charge says that it is disputed.
        assert told()[3:] == ["charge.updated", "charge.updated", "charge.dispute.created", "charge.dispute.funds_withdrawn"]
        dispute = v1.disputes.list({}, at_seller).data[0]

        v1.disputes.update(dispute.id, {"evidence": {"uncategorized_text": "winning_evidence"}, "submit": True}, at_seller)

        assert told() == [
            "charge.dispute.updated", "charge.dispute.funds_reinstated", "charge.dispute.closed", "balance.available",
        ]  # fmt: skip

    def test_of_a_charge_that_is_changed(self, v1: Services, at_seller: Options, pay: Make, told: Told) -> None:
        charge = pay().latest_charge
        told()

        v1.charges.update(charge, {"description": "Boots"}, at_seller)

        assert told() == ["charge.updated"]
        assert newest(v1, at_seller, "charge.updated").data.previous_attributes.to_dict() == {"description": None}

    def test_of_customers_and_their_cards(self, v1: Services, at_seller: Options, told: Told) -> None:
        customer = v1.customers.create({"name": "Jenny"}, at_seller)
        method = v1.payment_methods.attach("pm_card_visa", {"customer": customer.id}, at_seller)
        v1.payment_methods.update(method.id, {"metadata": {"a": "1"}}, at_seller)
        v1.payment_methods.detach(method.id, {}, at_seller)
        v1.customers.update(customer.id, {"name": "Jenny Rosen"}, at_seller)
        v1.customers.delete(customer.id, {}, at_seller)

        assert told() == [
            "customer.created", "payment_method.attached", "payment_method.updated", "payment_method.detached",
            "customer.updated", "customer.deleted",
        ]  # fmt: skip
        assert newest(v1, at_seller, "customer.deleted").data.object.name == "Jenny Rosen"

    def test_of_setup_intents(self, v1: Services, at_seller: Options, told: Told) -> None:
        never = {"automatic_payment_methods": {"enabled": True, "allow_redirects": "never"}}
        v1.setup_intents.create(never | {"payment_method": "pm_card_visa", "confirm": True}, at_seller)
        assert told() == ["setup_intent.created", "setup_intent.succeeded"]

        asked = v1.setup_intents.create(never | {"payment_method": "pm_card_authenticationRequired", "confirm": True}, at_seller)
        assert told() == ["setup_intent.created", "setup_intent.requires_action"]

        finish_challenge(asked.id, authenticated=False)
        assert told() == ["setup_intent.setup_failed"]

        v1.setup_intents.cancel(asked.id, {}, at_seller)
        assert told() == ["setup_intent.canceled"]

    def test_of_a_payout(self, v1: Services, at_seller: Options, pay: Make, told: Told) -> None:
        pay()

        due.move_clock(timedelta(days=6))

        payout = [name for name in told() if name.startswith("payout.")]
        assert payout == ["payout.created", "payout.updated", "payout.paid", "payout.reconciliation_completed"]

    def test_of_a_payout_that_is_taken_back(self, v1: Services, at_seller: Options, pay: Make, told: Told) -> None:
        pay("pm_card_bypassPending")
        v1.balance.retrieve({}, at_seller)
        told()

        made = v1.payouts.create({"amount": 100, "currency": "usd"}, at_seller)
        assert told() == ["payout.created"]

        v1.payouts.cancel(made.id, {}, at_seller)
        assert told() == ["payout.canceled", "balance.available"]

    def test_of_an_application_fee_are_the_platforms(self, v1: Services, at_seller: Options, pay: Make) -> None:
        pay(application_fee_amount=100)
        v1.balance.retrieve({}, at_seller)
        fee = v1.application_fees.list({}).data[0]
        refund = v1.application_fees.refunds.create(fee.id, {"amount": 40})
        v1.application_fees.refunds.update(fee.id, refund.id, {"metadata": {"a": "1"}})

        events = list(reversed(v1.events.list({"type": "application_fee.*"}).data))

        assert [event.type for event in events] == [
            "application_fee.created", "application_fee.refunded", "application_fee.refund.updated",
        ]  # fmt: skip
        assert [hasattr(event, "account") for event in events] == [False, False, False]
        assert events[2].data.object.id == refund.id

    def test_are_all_names_of_stripe(self) -> None:
        written = {*_literals(event_names), *_literals(events)}

        assert len(written) > 40
        assert written >= {"balance.available", "account.application.authorized", "account.application.deauthorized"}
        assert written <= set(EVENT_TYPES)


class TestAnAccount:
    def test_that_is_onboarded_tells_of_itself_its_capabilities_and_its_bank_account(
        self, v1: Services, new_seller: Callable[[], str]
    ) -> None:
        account = new_seller()
        at_account = {"stripe_account": account}

        events = list(reversed(v1.events.list({}, at_account).data))

        assert [event.type for event in events] == [
            "account.application.authorized",
            "account.updated", "capability.updated", "capability.updated", "account.external_account.created",
        ]  # fmt: skip
        assert {event.account for event in events} == {account} == {event.context for event in events}
        assert (events[0].data.object.object, events[0].data.object.id) == ("application", ids.APPLICATION)
        assert events[1].data.previous_attributes.charges_enabled is False
        assert (events[2].data.object.object, events[2].data.object.status) == ("capability", "active")
        assert events[2].data.previous_attributes.status == "inactive"
        assert events[4].data.object.object == "bank_account"
        assert v1.events.list({}).data == []

    def test_that_leaves_the_platform_tells_so_last(self, v1: Services, at_seller: Options) -> None:
        deauthorization.deauthorize(at_seller["stripe_account"])

        last = SandboxObject.objects.filter(object_type="event").latest("pk")

        assert last.data["type"] == "account.application.deauthorized"
        assert last.data["account"] == at_seller["stripe_account"]
        assert last.data["data"]["object"]["id"] == ids.APPLICATION


def _literals(module: Any) -> list[str]:
    """The names of events that a module writes out."""
    texts = [node.value for node in ast.walk(ast.parse(inspect.getsource(module))) if isinstance(node, ast.Constant)]
    return [text for text in texts if isinstance(text, str) and re.fullmatch(r"[a-z_]+(\.[a-z_]+)+", text)]
