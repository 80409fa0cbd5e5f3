"""The control API's part about connected accounts: what a seller tells Stripe, and what Stripe's reviewers decide."""

from typing import Any

from sandbox.api.errors import ParameterRefused, resource_missing
from sandbox.api.parameters import Choice, Hash, Integer, Parameter, Text, required
from sandbox.connect import decisions, onboarding
from sandbox.objects import state
from sandbox.timeline import clock, due
from sandbox.transport.controlled import controlled

STATE = Hash(
    {
        "state": required(Choice(decisions.STATES)),
        "deadline_s": Parameter(Integer(minimum=1, maximum=int(clock.FURTHEST.total_seconds()))),
    }
)
# As long as the fields of the onboarding form are.
DETAILS = Hash(
    {
        "account_number": Parameter(Text(17)),
        "business_name": Parameter(Text(100)),
        "product_description": Parameter(Text(500)),
        "website": Parameter(Text(200)),
    }
)


def _onboard(sent: dict[str, Any], account: str) -> dict[str, Any]:
    """The account as Stripe would answer it once its onboarding form was submitted; what is not sent is test data."""
    due.carry_out_due()
    try:
        onboarding.complete_onboarding(account_id=account, details=onboarding.OnboardingDetails(**sent))
    except onboarding.UnknownAccount:
        raise resource_missing("account", account, "account", status=404) from None
    return state.addressed("", "account", account, param="account").data


def _bring_into(sent: dict[str, Any], account: str) -> dict[str, Any]:
    """The account as Stripe would answer it, in its new state."""
    if "deadline_s" in sent and sent["state"] != decisions.DUE_SOON:
        raise ParameterRefused(f"Only the state {decisions.DUE_SOON} has a deadline.", param="deadline_s")
    due.carry_out_due()
    return decisions.bring_into(account, sent["state"], deadline_s=sent.get("deadline_s", decisions.DEADLINE_S)).data


account_api = controlled(POST=(STATE, _bring_into))
onboarding_api = controlled(POST=(DETAILS, _onboard))
