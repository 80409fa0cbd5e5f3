"""Payment intents: what an update changes, and until when."""

from collections.abc import Callable
from typing import Any

import pytest
import stripe

from sandbox.tests.test_payment_intents import refused_state

Make = Callable[..., Any]


class TestUpdating:
    def test_changes_the_amount_before_the_payment(self, v1: Any, at_seller: dict[str, str], new_payment: Make) -> None:
        payment = new_payment()
        assert v1.payment_intents.update(payment.id, {"amount": 1500}, at_seller).amount == 1500

    def test_the_amount_takes_back_what_the_buyer_was_asked(self, v1: Any, at_seller: dict[str, str], pay: Make) -> None:
        payment = pay("pm_card_authenticationRequired")
        changed = v1.payment_intents.update(payment.id, {"amount": 1500}, at_seller)
        assert (changed.status, changed.next_action) == ("requires_confirmation", None)

    def test_the_amount_of_a_paid_one_is_refused(self, v1: Any, at_seller: dict[str, str], pay: Make) -> None:
        payment = pay()
        refused_state(lambda: v1.payment_intents.update(payment.id, {"amount": 1500}, at_seller))
        assert v1.payment_intents.retrieve(payment.id, None, at_seller).amount == 1000

    def test_the_allowed_methods_of_a_paid_one_is_refused(
        self, v1: Any, at_seller: dict[str, str], pay: Make, told: Callable[[], list[str]]
    ) -> None:
        payment = pay()
        told()
        sent = {"allowed_payment_method_types": ["card"]}
        refused = refused_state(lambda: v1.payment_intents.update(payment.id, sent, at_seller))
        assert "This PaymentIntent's allowed_payment_method_types could not be updated" in refused.message
        kept = v1.payment_intents.retrieve(payment.id, None, at_seller)
        assert (kept.payment_method_types, "allowed_payment_method_types" in kept) == (["card", "link"], False)
        assert told() == []

    def test_merges_metadata_at_any_time(self, v1: Any, at_seller: dict[str, str], pay: Make) -> None:
        payment = pay(metadata={"order": "7", "color": "red"})
        changed = v1.payment_intents.update(payment.id, {"metadata": {"color": "", "size": "L"}}, at_seller)
        assert changed.metadata.to_dict() == {"order": "7", "size": "L"}

    def test_checks_the_new_amount(self, v1: Any, at_seller: dict[str, str], new_payment: Make) -> None:
        payment = new_payment()
        with pytest.raises(stripe.InvalidRequestError) as refused:
            v1.payment_intents.update(payment.id, {"amount": 10}, at_seller)
        assert refused.value.code == "amount_too_small"
