"""Accounts that the platform rejects, and takes back (https://docs.stripe.com/api/account/reject, …/unreject)."""

from typing import Any

from sandbox.api.errors import StripeError, account_invalid
from sandbox.api.parameters import Choice, required, takes
from sandbox.api.wire import Request
from sandbox.connect import standing
from sandbox.models import SandboxObject
from sandbox.resources import accounts

# The `requirements.disabled_reason` that each reason leads to: that it names the platform is told by
# https://docs.stripe.com/changelog/endive/2026-09-30/platform-rejection-reasons, what becomes of `credit` is unverified.
DISABLED_REASONS = {
    "credit": "rejected.platform_other",
    "fraud_no_intent_to_fulfill": "rejected.platform_fraud",
    "fraud_other": "rejected.platform_fraud",
    "fraud_payment_method_casher": "rejected.platform_fraud",
    "fraud_payment_method_tester": "rejected.platform_fraud",
    "other": "rejected.platform_other",
    "terms_of_service": "rejected.platform_terms_of_service",
}
REJECT = takes(reason=required(Choice(tuple(DISABLED_REASONS))), payouts_action=Choice(("none", "pause")))
UNREJECT = takes()


def reject(request: Request, account: str) -> dict[str, Any]:
    """Disables an account, onboarded or not, whatever its balance; its payouts as well, unless `payouts_action` is `none`.

    Raises a 400 for one that is rejected already (unverified).
    """
    row = _find(request, account)
    if standing.is_rejected(row):
        raise StripeError("This account has already been rejected.")
    pauses_payouts = request.parameters.get("payouts_action", "pause") == "pause"
    reason = DISABLED_REASONS[request.parameters["reason"]]
    row.hidden[standing.REJECTION] = {"reason": reason, "pauses_payouts": pauses_payouts}
    standing.apply(row)
    return row.data


def unreject(request: Request, account: str) -> dict[str, Any]:
    """Takes the platform's rejection back: whatever else stands against the account stays.

    Raises a 400 for an account that the platform has not rejected; one that Stripe has rejected stays so (text unverified).
    """
    row = _find(request, account)
    if not standing.is_rejected_by_platform(row):
        raise StripeError("Only accounts that were rejected by your platform can be unrejected.")
    del row.hidden[standing.REJECTION]
    standing.apply(row)
    return row.data


def _find(request: Request, account: str) -> SandboxObject:
    """The account, locked. Raises a 403 for an account that names itself: only the platform decides (unverified)."""
    if request.account:
        raise account_invalid(request.key, account)
    return accounts.find(request, account, lock=True)
