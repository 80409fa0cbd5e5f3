"""The control API of disputes: what the buyer's bank decides, for programs that are tested against the sandbox."""

from typing import Any

from sandbox.api.parameters import Choice, Hash, required
from sandbox.money import dispute_orders
from sandbox.transport.controlled import ordered

MOVE = Hash({"status": required(Choice(tuple(dispute_orders.NEXT)))})


def _move(sent: dict[str, Any], *, dispute: str) -> dict[str, Any]:
    return dispute_orders.move(dispute, sent["status"]).data


dispute_api = ordered(MOVE, _move)
