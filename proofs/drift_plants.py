"""All drift that is planted: each plant changes one side behind the other's back, and tells what should be found of it.

    planted = plant_all(seeded, times=3)                  # each of PLANTS three times, at payments that nobody planted at yet
    planted[0].type, .kind, .object_id, .account_id       # in the words of reconciliation.models

Each is a function of `proofs.drift_by_hand` or of `proofs.drift_past_us`.
"""

from collections.abc import Callable, Mapping

from proofs import drift_by_hand, drift_past_us
from proofs.drift_seeds import SeededBooks
from proofs.drift_soil import Planted, Soil

PLANTS: Mapping[str, Callable[[Soil], Planted]] = {
    plant.__name__: plant
    for plant in (
        drift_by_hand.payment_missing_here,
        drift_by_hand.payment_missing_there,
        drift_by_hand.refund_missing_there,
        drift_by_hand.dispute_missing_here,
        drift_by_hand.dispute_missing_there,
        drift_by_hand.payout_missing_here,
        drift_by_hand.fee_missing_there,
        drift_by_hand.balance_transaction_missing_there,
        drift_by_hand.account_missing_here,
        drift_by_hand.account_missing_there,
        drift_by_hand.amount_received_differs,
        drift_by_hand.fee_differs_here,
        drift_by_hand.fee_differs_there,
        drift_by_hand.refund_amount_differs,
        drift_by_hand.refunded_sum_differs,
        drift_by_hand.balance_transaction_differs,
        drift_by_hand.currency_differs,
        drift_by_hand.held_here_succeeded_there,
        drift_by_hand.processing_here_succeeded_there,
        drift_by_hand.canceled_here_succeeded_there,
        drift_by_hand.dispute_state_differs,
        drift_by_hand.payout_state_differs,
        drift_by_hand.payouts_enabled_differs,
        drift_by_hand.charge_without_intent,
        drift_by_hand.balance_transaction_of_nothing,
        drift_by_hand.fee_of_nothing,
        drift_by_hand.refund_of_another_payment,
        drift_past_us.external_refund,
        drift_past_us.confirmation_unheard,
        drift_past_us.capture_unheard,
        drift_past_us.cancellation_unheard,
        drift_past_us.refund_failure_unheard,
        drift_past_us.order_paid_by_two_apps,
        drift_past_us.order_paid_past_us,
        drift_past_us.second_payment_unheard,
    )
}


def plant_all(seeded: SeededBooks, *, times: int = 1) -> list[Planted]:
    """Each of PLANTS `times` times."""
    soil = Soil(seeded)
    return [plant(soil) for plant in PLANTS.values() for _ in range(times)]
