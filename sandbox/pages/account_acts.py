"""What the staff may let become of a connected account on its page: what Stripe's reviewers would decide."""

from datetime import timedelta
from functools import partial
from typing import Any

from django.http import HttpRequest, HttpResponse

from sandbox.connect import decisions, standing
from sandbox.models import SandboxObject
from sandbox.pages.base import carried_out, staff_page_of_the_present

# How each state is called; Stripe's word for it stands beside it.
NAMES = {
    decisions.ACTIVE: "Active, nothing due",
    decisions.DUE_SOON: f"Something due in {timedelta(seconds=decisions.DEADLINE_S).days} days",
    standing.PAST_DUE: "Something past due",
    standing.PENDING_VERIFICATION: "Verification pending",
    "under_review": "Under review",
    "listed": "On a list of prohibited persons or companies",
    "other": "Disabled for another reason",
    "platform_paused": "Paused by the platform",
    "rejected.fraud": "Rejected for fraud",
    "rejected.incomplete_verification": "Rejected, never verified",
    "rejected.listed": "Rejected, on such a list",
    "rejected.other": "Rejected for another reason",
    "rejected.terms_of_service": "Rejected for breaking the terms",
}


def offered(row: SandboxObject) -> dict[str, Any] | None:
    """What the page of an object shows of an account's standing, and offers; None for any other, and one that is gone."""
    if row.object_type != "account" or row.deleted or "left" in row.hidden:
        return None
    return {
        "disabled_reason": row.data["requirements"]["disabled_reason"],
        "enabled": {"Payments": row.data["charges_enabled"], "Payouts": row.data["payouts_enabled"]},
        "states": [(name, NAMES[name]) for name in decisions.STATES] if row.data["details_submitted"] else [],
    }


@staff_page_of_the_present("POST")
def bring_into(request: HttpRequest, account_id: str) -> HttpResponse:
    """Brings an account into a state, and shows it; an order that is not legal is told."""
    order = partial(decisions.bring_into, account_id, request.POST.get("state", ""))
    return carried_out(request, account_id, order, refused="This account cannot be brought into that state")
