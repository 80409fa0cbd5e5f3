"""Refunds: https://docs.stripe.com/api/refunds."""

from collections.abc import Callable

import stripe

from gateway.tests.contract.calls import Options, Services, fault

Pay = Callable[..., stripe.PaymentIntent]


class TestARefund:
    def test_gives_back_all_of_a_payment(self, v1: Services, at_seller: Options, pay: Pay) -> None:
        paid = pay()
        made = v1.refunds.create({"payment_intent": paid.id, "reason": "requested_by_customer"}, at_seller)
        assert (made.status, made.amount, made.charge) == ("succeeded", 1000, paid.latest_charge)
        charge = v1.charges.retrieve(paid.latest_charge, {}, at_seller)
        assert (charge.refunded, charge.amount_refunded) == (True, 1000)

    def test_gives_back_parts_until_nothing_is_left(self, v1: Services, at_seller: Options, pay: Pay) -> None:
        paid = pay()
        v1.refunds.create({"payment_intent": paid.id, "amount": 300}, at_seller)
        charge = v1.charges.retrieve(paid.latest_charge, {}, at_seller)
        assert (charge.refunded, charge.amount_refunded) == (False, 300)
        assert v1.refunds.create({"payment_intent": paid.id}, at_seller).amount == 700
        refused = fault(lambda: v1.refunds.create({"payment_intent": paid.id}, at_seller))
        assert (refused.http_status, refused.code) == (400, "charge_already_refunded")

    def test_of_more_than_is_left_is_refused(self, v1: Services, at_seller: Options, pay: Pay) -> None:
        paid = pay()
        refused = fault(lambda: v1.refunds.create({"payment_intent": paid.id, "amount": 1001}, at_seller))
        assert (refused.http_status, refused.type, refused.param) == (400, "invalid_request_error", "amount")
        assert refused.code in ("", "amount_too_large")  # public reports disagree, and the service takes both
        assert v1.refunds.list({"payment_intent": paid.id}, at_seller).data == []

    def test_of_a_payment_that_was_not_made_is_refused(self, v1: Services, at_seller: Options, new_payment: Pay) -> None:
        unpaid = new_payment()
        assert fault(lambda: v1.refunds.create({"payment_intent": unpaid.id}, at_seller)).http_status == 400

    def test_may_stay_pending(self, v1: Services, at_seller: Options, pay: Pay) -> None:
        paid = pay("pm_card_pendingRefund")
        assert v1.refunds.create({"payment_intent": paid.id}, at_seller).status == "pending"

    def test_is_found_by_its_payment(self, v1: Services, at_seller: Options, pay: Pay) -> None:
        paid, other = pay(), pay()
        made = v1.refunds.create({"payment_intent": paid.id, "metadata": {"commercecore_operation": "7"}}, at_seller)
        v1.refunds.create({"payment_intent": other.id}, at_seller)
        [found] = v1.refunds.list({"payment_intent": paid.id}, at_seller).data
        assert (found.id, found.metadata.to_dict()) == (made.id, {"commercecore_operation": "7"})
