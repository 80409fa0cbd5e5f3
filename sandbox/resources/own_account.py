"""`GET /v1/account`: whoever the request is made as, the platform or a connected account."""

from datetime import UTC, datetime
from typing import Any

from sandbox.api.parameters import takes
from sandbox.api.wire import Request
from sandbox.connect import new_account, requirements
from sandbox.objects import state

RETRIEVE = takes()
# The platform has no row among its accounts; its id only has to have Stripe's shape and to stay the same.
PLATFORM_ID = "acct_1SandboxPlatform"
PLATFORM_COUNTRY = "US"
# Any moment before all that the sandbox ever makes: the day of the API version that it speaks.
PLATFORM_SINCE = int(datetime(2026, 10, 28, tzinfo=UTC).timestamp())


def retrieve(request: Request) -> dict[str, Any]:
    """The account of the request."""
    if request.account:
        return state.addressed("", "account", request.account, param="account").data
    return _platform()


def _platform() -> dict[str, Any]:
    """The platform as it sees itself: a Standard account that is onboarded, controlled by nobody else."""
    data = new_account.fresh(PLATFORM_ID, PLATFORM_COUNTRY) | {
        "charges_enabled": True,
        "controller": {"type": "account"},
        "created": PLATFORM_SINCE,
        "details_submitted": True,
        "payouts_enabled": True,
        "requirements": requirements.nothing_due(),
        "type": "standard",
    }
    data["settings"]["dashboard"]["display_name"] = "The sandbox's platform"
    return data
