"""Sellers whom Stripe has disabled, or asks for more: what this service says of them, and what it still does for them."""

from collections.abc import Callable
from typing import Any

import pytest

from accounts.models import ConnectedAccount
from commercecore_payments.tests.tenants import Tenant
from sandbox.connect import decisions

NAMES = ("bank_transfer_payments", "card_payments", "link_payments", "transfers", "us_bank_transfer_payments")
DOCUMENT = "individual.verification.document"
NOTHING_DUE: dict[str, Any] = {
    "currently_due": [],
    "eventually_due": [],
    "past_due": [],
    "pending_verification": [],
    "current_deadline": None,
    "disabled_reason": None,
}
UNTIL_THEN = "Onboarding link expires in 18 hours use the 'onboarding_url' to complete the onboarding"


@pytest.fixture
def onboarding(tenant: Tenant, seller: str) -> Callable[[], Any]:
    """Tells how far the seller's onboarding has come."""
    return lambda: tenant.post("/connected-accounts/onboarding", {"account_id": seller}).json()["data"]


@pytest.mark.parametrize(
    ("state", "capability", "requirements"),
    [
        ("under_review", "inactive", {"disabled_reason": "under_review"}),
        ("rejected.fraud", "inactive", {"disabled_reason": "rejected.fraud"}),
        (
            "requirements.pending_verification",
            "pending",
            {"disabled_reason": "requirements.pending_verification", "pending_verification": [DOCUMENT]},
        ),
        (
            "requirements.past_due",
            "inactive",
            {
                "currently_due": [DOCUMENT],
                "disabled_reason": "requirements.past_due",
                "eventually_due": [DOCUMENT],
                "past_due": [DOCUMENT],
            },
        ),
    ],
    ids=["under review", "rejected", "pending verification", "past due"],
)
class TestASellerWhomStripeHasDisabled:
    def test_is_told_as_pending_with_the_reason(
        self, tenant: Tenant, seller: str, onboarding: Callable[[], Any], state: str, capability: str, requirements: Any
    ) -> None:
        decisions.bring_into(seller, state)
        assert onboarding() == {"message": UNTIL_THEN, "status": "pending", "requirements": NOTHING_DUE | requirements}
        read = tenant.get(f"/connected-accounts/{seller}")
        assert (read.status_code, read.json()["data"]["capabilities"]) == (200, dict.fromkeys(NAMES, capability))
        account = ConnectedAccount.objects.get()
        assert (account.onboarding, account.charges_enabled, account.payouts_enabled) == ("pending", False, False)
        assert account.details_submitted is True

    def test_takes_no_payment_but_gives_money_back(
        self, tenant: Tenant, seller: str, state: str, capability: str, requirements: Any
    ) -> None:
        tenant.pay(seller, order_id="paid", amount=1000)
        waiting = tenant.create_payment(seller, order_id="waiting", amount=1000)
        decisions.bring_into(seller, state)
        refused = tenant.confirm(seller, waiting)
        assert refused.status_code == 400
        assert "Your account cannot currently make charges." in refused.json()["detail"]
        assert tenant.get(f"/transactions/{waiting}").json()["data"]["status"] == "requires_payment_method"
        assert tenant.refund(seller, order_id="paid", amount=400).status_code == 201

    def test_is_complete_again_once_that_is_lifted(
        self, tenant: Tenant, seller: str, onboarding: Callable[[], Any], state: str, capability: str, requirements: Any
    ) -> None:
        decisions.bring_into(seller, state)
        onboarding()
        decisions.bring_into(seller, "active")
        assert onboarding() == {"message": "Onboarding is complete", "status": "complete", "requirements": NOTHING_DUE}
        assert ConnectedAccount.objects.get().charges_enabled is True
        assert tenant.pay(seller)


class TestASellerWhomStripeAsksForMore:
    def test_is_complete_until_the_deadline(self, tenant: Tenant, seller: str, onboarding: Callable[[], Any]) -> None:
        account = decisions.bring_into(seller, "due_soon")
        told = onboarding()
        assert (told["message"], told["status"]) == ("Onboarding is complete", "complete")
        assert told["requirements"] == NOTHING_DUE | {
            "current_deadline": account.data["requirements"]["current_deadline"],
            "currently_due": [DOCUMENT],
            "eventually_due": [DOCUMENT],
        }
        assert tenant.pay(seller)
