"""Application fees: what the platform takes of a seller's payment, and gives back."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import stripe

from sandbox.objects.ids import APPLICATION
from sandbox.tests.conftest import Options, Services
from sandbox.timeline import due

pytestmark = pytest.mark.usefixtures("noon")

Make = Callable[..., Any]


@pytest.fixture
def paid(v1: Services, at_seller: Options, pay: Make) -> Any:
    """The charge of a payment of 10.00 USD, of which 1.20 are the platform's."""
    payment = pay(application_fee_amount=120)
    return v1.charges.retrieve(payment.latest_charge, None, at_seller)


def nets(v1: Services, account: Options | None) -> list[tuple[str, int]]:
    """What an account's books say, oldest first."""
    return [(booked.type, booked.net) for booked in v1.balance_transactions.list(None, account).data][::-1]


class TestAnApplicationFee:
    def test_is_taken_as_the_charge_settles(self, v1: Services, at_seller: Options, pay: Make) -> None:
        payment = pay(application_fee_amount=120, expand=["latest_charge"])
        assert payment.latest_charge.application_fee is None
        charge = v1.charges.retrieve(payment.latest_charge.id, {"expand": ["balance_transaction"]}, at_seller)
        fee = v1.application_fees.retrieve(charge.application_fee)
        assert fee.id.startswith("fee_1")
        assert (fee.amount, fee.currency, fee.amount_refunded, fee.refunded) == (120, "usd", 0, False)
        assert (fee.account, fee.charge, fee.application) == (at_seller["stripe_account"], charge.id, APPLICATION)
        assert (fee.fee_source.type, fee.fee_source.charge, fee.refunds.data) == ("charge", charge.id, [])
        booked = charge.balance_transaction
        assert (booked.fee, booked.net) == (179, 821)
        lines = [(line.type, line.amount, line.application) for line in booked.fee_details]
        assert lines == [("stripe_fee", 59, None), ("application_fee", 120, APPLICATION)]

    def test_is_the_platforms_money(self, v1: Services, paid: Any) -> None:
        fee = v1.application_fees.retrieve(paid.application_fee, {"expand": ["balance_transaction"]})
        booked = fee.balance_transaction
        assert (booked.type, booked.reporting_category, booked.source) == ("application_fee", "platform_earning", fee.id)
        assert (booked.amount, booked.fee, booked.net, booked.status) == (120, 0, 120, "pending")
        assert v1.balance.retrieve().pending[0].amount == 120
        due.move_clock(timedelta(days=2))
        assert v1.balance_transactions.retrieve(booked.id).status == "available"

    def test_of_a_hold_is_taken_when_it_is_captured(self, v1: Services, at_seller: Options, pay: Make) -> None:
        held = pay(capture_method="manual", application_fee_amount=120)
        assert v1.application_fees.list().data == []
        v1.payment_intents.capture(held.id, {"application_fee_amount": 70}, at_seller)
        assert [fee.amount for fee in v1.application_fees.list()] == [70]

    def test_is_never_more_than_was_captured(self, v1: Services, at_seller: Options, pay: Make) -> None:
        held = pay(capture_method="manual", application_fee_amount=120)
        v1.payment_intents.capture(held.id, {"amount_to_capture": 100}, at_seller)
        assert [fee.amount for fee in v1.application_fees.list()] == [100]
        assert nets(v1, at_seller) == [("charge", 100 - 33 - 100)]

    def test_is_not_taken_where_none_was_asked(self, v1: Services, at_seller: Options, pay: Make) -> None:
        pay()
        pay(application_fee_amount=0)
        assert nets(v1, at_seller) == [("charge", 941), ("charge", 941)]
        assert v1.application_fees.list().data == []

    def test_is_listed_by_charge(self, v1: Services, paid: Any, pay: Make) -> None:
        pay(application_fee_amount=10)
        assert [fee.amount for fee in v1.application_fees.list()] == [10, 120]
        assert [fee.id for fee in v1.application_fees.list({"charge": paid.id})] == [paid.application_fee]

    def test_leads_to_its_charge_and_back(self, v1: Services, at_seller: Options, paid: Any) -> None:
        fee = v1.application_fees.retrieve(paid.application_fee, {"expand": ["charge.payment_intent", "account"]})
        assert (fee.charge.payment_intent.id, fee.account.id) == (paid.payment_intent, at_seller["stripe_account"])
        charge = v1.charges.retrieve(paid.id, {"expand": ["application_fee"]}, at_seller)
        assert charge.application_fee.amount == 120

    def test_is_a_404_for_the_seller(self, v1: Services, at_seller: Options, paid: Any) -> None:
        with pytest.raises(stripe.InvalidRequestError) as refused:
            v1.application_fees.retrieve(paid.application_fee, None, at_seller)
        assert (refused.value.http_status, refused.value.code) == (404, "resource_missing")


