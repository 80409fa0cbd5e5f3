"""The part of Stripe's reviewers: what they decide about an account, ordered by a program or by the staff."""

from datetime import timedelta

from sandbox.api.errors import ParameterRefused, StripeError, resource_missing
from sandbox.connect import deauthorization, requirements, standing, verification
from sandbox.models import SandboxObject
from sandbox.objects import journal
from sandbox.timeline import clock

# Nothing is due any more, and nothing decided.
ACTIVE = "active"
# Something is due by a deadline, and the account enabled until then.
DUE_SOON = "due_soon"
# Reasons of the SDK's `Account.Requirements.disabled_reason` that Stripe itself gives, or its dashboard (`platform_paused`:
# Stripe pauses payments or payouts, each for itself, the sandbox both at once;
# https://docs.stripe.com/connect/pausing-payments-or-payouts-on-connected-accounts). Those that are missing the platform
# brings about by the API: `rejected.platform_…` and `action_required.requested_capabilities`.
DECISIONS = (
    "under_review",
    "listed",
    "other",
    "platform_paused",
    "rejected.fraud",
    "rejected.incomplete_verification",
    "rejected.listed",
    "rejected.other",
    "rejected.terms_of_service",
)
STATES = (ACTIVE, DUE_SOON, standing.PAST_DUE, standing.PENDING_VERIFICATION, *DECISIONS)
# How long an account has to solve a problem where nobody says: the sandbox's own, Stripe's deadlines differ by requirement.
DEADLINE_S = 14 * 24 * 60 * 60


def bring_into(account_id: str, new_state: str, *, deadline_s: int = DEADLINE_S) -> SandboxObject:
    """Brings a connected account into one of the STATES; of `due_soon` the deadline is that many seconds away.

    It replaces what was decided before, a rejection by the platform as well. What the account owes stays as it is under one
    of the DECISIONS, and is replaced by the other states. Raises a 404 for an account that is not connected to the platform,
    and a 400 for an unknown state, and for an account that is not onboarded or has no capabilities.
    """
    if new_state not in STATES:
        raise ParameterRefused(f"Invalid state: must be one of {', '.join(STATES)}", param="state")
    with journal.change():
        account = deauthorization.connected(account_id, lock=True)
        if account is None:
            raise resource_missing("account", account_id, "account", status=404)
        _require_onboarded(account)
        account.hidden.pop(standing.REJECTION, None)
        account.hidden.pop(standing.DECISION, None)
        if new_state in DECISIONS:
            account.hidden[standing.DECISION] = new_state
        else:
            _set_requirements(account, new_state, deadline_s)
        standing.apply(account)
        return account


def _require_onboarded(account: SandboxObject) -> None:
    if not account.data["details_submitted"]:
        raise StripeError(
            "This account has not completed its onboarding: do that first, at its page below /sandbox/accounts or by "
            f"POST /sandbox/api/accounts/{account.stripe_id}/onboarding.",
            param="state",
        )
    if not account.data["capabilities"]:
        raise StripeError("This account has no capabilities: the platform has to request some first.", param="state")


def _set_requirements(account: SandboxObject, new_state: str, deadline_s: int) -> None:
    problem = verification.unverified_owner(account)
    if new_state == DUE_SOON:
        verification.set_deadline(account, clock.now() + timedelta(seconds=deadline_s), problem)
    elif new_state == standing.PAST_DUE:
        account.data["requirements"] = requirements.past_due([problem])
    elif new_state == standing.PENDING_VERIFICATION:
        account.data["requirements"] = requirements.being_verified([problem.requirement])
    else:
        account.data["requirements"] = requirements.nothing_due()
