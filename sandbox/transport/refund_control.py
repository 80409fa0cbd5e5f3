"""The control API of refunds: what a buyer's bank, or the buyer, makes of one, ordered by whoever tests."""

from typing import Any

from sandbox.api.errors import ParameterRefused
from sandbox.api.parameters import Choice, Hash, Parameter, required
from sandbox.money import refund_lifecycle
from sandbox.transport.controlled import ordered

MOVE = Hash(
    {
        "status": required(Choice(("pending", "requires_action", "succeeded", "failed"))),
        "failure_reason": Parameter(Choice(refund_lifecycle.FAILURE_REASONS)),
    }
)


def _move(sent: dict[str, Any], refund: str) -> dict[str, Any]:
    """The refund as Stripe would answer it, after the move."""
    if "failure_reason" in sent and sent["status"] != "failed":
        raise ParameterRefused("Only a refund that fails has a failure_reason.", param="failure_reason")
    return refund_lifecycle.order(refund, **sent)


refund_api = ordered(MOVE, _move)
