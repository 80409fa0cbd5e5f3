"""The control API's part about connected accounts: brings one into a state that Stripe's reviewers decide."""

from typing import Any

from sandbox.api.errors import ParameterRefused
from sandbox.api.parameters import Choice, Hash, Integer, Parameter, required
from sandbox.connect import decisions
from sandbox.timeline import clock, due
from sandbox.transport.controlled import controlled

STATE = Hash(
    {
        "state": required(Choice(decisions.STATES)),
        "deadline_s": Parameter(Integer(minimum=1, maximum=int(clock.FURTHEST.total_seconds()))),
    }
)


def _bring_into(sent: dict[str, Any], account: str) -> dict[str, Any]:
    """The account as Stripe would answer it, in its new state."""
    if "deadline_s" in sent and sent["state"] != decisions.DUE_SOON:
        raise ParameterRefused(f"Only the state {decisions.DUE_SOON} has a deadline.", param="deadline_s")
    due.carry_out_due()
    return decisions.bring_into(account, sent["state"], deadline_s=sent.get("deadline_s", decisions.DEADLINE_S)).data


account_api = controlled(POST=(STATE, _bring_into))
