"""Refunds at once, on a database that runs them at once: no two take the same money, none comes back twice."""

from functools import partial
from typing import Any

import pytest

from sandbox.models import SandboxObject
from sandbox.money import refund_lifecycle
from sandbox.tests.at_once import THREADS, at_once, at_seller, succeeded, v1
from sandbox.tests.conftest import Options, Services
from sandbox.tests.refund_readings import COVERED, nets

__all__ = ["at_seller", "v1"]  # the fixtures of these names
pytestmark = pytest.mark.django_db(transaction=True)


def paid(v1: Services, account: Options, card: str, amount: int) -> str:
    """A payment with a test card: its charge, settled."""
    never = {"enabled": True, "allow_redirects": "never"}
    sent = {"amount": amount, "currency": "usd", "payment_method": card, "confirm": True, "automatic_payment_methods": never}
    return str(v1.payment_intents.create(sent | {"capture_method": "automatic"}, account).latest_charge)


class TestRefundsThatTheBalanceHasToCover:
    def test_take_no_more_than_there_is(self, v1: Services, at_seller: Options) -> None:
        v1.accounts.update(at_seller["stripe_account"], COVERED)
        charges = [paid(v1, at_seller, "pm_card_visa", 1000) for _ in range(THREADS)]
        paid(v1, at_seller, "pm_card_bypassPending", 3500)  # 33.68 of it are left: enough for three
        calls: list[Any] = [partial(v1.refunds.create, {"charge": charge}, at_seller) for charge in charges]
        statuses = sorted(refund.status for refund in at_once(calls))
        assert statuses == ["pending"] * (THREADS - 3) + ["succeeded"] * 3
        assert v1.balance.retrieve(None, at_seller).available[0].amount == 368

    def test_take_no_more_than_a_payout_at_once_has_left(self, v1: Services, at_seller: Options) -> None:
        v1.accounts.update(at_seller["stripe_account"], COVERED)
        for _ in range(3):
            charge = paid(v1, at_seller, "pm_card_bypassPending", 2000)
            left = v1.balance.retrieve(None, at_seller).available[0].amount
            pay_out = partial(v1.payouts.create, {"amount": left, "currency": "usd"}, at_seller)
            refund = partial(v1.refunds.create, {"charge": charge, "amount": left}, at_seller)
            at_once([pay_out, refund] * 2)
            assert v1.balance.retrieve(None, at_seller).available[0].amount == 0
            for waiting in SandboxObject.objects.filter(object_type="refund", data__status="pending"):
                refund_lifecycle.order(waiting.stripe_id, "failed")


class TestCancelingARefundAtOnce:
    def test_gives_the_money_back_once(self, v1: Services, at_seller: Options) -> None:
        charge = paid(v1, at_seller, "pm_card_pendingRefund", 1000)
        refund: Any = v1.refunds.create({"charge": charge}, at_seller)
        refund_lifecycle.order(refund.id, "requires_action")
        outcomes = at_once([partial(v1.refunds.cancel, refund.id, None, at_seller)] * THREADS)
        assert [canceled.status for canceled in succeeded(outcomes)] == ["canceled"]
        assert nets(v1, at_seller) == [("charge", 941), ("refund", -1000), ("refund_failure", 1000)]
        assert v1.charges.retrieve(charge, None, at_seller).amount_refunded == 0