class TestRefundingAFee:
    def test_alone_gives_it_to_the_seller(self, v1: Services, at_seller: Options, paid: Any) -> None:
        refund = v1.application_fees.refunds.create(paid.application_fee, {"amount": 50, "metadata": {"why": "late"}})
        assert refund.id.startswith("fr_1")
        assert (refund.amount, refund.currency, refund.fee) == (50, "usd", paid.application_fee)
        assert refund.metadata.to_dict() == {"why": "late"}
        fee = v1.application_fees.retrieve(paid.application_fee)
        assert (fee.amount_refunded, fee.refunded, [one.id for one in fee.refunds]) == (50, False, [refund.id])
        assert nets(v1, None) == [("application_fee", 120), ("application_fee_refund", -50)]
        assert nets(v1, at_seller) == [("charge", 821), ("adjustment", 50)]

    def test_without_an_amount_gives_back_the_rest(self, v1: Services, paid: Any) -> None:
        v1.application_fees.refunds.create(paid.application_fee, {"amount": 50})
        assert v1.application_fees.refunds.create(paid.application_fee).amount == 70
        fee = v1.application_fees.retrieve(paid.application_fee)
        assert (fee.amount_refunded, fee.refunded) == (120, True)
        assert [refund.amount for refund in v1.application_fees.refunds.list(fee.id)] == [70, 50]

    @pytest.mark.parametrize(("amount", "param"), [(71, "amount"), (0, "amount")])
    def test_by_more_than_is_left_is_refused(self, v1: Services, at_seller: Options, paid: Any, amount: int, param: str) -> None:
        v1.application_fees.refunds.create(paid.application_fee, {"amount": 50})
        with pytest.raises(stripe.InvalidRequestError) as refused:
            v1.application_fees.refunds.create(paid.application_fee, {"amount": amount})
        assert (refused.value.http_status, refused.value.param) == (400, param)
        assert v1.application_fees.retrieve(paid.application_fee).amount_refunded == 50
        assert (len(nets(v1, None)), len(nets(v1, at_seller))) == (2, 2)

    def test_twice_is_refused(self, v1: Services, paid: Any) -> None:
        v1.application_fees.refunds.create(paid.application_fee)
        with pytest.raises(stripe.InvalidRequestError) as refused:
            v1.application_fees.refunds.create(paid.application_fee)
        assert (refused.value.http_status, "has already been refunded" in str(refused.value)) == (400, True)
        assert len(v1.application_fees.refunds.list(paid.application_fee).data) == 1

    def test_is_read_and_changed_under_its_fee(self, v1: Services, paid: Any, pay: Make) -> None:
        refund = v1.application_fees.refunds.create(paid.application_fee)
        changed = v1.application_fees.refunds.update(paid.application_fee, refund.id, {"metadata": {"a": "1"}})
        assert changed.metadata.to_dict() == {"a": "1"}
        assert v1.application_fees.retrieve(paid.application_fee).refunds.data[0].metadata.to_dict() == {"a": "1"}
        pay(application_fee_amount=10)
        other = v1.application_fees.list({"limit": 1}).data[0].id
        assert v1.application_fees.refunds.retrieve(paid.application_fee, refund.id).amount == 120
        with pytest.raises(stripe.InvalidRequestError) as refused:
            v1.application_fees.refunds.retrieve(other, refund.id)
        assert (refused.value.http_status, refused.value.code) == (404, "resource_missing")


class TestARefundOfAPayment:
    def test_keeps_the_fee_unless_asked(self, v1: Services, at_seller: Options, paid: Any) -> None:
        v1.refunds.create({"charge": paid.id}, at_seller)
        assert nets(v1, None) == [("application_fee", 120)]
        assert nets(v1, at_seller) == [("charge", 821), ("refund", -1000)]

    def test_gives_the_fee_back_where_asked(self, v1: Services, at_seller: Options, paid: Any) -> None:
        sent = {"charge": paid.id, "refund_application_fee": True, "expand": ["balance_transaction"]}
        booked = v1.refunds.create(sent, at_seller).balance_transaction
        assert (booked.amount, booked.fee, booked.net) == (-1000, -120, -880)
        assert [(line.type, line.amount) for line in booked.fee_details] == [("application_fee", -120)]
        assert nets(v1, None) == [("application_fee", 120), ("application_fee_refund", -120)]
        assert v1.application_fees.retrieve(paid.application_fee).refunded is True

    def test_in_part_gives_the_fee_back_in_proportion(self, v1: Services, at_seller: Options, paid: Any) -> None:
        for amount in (250, 104):  # a quarter of 120; 12.48
            v1.refunds.create({"charge": paid.id, "amount": amount, "refund_application_fee": True}, at_seller)
        assert [refund.amount for refund in v1.application_fees.refunds.list(paid.application_fee)] == [12, 30]

    def test_gives_back_no_more_fee_than_is_left(self, v1: Services, at_seller: Options, paid: Any) -> None:
        v1.application_fees.refunds.create(paid.application_fee, {"amount": 100})
        v1.refunds.create({"charge": paid.id, "refund_application_fee": True}, at_seller)
        assert v1.application_fees.retrieve(paid.application_fee).amount_refunded == 120
        assert nets(v1, at_seller) == [("charge", 821), ("adjustment", 100), ("refund", -980)]

    def test_without_a_fee_cannot_give_one_back(self, v1: Services, at_seller: Options, pay: Make) -> None:
        payment = pay()
        with pytest.raises(stripe.InvalidRequestError) as refused:
            v1.refunds.create({"payment_intent": payment.id, "refund_application_fee": True}, at_seller)
        assert (refused.value.http_status, refused.value.param) == (400, "refund_application_fee")
        assert v1.refunds.list(None, at_seller).data == []
        assert nets(v1, at_seller) == [("charge", 941)]
