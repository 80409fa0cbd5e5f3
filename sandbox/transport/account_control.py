"""The control API's part about connected accounts: what a seller tells Stripe, and what Stripe's reviewers decide."""

from typing import Any

from sandbox.api.errors import ParameterRefused, StripeError, resource_missing
from sandbox.api.parameters import Choice, Hash, Integer, Parameter, Text, required
from sandbox.connect import deauthorization, decisions, onboarding
from sandbox.objects import journal, state
from sandbox.pages.forms import OnboardingForm
from sandbox.timeline import clock
from sandbox.transport.controlled import ordered

STATE = Hash(
    {
        "state": required(Choice(decisions.STATES)),
        "deadline_s": Parameter(Integer(minimum=1, maximum=int(clock.FURTHEST.total_seconds()))),
    }
)
# The fields of the onboarding form, which judges them.
DETAILS = Hash({name: Parameter(Text()) for name in OnboardingForm.base_fields})


def _onboard(sent: dict[str, Any], account: str) -> dict[str, Any]:
    """The account as Stripe would answer it once its onboarding form was submitted, changed as far as something is sent."""
    with journal.change():
        row = deauthorization.connected(account, lock=True)
        if row is None:
            raise resource_missing("account", account, "account", status=404)
        form = OnboardingForm(row)
        form = OnboardingForm(row, form.known | sent)
        if not form.is_valid():
            raise _refusal(form)
        onboarding.complete_onboarding(account_id=account, details=form.details())
    return state.addressed("", "account", account, param="account").data


def _refusal(form: OnboardingForm) -> StripeError:
    """The form's first error, in Stripe's shape."""
    name, [text, *_] = next(iter(form.errors.items()))
    return ParameterRefused(f"Invalid {name}: {text}", param=name)


def _bring_into(sent: dict[str, Any], account: str) -> dict[str, Any]:
    """The account as Stripe would answer it, in its new state."""
    if "deadline_s" in sent and sent["state"] != decisions.DUE_SOON:
        raise ParameterRefused(f"Only the state {decisions.DUE_SOON} has a deadline.", param="deadline_s")
    return decisions.bring_into(account, sent["state"], deadline_s=sent.get("deadline_s", decisions.DEADLINE_S)).data


account_api = ordered(STATE, _bring_into)
onboarding_api = ordered(DETAILS, _onboard)
