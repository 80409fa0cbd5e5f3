"""Whether a connected account may charge and be paid out, and why not.

It follows of three things, the first that holds: the platform has rejected the account, Stripe has decided something
about it, or it owes Stripe something. What was under way when an account is disabled goes on: challenges, captures,
cancellations, refunds and disputes. That it does at Stripe is unverified.
"""

from typing import Any

from sandbox.models import SandboxObject
from sandbox.money import payout_schedule
from sandbox.objects import state

# Among what Stripe does not show of an account: Stripe's decision, which is a `disabled_reason`, and the platform's rejection.
DECISION = "decision"
REJECTION = "rejection"
PAST_DUE = "requirements.past_due"
PENDING_VERIFICATION = "requirements.pending_verification"
# "You need to request capabilities for the connected account": https://docs.stripe.com/connect/handling-api-verification.
NO_CAPABILITIES = "action_required.requested_capabilities"


def apply(account: SandboxObject) -> None:
    """Writes a locked account with all that follows of what it owes and what was decided about it.

    Money that waited for its payouts goes with the next ones.
    """
    data = account.data
    was_paid_out = data["payouts_enabled"]
    reason = _disabled_reason(account)
    data["requirements"]["disabled_reason"] = reason
    data["charges_enabled"] = reason is None
    data["payouts_enabled"] = reason is None or _keeps_payouts(account)
    data["capabilities"] = dict.fromkeys(data["capabilities"], _capability_status(reason))
    state.save(account)
    if data["payouts_enabled"] and not was_paid_out:
        payout_schedule.plan(account.stripe_id)


def is_rejected(account: SandboxObject) -> bool:
    """Whether the platform or Stripe has rejected the account."""
    return is_rejected_by_platform(account) or account.hidden.get(DECISION, "").startswith("rejected.")


def is_rejected_by_platform(account: SandboxObject) -> bool:
    """Whether the platform has rejected the account, and may take that back."""
    return REJECTION in account.hidden


def _disabled_reason(account: SandboxObject) -> str | None:
    rejection = account.hidden.get(REJECTION)
    decision: str | None = rejection["reason"] if rejection else account.hidden.get(DECISION)
    return decision or _reason_by_itself(account.data)


def _reason_by_itself(data: dict[str, Any]) -> str | None:
    """Why an account about which nobody decided anything is disabled.

    Stripe may leave an account enabled while it verifies something; the sandbox does not.
    """
    if data["requirements"]["past_due"]:
        return PAST_DUE
    if data["requirements"]["pending_verification"]:
        return PENDING_VERIFICATION
    return None if data["capabilities"] else NO_CAPABILITIES


def _keeps_payouts(account: SandboxObject) -> bool:
    """Whether the platform rejected the account with `payouts_action: none`, and nothing else stands against payouts."""
    rejection = account.hidden.get(REJECTION)
    if not rejection or rejection["pauses_payouts"]:
        return False
    return not account.hidden.get(DECISION) and _reason_by_itself(account.data) is None


def _capability_status(reason: str | None) -> str:
    if reason is None:
        return "active"
    return "pending" if reason == PENDING_VERIFICATION else "inactive"
