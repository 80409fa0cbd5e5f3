"""The order in which rows are locked is that of `state.LOCK_ORDER`, so that no two requests wait for each other."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db.models import QuerySet

from sandbox.models import SandboxObject
from sandbox.objects import journal, state
from sandbox.tests.bank_debits import capable, confirmed
from sandbox.tests.ordered_disputes import Make, Options, dispute_in, order
from sandbox.tests.refund_readings import COVERED
from sandbox.timeline import due

__all__ = ["dispute_in", "order"]  # the fixtures of these names
pytestmark = pytest.mark.usefixtures("noon")

Changes = Callable[[], list[list[str]]]


@pytest.fixture
def changes(db: None, monkeypatch: pytest.MonkeyPatch) -> Changes:
    """Tells the types of the objects that each change since the last look locked, and that each kept the order.

    On any database, as it is the query that asks for a lock. What is locked again is told where it was locked first.
    """
    seen: list[tuple[Any, dict[int, SandboxObject]]] = []
    fetch = QuerySet._fetch_all

    def watched(self: QuerySet[Any]) -> None:
        is_new = self._result_cache is None
        fetch(self)
        if is_new and self.query.select_for_update and self.model is SandboxObject:
            change = journal._journal.get()
            if not seen or seen[-1][0] is not change:
                seen.append((change, {}))
            for row in self._result_cache or []:
                seen[-1][1].setdefault(row.pk, row)

    def look() -> list[list[str]]:
        found = [list(rows.values()) for change, rows in seen if change]
        seen.clear()
        for rows in found:
            places = [(state.LOCK_ORDER.index(row.object_type), row.pk) for row in rows]
            assert places == sorted(places)
        return [[row.object_type for row in rows] for rows in found]

    monkeypatch.setattr(QuerySet, "_fetch_all", watched)
    return look


class TestTheOrderOfLocks:
    def test_is_kept_by_an_inquiry_that_escalates(
        self, v1: Any, at_seller: Options, dispute_in: Make, order: Make, changes: Changes
    ) -> None:
        inquiry = dispute_in("warning_needs_response")
        v1.accounts.update(at_seller["stripe_account"], COVERED)
        charge = v1.disputes.retrieve(inquiry, None, at_seller).charge
        for _ in range(2):
            v1.refunds.create({"charge": charge, "amount": 100}, at_seller)
        due.carry_out_due()
        changes()
        order(inquiry, "needs_response")
        assert changes() == [["payment_intent", "charge", "dispute", "refund", "refund"]]

    def test_is_kept_by_a_dispute_that_revokes_a_mandate(self, v1: Any, at_seller: Options, changes: Changes) -> None:
        seller = at_seller["stripe_account"]
        capable(v1, seller)
        intent = v1.payment_intents.create(confirmed("pm_usBankAccount_dispute"), at_seller)
        v1.accounts.update(seller, COVERED)
        v1.refunds.create({"charge": intent.latest_charge}, at_seller)  # more than is left of it after the fee
        changes()
        due.move_clock(timedelta(days=10))
        assert ["payment_intent", "charge", "refund", "payment_method"] in changes()
        assert v1.disputes.list(None, at_seller).data[0].status == "lost"

    def test_is_kept_by_refunds_that_try_again(self, v1: Any, at_seller: Options, pay: Make, changes: Changes) -> None:
        v1.accounts.update(at_seller["stripe_account"], COVERED)
        charges = [pay(application_fee_amount=100).latest_charge for _ in range(2)]
        for charge in (charges[1], charges[0], charges[1]):
            sent = {"charge": charge, "amount": 100, "refund_application_fee": True}
            assert v1.refunds.create(sent, at_seller).status == "pending"
        pay("pm_card_bypassPending", amount=5000)
        changes()
        due.carry_out_due()
        fees = ["application_fee", "application_fee"]
        assert ["account", "charge", "charge", "refund", "refund", "refund", *fees] in changes()
